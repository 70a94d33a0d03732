"""Adds to every response what all responses need: the request's id, CORS headers, compression; and a response where an
error reaches it.

It is one layer, not four, because each layer costs every request its own calls.
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
from server.request_id import ENCODINGS, ID_HEADER, ORIGIN, PATH, PREFLIGHT, begin, end, read_headers
from server.stopping import Stopping

LEVEL = 2  # compresses 17 kB to 16 % in 0.03 ms; level 1 to 23 % in 0.02 ms, level 6 to 15 % in 0.05 ms
GZIP = 31  # zlib's number for the largest window and a gzip container
THREAD_BYTES = 1_000_000  # take 2.5 ms; larger responses are compressed in a thread, so that no request waits

_STREAMS = (EVENT_STREAM.encode(), MULTIPART.encode())
_COMPRESSIBLE = (JSON.encode(), GRAPHQL_RESPONSE.encode(), b"text/plain; version=")  # the last is that of metrics
_ID = ID_HEADER.encode()


def _gzip(body: bytes) -> bytes:
    return zlib_ng.compress(body, LEVEL, GZIP)  # pyright: ignore[reportUnknownMemberType]


async def _compress(start: Message, message: Message) -> None:
    """Compresses the response that these two messages make up."""
    body = message["body"]
    message["body"] = await asyncio.to_thread(_gzip, body) if len(body) >= THREAD_BYTES else _gzip(body)
    start["headers"] = [
        *(header for header in start["headers"] if header[0] != b"content-length"),
        (b"content-length", b"%d" % len(message["body"])),
        (b"content-encoding", b"gzip"),
    ]


class ResponseMiddleware:
    """Pure ASGI, so that the request's context variable is set for everything inside."""

    def __init__(self, app: ASGIApp, origins: Origins, stopping: Stopping, *, compresses: bool) -> None:
        self.app, self.origins, self.stopping, self.compresses = app, origins, stopping, compresses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = read_headers(scope["headers"])
        request = begin(headers)
        token = current.set(request)
        arrived = time.perf_counter()
        origin = headers[ORIGIN].decode("latin-1") if ORIGIN in headers else None
        least = (
            compressed_from(headers[ENCODINGS].decode("latin-1")) if self.compresses and ENCODINGS in headers else None
        )
        has_started = streams = False
        held_start: Message | None = None  # the start of a response that will be compressed

        async def send_completed(message: Message) -> None:
            nonlocal has_started, streams, held_start
            if message["type"] in ("http.response.start", "websocket.accept"):
                has_started = True
                size, media, may_be_compressed = 0, b"", self.compresses
                response_headers = list(message.get("headers", ()))
                for name, value in response_headers:
                    if name == b"content-type":
                        media = value
                    elif name == b"content-length":
                        size = int(value)
                    elif name == b"content-encoding":
                        may_be_compressed = False
                response_headers.append((_ID, request.id.encode()))
                if origin is not None:
                    response_headers += self.origins.headers(origin)
                if may_be_compressed and media.startswith(_COMPRESSIBLE):
                    response_headers.append((b"vary", b"Origin, Accept-Encoding"))
                else:
                    response_headers.append((b"vary", b"Origin"))
                    size = 0
                if self.stopping.has_begun and scope["type"] == "http":
                    response_headers.append((b"connection", b"close"))  # the next request then finds another process
                streams = media.startswith(_STREAMS)
                message["headers"] = response_headers
                if least is not None and size >= least:
                    held_start = message
                    return
            elif held_start is not None:
                start, held_start = held_start, None
                if not message.get("more_body"):
                    await _compress(start, message)
                await send(start)
            await send(message)

        try:
            if origin is not None and PREFLIGHT in headers and scope.get("method") == "OPTIONS":
                await self.origins.preflight(origin, Headers(scope=scope))(scope, receive, send_completed)
            else:
                await self.app(scope, receive, send_completed)
        except Exception as error:
            if has_started or scope["type"] == "websocket":
                raise
            await error_response(500, "INTERNAL", mask_internal(error))(scope, receive, send_completed)
        finally:
            if scope["type"] == "http" and scope["path"] == PATH and scope["method"] != "OPTIONS":
                end(request, None if streams else time.perf_counter() - arrived)
            current.reset(token)
