"""Bringing a schema up to date: one process at a time, and without blocking the application on PostgreSQL.

A PostgreSQL database that holds data is migrated step by step. Each operation has its own transaction, which also
records that the step is done; an interrupted migration goes on with the first step that is not. A step waits for a lock
for half a second at most, since all who use the table queue up behind it, and then tries again; who holds the lock is
reported. Steps run on a connection of their own, without the time limits of the application's statements.

On SQLite, rebuilding a table keeps what Tortoise would lose: the rows that refer to it, and its indexes.
"""

# pyright: reportPrivateUsage=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import asyncio
import contextlib
import copy
import fcntl
import logging
import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable
from typing import Any, TypeVar, cast

import asyncpg
from tortoise import Tortoise
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.connection import get_connections
from tortoise.exceptions import OperationalError
from tortoise.migrations import operations as ops
from tortoise.migrations.autodetector import MigrationAutodetector
from tortoise.migrations.constraints import CheckConstraint
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget
from tortoise.migrations.graph import MigrationKey
from tortoise.migrations.migration import Migration
from tortoise.migrations.recorder import MigrationRecorder
from tortoise.migrations.schema_editor import AsyncpgSchemaEditor, BaseSchemaEditor, SqliteSchemaEditor
from tortoise.migrations.schema_generator.state import State
from tortoise.transactions import in_transaction

from models.backends.asyncpg import apart, connect_apart
from models.steps import Editing, Step, create_index, is_large

T = TypeVar("T")
Tell = Callable[[str], object]

LOCK_KEY = 0x5EC0425E  # any number that no other program takes as its advisory lock in this database
LOCK_SECONDS = 0.5  # that a step waits for a lock, and others behind it
REST_SECONDS = 0.5, 5.0  # between two attempts, in which those who waited get on: at first, and at most
TIMEOUT_SECONDS = 15 * 60  # with locks that others hold, over all attempts of a step
LOOK_SECONDS = 0.25  # between two looks at what a step waits for
TELL_SECONDS = 5.0  # between two words about the same step

_log = logging.getLogger(__name__)


class Blocked(TimeoutError):
    """A step could not get a lock in time."""


class SafeSqliteSchemaEditor(Editing, SqliteSchemaEditor):
    """A rebuilt table keeps the indexes that its migration does not mention; descriptions stay out of the SQL,
    which is cut at every semicolon before it runs."""

    def _get_table_comment_sql(self, table: str, comment: str) -> str:
        return ""

    def _get_column_comment_sql(self, table: str, column: str, comment: str) -> str:
        return ""

    async def _remake_table(self, model: Any, *args: Any, **kwargs: Any) -> None:
        table = model._meta.db_table
        before = await self._indexes(table)
        await super()._remake_table(model, *args, **kwargs)
        after = {index["columns"] for index in await self._indexes(table) if index["is_unique"]}
        columns = {row["name"] for row in await self.client.execute_query_dict(f'PRAGMA table_info("{table}")')}
        for index in before:
            names = index["columns"].split(",")
            if index["sql"] is not None and columns.issuperset(names):
                await self.client.execute_query(index["sql"])
            elif index["is_unique"] and index["columns"] not in after and columns.issuperset(names):
                name = f"{table}_{'_'.join(names)}_unique"
                await self.client.execute_query(f'CREATE UNIQUE INDEX "{name}" ON "{table}" ({index["columns"]})')

    async def _indexes(self, table: str) -> list[dict[str, Any]]:
        """Name, columns and uniqueness of the table's indexes; `sql` is null for those that a UNIQUE or a primary
        key of the table's own definition made."""
        return await self.client.execute_query_dict(
            'SELECT l.name, l."unique" AS is_unique, m.sql,'
            " (SELECT group_concat(i.name) FROM pragma_index_info(l.name) i) AS columns"
            " FROM pragma_index_list(?) l LEFT JOIN sqlite_master m ON m.name = l.name",
            [table],
        )


