"""Migration steps for tables that may be large: indexes and backfills that block nobody.

`models.migrating` runs one step a transaction. The steps below use several transactions, or none, and can be run again
from their beginning when they were interrupted. An example that adds a column, fills it and indexes it:

    operations = [
        ops.AddField(model_name="Order", name="sought", field=fields.TextField(null=True)),
        steps.Backfill("orders", "sought = lower(search)", where="sought IS NULL"),
        steps.BackfillBy("orders", ["search"], lambda row: {"sought": fold(row["search"])}, where="sought IS NULL"),
        steps.CreateIndex("orders_by_sought", "orders", "(sought, id)"),
    ]

The same steps work on SQLite and on a new database, where one transaction holds the whole migration.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar, cast

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.migrations.operations import TortoiseOperation
from tortoise.migrations.schema_editor import BaseSchemaEditor
from tortoise.migrations.schema_generator.state import State

T = TypeVar("T")

LARGE = 8_000_000  # bytes of a table; indexing less takes about 100 ms, and CONCURRENTLY waits for all transactions
BATCH = 2_000  # rows that one transaction changes, and locks for about 100 ms


class Editing:
    """What a step needs from a schema editor, besides what Tortoise's editors offer."""

    client: BaseDBAsyncClient
    in_steps = False  # whether a step may use its own transactions; otherwise, one holds the whole migration

    async def attempt(self, work: Callable[[BaseDBAsyncClient], Awaitable[T]]) -> T:
        """Runs `work` in its own transaction where allowed, again if it cannot get a lock."""
        return await work(self.client)

    async def patiently(self, sql: str) -> None:
        """Runs a statement outside of a transaction and waits for its locks without a limit. For statements that do not
        block the application's reads and writes while they wait."""
        await self.client.execute_script(sql)

    def note(self, progress: str) -> None:
        """Reports the progress of the step."""


class Step(TortoiseOperation):
    """An operation that can run again after it was interrupted."""

    async def runs_outside_transaction(self, client: BaseDBAsyncClient) -> bool:
        """Whether the step must run outside of a transaction. Asked only where a migration runs in steps."""
        return True

    async def database_forward(
        self,
        app_label: str,
        old_state: State,
        new_state: State,
        state_editor: BaseSchemaEditor | None = None,
    ) -> None:
        if state_editor is not None:
            await self.forward(cast("Editing", state_editor))

    @abstractmethod
    async def forward(self, editor: Editing) -> None: ...


def is_postgres(client: BaseDBAsyncClient) -> bool:
    return client.capabilities.dialect == "postgres"


async def is_large(client: BaseDBAsyncClient, table: str) -> bool:
    [row] = await client.execute_query_dict("SELECT pg_table_size(to_regclass($1)) AS size", [table])
    return (row["size"] or 0) > LARGE


async def create_index(editor: Editing, name: str, table: str, definition: str, *, unique: bool = False) -> None:
    """Creates an index unless it exists; CONCURRENTLY where the editor works outside of a transaction.

    Waits for others that build an index on the table. Drops an invalid index, which an interrupted CREATE INDEX
    CONCURRENTLY leaves, and creates it again.
    """
    kind = "UNIQUE INDEX" if unique else "INDEX"
    if not is_postgres(editor.client):
        await editor.client.execute_query(f"CREATE {kind} IF NOT EXISTS {name} ON {table} {definition}")
        return
    run = editor.patiently if editor.in_steps else editor.client.execute_script
    concurrently = " CONCURRENTLY" if editor.in_steps else ""

    async def is_invalid(client: BaseDBAsyncClient) -> bool:
        if editor.in_steps:
            # Another builder of an index on the table holds this lock. It does not block reads and writes.
            lock = f"LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE"
            await client.execute_script(f"SET LOCAL lock_timeout = 0; {lock}")
        query = "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass($1) AND NOT indisvalid"
        return bool(await client.execute_query_dict(query, [name]))

    if await editor.attempt(is_invalid):
        await run(f"DROP INDEX{concurrently} IF EXISTS {name}")
    await run(f"CREATE {kind}{concurrently} IF NOT EXISTS {name} ON {table} {definition}")


class CreateIndex(Step):
    """Creates an index unless it exists, with CREATE INDEX CONCURRENTLY where the table is large.

    `definition` follows the table's name: `(buyer_id, id) WHERE paid_at IS NOT NULL`, `USING gin (…)`.
    """

    def __init__(
        self, name: str, table: str, definition: str, *, unique: bool = False, postgres_only: bool = False
    ) -> None:
        self.name, self.table, self.definition = name, table, definition
        self.unique, self.postgres_only = unique, postgres_only

    def describe(self) -> str:
        return f"create index {self.name}"

    async def runs_outside_transaction(self, client: BaseDBAsyncClient) -> bool:
        return await is_large(client, self.table)

    async def forward(self, editor: Editing) -> None:
        if is_postgres(editor.client) or not self.postgres_only:
            await create_index(editor, self.name, self.table, self.definition, unique=self.unique)


