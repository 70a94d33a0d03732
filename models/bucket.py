"""Stores files in a bucket of an S3-compatible store, with obstore, an optional extra. Clients upload directly to it.

Example: a client PUTs to `incoming/0190…` with a signed URL. When a case takes the file, the store copies it to
`taken/0190…`, for which nobody has a URL to write to, and `incoming/0190…` is deleted.
"""

# pyright: reportMissingImports=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import asyncio
import contextlib
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from models.files import CHUNK, HEAD, MADE_VARIANTS, ORIGINAL, TAIL, Away, Sample, Store, disposition
from models.signing import signed_again

T = TypeVar("T")

BYTES_A_SECOND = 2_000_000  # the least speed of a transfer
READ_SECONDS = 60  # for which a URL to read from is valid; clients follow it at once


class Bucket(Store):
    """The bucket should have a lifecycle rule that clears `incoming/` after two days."""

    def __init__(self, store: Any, seconds: float = 5) -> None:
        """`store` is an obstore store, with its endpoint and credentials from the environment (AWS_…). It has `seconds`
        for each response."""
        self.store = store
        self.seconds = seconds

    @classmethod
    def at(cls, url: str, seconds: float) -> "Bucket":
        """`url` is s3://NAME or s3://NAME/PREFIX. Raises ValueError where obstore is not installed."""
        try:
            from obstore.store import S3Store
        except ImportError:
            raise ValueError(
                "RECOURSE_FILES_URL names a bucket, which needs the package obstore (the extra `s3`)"
            ) from None
        # Without client options, which would replace all those of the environment.
        retry: Any = {"max_retries": 2, "retry_timeout": timedelta(seconds=seconds)}
        return cls(S3Store.from_url(url, retry_config=retry, copy_if_not_exists="multipart"), seconds)

    async def secret(self) -> bytes:
        try:
            return await self._secret()
        except FileNotFoundError:
            raise Away("no such bucket") from None

    async def _secret(self) -> bytes:
        import obstore
        from obstore.exceptions import AlreadyExistsError

        with contextlib.suppress(AlreadyExistsError):
            secret = secrets.token_hex(32).encode()
            await self._bounded(obstore.put_async(self.store, "secret", secret, mode="create"))
        stored = await self._bounded(obstore.get_async(self.store, "secret"))
        return bytes(await self._bounded(stored.bytes_async()))

    async def check(self) -> None:
        import obstore

        try:
            await self._bounded(obstore.head_async(self.store, "secret"))
        except FileNotFoundError:
            raise Away("no secret") from None

    async def upload_address(self, key: UUID, size: int, seconds: int) -> str | None:
        address = await self._sign("PUT", _incoming(key), seconds)
        secret_key = self._secret_key()
        # With a role's credentials, whose key only obstore knows, the length is not signed. `take` checks it.
        return signed_again(address, secret_key, "PUT", {"content-length": str(size)}) if secret_key else address

    async def read_address(self, key: UUID, filename: str, content_type: str, variant: str = ORIGINAL) -> str | None:
        import obstore

        secret_key = self._secret_key()
        if not secret_key:
            return None
        await self._bounded(obstore.head_async(self.store, _taken(key, variant)))
        response_headers = {
            "response-cache-control": "private, max-age=3600, immutable",
            "response-content-disposition": disposition(filename),
            "response-content-type": content_type,
        }
        return signed_again(
            await self._sign("GET", _taken(key, variant), READ_SECONDS), secret_key, "GET", query=response_headers
        )

    async def _sign(self, method: Any, path: str, seconds: int) -> str:
        import obstore

        return await self._bounded(obstore.sign_async(self.store, method, path, timedelta(seconds=seconds)))

    def _secret_key(self) -> str | None:
        """Returns the secret key of the credentials; None for those of a role."""
        configured: Any = getattr(self.store, "config", None) or {}
        name = "secret_access_key"
        return configured.get(name) or configured.get(f"aws_{name}") or os.environ.get(f"AWS_{name.upper()}")

    async def take(self, key: UUID, size: int) -> Sample | None:
        import obstore

        size_taken = await self._size(_taken(key))
        if size_taken is None:
            incoming = await self._size(_incoming(key))
            if incoming is not None and incoming != size:
                await self._bounded(obstore.delete_async(self.store, _incoming(key)))
                return Sample(incoming, b"")
            if incoming is not None:
                await self._move(key, size)
            size_taken = await self._size(_taken(key))
        if size_taken is None:
            return None
        if size_taken != size:  # the client changed it between the check and the move
            await self._bounded(obstore.delete_async(self.store, _taken(key)))
            return Sample(size_taken, b"")
        return await self._sample(_taken(key), size)

    async def _move(self, key: UUID, size: int) -> None:
        """Moves the content to where nobody can change it. The store copies it, so that it never is in this process's
        memory. Another process may do the same at the same time."""
        import obstore
        from obstore.exceptions import AlreadyExistsError

        with contextlib.suppress(AlreadyExistsError, FileNotFoundError):
            copied = obstore.copy_async(self.store, _incoming(key), _taken(key), overwrite=False)
            await self._bounded(copied, size)
        with contextlib.suppress(FileNotFoundError):
            await self._bounded(obstore.delete_async(self.store, _incoming(key)))

    async def _size(self, path: str) -> int | None:
        """Returns the size in bytes; None where nothing is stored."""
        import obstore

        try:
            return (await self._bounded(obstore.head_async(self.store, path)))["size"]
        except FileNotFoundError:
            return None

    async def _sample(self, path: str, size: int) -> Sample:
        import obstore

        starts, ends = ([0], [size]) if size <= HEAD + TAIL else ([0, size - TAIL], [HEAD, size])
        parts = await self._bounded(obstore.get_ranges_async(self.store, path, starts=starts, ends=ends), ends[0])
        return Sample(size, b"".join(map(bytes, parts)))

    async def size(self, key: UUID, variant: str) -> int | None:
        return await self._size(_taken(key, variant))

    async def keep(self, key: UUID, variant: str, content: bytes) -> None:
        import obstore
        from obstore.exceptions import AlreadyExistsError

        with contextlib.suppress(AlreadyExistsError):
            kept = obstore.put_async(self.store, _taken(key, variant), content, mode="create")
            await self._bounded(kept, len(content))

    async def read(self, key: UUID, variant: str = ORIGINAL) -> AsyncIterator[bytes]:
        import obstore

        stored = await self._bounded(obstore.get_async(self.store, _taken(key, variant)))
        chunks = aiter(stored.stream(min_chunk_size=CHUNK))
        while chunk := await self._bounded(anext(chunks, b""), CHUNK):
            yield bytes(chunk)

    async def remove(self, keys: Iterable[UUID]) -> None:
        import obstore

        variants = (*MADE_VARIANTS, ORIGINAL)
        for path in (path for key in keys for path in (_incoming(key), *(_taken(key, name) for name in variants))):
            with contextlib.suppress(FileNotFoundError):
                await self._bounded(obstore.delete_async(self.store, path))

    async def tidy(self, before: datetime) -> None:
        """Does nothing: a bucket holds no incomplete uploads."""

    async def _bounded(self, work: Awaitable[T], size: int = 0) -> T:
        """Awaits `work`, with extra time for `size` bytes. Raises Away where the store fails or takes too long."""
        from obstore.exceptions import AlreadyExistsError, BaseError

        try:
            async with asyncio.timeout(self.seconds + size / BYTES_A_SECOND):
                return await work
        except FileNotFoundError:
            raise FileNotFoundError from None  # without the store's message
        except AlreadyExistsError:
            raise
        except (BaseError, OSError) as error:
            # After a bracket may come the store's own error page, which can quote the request.
            message = str(error).partition("<")[0].partition("\n")[0]
            raise Away(f"{type(error).__qualname__} {message}".strip()) from error


def _incoming(key: UUID) -> str:
    return f"incoming/{key.hex}"


def _taken(key: UUID, variant: str = ORIGINAL) -> str:
    return f"taken/{key.hex}" if variant == ORIGINAL else f"taken/{key.hex}.{variant}"
