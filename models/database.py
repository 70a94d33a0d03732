"""The one way to the database: where it is, how to connect, how to write to it."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg
from tortoise import Tortoise
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.connection import get_connection
from tortoise.transactions import in_transaction as in_tortoise_transaction

from models import migrating

T = TypeVar("T")

APPS: dict[str, Any] = {
    "models": {"models": ["models"], "default_connection": "default", "migrations": "models.migrations"}
}
TRANSACTION_SECONDS = 10
POOL_SIZE = 10

after_commit: list[Callable[[], None]] = []  # called after each commit of `in_transaction`

_log = logging.getLogger(__name__)
_under_way: set[asyncio.Task[Any]] = set()


def config(url: str) -> dict[str, Any]:
    """Tortoise's configuration for `sqlite://PATH` or `postgres://USER:PASSWORD@HOST:PORT/NAME`.

    A socket's folder may stand as `?host=`. Raises ValueError for any other URL.
    """
    parts = urlsplit(url)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if unknown := query.keys() - {"host", "port", "sslmode"}:
        raise ValueError(f"a database URL has no {', '.join(sorted(unknown))}")
    if parts.scheme == "sqlite":
        path = unquote(parts.netloc + parts.path)
        if not path:
            raise ValueError("an sqlite URL names a file: sqlite://var/recourse.db")
        connection: dict[str, Any] = {
            "engine": "models.backends.sqlite",
            "credentials": {"file_path": path, "busy_timeout": TRANSACTION_SECONDS * 1000},
        }
    elif parts.scheme in ("postgres", "postgresql"):
        connection = {
            "engine": "models.backends.asyncpg",
            "credentials": {
                "host": query.get("host", parts.hostname or "localhost"),
                "port": parts.port or int(query.get("port", 5432)),
                "user": unquote(parts.username) if parts.username else None,
                "password": unquote(parts.password) if parts.password else None,
                "database": unquote(parts.path.lstrip("/")) or None,
                "ssl": query.get("sslmode"),
                "maxsize": POOL_SIZE,
                "application_name": "recourse",
                "server_settings": {
                    "timezone": "UTC",
                    "statement_timeout": f"{TRANSACTION_SECONDS}s",
                    "lock_timeout": f"{TRANSACTION_SECONDS}s",
                    "idle_in_transaction_session_timeout": f"{2 * TRANSACTION_SECONDS}s",
                },
            },
        }
    else:
        raise ValueError("a database URL begins with sqlite:// or postgres://")
    return {"connections": {"default": connection}, "apps": APPS, "use_tz": True, "timezone": "UTC"}


class Deadlock(Exception):
    """Another transaction and this one waited for each other; this one was rolled back and may be tried again."""


# For the migrations' writer, which compares models with migrations and connects to nothing.
UNCONNECTED = config("sqlite://:memory:")


@contextlib.asynccontextmanager
async def connected(url: str) -> AsyncGenerator[BaseDBAsyncClient]:
    """The database, for as long as the block runs; then what is being written is finished and all is closed."""
    settings = config(url)
    credentials = settings["connections"]["default"]["credentials"]
    if "file_path" in credentials:
        Path(credentials["file_path"]).parent.mkdir(parents=True, exist_ok=True)
    await Tortoise.init(config=settings, _enable_global_fallback=True)
    try:
        yield connection()
    finally:
        await drain()
        await Tortoise.close_connections()


def connection() -> BaseDBAsyncClient:
    """The transaction's connection inside `in_transaction`, else the pool."""
    return get_connection("default")


def dialect() -> str:
    return connection().capabilities.dialect


async def select(sql: str, values: Sequence[object] = ()) -> Sequence[Iterable[Any]]:
    """Runs SQL text of the dialect's own placeholders, `?1` or `$1`; gives the rows, as what can be unpacked."""
    _, rows = await connection().execute_query(sql, list(values))  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return rows  # pyright: ignore[reportUnknownVariableType]


async def returning(sql: str, values: Sequence[object] = ()) -> Sequence[dict[str, Any]]:
    """Runs a statement with RETURNING, of which `select` gives nothing on PostgreSQL; gives the rows by column."""
    return await connection().execute_query_dict(sql, list(values))  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


async def change(sql: str, values: Sequence[object] = ()) -> int:
    """Runs an UPDATE or a DELETE like `select`; gives the number of rows."""
    count, _ = await connection().execute_query(sql, list(values))  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return count


async def in_transaction(
    work: Callable[[], Awaitable[T]], seconds: float = TRANSACTION_SECONDS, *, shielded: bool = True
) -> T:
    """Runs `work` between BEGIN and COMMIT in a task of its own, which goes on when the caller is cancelled.

    A caller cancelled in the middle of BEGIN or COMMIT would otherwise take the connection with it. Raises
    TimeoutError, with everything rolled back, when `work` takes longer than `seconds`, and Deadlock. Where it is not
    `shielded`, cancelling the caller rolls it back.
    """

    async def transact() -> T:
        try:
            async with in_tortoise_transaction(), asyncio.timeout(seconds):
                result = await work()
        except asyncpg.DeadlockDetectedError as error:
            raise Deadlock from error
        for tell in after_commit:
            tell()
        return result

    task = asyncio.create_task(transact())
    _under_way.add(task)
    task.add_done_callback(_finished)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if not shielded:
            task.cancel()
            await asyncio.wait([task])
        raise


def _finished(task: asyncio.Task[Any]) -> None:
    _under_way.discard(task)
    if not task.cancelled():
        task.exception()  # seen, also where the caller that wanted it is gone


async def drain() -> None:
    """Waits for the transactions under way, as long as one may take."""
    if _under_way:
        await asyncio.wait(_under_way, timeout=TRANSACTION_SECONDS)


async def reachable() -> bool:
    """Whether the database answers and is migrated; what is wrong is in the log."""
    try:
        return not await migrating.pending(APPS, connection())
    except Exception:
        _log.exception("the database cannot be used")
        return False
