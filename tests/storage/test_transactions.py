"""Hazards of transactions and connections. Each is tested twice: the libraries' own behaviour, to notice when our fix is
no longer needed, and our fix."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tortoise.backends.asyncpg.client import TransactionWrapper
from tortoise.backends.base.client import TransactionContextPooled
from tortoise.backends.sqlite.client import SqliteClient, SqliteTransactionContext, SqliteTransactionWrapper
from tortoise.exceptions import OperationalError

import models
from models import database
from models.backends.asyncpg import SafeAsyncpgTransactionContext
from models.backends.pool import PlanMode
from models.backends.sqlite import SafeSqliteClient
from models.config import POOL_SIZE
from models.enums import Role
from models.keys import new_id
from tests.conftest import DIALECT, Server, on_postgres, on_sqlite


async def _begin_and_be_cancelled(begin: Callable[[], Any]) -> None:
    """Cancels a task that begins a transaction, once after each number of steps of the event loop."""

    async def transact() -> None:
        async with begin():
            await asyncio.sleep(0)

    for steps in range(12):
        task = asyncio.create_task(transact())
        for _ in range(steps):
            await asyncio.sleep(0.0003)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _busy(client: Any) -> int:
    """Returns the number of busy connections to PostgreSQL. Waits for the server's own periodic statements to end."""
    least = POOL_SIZE
    for _ in range(20):
        least = min(least, client._pool.get_size() - client._pool.get_idle_size())
        await asyncio.sleep(0.02)
    return least


# ---------------------------------------------------------------- cancellation during BEGIN


class Interrupted(TransactionWrapper):
    async def begin(self) -> None:
        raise asyncio.CancelledError


@on_sqlite
def test_the_stock_client_keeps_the_lock_when_cancelled_in_begin(server: Server, tmp_path: Path) -> None:
    async def work() -> None:
        client = SqliteClient(str(tmp_path / "stock.db"), connection_name="default")
        await client.create_connection(with_db=True)
        context = SqliteTransactionContext(SqliteTransactionWrapper(client), client._lock)
        task = asyncio.create_task(context.__aenter__())
        await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert client._lock.locked()
        await client._connection.close()  # type: ignore[union-attr]

    server.run(work)


@on_postgres
def test_the_stock_client_leaks_connections_when_cancelled_in_begin(server: Server) -> None:
    async def work() -> None:
        client: Any = database.connection()
        interrupted = Interrupted(client)
        with contextlib.suppress(asyncio.CancelledError):
            async with TransactionContextPooled(interrupted, client._pool_init_lock):
                pass
        assert await _busy(client) == 1
        await client._pool.release(interrupted._connection)

    server.run(work)


@on_postgres
def test_a_transaction_that_fails_to_begin_gives_its_connection_back(server: Server) -> None:
    async def work() -> None:
        client: Any = database.connection()
        with contextlib.suppress(asyncio.CancelledError):
            async with SafeAsyncpgTransactionContext(Interrupted(client), client._pool_init_lock):
                pass
        assert not await _busy(client)

    server.run(work)


def test_a_transaction_cancelled_in_begin_gives_everything_back(server: Server) -> None:
    async def work() -> None:
        client: Any = database.connection()
        await _begin_and_be_cancelled(client._in_transaction)
        if DIALECT == "sqlite":
            assert not client._lock.locked()
            assert not client._connection.in_transaction
        else:
            assert not await _busy(client)
        async with client._in_transaction():
            await models.Account.all().count()

    server.run(work)


def test_a_caller_that_is_cancelled_leaves_its_transaction_whole(server: Server) -> None:
    async def work() -> None:
        for steps in range(30):
            subject = f"cancelled-{new_id()}"
            begun = asyncio.Event()

            async def add(subject: str = subject, begun: asyncio.Event = begun) -> None:
                begun.set()
                for role in Role:
                    await models.Account.create(subject=subject, role=role, name="x")

            task = asyncio.create_task(database.in_transaction(add))
            for _ in range(steps):
                await asyncio.sleep(0.0002)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            await database.drain()
            assert await models.Account.filter(subject=subject).count() == (len(Role) if begun.is_set() else 0)

    server.run(work)


def test_a_transaction_that_takes_too_long_is_rolled_back(server: Server) -> None:
    subject = f"slow-{new_id()}"

    async def work() -> None:
        async def slow() -> None:
            await models.Account.create(subject=subject, role=Role.BUYER, name="x")
            await asyncio.sleep(5)

        with pytest.raises(TimeoutError):
            await database.in_transaction(slow, seconds=0.05)
        assert not await models.Account.filter(subject=subject).exists()

    server.run(work)


ABANDONED = """
import asyncio, sys
import models
from models import database
from models.enums import Role

async def main(url, subject):
    async with database.connected(url):
        async def slow():
            await models.Account.create(subject=subject, role=Role.BUYER, name="x")
            await asyncio.sleep(0.3)
        caller = asyncio.create_task(database.in_transaction(slow))
        await asyncio.sleep(0.1)
        caller.cancel()

asyncio.run(main(*sys.argv[1:]))
"""


def test_what_is_being_written_is_finished_before_the_database_is_closed(server: Server) -> None:
    subject = f"abandoned-{new_id()}"
    subprocess.run([sys.executable, "-c", ABANDONED, server.settings.database, subject], check=True)

    async def written() -> bool:
        return await models.Account.filter(subject=subject).exists()

    assert server.run(written)


