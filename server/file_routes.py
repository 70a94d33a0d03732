"""`/files/KEY`: reads and writes the content of files, at signed URLs. The URL itself is the right to do so."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from uuid import UUID

from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from models.files import COPY, ORIGINAL, AlreadyThere, Away, Folder, Sample, TooLarge, TooShort, disposition
from models.pictures import Interrupted
from resolvers.errors import UNAVAILABLE
from resolvers.files import content_type, pictures
from resolvers.signed_url import READ_SECONDS, UPLOAD_SECONDS, FilesUnavailable, FileUrls
from server.errors import TOO_SLOW, RequestRejected, error_response, internal_error_response, rejection_response
from server.file_store import CHECK_SECONDS
from server.rate_limits import client_address
from server.state import state_of

READ_REST_SECONDS = 3  # to read what a refused client still sends
_KEY = re.compile(r"[0-9a-f]{32}", re.ASCII)

_CANNOT_BE_SHOWN = (
    "This picture cannot be shown, because it is damaged or too large. Ask for it again, in JPEG or PNG or as a smaller"
    " picture."
)

# Browsers save a file. They neither display nor run it, and tell no other site where it came from.
_SAFE_HEADERS = {
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "cross-origin",
    "cache-control": f"private, max-age={READ_SECONDS}, immutable",
}


class WrongKind(Exception):
    """The content has a file type that is not accepted."""


class TooLargeForItsKind(Exception):
    """The content was announced with the size of a video, and is not a video."""


async def content(request: Request) -> Response:
    """PUT stores a file's content, GET returns it."""
    state = state_of(request)
    files = state.files
    try:
        await state.rates.consume("address", client_address(request))
    except RequestRejected as rejected:
        return rejection_response(rejected)
    try:
        await files.load()
    except Away:
        return await _unavailable(request)
    text = request.path_params["key"]
    key = UUID(hex=text) if _KEY.fullmatch(text) else None
    method = "PUT" if request.method == "PUT" else "GET"
    if key is None or not files.allows(method, key, request.query_params):
        await _read_rest(request)
        return error_response(403, "FORBIDDEN", "This URL is not valid or has expired. Request a new one.")
    try:
        return await (_put(request, files, key) if method == "PUT" else _get(request, files, key))
    except Away:
        return await _unavailable(request)
    except Exception as error:
        return internal_error_response(error)


async def _unavailable(request: Request) -> Response:
    await _read_rest(request)
    return error_response(503, UNAVAILABLE, FilesUnavailable().message, headers={"retry-after": str(CHECK_SECONDS)})


async def _put(request: Request, files: FileUrls, key: UUID) -> Response:
    announced, size = request.query_params["type"], int(request.query_params["size"])

    def check(sample: Sample) -> None:
        kind = content_type.sniff(sample.content, announced)
        if kind is None:
            raise WrongKind
        if sample.size > content_type.max_bytes(kind):
            raise TooLargeForItsKind

    assert isinstance(files.store, Folder)  # uploads to a bucket do not come here
    length = request.headers.get("content-length", "")
    try:
        if length.isdecimal() and int(length) > size:
            raise TooLarge
        async with asyncio.timeout(UPLOAD_SECONDS):
            await files.store.put(key, request.stream(), size, check)
    except TooLarge:
        response = error_response(
            413, "TOO_LARGE", f"This file has more than the announced {size:,} bytes. It was not saved."
        )
    except TooShort:
        response = error_response(
            400, "TOO_SHORT", f"This file has fewer than the announced {size:,} bytes. It was not saved."
        )
    except WrongKind:
        response = error_response(
            415,
            "WRONG_KIND",
            content_type.wrong_type(),
        )
    except TooLargeForItsKind:
        response = error_response(413, "TOO_LARGE", content_type.too_large())
    except AlreadyThere:
        response = error_response(409, "ALREADY_THERE", "This file was uploaded before and cannot be changed.")
    except TimeoutError:
        response = error_response(
            408, TOO_SLOW, f"The upload took more than {UPLOAD_SECONDS // 60} minutes. The file was not saved."
        )
    except ClientDisconnect:
        response = Response(status_code=400)  # nobody receives it
    else:
        return Response(status_code=204)
    await _read_rest(request)
    return response


async def _read_rest(request: Request) -> None:
    """Reads what a refused client still sends, since many clients read the response only after that. Gives up after
    some seconds or bytes; the connection is then closed."""
    bytes_left = content_type.MAX_VIDEO_BYTES
    with contextlib.suppress(TimeoutError, ClientDisconnect, RuntimeError):
        async with asyncio.timeout(READ_REST_SECONDS):
            async for chunk in request.stream():
                bytes_left -= len(chunk)
                if bytes_left < 0:
                    return


async def _get(request: Request, files: FileUrls, key: UUID) -> Response:
    query = request.query_params
    variant, filename, kind, size = query.get("variant"), query["name"], query["type"], int(query["size"])
    if variant is None:
        # Of a picture only a URL that an earlier release signed names no variant.
        variant = COPY if kind in pictures.COPY_TYPES else ORIGINAL
        filename, kind = pictures.served_as(filename, kind, variant)
    try:
        if variant != ORIGINAL:
            try:
                if (made := await _made(files, key, variant)) is None:
                    return error_response(404, "CANNOT_BE_SHOWN", _CANNOT_BE_SHOWN)
            except Interrupted:
                message = "This picture is not ready yet. Try again in a few seconds."
                return error_response(503, UNAVAILABLE, message, headers={"retry-after": str(CHECK_SECONDS)})
            size = made
        address = await files.store.read_address(key, filename, kind, variant)
        if address is not None:
            # It is signed for this request and expires soon, so it must not be cached.
            return RedirectResponse(address, 302, headers=_SAFE_HEADERS | {"cache-control": "no-store"})
        chunks = files.store.read(key, variant)
        first = await anext(chunks, b"")
    except FileNotFoundError:
        return error_response(404, "NOT_FOUND", "This file no longer exists.")

    async def all_chunks() -> AsyncIterator[bytes]:
        yield first
        async for chunk in chunks:
            yield chunk

    headers = _SAFE_HEADERS | {"content-disposition": disposition(filename), "content-length": str(size)}
    return StreamingResponse(all_chunks(), headers=headers, media_type=kind)


async def _made(files: FileUrls, key: UUID, variant: str) -> int | None:
    """Returns the size of this variant, which is made if it is missing; None if it cannot be drawn. Raises Interrupted
    and Away."""
    size = await files.store.size(key, variant)
    if size is None and await pictures.make(files, key):
        size = await files.store.size(key, variant)
    return size
