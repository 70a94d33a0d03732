"""Brings a database's schema up to date: one process at a time, and on PostgreSQL without blocking the application.

The idea: a PostgreSQL database that holds data is migrated step by step. Each operation of a migration is one step with
its own transaction, and that transaction also records that the step is done. Example: 0005_growth has 12 operations and
is interrupted in the 4th. `tortoise_migrations` then holds:

    models                0004_idempotency_keys
    models.0005_growth    1, 2, 3

The next `./recourse migrate` starts with step 4. When step 12 is done, one transaction replaces the three rows by
`models 0005_growth`. Steps for large tables, which use several transactions or none, are in models.steps. How a step
waits for locks is in models.migration_watch. Steps run on a connection without the application's time limits.

A new PostgreSQL database and SQLite are migrated with one transaction a migration. On SQLite, rebuilding a table keeps
what Tortoise would lose: the rows that refer to the table, and its indexes.
"""

# pyright: reportPrivateUsage=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import asyncio
import contextlib
import copy
import fcntl
import logging
import os
import time
from collections.abc import AsyncGenerator, Callable, Iterable
from typing import Any, cast

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
from tortoise.migrations.schema_editor import BaseSchemaEditor
from tortoise.migrations.schema_generator.state import State
from tortoise.transactions import in_transaction

from models.backends.asyncpg import single_connection_client
from models.backends.hosts import connect_outside_pool
from models.migration_watch import LOCK_SECONDS, LOOK_SECONDS, Report, Watch
from models.schema_editors import SafePostgresSchemaEditor, SafeSqliteSchemaEditor
from models.steps import Batches, Step, is_large

LOCK_KEY = 0x5EC0425E  # any number that no other program uses for an advisory lock in this database

_log = logging.getLogger(__name__)


class Recorder(MigrationRecorder):
    async def applied_migrations(self) -> list[MigrationKey]:
        """Raises when the database fails. Tortoise's own method would take the database for empty."""
        try:
            rows = await self.connection.execute_query_dict("SELECT app, name FROM tortoise_migrations")
        except OperationalError as error:
            if isinstance(error.args[0], asyncpg.UndefinedTableError) or "no such table" in str(error):
                return []
            raise
        return [MigrationKey(row["app"], row["name"]) for row in rows]


