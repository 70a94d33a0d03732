"""How a PostgreSQL server is: asked every second on a connection of its own, so that nobody else has to find out.

A server that hangs keeps its connections, while its kernel still acknowledges what is sent to it; whoever waits for an
answer would wait for as long as a statement may take, one idle connection after the other. When the pulse stops for
SILENT_SECONDS, all connections to the server are terminated at once: what was only read is read again on new ones,
transactions begin again, and a COMMIT without an answer ends as one. New connections lead to the server that has taken
over by then. While none can be made, requests fail at once instead of waiting for one; the pulse alone keeps trying.
"""

# pyright: reportUnknownMemberType=false

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, Protocol

import asyncpg

from models.backends.asyncpg import SafeAsyncpgClient, connect_apart

PULSE_SECONDS = 1.0
SILENT_SECONDS = 4  # many times what a server that is alive needs, also under load

_STATE = """SELECT pg_is_in_recovery() AS standby, current_setting('transaction_read_only') = 'on' AS read_only,
  (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END - '0/0')::bigint
    AS position,
  extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8 AS age"""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class State:
    """What a server answered. `position` is up to where it has written or, a standby, replayed the log; `age` is how
    many seconds ago the last transaction that a standby replayed was committed."""

    standby: bool
    read_only: bool
    position: int | None
    age: float | None


class Witness(Protocol):
    """Who is told whether a server can be used."""

    what: str

    def lose(self, error: BaseException) -> None: ...

    def regain(self) -> None: ...


class Pulse:
    def __init__(self, client: SafeAsyncpgClient, availability: Witness, *, is_written: bool) -> None:
        self.client = client
        self.availability = availability
        self.is_written = is_written
        self.state: State | None = None  # None while it does not answer
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
            ending = {task} if self._asking is None else {task, self._asking}
            for each in ending:
                each.cancel()
            await asyncio.wait(ending)
            self._leave()

    async def ask(self, seconds: float | None = None) -> State | None:
        """What the server answers now; None where it does not within so long, or cannot be reached."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        done, _ = await asyncio.wait([self._asking], timeout=seconds)
        return self.state if done else None

    async def _ask(self) -> None:
        """On the connection that is there and, where that fails, on a new one."""
        if self._connection is not None:
            try:
                self._see(await self._answer())
            except TimeoutError:
                self._leave()
                _log.warning("%s does not answer; its connections are terminated", self.availability.what)
                self._abandon()
            except Exception:
                self._leave()
            else:
                return
        try:
            self._connection = await connect_apart(self.client)
            state = await self._answer()
        except Exception as error:
            self._leave()
            self.state, self.client.is_away = None, True
            self.availability.lose(error)
        else:
            self._see(state)

    async def _answer(self) -> State:
        """Raises TimeoutError where there is none. Waits step by step: while this process itself stood still, an answer
        may have come that nobody has looked at yet."""
        asked = asyncio.ensure_future(self._connection.fetchrow(_STATE))
        try:
            for _ in range(SILENT_SECONDS):
                done, _ = await asyncio.wait([asked], timeout=1.0)
                if done:
                    return State(*asked.result())
        finally:
            asked.cancel()
        raise TimeoutError

    def _see(self, state: State) -> None:
        before, self.state = self.state, state
        self.client.is_away = False
        if before is None or before.read_only != state.read_only:
            # It was away, or is another server: what is idle may lead to the one before.
            pool: Any = self.client._pool  # pyright: ignore[reportPrivateUsage]
            if pool is not None:
                pool.renew()
        if state.read_only and self.is_written:
            self.availability.lose(asyncpg.ReadOnlySQLTransactionError())
            # The next question goes to whoever has the address by then.
            self._leave()
        else:
            self.availability.regain()

    def _abandon(self) -> None:
        self.state = None
        pool: Any = self.client._pool  # pyright: ignore[reportPrivateUsage]
        if pool is not None:
            pool.abandon()

    def _leave(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
