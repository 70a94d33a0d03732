"""Each request by an id: that of whoever sent it on, or a new one. It is in the answer and in the log."""

import logging
import re
from collections.abc import Iterable
from secrets import token_hex

from resolvers import telemetry
from resolvers.telemetry import Request

ID_HEADER = "x-request-id"
CLIENT_HEADERS = ("apollographql-client-name", "graphql-client-name")
PATH = "/graphql"  # where GraphQL is spoken; what comes there is counted

ORIGIN, ENCODINGS, PREFLIGHT = b"origin", b"accept-encoding", b"access-control-request-method"

_NAMES = [name.encode() for name in (ID_HEADER, *CLIENT_HEADERS)]
_READ = frozenset((*_NAMES, ORIGIN, ENCODINGS, PREFLIGHT))
_log = logging.getLogger("recourse")
_WORD = re.compile(r"[\w.:@/+-]{1,64}", re.ASCII)


def _word(text: str) -> str:
    """What is no plain word is not repeated."""
    return text if _WORD.fullmatch(text) else ""


def read(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """What is wanted of a request's headers wherever it is answered, in one look through them; of those of one name the
    first, but of encodings all."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _READ:
            if name not in found:
                found[name] = value
            elif name == ENCODINGS:
                found[name] += b"," + value
    return found


def begun(said: dict[bytes, bytes]) -> Request:
    id, *clients = (_word(said[name].decode("latin-1")) if name in said else "" for name in _NAMES)
    return Request(id=id or token_hex(16), client=next(filter(None, clients), ""))


def called(request: Request, extensions: object) -> None:
    """Apollo Client says in its extensions what app it is in."""
    match extensions:
        case {"clientLibrary": {"name": str(name)}} if not request.client:
            request.client = _word(name)
        case _:
            pass


def answered(request: Request, took: float | None) -> None:
    """Counts it, and where everything is logged, logs it. `took` is in seconds; None for a stream, which takes as long
    as somebody listens."""
    telemetry.count_request(request, took)
    if _log.isEnabledFor(logging.INFO):
        milliseconds = None if took is None else round(took * 1000, 1)
        said = {"operation": request.operation, "client": request.client, "code": request.code}
        _log.info("answered", extra={"said": said | {"milliseconds": milliseconds}})
