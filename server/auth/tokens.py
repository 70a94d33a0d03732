"""Access tokens: who a request is from. Tokens always use real time, also where a request's clock is moved."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import jwt

from models.enums import Role
from models.files import kept_secret
from server.auth.jwks import KeySet
from server.errors import RETRY_LATER, UNAVAILABLE, RequestRejected
from server.settings import VAR, Mode, Settings

DEVELOPMENT_ISSUER = "recourse-development"
DEVELOPMENT_LIFETIME = timedelta(days=30)
LEEWAY_SECONDS = 30
REMEMBERED_SECONDS = 60.0
MAX_CACHED = 10_000  # tokens, of some 700 bytes each
MAX_SUBJECT_LENGTH = 255  # characters
LATEST_EXPIRY = 250_000_000_000  # a time stamp in the year 9892; more is no date

_ALGORITHMS = ["RS256", "ES256"]
_REQUIRED = ["exp", "iat", "iss", "sub", "role"]


class TokenProblem(StrEnum):
    """Why a token is refused, as far as an app has to know: whether to ask for a sign-in or to refresh the token."""

    MISSING = "MISSING"
    INVALID = "INVALID"
    EXPIRED = "EXPIRED"


_MESSAGES = {
    TokenProblem.MISSING: "Send an access token: Authorization: Bearer <token>.",
    TokenProblem.INVALID: "The access token is not valid.",
    TokenProblem.EXPIRED: "The access token has expired; get a new one.",
}


class BadToken(RequestRejected):
    """There is no token, it has expired, or it is not valid. Never says why it is not valid."""

    def __init__(self, problem: TokenProblem) -> None:
        message = _MESSAGES[problem]
        # RFC 6750, 3.1: without a token there is no error to tell.
        described = f' error="invalid_token", error_description="{message}"'
        challenge = "Bearer" if problem is TokenProblem.MISSING else "Bearer" + described
        super().__init__(401, "UNAUTHENTICATED", message, **{"www-authenticate": challenge})
        self.extensions["reason"] = problem.value
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Claims:
    subject: str
    role: Role
    name: str | None
    expires_at: datetime

    @property
    def account(self) -> tuple[str, Role, str | None]:
        """Whose it is, as they sign in."""
        return self.subject, self.role, self.name


def bearer(authorization: str) -> str:
    """The token of an Authorization header, or of what stands for one. Raises BadToken."""
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise BadToken(TokenProblem.MISSING)
    return token


Verify = Callable[[str], Awaitable[Claims]]


class Verifier:
    """Tells whose a token is. Takes the word of a moment ago for one that was found good, and for no other. A key that
    is withdrawn so serves that moment longer."""

    def __init__(self, verify: Verify) -> None:
        self._verify = verify
        self._found: OrderedDict[str, tuple[Claims, float]] = OrderedDict()

    def remembered(self, token: str) -> Claims | None:
        known = self._found.get(token)
        return known[0] if known is not None and time.time() < known[1] else None

    async def __call__(self, token: str) -> Claims:
        """Raises BadToken, and Refused while tokens cannot be checked."""
        if (known := self.remembered(token)) is not None:
            return known
        self._found.pop(token, None)
        claims = await self._verify(token)
        self._found[token] = claims, min(time.time() + REMEMBERED_SECONDS, claims.expires_at.timestamp())
        if len(self._found) > MAX_CACHED:
            self._found.popitem(last=False)
        return claims


def verifier(settings: Settings) -> Verifier:
    development = settings.mode is Mode.DEVELOPMENT
    return Verifier(_by_secret(development_secret()) if development else _by_jwks(settings))


def _by_secret(secret: str) -> Verify:
    async def verify(token: str) -> Claims:
        return _decode(token, secret, algorithms=["HS256"], issuer=DEVELOPMENT_ISSUER, required=_REQUIRED)

    return verify


def _by_jwks(settings: Settings) -> Verify:
    assert settings.jwks_url is not None
    keys = KeySet(settings.jwks_url)

    async def verify(token: str) -> Claims:
        try:
            said = jwt.get_unverified_header(token)
        except jwt.PyJWTError as error:
            raise BadToken(TokenProblem.INVALID) from error
        # Our own list and the issuer's set decide which key and which algorithm it is; a key that a token brings along,
        # or the address of one, is never looked at.
        id = said.get("kid")
        key = await keys.key(id) if isinstance(id, str) and said.get("alg") in _ALGORITHMS else None
        if key is None and keys.is_away:
            # The token may be good: an app that takes it for a bad one signs its person out.
            message = "Access tokens cannot be checked at the moment. Try again in a few seconds."
            raise RequestRejected(503, UNAVAILABLE, message, **RETRY_LATER)
        if key is None:
            raise BadToken(TokenProblem.INVALID)
        return _decode(
            token,
            key,
            algorithms=_ALGORITHMS,
            issuer=settings.issuer,
            audience=settings.audience,
            required=[*_REQUIRED, "aud"],
        )

    return verify


def _decode(token: str, key: Any, *, required: list[str], expires: bool = True, **expected: Any) -> Claims:
    """Raises BadToken. Without `expires`, takes a token that has expired as well."""
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            leeway=LEEWAY_SECONDS,
            options={"require": required, "strict_aud": "aud" in required, "verify_exp": expires},
            **expected,
        )
        subject, role, name = claims["sub"], Role(claims["role"]), claims.get("name") or None
        f"{subject}{name}".encode()  # half a surrogate pair cannot be stored
    except jwt.ExpiredSignatureError as error:
        # Which is told before issuer and audience are looked at: only a token that is ours in all else has expired.
        _decode(token, key, required=required, expires=False, **expected)
        raise BadToken(TokenProblem.EXPIRED) from error
    except (jwt.PyJWTError, ValueError) as error:
        raise BadToken(TokenProblem.INVALID) from error
    if not isinstance(name, str | None) or "\0" in f"{subject}{name}" or not 0 < len(subject) <= MAX_SUBJECT_LENGTH:
        raise BadToken(TokenProblem.INVALID)
    expires_at = datetime.fromtimestamp(min(max(int(claims["exp"]), 0), LATEST_EXPIRY), UTC)
    if expires_at <= datetime.now(UTC):  # still taken, since clocks differ
        expires_at += timedelta(seconds=LEEWAY_SECONDS)
    return Claims(subject, role, name[:200] if name else None, expires_at)


def development_secret(folder: Path = VAR) -> str:
    """Made once, and shared by all processes that run from this folder."""
    return kept_secret(folder / "token-secret")


def development_token(
    subject: str, role: Role, name: str | None = None, lifetime: timedelta = DEVELOPMENT_LIFETIME
) -> str:
    """A token that only servers in development mode take. With a negative lifetime it has expired."""
    now = datetime.now(UTC)
    claims = {
        "iss": DEVELOPMENT_ISSUER,
        "sub": subject,
        "role": role.value,
        "name": name or subject,
        "iat": now,
        "exp": now + lifetime,
    }
    return jwt.encode(claims, development_secret(), algorithm="HS256")
