"""A pool of PostgreSQL connections that keeps free connections ready and limits every wait.

The idea: asyncpg's own pool resets a connection on each release, which takes longer than most statements. `Connections`
wraps that pool. It takes a connection once and then keeps it: `acquire` pops a free connection from a list, `release`
pushes it back. asyncpg's pool is asked only when the list is empty.

Two lists of free connections exist, one for each `PlanMode`, because a session's plan settings are expensive to change:

    acquire(GENERIC)   pops from the GENERIC list; if it is empty, asks asyncpg's pool and sets the plan mode once;
                       if all connections are taken, takes one from the CUSTOM list and sets its plan mode
    release(c)         a clean connection goes back to its list
                       one with an open transaction or a pending cancellation goes back to asyncpg's pool, in the
                       background, for at most MENDING_SECONDS
                       a closed or suspect one is terminated

A server may stop answering while its kernel still acknowledges what is sent to it. asyncpg waits for such a server
without a limit when it cancels, rolls back or closes. Here, a connection that does not answer is terminated. So are all
idle connections (`renew`), because they lead to the same server; those in use are terminated when they are released.
"""

# pyright: reportPrivateUsage=false, reportUnknownMemberType=false, reportUnknownVariableType=false

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from enum import StrEnum
from typing import Any

import asyncpg

from models import failures
from models.failures import Failure, Unreachable

ACQUIRE_SECONDS = 10.0
MENDING_SECONDS = 1.0  # for a connection to answer a cancellation, a ROLLBACK or a SET
CLOSING_SECONDS = 0.4  # to close all connections; a process has 10 seconds to stop
IDLE_SECONDS = 300.0  # after which a firewall may have dropped a connection silently
CONNECTIONS_FOR_READING = 3  # that transactions leave free: COMMIT may wait long for a standby

Rows = Sequence[Iterable[Any]]


def is_closed(proxy: Any) -> bool:
    """Whether the connection is closed. The pool has its place back already, or gets it when `terminate` is called."""
    connection = proxy._con
    return connection is None or connection.is_closed()


def terminate(proxy: Any) -> None:
    """Closes the connection without waiting. Call it for a closed connection too: asyncpg closes a connection that
    cannot be cancelled without telling the pool."""
    if proxy._con is not None:
        proxy.terminate()


def _is_clean(proxy: Any) -> bool:
    """Whether the connection has no open transaction and no cancelled statement that may still take effect."""
    connection = proxy._con
    return not connection.is_in_transaction() and not connection._protocol._is_cancelling()


class PlanMode(StrEnum):
    """How PostgreSQL plans the prepared statements of a connection."""

    CUSTOM = "force_custom_plan"  # again for each execution, for its values
    GENERIC = "force_generic_plan"  # once, for any values; uses indexes even if the planner expects few rows


