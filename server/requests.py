"""Each request by an id: that of whoever sent it on, or a new one. It is in the answer and in the log."""

import logging
import re
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.keys import new_id
from resolvers import metrics
from resolvers.request import Request, current
from server.media import EVENT_STREAM, MULTIPART

ID_HEADER = "x-request-id"
CLIENT_HEADERS = ("apollographql-client-name", "graphql-client-name")
PATH = "/graphql"  # where GraphQL is spoken; what comes there is counted

_log = logging.getLogger("recourse")
_WORD = re.compile(r"[\w.:@/+-]{1,64}", re.ASCII)


def _word(text: str | None) -> str:
    """What is no plain word is not repeated."""
    return text if text and _WORD.fullmatch(text) else ""


def begun(headers: Headers) -> Request:
    client = next((headers[name] for name in CLIENT_HEADERS if name in headers), None)
    return Request(id=_word(headers.get(ID_HEADER)) or new_id().hex, client=_word(client))


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
        request = begun(Headers(scope=scope))
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
