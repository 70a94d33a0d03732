"""PostgreSQL by asyncpg: a transaction that fails to begin gives its connection back, and connections stay at hand."""

# pyright: reportPrivateUsage=false, reportUnknownMemberType=false, reportUnknownVariableType=false

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import TransactionalDBClient, TransactionContext, TransactionContextPooled
from tortoise.connection import get_connections

ACQUIRE_SECONDS = 10
IDLE_SECONDS = 300.0  # after which a connection may have been dropped on the way, and nobody said so

Rows = Sequence[Iterable[Any]]


def _is_cancelling(connection: Any) -> bool:
    """Whether its last statement was given up and may still take effect."""
    return connection._con._protocol._is_cancelling()


class Connections:
    """A pool's connections, which stay at hand when they are free: to release one and acquire it again takes asyncpg
    more time than most statements take. It stands in the place of the pool."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool
        self.kept = 0
        self._is_closed = False
        # Each with when it became free; None stands for one that the pool still has. The last is taken first.
        self._free: asyncio.LifoQueue[tuple[Any, float] | None] = asyncio.LifoQueue()
        for _ in range(pool.get_max_size()):
            self._free.put_nowait(None)

    async def acquire(self) -> Any:
        """Raises TimeoutError where none becomes free within ACQUIRE_SECONDS."""
        if self._free.empty():
            async with asyncio.timeout(ACQUIRE_SECONDS):
                free = await self._free.get()
        else:
            free = self._free.get_nowait()
        try:
            if free is not None:
                self.kept -= 1
                connection, since = free
                if not connection.is_closed() and asyncio.get_running_loop().time() - since < IDLE_SECONDS:
                    return connection
                connection.terminate()
                await self.pool.release(connection)
            return await self.pool.acquire(timeout=ACQUIRE_SECONDS)
        except BaseException:
            self._free.put_nowait(None)
            raise

    async def release(self, connection: Any) -> None:
        """One that is not as it should be goes back to the pool, which mends it."""
        if self._is_closed or connection.is_closed() or connection.is_in_transaction() or _is_cancelling(connection):
            try:
                await self.pool.release(connection)
            finally:
                self._free.put_nowait(None)
        else:
            self.kept += 1
            self._free.put_nowait((connection, asyncio.get_running_loop().time()))

    async def fetch(self, sql: str, values: Sequence[object]) -> Rows:
        connection = await self.acquire()
        try:
            return await connection.fetch(sql, *values)
        finally:
            await self.release(connection)

    async def close(self) -> None:
        self._is_closed = True
        while not self._free.empty():
            if (free := self._free.get_nowait()) is not None:
                self.kept -= 1
                await self.pool.release(free[0])
        await self.pool.close()

    def terminate(self) -> None:
        self.pool.terminate()

    def get_size(self) -> int:
        return self.pool.get_size()

    def get_idle_size(self) -> int:
        return self.pool.get_idle_size() + self.kept


class SafeTransaction(TransactionWrapper):
    async def fetch(self, sql: str, values: Sequence[object]) -> Rows:
        self.log.debug("%s: %s", sql, values)
        return await self._connection.fetch(sql, *values)


class SafeTransactionContext(TransactionContextPooled):
    async def __aenter__(self) -> TransactionalDBClient:
        await self.ensure_connection()
        pool = self.client._parent._pool
        connection = await pool.acquire()
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

    async def fetch(self, sql: str, values: Sequence[object]) -> Rows:
        """The rows of one statement, without Tortoise's steps between it and the driver."""
        if self._pool is None:
            async with self.acquire_connection():
                pass
        pool: Any = self._pool
        self.log.debug("%s: %s", sql, values)
        return await pool.fetch(sql, values)


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


def get_client_class(_config: dict[str, Any]) -> type[SafeAsyncpgClient]:
    return SafeAsyncpgClient
