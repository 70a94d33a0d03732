"""Where the content of files lies: a folder, beside the database unless told otherwise, or a bucket (models.bucket)."""

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

HEAD, TAIL = 40_000, 1_000  # bytes of a sample
SECRET_LENGTH = 64  # characters
CHUNK = 1_000_000  # bytes that are read or written at once


@dataclass(frozen=True, slots=True)
class Sample:
    """What tells the kind of a file: all of a short one, the beginning and the end of a long one."""

    size: int
    content: bytes


class Unfit(Exception):
    """What comes in is not kept."""


class TooLarge(Unfit):
    """More bytes than were announced."""


class TooShort(Unfit):
    """Fewer bytes than were announced."""


class AlreadyThere(Unfit):
    """The content of this file has come in before."""


class Away(Exception):
    """The store does not answer, or not as it should; nothing is known of what was asked of it."""


class Store(ABC):
    """Keeps contents under the ids of their files. A content never changes once it was taken.

    Every call ends in bounded time. All of them raise Away where the store is elsewhere and cannot be used.
    """

    @abstractmethod
    async def secret(self) -> bytes:
        """Made once; the same for all who share the store."""

    @abstractmethod
    async def check(self) -> None:
        """Raises Away where the store cannot be used."""

    @abstractmethod
    async def upload_address(self, key: UUID, size: int, seconds: int) -> str | None:
        """Where to PUT a content of that size; None where the server itself takes it."""

    @abstractmethod
    async def read_address(self, key: UUID, filename: str, content_type: str) -> str | None:
        """Where to GET the content, for a moment, under that name; None where the server itself gives it. Raises
        FileNotFoundError."""

    @abstractmethod
    async def take(self, key: UUID, size: int) -> Sample | None:
        """What has come in, which nobody can change from now on if it has that size. None where nothing has."""

    @abstractmethod
    def read(self, key: UUID) -> AsyncIterator[bytes]:
        """The content. Raises FileNotFoundError with the first step."""

    @abstractmethod
    async def remove(self, keys: Iterable[UUID]) -> None:
        """Removes contents, those that are there."""

    @abstractmethod
    async def tidy(self, before: datetime) -> None:
        """Removes what interrupted uploads have left from before that instant."""


def disposition(filename: str) -> str:
    """The header Content-Disposition: a file is for saving, never for a browser to look into or to run."""
    return f"attachment; filename*=UTF-8''{quote(filename, safe='')}"


def kept_secret(path: Path) -> str:
    """The secret in that file, made once: whole or not at all, and readable by nobody else."""
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
        raise ValueError(f"{path} holds no secret; remove it, and another is made")
    return secret


class Folder(Store):
    """A file for each content, named by its id; what is coming in lies in `incoming` until it is whole."""

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

    async def read_address(self, key: UUID, filename: str, content_type: str) -> str | None:
        return None

    async def put(self, key: UUID, content: AsyncIterable[bytes], size: int, check: Callable[[Sample], object]) -> None:
        """Keeps a content of exactly `size` bytes that `check` lets pass. Raises Unfit or what `check` raises, and
        then keeps nothing."""
        if self._place(key).exists():
            raise AlreadyThere
        with await asyncio.to_thread(self._draft) as draft:
            came = written = 0
            waiting: list[bytes] = []
            async for chunk in content:
                came += len(chunk)
                if came > size:
                    raise TooLarge
                waiting.append(chunk)
                if came - written >= CHUNK:
                    await asyncio.to_thread(draft.writelines, waiting)
                    written, waiting = came, []
            if came < size:
                raise TooShort
            await asyncio.to_thread(self._keep, draft, waiting, key, check)

    def _draft(self) -> IO[bytes]:
        self.incoming.mkdir(parents=True, exist_ok=True)
        return tempfile.NamedTemporaryFile(dir=self.incoming)

    def _keep(
        self,
        draft: IO[bytes],
        rest: list[bytes],
        key: UUID,
        check: Callable[[Sample], object],
    ) -> None:
        draft.writelines(rest)
        draft.flush()
        check(_sample(draft))
        os.fsync(draft.fileno())
        place = self._place(key)
        place.parent.mkdir(exist_ok=True)
        try:
            os.link(draft.name, place)
        except FileExistsError:
            raise AlreadyThere from None
        for folder in (place.parent, self.path):
            _write_down(folder)

    async def take(self, key: UUID, size: int) -> Sample | None:
        def take() -> Sample | None:
            try:
                with self._place(key).open("rb") as file:
                    return _sample(file)
            except FileNotFoundError:
                return None

        return await asyncio.to_thread(take)

    async def read(self, key: UUID) -> AsyncIterator[bytes]:
        file = await asyncio.to_thread(self._place(key).open, "rb")
        with file:
            while chunk := await asyncio.to_thread(file.read, CHUNK):
                yield chunk

    async def remove(self, keys: Iterable[UUID]) -> None:
        def remove() -> None:
            for key in keys:
                self._place(key).unlink(missing_ok=True)

        await asyncio.to_thread(remove)

    async def tidy(self, before: datetime) -> None:
        def tidy() -> None:
            for left in self.incoming.glob("*"):
                with contextlib.suppress(FileNotFoundError):
                    if left.stat().st_mtime < before.timestamp():
                        left.unlink()

        await asyncio.to_thread(tidy)

    def _place(self, key: UUID) -> Path:
        # The last digits of such an id are random: a thousandth of all files in each folder.
        return self.path / key.hex[-3:] / key.hex


def _sample(file: IO[bytes]) -> Sample:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    content = file.read(HEAD + TAIL)
    if size > len(content):
        file.seek(-TAIL, os.SEEK_END)
        content = content[:HEAD] + file.read()
    return Sample(size, content)


def _write_down(folder: Path) -> None:
    """Makes the folder's own entries last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
