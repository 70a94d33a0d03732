"""Bringing a schema up to date: one process at a time, and without SQLite's losses when a table is rebuilt."""

# pyright: reportPrivateUsage=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncGenerator, Callable, Iterable
from typing import Any

from tortoise import Tortoise
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.migrations.autodetector import MigrationAutodetector
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget
from tortoise.migrations.schema_editor import BaseSchemaEditor, SqliteSchemaEditor

from models.backends.asyncpg import connect_apart

LOCK_KEY = 0x5EC0425E  # any number that no other program takes as its advisory lock in this database


class SafeSqliteSchemaEditor(SqliteSchemaEditor):
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


class Migrator(MigrationExecutor):
    def _schema_editor(self, atomic: bool = True, collect_sql: bool = False) -> BaseSchemaEditor:
        if self.connection.capabilities.dialect == "sqlite":
            return SafeSqliteSchemaEditor(self.connection, atomic=atomic, collect_sql=collect_sql)
        return super()._schema_editor(atomic, collect_sql)

    async def migrate(
        self,
        targets: Iterable[MigrationTarget] | None = None,
        *,
        fake: bool = False,
        dry_run: bool = False,
        direction: str = "both",
        progress: Callable[[str, str, str], object] | None = None,
    ) -> None:
        """As its base, with foreign keys unenforced on SQLite while tables are rebuilt, and checked afterwards.

        Dropping the old table of a rebuild would otherwise delete the rows that refer to it.
        """
        arguments: dict[str, Any] = {
            "fake": fake,
            "dry_run": dry_run,
            "direction": direction,
            "progress": progress,
        }
        if self.connection.capabilities.dialect != "sqlite":
            await super().migrate(targets, **arguments)
            return
        await self.connection.execute_query("PRAGMA foreign_keys = OFF")
        try:
            await super().migrate(targets, **arguments)
        finally:
            await self.connection.execute_query("PRAGMA foreign_keys = ON")
        if dangling := (await self.connection.execute_query("PRAGMA foreign_key_check"))[1]:
            raise RuntimeError(f"migrating left {len(dangling)} rows that refer to nothing")


@contextlib.asynccontextmanager
async def _alone(connection: Any) -> AsyncGenerator[None]:
    """Waits until no other process migrates this database, and keeps others waiting."""
    if connection.capabilities.dialect == "sqlite":
        file = os.open(f"{connection.filename}.migrating", os.O_CREAT | os.O_WRONLY)
        try:
            await asyncio.to_thread(fcntl.flock, file, fcntl.LOCK_EX)
            yield
        finally:
            os.close(file)
        return
    own = await connect_apart(connection)
    try:
        await own.execute(f"SELECT pg_advisory_lock({LOCK_KEY})")
        yield
    finally:
        await own.close()


async def migrate(apps: dict[str, Any], connection: BaseDBAsyncClient) -> None:
    async with _alone(connection):
        await Migrator(connection, apps).migrate()


async def pending(apps: dict[str, Any], connection: BaseDBAsyncClient) -> list[str]:
    """The names of the migrations that this database still lacks."""
    return [step.migration.name for step in await Migrator(connection, apps).plan()]


async def undeclared_changes(apps: dict[str, Any]) -> list[str]:
    """What the models say and no migration does yet, one line an operation. Needs no database."""
    assert Tortoise.apps is not None
    writers = await MigrationAutodetector(Tortoise.apps, apps).changes()
    return [operation.describe() for writer in writers for operation in writer.operations]
