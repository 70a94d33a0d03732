"""GraphQL over HTTP: valid requests, their size, and the media type of the answer."""

import json
import re
import socket
from typing import Any

import httpx2
import pytest

from server import request_id
from tests.conftest import Server, World, code
from tests.support.subscriptions import opened

pytestmark = pytest.mark.either

# ---------------------------------------------------------------- requests


def post(world: World, body: Any, **headers: str) -> httpx2.Response:
    """Sends the body unchanged."""
    told = {"authorization": f"Bearer {world.buyer.token}", "content-type": "application/json"} | headers
    return world.http.post(
        "/graphql", content=body, headers={name: each for name, each in told.items() if each or name == "accept"}
    )


ASKED = b'{"query": "{ serverTime }"}'


def test_what_is_wrong_with_a_request_is_said_in_the_words_of_json(world: World) -> None:
    [error] = post(world, b'{"query": "{ serverTime }", "variables": "x"}').json()["errors"]
    assert error["message"] == "variables: Input should be a valid object"


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"content-type": ""}, 415),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/graphql"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"content-type": "multipart/form-data; boundary=x"}, 415),
        ({"content-type": "x-application/json"}, 415),
        ({"content-type": "application/json; charset=utf-16"}, 415),
        ({"content-encoding": "gzip"}, 415),
        ({"content-encoding": "br, identity"}, 415),
        ({"content-type": "application/json; charset=utf-8"}, 200),
        ({"content-type": 'Application/JSON;Charset="UTF-8"'}, 200),
        ({"content-encoding": "identity"}, 200),
        ({"content-encoding": "Identity"}, 200),
        ({"content-type": "application/json;"}, 200),
        ({"content-type": "application/json; charset"}, 200),
        ({"content-type": "application/json; charset="}, 200),
        ({"content-type": "application/json; charset=utf8"}, 200),
        ({"content-type": "application/json; charset='utf-8'"}, 200),
        ({"content-type": "application/json; charset=US-ASCII"}, 200),
        ({"content-type": "application/json; charset=utf-8; charset=utf-8"}, 200),
        ({"content-type": "application/json; charset=utf-8; charset=utf-16"}, 200),
        ({"content-type": "application/json; charset=utf-16; charset=utf-8"}, 415),
        ({"content-type": "application/json; profile=x; charset = utf-8"}, 200),
    ],
)
def test_a_body_is_plain_json_in_utf8(world: World, wrong: dict[str, str], status: int) -> None:
    answer = post(world, ASKED, **wrong)
    assert answer.status_code == status
    if status == 415:
        assert code(answer) == "UNSUPPORTED_MEDIA_TYPE"


@pytest.mark.parametrize(
    "body",
    [
        b'{"query": "{ serverTime }\xff"}',
        b"\xff\xfe{}",
        '{"query": "{ serverTime }"}'.encode("utf-16"),
        b'{"query": "{ serverTime }", "variables": {"x": "\\ud800"}}',
        b'{"query": "{ serverTime }", "variables": {"x": NaN}}',
        b"[" * 100_000,
        b'[{"query": "{ serverTime }"}]',
        b"{}",
        b'{"query": ""}',
        b'{"query": ["{ serverTime }"]}',
        b'{"query": "{ serverTime }", "variables": "{}"}',
        b'{"query": "{ serverTime }", "variables": []}',
        b'{"query": "{ serverTime }", "operationName": 1}',
        b'{"query": "{ serverTime }", "extensions": "x"}',
        b'{"query": "{ serverTime }", "documentId": 7}',
    ],
)
@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json", "text/event-stream"])
def test_a_body_that_is_no_request_is_400(
    world: World, body: bytes, accept: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = post(world, body, accept=accept)
    assert (answer.status_code, code(answer)) == (400, "BAD_REQUEST")
    assert "serverTime" not in answer.text
    assert caplog.messages == []


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf" + ASKED,
        b"\xef\xbb\xbf \r\n" + ASKED,
        b'{"query": "\xef\xbb\xbf{ serverTime }"}',
        b'{"id": 7, "query": "{ serverTime }"}',
        b'{"id": 7.5, "query": "{ serverTime }"}',
        b'{"id": null, "query": "{ serverTime }"}',
        b'{"id": [1], "query": "{ serverTime }"}',
        b'{"id": true, "jsonrpc": "2.0", "query": "{ serverTime }"}',
        b'{"id": 1, "doc_id": null, "documentId": null, "query": "{ serverTime }"}',
        b'{"query": "{ serverTime }", "variables": null, "operationName": null, "extensions": null}',
        b'{"query": "{ serverTime }", "extensions": {"persistedQuery": null}}',
        b'{"query": "{ serverTime }", "extensions": {"clientLibrary": null}}',
        b'{"query": "{ serverTime }", "variables": {"x": 1e308, "y": 1e-400, "z": 123456789012345678901234567890}}',
        b'{"query": "{ serverTime }", "variables": {"x": "\\ud83d\\ude00"}}',
        b'{"query": "{ serverTime }", "variables": {"x": ' + b"[" * 1000 + b"]" * 1000 + b"}}",
        b'{"query": "{ serverTime }", "operationName": null, "batch": false, "": 1}',
    ],
)
def test_an_odd_body_that_is_a_request_is_answered(world: World, body: bytes) -> None:
    answer = post(world, body)
    assert (answer.status_code, list(answer.json()["data"])) == (200, ["serverTime"])


