"""Draws copies and thumbnails of untrusted files, each in a process of its own.

A process starts for one file and ends with it, so a file can harm neither the server nor the next file. The process has
limits of pixels, memory, CPU time and output, has no environment, and is killed when its time is over. On Linux it also
ends with the server, even where that is killed. See `picture_worker`, the program that it runs. Until the first
picture, this costs nothing.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from uuid import UUID

import orjson

MAX_PIXELS = 50_000_000  # of a picture, or of all pictures of an animation
MEMORY_BYTES = 1_500_000_000  # address space of a process; 50 megapixels of HEIC need 1.2 GB
CPU_SECONDS = 20  # a photo takes about one
SECONDS = 60  # until a process is killed, on a machine that is busy
_CANNOT_BE_DRAWN = 3  # exit code
_PROGRAM = Path(__file__).with_name("picture_worker.py")
_KEPT_VARIABLES = ("SYSTEMROOT", "TMPDIR")


class Unreadable(Exception):
    """The content cannot be drawn: it is damaged, too large, or took too much memory or CPU time."""


class Interrupted(Exception):
    """The process ended for a reason that is not the content's. The file can be drawn later."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """`width` and `height` are those of the upright picture; None for a PDF. `parts` are the contents by variant."""

    width: int | None
    height: int | None
    parts: dict[str, bytes]


class PictureProcesses:
    """Runs at most `count` processes at a time; further files wait for their turn."""

    def __init__(self, count: int = 1) -> None:
        self.tasks: dict[UUID, asyncio.Task[Any]] = {}  # of files that are being drawn, by key
        self._turns = asyncio.Semaphore(count)
        self._running: set[subprocess.Popen[bytes]] = set()
        self._closed = False

    async def draw(self, content: AsyncIterator[bytes], content_type: str) -> Drawing:
        """Raises Unreadable or Interrupted, and what reading the content raises."""
        async with self._turns:
            with tempfile.TemporaryFile() as file:
                async for chunk in content:
                    await asyncio.to_thread(file.write, chunk)
                file.seek(0)
                return await asyncio.to_thread(self._run, file, content_type)

    def stop(self) -> None:
        """Kills the processes. Who waits for them, and whoever comes later, gets Interrupted."""
        self._closed = True
        for process in list(self._running):
            process.kill()

    async def aclose(self) -> None:
        """Kills the processes and awaits the tasks."""
        self.stop()
        tasks = list(self.tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _run(self, content: IO[bytes], content_type: str) -> Drawing:
        limits = map(str, (MEMORY_BYTES, MAX_PIXELS, CPU_SECONDS, os.getpid()))
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            try:
                process = subprocess.Popen(  # noqa: S603 - this interpreter, with nothing from outside but a known type
                    [sys.executable, "-I", _PROGRAM, content_type, *limits],
                    stdin=content,
                    stdout=output,
                    stderr=errors,
                    env={name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ},
                    start_new_session=True,  # Ctrl-C is for the server, which ends this process
                )
            except OSError as error:
                raise Interrupted(f"cannot start a process: {error}") from error
            self._running.add(process)
            try:
                if self._closed:
                    process.kill()
                code = process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                raise Interrupted(f"not finished after {SECONDS} seconds") from None
            finally:
                process.kill()
                process.wait()
                self._running.discard(process)
            if code != 0:
                errors.seek(0)
                raise _failure(code, errors.read().decode(errors="replace").strip().rpartition("\n")[2])
            output.seek(0)
            return _drawing(output)


def _failure(code: int, message: str) -> Exception:
    if code == _CANNOT_BE_DRAWN:
        return Unreadable(message)
    # Nobody but the system, short of memory, or an operator sends SIGKILL.
    if code < 0 and code != -getattr(signal, "SIGKILL", 9):
        name = signal.strsignal(-code) or f"signal {-code}"
        return Unreadable(f"the process was ended: {name}")
    return Interrupted(f"exit code {code} {message}".strip())


def _drawing(output: IO[bytes]) -> Drawing:
    with contextlib.suppress(ValueError, TypeError, KeyError):
        line = orjson.loads(output.readline())
        parts = {str(name): output.read(int(length)) for name, length in line["parts"]}
        if all(parts.values()):
            return Drawing(line["width"], line["height"], parts)
    raise Unreadable("the process gave no picture")
