"""Whether a process can serve: what is right and what is wrong with each part that it needs."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tortoise.connection import get_connections

from models import database, migrating
from models.pulse import State

T = TypeVar("T")

ANSWER_SECONDS = 0.8  # for all parts, so that a probe is answered within a second
OK = "ok"
UNKNOWN = "This is not known while the database does not answer."
_DECISIVE = ("database", "writable", "migration")


@dataclass
class Readiness:
    """Each part is `ok`, or a sentence that says what is wrong with it. Without a replica or with files that are away a
    process still serves."""

    parts: dict[str, str] = field(default_factory=dict[str, str])
    replica_lag: float | None = None  # seconds

    @property
    def is_ready(self) -> bool:
        return all(self.parts[name] == OK for name in _DECISIVE)


_LOOK_SECONDS = 5.0  # between two looks at the migrations of a database that has them all; reading them takes a while
_is_migrated: bool | None = None  # when it was last looked at
_looked_at = 0.0


async def look(check_files: Callable[[], Awaitable[None]]) -> Readiness:
    """Asks all parts at once. `check_files` raises an exception where files cannot be reached."""
    if database.dialect() == "sqlite":
        migrated, files, (answers, writable) = await asyncio.gather(_migrated(), _files(check_files), _sqlite())
        parts = {"database": answers, "writable": writable, "migration": migrated, "files": files}
        return Readiness(parts)
    pulses = database.pulses()
    replica = pulses.get("reader")
    state, migrated, files, lagging = await asyncio.gather(
        pulses["default"].ask(ANSWER_SECONDS),
        _migrated(),
        _files(check_files),
        replica.ask(ANSWER_SECONDS) if replica else _nothing(),
    )
    parts = {
        "database": OK if state else "The database does not answer.",
        "writable": _writable(state),
        "migration": migrated if state else UNKNOWN,
        "files": files,
    }
    if replica is None:
        return Readiness(parts)
    parts["replica"] = _replica(lagging)
    return Readiness(parts, _lag(state, lagging))


async def _nothing() -> None:
    return None


async def _in_time(work: Awaitable[T]) -> T:
    async with asyncio.timeout(ANSWER_SECONDS):
        return await work


def _writable(state: State | None) -> str:
    if state is None:
        return UNKNOWN
    if state.standby:
        return "The database is a standby, which takes no writes."
    return "The database takes no writes." if state.read_only else OK


def _replica(state: State | None) -> str:
    if state is None:
        return "The replica does not answer; queries are read from the database."
    return OK if state.standby else "The replica is none: it follows no other database."


def _lag(primary: State | None, replica: State | None) -> float | None:
    """How old what the replica shows is, in seconds. One that has replayed all there was shows what is true now,
    however long ago anything was written."""
    if replica is None or not replica.standby:
        return None
    has_all = primary is not None and None not in (primary.position, replica.position)
    if has_all and replica.position >= primary.position:  # type: ignore[operator, union-attr]
        return 0.0
    return None if replica.age is None else round(max(replica.age, 0.0), 3)


async def _migrated() -> str:
    global _is_migrated, _looked_at
    if _is_migrated and time.monotonic() - _looked_at < _LOOK_SECONDS:
        return OK
    reader = "reader" if database.dialect() == "sqlite" else "default"  # where no transaction is waited for
    try:
        pending = await _in_time(migrating.pending(database.APPS, get_connections().get(reader)))
    except Exception as error:
        if not _is_migrated:  # it does not become less so while the database is busy
            late = isinstance(error, TimeoutError)
            return "Whether the database is migrated could not be told in time." if late else UNKNOWN
    else:
        _is_migrated, _looked_at = not pending, time.monotonic()
    return OK if _is_migrated else "The database lacks migrations; run `./recourse migrate`."


async def _files(check: Callable[[], Awaitable[None]]) -> str:
    try:
        await _in_time(check())
    except Exception:
        return "The place for files cannot be reached; what needs no file is served."
    return OK


async def _sqlite() -> tuple[str, str]:
    reader: Any = get_connections().get("reader")
    try:
        await _in_time(reader.execute_query("SELECT count(*) FROM sqlite_master"))
    except Exception:
        return "The database cannot be read.", UNKNOWN
    file = Path(reader.filename)
    writable = await asyncio.to_thread(lambda: all(os.access(path, os.W_OK) for path in (file, file.parent)))
    return OK, OK if writable else "The database's file cannot be written."
