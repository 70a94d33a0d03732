"""Waiting for locks while a PostgreSQL database is migrated, and reporting on it.

A step that waits for a lock makes all users of the table wait behind it. So it waits for LOCK_SECONDS only
(the migrating session's `lock_timeout`), rests, and tries again. A report looks like this:

    0005_growth, step 3 of 12 (create index orders_by_buyer): building index: scanning table, 40%
    0005_growth, step 4 of 12 (add check): waits for process 4242 (reports, active, 340 s in its transaction)
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import asyncpg

T = TypeVar("T")
Report = Callable[[str], object]

LOCK_SECONDS = 0.5  # for which a step waits for a lock, and others wait behind it
REST_SECONDS = 0.5, 5.0  # between two attempts, the first time and at most, so that others can work
TIMEOUT_SECONDS = 15 * 60  # for all attempts of a step to get its locks
LOOK_SECONDS = 0.25  # between two checks of what a step waits for
REPORT_SECONDS = 5.0  # between two reports on the same step


class Blocked(TimeoutError):
    """A step could not get its locks in time."""


class Watch:
    """Runs steps on the migrating connection and reports on them from a connection of its own: how far the step is, and
    which process holds a lock that it waits for."""

    def __init__(self, own: asyncpg.Connection, report: Report) -> None:
        self.own, self.report = own, report
        self.watched = 0  # the process id of the migrating connection in PostgreSQL
        self.step = ""
        self.progress = ""
        self._reported = ""  # the processes that the last report named
        self._reported_at = 0.0

    async def until_locked(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Runs `work` again until it gets its locks. Raises Blocked when that takes too long."""
        since, rest_seconds = time.monotonic(), REST_SECONDS[0]
        while True:
            try:
                return await work()
            except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
                if time.monotonic() - since > TIMEOUT_SECONDS:
                    raise Blocked(
                        f"{self.step}: no lock in {TIMEOUT_SECONDS // 60} minutes. "
                        "What was done is kept; run migrate again to go on."
                    ) from None
            await asyncio.sleep(rest_seconds)
            rest_seconds = min(2 * rest_seconds, REST_SECONDS[1])

    async def run_step(self, step: str, work: Coroutine[Any, Any, T]) -> T:
        """Runs one step. Reports on it while it takes long."""
        self.step, self.progress = step, ""
        self._reported, self._reported_at = "", float("-inf")
        task = asyncio.create_task(work)
        try:
            # When _look fails, the connection with the advisory lock is lost, so another process may migrate.
            while not (await asyncio.wait([task], timeout=LOOK_SECONDS))[0]:
                await self._look()
            return await task
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _look(self) -> None:
        blockers = await self._blockers()
        pids = blockers[0] if blockers else ""
        is_due = time.monotonic() - self._reported_at > REPORT_SECONDS
        if not is_due and (not pids or pids == self._reported):
            return
        self._reported, self._reported_at = pids, time.monotonic()
        progress = f"waits for {blockers[1]}" if blockers else await self._progress()
        self.report(f"{self.step}{f': {progress}' if progress else ''}")

    async def _blockers(self) -> tuple[str, str] | None:
        """Returns the ids of the processes that hold the lock, and a description of them without their statements."""
        rows: Any = await self.own.fetch(
            "SELECT pid, a.application_name, a.state,"
            " extract(epoch FROM clock_timestamp() - a.xact_start)::int AS seconds"
            " FROM unnest(pg_blocking_pids($1)) AS pid LEFT JOIN pg_stat_activity a USING (pid) ORDER BY pid LIMIT 5",
            self.watched,
        )
        if not rows:
            return None
        descriptions = [
            f"process {row['pid']} ("
            + ", ".join(
                [
                    row["application_name"] or "no name",
                    *([row["state"]] if row["state"] else []),
                    *([f"{row['seconds']} s in its transaction"] if row["seconds"] is not None else []),
                ]
            )
            + ")"
            for row in rows
        ]
        return " ".join(str(row["pid"]) for row in rows), " and ".join(descriptions)

    async def _progress(self) -> str:
        row: Any = await self.own.fetchrow(
            "SELECT phase, greatest(blocks_done::float / nullif(blocks_total, 0),"
            " tuples_done::float / nullif(tuples_total, 0)) AS part FROM pg_stat_progress_create_index WHERE pid = $1",
            self.watched,
        )
        if row is None:
            return self.progress
        return row["phase"] if row["part"] is None else f"{row['phase']}, {row['part']:.0%}"