@pytest.mark.parametrize("name", ["documentId", "id", "doc_id"])
def test_a_null_names_no_document(world: World, name: str) -> None:
    others = {other: None for other in ("documentId", "id", "doc_id", "query", "extensions") if other != name}
    assert code(world.buyer.send({**others, name: "x"})) == "PERSISTED_QUERY_NOT_FOUND"


TOO_LARGE = "A number in this JSON is too large."
HALF = "This JSON has an incomplete Unicode escape: a surrogate without its pair."
DEEP = "This JSON is nested too deeply."
NO_JSON = "The body is not valid JSON in UTF-8."
SENTENCES = [
    ("1e400", TOO_LARGE),
    ("-1e400", TOO_LARGE),
    ("9" * 400, TOO_LARGE),
    ("[1, [2, {}, 1.5e999999]]", TOO_LARGE),
    ('"\\ud800"', HALF),
    ('"\\udc00\\ud800"', HALF),
    ('"\\ud800\\u0041"', HALF),
    ("[" * 2000 + "]" * 2000, DEEP),
    ("NaN", NO_JSON),
    ("Infinity", NO_JSON),
    ("+1", NO_JSON),
    ("01", NO_JSON),
    ("", NO_JSON),
]


@pytest.mark.parametrize(("value", "sentence"), SENTENCES)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_what_is_refused_as_json_is_told_why(world: World, value: str, sentence: str, mark: str) -> None:
    bodied = post(world, f'{mark}{{"query": "{{ serverTime }}", "variables": {{"x": {value}}}}}'.encode())
    addressed = world.http.get(
        "/graphql",
        params={"query": "{ serverTime }", "variables": f'{mark}{{"x": {value}}}'},
        headers={"Authorization": f"Bearer {world.buyer.token}"},
    )
    for answer in (bodied, addressed):
        assert answer.status_code == 400
        assert answer.json()["errors"] == [{"message": sentence, "extensions": {"code": "BAD_REQUEST"}}]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"query": "{ serverTime }"}, 200),
        ({"query": "{ serverTime }", "variables": "\ufeff{}"}, 200),
        ({"query": "{ serverTime }", "variables": " {} ", "id": ""}, 200),
        ({"query": "{ serverTime }", "extensions": "null"}, 200),
        ({"query": "{ serverTime }", "variables": "", "operationName": "", "extensions": ""}, 200),
        ({"query": "{ serverTime }", "variables": "null", "extensions": '{"clientLibrary": {}}'}, 200),
        ({"query": "query A { serverTime } query B { serverTime }", "operationName": "B"}, 200),
        ({"query": "{ serverTime }", "variables": "[]"}, 400),
        ({"query": "{ serverTime }", "variables": "{"}, 400),
        ({"query": "{ serverTime }", "extensions": "7"}, 400),
        ({}, 400),
        ({"query": ""}, 400),
        ({"query": "mutation { __typename }"}, 405),
        ({"query": "query A { serverTime } mutation B { __typename }", "operationName": "B"}, 405),
    ],
)
def test_a_query_can_be_sent_by_get(world: World, parameters: dict[str, str], expected: int) -> None:
    headers = {"Authorization": f"Bearer {world.buyer.token}"}
    answer = world.http.get("/graphql", params=parameters, headers=headers)
    assert answer.status_code == expected
    assert ("errors" in answer.json()) is (expected != 200)
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD"])
def test_other_methods_are_405(world: World, method: str) -> None:
    answer = world.http.request(method, "/graphql", headers={"Authorization": f"Bearer {world.buyer.token}"})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


