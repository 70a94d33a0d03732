"""Requests whose database fails while they run."""

import asyncio
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import asyncpg
import httpx2
import pytest
from graphql import GraphQLError
from tortoise.exceptions import DBConnectionError, OperationalError

import models
from models import database, failures
from models.availability import Availability
from models.backends.pool import PlanMode
from models.config import POOL_SIZE
from models.enums import Role
from models.failures import Failure
from models.keys import new_id
from server.errors import to_client_error
from tests.conftest import DIALECT, Server, World, code, on_postgres, on_sqlite
from tests.server.test_metrics import metrics
from tests.support.locks import held
from tests.support.postgres import credentials


def execute(url: str, *statements: str) -> None:
    """Runs statements over a connection of its own. Blocks the calling event loop meanwhile."""

    async def work() -> None:
        connection: Any = await asyncpg.connect(**credentials(url), server_settings={"application_name": "tests"})
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    with ThreadPoolExecutor(1) as apart:
        apart.submit(asyncio.run, work()).result()


KILL = "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity WHERE application_name = 'recourse'"


@contextmanager
def table(url: str) -> Generator[None]:
    """Creates a table `scratch` with rows 1 and 2."""
    execute(url, "CREATE TABLE scratch (id int, n int)", "INSERT INTO scratch VALUES (1, 0), (2, 0)")
    try:
        yield
    finally:
        execute(url, "DROP TABLE scratch CASCADE", "DROP FUNCTION IF EXISTS at_commit")


def sqlite_error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("x")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("error", "says", "again"),
    [
        (ConnectionResetError(), Failure.AWAY, True),
        (ConnectionRefusedError(), Failure.AWAY, True),
        (failures.Unreachable(), Failure.AWAY, True),
        (DBConnectionError("x"), Failure.AWAY, True),
        (asyncpg.InterfaceError("connection is closed"), Failure.AWAY, True),
        (asyncpg.InternalClientError("cannot switch to state 15"), Failure.AWAY, True),
        (asyncpg.ConnectionDoesNotExistError("x"), Failure.AWAY, True),
        (asyncpg.exceptions.AdminShutdownError("x"), Failure.AWAY, True),
        (asyncpg.CannotConnectNowError("x"), Failure.AWAY, True),
        (asyncpg.exceptions.TooManyConnectionsError("x"), Failure.AWAY, True),
        (asyncpg.InvalidCatalogNameError("x"), Failure.AWAY, True),
        (asyncpg.ReadOnlySQLTransactionError("x"), Failure.READ_ONLY, True),
        (asyncpg.InvalidCachedStatementError("x"), Failure.OUTDATED, True),
        (asyncpg.exceptions.OutdatedSchemaCacheError("x"), Failure.OUTDATED, True),
        (asyncpg.DeadlockDetectedError("x"), Failure.CONFLICT, True),
        (asyncpg.SerializationError("x"), Failure.CONFLICT, True),
        (asyncpg.LockNotAvailableError("x"), Failure.TOO_SLOW, False),
        (asyncpg.QueryCanceledError("x"), Failure.TOO_SLOW, False),
        (TimeoutError(), Failure.TOO_SLOW, False),
        (failures.UnknownOutcome(), Failure.UNKNOWN_OUTCOME, False),
        (OperationalError(sqlite_error(sqlite3.SQLITE_BUSY)), Failure.TOO_SLOW, False),
        (sqlite_error(sqlite3.SQLITE_READONLY), Failure.READ_ONLY, True),
        (sqlite_error(sqlite3.SQLITE_CANTOPEN), Failure.AWAY, True),
        (sqlite_error(sqlite3.SQLITE_ERROR), None, False),
        (asyncpg.DataError("a value that does not fit"), None, False),
        (asyncpg.UniqueViolationError("x"), None, False),
        (asyncpg.exceptions.UndefinedTableError("x"), None, False),
        (FileNotFoundError(), None, False),
        (ValueError(), None, False),
    ],
)
def test_a_database_error_is_classified(error: Exception, says: Failure | None, again: bool) -> None:
    assert failures.of(error) == says
    assert failures.may_be_tried_again(error) == again


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConnectionResetError(), "UNAVAILABLE"),
        (asyncpg.ReadOnlySQLTransactionError("x"), "UNAVAILABLE"),
        (asyncpg.LockNotAvailableError("x"), "TOO_SLOW"),
        (failures.Deadlock(), "TOO_SLOW"),
        (failures.UnknownOutcome(), "UNKNOWN_OUTCOME"),
        (KeyError("x"), "INTERNAL"),
    ],
)
def test_clients_get_a_code_for_each_database_error(error: Exception, code: str) -> None:
    said = to_client_error(GraphQLError("x", original_error=error), hints=False)
    assert said.extensions == {"code": code}


