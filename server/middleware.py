"""What holds for every answer, wherever it comes from: its request's id, which pages may read it, how it is compressed,
and what becomes of an error that nobody foresaw.

It is one layer, not four: each costs every request its own calls.
"""

import asyncio
import time

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from zlib_ng import zlib_ng

from resolvers.telemetry import current
from server.errors import error_response, mask_internal
from server.graphql.negotiation import EVENT_STREAM, GRAPHQL_RESPONSE, JSON, MULTIPART, compressed_from
from server.origins import Origins
from server.request_id import ENCODINGS, ID_HEADER, ORIGIN, PATH, PREFLIGHT, answered, begun, read
from server.stopping import Stopping

LEVEL = 2  # makes 16 % of 17 kB in 0.03 ms; level 1 makes 23 % in 0.02 ms, level 6 15 % in 0.05 ms
GZIP = 31  # the window's size and the container, in zlib's own terms
IN_A_THREAD = 1_000_000  # bytes, which take 2.5 ms; other requests need not wait for more

_STREAMS = (EVENT_STREAM.encode(), MULTIPART.encode())
_COMPRESSIBLE = (JSON.encode(), GRAPHQL_RESPONSE.encode(), b"text/plain; version=")  # the last is Prometheus's own
_ID = ID_HEADER.encode()


def _gzip(body: bytes) -> bytes:
    return zlib_ng.compress(body, LEVEL, GZIP)  # pyright: ignore[reportUnknownMemberType]


async def _compress(start: Message, message: Message) -> None:
    """The answer that these two messages make becomes a smaller one."""
    body = message["body"]
    message["body"] = await asyncio.to_thread(_gzip, body) if len(body) >= IN_A_THREAD else _gzip(body)
    start["headers"] = [
        *(header for header in start["headers"] if header[0] != b"content-length"),
        (b"content-length", b"%d" % len(message["body"])),
        (b"content-encoding", b"gzip"),
    ]


class ResponseMiddleware:
    """Pure ASGI, so that what is known of the request is known wherever it is answered."""

    def __init__(self, app: ASGIApp, origins: Origins, stopping: Stopping, *, compresses: bool) -> None:
        self.app, self.origins, self.stopping, self.compresses = app, origins, stopping, compresses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        said = read(scope["headers"])
        request = begun(said)
        token = current.set(request)
        arrived = time.perf_counter()
        origin = said[ORIGIN].decode("latin-1") if ORIGIN in said else None
        least = compressed_from(said[ENCODINGS].decode("latin-1")) if self.compresses and ENCODINGS in said else None
        has_started = streams = False
        held: Message | None = None  # the start of an answer that is to be compressed

        async def complete(message: Message) -> None:
            nonlocal has_started, streams, held
            if message["type"] in ("http.response.start", "websocket.accept"):
                has_started = True
                size, media, may_be_compressed = 0, b"", self.compresses
                headers = list(message.get("headers", ()))
                for name, value in headers:
                    if name == b"content-type":
                        media = value
                    elif name == b"content-length":
                        size = int(value)
                    elif name == b"content-encoding":
                        may_be_compressed = False
                headers.append((_ID, request.id.encode()))
                if origin is not None:
                    headers += self.origins.headers(origin)
                if may_be_compressed and media.startswith(_COMPRESSIBLE):
                    headers.append((b"vary", b"Origin, Accept-Encoding"))
                else:
                    headers.append((b"vary", b"Origin"))
                    size = 0
                if self.stopping.has_begun and scope["type"] == "http":
                    headers.append((b"connection", b"close"))  # so that the next request finds another process
                streams = media.startswith(_STREAMS)
                message["headers"] = headers
                if least is not None and size >= least:
                    held = message
                    return
            elif held is not None:
                start, held = held, None
                if not message.get("more_body"):
                    await _compress(start, message)
                await send(start)
            await send(message)

        try:
            if origin is not None and PREFLIGHT in said and scope.get("method") == "OPTIONS":
                await self.origins.preflight(origin, Headers(scope=scope))(scope, receive, complete)
            else:
                await self.app(scope, receive, complete)
        except Exception as unforeseen:
            if has_started or scope["type"] == "websocket":
                raise
            await error_response(500, "INTERNAL", mask_internal(unforeseen))(scope, receive, complete)
        finally:
            if scope["type"] == "http" and scope["path"] == PATH and scope["method"] != "OPTIONS":
                answered(request, None if streams else time.perf_counter() - arrived)
            current.reset(token)
