"""PostgreSQL by asyncpg: a transaction that fails to begin gives its connection back, and connections stay at hand."""

# pyright: reportPrivateUsage=false, reportUnknownMemberType=false, reportUnknownVariableType=false

import asyncio
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import TransactionalDBClient, TransactionContext, TransactionContextPooled
from tortoise.connection import get_connections
from tortoise.exceptions import IntegrityError

ACQUIRE_SECONDS = 10
IDLE_SECONDS = 300.0  # after which a connection may have been dropped on the way, and nobody said so

Rows = Sequence[Iterable[Any]]


def _is_lost(proxy: Any) -> bool:
    """Whether the connection was closed; the pool then has taken it back already."""
    connection = proxy._con
    return connection is None or connection.is_closed()


def _end(proxy: Any) -> None:
    if not _is_lost(proxy):
        proxy.terminate()


def _is_as_it_was(proxy: Any) -> bool:
    """Whether no transaction is left open in the connection, and nothing given up that may still take effect."""
    connection = proxy._con
    return not connection.is_in_transaction() and not connection._protocol._is_cancelling()


class Plans(StrEnum):
    """How PostgreSQL plans what a connection executes."""

    CUSTOM = "force_custom_plan"  # each time, for the values that it is given
    GENERIC = "force_generic_plan"  # once, for any; by indexes alone, however few rows it seems to be about


class Connections:
    """A pool's connections, which stay at hand when they are free: to release one and acquire it again takes asyncpg
    more time than most statements take. It stands in the place of the pool."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool
        self._is_closed = False
        self._leave = asyncio.Semaphore(pool.get_max_size())
        # Each with when it became free, the last one last. A connection keeps the way of planning that it had first,
        # unless there is none of the other way and no more to be had of the pool.
        self._kept: dict[Plans, list[tuple[Any, float]]] = {plans: [] for plans in Plans}
        self._plans: dict[Any, Plans] = {}
        self._taken = 0  # of the pool

    async def acquire(self, plans: Plans = Plans.CUSTOM) -> Any:
        """Waits until one is free, as long as its caller does."""
        await self._leave.acquire()
        try:
            return await self._acquired(plans)
        except BaseException:
            self._leave.release()
            raise

    async def _acquired(self, plans: Plans) -> Any:
        connection = self._at_hand(plans)
        while connection is not None and _is_lost(connection):
            await self._discard(connection)
            connection = self._at_hand(plans)
        if connection is None:
            self._taken += 1
            try:
                connection = await self.pool.acquire()
            except BaseException:
                self._taken -= 1
                raise
        try:
            if self._plans.get(connection) is not plans:
                gathers = "off" if plans is Plans.GENERIC else "on"
                settings = {"plan_cache_mode": plans, "enable_seqscan": gathers, "enable_bitmapscan": gathers}
                await connection.execute("; ".join(f"SET {name} = {value}" for name, value in settings.items()))
                self._plans[connection] = plans
        except BaseException:
            await self._discard(connection)
            raise
        return connection

    def _at_hand(self, plans: Plans) -> Any:
        """One that is free, be it lost; None where the pool shall be asked."""
        kept = self._kept[plans]
        if not kept and self._taken >= self.pool.get_max_size():
            kept = self._kept[Plans.GENERIC if plans is Plans.CUSTOM else Plans.CUSTOM]
        if not kept:
            return None
        connection, since = kept.pop()
        if asyncio.get_running_loop().time() - since >= IDLE_SECONDS:
            _end(connection)
        return connection

    async def release(self, connection: Any) -> None:
        """One that is not as it was goes back to the pool, which mends it."""
        try:
            if self._is_closed or _is_lost(connection) or not _is_as_it_was(connection):
                await self._discard(connection)
            else:
                now, kept = asyncio.get_running_loop().time(), self._kept[self._plans[connection]]
                kept.append((connection, now))
                if now - kept[0][1] >= IDLE_SECONDS:
                    rested, _ = kept.pop(0)
                    _end(rested)
                    await self._discard(rested)
        finally:
            self._leave.release()

    async def _discard(self, connection: Any) -> None:
        self._plans.pop(connection, None)
        try:
            await self.pool.release(connection)
        finally:
            self._taken -= 1

    async def fetch(self, sql: str, values: Sequence[object], plans: Plans) -> Rows:
        connection = await self.acquire(plans)
        try:
            return await connection.fetch(sql, *values)
        finally:
            await self.release(connection)

    async def close(self) -> None:
        self._is_closed = True
        for kept in self._kept.values():
            while kept:
                await self._discard(kept.pop()[0])
        await self.pool.close()

    def terminate(self) -> None:
        self.pool.terminate()

    def get_size(self) -> int:
        return self.pool.get_size()

    def get_idle_size(self) -> int:
        kept = [connection for those in self._kept.values() for connection, _ in those]
        return self.pool.get_idle_size() + sum(not _is_lost(connection) for connection in kept)


class SafeTransaction(TransactionWrapper):
    async def fetch(self, sql: str, values: Sequence[object], _plans: Plans) -> Rows:
        self.log.debug("%s: %s", sql, values)
        return await self._connection.fetch(sql, *values)

    async def change(self, sql: str, values: Sequence[object]) -> int:
        """The number of rows that it changed. Raises Tortoise's IntegrityError."""
        self.log.debug("%s: %s", sql, values)
        try:
            done = await self._connection.execute(sql, *values)
        except asyncpg.IntegrityConstraintViolationError as error:
            raise IntegrityError(error) from error
        return int(done.rpartition(" ")[2])


