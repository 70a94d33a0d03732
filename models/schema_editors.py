"""Tortoise's schema editors, made safe: on SQLite nothing is lost, on PostgreSQL nobody is blocked for long."""

# pyright: reportPrivateUsage=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.migrations.constraints import CheckConstraint
from tortoise.migrations.schema_editor import AsyncpgSchemaEditor, SqliteSchemaEditor
from tortoise.transactions import in_transaction

from models.migration_watch import LOCK_SECONDS, Watch
from models.steps import Editing, create_index

T = TypeVar("T")


class SafeSqliteSchemaEditor(Editing, SqliteSchemaEditor):
    """Keeps the indexes of a rebuilt table. Leaves descriptions out of the SQL, which Tortoise splits at semicolons."""

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
        """Returns the name, columns and uniqueness of the table's indexes. `sql` is null for those that come from a
        UNIQUE or a primary key in the table's definition."""
        return await self.client.execute_query_dict(
            'SELECT l.name, l."unique" AS is_unique, m.sql,'
            " (SELECT group_concat(i.name) FROM pragma_index_info(l.name) i) AS columns"
            " FROM pragma_index_list(?) l LEFT JOIN sqlite_master m ON m.name = l.name",
            [table],
        )


class SafePostgresSchemaEditor(Editing, AsyncpgSchemaEditor):
    """Holds strong locks only briefly. Creates indexes with `create_index`. Adds a CHECK without reading the rows, then
    validates it under a weak lock."""

    def __init__(self, connection: BaseDBAsyncClient, watch: Watch, *, atomic: bool, in_steps: bool = False) -> None:
        super().__init__(connection, atomic=atomic)
        self.watch, self.in_steps = watch, in_steps

    async def attempt(self, work: Callable[[BaseDBAsyncClient], Awaitable[T]]) -> T:
        if not self.in_steps:
            return await work(self.client)

        async def transact() -> T:
            async with in_transaction(self.client.connection_name) as client:
                return await work(client)

        return await self.watch.until_locked(transact)

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
        sql = self._get_index_sql(
            model, list(index.field_names), index_name=name, index_type=index.INDEX_TYPE, extra=index.extra
        )
        await create_index(self, f'"{name}"', f'"{table}"', sql.partition(f'" ON "{table}" ')[2].rstrip(";"))

    async def add_constraint(self, model: Any, constraint: Any) -> None:
        if not self.in_steps or not isinstance(constraint, CheckConstraint):
            await super().add_constraint(model, constraint)
            return
        table, name = model._meta.db_table, constraint.name
        add_constraint = f'ADD CONSTRAINT "{name}" CHECK ({constraint.check}) NOT VALID'

        async def add(client: BaseDBAsyncClient) -> None:
            await client.execute_script(f'ALTER TABLE "{table}" DROP CONSTRAINT IF EXISTS "{name}", {add_constraint}')

        async def validate(client: BaseDBAsyncClient) -> None:
            await client.execute_script(
                f'SET LOCAL lock_timeout = 0; ALTER TABLE "{table}" VALIDATE CONSTRAINT "{name}"'
            )

        await self.attempt(add)
        await self.attempt(validate)
