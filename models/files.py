"""Stores the content of files: `Folder` on a file system, `models.bucket.Bucket` in an S3-compatible store.

A content is stored under the id of its file. Example, in a folder: an upload is written to `incoming/tmp…`. Once it is
complete, it is checked and linked to `97d/0190c5a2…97d`. An existing name is never replaced: content never changes.

Beside a content may be its variants, which are made from it: `97d/0190c5a2…97d.copy`, `.large` and `.small`. The
content itself is the variant `original`.
"""

import asyncio
import contextlib
import os
import secrets
import tempfile
from abc import ABC, abstractmethod
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO
from urllib.parse import quote
from uuid import UUID

HEAD, TAIL = 40_000, 1_000  # bytes of a long file in its sample
SECRET_LENGTH = 64  # characters
CHUNK = 1_000_000  # bytes of one read or write
ORIGINAL, COPY, LARGE, SMALL = "original", "copy", "large", "small"
MADE_VARIANTS = (COPY, LARGE, SMALL)


@dataclass(frozen=True, slots=True)
class Sample:
    """The bytes that show a file's type: all of a short file, the beginning and the end of a long one."""

    size: int
    content: bytes


class Unfit(Exception):
    """An upload is not stored."""


class TooLarge(Unfit):
    """More bytes than were announced."""


class TooShort(Unfit):
    """Fewer bytes than were announced."""


class AlreadyThere(Unfit):
    """The content of this file was uploaded before."""


class Away(Exception):
    """The store cannot be reached or fails. It is unknown whether the call took effect."""


class Store(ABC):
    """Every call ends in limited time. All raise Away where the store cannot be reached."""

    @abstractmethod
    async def secret(self) -> bytes:
        """Returns the secret, which is made once and shared by all processes that use the store."""

    @abstractmethod
    async def check(self) -> None:
        """Raises Away where the store cannot be reached."""

    @abstractmethod
    async def upload_address(self, key: UUID, size: int, seconds: int) -> str | None:
        """Returns the URL to PUT a content of this size to; None where the server itself accepts it."""

    @abstractmethod
    async def read_address(self, key: UUID, filename: str, content_type: str, variant: str = ORIGINAL) -> str | None:
        """Returns a short-lived URL to GET the content from, under this name; None where the server itself sends it.
        Raises FileNotFoundError."""

    @abstractmethod
    async def take(self, key: UUID, size: int) -> Sample | None:
        """Returns a sample of the uploaded content; None where there is none. If it has this size, nobody can change it
        from now on."""

    @abstractmethod
    def read(self, key: UUID, variant: str = ORIGINAL) -> AsyncIterator[bytes]:
        """Yields the content. Raises FileNotFoundError at the first step."""

    @abstractmethod
    async def size(self, key: UUID, variant: str) -> int | None:
        """Returns the size of this variant in bytes; None where it has not been made."""

    @abstractmethod
    async def keep(self, key: UUID, variant: str, content: bytes) -> None:
        """Stores this variant, unless another process was faster."""

    @abstractmethod
    async def remove(self, keys: Iterable[UUID]) -> None:
        """Removes contents with all their variants. Ignores missing ones."""

    @abstractmethod
    async def tidy(self, before: datetime) -> None:
        """Removes what interrupted uploads have left before that instant."""


def disposition(filename: str) -> str:
    """Returns the header Content-Disposition. Browsers save the file and never display or run it."""
    return f"attachment; filename*=UTF-8''{quote(filename, safe='')}"


