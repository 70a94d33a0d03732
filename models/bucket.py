"""Files in a bucket of an S3-compatible store, by obstore, an optional extra. Clients PUT straight into it."""

# pyright: reportMissingImports=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import contextlib
import secrets
from collections.abc import AsyncIterator, Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from models.files import CHUNK, HEAD, TAIL, Sample, Store


class Bucket(Store):
    """What comes in lies under `incoming/`, where whoever has the address can still write; what was taken, under
    `taken/`, where nobody can. The bucket should have a rule that clears `incoming/` after two days."""

    def __init__(self, store: Any) -> None:
        """`store` is an obstore store, whose credentials and place come from the environment (AWS_…)."""
        self.store = store

    @classmethod
    def at(cls, url: str) -> "Bucket":
        """`url` is s3://NAME or s3://NAME/PREFIX. Raises ValueError where obstore is not installed."""
        try:
            from obstore.store import S3Store
        except ImportError:
            raise ValueError("files in a bucket need the package obstore (the project's extra `s3`)") from None
        return cls(S3Store.from_url(url))

    async def secret(self) -> bytes:
        import obstore
        from obstore.exceptions import AlreadyExistsError

        with contextlib.suppress(AlreadyExistsError):
            await obstore.put_async(self.store, "secret", secrets.token_hex(32).encode(), mode="create")
        return bytes(await (await obstore.get_async(self.store, "secret")).bytes_async())

    async def upload_address(self, key: UUID, seconds: int) -> str | None:
        import obstore

        return await obstore.sign_async(self.store, "PUT", _incoming(key), timedelta(seconds=seconds))

    async def take(self, key: UUID, size: int) -> Sample | None:
        import obstore
        from obstore.exceptions import AlreadyExistsError

        try:
            content = bytes(await (await obstore.get_async(self.store, _taken(key))).bytes_async())
        except FileNotFoundError:
            try:
                came = await obstore.get_async(self.store, _incoming(key))
            except FileNotFoundError:
                return None
            if came.meta["size"] != size:
                await obstore.delete_async(self.store, _incoming(key))
                return Sample(came.meta["size"], b"")
            content = bytes(await came.bytes_async())
            with contextlib.suppress(AlreadyExistsError):  # a twin was faster, with the same
                await obstore.put_async(self.store, _taken(key), content, mode="create")
            await obstore.delete_async(self.store, _incoming(key))
        return Sample(len(content), content if len(content) <= HEAD + TAIL else content[:HEAD] + content[-TAIL:])

    async def read(self, key: UUID) -> AsyncIterator[bytes]:
        import obstore

        async for chunk in (await obstore.get_async(self.store, _taken(key))).stream(min_chunk_size=CHUNK):
            yield bytes(chunk)

    async def remove(self, keys: Iterable[UUID]) -> None:
        import obstore

        for path in (path for key in keys for path in (_incoming(key), _taken(key))):
            with contextlib.suppress(FileNotFoundError):
                await obstore.delete_async(self.store, path)

    async def tidy(self, before: datetime) -> None:
        """What is not whole is nowhere in a bucket."""


def _incoming(key: UUID) -> str:
    return f"incoming/{key.hex}"


def _taken(key: UUID) -> str:
    return f"taken/{key.hex}"