class Connections:
    """Used in place of asyncpg's pool. See the top of the file."""

    def __init__(self, pool: asyncpg.Pool, is_away: Callable[[], bool] = lambda: False) -> None:
        """While the database `is_away`, `acquire` fails at once instead of opening a connection."""
        self.pool = pool
        size: int = pool.get_max_size()
        self.writers = asyncio.Semaphore(max(1, size - CONNECTIONS_FOR_READING))
        self._is_away = is_away
        self._is_closed = False
        self._slots = asyncio.Semaphore(size)
        # Free connections, each with the time of its release; the last released one is last.
        self._free: dict[PlanMode, list[tuple[Any, float]]] = {mode: [] for mode in PlanMode}
        self._modes: dict[Any, PlanMode] = {}
        self._suspect: set[Any] = set()  # in use, and to be terminated when released
        self._taken = 0  # connections acquired from asyncpg's pool
        self._mending: set[asyncio.Task[None]] = set()

    async def acquire(self, mode: PlanMode = PlanMode.CUSTOM) -> Any:
        """Returns a connection in this plan mode. Raises TimeoutError when none becomes free in time, and
        Unreachable."""
        if self._slots.locked():
            async with asyncio.timeout(ACQUIRE_SECONDS):
                await self._slots.acquire()
        else:
            await self._slots.acquire()
        try:
            return await self._acquire(mode)
        except BaseException:
            self._slots.release()
            raise

    async def _acquire(self, mode: PlanMode) -> Any:
        connection = self._pop(mode)
        while connection is not None and is_closed(connection):
            terminate(connection)
            self._forget(connection)
            connection = self._pop(mode)
        if connection is None:
            if self._is_away():
                raise Unreachable("the database is away")
            self._taken += 1
            try:
                connection = await self.pool.acquire()
            except BaseException:
                self._taken -= 1
                raise
        try:
            if self._modes.get(connection) is not mode:
                scans = "off" if mode is PlanMode.GENERIC else "on"
                settings = {"plan_cache_mode": mode, "enable_seqscan": scans, "enable_bitmapscan": scans}
                await connection.execute(
                    "; ".join(f"SET {name} = {value}" for name, value in settings.items()), timeout=MENDING_SECONDS
                )
                self._modes[connection] = mode
        except BaseException as error:
            terminate(connection)
            self._forget(connection)
            if isinstance(error, TimeoutError):
                self.renew()
                raise Unreachable("a connection does not answer") from error
            raise
        return connection

    def _pop(self, mode: PlanMode) -> Any:
        """Returns a free connection, which may be closed; None to take one from asyncpg's pool."""
        free = self._free[mode]
        if not free and self._taken >= self.pool.get_max_size():
            free = self._free[PlanMode.GENERIC if mode is PlanMode.CUSTOM else PlanMode.CUSTOM]
        if not free:
            return None
        connection, released_at = free.pop()
        if asyncio.get_running_loop().time() - released_at >= IDLE_SECONDS:
            terminate(connection)
        return connection

    async def release(self, connection: Any) -> None:
        """Takes the connection back without waiting. Mends it in the background or terminates it where needed."""
        if self._is_closed or is_closed(connection) or connection in self._suspect:
            terminate(connection)
            self._forget(connection)
            self._slots.release()
        elif not _is_clean(connection):
            self._run_in_background(self._mend(connection))
        else:
            now, free = asyncio.get_running_loop().time(), self._free[self._modes[connection]]
            free.append((connection, now))
            if now - free[0][1] >= IDLE_SECONDS:
                oldest, _ = free.pop(0)
                terminate(oldest)
                self._forget(oldest)
            self._slots.release()

    def _run_in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._mending.add(task)
        task.add_done_callback(self._mending.discard)

    async def _mend(self, connection: Any) -> None:
        """Gives the connection back to asyncpg's pool, which waits for the cancellation and rolls back."""
        try:
            await self.pool.release(connection, timeout=MENDING_SECONDS)
        except TimeoutError:
            self.renew()
        except Exception:
            terminate(connection)
        finally:
            self._forget(connection)
            self._slots.release()

    def _forget(self, connection: Any) -> None:
        self._modes.pop(connection, None)
        self._suspect.discard(connection)
        self._taken -= 1

    def renew(self) -> None:
        """Terminates all idle connections now, and those in use when they are released: another server may have taken
        over."""
        for free in self._free.values():
            for connection, _ in free:
                terminate(connection)
        idle = {connection for free in self._free.values() for connection, _ in free}
        self._suspect.update(self._modes.keys() - idle)

    def renew_after(self, error: BaseException) -> None:
        """Renews the connections if others would meet the same error."""
        if failures.of(error) in (Failure.AWAY, Failure.READ_ONLY):
            self.renew()

    def abandon(self) -> None:
        """Terminates all connections. Statements that wait for an answer fail."""
        for holder in self.pool._holders:
            holder.terminate()

    async def fetch(self, sql: str, values: Sequence[object], mode: PlanMode) -> Rows:
        # No timer here, since one costs as much as a small statement. A slow statement is ended by the server, the
        # connections of a silent server by the pulse (models.pulse), and connections lost in the network by the kernel.
        connection = await self.acquire(mode)
        try:
            return await connection.fetch(sql, *values)
        except TimeoutError as error:  # raised by the kernel
            terminate(connection)
            self.renew()
            raise Unreachable("a statement was not answered") from error
        except Exception as error:
            self.renew_after(error)
            raise
        finally:
            await self.release(connection)

    async def close(self) -> None:
        """Closes all connections; terminates those that are still in use after CLOSING_SECONDS."""
        self._is_closed = True
        try:
            async with asyncio.timeout(CLOSING_SECONDS):
                for free in self._free.values():
                    while free:
                        connection, _ = free.pop()
                        await self.pool.release(connection)
                        self._forget(connection)
                await self.pool.close()
        except Exception:
            self.pool.terminate()
        if self._mending:
            await asyncio.wait(self._mending)

    def terminate(self) -> None:
        self.pool.terminate()

    def get_size(self) -> int:
        return self.pool.get_size()

    def get_idle_size(self) -> int:
        free = [connection for connections in self._free.values() for connection, _ in connections]
        return self.pool.get_idle_size() + sum(not is_closed(connection) for connection in free)
