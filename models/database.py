"""The one way to the database: where it is, how to connect, how to write to it."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterable, Iterator, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg
from tortoise import Tortoise
from tortoise.backends.base.client import BaseDBAsyncClient, TransactionalDBClient
from tortoise.connection import get_connection, get_connections
from tortoise.context import get_current_context
from tortoise.exceptions import DBConnectionError
from tortoise.transactions import in_transaction as in_tortoise_transaction

from models import migrating
from models.backends.asyncpg import Plans, SafeAsyncpgClient, SafeTransaction

T = TypeVar("T")

APPS: dict[str, Any] = {
    "models": {"models": ["models"], "default_connection": "default", "migrations": "models.migrations"}
}
TRANSACTION_SECONDS = 10
POOL_SIZE = 10
REPLICA_SECONDS, REPLICA_RESTS_SECONDS = 4.0, 5.0  # patience with it; and without it, once that was at an end
DRAIN_SECONDS = 1.5  # with a server's patience for requests before it, ten in all

after_commit: list[Callable[[], None]] = []  # called after each commit of `in_transaction`

_log = logging.getLogger(__name__)
_dialect: str | None = None
_replica_rests_until = 0.0
_under_way: set[asyncio.Task[Any]] = set()


def config(url: str, replica: str | None = None) -> dict[str, Any]:
    """Tortoise's configuration for `sqlite://PATH` or `postgres://USER:PASSWORD@HOST:PORT/NAME`, and for a replica of
    that database.

    A socket's folder may stand as `?host=`. Raises ValueError for any other URL.
    """
    connections = {"default": _connection(url)}
    if replica is not None:
        connections["reader"] = _connection(replica)
        if {each["engine"] for each in connections.values()} != {"models.backends.asyncpg"}:
            raise ValueError("a replica is a PostgreSQL database, of another one")
    elif url.startswith("sqlite:"):
        # A connection of its own, since one that has a transaction under way keeps all readers of it waiting.
        connections["reader"] = _connection(url, query_only=True)
    return {"connections": connections, "apps": APPS, "use_tz": True, "timezone": "UTC"}


def _connection(url: str, **more: Any) -> dict[str, Any]:
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
            "credentials": {"file_path": path, "busy_timeout": TRANSACTION_SECONDS * 1000} | more,
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
                "reset": _nothing_to_reset,
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
    return connection


_lags = ContextVar("may read what was committed a moment ago", default=False)


@contextlib.contextmanager
def may_lag(lags: bool) -> Generator[None]:
    """Within, a replica may be read, which knows a moment later what was committed; or may not."""
    token = _lags.set(lags)
    try:
        yield
    finally:
        _lags.reset(token)


def reader() -> BaseDBAsyncClient:
    """Where to read: in the transaction, or else from the replica where it may be, and on SQLite, where it never lags.

    Tortoise's own routers will not do: they would send `filter(…).delete()` here as well.
    """
    known = get_connections()
    here = known.get("default")
    if "reader" not in known.db_config or isinstance(here, TransactionalDBClient):
        return here
    may = dialect() == "sqlite" or (_lags.get() and time.monotonic() >= _replica_rests_until)
    return known.get("reader") if may else here


async def _nothing_to_reset(_connection: object) -> None:
    """What is left in a session is how it plans, which is known of it; asking for a reset would be a round trip. A
    transaction that is left open is rolled back all the same."""


class Deadlock(Exception):
    """Another transaction and this one waited for each other; this one was rolled back and may be tried again."""


# For the migrations' writer, which compares models with migrations and connects to nothing.
UNCONNECTED = config("sqlite://:memory:")


@contextlib.asynccontextmanager
async def connected(url: str, replica: str | None = None) -> AsyncGenerator[BaseDBAsyncClient]:
    """The database, for as long as the block runs; then what is being written is finished and all is closed."""
    settings = config(url, replica)
    credentials = settings["connections"]["default"]["credentials"]
    if "file_path" in credentials:
        Path(credentials["file_path"]).parent.mkdir(parents=True, exist_ok=True)
    # The first one that is open in a process is everybody's; another, in tests, is that of whoever opened it.
    await Tortoise.init(config=settings, _enable_global_fallback=get_current_context() is None)
    try:
        yield connection()
    finally:
        await drain()
        await Tortoise.close_connections()


def connection() -> BaseDBAsyncClient:
    """The transaction's connection inside `in_transaction`, else the pool."""
    return get_connection("default")