class SafePostgresSchemaEditor(Editing, AsyncpgSchemaEditor):
    """Holds strong locks only briefly: indexes are made by `create_index`, and a CHECK is added without looking at the
    rows, then validated under a weak lock."""

    def __init__(self, connection: BaseDBAsyncClient, watch: "Watch", *, atomic: bool, in_steps: bool = False) -> None:
        super().__init__(connection, atomic=atomic)
        self.watch, self.in_steps = watch, in_steps

    async def attempt(self, work: Callable[[BaseDBAsyncClient], Awaitable[T]]) -> T:
        if not self.in_steps:
            return await work(self.client)

        async def transact() -> T:
            async with in_transaction(self.client.connection_name) as client:
                return await work(client)

        return await self.watch.attempts(transact)

    async def patiently(self, sql: str) -> None:
        await self.client.execute_query("SET lock_timeout = 0")
        try:
            await self.client.execute_script(sql)
        finally:
            await self.client.execute_query(f"SET lock_timeout = '{LOCK_SECONDS}s'")

    def note(self, progress: str) -> None:
        self.watch.progress = progress

    async def add_index(self, model: Any, index: Any) -> None:
        index.resolve_expressions(model)
        name, table = self._index_name_for_model(model, index), model._meta.db_table
        said = self._get_index_sql(
            model, list(index.field_names), index_name=name, index_type=index.INDEX_TYPE, extra=index.extra
        )
        await create_index(self, f'"{name}"', f'"{table}"', said.partition(f'" ON "{table}" ')[2].rstrip(";"))

    async def add_constraint(self, model: Any, constraint: Any) -> None:
        if not self.in_steps or not isinstance(constraint, CheckConstraint):
            await super().add_constraint(model, constraint)
            return
        table, name = model._meta.db_table, constraint.name
        added = f'ADD CONSTRAINT "{name}" CHECK ({constraint.check}) NOT VALID'

        async def add(client: BaseDBAsyncClient) -> None:
            await client.execute_script(f'ALTER TABLE "{table}" DROP CONSTRAINT IF EXISTS "{name}", {added}')

        async def validate(client: BaseDBAsyncClient) -> None:
            await client.execute_script(
                f'SET LOCAL lock_timeout = 0; ALTER TABLE "{table}" VALIDATE CONSTRAINT "{name}"'
            )

        await self.attempt(add)
        await self.attempt(validate)


