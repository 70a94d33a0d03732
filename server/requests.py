"""Each request by an id: that of whoever sent it on, or a new one. It is in the answer and in the log."""

import logging
import re
from collections.abc import Iterable
from secrets import token_hex

from resolvers import metrics
from resolvers.request import Request

ID_HEADER = "x-request-id"
CLIENT_HEADERS = ("apollographql-client-name", "graphql-client-name")
PATH = "/graphql"  # where GraphQL is spoken; what comes there is counted

_NAMES = [name.encode() for name in (ID_HEADER, *CLIENT_HEADERS)]
_log = logging.getLogger("recourse")
_WORD = re.compile(r"[\w.:@/+-]{1,64}", re.ASCII)


def _word(text: str) -> str:
    """What is no plain word is not repeated."""
    return text if _WORD.fullmatch(text) else ""


def begun(headers: Iterable[tuple[bytes, bytes]]) -> Request:
    said = {name: _word(value.decode("latin-1")) for name, value in reversed([*headers]) if name in _NAMES}
    id, *clients = (said.get(name, "") for name in _NAMES)
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
    metrics.answered(request, took)
    if _log.isEnabledFor(logging.INFO):
        milliseconds = None if took is None else round(took * 1000, 1)
        said = {"operation": request.operation, "client": request.client, "code": request.code}
        _log.info("answered", extra={"said": said | {"milliseconds": milliseconds}})