class SafeTransactionContext(TransactionContextPooled):
    async def __aenter__(self) -> TransactionalDBClient:
        await self.ensure_connection()
        pool = self.client._parent._pool
        async with asyncio.timeout(ACQUIRE_SECONDS):
            connection = await pool.acquire(Plans.GENERIC)  # what is done is done to rows that are named
        self.client._connection = connection
        try:
            await self.client.begin()
        except BaseException:
            await asyncio.shield(asyncio.ensure_future(pool.release(connection)))
            raise
        self.token = get_connections().set(self.connection_name, self.client)
        return self.client


class SafeAsyncpgClient(AsyncpgDBClient):
    async def create_pool(self, **options: Any) -> Any:
        return Connections(await super().create_pool(**options))

    def _in_transaction(self) -> TransactionContext:
        return SafeTransactionContext(SafeTransaction(self), self._pool_init_lock)

    async def fetch(self, sql: str, values: Sequence[object], plans: Plans) -> Rows:
        """The rows of one statement, without Tortoise's steps between it and the driver."""
        if self._pool is None:
            async with self.acquire_connection():
                pass
        pool: Any = self._pool
        self.log.debug("%s: %s", sql, values)
        return await pool.fetch(sql, values, plans)


async def connect_apart(client: Any) -> Any:
    """A connection to the client's database that is none of its pool's. Whoever has it closes it."""
    return await asyncpg.connect(  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        host=client.host,
        port=client.port,
        user=client.user,
        password=client.password,
        database=client.database,
        ssl=client.extra.get("ssl"),
        server_settings={"application_name": "recourse"},
    )


def apart(name: str, *, application_name: str, **server_settings: str) -> AsyncpgDBClient:
    """A client with one connection to the database of the connection `name`, with other settings for its session.
    Whoever has it closes it."""
    credentials: dict[str, Any] = dict(get_connections().db_config[name]["credentials"])  # type: ignore[index]
    changed: dict[str, Any] = {
        "application_name": application_name,
        "server_settings": credentials["server_settings"] | server_settings,
        "minsize": 1,
        "maxsize": 1,
    }
    return AsyncpgDBClient(connection_name=name, **credentials | changed)


def get_client_class(_config: dict[str, Any]) -> type[SafeAsyncpgClient]:
    return SafeAsyncpgClient