class Watch:
    """Reports, by a connection of its own, what the migrating connection waits for and how far its step is."""

    def __init__(self, own: asyncpg.Connection, tell: Tell) -> None:
        self.own, self.tell = own, tell
        self.watched = 0  # the process id of the migrating connection, in PostgreSQL
        self.step = ""
        self.progress = ""
        self._told_of = ""
        self._told_at = 0.0

    async def attempts(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Runs `work` until it gets its locks. Raises Blocked when that takes too long."""
        since, rest = time.monotonic(), REST_SECONDS[0]
        while True:
            try:
                return await work()
            except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
                if time.monotonic() - since > TIMEOUT_SECONDS:
                    raise Blocked(
                        f"{self.step}: no lock in {TIMEOUT_SECONDS // 60} minutes. "
                        "What was done is kept; run migrate again to go on."
                    ) from None
            await asyncio.sleep(rest)
            rest = min(2 * rest, REST_SECONDS[1])

    async def over(self, step: str, work: Coroutine[Any, Any, T]) -> T:
        """Runs one step, and reports on it when it takes long."""
        self.step, self.progress = step, ""
        self._told_of, self._told_at = "", float("-inf")
        task = asyncio.create_task(work)
        try:
            # When looking fails, the connection with the advisory lock is lost, and others may migrate.
            while not (await asyncio.wait([task], timeout=LOOK_SECONDS))[0]:
                await self._look()
            return await task
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _look(self) -> None:
        blockers = await self._blockers()
        about = blockers[0] if blockers else ""
        is_due = time.monotonic() - self._told_at > TELL_SECONDS
        if not is_due and (not about or about == self._told_of):
            return
        self._told_of, self._told_at = about, time.monotonic()
        how = f"waits for {blockers[1]}" if blockers else await self._progress()
        self.tell(f"{self.step}{f': {how}' if how else ''}")

    async def _blockers(self) -> tuple[str, str] | None:
        """Whom the migrating connection waits for, as something to compare and in words; never their statements."""
        rows: Any = await self.own.fetch(
            "SELECT pid, a.application_name, a.state,"
            " extract(epoch FROM clock_timestamp() - a.xact_start)::int AS seconds"
            " FROM unnest(pg_blocking_pids($1)) AS pid LEFT JOIN pg_stat_activity a USING (pid) ORDER BY pid LIMIT 5",
            self.watched,
        )
        if not rows:
            return None
        told = [
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
        return " ".join(str(row["pid"]) for row in rows), " and ".join(told)

    async def _progress(self) -> str:
        row: Any = await self.own.fetchrow(
            "SELECT phase, greatest(blocks_done::float / nullif(blocks_total, 0),"
            " tuples_done::float / nullif(tuples_total, 0)) AS part FROM pg_stat_progress_create_index WHERE pid = $1",
            self.watched,
        )
        if row is None:
            return self.progress
        return row["phase"] if row["part"] is None else f"{row['phase']}, {row['part']:.0%}"


class Recorder(MigrationRecorder):
    async def applied_migrations(self) -> list[MigrationKey]:
        """Unlike its base, fails when the database does; that one would take it for empty."""
        try:
            rows = await self.connection.execute_query_dict("SELECT app, name FROM tortoise_migrations")
        except OperationalError as error:
            if isinstance(error.args[0], asyncpg.UndefinedTableError) or "no such table" in str(error):
                return []
            raise
        return [MigrationKey(row["app"], row["name"]) for row in rows]


class Migrator(MigrationExecutor):
    def __init__(
        self, connection: BaseDBAsyncClient, apps: dict[str, Any], watch: Watch | None = None, tell: Tell = _log.info
    ):
        super().__init__(connection, apps)
        self.recorder = Recorder(connection)
        self.watch, self.tell = watch, tell

    @property
    def _is_sqlite(self) -> bool:
        return self.connection.capabilities.dialect == "sqlite"

    def _schema_editor(self, atomic: bool = True, collect_sql: bool = False) -> BaseSchemaEditor:
        if self._is_sqlite:
            return SafeSqliteSchemaEditor(self.connection, atomic=atomic, collect_sql=collect_sql)
        return super()._schema_editor(atomic, collect_sql)

    async def migrate(
        self,
        targets: Iterable[MigrationTarget] | None = None,
        *,
        fake: bool = False,
        dry_run: bool = False,
        direction: str = "forward",
        progress: Callable[[str, str, str], object] | None = None,
    ) -> None:
        """Applies what is missing; never goes backward.

        On SQLite foreign keys are not enforced while tables are rebuilt, and checked afterwards: dropping the old table
        of a rebuild would otherwise delete the rows that refer to it.
        """
        if not self._is_sqlite:
            await self._forward(targets)
            return
        await self.connection.execute_query("PRAGMA foreign_keys = OFF")
        try:
            await self._forward(targets)
        finally:
            await self.connection.execute_query("PRAGMA foreign_keys = ON")
        if dangling := (await self.connection.execute_query("PRAGMA foreign_key_check"))[1]:
            raise RuntimeError(f"migrating left {len(dangling)} rows that refer to nothing")

    def _recorder(self, client: BaseDBAsyncClient) -> MigrationRecorder:
        """One that writes by this client, in its transaction."""
        recorder = copy.copy(self.recorder)
        recorder.connection = client
        return recorder

    async def _forward(self, targets: Iterable[MigrationTarget] | None) -> None:
        await self.loader.build_graph()
        await self.recorder.ensure_schema(self._schema_editor(atomic=False))
        applied = set(await self.recorder.applied_migrations())
        plan = self._migration_plan(targets, applied, self.loader.graph)
        self._validate_plan_direction(plan, "forward")
        if not plan:
            return
        state = await self._project_state(applied)
        in_steps = self.watch is not None and bool(applied)
        for step in plan:
            since = time.monotonic()
            if in_steps:
                await self._in_steps(step.migration, state)
            else:
                await self._at_once(step.migration, state)
            self.tell(f"{step.migration.name}: done in {time.monotonic() - since:.1f} s")

    async def _at_once(self, migration: Migration, state: State) -> None:
        """Applies and records a migration in one transaction."""
        async with in_transaction(self.connection.connection_name) as client:
            editor = self._schema_editor()
            if self.watch is not None:
                editor = SafePostgresSchemaEditor(client, self.watch, atomic=True)
            editor.client = client
            await migration.apply(state, dry_run=False, schema_editor=editor)
            await self._recorder(client).record_applied(migration.app_label, migration.name)

    async def _in_steps(self, migration: Migration, state: State) -> None:
        assert self.watch is not None
        # The table of applied migrations also has the steps of the one that is under way.
        under_way = f"{migration.app_label}.{migration.name}"
        done = {int(key.name) for key in await self.recorder.applied_migrations() if key.app_label == under_way}
        count = len(migration.operations)
        self.tell(f"{migration.name}: {count} steps" + (f", of which {len(done)} are done" if done else ""))
        for place, operation in enumerate(migration.operations, 1):
            keeps_state = place in done or isinstance(operation, Step | ops.RunSQL | ops.RunPython)
            old = state if keeps_state else state.clone()  # takes 10 ms
            operation.state_forward(migration.app_label, state)
            if place not in done:
                said = f"{migration.name}, step {place} of {count} ({operation.describe()})"
                key = MigrationKey(under_way, str(place))
                await self.watch.over(said, self._step(key, migration.app_label, operation, old, state))
        state.validate_relations_initialized()
        async with in_transaction(self.connection.connection_name) as client:
            await client.execute_query("DELETE FROM tortoise_migrations WHERE app = $1", [under_way])
            await self._recorder(client).record_applied(migration.app_label, migration.name)

    async def _step(self, key: MigrationKey, app: str, operation: ops.Operation, old: State, new: State) -> None:
        assert self.watch is not None
        watch = self.watch
        [row] = await self.connection.execute_query_dict("SELECT pg_backend_pid() AS pid")
        watch.watched = row["pid"]
        if await self._is_outside(app, operation, new):
            editor = SafePostgresSchemaEditor(self.connection, watch, atomic=False, in_steps=True)
            await operation.database_forward(app, old, new, editor)
            await self.recorder.record_applied(key.app_label, key.name)
            return

        async def transact() -> None:
            async with in_transaction(self.connection.connection_name) as client:
                editor = SafePostgresSchemaEditor(client, watch, atomic=True)
                await operation.database_forward(app, old, new, editor)
                await self._recorder(client).record_applied(key.app_label, key.name)

        await watch.attempts(transact)

    async def _is_outside(self, app: str, operation: ops.Operation, state: State) -> bool:
        if isinstance(operation, Step):
            return await operation.outside(self.connection)
        is_check = isinstance(operation, ops.AddConstraint) and isinstance(operation.constraint, CheckConstraint)
        if is_check or isinstance(operation, ops.AddIndex):
            operation = cast("ops.AddIndex | ops.AddConstraint", operation)
            model = state.models[app, operation.model_name]
            return await is_large(self.connection, str(model.options["table"]))
        return False


@contextlib.asynccontextmanager
async def _alone(connection: Any, tell: Tell) -> AsyncGenerator[Any]:
    """Waits until no other process migrates this database, then keeps others waiting. Yields the connection that holds
    the lock on PostgreSQL."""
    if connection.capabilities.dialect == "sqlite":
        file = os.open(f"{connection.filename}.migrating", os.O_CREAT | os.O_WRONLY)
        try:
            await asyncio.to_thread(fcntl.flock, file, fcntl.LOCK_EX)
            yield None
        finally:
            os.close(file)
        return
    own = await connect_apart(connection)
    try:
        said = False
        # A statement that waits for the lock would itself be waited for by CREATE INDEX CONCURRENTLY.
        while not await own.fetchval(f"SELECT pg_try_advisory_lock({LOCK_KEY})"):
            if not said:
                tell("Another process migrates this database; waiting until it is done.")
            said = True
            await asyncio.sleep(LOOK_SECONDS)
        yield own
    finally:
        await own.close()


@contextlib.asynccontextmanager
async def _without_limits(connection: Any) -> AsyncGenerator[BaseDBAsyncClient]:
    """Replaces the pool by one connection whose statements have no time limit, but a short one on waiting for locks."""
    client = apart(
        connection.connection_name,
        application_name="recourse migrate",
        statement_timeout="0",
        lock_timeout=f"{LOCK_SECONDS}s",
        idle_in_transaction_session_timeout="60s",
    )
    token = get_connections().set(connection.connection_name, client)
    try:
        yield client
    finally:
        get_connections().reset(token)
        await client.close()


async def migrate(
    apps: dict[str, Any], connection: BaseDBAsyncClient, tell: Tell = _log.info, *, to: str | None = None
) -> None:
    """Applies the migrations that the database lacks, up to `to` if given; `tell` gets lines on the progress."""
    targets = None if to is None else [MigrationTarget(app, to) for app in apps]
    async with _alone(connection, tell) as own:
        if own is None:
            await Migrator(connection, apps, tell=tell).migrate(targets)
            return
        async with _without_limits(connection) as client:
            await Migrator(client, apps, Watch(own, tell), tell).migrate(targets)


async def pending(apps: dict[str, Any], connection: BaseDBAsyncClient) -> list[str]:
    """The names of the migrations that this database still lacks."""
    return [step.migration.name for step in await Migrator(connection, apps).plan()]


async def undeclared_changes(apps: dict[str, Any]) -> list[str]:
    """What the models say and no migration does yet, one line an operation. Needs no database."""
    assert Tortoise.apps is not None
    writers = await MigrationAutodetector(Tortoise.apps, apps).changes()
    return [operation.describe() for writer in writers for operation in writer.operations]
