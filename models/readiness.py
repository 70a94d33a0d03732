"""Whether a process can serve requests, and what is wrong with each part that it needs. `GET /readyz` shows it."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tortoise.connection import get_connections

from models import database, migrating, state
from models.config import APPS
from models.pulse import ServerState

T = TypeVar("T")

ANSWER_SECONDS = 0.8  # for all parts together, so that a probe is answered within a second
MIGRATED_SECONDS = 5.0  # for which the migrations of a database that has them all are not read again
OK = "ok"
UNKNOWN = "Unknown while the database does not answer."
_DECISIVE = ("database", "writable", "migration")


@dataclass
class Readiness:
    """Each part is `ok` or a sentence that says what is wrong. A process serves also without its replica or files."""

    parts: dict[str, str] = field(default_factory=dict[str, str])
    replica_lag: float | None = None  # seconds

    @property
    def is_ready(self) -> bool:
        return all(self.parts[name] == OK for name in _DECISIVE)


async def look(check_files: Callable[[], Awaitable[None]]) -> Readiness:
    """Checks all parts at the same time. `check_files` raises an exception where files cannot be reached."""
    if database.dialect() == "sqlite":
        migrated, files, (answers, writable) = await asyncio.gather(_migrated(), _files(check_files), _sqlite())
        parts = {"database": answers, "writable": writable, "migration": migrated, "files": files}
        return Readiness(parts)
    pulses = database.pulses()
    replica = pulses.get("reader")
    primary, migrated, files, replica_state = await asyncio.gather(
        pulses["default"].ask(ANSWER_SECONDS),
        _migrated(),
        _files(check_files),
        replica.ask(ANSWER_SECONDS) if replica else _nothing(),
    )
    parts = {
        "database": OK if primary else "The database does not answer.",
        "writable": _writable(primary),
        "migration": migrated if primary else UNKNOWN,
        "files": files,
    }
    if replica is None:
        return Readiness(parts)
    parts["replica"] = _replica(replica_state)
    return Readiness(parts, _lag(primary, replica_state))


async def _nothing() -> None:
    return None


async def _in_time(work: Awaitable[T]) -> T:
    async with asyncio.timeout(ANSWER_SECONDS):
        return await work


def _writable(primary: ServerState | None) -> str:
    if primary is None:
        return UNKNOWN
    if primary.standby:
        return "The database is a standby and takes no writes."
    return "The database takes no writes." if primary.read_only else OK


def _replica(replica: ServerState | None) -> str:
    if replica is None:
        return "The replica does not answer; queries are read from the database."
    return OK if replica.standby else "The replica is not a standby: it follows no other database."


def _lag(primary: ServerState | None, replica: ServerState | None) -> float | None:
    """Returns how old the replica's data is, in seconds. It is 0 when the replica has replayed everything, however long
    ago the last write was."""
    if replica is None or not replica.standby:
        return None
    is_current = primary is not None and None not in (primary.position, replica.position)
    if is_current and replica.position >= primary.position:  # type: ignore[operator, union-attr]
        return 0.0
    return None if replica.age is None else round(max(replica.age, 0.0), 3)


async def _migrated() -> str:
    database_state = state.current()
    assert database_state is not None
    if database_state.migrated_at is not None and time.monotonic() - database_state.migrated_at < MIGRATED_SECONDS:
        return OK
    reader = "reader" if database.dialect() == "sqlite" else "default"  # on SQLite, one that waits for no transaction
    try:
        pending = await _in_time(migrating.pending(APPS, get_connections().get(reader)))
    except Exception as error:
        if database_state.migrated_at is not None:  # a busy database does not lose its migrations
            return OK
        is_late = isinstance(error, TimeoutError)
        return "The migrations could not be read in time." if is_late else UNKNOWN
    database_state.migrated_at = None if pending else time.monotonic()
    return "The database lacks migrations; run `./recourse migrate`." if pending else OK


async def _files(check: Callable[[], Awaitable[None]]) -> str:
    try:
        await _in_time(check())
    except Exception:
        return "Files cannot be reached; requests that need no file are served."
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
