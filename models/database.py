"""Connects to the database, reads from it and writes to it. All of the application's access goes through here.

Reading: `select` runs a statement on the connection that `read_connection` chooses:

    inside a transaction    the transaction's connection
    on SQLite               a second connection to the file, so that readers never wait for a writer
    on PostgreSQL           the primary, or inside `allow_replica(True)` the replica, where there is one that works

Writing: `in_transaction(work)` runs `work` between BEGIN and COMMIT, and once more if the first run cannot have done
anything. For example:

    BEGIN, work: a deadlock, rolled back     wait CONFLICT_SECONDS for the other transaction, then run again
    BEGIN, work, COMMIT: answered            call the hooks of `after_commit`
    BEGIN, work, COMMIT: no answer           raise UnknownOutcome
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterable, Iterator, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
from tortoise import Tortoise
from tortoise.backends.base.client import BaseDBAsyncClient, TransactionalDBClient
from tortoise.connection import get_connection, get_connections
from tortoise.context import get_current_context

from models import failures
from models.backends.asyncpg import SafeAsyncpgClient, SafeTransaction
from models.backends.pool import PlanMode
from models.config import TRANSACTION_SECONDS, tortoise_config
from models.failures import Deadlock, Failure, UnknownOutcome
from models.pulse import Pulse
from models.state import AfterCommit, DatabaseState, OnRetry, current, note_retry

T = TypeVar("T")

COMMIT_SECONDS = 5.0  # more than TRANSACTION_SECONDS: a COMMIT may have to wait for a synchronous standby
CONFLICT_SECONDS = 0.2  # for the other transaction to finish, before this one runs again
REPLICA_SECONDS = 4.0  # to answer, before the primary is read
DRAIN_SECONDS = 1.5  # to finish transactions when the process stops; with uvicorn's wait for requests, ten in all

_dialect: str | None = None
_allows_replica = ContextVar("whether reads may be as old as the replica", default=False)


@contextlib.asynccontextmanager
async def connected(
    url: str,
    replica: str | None = None,
    *,
    after_commit: Iterable[AfterCommit] = (),
    on_retry: Iterable[OnRetry] = (),
) -> AsyncGenerator[BaseDBAsyncClient]:
    """Connects to the database for as long as the block runs. Then finishes its transactions and closes it."""
    config = tortoise_config(url, replica)
    credentials = config["connections"]["default"]["credentials"]
    if "file_path" in credentials:
        Path(credentials["file_path"]).parent.mkdir(parents=True, exist_ok=True)
    # The first database that a process opens is found from every task; a second one only by the task that opened it.
    is_first = get_current_context() is None
    with DatabaseState(after_commit, on_retry):
        await Tortoise.init(config=config, _enable_global_fallback=is_first)
        try:
            yield connection()
        finally:
            await drain()
            await Tortoise.close_connections()


def _state() -> DatabaseState:
    state = current()
    assert state is not None
    return state


def connection() -> BaseDBAsyncClient:
    """Returns the transaction's connection inside `in_transaction`, else the pool."""
    return get_connection("default")


def dialect() -> str:
    """Returns `sqlite` or `postgres`, the same for all databases that a process opens."""
    global _dialect
    if _dialect is None:
        _dialect = connection().capabilities.dialect
    return _dialect


@contextlib.contextmanager
def allow_replica(allowed: bool) -> Generator[None]:
    """Inside the block, reads may come from the replica, and so be some moments old; or may not."""
    token = _allows_replica.set(allowed)
    try:
        yield
    finally:
        _allows_replica.reset(token)


def read_connection() -> BaseDBAsyncClient:
    """Returns the connection to read from; see the top of the file.

    Tortoise's own routers do not fit: they would send `filter(…).delete()` to the replica, too.
    """
    connections = get_connections()
    default = connections.get("default")
    if "reader" not in connections.db_config or isinstance(default, TransactionalDBClient):
        return default
    if dialect() == "sqlite":
        return connections.get("reader")
    if not _allows_replica.get():
        return default
    replica: Any = connections.get("reader")
    return default if replica.is_away or not _state().replica.allows_reading else replica


async def select(
    sql: str, values: Sequence[object] = (), plans: PlanMode = PlanMode.GENERIC
) -> Sequence[Iterable[Any]]:
    """Runs a statement and returns its rows, each of which can be unpacked. Placeholders are the dialect's own: `?1`
    or `$1`.

    Outside of a transaction the statement must change nothing, since it may run twice. Where the replica fails, the
    primary is read. Choose PlanMode.CUSTOM where the best plan depends on the values; a transaction is always GENERIC.
    """
    client = read_connection()
    if client.connection_name == "reader" and dialect() == "postgres":
        rows = await _select_from_replica(client, sql, values, plans)
        if rows is not None:
            return rows
        client = connection()
    try:
        return await _fetch(client, sql, values, plans)
    except Exception as error:
        if isinstance(client, TransactionalDBClient) or not failures.may_be_tried_again(error):
            raise
        note_retry("read", error)
    return await _fetch(client, sql, values, plans)