# ---------------------------------------------------------------- lost connections


async def read_text() -> None:
    [[one]] = await database.select("SELECT 1")
    assert one == 1


async def read_models() -> None:
    await models.Account.all().count()


async def write() -> None:
    async def work() -> None:
        await models.Account.create(subject=f"again-{new_id()}", role=Role.BUYER, name="x")

    await database.in_transaction(work)


@on_postgres
@pytest.mark.parametrize("use", [read_text, read_models, write])
def test_a_connection_that_turns_out_to_be_lost_is_replaced(server: Server, use: Callable[[], Awaitable[None]]) -> None:
    async def work() -> None:
        await use()
        execute(server.settings.database, KILL)
        await use()

    before = metrics(server.url)
    server.run(work)
    tried = {name: value for name, value in metrics(server.url).items() if name.startswith("recourse_retries_total")}
    assert sum(tried.values()) > sum(value for name, value in before.items() if name in tried)


@on_postgres
def test_a_connection_that_the_driver_gave_up_leaves_its_place_to_another(server: Server) -> None:
    async def work() -> None:
        await read_text()
        pool: Any = database.connection()._pool  # type: ignore[attr-defined]
        for _ in range(POOL_SIZE):
            connection = await pool.acquire()
            connection._protocol.abort()
            await pool.release(connection)
        async with asyncio.timeout(5):
            await read_text()

    server.run(work)


@on_postgres
def test_a_transaction_that_loses_its_connection_is_done_once(server: Server) -> None:
    subject, runs = f"lost-{new_id()}", 0

    async def work() -> None:
        nonlocal runs
        runs += 1
        await models.Account.create(subject=subject, role=Role.BUYER, name="x")
        if runs == 1:
            await database.connection().execute_query("SELECT pg_terminate_backend(pg_backend_pid())")

    async def done() -> int:
        await database.in_transaction(work)
        return await models.Account.filter(subject=subject).count()

    assert (server.run(done), runs) == (1, 2)


