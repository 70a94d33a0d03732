"""PostgreSQL by asyncpg: a transaction that fails to begin gives its connection back to the pool."""

# pyright: reportPrivateUsage=false

import asyncio
from typing import Any

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import TransactionalDBClient, TransactionContext, TransactionContextPooled
from tortoise.connection import get_connections

ACQUIRE_SECONDS = 10


class SafeTransactionContext(TransactionContextPooled):
    async def __aenter__(self) -> TransactionalDBClient:
        await self.ensure_connection()
        pool = self.client._parent._pool
        connection = await pool.acquire(timeout=ACQUIRE_SECONDS)
        self.client._connection = connection
        try:
            await self.client.begin()
        except BaseException:
            await asyncio.shield(asyncio.ensure_future(pool.release(connection)))
            raise
        self.token = get_connections().set(self.connection_name, self.client)
        return self.client


class SafeAsyncpgClient(AsyncpgDBClient):
    def _in_transaction(self) -> TransactionContext:
        return SafeTransactionContext(TransactionWrapper(self), self._pool_init_lock)


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
