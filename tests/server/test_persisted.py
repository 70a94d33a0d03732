"""Persisted queries: Apollo's automatic persisted queries, ids, and trusted documents."""

import hashlib
import json
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.errors import RequestRejected
from server.graphql import persisted
from server.graphql.parameters import Parameters
from server.graphql.persisted import OVERHEAD, AutomaticPersistedQueries
from server.settings import Settings
from tests.conftest import Person, Server, World, code
from tests.support.subscriptions import opened

pytestmark = pytest.mark.either

MISS = [{"message": "PersistedQueryNotFound", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}]
TRUSTED = "query Clock { serverTime }"
FRAGMENTED = (
    "fragment Me on Viewer { account { id } } query Who($no: Boolean = false) { viewer @skip(if: $no) { ...Me } }"
)
MUTATION = "mutation Leave($input: LeaveFeedbackInput!) { leaveFeedback(input: $input) { userErrors { code } } }"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def hashed(name: Any, version: Any = 1) -> dict[str, Any]:
    return {"persistedQuery": {"version": version, "sha256Hash": name}}


def get(person: Person, url: str = "", **parameters: Any) -> httpx2.Response:
    told = {name: each if isinstance(each, str) else json.dumps(each) for name, each in parameters.items()}
    return person.http.get(f"{url}/graphql", params=told, headers={"Authorization": f"Bearer {person.token}"})


# ---------------------------------------------------------------- automatic persisted queries


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
def test_a_miss_then_both_then_the_hash_alone(world: World, accept: str) -> None:
    query = f"query A{len(accept)} {{ serverTime }}"
    alone = {"extensions": hashed(sha256(query))}
    missed = world.buyer.send(alone, Accept=accept)
    assert (missed.status_code, missed.json()) == (200, {"errors": MISS})
    for body in (alone | {"query": query}, alone, alone | {"query": None}, alone | {"query": ""}):
        answer = world.buyer.send(body, Accept=accept)
        assert answer.status_code == 200
        assert answer.json()["data"]["serverTime"]


def test_a_persisted_query_is_answered_by_get(world: World) -> None:
    query = "query ByGet($of: String!) { __type(name: $of) { name } }"
    alone: Any = {"extensions": hashed(sha256(query)), "variables": {"of": "Order"}}
    missed = get(world.buyer, **alone)
    assert (missed.status_code, missed.json()) == (200, {"errors": MISS})
    assert missed.headers["cache-control"] == "no-store"
    assert get(world.buyer, query=query, **alone).json()["data"] == {"__type": {"name": "Order"}}
    assert get(world.buyer, **alone).json()["data"] == {"__type": {"name": "Order"}}


def test_a_mutation_that_is_named_is_not_done_by_get(world: World) -> None:
    extensions = hashed(sha256(MUTATION))
    variables = {"input": {"orderId": "x", "ratings": {"overall": 4}}}
    assert world.buyer.send({"query": MUTATION, "extensions": extensions, "variables": variables}).json()["data"]
    refused = get(world.buyer, extensions=extensions, variables=variables)
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("key", ["documentId", "id", "doc_id"])
@pytest.mark.parametrize("prefix", ["", "sha256:"])
def test_an_id_stands_for_what_was_sent(world: World, key: str, prefix: str) -> None:
    query = f"query {key}{len(prefix)} {{ serverTime }}"
    named = {key: prefix + sha256(query)}
    assert world.buyer.send(named).json() == {"errors": MISS}
    assert world.buyer.send({"query": query, "extensions": hashed(sha256(query))}).json()["data"]
    assert world.buyer.send(named).json()["data"]["serverTime"]
    assert world.buyer.send(named | {"query": None, "operationName": f"{key}{len(prefix)}"}).json()["data"]
    assert get(world.buyer, **named).json()["data"]["serverTime"]


@pytest.mark.parametrize(
    "extensions",
    [
        hashed(sha256("{ another }")),
        hashed(sha256(TRUSTED).upper()),
        hashed(""),
        hashed(7),
        hashed(None),
        hashed(sha256(TRUSTED), version=2),
        hashed(sha256(TRUSTED), version="1"),
        {"persistedQuery": {"version": 1}},
        {"persistedQuery": []},
    ],
)
def test_a_hash_that_is_wrong_is_refused(world: World, extensions: dict[str, Any]) -> None:
    answer = world.buyer.send({"query": TRUSTED, "extensions": extensions})
    assert (answer.status_code, code(answer)) == (400, "BAD_REQUEST")


def test_a_persisted_query_is_answered_over_a_socket(server: Server, world: World) -> None:
    query = "query OnSocket { serverTime }"
    with opened(server, world.buyer) as socket:
        for id, payload in (("a", {"id": sha256(query)}), ("b", {"query": "", "extensions": hashed(sha256(query))})):
            socket.send({"type": "subscribe", "id": id, "payload": payload})
            assert socket.receive() == {"type": "error", "id": id, "payload": MISS}
        both = {"query": query, "extensions": hashed(sha256(query))}
        for id, payload in (("c", both), ("d", {"documentId": "sha256:" + sha256(query)})):
            socket.send({"type": "subscribe", "id": id, "payload": payload})
            assert socket.receive()["payload"]["data"]["serverTime"]
            assert socket.receive() == {"type": "complete", "id": id}


