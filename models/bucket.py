"""Files in a bucket of an S3-compatible store, by obstore, an optional extra. Clients PUT straight into it."""

# pyright: reportMissingImports=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import asyncio
import contextlib
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from models.files import CHUNK, HEAD, TAIL, Away, Sample, Store, disposition
from models.signing import signed_again

T = TypeVar("T")

BYTES_A_SECOND = 2_000_000  # that contents come and go with at least
READ_SECONDS = 60  # that an address to read from is good for: the client follows it at once


class Bucket(Store):
    """What comes in lies under `incoming/`, where whoever has the address can still write; what was taken, under
    `taken/`, where nobody can. The bucket should have a rule that clears `incoming/` after two days."""

    def __init__(self, store: Any, seconds: float = 5) -> None:
        """`store` is an obstore store, whose credentials and place come from the environment (AWS_…). It has so many
        seconds for each answer."""
        self.store = store
        self.seconds = seconds

    @classmethod
    def at(cls, url: str, seconds: float) -> "Bucket":
        """`url` is s3://NAME or s3://NAME/PREFIX. Raises ValueError where obstore is not installed."""
        try:
            from obstore.store import S3Store
        except ImportError:
            raise ValueError("files in a bucket need the package obstore (the project's extra `s3`)") from None
        # Without options for its client, since they would take the place of all that the environment says of it.
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
            made = secrets.token_hex(32).encode()
            await self._bounded(obstore.put_async(self.store, "secret", made, mode="create"))
        found = await self._bounded(obstore.get_async(self.store, "secret"))
        return bytes(await self._bounded(found.bytes_async()))

    async def check(self) -> None:
        import obstore

        try:
            await self._bounded(obstore.head_async(self.store, "secret"))
        except FileNotFoundError:
            raise Away("no secret") from None

    async def upload_address(self, key: UUID, size: int, seconds: int) -> str | None:
        address = await self._sign("PUT", _incoming(key), seconds)
        secret_key = self._secret_key()
        # With credentials of a role, which only obstore knows, the length is not signed, but checked when it is taken.
        return signed_again(address, secret_key, "PUT", {"content-length": str(size)}) if secret_key else address

    async def read_address(self, key: UUID, filename: str, content_type: str) -> str | None:
        import obstore

        secret_key = self._secret_key()
        if not secret_key:
            return None
        await self._bounded(obstore.head_async(self.store, _taken(key)))
        told = {
            "response-cache-control": "private, max-age=3600, immutable",
            "response-content-disposition": disposition(filename),
            "response-content-type": content_type,
        }
        return signed_again(await self._sign("GET", _taken(key), READ_SECONDS), secret_key, "GET", query=told)

    async def _sign(self, method: Any, path: str, seconds: int) -> str:
        import obstore

        return await self._bounded(obstore.sign_async(self.store, method, path, timedelta(seconds=seconds)))

    def _secret_key(self) -> str | None:
        """The key that belongs to the credentials, unless they are those of a role."""
        configured: Any = getattr(self.store, "config", None) or {}
        name = "secret_access_key"
        return configured.get(name) or configured.get(f"aws_{name}") or os.environ.get(f"AWS_{name.upper()}")

    async def take(self, key: UUID, size: int) -> Sample | None:
        import obstore

        found = await self._size(_taken(key))
        if found is None:
            came = await self._size(_incoming(key))
            if came is not None and came != size:
                await self._bounded(obstore.delete_async(self.store, _incoming(key)))
                return Sample(came, b"")
            if came is not None:
                await self._move(key, size)
            found = await self._size(_taken(key))
        if found is None:
            return None
        if found != size:  # changed between the look at it and its moving
            await self._bounded(obstore.delete_async(self.store, _taken(key)))
            return Sample(found, b"")
        return await self._sample(_taken(key), size)

    async def _move(self, key: UUID, size: int) -> None:
        """To where nobody can change it. The store does it itself, so that a large content is never in memory here. A
        twin may be faster, with the same."""
        import obstore
        from obstore.exceptions import AlreadyExistsError

        with contextlib.suppress(AlreadyExistsError, FileNotFoundError):
            copied = obstore.copy_async(self.store, _incoming(key), _taken(key), overwrite=False)
            await self._bounded(copied, size)
        with contextlib.suppress(FileNotFoundError):
            await self._bounded(obstore.delete_async(self.store, _incoming(key)))

    async def _size(self, path: str) -> int | None:
        """In bytes; None where nothing is."""
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

    async def read(self, key: UUID) -> AsyncIterator[bytes]:
        import obstore

        found = await self._bounded(obstore.get_async(self.store, _taken(key)))
        chunks = aiter(found.stream(min_chunk_size=CHUNK))
        while chunk := await self._bounded(anext(chunks, b""), CHUNK):
            yield bytes(chunk)

    async def remove(self, keys: Iterable[UUID]) -> None:
        import obstore

        for path in (path for key in keys for path in (_incoming(key), _taken(key))):
            with contextlib.suppress(FileNotFoundError):
                await self._bounded(obstore.delete_async(self.store, path))

    async def tidy(self, before: datetime) -> None:
        """What is not whole is nowhere in a bucket."""

    async def _bounded(self, work: Awaitable[T], size: int = 0) -> T:
        """What the store answers, in time for a content of that many bytes. Raises Away where it does not."""
        from obstore.exceptions import AlreadyExistsError, BaseError

        try:
            async with asyncio.timeout(self.seconds + size / BYTES_A_SECOND):
                return await work
        except FileNotFoundError:
            raise FileNotFoundError from None  # without the words of the store
        except AlreadyExistsError:
            raise
        except (BaseError, OSError) as error:
            # What may follow a bracket is the store's own page, which can quote the request.
            said = str(error).partition("<")[0].partition("\n")[0]
            raise Away(f"{type(error).__qualname__} {said}".strip()) from error


def _incoming(key: UUID) -> str:
    return f"incoming/{key.hex}"


def _taken(key: UUID) -> str:
    return f"taken/{key.hex}"
