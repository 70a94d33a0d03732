"""Answers are compressed only for clients that accept it."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.app import create
from server.graphql.negotiation import COMPRESSED_FROM, compressed_from
from server.middleware import THREAD_BYTES
from server.settings import Settings
from tests.conftest import Person, Server, World
from tests.support.actions import INPUTS
from tests.support.uploads import PNG, announce, put

pytestmark = pytest.mark.either

ENCODINGS = [
    # Accept-Encoding, and from how many bytes on an answer is compressed
    ("gzip", 1000),
    ("GZIP", 1000),
    ("x-gzip", 1000),
    ("gzip, deflate, br, zstd", 1000),
    ("br;q=1.0, gzip;q=0.8, *;q=0.1", 1000),
    ("deflate,gzip", 1000),
    ("*", 1000),
    ("*;q=0.001", 1000),
    ("gzip;q=1", 1000),
    ("gzip ; q=0.5", 1000),
    ("gzip;q=0.5, identity;q=0.5", 1000),
    ("identity;q=0.2, gzip;q=0.3", 1000),
    ("br, *", 1000),
    ("gzip, identity;q=0", 1),
    ("gzip, *;q=0", 1),
    ("*, identity;q=0", 1),
    ("gzip, identity, *;q=0", 1000),
    ("", None),
    ("identity", None),
    ("br", None),
    ("deflate, br, zstd", None),
    ("gzip;q=0", None),
    ("gzip;q=0.000", None),
    ("gzip;q=0, *", None),
    ("*;q=0", None),
    ("identity, gzip;q=0.9", None),
    ("identity;q=1, *;q=0", None),
    ("identity;q=0.5, gzip;q=0.4", None),
    ("identity;q=0", None),
    ("gzip;q=x", None),
    ("gzip;q=2", None),
    ("gzip;q=", None),
    ("gzipped", None),
    (",;=,,q", None),
    ("gzip" * 1000, None),
]

LANGUAGE = "Accept-Language, Time-Zone"  # what every answer of GraphQL varies with


@pytest.mark.parametrize(("accepted", "least"), ENCODINGS)
def test_a_client_says_what_it_takes(accepted: str, least: int | None) -> None:
    assert compressed_from(accepted) == least


def raw(person: Person, size: int = 0, method: str = "POST", path: str = "/graphql", **headers: str) -> httpx2.Response:
    """Returns an answer as sent over the wire. The answer to a document has `size` bytes."""

    def ask(alias: str) -> httpx2.Response:
        said = {"Authorization": f"Bearer {person.token}", "Accept-Encoding": ""} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        body = {"query": f"{{ {alias}: __typename }}"} if path == "/graphql" else None
        with person.http.stream(method, path, json=body, headers=said) as answer:
            answer._content = b"".join(answer.iter_raw())  # pyright: ignore[reportPrivateUsage]
            return answer

    answer = ask("x")
    return ask("x" * (1 + size - len(answer.content))) if size > len(answer.content) else answer


@pytest.mark.parametrize("size", [COMPRESSED_FROM, 20_000])
@pytest.mark.parametrize("accepted", ["gzip", "br, gzip;q=0.5", "*"])
@pytest.mark.parametrize("media", ["application/json", "application/graphql-response+json"])
def test_a_large_answer_is_compressed(world: World, size: int, accepted: str, media: str) -> None:
    plain = raw(world.buyer, size, Accept=media)
    assert (len(plain.content), "content-encoding" in plain.headers) == (size, False)
    answer = raw(world.buyer, size, Accept=media, Accept_Encoding=accepted)
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"] == plain.headers["content-type"]
    assert int(answer.headers["content-length"]) == len(answer.content) < size
    assert gzip.decompress(answer.content) == plain.content
    assert answer.headers["vary"] == plain.headers["vary"] == f"{LANGUAGE}, Origin, Accept-Encoding"


@pytest.mark.parametrize(
    ("size", "accepted"),
    [
        (COMPRESSED_FROM - 1, "gzip"),
        (20_000, ""),
        (20_000, "br"),
        (20_000, "gzip;q=0"),
        (20_000, "identity, gzip;q=0.1"),
    ],
)
def test_a_small_answer_and_one_that_is_to_be_plain_is_plain(world: World, size: int, accepted: str) -> None:
    answer = raw(world.buyer, size, Accept_Encoding=accepted)
    assert (len(answer.content), "content-encoding" in answer.headers) == (size, False)


def test_what_a_client_takes_may_stand_in_several_headers(world: World) -> None:
    said = [("Authorization", f"Bearer {world.buyer.token}"), ("Accept-Encoding", "br"), ("Accept-Encoding", "gzip")]
    query = f"{{ {'x' * COMPRESSED_FROM}: __typename }}"
    answer = world.http.post("/graphql", json={"query": query}, headers=said)
    assert answer.headers["content-encoding"] == "gzip"


def test_a_client_that_takes_nothing_else_gets_small_answers_compressed(world: World) -> None:
    answer = raw(world.buyer, Accept_Encoding="gzip, identity;q=0")
    assert b'"x":"Query"' in gzip.decompress(answer.content)


def test_an_answer_of_megabytes_is_compressed(serve: Callable[..., Any], world: World) -> None:
    size = THREAD_BYTES + 1
    with serve(max_body_bytes="2000000", max_tokens="100000") as [url], world.buyer.elsewhere(url) as buyer:
        answer = raw(buyer, size, Accept_Encoding="gzip")
        assert len(gzip.decompress(answer.content)) == size


@pytest.mark.parametrize("media", ["text/event-stream", "multipart/mixed;subscriptionSpec=1.0"])
def test_a_stream_is_never_compressed(world: World, media: str) -> None:
    answer = raw(world.buyer, 20_000, Accept=media, Accept_Encoding="gzip")
    assert "content-encoding" not in answer.headers
    assert answer.status_code == 200
    assert b"Query" in answer.content or b"queries" in answer.content
    assert answer.headers["vary"] == f"{LANGUAGE}, Origin"


def test_a_file_is_never_compressed(world: World) -> None:
    for content, media, name in (
        (b"A lamp. " * 1_000, "text/plain", "a.txt"),
        (PNG + bytes(9_000), "image/png", "a.png"),
    ):
        upload = announce(world.buyer, content, media, name)
        assert put(upload, content).status_code == 204
        order = world.order(paidAt=9)
        shows = "dispute { evidence { url } }"
        wish = INPUTS["openDispute"] | {"orderId": order, "evidence": [upload["id"]]}
        [file] = world.buyer.succeed("openDispute", wish, shows)["dispute"]["evidence"]
        answer = raw(world.buyer, 0, "GET", file["url"], Accept_Encoding="gzip")
        assert "content-encoding" not in answer.headers
        # A picture is read as a copy, without what follows its end.
        assert answer.content == content or (media == "image/png" and answer.content.startswith(PNG[:8]))


def test_metrics_and_errors_are_compressed(server: Server, world: World) -> None:
    answer = raw(world.buyer, 0, "GET", "/metrics", Accept_Encoding="gzip")
    assert b"recourse_requests_total" in gzip.decompress(answer.content)
    wrong = {"query": "{ " + " ".join(f"x{n}" for n in range(50)) + " }"}
    refused = world.buyer.send(wrong, **{"Accept-Encoding": "gzip"})
    assert (refused.headers["content-encoding"], len(refused.json()["errors"])) == ("gzip", 50)
    for path in ("/nothing", "/healthz"):
        assert "content-encoding" not in httpx2.get(f"{server.url}{path}", headers={"Accept-Encoding": "gzip"}).headers


def test_compression_can_be_left_to_the_proxy(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().compression
    monkeypatch.setenv("RECOURSE_COMPRESSION", "off")
    app = create(Settings(files_url=str(tmp_path)))

    async def ask() -> httpx2.Response:
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://test") as http:
            return await http.get("/metrics", headers={"Accept-Encoding": "gzip, identity;q=0"})

    answer = server.run(ask)
    assert len(answer.content) > COMPRESSED_FROM
    assert ("content-encoding" in answer.headers, answer.headers["vary"]) == (False, "Origin")