def test_what_is_kept_is_bounded_and_what_was_used_longest_ago_goes_first() -> None:
    kept = AutomaticPersistedQueries(3 * (OVERHEAD + 10))

    def send(text: str) -> None:
        kept.text(Parameters.model_validate({"query": text, "extensions": hashed(sha256(text))}))

    for text in "abc":
        send(text)
    send("a")
    send("d")
    assert set(kept.texts) == set(map(sha256, "cad"))
    kept.text(Parameters.model_validate({"id": sha256("c")}))
    send("e")
    assert set(kept.texts) == set(map(sha256, "dce"))
    send("x" * (3 * (OVERHEAD + 10)))
    assert (len(kept.texts), kept.texts.currsize) == (0, 0)


# ---------------------------------------------------------------- trusted documents


def operation(body: str, name: str, type: str = "query", id: str | None = None) -> dict[str, Any]:
    return {"id": id or sha256(body), "name": name, "type": type, "body": body}


def manifest(*operations: Any, **changes: Any) -> dict[str, Any]:
    return {"format": "apollo-persisted-query-manifest", "version": 1, "operations": list(operations)} | changes


KNOWN = manifest(
    operation(TRUSTED, "Clock"),
    operation(FRAGMENTED, "Who", id="sha256:" + sha256(FRAGMENTED)),
    operation(MUTATION, "Leave", "mutation", id="leave-1"),
)


@pytest.fixture(scope="module")
def trusting(serve: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """Yields the address of a server that runs only the documents of KNOWN."""
    path = tmp_path_factory.mktemp("manifest") / "manifest.json"
    path.write_text(json.dumps(KNOWN))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECOURSE_DOCUMENTS", str(path))
        with serve() as [address]:
            yield address


INPUT = {"input": {"orderId": "x", "ratings": {"overall": 4}}}
RUN: list[dict[str, Any]] = [
    {"id": sha256(TRUSTED)},
    {"documentId": "sha256:" + sha256(TRUSTED)},
    {"doc_id": sha256(FRAGMENTED)},
    {"id": "leave-1", "variables": INPUT},
    {"id": "leave-1", "variables": INPUT, "operationName": "Leave"},
    {"extensions": hashed(sha256(TRUSTED))},
    {"extensions": hashed("leave-1"), "variables": INPUT},
    {"query": TRUSTED},
    {"query": TRUSTED, "extensions": hashed(sha256(TRUSTED))},
    {"query": FRAGMENTED, "variables": {"no": True}},
    {"query": TRUSTED, "id": "7"},
    # The manifest's text runs, whatever the client sends beside the id.
    {"query": "query Clock {\n  serverTime\n}\n", "id": sha256(TRUSTED)},
    {"query": "{ __schema { types { name } } }", "documentId": "sha256:" + sha256(TRUSTED)},
    {"query": "query Clock { serverTime __typename }", "extensions": hashed(sha256(TRUSTED)), "operationName": "Clock"},
    {"query": "{", "doc_id": "leave-1", "variables": INPUT},
    {"query": TRUSTED, "id": sha256(FRAGMENTED)},
]
REFUSED: list[dict[str, Any]] = [
    {"query": "{ serverTime }"},
    {"query": TRUSTED + " "},
    {"query": TRUSTED + " " + MUTATION, "operationName": "Clock"},
    {"query": "{ serverTime }", "id": "leave-2"},
    {"query": "{ __schema { types { name } } }"},
    {"query": "{"},
    {"query": "{ serverTime }", "extensions": hashed(sha256("{ serverTime }"))},
    {"extensions": hashed(sha256("{ serverTime }"))},
    {"id": sha256("{ serverTime }")},
    {"id": "leave-2"},
    {"id": ""},
]


ANSWERED = {TRUSTED: {"serverTime"}, FRAGMENTED: {"viewer"}, MUTATION: {"leaveFeedback"}}


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({"query": "{ viewer { account { id } } }", "id": sha256(TRUSTED)}, TRUSTED),
        ({"query": TRUSTED, "documentId": sha256(FRAGMENTED)}, FRAGMENTED),
        ({"query": TRUSTED, "extensions": hashed("leave-1"), "variables": INPUT}, MUTATION),
    ],
)
def test_an_id_of_the_manifest_runs_its_text_whatever_stands_beside_it(
    trusting: str, world: World, asked: dict[str, Any], text: str
) -> None:
    with world.buyer.elsewhere(trusting) as buyer:
        assert set(buyer.send(asked).json()["data"]) == ANSWERED[text]
        streamed = buyer.send(asked, Accept="text/event-stream")
        assert set(json.loads(streamed.text.split("data: ")[1].splitlines()[0])["data"]) == ANSWERED[text]
        if text is not MUTATION:
            assert set(get(buyer, **asked).json()["data"]) == ANSWERED[text]
    with opened(trusting, world.buyer) as socket:
        socket.send({"type": "subscribe", "id": "1", "payload": asked})
        assert set(socket.receive()["payload"]["data"]) == ANSWERED[text]