def test_a_body_is_bounded(server: Server, world: World) -> None:
    most = server.settings.max_body_bytes
    assert most == 1_000_000
    fits = ASKED.ljust(most)
    for body in (fits, iter([fits[:7], fits[7:]])):
        assert post(world, body).status_code == 200
    for body in (fits + b" ", iter([fits, b" "])):
        answer = post(world, body)
        assert (answer.status_code, code(answer)) == (413, "TOO_LARGE")


@pytest.mark.parametrize("head", [b"Content-Length: 99999999\r\n", b"Transfer-Encoding: chunked\r\n"])
def test_a_body_is_refused_while_it_comes_in(server: Server, world: World, head: bytes) -> None:
    address = httpx2.URL(server.url)
    assert address.port is not None
    chunk = b" " * 1_000_001
    with socket.create_connection((address.host, address.port), timeout=10) as connection:
        connection.sendall(
            b"POST /graphql HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
            + f"Authorization: Bearer {world.buyer.token}\r\n".encode()
            + head
            + b"\r\n"
            + (b"%x\r\n" % len(chunk) if b"chunked" in head else b"")
            + chunk
        )
        assert connection.recv(1000).startswith(b"HTTP/1.1 413")


# ---------------------------------------------------------------- answers

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
STREAM = "text/event-stream"


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json", JSON),
        ("APPLICATION/JSON; Charset=UTF-8", JSON),
        ("application/graphql-response+json", GRAPHQL),
        ("application/graphql-response+json; charset=utf-8, application/json; charset=utf-8", GRAPHQL),
        ("application/graphql-response+json,application/json;q=0.9", GRAPHQL),
        ("application/json;q=0.9, application/graphql-response+json", GRAPHQL),
        ("application/graphql-response+json;q=0.5, application/json", JSON),
        ("application/json, application/graphql-response+json", JSON),
        ("application/graphql-response+json, */*", GRAPHQL),
        ("*/*, application/graphql-response+json", GRAPHQL),
        ("application/json;q=0, */*", GRAPHQL),
        ("application/graphql-response+json;q=0, application/*", JSON),
        ("text/html, application/xhtml+xml, */*;q=0.8", JSON),
        ("application/graphql-response+json;q=nonsense, application/json;q=0.1", JSON),
        ("application/graphql-response+json; charset=latin-1, application/json", JSON),
        ("multipart/mixed;deferSpec=20220824, application/json", JSON),
        ("application/graphql-response+json, application/json, text/event-stream, multipart/mixed", GRAPHQL),
        ("text/event-stream", STREAM),
        ("text/event-stream, application/json", STREAM),
        ("text/event-stream;q=0.5, application/json", JSON),
        ("application/json;q=0.5, text/event-stream", STREAM),
        ("text/event-stream;q=0, */*", JSON),
        ("multipart/mixed;a*" + "9" * 5000 + "=x, */*", JSON),
        ("text/html", None),
        ("text/*", None),
        ("multipart/mixed", None),
        ("application/json;q=0", None),
        ("application/json; charset=latin-1", None),
        ("nonsense", None),
        (";;,,;q", None),
    ],
)
def test_the_answer_is_what_the_client_would_rather_have(world: World, accept: str, media: str | None) -> None:
    answer = post(world, ASKED, accept=accept)
    if media is None:
        assert (answer.status_code, answer.headers["content-type"]) == (406, "application/json; charset=utf-8")
        assert code(answer) == "NOT_ACCEPTABLE"
    else:
        assert (answer.status_code, answer.headers["content-type"].removesuffix("; charset=utf-8")) == (200, media)


