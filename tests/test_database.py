"""The database's hazards, each twice: the stock behaviour, so that a mend no longer needed is noticed, and the mend."""

import asyncio
import contextlib
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from tortoise.backends.asyncpg.client import TransactionWrapper
from tortoise.backends.base.client import TransactionContextPooled
from tortoise.backends.sqlite.client import SqliteClient, SqliteTransactionContext, SqliteTransactionWrapper
from tortoise.exceptions import IntegrityError, OperationalError
from tortoise.migrations.executor import PlanStep
from tortoise.migrations.schema_editor import SqliteSchemaEditor
from tortoise.utils import get_schema_sql

import models
from models import database, migrating
from models.backends.asyncpg import Plans, SafeTransactionContext
from models.backends.sqlite import SafeSqliteClient, instant_to_text
from models.enums import Role
from models.keys import new_id
from resolvers.account import sign_in
from tests.conftest import DIALECT, NOW, Server, World

on_sqlite = pytest.mark.skipif(DIALECT != "sqlite", reason="a hazard of SQLite")
on_postgres = pytest.mark.skipif(DIALECT != "postgres", reason="a hazard of PostgreSQL")


async def _begin_and_be_cancelled(begin: Callable[[], Any]) -> None:
    """Cancels a task that begins a transaction, after every number of steps it may have got to."""

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
    """Connections to PostgreSQL that somebody keeps; what the server does by itself now and then is soon over."""
    least = database.POOL_SIZE
    for _ in range(20):
        least = min(least, client._pool.get_size() - client._pool.get_idle_size())
        await asyncio.sleep(0.02)
    return least


# 1. Cancelled during BEGIN


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
            async with SafeTransactionContext(Interrupted(client), client._pool_init_lock):
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
        assert begun[0] != begun[1]  # each a transaction of its own
        assert not await _busy(client)

    server.run(work)


