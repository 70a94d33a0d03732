"""CORS: which web pages may use the API. Those of listed origins, the server's own, and in development those of this
machine."""

import ipaddress
import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.responses import Response
from strawberry.http.websocket_origin import normalize_allowed_origins, normalize_origin

from server.errors import error_response
from server.graphql.negotiation import CACHED_VALUES
from server.settings import Mode, Settings

METHODS = "GET, HEAD, POST, PUT"
# The headers that pages may read.
EXPOSED = "x-request-id, retry-after, www-authenticate, allow, content-disposition, content-language"
PREFLIGHT_SECONDS = 24 * 3600  # for which a browser keeps the response to a preflight

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~\w-]+", re.ASCII)
_WEB_SOCKET = re.compile(r"ws(s?)://", re.IGNORECASE | re.ASCII)
_DEFAULT_PORTS = (None, 80, 443)


def _as_http(origin: str) -> str:
    """Returns the origin with an HTTP scheme. Some clients send the address of a socket (`wss://…`) as its origin."""
    return _WEB_SOCKET.sub(r"http\1://", origin, count=1)


def _host_and_port(url: str) -> tuple[str, int | None] | None:
    """Returns the host and the port, whatever the scheme. The port is None if it is a scheme's default; the result is
    None if this is no URL."""
    try:
        parts = urlsplit(url)
        return (parts.hostname, None if parts.port in _DEFAULT_PORTS else parts.port) if parts.hostname else None
    except ValueError:
        return None


def _normalized(origin: str) -> frozenset[str]:
    """Returns the origin in its normal form. Raises ValueError, which names the setting."""
    try:
        return normalize_allowed_origins([_as_http(origin)])
    except ValueError:
        raise ValueError(
            f"Invalid origin {origin!r} in RECOURSE_CORS_ORIGINS. It must be like https://shop.example, without a path."
        ) from None


def _is_loopback(origin: str) -> bool:
    parts = urlsplit(origin)  # cannot fail: it is normalized
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https"):
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refused_origin() -> Response:
    return error_response(
        403, "FORBIDDEN", "Pages of this origin may not use this API. RECOURSE_CORS_ORIGINS lists the origins that may."
    )


class Origins:
    """Decides which origins may use the API, over HTTP and over sockets, which browsers open without a preflight.

    An access token is not a cookie, so a foreign page has none of the user's. It is refused all the same.
    """

    def __init__(self, settings: Settings) -> None:
        """Raises ValueError where the settings list something that is not an origin."""
        self.allowed = frozenset[str]().union(*map(_normalized, settings.cors_origins))
        self.own = _host_and_port(settings.public_url or "")
        self.development = settings.mode is Mode.DEVELOPMENT
        self.headers = lru_cache(CACHED_VALUES)(self._headers)

    def allows(self, origin: str) -> bool:
        if "*" in self.allowed:
            return True
        normal = normalize_origin(_as_http(origin))
        if normal is None:
            return False
        return (
            normal in self.allowed or _host_and_port(normal) == self.own or (self.development and _is_loopback(normal))
        )

    def allows_socket(self, headers: Mapping[str, str]) -> bool:
        """Whether this request may open a socket. Browsers always send an origin, other clients need not."""
        origin = headers.get("origin")
        if origin is None or headers.get("sec-fetch-site") == "same-origin":
            return True
        own_host = _host_and_port(f"//{headers.get('host', '')}")
        return (own_host is not None and _host_and_port(origin) == own_host) or self.allows(origin)

    def _headers(self, origin: str) -> tuple[tuple[bytes, bytes], ...]:
        """Returns the headers that let a page of this origin read the response; none where it may not."""
        if not self.allows(origin):
            return ()
        return (
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-expose-headers", EXPOSED.encode()),
        )

    def preflight(self, origin: str, headers: Mapping[str, str]) -> Response:
        """Answers a browser's preflight. A page may use any method of this API, and any headers, because clients and
        tracing libraries send ever new ones."""
        if not self.allows(origin):
            return refused_origin()
        names = [name.strip() for name in headers.get("access-control-request-headers", "").split(",")]
        if not all(_HEADER_NAME.fullmatch(name) for name in names if name):
            return error_response(400, "BAD_REQUEST", "Access-Control-Request-Headers contains an invalid header name.")
        is_private = headers.get("access-control-request-private-network") == "true"
        response = {
            "access-control-allow-methods": METHODS,
            "access-control-allow-headers": ", ".join(filter(None, names)),
            "access-control-max-age": str(PREFLIGHT_SECONDS),
            "access-control-allow-private-network": "true" if is_private else "",
            "vary": "Access-Control-Request-Method, Access-Control-Request-Headers",
        }
        return Response(status_code=204, headers={name: value for name, value in response.items() if value})
