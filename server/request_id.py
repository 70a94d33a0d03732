"""Gives each request an id, which its response and its log lines carry, and logs and counts it when it ends."""

import logging
import re
from collections.abc import Iterable
from secrets import token_hex

from resolvers import telemetry
from resolvers.telemetry import Request

ID_HEADER = "x-request-id"
CLIENT_HEADERS = ("apollographql-client-name", "graphql-client-name")
PATH = "/graphql"  # requests to other paths are not counted

ORIGIN, ENCODINGS, PREFLIGHT = b"origin", b"accept-encoding", b"access-control-request-method"

_NAMES = [name.encode() for name in (ID_HEADER, *CLIENT_HEADERS)]
_WANTED = frozenset((*_NAMES, ORIGIN, ENCODINGS, PREFLIGHT))
_log = logging.getLogger("recourse")
_PLAIN = re.compile(r"[\w.:@/+-]{1,64}", re.ASCII)


def _plain(text: str) -> str:
    """Returns the text if it is a plain word, else nothing: it must not get into logs."""
    return text if _PLAIN.fullmatch(text) else ""


def read_headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Returns the headers that this server needs for every request, in one pass. Of several headers of one name the
    first one counts; the values of Accept-Encoding are joined."""
    values: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _WANTED:
            if name not in values:
                values[name] = value
            elif name == ENCODINGS:
                values[name] += b"," + value
    return values


def begin(headers: dict[bytes, bytes]) -> Request:
    """Returns a new request with the id that it came with, or else a new one."""
    id, *clients = (_plain(headers[name].decode("latin-1")) if name in headers else "" for name in _NAMES)
    return Request(id=id or token_hex(16), client=next(filter(None, clients), ""))


def note_client(request: Request, extensions: object) -> None:
    """Notes the app's name where Apollo Client sends it: in the extensions."""
    match extensions:
        case {"clientLibrary": {"name": str(name)}} if not request.client:
            request.client = _plain(name)
        case _:
            pass


def end(request: Request, duration: float | None) -> None:
    """Counts the request and logs it at level INFO. `duration` is in seconds; None for a stream, which lasts as long as
    its client listens."""
    telemetry.count_request(request, duration)
    if _log.isEnabledFor(logging.INFO):
        fields = {
            "operation": request.operation,
            "client": request.client,
            "code": request.code,
            "milliseconds": None if duration is None else round(duration * 1000, 1),
        }
        _log.info("answered", extra={"fields": fields})
