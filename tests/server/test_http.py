"""Authentication, the clock, and the form of answers and errors over HTTP."""

import asyncio
import re
import threading
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import jwt
import pytest

import models
from models.enums import Role
from resolvers.account import sign_in
from schema.scalars import parse_instant
from server.auth import tokens
from server.graphql.endpoint import GraphQLEndpoint
from server.logs import JSONFormatter
from server.state import State
from tests.conftest import NOW, Person, Server, World, code
from tests.support.issuer import Issuer, token

TIME = {"query": "{ serverTime }"}


def signed(**changes: Any) -> str:
    now = datetime.now(UTC)
    claims = {
        "iss": tokens.DEVELOPMENT_ISSUER,
        "sub": "x",
        "role": "BUYER",
        "iat": now,
        "exp": now + timedelta(hours=1),
    }
    claims = {name: value for name, value in (claims | changes).items() if value is not None}
    return jwt.encode(claims, tokens.development_secret(), algorithm="HS256")


MISSING = [None, "", "Bearer", "bearer", "Basic eDp4", "nonsense"]
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("authorization", MISSING)
def test_a_request_without_a_token_is_told_to_send_one(server: Server, authorization: str | None) -> None:
    headers = {"Authorization": authorization} if authorization is not None else {}
    answer = httpx2.post(f"{server.url}/graphql", json=TIME, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED", "reason": "MISSING"}


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
@pytest.mark.parametrize("seconds", [31, 3600, 10**9])
def test_a_token_that_has_expired_is_told_so(server: Server, scheme: str, seconds: int) -> None:
    token = signed(exp=datetime.now(UTC) - timedelta(seconds=seconds))
    answer = httpx2.post(f"{server.url}/graphql", json=TIME, headers={"Authorization": f"{scheme} {token}"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == (
        'Bearer error="invalid_token", error_description="The access token has expired; get a new one."'
    )
    assert answer.json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED", "reason": "EXPIRED"}


@pytest.mark.parametrize(
    ("exp", "status"), [(0, 401), (-1, 401), (-(10**15), 401), (-(10**400), 401), (10**15, 200), (10**400, 200)]
)
def test_a_token_whose_expiry_is_no_date_is_judged_like_any_other(server: Server, exp: int, status: int) -> None:
    answer = httpx2.post(f"{server.url}/graphql", json=TIME, headers={"Authorization": f"Bearer {signed(exp=exp)}"})
    assert answer.status_code == status
    assert ("EXPIRED" in answer.text) is (status == 401)


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer nonsense",
        "Bearer undefined",
        f"Bearer {signed(exp=LONG_AGO, iss='somebody')}",
        f"Bearer {signed(exp=LONG_AGO, role='KING')}",
        f"Bearer {signed(exp=LONG_AGO, sub='')}",
        f"Bearer {signed(exp=LONG_AGO)[:-4]}",
        f"Bearer {signed(iss='somebody')}",
        f"Bearer {signed(role='KING')}",
        f"Bearer {signed(role=None)}",
        f"Bearer {signed(sub=None)}",
        f"Bearer {signed(exp=None)}",
        f"Bearer {signed(sub='x' * 256)}",
        f"Bearer {signed(sub='a' + chr(0))}",
        f"Bearer {signed(sub='a' + chr(0xD800))}",
        "Bearer " + jwt.encode({"sub": "x", "role": "BUYER"}, "", algorithm="none"),
        "Bearer " + jwt.encode({"sub": "x", "role": "BUYER"}, "another secret of thirty-two bytes", algorithm="HS256"),
    ],
)
def test_a_bad_token_is_told_so_and_never_why(server: Server, authorization: str) -> None:
    answer = httpx2.post(f"{server.url}/graphql", json=TIME, headers={"Authorization": authorization})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == (
        'Bearer error="invalid_token", error_description="The access token is not valid."'
    )
    [error] = answer.json()["errors"]
    assert error["message"] == "The access token is not valid."
    assert error["extensions"] == {"code": "UNAUTHENTICATED", "reason": "INVALID"}


def test_an_account_is_made_at_first_sight(server: Server, world: World) -> None:
    person = world.person(Role.BUYER)
    asked = "{ viewer { account { id name role } } }"
    first = person.ask(asked)["viewer"]["account"]
    assert (first["name"], first["role"]) == (f"Buyer {person.subject}", "BUYER")
    order = world.order(buyer={"subject": person.subject, "name": "As recorded"})
    seen = "query($id: ID!) { node(id: $id) { ... on Order { buyer { name } } } }"
    assert world.supplier.ask(seen, id=order)["node"]["buyer"] == {"name": first["name"]}
    assert person.ask(asked)["viewer"]["account"] == first
    assert Person(world.http, person.subject, Role.SUPPLIER).ask(asked)["viewer"]["account"]["id"] != first["id"]

    async def accounts() -> int:
        return await models.Account.filter(subject=person.subject).count()

    assert server.run(accounts) == 2


def test_the_clock_is_moved_for_one_request(world: World) -> None:
    assert world.buyer.at(NOW).ask("{ serverTime }") == {"serverTime": "2026-06-15T12:00:00.000000Z"}
    real = parse_instant(world.buyer.at(None).ask("{ serverTime }")["serverTime"])
    assert abs(real - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize("wrong", ["yesterday", "2026-06-15", "2026-06-15T12:00:00", ""])
def test_a_clock_that_makes_no_sense_is_refused(world: World, wrong: str) -> None:
    answer = world.buyer.at(None).send(TIME, **{"X-Recourse-Now": wrong})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


@pytest.fixture
def issuer() -> Generator[Issuer]:
    made = Issuer()
    with made.serving():
        yield made


def test_production_takes_the_issuers_tokens_and_real_time_alone(server: Server, issuer: Issuer) -> None:
    view = GraphQLEndpoint(State(issuer.settings(server.settings.database)))
    now = datetime.now(UTC)

    async def ask(authorization: str) -> httpx2.Response:
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(view), base_url="http://test") as http:
            headers = {"Authorization": authorization, "X-Recourse-Now": "2001-01-01T00:00:00Z"}
            return await http.post("/graphql", json=TIME, headers=headers)

    answer = server.run(lambda: ask(f"Bearer {token()}"))
    assert parse_instant(answer.json()["data"]["serverTime"]) >= now
    development = tokens.development_token("x", Role.AGENT)
    assert server.run(lambda: ask(f"Bearer {development}")).status_code == 401
    foreign = token(aud="another")
    assert server.run(lambda: ask(f"Bearer {foreign}")).status_code == 401


@pytest.mark.parametrize(
    "query",
    ["{", "{ nothing }", "{ viewer }", "{ node { id } }", "mutation { leaveFeedback { order { id } } }"],
)
def test_a_malformed_document_is_a_bad_request(world: World, query: str) -> None:
    answer = world.buyer.answer(query)
    assert answer.get("data") is None
    assert answer["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


@pytest.mark.parametrize("body", [b"", b"x", b"[]", b"{", b'"x"', b"1", b"null", b'{"query": 1}', b'{"query": null}'])
def test_a_malformed_body_is_a_bad_request(world: World, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {world.buyer.token}", "Content-Type": "application/json"}
    answer = world.http.post("/graphql", content=body, headers=headers)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


def test_what_nobody_foresaw_is_masked_and_logged_with_an_id(
    server: Server, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Reads a malformed row: an order line that has only a title."""
    order = world.order()

    async def break_it(items: Any) -> None:
        await models.Order.filter(id=UUID(hex=order[4:])).update(items=items)

    server.run(lambda: break_it([["???"]]))
    asked = "query($id: ID!) { node(id: $id) { ... on Order { items { title } } } }"
    caplog.handler.setFormatter(JSONFormatter())  # as in production; in development this is left out
    [error] = world.buyer.answer(asked, id=order)["errors"]
    assert error["extensions"] == {"code": "INTERNAL"}
    assert "ValueError" not in error["message"]
    found = re.search(r"[0-9a-f]{32}", error["message"])
    assert found
    assert found[0] in caplog.text
    assert "???" not in caplog.text
    server.run(lambda: break_it([]))


def test_the_server_says_that_it_is_alive_and_ready(server: Server) -> None:
    assert httpx2.get(f"{server.url}/healthz").json() == {"status": "alive"}
    assert httpx2.get(f"{server.url}/readyz").json()["status"] == "ready"


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "OPTIONS", "DELETE"])
@pytest.mark.parametrize(
    "path", ["/", "/graphiql", "/graphql/x", "/files/x/y", "/files/", "/healthz/x", "/%00", "/favicon.ico"]
)
def test_an_unknown_address_is_404_as_json(server: Server, method: str, path: str) -> None:
    answer = httpx2.request(method, f"{server.url}{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/json; charset=utf-8")
    assert answer.headers["x-request-id"]
    if method != "HEAD":
        assert code(answer) == "NOT_FOUND"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/healthz", "GET, HEAD"),
        ("DELETE", "/readyz", "GET, HEAD"),
        ("OPTIONS", "/readyz", "GET, HEAD"),
        ("PUT", "/metrics", "GET, HEAD"),
        ("POST", f"/files/{'0' * 32}", "GET, HEAD, PUT"),
        ("OPTIONS", "/files/x", "GET, HEAD, PUT"),
        ("HEAD", "/graphql", "GET, POST"),
        ("OPTIONS", "/graphql", "GET, POST"),
        ("DELETE", "/graphql", "GET, POST"),
        ("QUERY", "/graphql", "GET, POST"),
    ],
)
def test_a_method_that_an_address_does_not_take_is_405_as_json_without_a_token(
    server: Server, method: str, path: str, allowed: str
) -> None:
    answer = httpx2.request(method, f"{server.url}{path}")
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    if method != "HEAD":
        assert code(answer) == "METHOD_NOT_ALLOWED"


def test_the_development_secret_is_made_once(tmp_path: Path) -> None:
    made: list[str] = []
    threads = [threading.Thread(target=lambda: made.append(tokens.development_secret(tmp_path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 1
    assert len(made[0]) == 64
    assert (tmp_path / "token-secret").stat().st_mode & 0o077 == 0


def test_signing_in_twice_at_once_makes_one_account(server: Server) -> None:
    async def both() -> set[Any]:
        accounts = await asyncio.gather(*(sign_in("twin", Role.BUYER, "x") for _ in range(9)))
        return {account.id for account in accounts}

    assert len(server.run(both)) == 1
