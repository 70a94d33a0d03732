"""Limits of time and size of a request."""

import socket
import time
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from models.keys import new_id
from tests.conftest import TIME, Server, World, codes
from tests.support.locks import held
from tests.support.subscriptions import complete


def raw(url: str, *parts: bytes, pause: float = 0) -> bytes:
    """Returns the server's answer to these bytes."""
    place = httpx2.URL(url)
    assert place.port is not None
    said = b""
    with socket.create_connection((place.host, place.port), timeout=20) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(pause)
        while chunk := connection.recv(65536):
            said += chunk
    return said


@pytest.mark.either
def test_a_body_that_does_not_come_in_time_is_refused(serve: Callable[..., Any], world: World) -> None:
    with serve(max_seconds="1") as [url]:
        head = (
            f"POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {world.buyer.token}\r\n"
            "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n"
        )
        assert raw(url, head.encode(), b'{"query":').startswith(b"HTTP/1.1 408")


@pytest.mark.either
@pytest.mark.parametrize(("size", "status"), [(60_000, 401), (1_000_000, 431), (20_000_000, 431)])
def test_a_head_is_bounded(serve: Callable[..., Any], size: int, status: int) -> None:
    with serve() as [url]:
        head = b"GET /graphql?query=%7B__typename%7D HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Long: "
        try:
            said = raw(url, head + b"x" * size + b"\r\n\r\n")
        except ConnectionError:  # closed before all bytes were sent
            assert status == 431
            return
        assert said.startswith(b"HTTP/1.1 %d" % status)


@pytest.mark.either
def test_what_follows_a_body_is_bounded(serve: Callable[..., Any]) -> None:
    with serve() as [url]:
        head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        trailers = b"".join(b"x-%d: %s\r\n" % (place, b"y" * 1000) for place in range(1000))
        try:
            said = raw(url, head + b"2\r\n{}\r\n0\r\n", trailers)
        except ConnectionError:  # closed before all bytes were sent
            return
        assert b"HTTP/1.1 431" in said


def test_a_mutation_that_takes_too_long_is_done_once_all_the_same(
    server: Server, serve: Callable[..., Any], world: World
) -> None:
    order = complete(world)
    world.buyer.send(TIME)  # the first request of an account stores its name
    input = {"orderId": order, "ratings": {"overall": 4}, "idempotencyKey": new_id().hex}
    left = (
        "mutation($input: LeaveFeedbackInput!) { leaveFeedback(input: $input) { feedback { id } userErrors { code } } }"
    )
    with (
        serve(max_seconds="1") as [url],
        world.buyer.elsewhere(url) as buyer,
        held(server.settings.database, order) as let_go,
    ):
        for accept, status in (("application/graphql-response+json", 503), ("application/json", 200)):
            answer = buyer.send({"query": left, "variables": {"input": input}}, Accept=accept)
            assert (answer.status_code, codes([answer])) == (status, ["TOO_SLOW"])
        let_go()
        payload = buyer.succeed(
            "leaveFeedback", input, "feedback { id } order { timeline { edges { node { text } } } }"
        )
    texts = [edge["node"]["text"] for edge in payload["order"]["timeline"]["edges"]]
    assert texts.count("The buyer left feedback.") == 1