async def _select_from_replica(
    client: BaseDBAsyncClient, sql: str, values: Sequence[object], plans: PlanMode
) -> Sequence[Iterable[Any]] | None:
    """Returns None where the replica fails or takes too long."""
    replica = _state().replica
    is_trial = replica.is_lost
    if is_trial:
        replica.is_being_tried = True
    try:
        async with asyncio.timeout(REPLICA_SECONDS):
            rows = await _fetch(client, sql, values, plans)
    except asyncpg.SerializationError:  # the log that it replays conflicts with this statement
        return None
    except Exception as error:
        if failures.of(error) not in (Failure.AWAY, Failure.TOO_SLOW):
            raise
        replica.lose(error)
        return None
    finally:
        if is_trial:
            replica.is_being_tried = False
    if is_trial:
        replica.confirm()
    return rows


async def _fetch(
    client: BaseDBAsyncClient, sql: str, values: Sequence[object], plans: PlanMode = PlanMode.GENERIC
) -> Sequence[Iterable[Any]]:
    if isinstance(client, SafeAsyncpgClient | SafeTransaction):
        return await client.fetch(sql, values, plans)
    _, rows = await client.execute_query(sql, list(values))  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return rows  # pyright: ignore[reportUnknownVariableType]


async def returning(sql: str, values: Sequence[object] = ()) -> Sequence[dict[str, Any]]:
    """Runs a statement with RETURNING and returns its rows by column. (`select` returns none of them on SQLite.)"""
    return await connection().execute_query_dict(sql, list(values))  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


async def change(sql: str, values: Sequence[object] = ()) -> int:
    """Runs an INSERT, an UPDATE or a DELETE and returns the number of rows."""
    client = connection()
    if isinstance(client, SafeTransaction):
        return await client.change(sql, values)
    count, _ = await client.execute_query(sql, list(values))  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return count


async def in_transaction(
    work: Callable[[], Awaitable[T]], seconds: float = TRANSACTION_SECONDS, *, shielded: bool = True
) -> T:
    """Runs `work` between BEGIN and COMMIT and returns its result.

    It runs in a task of its own, which goes on when the caller is cancelled: a caller cancelled during BEGIN or COMMIT
    would otherwise lose the connection. Without `shielded`, cancelling the caller rolls it back. `work` may run twice,
    if COMMIT was never sent in the first run and another may succeed.

    Raises TimeoutError, with everything rolled back, when it takes longer than `seconds`; Deadlock; and UnknownOutcome
    when COMMIT was not answered in time.
    """
    loop = asyncio.get_running_loop()
    state = _state()

    async def run_once(until: float) -> T:
        transaction: Any = connection()._in_transaction()  # pyright: ignore[reportPrivateUsage]
        try:
            async with asyncio.timeout_at(until) as limit, transaction:
                result = await work()
                limit.reschedule(loop.time() + COMMIT_SECONDS)
        except Exception as error:
            if transaction.is_unknown:
                raise UnknownOutcome from error
            raise
        return result

    async def run() -> T:
        until = loop.time() + seconds
        try:
            result = await run_once(until)
        except Exception as error:
            if not failures.may_be_tried_again(error):
                raise
            note_retry("transaction", error)
            if failures.of(error) is Failure.CONFLICT:
                await asyncio.sleep(CONFLICT_SECONDS)
            try:
                result = await run_once(until)
            except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError) as again:
                raise Deadlock from again
        state.availability.regain()
        for hook in state.after_commit:
            hook()
        return result

    def finished(task: asyncio.Task[Any]) -> None:
        state.transactions.discard(task)
        if not task.cancelled():
            task.exception()  # marks it as retrieved, also where the caller is gone

    task = asyncio.create_task(run())
    state.transactions.add(task)
    task.add_done_callback(finished)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if not shielded:
            task.cancel()
            await asyncio.wait([task])
        raise


async def drain() -> None:
    """Waits for running transactions. Those that take longer than DRAIN_SECONDS are cancelled: they are rolled back,
    or end with their connection."""
    if tasks := _state().transactions:
        _, late = await asyncio.wait(tasks, timeout=DRAIN_SECONDS)
        for task in late:
            task.cancel()


def pools() -> Iterator[tuple[str, int, int]]:
    """Yields each pool's name, the number of its connections, and how many of them are idle."""
    connections = get_connections()
    for alias in connections.db_config:
        pool: Any = getattr(connections.get(alias), "_pool", None)
        if pool is not None:
            yield alias, pool.get_size(), pool.get_idle_size()


def pulses() -> dict[str, Pulse]:
    """Returns the pulse of `default` and, where there is a replica, of `reader`; none on SQLite."""
    return _state().pulses


@contextlib.asynccontextmanager
async def watched() -> AsyncGenerator[None]:
    """Keeps a pulse on each PostgreSQL server for as long as the block runs, inside `connected`."""
    connections, state = get_connections(), _state()
    async with contextlib.AsyncExitStack() as stack:
        if dialect() == "postgres":
            for alias in connections.db_config:
                is_primary = alias == "default"
                availability = state.availability if is_primary else state.replica
                pulse = Pulse(connections.get(alias), availability, needs_writes=is_primary)
                state.pulses[alias] = pulse
                await stack.enter_async_context(pulse.beating())
        yield
    state.pulses.clear()
