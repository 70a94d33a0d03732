"""Tortoise's PostgreSQL backend: clients and transactions with a time limit on every wait.

A transaction's worked example, and where each step can fail:

    acquire a connection     nothing was done: the transaction is tried again (models.database.in_transaction)
    BEGIN, statements        an error rolls back; a rollback that takes MENDING_SECONDS terminates the connection
    COMMIT                   answered: committed or refused
                             not answered, cancelled or connection lost: `is_unknown`, and the connection is terminated

A COMMIT that was sent must not be cancelled: PostgreSQL would stop waiting for its standby and report it as done.
"""

# pyright: reportPrivateUsage=false, reportUnknownMemberType=false, reportUnknownVariableType=false

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import TransactionalDBClient, TransactionContext, TransactionContextPooled
from tortoise.connection import get_connections
from tortoise.exceptions import IntegrityError, TransactionManagementError

from models import failures, state
from models.backends.hosts import Hosts
from models.backends.pool import MENDING_SECONDS, Connections, PlanMode, Rows, is_closed, terminate

STATEMENT_SECONDS = 11.0  # one more than the server gives a statement, for its answer to arrive


class _ClearErrorsClient(AsyncpgDBClient):
    async def _translate_exceptions(self, func: Any, *args: Any, **kwargs: Any) -> Any:
        """Raises the driver's error where Tortoise would hide that the database is read-only."""
        try:
            return await super()._translate_exceptions(func, *args, **kwargs)
        except TransactionManagementError as error:
            if isinstance(cause := error.__cause__, asyncpg.InvalidTransactionStateError):
                raise cause from None
            raise


class SafeTransaction(_ClearErrorsClient, TransactionWrapper):
    """Its statements have no time limits of their own, each of which would cost a timer: the transaction has one."""

    async def fetch(self, sql: str, values: Sequence[object], _mode: PlanMode) -> Rows:
        self.log.debug("%s: %s", sql, values)
        return await self._connection.fetch(sql, *values)

    async def change(self, sql: str, values: Sequence[object]) -> int:
        """Returns the number of rows that the statement changed. Raises Tortoise's IntegrityError."""
        self.log.debug("%s: %s", sql, values)
        try:
            tag = await self._connection.execute(sql, *values)
        except asyncpg.IntegrityConstraintViolationError as error:
            raise IntegrityError(error) from error
        return int(tag.rpartition(" ")[2])


class SafeAsyncpgTransactionContext(TransactionContextPooled):
    """Always gives its connection back. `is_unknown` is set while COMMIT is sent and not answered."""

    is_unknown = False

    async def __aenter__(self) -> TransactionalDBClient:
        await self.ensure_connection()
        pool: Connections = self.client._parent._pool
        await pool.writers.acquire()
        try:
            connection = await pool.acquire(PlanMode.GENERIC)  # transactions work on rows that they name by id
            self.client._connection = connection
            try:
                await self.client.begin()
            except BaseException as error:
                pool.renew_after(error)
                await pool.release(connection)
                raise
        except BaseException:
            pool.writers.release()
            raise
        self.token = get_connections().set(self.connection_name, self.client)
        return self.client

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        pool: Connections = self.client._parent._pool
        try:
            if not self.client._finalized:
                if error is None:
                    await self._commit()
                else:
                    await self._roll_back(error)
        finally:
            get_connections().reset(self.token)
            pool.writers.release()
            await pool.release(self.client._connection)

    async def _commit(self) -> None:
        pool: Connections = self.client._parent._pool
        self.is_unknown = True
        try:
            await self.client.commit()
        except asyncpg.InterfaceError:  # the connection was closed before: COMMIT was not sent
            self.is_unknown = False
            raise
        except BaseException as error:
            is_answer = isinstance(error, asyncpg.PostgresError) and not isinstance(
                error, asyncpg.PostgresConnectionError
            )
            self.is_unknown = not is_answer
            if not is_answer:
                terminate(self.client._connection)  # without a cancellation: see the top of the file
            pool.renew_after(error)
            raise
        self.is_unknown = False

    async def _roll_back(self, error: BaseException) -> None:
        pool: Connections = self.client._parent._pool
        connection = self.client._connection
        pool.renew_after(error)
        if is_closed(connection):
            return
        try:
            async with asyncio.timeout(MENDING_SECONDS):
                await self.client.rollback()
        except Exception as rollback_error:
            terminate(connection)
            if isinstance(rollback_error, TimeoutError):
                pool.renew()


class SafeAsyncpgClient(_ClearErrorsClient):
    """`hosts` are where the database is. The pulse sets `is_away` while none of them can be reached."""

    is_away = False

    def __init__(self, *args: Any, hosts: Hosts, **options: Any) -> None:
        super().__init__(*args, **options)
        self.hosts = hosts

    async def create_pool(self, **options: Any) -> Any:
        options["connect"] = self.hosts.connect
        return Connections(await super().create_pool(**options), lambda: self.is_away)

    def _in_transaction(self) -> TransactionContext:
        return SafeAsyncpgTransactionContext(SafeTransaction(self), self._pool_init_lock)

    async def _translate_exceptions(self, func: Any, *args: Any, **kwargs: Any) -> Any:
        """Tries once more what only reads, and what has certainly not been executed."""
        try:
            async with asyncio.timeout(STATEMENT_SECONDS):
                return await super()._translate_exceptions(func, *args, **kwargs)
        except Exception as error:
            pool: Any = self._pool
            if pool is not None:
                pool.renew_after(error)
            is_query = func.__name__ in ("execute_query", "execute_query_dict")
            reads = is_query and args[0].lstrip()[:6].upper() == "SELECT"
            if not (failures.may_be_tried_again(error) if reads else failures.was_not_executed(error)):
                raise
            state.note_retry("read" if reads else "statement", error)
        async with asyncio.timeout(STATEMENT_SECONDS):
            return await super()._translate_exceptions(func, *args, **kwargs)

    async def fetch(self, sql: str, values: Sequence[object], mode: PlanMode) -> Rows:
        """Returns the rows of one statement, past Tortoise's own steps between it and the driver."""
        if self._pool is None:
            async with self.acquire_connection():
                pass
        pool: Any = self._pool
        self.log.debug("%s: %s", sql, values)
        return await pool.fetch(sql, values, mode)


class SingleConnectionClient(_ClearErrorsClient):
    """A client outside of the application's pool, without that pool's time limits."""

    def __init__(self, *args: Any, hosts: Hosts, **options: Any) -> None:
        super().__init__(*args, **options)
        self.hosts = hosts

    async def create_pool(self, **options: Any) -> Any:
        return await super().create_pool(connect=self.hosts.connect, **options)


def single_connection_client(name: str, *, application_name: str, **server_settings: str) -> SingleConnectionClient:
    """Returns a client with one connection to the database of the connection `name`, with these settings for its
    session. The caller closes it."""
    credentials: dict[str, Any] = dict(get_connections().db_config[name]["credentials"])  # type: ignore[index]
    changed: dict[str, Any] = {
        "application_name": application_name,
        "server_settings": credentials["server_settings"] | server_settings,
        "minsize": 1,
        "maxsize": 1,
    }
    return SingleConnectionClient(connection_name=name, **credentials | changed)


def get_client_class(_config: dict[str, Any]) -> type[SafeAsyncpgClient]:
    return SafeAsyncpgClient
