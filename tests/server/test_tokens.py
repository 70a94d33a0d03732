"""Access tokens in production: only tokens that the issuer signed for this API are accepted, and its keys may change."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Generator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.enums import Role
from server.auth import jwks, tokens
from server.auth.tokens import BadToken, TokenProblem, development_token, verifier
from server.errors import RequestRejected
from tests.support.issuer import EC_KEY, OTHER_RSA_KEY, PUBLIC_PEM, RSA_KEY, Issuer, claims, public, token


@pytest.fixture
def issuer() -> Generator[Issuer]:
    made = Issuer()
    with made.serving():
        yield made


def verifying(issuer: Issuer) -> Callable[[str], Awaitable[Any]]:
    return verifier(issuer.settings("sqlite://x"))


def unsigned(header: dict[str, Any], **changes: Any) -> str:
    def part(value: dict[str, Any]) -> str:
        return (
            base64.urlsafe_b64encode(json.dumps(value, default=lambda at: int(at.timestamp())).encode())
            .decode()
            .rstrip("=")
        )

    return f"{part({'typ': 'JWT'} | header)}.{part(claims(**changes))}."


def confused() -> str:
    """Returns a token signed with HMAC, with the public key as the secret. PyJWT refuses to make one."""
    said = unsigned({"alg": "HS256", "kid": "rsa"}).rstrip(".")
    signature = hmac.new(PUBLIC_PEM, said.encode(), hashlib.sha256).digest()
    return f"{said}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
GOOD: dict[str, Callable[[], str]] = {
    "RS256": lambda: token(),
    "ES256": lambda: token(EC_KEY, "ES256", "ec"),
    "just expired, within the leeway": lambda: token(exp=datetime.now(UTC) - timedelta(seconds=10)),
    "issued by a clock that is ahead": lambda: token(iat=datetime.now(UTC) + timedelta(seconds=10)),
}
BAD: dict[str, Callable[[], str]] = {
    "nothing": lambda: "",
    "nonsense": lambda: "nonsense",
    "two parts": lambda: "a.b",
    "no algorithm": lambda: unsigned({"alg": "none", "kid": "rsa"}),
    "no algorithm, otherwise spelled": lambda: unsigned({"alg": "NoNe", "kid": "rsa"}),
    "the public key as a secret": confused,
    "another algorithm of the same key": lambda: token(algorithm="RS512"),
    "another padding": lambda: token(algorithm="PS256"),
    "one curve's algorithm for another key": lambda: token(EC_KEY, "ES256", "rsa"),
    "somebody else's key": lambda: token(OTHER_RSA_KEY),
    "an unknown key": lambda: token(kid="unknown"),
    "no key id": lambda: token(kid=None),
    "a key id that is a path": lambda: token(kid="../../dev/null"),
    "an embedded key": lambda: token(OTHER_RSA_KEY, kid=None, headers={"jwk": public(OTHER_RSA_KEY, "x")}),
    "an embedded key of a known name": lambda: token(OTHER_RSA_KEY, headers={"jwk": public(OTHER_RSA_KEY, "rsa")}),
    "a linked key": lambda: token(OTHER_RSA_KEY, headers={"jku": "http://127.0.0.1:1/keys"}),
    "a linked certificate": lambda: token(OTHER_RSA_KEY, headers={"x5u": "http://127.0.0.1:1/cert"}),
    "a critical extension": lambda: token(headers={"crit": ["b64"], "b64": False}),
    "another issuer": lambda: token(iss="https://evil.example"),
    "no issuer": lambda: token(iss=None),
    "another audience": lambda: token(aud="somebody"),
    "more audiences than ours": lambda: token(aud=["recourse", "somebody"]),
    "no audience": lambda: token(aud=None),
    "expired": lambda: token(exp=datetime.now(UTC) - timedelta(minutes=1)),
    "expired, from another issuer": lambda: token(exp=LONG_AGO, iss="https://evil.example"),
    "expired, for another audience": lambda: token(exp=LONG_AGO, aud="somebody"),
    "expired, of another role": lambda: token(exp=LONG_AGO, role="KING"),
    "expired, by somebody else's key": lambda: token(OTHER_RSA_KEY, exp=LONG_AGO),
    "never expiring": lambda: token(exp=None),
    "not valid yet": lambda: token(nbf=datetime.now(UTC) + timedelta(minutes=2)),
    "issued in the future": lambda: token(iat=datetime.now(UTC) + timedelta(minutes=2)),
    "issued at no time": lambda: token(iat=None),
    "nobody": lambda: token(sub=None),
    "an empty subject": lambda: token(sub=""),
    "a subject of 256 characters": lambda: token(sub="x" * 256),
    "a subject with NUL": lambda: token(sub="a\0"),
    "no role": lambda: token(role=None),
    "another role": lambda: token(role="KING"),
    "two roles": lambda: token(role=["BUYER", "AGENT"]),
    "a role in small letters": lambda: token(role="buyer"),
    "a development token": lambda: development_token("ana", Role.AGENT),
    "cut off": lambda: token()[:-4],
    "changed": lambda: ".".join((token().split(".")[0], token(role="AGENT").split(".")[1], token().split(".")[2])),
}


@pytest.mark.anyio
@pytest.mark.parametrize("name", GOOD)
async def test_what_the_issuer_signed_is_taken(issuer: Issuer, name: str) -> None:
    found = await verifying(issuer)(GOOD[name]())
    assert (found.subject, found.role) == ("ana", Role.BUYER)


@pytest.mark.anyio
@pytest.mark.parametrize("name", BAD)
async def test_everything_else_is_refused(issuer: Issuer, name: str) -> None:
    with pytest.raises(BadToken) as refused:
        await verifying(issuer)(BAD[name]())
    assert refused.value.problem is (TokenProblem.EXPIRED if name == "expired" else TokenProblem.INVALID)


@pytest.mark.anyio
async def test_a_key_for_encryption_signs_nothing(issuer: Issuer) -> None:
    issuer.keys = [public(RSA_KEY, "rsa", use="enc")]
    with pytest.raises(BadToken):
        await verifying(issuer)(token())


# ---------------------------------------------------------------- changes of keys


@pytest.mark.anyio
async def test_keys_are_fetched_once_for_many(issuer: Issuer) -> None:
    verify = verifying(issuer)
    await asyncio.gather(*(verify(token()) for _ in range(50)))
    assert issuer.asked == 1


@pytest.mark.anyio
async def test_a_new_key_is_found_and_an_old_one_goes(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    verify = verifying(issuer)
    await verify(token())
    issuer.keys = [public(OTHER_RSA_KEY, "new")]
    monkeypatch.setattr(jwks, "REST_SECONDS", 0.0)
    monkeypatch.setattr(tokens, "REMEMBERED_SECONDS", 0.0)
    fresh = verifying(issuer)
    await fresh(token(OTHER_RSA_KEY, kid="new"))
    issuer.keys = [public(RSA_KEY, "rsa")]
    await fresh(token())
    with pytest.raises(BadToken):
        await fresh(token(OTHER_RSA_KEY, kid="new"))


@pytest.mark.anyio
async def test_a_good_token_is_remembered_and_no_longer_than_it_is_good(issuer: Issuer) -> None:
    verify = verifying(issuer)
    first = await verify(token())
    short = token(exp=datetime.now(UTC) - timedelta(seconds=tokens.LEEWAY_SECONDS - 1))
    assert (await verify(short)).subject == first.subject
    issuer.works = False
    assert (await verify(short)).subject == first.subject
    await asyncio.sleep(1.5)
    with pytest.raises(BadToken):
        await verify(short)


@pytest.mark.anyio
async def test_unknown_key_ids_are_no_flood(issuer: Issuer) -> None:
    verify = verifying(issuer)
    for place in range(200):
        with pytest.raises(BadToken):
            await verify(token(kid=f"unknown {place}"))
    assert issuer.asked == 1
    await verify(token())


@pytest.mark.anyio
async def test_known_keys_serve_while_the_issuer_is_away(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    verify = verifying(issuer)
    await verify(token())
    issuer.works = False
    monkeypatch.setattr(jwks, "FRESH_SECONDS", 0.0)
    for _ in range(20):
        await verify(token())


@pytest.mark.anyio
async def test_an_issuer_that_is_away_is_not_asked_for_every_token(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer.works = False
    verify = verifying(issuer)
    for _ in range(20):
        with pytest.raises(RequestRejected) as refused:
            await verify(token())
        assert (refused.value.status_code, refused.value.code) == (503, "UNAVAILABLE")  # the token may be valid
    assert issuer.asked == 1
    issuer.works = True
    monkeypatch.setattr(jwks, "RETRY_SECONDS", 0.0)
    again = verifying(issuer)
    await again(token())