class DropIndex(Step):
    """Drops an index if it exists."""

    def __init__(self, name: str, *, postgres_only: bool = False) -> None:
        self.name, self.postgres_only = name, postgres_only

    def describe(self) -> str:
        return f"drop index {self.name}"

    async def forward(self, editor: Editing) -> None:
        if editor.in_steps:
            await editor.patiently(f"DROP INDEX CONCURRENTLY IF EXISTS {self.name}")
        elif is_postgres(editor.client) or not self.postgres_only:
            await editor.client.execute_query(f"DROP INDEX IF EXISTS {self.name}")


class OnPostgres(Step):
    """Runs statements on PostgreSQL only, in one transaction. `description` says what they do."""

    def __init__(self, description: str, *statements: str) -> None:
        self.description, self.statements = description, statements

    def describe(self) -> str:
        return self.description

    async def runs_outside_transaction(self, client: BaseDBAsyncClient) -> bool:
        return False

    async def forward(self, editor: Editing) -> None:
        if is_postgres(editor.client):
            for statement in self.statements:
                await editor.client.execute_script(statement)


class Batches(Step):
    """Changes the rows of `table` that match `where`, one batch a transaction.

    The table must have a primary key `id`. A step that `can_repeat` finds rows that servers of the release before wrote
    after it ran, and leaves all others unchanged: see `models.migrating.repeat`.
    """

    can_repeat = False

    def __init__(self, table: str, where: str, at_once: int) -> None:
        self.table, self.where, self.at_once = table, where, at_once

    def describe(self) -> str:
        return f"fill {self.table}"

    async def forward(self, editor: Editing) -> None:
        """Goes through the rows by id. May miss rows that are inserted while it runs: the new code must fill them."""
        after = list[Any]()  # the last id
        count = 0

        async def batch(client: BaseDBAsyncClient) -> list[Any]:
            return await self.batch(client, after)

        while ids := await editor.attempt(batch):
            after[:] = ids[-1:]
            count += len(ids)
            editor.note(f"{count:,} rows")

    @abstractmethod
    async def batch(self, client: BaseDBAsyncClient, after: Sequence[Any]) -> list[Any]:
        """Changes the next rows and returns their ids."""

    async def rows(
        self, client: BaseDBAsyncClient, after: Sequence[Any], columns: Sequence[str] = ()
    ) -> list[dict[str, Any]]:
        beyond = f" AND id > {'$1' if is_postgres(client) else '?'}" if after else ""
        lock = " FOR NO KEY UPDATE" if is_postgres(client) else ""
        return await client.execute_query_dict(
            f"SELECT {', '.join(['id', *columns])} FROM {self.table} WHERE ({self.where}){beyond}"  # noqa: S608
            f" ORDER BY id LIMIT {self.at_once}{lock}",
            list(after),
        )


class Backfill(Batches):
    """Updates the rows that match `where`, one batch a transaction. `change` is the UPDATE's SET clause.

    `where` should not match a changed row, so that an interrupted run goes on where it stopped. The table must have a
    primary key `id`.
    """

    def __init__(self, table: str, change: str, where: str = "TRUE", *, at_once: int = BATCH) -> None:
        super().__init__(table, where, at_once)
        self.change = change

    async def batch(self, client: BaseDBAsyncClient, after: Sequence[Any]) -> list[Any]:
        ids = [row["id"] for row in await self.rows(client, after)]
        if ids:
            first, last = ("$1", "$2") if is_postgres(client) else ("?", "?")
            await client.execute_query(
                f"UPDATE {self.table} SET {self.change}"  # noqa: S608
                f" WHERE ({self.where}) AND id BETWEEN {first} AND {last}",
                [ids[0], ids[-1]],
            )
        return ids


class BackfillBy(Batches):
    """Like `Backfill`, but Python computes the values.

    `compute` gets the row's `columns` and returns the columns to change, the same for every row, or None to leave the
    row unchanged. Values are the driver's: JSON is text on both databases, instants and ids are text on SQLite.
    """

    def __init__(
        self,
        table: str,
        columns: Sequence[str],
        compute: Callable[[dict[str, Any]], dict[str, Any] | None],
        where: str = "TRUE",
        *,
        at_once: int = BATCH,
    ) -> None:
        super().__init__(table, where, at_once)
        self.columns, self.compute = columns, compute

    async def batch(self, client: BaseDBAsyncClient, after: Sequence[Any]) -> list[Any]:
        rows = await self.rows(client, after, self.columns)
        changes = [(changed, row["id"]) for row in rows if (changed := self.compute(row))]
        if changes:
            names = list(changes[0][0])
            marks = [f"${number}" if is_postgres(client) else "?" for number in range(1, len(names) + 2)]
            changed = ", ".join(f"{name} = {mark}" for name, mark in zip(names, marks, strict=False))
            await client.execute_many(
                f"UPDATE {self.table} SET {changed} WHERE id = {marks[-1]}",  # noqa: S608
                [[*(values[name] for name in names), id] for values, id in changes],
            )
        return [row["id"] for row in rows]