@on_postgres
def test_a_transaction_is_tried_again_only_once(server: Server) -> None:
    runs = 0

    async def work() -> None:
        nonlocal runs
        runs += 1
        await database.connection().execute_query("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(asyncpg.PostgresConnectionError):
        server.run(lambda: database.in_transaction(work))
    assert runs == 2


@on_postgres
def test_a_statement_that_a_migration_made_invalid_is_prepared_again(server: Server) -> None:
    async def columns() -> int:
        async def work() -> int:
            [row] = await database.select("SELECT * FROM scratch WHERE id = 1")
            return len(tuple(row))

        return await database.in_transaction(work)

    with table(server.settings.database):
        assert server.run(columns) == 2
        execute(server.settings.database, "ALTER TABLE scratch ADD COLUMN m int")
        assert server.run(columns) == 3


@on_postgres
def test_of_two_that_wait_for_each_other_both_are_done(server: Server) -> None:
    async def add(*order: int) -> None:
        met: list[asyncio.Event] = events
        first = True

        async def work() -> None:
            nonlocal first
            for place, row in enumerate(order):
                await database.change("UPDATE scratch SET n = n + 1 WHERE id = $1", [row])
                if first and place == 0:
                    met[order[0] - 1].set()
                    await met[order[1] - 1].wait()
                    first = False

        await database.in_transaction(work)

    events: list[asyncio.Event] = []

    async def both() -> list[int]:
        events.extend((asyncio.Event(), asyncio.Event()))
        await asyncio.gather(add(1, 2), add(2, 1))
        return [n for [n] in await database.select("SELECT n FROM scratch")]

    with table(server.settings.database):
        assert server.run(both) == [2, 2]


# ---------------------------------------------------------------- waiting for a lock


def test_a_wait_for_a_lock_that_runs_out_is_too_slow(server: Server, world: World) -> None:
    order = world.order(completedAt=1)

    async def shorten(time: str) -> None:
        client: Any = database.connection()
        if DIALECT == "sqlite":
            await client.execute_query(f"PRAGMA busy_timeout = {time}")
            return
        held = [await client._pool.acquire(plans) for plans in PlanMode]
        for connection in held:
            await connection.execute(f"SET lock_timeout = '{time}ms'")
            await client._pool.release(connection)

    server.run(lambda: shorten("100"))
    try:
        with held(server.settings.database, order) as let_go:
            input = {"orderId": order, "ratings": {"overall": 4}}
            answer = world.buyer.answer(
                "mutation($input: LeaveFeedbackInput!) { leaveFeedback(input: $input) { feedback { id } } }",
                input=input,
            )
            let_go()
    finally:
        server.run(lambda: shorten("10000"))
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["TOO_SLOW"]
    world.buyer.succeed("leaveFeedback", input)


# ---------------------------------------------------------------- COMMIT without an answer


def at_commit(does: str, on: str = "scratch") -> tuple[str, ...]:
    """Returns statements that make each later commit of a change to the table run `does` at its end."""
    body = f"$$BEGIN {does}; RETURN NULL; END$$"
    how = "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION at_commit()"
    return (
        f"CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql AS {body}",
        f"CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT OR UPDATE ON {on} {how}",
    )


@on_postgres
@pytest.mark.parametrize("does", ["PERFORM pg_terminate_backend(pg_backend_pid())", "PERFORM pg_sleep(30)"])
def test_a_commit_without_an_answer_has_no_known_outcome(
    server: Server, does: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "COMMIT_SECONDS", 0.5)
    runs = 0

    async def work() -> None:
        nonlocal runs
        runs += 1
        await database.change("UPDATE scratch SET n = n + 1 WHERE id = 1")

    with table(server.settings.database):
        execute(server.settings.database, *at_commit(does))
        with pytest.raises(failures.UnknownOutcome):
            server.run(lambda: database.in_transaction(work))
        execute(server.settings.database, KILL)
    assert runs == 1


@on_postgres
def test_a_commit_that_is_refused_has_a_known_outcome(server: Server) -> None:
    async def work() -> None:
        await database.change("UPDATE scratch SET n = n + 1 WHERE id = 1")

    with table(server.settings.database):
        execute(server.settings.database, *at_commit("RAISE unique_violation"))
        with pytest.raises(asyncpg.UniqueViolationError):
            server.run(lambda: database.in_transaction(work))


@on_postgres
def test_clients_are_told_that_an_outcome_is_unknown_and_ask_again(server: Server, world: World) -> None:
    order = world.order(completedAt=1)
    input = {"orderId": order, "ratings": {"overall": 4}, "idempotencyKey": new_id().hex}
    left = "mutation($input: LeaveFeedbackInput!) { leaveFeedback(input: $input) { feedback { id } } }"
    execute(server.settings.database, *at_commit("PERFORM pg_terminate_backend(pg_backend_pid())", "feedback"))
    try:
        answer = world.buyer.send({"query": left, "variables": {"input": input}})
    finally:
        execute(server.settings.database, "DROP FUNCTION at_commit CASCADE")
    assert (answer.status_code, code(answer)) == (200, "UNKNOWN_OUTCOME")
    assert "again with the same idempotency key" in answer.json()["errors"][0]["message"]
    texts = "order { timeline { edges { node { text } } } }"
    edges = world.buyer.succeed("leaveFeedback", input, texts)["order"]["timeline"]["edges"]
    assert [edge["node"]["text"] for edge in edges].count("The buyer left feedback.") == 1


# ---------------------------------------------------------------- a read-only database


@on_postgres
def test_a_read_only_database_is_unavailable_and_left_for_one_that_is_not(
    server: Server, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    name = server.settings.database.partition("?")[0].rpartition("/")[2]
    order = world.order(completedAt=1)
    left = {
        "query": "mutation($input: LeaveFeedbackInput!) { leaveFeedback(input: $input) { feedback { id } } }",
        "variables": {"input": {"orderId": order, "ratings": {"overall": 4}}},
    }
    execute(server.settings.database, f"ALTER DATABASE {name} SET default_transaction_read_only = on", KILL)
    try:
        for accepted in ("application/json", "application/graphql-response+json"):
            answer = world.buyer.send(left, Accept=accepted)
            assert (answer.status_code, code(answer)) == (503, "UNAVAILABLE")
            assert int(answer.headers["retry-after"]) > 0
            assert "data" not in answer.json()
            server.run(lambda: database.pulses()["default"].ask())
        said = [record.getMessage() for record in caplog.records if "can be used again" in record.getMessage()]
        assert not said  # the database answers, but takes no writes
    finally:
        execute(
            server.settings.database,
            "SET default_transaction_read_only = off",
            f"ALTER DATABASE {name} RESET default_transaction_read_only",
        )
    world.buyer.succeed("leaveFeedback", left["variables"]["input"])  # type: ignore[index]
    told = [record.getMessage() for record in caplog.records if record.name == "models.availability"]
    assert told.count("the database cannot be used: ReadOnlySQLTransactionError") == 1


@on_postgres
def test_what_was_done_before_the_database_went_away_is_not_called_undone(server: Server, world: World) -> None:
    """The second of two mutations in a document fails."""
    first, second = world.order(completedAt=1), world.order(completedAt=1)
    both = """mutation($first: LeaveFeedbackInput!, $second: LeaveFeedbackInput!) {
      a: leaveFeedback(input: $first) { feedback { id } } b: leaveFeedback(input: $second) { feedback { id } } }"""
    inputs = [{"orderId": order, "ratings": {"overall": 4}, "comment": c} for order, c in ((first, "a"), (second, "b"))]
    execute(
        server.settings.database,
        "CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN IF NEW.comment = 'b' THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN NEW; END$$",
        "CREATE TRIGGER at_commit BEFORE INSERT ON feedback FOR EACH ROW EXECUTE FUNCTION at_commit()",
    )
    try:
        answer = world.buyer.send({"query": both, "variables": dict(zip(("first", "second"), inputs, strict=True))})
    finally:
        execute(server.settings.database, "DROP FUNCTION at_commit CASCADE")
    assert (answer.status_code, code(answer)) == (200, "UNKNOWN_OUTCOME")


READ_ONLY_FILE = """
import asyncio, os, sys
from pathlib import Path
import models
from models import database, failures, migrating, readiness
from models.config import APPS
from models.enums import Role

url, file = sys.argv[1], Path(sys.argv[1].removeprefix("sqlite://"))

async def migrate():
    async with database.connected(url) as connection:
        print((await readiness.look(check)).parts["migration"])
        await migrating.migrate(APPS, connection)

async def look():
    async with database.connected(url):
        found = await readiness.look(check)
        print(found.is_ready)
        for part in ("database", "writable", "migration", "files"):
            print(found.parts[part])
        try:
            await database.in_transaction(lambda: models.Account.create(subject="x", role=Role.BUYER, name="x"))
        except Exception as error:
            print(failures.of(error).value)

async def check():
    raise FileNotFoundError

asyncio.run(migrate())
file.chmod(0o444)
file.parent.chmod(0o777)
if os.geteuid() == 0:
    os.setuid(65534)
asyncio.run(look())
"""


@on_sqlite
def test_a_file_that_cannot_be_written_is_said_to_be_so() -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", READ_ONLY_FILE, f"sqlite://{folder}/x.db"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [
        "The database lacks migrations; run `./recourse migrate`.",
        "False",
        "ok",
        "The database's file cannot be written.",
        "ok",
        "Files cannot be reached; requests that need no file are served.",
        "read-only",
    ], done.stderr


def test_being_ready_is_told_by_parts(server: Server) -> None:
    answer = httpx2.get(f"{server.url}/readyz")
    parts = dict.fromkeys(("database", "writable", "migration", "files"), "ok")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", **parts})


def test_that_the_database_is_away_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    availability = Availability("the database")
    for _ in range(3):
        availability.lose(ConnectionResetError("words of the driver"))
    availability.regain()
    availability.regain()
    lost, found = (record.getMessage() for record in caplog.records)
    assert lost == "the database cannot be used: ConnectionResetError"
    assert found.startswith("the database can be used again, after ")
