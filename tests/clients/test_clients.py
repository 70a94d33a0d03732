"""Real clients, in Node: each receives changes of an order that it subscribes to, and JSON for its queries; a calendar is
read by one, too."""

import pytest

from models.enums import Role
from tests.conftest import Server, World
from tests.support.node import Clients
from tests.support.subscriptions import complete, leave_feedback, now, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.either]

# A name's first part is the package; websockets are graphql-ws beneath, streams are HTTP.
WATCHING = ["graphql-ws", "graphql-sse", "urql-websocket", "urql-stream", "apollo-websocket", "apollo-stream"]


@pytest.fixture
def order(world: World) -> str:
    return complete(world)


@pytest.mark.parametrize("client", WATCHING)
def test_a_client_receives_a_change(
    client: str, clients: Clients, server: Server, world: World, order: str, caplog: pytest.LogCaptureFixture
) -> None:
    with clients.start(client, world.buyer.token, order) as running:
        assert running.line() == {"ready": True}
        # A client knows that it sent a subscription or that an answer began, but not that the server has subscribed it.
        wait_until(lambda: server.state.hub.subscriber_count == 1)
        leave_feedback(world, order)
        assert running.rest() == [
            {"orderChanged": {"id": order, "canLeaveFeedback": False, "feedback": {"rating": "4.0"}}}
        ]
    # The server logs nothing when a client leaves.
    wait_until(lambda: not server.uvicorn.server_state.tasks)
    assert server.state.hub.subscriber_count == 0
    assert caplog.messages == []


@pytest.mark.parametrize("client", WATCHING)
def test_a_client_is_told_that_there_is_nothing_for_it_to_see(
    client: str, clients: Clients, world: World, order: str
) -> None:
    with clients.start(client, world.person(Role.BUYER).token, order) as running:
        assert "Not found." in running.failure()["message"]


@pytest.mark.parametrize(("client", "takes_streams"), [("urql-http", True), ("apollo-http", False)])
def test_who_asks_gets_plain_json(client: str, takes_streams: bool, clients: Clients, world: World, order: str) -> None:
    with clients.start(client, world.buyer.token, order) as running:
        asked, found, changed, left = running.rest()
    for request in (asked, changed):
        assert ("text/event-stream" in request["accept"]) is takes_streams
        assert request["contentType"] == "application/graphql-response+json; charset=utf-8"
    assert found == {"node": {"id": order, "canLeaveFeedback": True}}
    assert left == {"leaveFeedback": {"order": {"id": order, "canLeaveFeedback": False}, "userErrors": []}}


def test_a_document_is_sent_once(clients: Clients, world: World, order: str) -> None:
    with clients.start("apollo-persisted", world.buyer.token, order) as running:
        missed, sent, first, named, second = running.rest()
    assert (missed, named) == ({"method": "GET", "sent": False, "status": 200},) * 2
    assert (sent["sent"], sent["status"]) == (True, 200)
    assert first == second == {"node": {"id": order, "canLeaveFeedback": True}}


def test_a_socket_with_a_bad_token_is_closed(clients: Clients, order: str) -> None:
    with clients.start("graphql-ws", "nonsense", order) as running:
        failure = running.failure()
    assert (failure["code"], failure["reason"]) == (4403, "INVALID")


def test_thunderbirds_parser_reads_a_calendar(clients: Clients, world: World) -> None:
    """ical.js is what Thunderbird uses; the server writes with another library."""
    special = r"a, b; c\n: d, e; f\\"
    for facts in ({}, {"number": f"{world.record()['number']} {special}"}):
        complete(world, **facts)
    buyer = now(world.buyer)
    shown = buyer.ask("{ viewer { calendarUrl agenda(within: 365) { edges { node { id at text } } } } }")["viewer"]
    expected = [edge["node"] for edge in shown["agenda"]["edges"]]
    with clients.start("ical", world.buyer.token, shown["calendarUrl"]) as running:
        calendar, *events = running.rest()
    assert calendar["type"] == "text/calendar; charset=utf-8"
    assert {"prodid", "version", "name", "refresh-interval", "x-published-ttl"} <= set(calendar["properties"])
    assert [(event["name"], event["uid"], event["summary"]) for event in events] == [
        ("vevent", entry["id"], entry["text"]) for entry in expected
    ]
    assert len(events) == 2
    assert special in events[1]["summary"]
    for event, entry in zip(events, expected, strict=True):
        assert event["at"] == f"{entry['at'][:19]}.000Z"
        assert (event["zone"], event["seconds"]) == ("UTC", 0)
        assert event["sequence"] > 0