def dialect() -> str:
    """One for all databases of a process."""
    global _dialect
    if _dialect is None:
        _dialect = connection().capabilities.dialect
    return _dialect


def _rest_the_replica() -> None:
    """So that not each query waits for one that is away."""
    global _replica_rests_until
    _replica_rests_until = time.monotonic() + REPLICA_RESTS_SECONDS


async def select(sql: str, values: Sequence[object] = (), plans: Plans = Plans.GENERIC) -> Sequence[Iterable[Any]]:
    """Runs SQL text of the dialect's own placeholders, `?1` or `$1`; gives the rows, as what can be unpacked.

    It must change nothing unless it is part of a transaction. Without its replica the database is read. `plans` are
    CUSTOM where it depends on the values which way is short. In a transaction they are GENERIC.
    """
    client = reader()
    if client.connection_name != "reader" or dialect() == "sqlite":
        return await _fetch(client, sql, values, plans)
    try:
        async with asyncio.timeout(REPLICA_SECONDS):
            return await _fetch(client, sql, values, plans)
    except Exception as error:
        # What a replica has still to replay may get in the way of reading it, which is a serialization error.
        if not (is_away(error) or isinstance(error, asyncpg.SerializationError)):
            raise
        _rest_the_replica()
        _log.warning("the replica cannot be read: %s", type(error).__qualname__)
        with may_lag(False):
            return await select(sql, values, plans)


async def _fetch(
    client: BaseDBAsyncClient, sql: str, values: Sequence[object], plans: Plans = Plans.GENERIC
) -> Sequence[Iterable[Any]]:
    if isinstance(client, SafeAsyncpgClient | SafeTransaction):
        return await client.fetch(sql, values, plans)
    _, rows = await client.execute_query(sql, list(values))  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return rows  # pyright: ignore[reportUnknownVariableType]


async def returning(sql: str, values: Sequence[object] = ()) -> Sequence[dict[str, Any]]:
    """Runs a statement with RETURNING, of which `select` gives nothing on SQLite; gives the rows by column."""
    return await connection().execute_query_dict(sql, list(values))  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


async def change(sql: str, values: Sequence[object] = ()) -> int:
    """Runs an INSERT, an UPDATE or a DELETE; gives the number of rows."""
    client = connection()
    if isinstance(client, SafeTransaction):
        return await client.change(sql, values)
    count, _ = await client.execute_query(sql, list(values))  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
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
            async with in_tortoise_transaction("default"), asyncio.timeout(seconds):
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
    """Waits for the transactions under way; what is not done then is rolled back."""
    if _under_way:
        await asyncio.wait(_under_way, timeout=DRAIN_SECONDS)


def is_away(error: BaseException) -> bool:
    """Whether an error says that the database cannot be reached, or not now; not that a statement was wrong or slow."""
    away = (
        OSError  # TimeoutError among them
        | DBConnectionError
        | asyncpg.InterfaceError
        | asyncpg.PostgresConnectionError
        | asyncpg.exceptions.OperatorInterventionError
        | asyncpg.exceptions.TooManyConnectionsError
    )
    return isinstance(error, away) and not isinstance(error, ValueError | asyncpg.QueryCanceledError)


def pools() -> Iterator[tuple[str, int, int]]:
    """Each pool's name, its connections, and how many of them are idle."""
    handler = get_connections()
    for alias in handler.db_config:
        pool: Any = getattr(handler.get(alias), "_pool", None)
        if pool is not None:
            yield alias, pool.get_size(), pool.get_idle_size()


async def reachable() -> bool:
    """Whether the database answers and is migrated; what is wrong is in the log."""
    try:
        return not await migrating.pending(APPS, connection())
    except Exception as error:
        _log.warning("the database cannot be used: %s", type(error).__qualname__)
        return False