@on_postgres
def test_connections_that_the_database_ended_are_replaced(server: Server) -> None:
    async def work() -> None:
        client: Any = database.connection()
        pool = client._pool
        connections = [await pool.acquire(plans) for plans in Plans]
        for connection in connections:
            await pool.release(connection)
        await database.select(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'recourse'"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        await asyncio.sleep(0.2)
        for plans in Plans:
            assert await database.select("SELECT 1", plans=plans) == [(1,)]
        assert not await _busy(client)

    server.run(work)


@on_postgres
def test_each_way_of_planning_finds_a_connection(server: Server) -> None:
    """However they were used before; no more are opened than the pool may have."""

    async def asked(plans: Plans) -> tuple[str, ...]:
        settings = ("plan_cache_mode", "enable_seqscan", "enable_bitmapscan")
        told = ", ".join(f"current_setting('{name}')" for name in settings)
        [[*found]] = await database.select(f"SELECT {told}", plans=plans)
        return tuple(found)

    async def work() -> None:
        client: Any = database.connection()
        for plans in (*Plans, *Plans):
            told = await asyncio.gather(*(asked(plans) for _ in range(database.POOL_SIZE * 2)))
            gathers = "off" if plans is Plans.GENERIC else "on"
            assert set(told) == {(plans.value, gathers, gathers)}
        assert client._pool.get_size() <= database.POOL_SIZE
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
    monkeypatch.setattr("models.backends.asyncpg.IDLE_SECONDS", 0.0)
    before, after = server.run(twice)
    assert before != after


# 2 and 3. Reading, then writing, in two at once


async def _read_then_write_twice(client_class: type[SqliteClient], file: Path) -> None:
    """Two connections read a counter, then raise it by one."""
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

    assert "FOR UPDATE" not in server.run(work)  # BEGIN IMMEDIATE serialises instead: tests/test_races.py


# 4. Tables rebuilt


@on_sqlite
@pytest.mark.parametrize("safe", [False, True])
def test_rebuilding_a_table(server: Server, world: World, safe: bool) -> None:
    world.buyer.succeed("leaveFeedback", {"orderId": world.order(completedAt=1), "ratings": {"overall": 4}})

    async def state(client: Any) -> tuple[Any, ...]:
        indexes = await client.execute_query_dict(
            "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'orders' ORDER BY name"
        )
        named = [row["name"] for row in indexes if not row["name"].startswith("sqlite_")]
        return named, await models.Order.all().count(), await models.Feedback.all().count()

    async def work() -> list[Any]:
        client = database.connection()
        states = [await state(client)]
        await client.execute_query("PRAGMA foreign_keys = OFF")
        with contextlib.suppress(InterruptedError):
            async with client._in_transaction() as transaction:
                editor = (migrating.SafeSqliteSchemaEditor if safe else SqliteSchemaEditor)(transaction, atomic=True)
                await editor._remake_table(models.Order)
                states.append(await state(transaction))
                raise InterruptedError  # rolled back: the other tests' database is as it was
        await client.execute_query("PRAGMA foreign_keys = ON")
        return states

    before, after = server.run(work)
    assert (before == after) == safe


@on_sqlite
def test_migrating_a_table_that_others_refer_to(server: Server, world: World) -> None:
    """A column more and then less: the second rebuilds the table, with orders, feedback and events pointing at it."""
    world.buyer.succeed("leaveFeedback", {"orderId": world.order(completedAt=1), "ratings": {"overall": 4}})

    class Rebuilding(migrating.Migrator):
        """In the place of a migration from a file."""

        async def _project_state(self, *_: Any, **__: Any) -> Any:
            return None

    async def counted(client: Any) -> list[int]:
        return [await model.all().count() for model in (models.Order, models.Feedback, models.Event)]

    async def work() -> tuple[list[int], list[int]]:
        client = database.connection()
        before = await counted(client)

        class Step:
            app_label, name, atomic = "models", "rebuild", True

            async def apply(self, _state: Any, *, dry_run: bool, schema_editor: Any) -> None:
                await schema_editor._remake_table(models.Order)

        migrator = Rebuilding(client, database.APPS)
        migrator._migration_plan = lambda *_: [PlanStep(Step(), backward=False)]  # type: ignore[method-assign, arg-type]
        await migrator.migrate()
        await client.execute_query("DELETE FROM tortoise_migrations WHERE name = 'rebuild'")
        return before, await counted(client)

    before, after = server.run(work)
    assert before == after
    assert before[1] > 0


@on_sqlite
def test_foreign_keys_are_enforced_again_after_migrating(server: Server) -> None:
    async def work() -> None:
        client = database.connection()
        await migrating.migrate(database.APPS, client)
        assert await client.execute_query_dict("PRAGMA foreign_keys") == [{"foreign_keys": 1}]
        assert await client.execute_query_dict("PRAGMA foreign_key_check") == []

    server.run(work)


# 5. Constraints: second walls behind the policy


def test_stock_schema_generation_leaves_checks_out(server: Server) -> None:
    async def work() -> str:
        return get_schema_sql(database.connection(), safe=False)

    assert "CHECK" not in server.run(work)


def _facts(**changes: Any) -> dict[str, Any]:
    return {"currency": "USD", "total": 100, "amount_paid": 0, "items": [], "search": "", "kind": "OFFLINE"} | changes


@pytest.mark.parametrize(
    "facts",
    [
        {"total": 0},
        {"amount_paid": 101, "paid_at": NOW},
        {"amount_paid": -1, "paid_at": NOW},
        {"amount_paid": 1},
        {"paid_at": NOW},
        {"feedback_replied_at": NOW},
        {"feedback_left_at": NOW, "feedback_revised_at": NOW},
    ],
)
def test_orders_that_cannot_be(server: Server, facts: dict[str, Any]) -> None:
    async def work() -> None:
        account = await sign_in("walls", Role.BUYER, "x")
        who = {"buyer_id": account.id, "supplier_id": account.id, "recorded_by_id": account.id}
        when = {"placed_at": NOW, "recorded_at": NOW, "changed_at": NOW}
        await models.Order.create(number=str(new_id()), **_facts(**facts), **who, **when)

    with pytest.raises(IntegrityError):
        server.run(work)


def test_what_no_enum_knows_cannot_be_stored(server: Server, world: World) -> None:
    world.order()

    async def work() -> None:
        await database.connection().execute_query("UPDATE orders SET kind = 'BARTER'")

    with pytest.raises(IntegrityError):
        server.run(work)


WAITING = {"currency": "USD", "opened_at": NOW, "waits_for": "AGENT", "due_at": NOW}


@pytest.mark.parametrize(
    ("model", "columns"),
    [
        (models.Feedback, {"overall": 5}),
        (models.Cancellation, {"reason": "OTHER", "opened_at": NOW}),
        (models.Dispute, {"reason": "LATE", "description": "x", "wanted": "REPLACEMENT"} | WAITING),
        (models.Complaint, {"kind": "OTHER", "description": "x", "contact_email": "x"} | WAITING),
    ],
)
def test_one_feedback_and_one_open_case_of_each_kind(
    server: Server, world: World, model: Any, columns: dict[str, Any]
) -> None:
    world.order()

    async def add() -> Any:
        order = await models.Order.all().order_by("-id").first()
        assert order is not None
        parties: dict[str, Any] = {"order_id": order.id}
        if model is models.Dispute:
            parties |= {"buyer_id": order.buyer_id, "supplier_id": order.supplier_id}  # type: ignore[attr-defined]
        if model is models.Complaint:
            parties |= {"complainant_id": order.buyer_id}  # type: ignore[attr-defined]
        number = {} if model is models.Feedback else {"number": str(new_id())[:32]}
        return await model.create(**parties, **number, **columns)

    server.run(add)
    with pytest.raises(IntegrityError):
        server.run(add)


@pytest.mark.parametrize(
    "stars",
    [{"overall": 6}, {"overall": 0}, {}, {"overall": 3, "communication": 3}, {"communication": 3, "shipping_time": 3}],
)
def test_feedback_has_one_form(server: Server, world: World, stars: dict[str, int]) -> None:
    world.order()

    async def add() -> None:
        order = await models.Order.all().order_by("-id").first()
        assert order is not None
        await models.Feedback.create(order_id=order.id, **stars)

    with pytest.raises(IntegrityError):
        server.run(add)


# 6. Limits on writes


def test_stock_deletes_and_updates_ignore_a_limit(server: Server) -> None:
    async def work() -> list[str]:
        some = models.Account.all().limit(1)
        return [some.delete().sql(), some.update(name="x").sql()]

    for sql in server.run(work):
        assert "LIMIT" not in sql.upper()


def test_no_write_of_ours_has_a_limit() -> None:
    limited = re.compile(r"\.limit\([^)]*\)\.(delete|update)\(")
    assert limited.search("some.limit(1).delete()")
    for folder in ("models", "resolvers", "server"):
        for file in Path(folder).rglob("*.py"):
            assert not limited.search("".join(file.read_text().split())), file


# 7. Instants


def test_instants_are_compared_as_instants(server: Server, world: World) -> None:
    elsewhere = timezone(timedelta(hours=5))
    world.order(placedAt=0)

    async def work() -> list[bool]:
        order = models.Order.filter(number=(await models.Order.all().order_by("-id").first()).number)  # type: ignore[union-attr]
        same = NOW.astimezone(elsewhere)
        found = [await order.filter(placed_at=same).exists(), await order.filter(placed_at__gt=same).exists()]
        await order.update(placed_at=same)
        return [*found, await order.filter(placed_at=NOW).exists()]

    assert server.run(work) == [True, False, True]


def test_instants_are_stored_in_one_width() -> None:
    instants = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=n) for n in (0, 1, 500_000, 999_999)]
    texts = [instant_to_text(instant) for instant in instants]
    assert texts == sorted(texts)
    assert {len(text) for text in texts} == {len("2026-01-01 00:00:00.000000+00:00")}


def test_naive_instants_are_errors(server: Server) -> None:
    with pytest.raises(ValueError, match="naive"):
        instant_to_text(datetime(2026, 1, 1))  # noqa: DTZ001

    async def work() -> None:
        await models.Order.filter(placed_at=datetime(2026, 1, 1)).exists()  # noqa: DTZ001

    with pytest.raises(RuntimeWarning, match="naive"):
        server.run(work)


# 8. Scripts


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
