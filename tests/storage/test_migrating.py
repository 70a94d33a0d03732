"""Migrating databases that hold data and are in use: without time limits, without blocking anybody, and again after an
interruption at any step."""

import asyncio
import contextlib
import itertools
import shutil
import sys
import textwrap
from collections.abc import AsyncGenerator, Callable, Generator
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import asyncpg
import pytest
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.exceptions import IntegrityError
from tortoise.migrations.operations import TortoiseOperation

from models import database, migrating, migration_watch, steps
from models.config import APPS
from models.keys import new_id
from tests.conftest import DIALECT, on_postgres
from tests.support import postgres

pytestmark = pytest.mark.slow

MIGRATIONS = sorted(path.stem for path in Path("models/migrations").glob("0*.py"))
RELEASED = {"0.1.0": "0002_second_walls", "0.2.0": "0006_lists"}  # each release's newest migration
ORDERS = 50_000 if DIALECT == "postgres" else 2_000

# Orders of release 0.1.0, of two buyers and one supplier, with an event each. Ids increase, like the keys of real rows.
SERIES, ID, INSTANT = (
    (
        "generate_series(1, {n}) AS n",
        "lpad(to_hex(n), 32, '0')::uuid",
        "timestamptz '2026-01-01' + n * interval '1 minute'",
    )
    if DIALECT == "postgres"
    else (
        "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {n}) SELECT n FROM s)",
        "printf('00000000-0000-0000-0000-%012x', n)",
        "strftime('%Y-%m-%d %H:%M:%S.000000+00:00', '2026-01-01', '+' || n || ' minutes')",
    )
)
ORDERS_OF_THEN = (
    "INSERT INTO orders (id, number, kind, buyer_id, supplier_id, recorded_by_id, currency, total, amount_paid, items,"
    " placed_at, paid_at, completed_at, recorded_at, changed_at, search)"
    " SELECT {id}, 'G' || n, CASE n % 2 WHEN 0 THEN 'TRADE_ASSURANCE' ELSE 'SECURE_PAYMENT' END,"
    " CASE n % 2 WHEN 0 THEN '{a}' ELSE '{b}' END{uuid}, '{supplier}'{uuid}, '{service}'{uuid}, 'USD', 1000, 1000,"
    " '[[\"Desk lamp\", 1, 1000]]'{json}, {at}, {at}, CASE n % 3 WHEN 0 THEN {at} END, {at}, {at},"
    " 'g' || n || '\nana\nlumen\ndesk lamp' FROM {series}"
)
EVENTS_OF_THEN = (
    "INSERT INTO events (order_id, at, known_at, facts) SELECT {id}, {at}, {at}, '{{}}'{json} FROM {series}"
)


async def fill(client: Any, count: int) -> None:
    keys = {name: new_id() for name in ("a", "b", "supplier", "service")}
    parties = (("BUYER", "Ana"), ("BUYER", "Ana"), ("SUPPLIER", "Lumen"), ("SERVICE", "Orders"))
    for (subject, key), (role, name) in zip(keys.items(), parties, strict=True):
        account = f"('{key}', '{subject}', '{role}', '{name}')"
        await client.execute_query(f"INSERT INTO accounts (id, subject, role, name) VALUES {account}")
    casts = {"uuid": "::uuid", "json": "::jsonb"} if DIALECT == "postgres" else {"uuid": "", "json": ""}
    for statement in (ORDERS_OF_THEN, EVENTS_OF_THEN):
        said = statement.format(id=ID, at=INSTANT, series=SERIES.format(n=count), **keys, **casts)
        await client.execute_query(said)