def kept_secret(path: Path) -> str:
    """Returns the secret in this file. Makes the file if it is missing, atomically and readable only by its owner."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent) as draft:
            draft.write(secrets.token_hex(32))
            draft.flush()
            os.fsync(draft.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(draft.name, path)
    secret = path.read_text()
    if len(secret) < SECRET_LENGTH:
        raise ValueError(f"{path} does not hold a secret; remove it to have a new one made")
    return secret


class Folder(Store):
    """One file for each content. An incomplete upload is in `incoming`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.incoming = path / "incoming"

    async def secret(self) -> bytes:
        return kept_secret(self.path / "secret").encode()

    async def check(self) -> None:
        if not await asyncio.to_thread(self.path.is_dir):
            raise Away("no folder")

    async def upload_address(self, key: UUID, size: int, seconds: int) -> str | None:
        return None

    async def read_address(self, key: UUID, filename: str, content_type: str, variant: str = ORIGINAL) -> str | None:
        return None

    async def put(self, key: UUID, content: AsyncIterable[bytes], size: int, check: Callable[[Sample], object]) -> None:
        """Stores a content of exactly `size` bytes that passes `check`. Raises Unfit, or what `check` raises, and then
        stores nothing."""
        if self._path(key).exists():
            raise AlreadyThere
        with await asyncio.to_thread(self._draft) as draft:
            received = written = 0
            unwritten: list[bytes] = []
            async for chunk in content:
                received += len(chunk)
                if received > size:
                    raise TooLarge
                unwritten.append(chunk)
                if received - written >= CHUNK:
                    await asyncio.to_thread(draft.writelines, unwritten)
                    written, unwritten = received, []
            if received < size:
                raise TooShort
            await asyncio.to_thread(self._keep, draft, unwritten, key, check)

    def _draft(self) -> IO[bytes]:
        self.incoming.mkdir(parents=True, exist_ok=True)
        return tempfile.NamedTemporaryFile(dir=self.incoming)

    def _keep(
        self,
        draft: IO[bytes],
        chunks: list[bytes],
        key: UUID,
        check: Callable[[Sample], object],
    ) -> None:
        draft.writelines(chunks)
        draft.flush()
        check(_sample(draft))
        os.fsync(draft.fileno())
        try:
            self._link(draft, self._path(key))
        except FileExistsError:
            raise AlreadyThere from None

    def _link(self, draft: IO[bytes], path: Path) -> None:
        path.parent.mkdir(exist_ok=True)
        os.link(draft.name, path)
        for folder in (path.parent, self.path):
            _sync(folder)

    async def take(self, key: UUID, size: int) -> Sample | None:
        def take() -> Sample | None:
            try:
                with self._path(key).open("rb") as file:
                    return _sample(file)
            except FileNotFoundError:
                return None

        return await asyncio.to_thread(take)

    async def read(self, key: UUID, variant: str = ORIGINAL) -> AsyncIterator[bytes]:
        file = await asyncio.to_thread(self._path(key, variant).open, "rb")
        with file:
            while chunk := await asyncio.to_thread(file.read, CHUNK):
                yield chunk

    async def size(self, key: UUID, variant: str) -> int | None:
        def size() -> int | None:
            try:
                return self._path(key, variant).stat().st_size
            except FileNotFoundError:
                return None

        return await asyncio.to_thread(size)

    async def keep(self, key: UUID, variant: str, content: bytes) -> None:
        def keep() -> None:
            with self._draft() as draft:
                draft.write(content)
                draft.flush()
                os.fsync(draft.fileno())
                with contextlib.suppress(FileExistsError):
                    self._link(draft, self._path(key, variant))

        await asyncio.to_thread(keep)

    async def remove(self, keys: Iterable[UUID]) -> None:
        def remove() -> None:
            for key in keys:
                for variant in (*MADE_VARIANTS, ORIGINAL):
                    self._path(key, variant).unlink(missing_ok=True)

        await asyncio.to_thread(remove)

    async def tidy(self, before: datetime) -> None:
        def tidy() -> None:
            for draft_path in self.incoming.glob("*"):
                with contextlib.suppress(FileNotFoundError):
                    if draft_path.stat().st_mtime < before.timestamp():
                        draft_path.unlink()

        await asyncio.to_thread(tidy)

    def _path(self, key: UUID, variant: str = ORIGINAL) -> Path:
        # The last three digits of an id are random, so each of 4,096 folders gets an equal share of the files.
        return self.path / key.hex[-3:] / (key.hex if variant == ORIGINAL else f"{key.hex}.{variant}")


def _sample(file: IO[bytes]) -> Sample:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    content = file.read(HEAD + TAIL)
    if size > len(content):
        file.seek(-TAIL, os.SEEK_END)
        content = content[:HEAD] + file.read()
    return Sample(size, content)


def _sync(folder: Path) -> None:
    """Makes the folder's entries survive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