class Migrator(MigrationExecutor):
    def __init__(
        self,
        connection: BaseDBAsyncClient,
        apps: dict[str, Any],
        watch: Watch | None = None,
        report: Report = _log.info,
    ):
        super().__init__(connection, apps)
        self.recorder = Recorder(connection)
        self.watch, self.report = watch, report

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
        """Applies the missing migrations; never goes backward.

        On SQLite, foreign keys are off while tables are rebuilt and checked afterwards. Otherwise, dropping the old
        table would delete the rows that refer to it.
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
            raise RuntimeError(f"the migration left {len(dangling)} rows that refer to a missing row")

    def _recorder(self, client: BaseDBAsyncClient) -> MigrationRecorder:
        """Returns a recorder that writes through this client, in its transaction."""
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
                await self._in_one_transaction(step.migration, state)
            self.report(f"{step.migration.name}: done in {time.monotonic() - since:.1f} s")

    async def _in_one_transaction(self, migration: Migration, state: State) -> None:
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
        # The table of applied migrations also records the steps of the migration that is running.
        steps_label = f"{migration.app_label}.{migration.name}"
        done_steps = {int(key.name) for key in await self.recorder.applied_migrations() if key.app_label == steps_label}
        count = len(migration.operations)
        self.report(f"{migration.name}: {count} steps" + (f", {len(done_steps)} of them done" if done_steps else ""))
        for number, operation in enumerate(migration.operations, 1):
            keeps_state = number in done_steps or isinstance(operation, Step | ops.RunSQL | ops.RunPython)
            old = state if keeps_state else state.clone()  # takes 10 ms
            operation.state_forward(migration.app_label, state)
            if number not in done_steps:
                title = f"{migration.name}, step {number} of {count} ({operation.describe()})"
                key = MigrationKey(steps_label, str(number))
                await self.watch.run_step(title, self._step(key, migration.app_label, operation, old, state))
        state.validate_relations_initialized()
        async with in_transaction(self.connection.connection_name) as client:
            await client.execute_query("DELETE FROM tortoise_migrations WHERE app = $1", [steps_label])
            await self._recorder(client).record_applied(migration.app_label, migration.name)

    async def repeat(self) -> None:
        """Runs the steps again that can repeat, of all migrations."""
        await self.loader.build_graph()
        plan = self._migration_plan(None, set(), self.loader.graph)
        steps = [(step.migration.name, operation) for step in plan for operation in step.migration.operations]
        for name, step in steps:
            if not isinstance(step, Batches) or not step.can_repeat:
                continue
            if self.watch is None:
                async with in_transaction(self.connection.connection_name) as client:
                    editor: Any = self._schema_editor()
                    editor.client = client
                    await step.forward(editor)
            else:
                await self._watch_this_connection()
                editor = SafePostgresSchemaEditor(self.connection, self.watch, atomic=False, in_steps=True)
                await self.watch.run_step(f"{name} ({step.describe()})", step.forward(editor))

    async def _watch_this_connection(self) -> None:
        assert self.watch is not None
        [row] = await self.connection.execute_query_dict("SELECT pg_backend_pid() AS pid")
        self.watch.watched = row["pid"]

    async def _step(self, key: MigrationKey, app: str, operation: ops.Operation, old: State, new: State) -> None:
        assert self.watch is not None
        watch = self.watch
        await self._watch_this_connection()
        if await self._runs_outside_transaction(app, operation, new):
            editor = SafePostgresSchemaEditor(self.connection, watch, atomic=False, in_steps=True)
            await operation.database_forward(app, old, new, editor)
            await self.recorder.record_applied(key.app_label, key.name)
            return

        async def transact() -> None:
            async with in_transaction(self.connection.connection_name) as client:
                editor = SafePostgresSchemaEditor(client, watch, atomic=True)
                await operation.database_forward(app, old, new, editor)
                await self._recorder(client).record_applied(key.app_label, key.name)

        await watch.until_locked(transact)

    async def _runs_outside_transaction(self, app: str, operation: ops.Operation, state: State) -> bool:
        if isinstance(operation, Step):
            return await operation.runs_outside_transaction(self.connection)
        is_check = isinstance(operation, ops.AddConstraint) and isinstance(operation.constraint, CheckConstraint)
        if is_check or isinstance(operation, ops.AddIndex):
            operation = cast("ops.AddIndex | ops.AddConstraint", operation)
            model = state.models[app, operation.model_name]
            return await is_large(self.connection, str(model.options["table"]))
        return False


@contextlib.asynccontextmanager
async def _alone(connection: Any, report: Report) -> AsyncGenerator[Any]:
    """Waits until no other process migrates this database, and then keeps others from it. Yields the connection that
    holds the lock, on PostgreSQL."""
    if connection.capabilities.dialect == "sqlite":
        file = os.open(f"{connection.filename}.migrating", os.O_CREAT | os.O_WRONLY)
        try:
            await asyncio.to_thread(fcntl.flock, file, fcntl.LOCK_EX)
            yield None
        finally:
            os.close(file)
        return
    own = await connect_outside_pool(connection)
    try:
        has_reported = False
        # Polls, because CREATE INDEX CONCURRENTLY would wait for a statement that waits for this lock.
        while not await own.fetchval(f"SELECT pg_try_advisory_lock({LOCK_KEY})"):
            if not has_reported:
                report("Another process migrates this database; waiting until it is done.")
            has_reported = True
            await asyncio.sleep(LOOK_SECONDS)
        yield own
    finally:
        await own.close()


@contextlib.asynccontextmanager
async def _without_limits(connection: Any) -> AsyncGenerator[BaseDBAsyncClient]:
    """Replaces the pool with one connection. Its statements may take any time, but wait only briefly for locks."""
    client = single_connection_client(
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
    apps: dict[str, Any], connection: BaseDBAsyncClient, report: Report = _log.info, *, to: str | None = None
) -> None:
    """Applies the migrations that the database lacks, up to `to` if given. `report` gets lines on the progress."""
    targets = None if to is None else [MigrationTarget(app, to) for app in apps]
    async with _migrator(apps, connection, report) as migrator:
        await migrator.migrate(targets)


async def repeat(apps: dict[str, Any], connection: BaseDBAsyncClient, report: Report = _log.info) -> None:
    """Fills the rows that servers of the release before have written since the migrations. They must be applied, and
    these servers must have stopped."""
    async with _migrator(apps, connection, report) as migrator:
        await migrator.repeat()


@contextlib.asynccontextmanager
async def _migrator(apps: dict[str, Any], connection: Any, report: Report) -> AsyncGenerator[Migrator]:
    """Yields the migrator of the only process that migrates the database now."""
    async with _alone(connection, report) as own:
        if own is None:
            yield Migrator(connection, apps, report=report)
            return
        async with _without_limits(connection) as client:
            yield Migrator(client, apps, Watch(own, report), report)


async def pending(apps: dict[str, Any], connection: BaseDBAsyncClient) -> list[str]:
    """Returns the names of the migrations that this database lacks."""
    return [step.migration.name for step in await Migrator(connection, apps).plan()]


async def undeclared_changes(apps: dict[str, Any]) -> list[str]:
    """Describes the operations that the models need and no migration has, one line each. Needs no database."""
    assert Tortoise.apps is not None
    writers = await MigrationAutodetector(Tortoise.apps, apps).changes()
    return [operation.describe() for writer in writers for operation in writer.operations]
