"""Each request by an id: that of whoever sent it on, or a new one. It is in the answer and in the log."""

import logging
import re
import time
from collections.abc import Iterable
from secrets import token_hex

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from resolvers import metrics
from resolvers.request import Request, current
from server.media import EVENT_STREAM, MULTIPART

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


class Identified:
    """Pure ASGI, so that what is known of the request is known wherever it is answered."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        request = begun(scope["headers"])
        token = current.set(request)
        arrived = time.perf_counter()

        streams = False

        async def named(message: Message) -> None:
            nonlocal streams
            if message["type"] in ("http.response.start", "websocket.accept"):
                headers = MutableHeaders(scope=message)
                headers.append(ID_HEADER, request.id)
                streams = headers.get("content-type", "").startswith((EVENT_STREAM, MULTIPART))
            await send(message)

        try:
            await self.app(scope, receive, named)
        finally:
            if scope["type"] == "http" and scope["path"] == PATH and scope["method"] != "OPTIONS":
                answered(request, None if streams else time.perf_counter() - arrived)
            current.reset(token)
