"""Access tokens: verifies who sends a request. Always by real time, also where a request's clock is moved."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import jwt
from cachetools import TLRUCache

from models.enums import Role
from models.files import kept_secret
from resolvers.errors import UNAVAILABLE
from server.auth.jwks import KeySet
from server.errors import RETRY_LATER, RequestRejected
from server.settings import VAR, Mode, Settings

DEVELOPMENT_ISSUER = "recourse-development"
DEVELOPMENT_LIFETIME = timedelta(days=30)
LEEWAY_SECONDS = 30
REMEMBERED_SECONDS = 60.0  # for which a token that was verified is not verified again
MAX_CACHED = 10_000  # tokens, of about 700 bytes each
MAX_SUBJECT_LENGTH = 255  # characters
LATEST_EXPIRY = 250_000_000_000  # a timestamp in the year 9892; a datetime holds no later ones

_ALGORITHMS = ["RS256", "ES256"]
_REQUIRED = ["exp", "iat", "iss", "sub", "role"]


class TokenProblem(StrEnum):
    """Why a token is refused. It tells an app whether to ask for a sign-in or to refresh its token."""

    MISSING = "MISSING"
    INVALID = "INVALID"
    EXPIRED = "EXPIRED"


_MESSAGES = {
    TokenProblem.MISSING: "Send an access token: Authorization: Bearer <token>.",
    TokenProblem.INVALID: "The access token is not valid.",
    TokenProblem.EXPIRED: "The access token has expired; get a new one.",
}


class BadToken(RequestRejected):
    """The token is missing, expired or not valid. Never says why it is not valid."""

    def __init__(self, problem: TokenProblem) -> None:
        message = _MESSAGES[problem]
        # RFC 6750, 3.1: without a token, the challenge names no error.
        details = f' error="invalid_token", error_description="{message}"'
        challenge = "Bearer" if problem is TokenProblem.MISSING else "Bearer" + details
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
        """What identifies the account."""
        return self.subject, self.role, self.name


def bearer(authorization: str) -> str:
    """Returns the token in the value of an Authorization header. Raises BadToken."""
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise BadToken(TokenProblem.MISSING)
    return token


Verify = Callable[[str], Awaitable[Claims]]


def _verified_until(_token: str, claims: Claims, now: float) -> float:
    return min(now + REMEMBERED_SECONDS, claims.expires_at.timestamp())


class Verifier:
    """Verifies tokens. Caches successful verifications for up to 60 seconds; failures are never cached.

    So a token whose key the issuer withdraws is accepted for up to 60 seconds more.
    """

    def __init__(self, verify: Verify) -> None:
        self._verify = verify
        self._verified: TLRUCache[str, Claims] = TLRUCache(MAX_CACHED, ttu=_verified_until, timer=time.time)

    def cached(self, token: str) -> Claims | None:
        """Returns the claims of a token that was verified lately; None for any other."""
        try:
            return self._verified[token]  # `get` would take four times as long
        except KeyError:
            return None

    async def __call__(self, token: str) -> Claims:
        """Raises BadToken, and RequestRejected while tokens cannot be verified."""
        claims = self.cached(token)
        if claims is None:
            claims = self._verified[token] = await self._verify(token)
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
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError as error:
            raise BadToken(TokenProblem.INVALID) from error
        # The key comes from the issuer's set, the algorithm from our list. A key or an address of one in the token is
        # ignored.
        id = header.get("kid")
        key = await keys.key(id) if isinstance(id, str) and header.get("alg") in _ALGORITHMS else None
        if key is None and keys.is_away:
            # Not a 401: the token may be valid, and an app would sign its user out.
            message = "Access tokens cannot be verified at the moment. Try again in a few seconds."
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
    """Verifies the token and returns its claims. Without `expires`, accepts an expired token. Raises BadToken."""
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            leeway=LEEWAY_SECONDS,
            options={"require": required, "strict_aud": "aud" in required, "verify_exp": expires},
            **expected,
        )
        subject, role, name = claims["sub"], Role(claims["role"]), claims.get("name") or None
        f"{subject}{name}".encode()  # raises for half a surrogate pair, which cannot be stored
    except jwt.ExpiredSignatureError as error:
        # PyJWT raises this before it checks issuer and audience. If they are wrong, the token is invalid, not expired.
        _decode(token, key, required=required, expires=False, **expected)
        raise BadToken(TokenProblem.EXPIRED) from error
    except (jwt.PyJWTError, ValueError) as error:
        raise BadToken(TokenProblem.INVALID) from error
    if not isinstance(name, str | None) or "\0" in f"{subject}{name}" or not 0 < len(subject) <= MAX_SUBJECT_LENGTH:
        raise BadToken(TokenProblem.INVALID)
    expires_at = datetime.fromtimestamp(min(max(int(claims["exp"]), 0), LATEST_EXPIRY), UTC)
    if expires_at <= datetime.now(UTC):  # accepted within the leeway, since clocks differ
        expires_at += timedelta(seconds=LEEWAY_SECONDS)
    return Claims(subject, role, name[:200] if name else None, expires_at)


def development_secret(folder: Path = VAR) -> str:
    """Returns the secret of development tokens. It is made once for all processes that run in this folder."""
    return kept_secret(folder / "token-secret")


def development_token(
    subject: str, role: Role, name: str | None = None, lifetime: timedelta = DEVELOPMENT_LIFETIME
) -> str:
    """Returns a token that only servers in development mode accept. With a negative lifetime, it has expired."""
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