@pytest.mark.parametrize(
    "wrong",
    [
        {"query": "{"},
        {"query": "{ nothing }"},
        {"query": "query($id: ID!) { node(id: $id) { id } }"},
        {"query": "query($id: ID!) { node(id: $id) { id } }", "variables": {"id": {}}},
        {"query": "fragment A on Order { id }"},
        {"query": "query A { serverTime }", "operationName": "B"},
        {"query": "query A { serverTime }", "operationName": ""},
        {"query": "query A { serverTime } query B { serverTime }"},
        {"query": "query A { serverTime } query B { serverTime }", "operationName": "C"},
        {"query": "query A { serverTime } mutation B { __typename }"},
    ],
)
def test_what_cannot_be_run_has_no_data(
    server: Server, world: World, wrong: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    for accept, status in ((JSON, 200), (GRAPHQL, 400), (STREAM, 200)):
        answer = world.buyer.send(wrong, Accept=accept)
        assert answer.status_code == status
        told = json.loads(answer.text.splitlines()[1].removeprefix("data: ")) if accept == STREAM else answer.json()
        assert "data" not in told
        assert told["errors"][0]["extensions"] == {"code": "BAD_REQUEST"}
    with opened(server, world.buyer) as connection:
        connection.send({"type": "subscribe", "id": "1", "payload": wrong})
        message = connection.receive()
        # Strawberry returns a result without data for variables of a wrong type.
        errors = message["payload"] if message["type"] == "error" else message["payload"]["errors"]
        assert errors[0]["extensions"] == {"code": "BAD_REQUEST"}
    assert caplog.messages == []


def test_one_operation_of_several_is_run_by_its_name(server: Server, world: World) -> None:
    asked = {"query": "query A { serverTime } query B { b: serverTime }", "operationName": "B"}
    assert list(world.buyer.send(asked).json()["data"]) == ["b"]
    with opened(server, world.buyer) as connection:
        connection.send({"type": "subscribe", "id": "1", "payload": asked})
        assert list(connection.receive()["payload"]["data"]) == ["b"]


def test_what_was_run_in_vain_has_data(world: World) -> None:
    """An error in a field is not an error of the request."""
    answer = world.buyer.send(
        {"query": "{ viewer { orders(first: 1, last: 1) { pageInfo { hasNextPage } } } }"}, Accept=GRAPHQL
    )
    assert (answer.status_code, answer.json()["data"]) == (200, None)
    assert answer.json()["errors"][0]["path"] == ["viewer", "orders"]


# ---------------------------------------------------------------- request ids


@pytest.mark.parametrize(
    ("said", "id", "client"),
    [
        ([], None, ""),
        ([("x-request-id", "a-1")], "a-1", ""),
        ([("x-request-id", "a-1"), ("x-request-id", "b-2")], "a-1", ""),
        ([("x-request-id", "two words")], None, ""),
        ([("x-request-id", "")], None, ""),
        ([("x-request-id", "x" * 65)], None, ""),
        ([("graphql-client-name", "phone")], None, "phone"),
        ([("graphql-client-name", "phone"), ("apollographql-client-name", "shop")], None, "shop"),
        ([("graphql-client-name", "phone"), ("apollographql-client-name", "\xfc")], None, "phone"),
    ],
)
def test_a_requests_headers_name_its_client_and_id(said: list[tuple[str, str]], id: str | None, client: str) -> None:
    begun = request_id.begin(request_id.read_headers((name.encode(), value.encode("latin-1")) for name, value in said))
    assert begun.client == client
    assert begun.id == id if id else re.fullmatch("[0-9a-f]{32}", begun.id)