@on_postgres
@pytest.mark.parametrize(("left_by", "is_given_up"), [("BEGIN", False), ("SELECT pg_sleep(9)", True)])
def test_what_is_left_in_a_connection_does_not_meet_its_next_user(
    server: Server, left_by: str, is_given_up: bool
) -> None:
    async def work() -> None:
        client: Any = database.connection()
        connection = await client._pool.acquire()
        asked = asyncio.create_task(connection.execute(left_by))
        if is_given_up:
            await asyncio.sleep(0.05)
            asked.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asked
        await client._pool.release(connection)
        begun = [await database.select("SELECT now()") for _ in range(2)]
        assert begun[0] != begun[1]  # each in a transaction of its own
        assert not await _busy(client)

    server.run(work)


@on_postgres
def test_connections_that_the_database_ended_are_replaced(server: Server) -> None:
    async def work() -> None:
        client: Any = database.connection()
        pool = client._pool
        connections = [await pool.acquire(plans) for plans in PlanMode]
        for connection in connections:
            await pool.release(connection)
        await database.select(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'recourse'"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        await asyncio.sleep(0.2)
        for plans in PlanMode:
            assert await database.select("SELECT 1", plans=plans) == [(1,)]
        assert not await _busy(client)

    server.run(work)


@on_postgres
def test_each_way_of_planning_finds_a_connection(server: Server) -> None:
    """Whatever the connections were used for before, the pool opens no more than its limit."""

    async def asked(plans: PlanMode) -> tuple[str, ...]:
        settings = ("plan_cache_mode", "enable_seqscan", "enable_bitmapscan")
        told = ", ".join(f"current_setting('{name}')" for name in settings)
        [[*found]] = await database.select(f"SELECT {told}", plans=plans)
        return tuple(found)

    async def work() -> None:
        client: Any = database.connection()
        for plans in (*PlanMode, *PlanMode):
            told = await asyncio.gather(*(asked(plans) for _ in range(POOL_SIZE * 2)))
            gathers = "off" if plans is PlanMode.GENERIC else "on"
            assert set(told) == {(plans.value, gathers, gathers)}
        assert client._pool.get_size() <= POOL_SIZE
        assert not await _busy(client)

    server.run(work)


@on_postgres
def test_a_connection_that_rested_for_long_is_not_trusted(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    async def asked() -> int:
        [[process]] = await database.select("SELECT pg_backend_pid()")
        return process

    async def twice() -> tuple[int, int]:
        return await asked(), await asked()

    before, after = server.run(twice)
    assert before == after
    monkeypatch.setattr("models.backends.pool.IDLE_SECONDS", 0.0)
    before, after = server.run(twice)
    assert before != after


# ---------------------------------------------------------------- two transactions that read, then write


async def _read_then_write_twice(client_class: type[SqliteClient], file: Path) -> None:
    """Two connections read a counter, then increment it."""
    clients = [client_class(str(file), connection_name="default", busy_timeout=2000) for _ in range(2)]
    for client in clients:
        await client.create_connection(with_db=True)
    await clients[0].execute_query("CREATE TABLE IF NOT EXISTS counter (n INTEGER)")
    await clients[0].execute_query("INSERT INTO counter VALUES (0)")

    async def raise_it(client: SqliteClient) -> None:
        async with client._in_transaction() as transaction:
            [row] = await transaction.execute_query_dict("SELECT n FROM counter")
            await asyncio.sleep(0.05)
            await transaction.execute_query("UPDATE counter SET n = ?", [row["n"] + 1])

    try:
        await asyncio.gather(*(raise_it(client) for client in clients))
        [row] = await clients[0].execute_query_dict("SELECT n FROM counter")
        assert row["n"] == 2
    finally:
        for client in clients:
            await client.close()


@on_sqlite
def test_stock_transactions_that_read_and_then_write_fail(server: Server, tmp_path: Path) -> None:
    with pytest.raises(OperationalError, match="locked"):
        server.run(lambda: _read_then_write_twice(SqliteClient, tmp_path / "stock.db"))


@on_sqlite
def test_transactions_take_the_write_lock_when_they_begin(server: Server, tmp_path: Path) -> None:
    server.run(lambda: _read_then_write_twice(SafeSqliteClient, tmp_path / "safe.db"))


@on_sqlite
def test_stock_select_for_update_is_nothing(server: Server) -> None:
    async def work() -> str:
        return models.Order.all().select_for_update().sql()

    assert "FOR UPDATE" not in server.run(
        work
    )  # with BEGIN IMMEDIATE they run one after the other: tests/api/test_races.py


# ---------------------------------------------------------------- scripts


@on_sqlite
def test_scripts_are_refused_in_a_transaction(server: Server) -> None:
    async def work() -> None:
        async with database.connection()._in_transaction() as transaction:
            await transaction.execute_script("SELECT 1")

    with pytest.raises(RuntimeError):
        server.run(work)


@on_sqlite
def test_a_stock_script_commits_its_transaction(server: Server, tmp_path: Path) -> None:
    async def work() -> bool:
        client = SqliteClient(str(tmp_path / "stock.db"), connection_name="default")
        await client.create_connection(with_db=True)
        async with client._in_transaction() as transaction:
            await transaction.execute_script("SELECT 1")
            still = transaction._connection.in_transaction
        await client.close()
        return still

    assert server.run(work) is False
