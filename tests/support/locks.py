"""Locks on orders, held by another connection."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import asyncpg

from tests.conftest import DIALECT
from tests.support.postgres import credentials
from tests.support.subscriptions import wait_until


@contextmanager
def held(url: str, order: str) -> Generator[Callable[[], None]]:
    """Locks the order in another connection. Yields a function that lets it go."""
    if DIALECT == "sqlite":
        connection = sqlite3.connect(url.removeprefix("sqlite://"), isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection.rollback
        finally:
            connection.close()
        return
    loop = asyncio.new_event_loop()

    async def hold() -> Any:
        connection: Any = await asyncpg.connect(**credentials(url))
        await connection.execute("BEGIN")
        await connection.execute("SELECT 1 FROM orders WHERE id = $1 FOR UPDATE", UUID(hex=order[4:]))
        return connection

    connection = loop.run_until_complete(hold())
    try:
        yield lambda: loop.run_until_complete(connection.execute("ROLLBACK"))
    finally:
        loop.run_until_complete(connection.close())
        loop.close()


def wait_for_a_waiter(url: str) -> None:
    """Waits until a statement waits for the lock. SQLite does not show that, so there it waits a second."""

    async def count() -> int:
        connection: Any = await asyncpg.connect(**credentials(url))
        found: int = await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        await connection.close()
        return found

    if DIALECT == "sqlite":
        time.sleep(1)
    else:
        wait_until(lambda: asyncio.run(count()) > 0)
