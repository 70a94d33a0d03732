"""The pulse: asks a PostgreSQL server every second how it is, on a connection of its own.

The idea: a server that hangs keeps its connections, and its kernel still acknowledges what is sent to it. Without a
pulse, each request would find that out by itself and wait as long as a statement may take. Example:

    second 0    the server freezes; requests wait for its answers
    second 1    the pulse asks, and waits
    second 5    no answer for SILENT_SECONDS: the pulse terminates all connections to the server
                reads run again on new connections, transactions begin again, a sent COMMIT is an unknown outcome
    from then   no new connection can be opened: requests fail at once, and only the pulse keeps trying
    second 12   a standby has taken over the address: the pulse connects, requests are served again
"""

# pyright: reportUnknownMemberType=false

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import asyncpg

from models.availability import Availability
from models.backends.hosts import connect_outside_pool

PULSE_SECONDS = 1.0
SILENT_SECONDS = 4  # many times what a live server needs, also under load

_STATE = """SELECT pg_is_in_recovery() AS standby, current_setting('transaction_read_only') = 'on' AS read_only,
  (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END - '0/0')::bigint
    AS position,
  extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8 AS age"""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServerState:
    """What a server answered. `position` is the end of its write-ahead log, as written or, on a standby, as replayed.
    `age` is the number of seconds since the commit of the last transaction that a standby replayed."""

    standby: bool
    read_only: bool
    position: int | None
    age: float | None


class Pulse:
    def __init__(self, client: Any, availability: Availability, *, needs_writes: bool) -> None:
        """`client` is a SafeAsyncpgClient. Where it `needs_writes`, a read-only server counts as unavailable."""
        self.client = client
        self.availability = availability
        self.needs_writes = needs_writes
        self.state: ServerState | None = None  # None while the server does not answer
        self._connection: Any = None
        self._asking: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def beating(self) -> AsyncGenerator[None]:
        async def beat() -> None:
            while True:
                await self.ask()
                await asyncio.sleep(PULSE_SECONDS)

        task = asyncio.create_task(beat())
        try:
            yield
        finally:
            tasks = {task} if self._asking is None else {task, self._asking}
            for running in tasks:
                running.cancel()
            await asyncio.wait(tasks)
            self._disconnect()

    async def ask(self, seconds: float | None = None) -> ServerState | None:
        """Returns what the server answers now; None where it cannot be reached or does not answer within `seconds`."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        done, _ = await asyncio.wait([self._asking], timeout=seconds)
        return self.state if done else None

    async def _ask(self) -> None:
        """Asks on the open connection or, where that fails, on a new one."""
        if self._connection is not None:
            try:
                self._note_state(await self._fetch_state())
            except TimeoutError:
                self._disconnect()
                _log.warning("%s does not answer; its connections are terminated", self.availability.name)
                self._terminate_connections()
            except Exception:
                self._disconnect()
            else:
                return
        try:
            self._connection = await connect_outside_pool(self.client)
            state = await self._fetch_state()
        except Exception as error:
            self._disconnect()
            self.state, self.client.is_away = None, True
            self.availability.lose(error)
        else:
            self._note_state(state)

    async def _fetch_state(self) -> ServerState:
        """Raises TimeoutError where no answer comes. Waits second by second: if this process itself stood still, an
        answer may have arrived that it has not read yet."""
        answer = asyncio.ensure_future(self._connection.fetchrow(_STATE))
        try:
            for _ in range(SILENT_SECONDS):
                done, _ = await asyncio.wait([answer], timeout=1.0)
                if done:
                    return ServerState(*answer.result())
        finally:
            answer.cancel()
        raise TimeoutError

    def _note_state(self, state: ServerState) -> None:
        before, self.state = self.state, state
        self.client.is_away = False
        if before is None or before.read_only != state.read_only:
            # The server was away, or is another one: idle connections may lead to the former one.
            pool: Any = self.client._pool
            if pool is not None:
                pool.renew()
        if state.read_only and self.needs_writes:
            self.availability.lose(asyncpg.ReadOnlySQLTransactionError())
            # Ask on a new connection the next time: it leads to whichever server has the address by then.
            self._disconnect()
        else:
            self.availability.regain()

    def _terminate_connections(self) -> None:
        self.state = None
        pool: Any = self.client._pool
        if pool is not None:
            pool.abandon()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
