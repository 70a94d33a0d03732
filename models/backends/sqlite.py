"""Tortoise's SQLite backend: transactions lock when they begin and always unlock; instants are stored as UTC text."""

import asyncio
import sqlite3
import uuid
from datetime import UTC, datetime
from typing import Any

from tortoise.backends.base.client import TransactionalDBClient, TransactionContext
from tortoise.backends.sqlite.client import SqliteClient, SqliteTransactionContext, SqliteTransactionWrapper
from tortoise.connection import get_connections
from tortoise.exceptions import OperationalError


def instant_to_text(instant: datetime) -> str:
    """Returns the instant in UTC, with a fixed width, so that texts sort like instants.

    Raises ValueError for a naive datetime.
    """
    if instant.tzinfo is None:
        raise ValueError("a naive datetime cannot be stored")
    return instant.astimezone(UTC).isoformat(" ", "microseconds")


sqlite3.register_adapter(datetime, instant_to_text)
sqlite3.register_adapter(uuid.UUID, str)


class ImmediateTransaction(SqliteTransactionWrapper):
    async def begin(self) -> None:
        """Takes the write lock at once. A deferred transaction that reads and then writes would fail with "database is
        locked" if another process wrote in between, whatever the busy timeout."""
        try:
            await self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise OperationalError(error) from error

    async def execute_script(self, query: str) -> None:
        """Raises RuntimeError: SQLite's executescript commits the transaction that it runs in."""
        raise RuntimeError("a script would commit the transaction")


class SafeSqliteTransactionContext(SqliteTransactionContext):
    """Always releases its lock. `is_unknown` is set while COMMIT runs."""

    is_unknown = False

    async def __aenter__(self) -> TransactionalDBClient:
        await self._trxlock.acquire()
        try:
            await self.ensure_connection()
            await self.connection.begin()
        except BaseException:
            # BEGIN failed or was cancelled. It may still take effect in the driver's thread, so roll back after it, and
            # only then let the next transaction begin.
            await asyncio.shield(asyncio.ensure_future(self._release()))
            raise
        self.token = get_connections().set(self.connection_name, self.connection)
        return self.connection

    async def __aexit__(self, _kind: Any, error: Any, _trace: Any) -> None:
        try:
            if not self.connection._finalized:
                if error is None:
                    await self._commit()
                else:
                    await self.connection.rollback()
        finally:
            get_connections().reset(self.token)
            self._trxlock.release()

    async def _commit(self) -> None:
        self.is_unknown = True  # a cancelled COMMIT may still take effect in the driver's thread
        try:
            await self.connection.commit()
        except Exception:
            self.is_unknown = False
            await self.connection.rollback()
            raise
        self.is_unknown = False

    async def _release(self) -> None:
        try:
            if self.connection._connection:
                await self.connection._connection.rollback()
        finally:
            self._trxlock.release()


class SafeSqliteClient(SqliteClient):
    def __init__(self, file_path: str, **options: Any) -> None:
        super().__init__(file_path, **options)
        if "query_only" in self.pragmas:  # set it last, since other pragmas may write
            self.pragmas["query_only"] = self.pragmas.pop("query_only")

    def _in_transaction(self) -> TransactionContext:
        return SafeSqliteTransactionContext(ImmediateTransaction(self), self._lock)


def get_client_class(_config: dict[str, Any]) -> type[SafeSqliteClient]:
    return SafeSqliteClient
