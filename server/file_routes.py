"""The content of files over HTTP, at signed addresses. No token is asked for: the address is the right."""

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from models.bucket import Bucket
from models.files import AlreadyThere, Away, Folder, Sample, Store, TooLarge, TooShort, disposition
from resolvers.files import content_type
from resolvers.signed_url import READ_SECONDS, UPLOAD_SECONDS, FilesUnavailable, FileUrls
from server.errors import UNAVAILABLE, RequestRejected, error_response, internal_error_response, rejection_response
from server.rate_limits import client_address
from server.settings import Settings

TIMEOUT_SECONDS = 3
LOOK_SECONDS = 5  # between two looks at the store
_log = logging.getLogger(__name__)
_KEY = re.compile(r"[0-9a-f]{32}", re.ASCII)

# A file is for saving, never for a browser to look into, to run, or to tell anybody where it came from.
_HARMLESS = {
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "cross-origin",
    "cache-control": f"private, max-age={READ_SECONDS}, immutable",
}


def store(settings: Settings) -> Store:
    """Raises ValueError where the settings name no place for files."""
    if settings.files.startswith("s3://"):
        return Bucket.at(settings.files, settings.files_seconds)
    if "://" in settings.files:
        raise ValueError("files lie in a folder or at s3://BUCKET")
    return Folder(Path(settings.files))


def opened(settings: Settings) -> FileUrls:
    """Connects to nothing yet."""
    return FileUrls(store(settings))


async def prepare(settings: Settings) -> None:
    """Makes the folder for files, with its secret. A store elsewhere may be away when a server starts."""
    place = store(settings)
    if isinstance(place, Folder):
        await place.secret()


class Availability:
    """Whether the store of files can be used, as was last found; what changes is logged."""

    def __init__(self, files: FileUrls) -> None:
        self.files = files
        self.is_away = False

    async def look(self) -> None:
        """Reads the secret, which needs the store, until it is there; from then on asks for something small."""
        try:
            await self.files.load()
            await self.files.store.check()
        except Away as away:
            if not self.is_away:
                _log.warning("files cannot be reached: %s; trying again", away)
            self.is_away = True
        else:
            if self.is_away:
                _log.warning("files can be reached again")
            self.is_away = False


class WrongKind(Exception):
    """The content is none of what is taken."""


class TooLargeForItsKind(Exception):
    """It was announced as what may be a video, and is none."""


async def content(request: Request) -> Response:
    """GET gives what PUT has brought."""
    files: FileUrls = request.app.state.files
    try:
        await request.app.state.view.rates.consume("address", client_address(request))
    except RequestRejected as wrong:
        return rejection_response(wrong)
    try:
        await files.load()
    except Away:
        return await _unavailable(request)
    text = request.path_params["key"]
    key = UUID(hex=text) if _KEY.fullmatch(text) else None
    method = "PUT" if request.method == "PUT" else "GET"
    if key is None or not files.allows(method, key, request.query_params):
        await _read_the_rest(request)
        return error_response(403, "FORBIDDEN", "This address is not valid, or not any more; ask for a new one.")
    try:
        return await (_put(request, files, key) if method == "PUT" else _get(request, files, key))
    except Away:
        return await _unavailable(request)
    except Exception as problem:
        return internal_error_response(problem)


async def _unavailable(request: Request) -> Response:
    await _read_the_rest(request)
    return error_response(503, UNAVAILABLE, FilesUnavailable().message, headers={"retry-after": str(LOOK_SECONDS)})


async def _put(request: Request, files: FileUrls, key: UUID) -> Response:
    announced, size = request.query_params["type"], int(request.query_params["size"])

    def check(sample: Sample) -> None:
        kind = content_type.sniff(sample.content, announced)
        if kind is None:
            raise WrongKind
        if sample.size > content_type.max_bytes(kind):
            raise TooLargeForItsKind

    assert isinstance(files.store, Folder)  # it alone has its uploads come here
    length = request.headers.get("content-length", "")
    try:
        if length.isdecimal() and int(length) > size:
            raise TooLarge
        async with asyncio.timeout(UPLOAD_SECONDS):
            await files.store.put(key, request.stream(), size, check)
    except TooLarge:
        answer = error_response(
            413, "TOO_LARGE", f"This is more than the {size:,} bytes that were announced; nothing is kept."
        )
    except TooShort:
        answer = error_response(
            400, "TOO_SHORT", f"This is less than the {size:,} bytes that were announced; nothing is kept."
        )
    except WrongKind:
        answer = error_response(
            415, "WRONG_KIND", f"This is none of what is taken: {content_type.ACCEPTED_TYPES}. Nothing is kept."
        )
    except TooLargeForItsKind:
        answer = error_response(413, "TOO_LARGE", f"{content_type.SIZES} Nothing is kept.")
    except AlreadyThere:
        answer = error_response(409, "ALREADY_THERE", "This file has come in before; it cannot be changed.")
    except TimeoutError:
        answer = error_response(
            408, "TOO_SLOW", f"This did not come in within {UPLOAD_SECONDS // 60} minutes; nothing is kept."
        )
    except ClientDisconnect:
        answer = Response(status_code=400)  # which nobody hears
    else:
        return Response(status_code=204)
    await _read_the_rest(request)
    return answer


async def _read_the_rest(request: Request) -> None:
    """For clients that listen only once they have said all: an answer in between would be lost to them. Those that do
    not come to an end are answered all the same, and the connection is closed."""
    left = content_type.MAX_VIDEO_BYTES
    with contextlib.suppress(TimeoutError, ClientDisconnect, RuntimeError):
        async with asyncio.timeout(TIMEOUT_SECONDS):
            async for chunk in request.stream():
                left -= len(chunk)
                if left < 0:
                    return


async def _get(request: Request, files: FileUrls, key: UUID) -> Response:
    said = request.query_params
    try:
        elsewhere = await files.store.read_address(key, said["name"], said["type"])
        if elsewhere is not None:
            # Signed anew for each request, and good for a moment only: nobody keeps it.
            return RedirectResponse(elsewhere, 302, headers=_HARMLESS | {"cache-control": "no-store"})
        chunks = files.store.read(key)
        first = await anext(chunks, b"")
    except FileNotFoundError:
        return error_response(404, "NOT_FOUND", "This file is gone.")

    async def all_of_it() -> AsyncIterator[bytes]:
        yield first
        async for chunk in chunks:
            yield chunk

    headers = _HARMLESS | {"content-disposition": disposition(said["name"]), "content-length": said["size"]}
    return StreamingResponse(all_of_it(), headers=headers, media_type=said["type"])
