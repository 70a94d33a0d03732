"""The protocol graphql-transport-ws: connection_init, malformed messages, limits, and expired tokens."""

import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import orjson
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from server.graphql.websocket import MAX_MESSAGE_BYTES, MAX_OPERATIONS
from tests.conftest import Server, World
from tests.server.test_http import signed
from tests.server.test_requests import SENTENCES
from tests.support.subscriptions import ORDER, PROTOCOL, complete, leave_feedback, opened, wait_until

pytestmark = pytest.mark.either

INIT = {"type": "connection_init", "payload": {}}


def dial(server: Server, *protocols: Any, **options: Any) -> ClientConnection:
    address = server.url.replace("http", "ws", 1) + "/graphql"
    return connect(address, subprotocols=protocols or (PROTOCOL,), **options)


def closed(connection: ClientConnection) -> int:
    """Returns the code with which the server closes the socket, after any messages."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            connection.recv(10)
    assert connection.protocol.close_code is not None
    return connection.protocol.close_code


def greet(connection: ClientConnection, **payload: Any) -> None:
    connection.send(orjson.dumps(INIT | {"payload": payload}).decode())


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({}, "MISSING"),
        ({"authorization": ""}, "MISSING"),
        ({"authorization": "Bearer nonsense"}, "INVALID"),
        ({"authorization": "Basic eDp4"}, "MISSING"),
        ({"authorization": 7}, "MISSING"),
        ({"authorization": f"Bearer {signed(exp=datetime(2020, 1, 1, tzinfo=UTC))}"}, "EXPIRED"),
        ({"authorization": f"Bearer {signed(exp=datetime(2020, 1, 1, tzinfo=UTC), iss='x')}"}, "INVALID"),
        ({"authorization": f"Bearer {signed(role='KING')}"}, "INVALID"),
    ],
)
def test_no_or_a_bad_token_is_4403_and_says_which(server: Server, payload: dict[str, Any], reason: str) -> None:
    with dial(server) as connection:
        greet(connection, **payload)
        assert closed(connection) == 4403
        assert connection.close_reason == reason


def test_a_token_may_come_with_the_handshake(server: Server, world: World) -> None:
    with dial(server, additional_headers={"Authorization": f"Bearer {world.buyer.token}"}) as connection:
        greet(connection)
        assert orjson.loads(connection.recv(10)) == {"type": "connection_ack"}


@pytest.mark.parametrize(
    "greeting", ["", ', "payload": null', ', "payload": {}', ', "payload": {"Authorization": null}']
)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_greeting_may_say_nothing(server: Server, world: World, greeting: str, mark: str) -> None:
    with dial(server, additional_headers={"Authorization": f"Bearer {world.buyer.token}"}) as connection:
        connection.send(f'{mark}{{"type": "connection_init"{greeting}}}')
        assert orjson.loads(connection.recv(10)) == {"type": "connection_ack"}
    with dial(server) as connection:
        connection.send(f'{mark}{{"type": "connection_init"{greeting}}}')
        assert closed(connection) == 4403


@pytest.mark.parametrize("payload", ['{"query": "{ serverTime }"}', '{"id": "unknown"}'])
def test_nothing_is_answered_before_the_greeting(server: Server, payload: str) -> None:
    with dial(server) as connection:
        connection.send(f'{{"type": "subscribe", "id": "1", "payload": {payload}}}')
        assert closed(connection) == 4401


def test_the_legacy_protocol_is_refused(server: Server) -> None:
    for protocols in (["graphql-ws"], ["something", "graphql-ws"]):
        with dial(server, *protocols) as connection:
            assert closed(connection) == 4406


def test_a_foreign_page_is_refused(server: Server) -> None:
    with pytest.raises(InvalidStatus) as refused:
        dial(server, origin="https://evil.example")
    assert refused.value.response.status_code == 403
    with dial(server, origin=server.url):
        pass


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "{",
        "nonsense",
        "7",
        "null",
        '"connection_init"',
        "[]",
        "{}",
        '{"type": 7}',
        '{"type": null}',
        '{"type": "start"}',
        '{"type": "connection_init", "payload": 7}',
        '{"type": "subscribe"}',
        '{"type": "subscribe", "id": "1"}',
        '{"type": "subscribe", "id": "1", "payload": null}',
        '{"type": "subscribe", "id": "1", "payload": {}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": 7}}',
        '{"type": "subscribe", "id": 1, "payload": {"query": "{ serverTime }"}}',
        '{"type": "subscribe", "id": "", "payload": {"query": "{ serverTime }"}}',
        '{"type": "subscribe", "id": [], "payload": {"query": "{ serverTime }"}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ serverTime }", "variables": []}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ serverTime }", "operationName": 1}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ serverTime }", "extensions": []}}',
        '{"type": "subscribe", "id": "1", "payload": {"documentId": 1}}',
        '{"type": "complete"}',
        '{"type": "complete", "id": {}}',
        '{"type": "ping", "payload": "x"}',
        b"binary",
    ],
)
def test_a_malformed_message_is_4400(server: Server, world: World, frame: str | bytes) -> None:
    with opened(server, world.buyer) as socket:
        socket.connection.send(frame)
        assert closed(socket.connection) == 4400


@pytest.mark.parametrize("payload", [{}, {"id": 7}, {"": [None, {"x": "\U0001f600"}]}])
def test_a_ping_is_answered_with_its_payload(server: Server, world: World, payload: dict[str, Any]) -> None:
    with opened(server, world.buyer) as socket:
        socket.send({"type": "ping", "payload": payload})
        assert socket.receive() == {"type": "pong", "payload": payload}
    with dial(server) as before_the_greeting:
        before_the_greeting.send(orjson.dumps({"type": "ping", "payload": payload}).decode())
        assert orjson.loads(before_the_greeting.recv(10)) == {"type": "pong", "payload": payload}


@pytest.mark.parametrize("ping", [{"type": "ping"}, {"type": "ping", "payload": None}])
def test_a_ping_without_a_payload_is_answered_without_one(server: Server, world: World, ping: dict[str, Any]) -> None:
    with opened(server, world.buyer) as socket:
        socket.send(ping)
        assert socket.receive() == {"type": "pong"}
        socket.send({"type": "pong", "payload": {"id": 1}})
        assert socket.ask("{ serverTime }")


@pytest.mark.parametrize(("value", "sentence"), SENTENCES)
def test_what_is_refused_as_json_on_a_socket_is_told_why(
    server: Server, world: World, value: str, sentence: str
) -> None:
    with opened(server, world.buyer) as socket:
        variables = f'{{"x": {value}}}'
        socket.connection.send(
            f'{{"type": "subscribe", "id": "1", "payload": {{"query": "{{ serverTime }}", "variables": {variables}}}}}'
        )
        assert closed(socket.connection) == 4400
        assert socket.connection.protocol.close_reason == sentence


def test_a_second_greeting_is_4429_and_an_id_in_use_4409(server: Server, world: World) -> None:
    with opened(server, world.buyer) as socket:
        socket.send(INIT)
        assert closed(socket.connection) == 4429
    order = complete(world)
    for payload in ({"query": ORDER, "variables": {"id": order}}, {"id": "unknown"}):
        with opened(server, world.buyer) as socket:
            socket.watch(ORDER, id=order)
            socket.send({"type": "subscribe", "id": "1", "payload": payload})
            assert closed(socket.connection) == 4409


def test_a_message_is_bounded(server: Server, world: World) -> None:
    with opened(server, world.buyer) as socket:
        socket.connection.send("x" * (MAX_MESSAGE_BYTES + 1))
        assert closed(socket.connection) == 1009


def test_a_socket_has_a_bounded_number_of_subscriptions(server: Server, world: World) -> None:
    order = complete(world)
    with opened(server, world.buyer) as socket:
        for _ in range(MAX_OPERATIONS):
            socket.watch(ORDER, id=order)
        one_more = socket.subscribe(ORDER, id=order)
        message = socket.receive()
        assert (message["id"], message["type"]) == (one_more, "error")
        assert message["payload"][0]["extensions"] == {"code": "TOO_EXPENSIVE"}
        # After an operation has ended, another one can start.
        socket.send({"type": "complete", "id": "1"})
        socket.ask("{ serverTime }")


def test_a_document_that_makes_no_sense_is_an_error_of_its_own(server: Server, world: World) -> None:
    with opened(server, world.buyer) as socket:
        for document in ("{", "{ nothing }", "subscription { orderChanged { id } }", "query A { a } query B { b }"):
            id = socket.subscribe(document)
            message = socket.receive()
            assert (message["id"], message["type"]) == (id, "error"), document
            assert message["payload"][0]["extensions"]["code"] == "BAD_REQUEST"
        assert socket.ask("{ serverTime }")


def test_queries_and_mutations_over_a_socket_have_their_own_now(server: Server, world: World) -> None:
    with opened(server, world.buyer) as socket:
        first, second = (socket.ask("{ serverTime }")["serverTime"] for _ in range(2))
        assert first < second
        order = complete(world)
        done = socket.ask(
            "mutation($id: ID!) { leaveFeedback(input: {orderId: $id, ratings: {overall: 4}}) { userErrors { code } } }",
            id=order,
        )
        assert done == {"leaveFeedback": {"userErrors": []}}


def test_a_socket_ends_with_its_token(server: Server, world: World) -> None:
    token = signed(exp=datetime.now(UTC) + timedelta(seconds=2))
    with dial(server) as connection:
        greet(connection, authorization=f"Bearer {token}")
        assert orjson.loads(connection.recv(10)) == {"type": "connection_ack"}
        assert closed(connection) == 4403
        assert connection.close_reason == "EXPIRED"


def test_an_event_stream_ends_with_its_token(server: Server, world: World) -> None:
    order = complete(world)
    expiry = datetime.now(UTC) + timedelta(seconds=2)
    token = signed(sub=world.buyer.subject, name=f"Buyer {world.buyer.subject}", exp=expiry)
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    body = {"query": ORDER, "variables": {"id": order}}
    with httpx2.stream("POST", f"{server.url}/graphql", json=body, headers=headers, timeout=60) as stream:
        parts = stream.iter_text()
        wait_until(lambda: server.state.hub.subscriber_count == 1)
        leave_feedback(world, order)
        assert next(parts).startswith("event: next")
        told, end = "".join(parts).split("\n\n", 1)
        assert told.startswith("event: next\ndata: ")
        [error] = orjson.loads(told.removeprefix("event: next\ndata: "))["errors"]
        assert error["extensions"] == {"code": "UNAUTHENTICATED", "reason": "EXPIRED"}
        assert end == "event: complete\ndata: \n\n"
    assert datetime.now(UTC) >= expiry.replace(microsecond=0)
    wait_until(lambda: server.state.hub.subscriber_count == 0)


def test_a_multipart_stream_ends_with_its_token(server: Server, world: World) -> None:
    order = complete(world)
    # On a busy machine the token may expire first. It is then accepted within its leeway, and ends 30 seconds later.
    token = signed(sub=world.buyer.subject, name="Ana", exp=datetime.now(UTC) + timedelta(seconds=2))
    accept = "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json"
    headers = {"Authorization": f"Bearer {token}", "Accept": accept}
    body = {"query": ORDER, "variables": {"id": order}}
    text = httpx2.post(f"{server.url}/graphql", json=body, headers=headers, timeout=60).text
    *_, last, end = text.split("\r\n--graphql")
    assert end == "--\r\n"
    [error] = orjson.loads(last.split("\r\n\r\n")[1])["payload"]["errors"]
    assert error["extensions"] == {"code": "UNAUTHENTICATED", "reason": "EXPIRED"}


def test_what_is_asked_with_a_token_that_just_expired_is_answered(world: World) -> None:
    order = complete(world)
    caller = world.buyer.at(None)
    just_expired = datetime.now(UTC) - timedelta(seconds=5)
    caller.token = signed(sub=world.buyer.subject, name=f"Buyer {world.buyer.subject}", exp=just_expired)
    query = "mutation($id: ID!) { leaveFeedback(input: {orderId: $id, ratings: {overall: 4}}) { userErrors { code } } }"
    answer = caller.send({"query": query, "variables": {"id": order}}, Accept="text/event-stream")
    assert answer.text.startswith('event: next\ndata: {"data":{"leaveFeedback":{"userErrors":[]}}')


def test_a_token_that_just_expired_greets_and_stays_for_a_moment(server: Server) -> None:
    with dial(server) as connection:
        just_expired = signed(exp=datetime.now(UTC) - timedelta(seconds=5))
        greet(connection, authorization=f"Bearer {just_expired}")
        assert orjson.loads(connection.recv(10)) == {"type": "connection_ack"}
        connection.send('{"type": "ping"}')
        assert orjson.loads(connection.recv(10)) == {"type": "pong"}


def test_what_does_not_fit_a_stream_is_the_clients_error(server: Server, world: World) -> None:
    with opened(server, world.buyer) as socket:
        socket.send(
            {"type": "subscribe", "id": "1", "payload": {"query": "query A { serverTime }", "operationName": "B"}}
        )
        [error] = socket.receive()["payload"]
        assert (error["message"], error["extensions"]["code"]) == ('Unknown operation named "B".', "BAD_REQUEST")
    mutation = 'mutation { cancelOrder(input: {orderId: "x", reason: OTHER}) { userErrors { code } } }'
    multipart = "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json"
    assert '"code":"BAD_REQUEST"' in world.buyer.send({"query": mutation}, Accept=multipart).text
    headers = {"Authorization": f"Bearer {world.buyer.token}", "Accept": "text/event-stream"}
    by_get = httpx2.get(f"{server.url}/graphql", params={"query": mutation}, headers=headers)
    assert "INTERNAL" not in by_get.text