@pytest.mark.parametrize("name", [sha256(TRUSTED), "sha256:" + sha256(TRUSTED), "d41d8cd98f00b204e9800998ecf8427e"])
def test_the_files_of_relay_and_code_generator_are_manifests(tmp_path: Path, name: str) -> None:
    path = tmp_path / "persisted.json"
    path.write_text(json.dumps({name: TRUSTED, "2": FRAGMENTED}))
    known = persisted.open_documents(Settings(documents=str(path)))
    assert known.text(Parameters.model_validate({"doc_id": name, "query": "{ other }"})) == TRUSTED
    assert known.text(Parameters.model_validate({"id": name.removeprefix("sha256:")})) == TRUSTED
    assert known.text(Parameters.model_validate({"query": FRAGMENTED})) == FRAGMENTED
    with pytest.raises(RequestRejected):
        known.text(Parameters.model_validate({"query": "{ other }"}))


@pytest.mark.parametrize("asked", RUN)
def test_what_is_known_is_run(trusting: str, world: World, asked: dict[str, Any]) -> None:
    with httpx2.Client(base_url=trusting, timeout=30) as http:
        answer = Person(http, world.buyer.subject, world.buyer.role).send(asked)
    assert answer.status_code == 200
    assert "errors" not in answer.json()
    with opened(trusting, world.buyer) as socket:
        socket.send({"type": "subscribe", "id": "1", "payload": asked})
        assert "errors" not in socket.receive()["payload"]


@pytest.mark.parametrize("asked", REFUSED)
def test_nothing_else_is_run(trusting: str, world: World, asked: dict[str, Any]) -> None:
    with httpx2.Client(base_url=trusting, timeout=30) as http:
        buyer = Person(http, world.buyer.subject, world.buyer.role)
        for answer in (
            buyer.send(asked),
            buyer.send(asked, Accept="text/event-stream"),
            buyer.send(asked, Accept="multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json"),
            *([get(buyer, **asked)] if any(asked.values()) else []),
        ):
            assert (answer.status_code, code(answer)) == (400, "DOCUMENT_NOT_TRUSTED")
    with opened(trusting, world.buyer) as socket:
        socket.send({"type": "subscribe", "id": "1", "payload": asked})
        message = socket.receive()
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "DOCUMENT_NOT_TRUSTED")


def test_without_a_token_nobody_learns_what_is_known(trusting: str) -> None:
    for asked in ({"id": "leave-1"}, {"id": "leave-2"}):
        assert httpx2.post(f"{trusting}/graphql", json=asked).status_code == 401


CLOCK = operation(TRUSTED, "Clock")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read: No such file"),
        ("", "Invalid JSON"),
        ("{", "Invalid JSON"),
        ("[]", "it: Input should be an object"),
        (manifest(format="relay"), "format: Input should be 'apollo-persisted-query-manifest'"),
        (manifest(version=2), "version: Input should be 1"),
        ({"format": "apollo-persisted-query-manifest", "version": 1}, "operations: Field required"),
        (manifest(operations={}), "operations: Input should be a valid array"),
        (manifest(CLOCK, {"id": "x"}), "operations.1.name: Field required"),
        (manifest(CLOCK | {"id": 7}), "operations.0.id: Input should be a valid string"),
        (manifest(CLOCK | {"type": "fragment"}), "operations.0.type: Input should be 'query'"),
        (manifest(CLOCK | {"type": "mutation"}), "the body of Clock holds no mutation of that name"),
        (manifest(CLOCK | {"name": "Time"}), "the body of Time holds no query of that name"),
        (manifest(CLOCK | {"body": "query Clock {"}), "the body of Clock cannot be parsed: Syntax Error"),
        ({"abc": 7}, "abc: Input should be a valid string"),
        ({"abc": "query Clock {"}, "the body of abc cannot be parsed: Syntax Error"),
        ({"abc": "fragment Me on Viewer { serverTime }"}, "the body of abc holds no operation"),
        ({"abc": TRUSTED, "sha256:abc": TRUSTED}, "two operations have the id sha256:abc"),
        ({"operations": [CLOCK], "version": 1}, "format: Field required"),
        (manifest(CLOCK, CLOCK | {"id": "sha256:" + CLOCK["id"]}), "two operations have the id sha256:"),
    ],
)
def test_a_malformed_manifest_is_refused_with_its_reason(tmp_path: Path, content: Any, says: str) -> None:
    path = tmp_path / "manifest.json"
    if content is not None:
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(ValueError, match="the manifest") as refused:
        persisted.open_documents(Settings(documents=str(path)))
    assert says in str(refused.value)


def test_an_empty_name_is_no_manifest() -> None:
    assert isinstance(persisted.open_documents(Settings(documents="")), AutomaticPersistedQueries)
