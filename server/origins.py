"""Which pages may ask: those of listed origins, the server's own, and in development those of this machine."""

import ipaddress
import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.responses import Response
from strawberry.http.websocket_origin import normalize_allowed_origins, normalize_origin

from server.errors import error_response
from server.graphql.negotiation import SPELLINGS
from server.settings import Mode, Settings

METHODS = "GET, HEAD, POST, PUT"
EXPOSED = "x-request-id, retry-after, www-authenticate, allow, content-disposition"  # what pages may read of an answer
REMEMBERED_SECONDS = 24 * 3600  # by a browser, of what a preflight was answered

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~\w-]+", re.ASCII)
_WEB_SOCKET = re.compile(r"ws(s?)://", re.IGNORECASE | re.ASCII)
_DEFAULT_PORTS = (None, 80, 443)


def _as_http(origin: str) -> str:
    """Some clients name a socket's own address as its origin, with the socket's scheme."""
    return _WEB_SOCKET.sub(r"http\1://", origin, count=1)


def _place(url: str) -> tuple[str, int | None] | None:
    """The host and the port, whatever the scheme; None for the port of a scheme, and where this is no address."""
    try:
        parts = urlsplit(url)
        return (parts.hostname, None if parts.port in _DEFAULT_PORTS else parts.port) if parts.hostname else None
    except ValueError:
        return None


def _is_loopback(origin: str) -> bool:
    parts = urlsplit(origin)  # which is normal
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
        403, "FORBIDDEN", "Pages of this origin may not ask; RECOURSE_CORS_ORIGINS lists those that may."
    )


class Origins:
    """CORS, and its like for sockets, which browsers open without asking first. Access tokens are no cookies, so that
    a page has only those that it was given; a foreign page is refused all the same."""

    def __init__(self, settings: Settings) -> None:
        """Raises ValueError where the settings list what is no origin."""
        self.listed = normalize_allowed_origins(map(_as_http, settings.cors_origins))
        self.own = _place(settings.public_url or "")
        self.development = settings.mode is Mode.DEVELOPMENT
        self.headers = lru_cache(SPELLINGS)(self._headers)

    def allows(self, origin: str) -> bool:
        if "*" in self.listed:
            return True
        normal = normalize_origin(_as_http(origin))
        if normal is None:
            return False
        return normal in self.listed or _place(normal) == self.own or (self.development and _is_loopback(normal))

    def allows_socket(self, headers: Mapping[str, str]) -> bool:
        """Whether a socket may be opened by this request. Only browsers name an origin, and they always do."""
        origin = headers.get("origin")
        if origin is None or headers.get("sec-fetch-site") == "same-origin":
            return True
        here = _place(f"//{headers.get('host', '')}")
        return (here is not None and _place(origin) == here) or self.allows(origin)

    def _headers(self, origin: str) -> tuple[tuple[bytes, bytes], ...]:
        """What lets a page of that origin read an answer; nothing where it may not."""
        if not self.allows(origin):
            return ()
        return (
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-expose-headers", EXPOSED.encode()),
        )

    def preflight(self, origin: str, headers: Mapping[str, str]) -> Response:
        """The answer to a browser that asks whether a page may ask: by any method that is known here, and with any
        headers, since clients and what traces them send ever new ones."""
        if not self.allows(origin):
            return refused_origin()
        names = [name.strip() for name in headers.get("access-control-request-headers", "").split(",")]
        if not all(_HEADER_NAME.fullmatch(name) for name in names if name):
            return error_response(400, "BAD_REQUEST", "Access-Control-Request-Headers has what is no name of a header.")
        asks_within = headers.get("access-control-request-private-network") == "true"
        answer = {
            "access-control-allow-methods": METHODS,
            "access-control-allow-headers": ", ".join(filter(None, names)),
            "access-control-max-age": str(REMEMBERED_SECONDS),
            "access-control-allow-private-network": "true" if asks_within else "",
            "vary": "Access-Control-Request-Method, Access-Control-Request-Headers",
        }
        return Response(status_code=204, headers={name: value for name, value in answer.items() if value})