async def indexes(client: Any) -> list[str]:
    """Returns the names of all indexes. All must be valid."""
    if DIALECT == "sqlite":
        rows = await client.execute_query_dict(
            "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        )
    else:
        rows = await client.execute_query_dict(
            "SELECT c.relname AS name, i.indisvalid AS valid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
            " JOIN pg_namespace s ON s.oid = c.relnamespace WHERE s.nspname = 'public'"
        )
        assert all(row["valid"] for row in rows), rows
    return sorted(row["name"] for row in rows)


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncGenerator[BaseDBAsyncClient]:
    async with database.connected(url) as client:
        yield client


# ---------------------------------------------------------------- a database with data


@pytest.fixture(scope="module")
def new_indexes(migrated_database: Callable[[], str]) -> list[str]:
    """Returns the indexes of a database that was empty when it was migrated."""

    url = migrated_database()

    async def work() -> list[str]:
        async with opened(url) as client:
            return await indexes(client)

    return asyncio.run(work())


@pytest.mark.parametrize("release", RELEASED)
def test_a_grown_database_of_each_release_is_migrated_while_it_is_in_use(
    release: str, new_database: Callable[[], str], new_indexes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    async def use(url: str, until: asyncio.Event) -> int:
        """Reads and writes like the application, with its time limits. Returns how often it succeeded."""
        if DIALECT == "sqlite":
            return 1  # SQLite: one writer, and readers wait
        connection: Any = await asyncpg.connect(
            **postgres.credentials(url), server_settings={"statement_timeout": "5s"}
        )
        done = 0
        while not until.is_set():
            number = f"G{done % ORDERS + 1}"
            await connection.fetch("SELECT id, number, kind, items FROM orders WHERE number = $1", number)
            await connection.execute("UPDATE orders SET changed_at = now() WHERE number = $1", number)
            done += 1
            await asyncio.sleep(0.01)
        await connection.close()
        return done

    url = new_database()

    async def work() -> tuple[list[str], int, list[str], int]:
        until = asyncio.Event()
        async with opened(url) as client:
            await migrating.migrate(APPS, client, to=RELEASED["0.1.0"])
            await fill(client, ORDERS)
            await migrating.migrate(APPS, client, to=RELEASED[release])
        # The time limit of the application's statements, on all connections of its pool.
        monkeypatch.setattr("models.config.TRANSACTION_SECONDS", 1)
        async with opened(url) as client:
            if DIALECT == "postgres":
                [[limit]] = await database.select("SHOW statement_timeout")
                assert limit == "1s"
            using = asyncio.create_task(use(url, until))
            await migrating.migrate(APPS, client, told.append)
            until.set()
            used = await using
            return await indexes(client), used, await migrating.pending(APPS, client), await count(client)

    async def count(client: BaseDBAsyncClient) -> int:
        return (await client.execute_query_dict("SELECT count(*) AS n FROM orders"))[0]["n"]

    made, used, pending, orders = asyncio.run(work())
    assert made == new_indexes
    assert (pending, orders) == ([], ORDERS)
    assert used > 0
    newer = [name for name in MIGRATIONS if name > RELEASED[release]]
    assert [line.partition(":")[0] for line in told if "done in" in line] == newer


# ---------------------------------------------------------------- future migrations


@pytest.fixture(scope="module")
def small(migrated_database: Callable[[], str]) -> str:
    """Returns the URL of an up-to-date database with 150 orders."""
    url = migrated_database()

    async def work() -> None:
        async with opened(url) as client:
            await fill(client, 150)

    asyncio.run(work())
    return url


@pytest.fixture
def url(small: str, new_database: Callable[[], str]) -> str:
    """Returns the URL of a copy of that database."""
    copy = new_database()
    name, of = (urlsplit(each).path.strip("/") for each in (copy, small))

    async def work() -> None:
        connection: Any = await asyncpg.connect(**postgres.credentials(small) | {"database": "template1"})
        await connection.execute(f"DROP DATABASE {name}")
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {of}")
        await connection.close()

    if DIALECT == "sqlite":
        shutil.copy(f"/{of}", f"/{name}")
    else:
        asyncio.run(work())
    return copy


BEGINNING = """
    from tortoise import fields, migrations
    from tortoise.indexes import Index
    from tortoise.migrations import operations as ops
    from tortoise.migrations.constraints import CheckConstraint
    from models import steps
    from tests.storage.test_migrating import Stop, spell

    class Migration(migrations.Migration):
        dependencies = [("models", "{newest}")]
        operations = {operations}
"""
_packages = itertools.count(1)
Future = Callable[[str], dict[str, Any]]


@pytest.fixture
def future(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Future]:
    """Makes Tortoise's configuration with one more migration, which consists of the given operations."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def made(operations: str) -> dict[str, Any]:
        name = f"migrations_to_come_{next(_packages)}"
        package = tmp_path / name
        package.mkdir()
        (package / "__init__.py").touch()
        for each in MIGRATIONS:
            text = f'import importlib\nMigration = importlib.import_module("models.migrations.{each}").Migration\n'
            (package / f"{each}.py").write_text(text)
        text = textwrap.dedent(BEGINNING).format(newest=MIGRATIONS[-1], operations=operations)
        (package / "9999_to_come.py").write_text(text)
        return {"models": APPS["models"] | {"migrations": name}}

    yield made
    for name in [name for name in sys.modules if name.startswith("migrations_to_come_")]:
        del sys.modules[name]


class Stop(TortoiseOperation):
    """An operation that interrupts the migration the first time that it runs."""

    passed: ClassVar[set[str]] = set()

    def __init__(self, name: str) -> None:
        self.name = name

    async def database_forward(self, *_: Any, **__: Any) -> None:
        if self.name not in self.passed:
            self.passed.add(self.name)
            raise InterruptedError


def spell(row: dict[str, Any]) -> dict[str, Any] | None:
    """Computes the new values of a row. Interrupts the migration once, in the middle of the rows."""
    if row["number"] == "G70" and "spell" not in Stop.passed:
        Stop.passed.add("spell")
        raise InterruptedError
    return None if row["number"] == "G1" else {"spelt": row["number"].lower(), "length": len(row["number"])}


STEPS = """[
    ops.AddField(model_name="Order", name="spelt", field=fields.TextField(null=True)),
    ops.AddField(model_name="Order", name="length", field=fields.IntField(db_default=0)),
    Stop("2"),
    steps.Backfill("orders", "spelt = 'x'", where="number = 'G1'"),
    Stop("3"),
    steps.BackfillBy("orders", ["number"], spell, where="spelt IS NULL", at_once=20),
    Stop("4"),
    ops.AddConstraint("Order", CheckConstraint(check="length < 100", name="orders_length_bounded")),
    ops.AddIndex("Order", Index(fields=["length", "id"], name="orders_by_length")),
    Stop("6"),
    steps.CreateIndex("orders_spelt", "orders", "(spelt) WHERE spelt <> 'x'", unique=True),
    steps.CreateIndex("orders_on_postgres", "orders", "USING hash (spelt)", postgres_only=True),
    steps.DropIndex("orders_of_service"),
    ops.RunSQL("ALTER TABLE orders ADD COLUMN last INT"),
    Stop("8"),
]"""


@pytest.mark.parametrize("large", [False, pytest.param(True, marks=on_postgres)])
def test_a_migration_goes_on_wherever_it_was_interrupted(
    large: bool, url: str, future: Future, monkeypatch: pytest.MonkeyPatch
) -> None:
    Stop.passed.clear()
    monkeypatch.setattr(steps, "LARGE", 0 if large else steps.LARGE)
    apps = future(STEPS)

    async def work() -> tuple[int, list[dict[str, Any]], list[str], list[str]]:
        interrupted = 0
        async with opened(url) as client:
            while await migrating.pending(apps, client):
                try:
                    await migrating.migrate(apps, client)
                except InterruptedError:
                    interrupted += 1
            rows = await client.execute_query_dict("SELECT number, spelt, length, last FROM orders")
            left = await client.execute_query_dict("SELECT name FROM tortoise_migrations WHERE app <> 'models'")
            return interrupted, rows, await indexes(client), [row["name"] for row in left]

    interrupted, rows, made, left = asyncio.run(work())
    assert interrupted == 6
    assert all(row["spelt"] == ("x" if row["number"] == "G1" else row["number"].lower()) for row in rows)
    assert {row["length"] for row in rows} == {0, 2, 3, 4}
    assert {row["last"] for row in rows} == {None}
    assert ("orders_on_postgres" in made) == (DIALECT == "postgres")
    assert {"orders_spelt", "orders_by_length"} <= {*made}
    assert "orders_of_service" not in made
    assert left == []


@on_postgres
def test_an_index_that_was_left_invalid_is_made_again(
    url: str, future: Future, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "LARGE", 0)
    apps = future('[steps.CreateIndex("orders_twins", "orders", "(currency, total)", unique=True)]')
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('orders_twins')"

    async def work() -> list[Any]:
        async with opened(url) as client:
            with pytest.raises(IntegrityError):
                await migrating.migrate(apps, client)
            left = await client.execute_query_dict(valid)
            await client.execute_query(
                "UPDATE orders SET total = 2000 + length(number) * 1000 + substr(number, 2)::int WHERE number <> 'G1'"
            )
            await migrating.migrate(apps, client)
            return [left, await client.execute_query_dict(valid)]

    assert asyncio.run(work()) == [[{"indisvalid": False}], [{"indisvalid": True}]]


@on_postgres
@pytest.mark.parametrize(
    "operations",
    [
        pytest.param('[ops.RunSQL("ALTER TABLE orders ADD COLUMN more INT")]', id="a column"),
        pytest.param(
            '[ops.AddConstraint("Order", CheckConstraint(check="total < 9000", name="orders_bounded"))]', id="a check"
        ),
        pytest.param('[steps.CreateIndex("orders_by_total", "orders", "(total, id)")]', id="an index"),
        pytest.param('[steps.Backfill("orders", "total = 1001", "total <> 1001")]', id="rows"),
    ],
)
def test_a_step_says_whom_it_waits_for_and_nobody_waits_long_behind_it(
    operations: str, url: str, future: Future, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "LARGE", 0)
    apps = future(operations)
    told: list[str] = []
    secret = "what they wrote"

    async def work() -> tuple[int, int]:
        async with opened(url) as client:
            holder: Any = await asyncpg.connect(
                **postgres.credentials(url), server_settings={"application_name": "reports"}
            )
            reader: Any = await asyncpg.connect(**postgres.credentials(url), server_settings={"lock_timeout": "5s"})
            pid = await holder.fetchval("SELECT pg_backend_pid()")
            await holder.execute(f"BEGIN; UPDATE orders SET search = '{secret}' WHERE number = 'G50'")
            migrated = asyncio.create_task(migrating.migrate(apps, client, told.append))
            read = 0
            async with asyncio.timeout(30):
                while not any("waits for" in line for line in told) or read < 20:
                    # Fails with its time limit if it waits behind the migration for long.
                    await reader.fetch("SELECT * FROM orders WHERE number = 'G50'")
                    read += 1
                    await asyncio.sleep(0.05)
            assert not migrated.done()
            await holder.execute("COMMIT")
            await migrated
            await holder.close()
            await reader.close()
            assert await migrating.pending(apps, client) == []
        return pid, read

    pid, _ = asyncio.run(work())
    waits = next(line for line in told if "waits for" in line)
    assert waits.startswith("9999_to_come, step 1 of 1 (")
    assert f"waits for process {pid} (reports, idle in transaction" in waits
    assert secret not in "".join(told)


@on_postgres
def test_a_lock_that_is_never_given_ends_migrating_with_a_sentence(
    url: str, future: Future, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migration_watch, "TIMEOUT_SECONDS", 0)
    apps = future('[ops.RunSQL("ALTER TABLE orders ADD COLUMN more INT")]')

    async def work() -> None:
        async with opened(url) as client:
            holder: Any = await asyncpg.connect(**postgres.credentials(url))
            await holder.execute("BEGIN; LOCK TABLE orders IN ACCESS SHARE MODE")
            with pytest.raises(migration_watch.Blocked, match="run migrate again to go on"):
                await migrating.migrate(apps, client)
            await holder.execute("COMMIT")
            await migrating.migrate(apps, client)
            await holder.close()

    asyncio.run(work())


@on_postgres
def test_a_database_that_cannot_say_what_it_has_is_not_taken_for_empty(
    small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.config.TRANSACTION_SECONDS", 1)  # this also limits waiting for locks

    async def work() -> None:
        async with opened(small) as client:
            holder: Any = await asyncpg.connect(**postgres.credentials(small))
            await holder.execute("BEGIN; LOCK TABLE tortoise_migrations")
            try:
                with pytest.raises((asyncpg.LockNotAvailableError, asyncpg.QueryCanceledError)):
                    await migrating.pending(APPS, client)
            finally:
                await holder.close()

    asyncio.run(work())


def test_several_migrate_a_database_that_holds_data_at_once(
    url: str, future: Future, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "LARGE", 0)
    apps = future('[steps.CreateIndex("orders_by_total", "orders", "(total, id)")]')
    told: list[str] = []

    async def work() -> list[str]:
        async with opened(url) as client:
            await asyncio.gather(*(migrating.migrate(apps, client, told.append) for _ in range(3)))
            return await indexes(client)

    assert "orders_by_total" in asyncio.run(work())
    assert sum("done in" in line for line in told) == 1


# ---------------------------------------------------------------- the operations of migrations


def test_migrations_make_indexes_of_older_tables_by_steps() -> None:
    """CREATE INDEX in a migration's SQL would block writers while PostgreSQL reads a large table."""
    for name in MIGRATIONS:
        text = Path(f"models/migrations/{name}.py").read_text()
        for line in text.splitlines():
            if "RunSQL" in line and "INDEX" in line:
                assert f'"table": "{line.partition(" ON ")[2].split()[0]}"' in text, (name, line)
