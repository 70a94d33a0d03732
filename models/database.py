"""The one way to the database: where it is, how to connect, how to write to it."""

import asyncio
import contextlib
import logging
import re
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

from models import failures
from models.backends.asyncpg import CONNECT_SECONDS, Hosts, PlanMode, SafeAsyncpgClient, SafeTransaction
from models.failures import Deadlock, Failure, UnknownOutcome
from models.pulse import Pulse

T = TypeVar("T")

APPS: dict[str, Any] = {
    "models": {"models": ["models"], "default_connection": "default", "migrations": "models.migrations"}
}
TRANSACTION_SECONDS = 10
COMMIT_SECONDS = 5.0  # beyond that; a synchronous standby may keep it waiting
CONFLICT_SECONDS = 0.2  # for the other transaction to go on, before the one that was rolled back begins again
POOL_SIZE = 10
REPLICA_SECONDS, REPLICA_RESTS_SECONDS = 4.0, 5.0  # patience with it; and without it, once that was at an end
DRAIN_SECONDS = 1.5  # with a server's patience for requests before it, ten in all

after_commit: list[Callable[[], None]] = []  # called after each commit of `in_transaction`

_log = logging.getLogger(__name__)
_dialect: str | None = None
_under_way: set[asyncio.Task[Any]] = set()


def config(url: str, replica: str | None = None) -> dict[str, Any]:
    """Tortoise's configuration for `sqlite://PATH` or `postgres://USER:PASSWORD@HOST:PORT,HOST:PORT/NAME`, and for a
    replica of that database.

    Raises ValueError for any other URL, and for parameters that are none of `host` (which may be a socket's folder),
    `port`, `sslmode`, `sslrootcert`, `target_session_attrs` and `connect_timeout`, as PostgreSQL's own libraries have
    them.
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


_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_SESSIONS = ("any", "read-write", "read-only", "primary", "standby", "prefer-standby")
_PARAMETERS = {"host", "port", "sslmode", "sslrootcert", "target_session_attrs", "connect_timeout"}


def _connection(url: str, **more: Any) -> dict[str, Any]:
    parts = urlsplit(url)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if unknown := query.keys() - (_PARAMETERS if parts.scheme in ("postgres", "postgresql") else set()):
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
        hosts = _hosts(parts.netloc.rpartition("@")[2], query)
        connection = {
            "engine": "models.backends.asyncpg",
            "credentials": {
                "hosts": hosts,
                "host": hosts.addresses[0][0],
                "port": hosts.addresses[0][1],
                "user": unquote(parts.username) if parts.username else None,
                "password": unquote(parts.password) if parts.password else None,
                "database": unquote(parts.path.lstrip("/")) or None,
                "ssl": query.get("sslmode"),
                "minsize": 0,  # whoever needs a connection makes one, and waits for that alone
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


def _hosts(named: str, query: dict[str, str]) -> Hosts:
    """Those that are `named` before the URL's path, or else in its parameters, each with its port."""
    places = [_place(text) for text in query.get("host", named or "localhost").split(",")]
    ports = [_port(text) for text in query["port"].split(",")] if "port" in query else [5432]
    if len(ports) not in (1, len(places)):
        raise ValueError(f"{len(places)} hosts have one port, or {len(places)}")
    ports *= len(places) // len(ports)
    addresses = [(host, port or default) for (host, port), default in zip(places, ports, strict=True)]
    wanted = query.get("target_session_attrs", "any")
    if wanted not in _SESSIONS:
        raise ValueError(f"target_session_attrs is one of {', '.join(_SESSIONS)}")
    if query.get("sslmode", "prefer") not in _SSL_MODES:
        raise ValueError(f"sslmode is one of {', '.join(_SSL_MODES)}")
    if (certificate := query.get("sslrootcert")) is not None and not Path(certificate).is_file():
        raise ValueError(f"sslrootcert names no file: {certificate}")
    seconds = query.get("connect_timeout", f"{CONNECT_SECONDS:g}")
    if not re.fullmatch(r"[0-9]{1,4}", seconds, re.ASCII) or not int(seconds):
        raise ValueError("connect_timeout is a number of seconds, 1 at least")
    tls = {name: query[name] for name in ("sslmode", "sslrootcert") if name in query}
    return Hosts(addresses, wanted, float(seconds), tls)


def _place(text: str) -> tuple[str, int | None]:
    """A host and its port, if it has one: a name, an address, an IPv6 address in brackets, or a socket's folder."""
    found = re.fullmatch(r"\[([^]]+)\](?::(.*))?|(/.*)|([^:]+)(?::(.*))?", text)
    if found is None:
        raise ValueError(f"a database URL names hosts like db.example:5432, not {text!r}")
    address, port, folder, host, other_port = found.groups()
    said = port or other_port
    return unquote(address or folder or host), _port(said) if said else None


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text, re.ASCII) or not 0 < int(text) < 65536:
        # The text may be part of a password that has such a character as it is.
        raise ValueError(
            "a database URL has ports from 1 to 65535; in a password, write %2F for /, %3F for ?, %23 for #"
        )
    return int(text)


_lags = ContextVar("may read what was committed a moment ago", default=False)


@contextlib.contextmanager
def allow_replica(lags: bool) -> Generator[None]:
    """Within, a replica may be read, which knows a moment later what was committed; or may not."""
    token = _lags.set(lags)
    try:
        yield
    finally:
        _lags.reset(token)


def read_connection() -> BaseDBAsyncClient:
    """Where to read: in the transaction, or else from the replica where it may be, and on SQLite, where it never lags.

    Tortoise's own routers will not do: they would send `filter(…).delete()` here as well.
    """
    known = get_connections()
    here = known.get("default")
    if "reader" not in known.db_config or isinstance(here, TransactionalDBClient):
        return here
    if dialect() == "sqlite":
        return known.get("reader")
    if not _lags.get():
        return here
    replica: Any = known.get("reader")
    return here if replica.is_away or not _trust.allows_reading() else replica


class _Trust:
    """Whether the replica is read. Once it has failed it rests; then one request at a time tries it, and all others
    read the database until one succeeds."""

    what = "the replica"

    def __init__(self) -> None:
        self.failed = False
        self.is_tried = False
        self._rests_until = 0.0

    def allows_reading(self) -> bool:
        return not self.failed or (not self.is_tried and time.monotonic() >= self._rests_until)

    def lose(self, error: BaseException) -> None:
        if not self.failed:
            _log.warning("the replica cannot be read: %s", type(error).__qualname__)
        self.failed, self._rests_until = True, time.monotonic() + REPLICA_RESTS_SECONDS

    def regain(self) -> None:
        """It answers; whether it can be read, a request has to try."""

    def prove(self) -> None:
        _log.warning("the replica is read again")
        self.failed = False


_trust = _Trust()


async def _nothing_to_reset(_connection: object) -> None:
    """What is left in a session is how it plans, which is known of it; asking for a reset would be a round trip. A
    transaction that is left open is rolled back all the same."""


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


async def select(
    sql: str, values: Sequence[object] = (), plans: PlanMode = PlanMode.GENERIC
) -> Sequence[Iterable[Any]]:
    """Runs SQL text of the dialect's own placeholders, `?1` or `$1`; gives the rows, as what can be unpacked.

    It must change nothing unless it is part of a transaction. Without its replica the database is read. `plans` are
    CUSTOM where it depends on the values which way is short. In a transaction they are GENERIC.
    """
    client = read_connection()
    if client.connection_name == "reader" and dialect() == "postgres":
        rows = await _select_lagging(client, sql, values, plans)
        if rows is not None:
            return rows
        client = connection()
    try:
        return await _fetch(client, sql, values, plans)
    except Exception as error:
        if isinstance(client, TransactionalDBClient) or not failures.may_be_tried_again(error):
            raise
        failures.note_retry("read", error)
    return await _fetch(client, sql, values, plans)


async def _select_lagging(
    replica: BaseDBAsyncClient, sql: str, values: Sequence[object], plans: PlanMode
) -> Sequence[Iterable[Any]] | None:
    """From the replica; None where that is not possible, or takes too long."""
    tries = _trust.failed
    if tries:
        _trust.is_tried = True
    try:
        async with asyncio.timeout(REPLICA_SECONDS):
            rows = await _fetch(replica, sql, values, plans)
    except asyncpg.SerializationError:  # what it has still to replay gets in the way of this statement
        return None
    except Exception as error:
        if failures.of(error) not in (Failure.AWAY, Failure.TOO_SLOW):
            raise
        _trust.lose(error)
        return None
    finally:
        if tries:
            _trust.is_tried = False
    if tries:
        _trust.prove()
    return rows


async def _fetch(
    client: BaseDBAsyncClient, sql: str, values: Sequence[object], plans: PlanMode = PlanMode.GENERIC
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

    A caller cancelled in the middle of BEGIN or COMMIT would otherwise take the connection with it. `work` may run
    twice: when the first run cannot have done anything, since COMMIT was never sent, and another may succeed. Where it
    is not `shielded`, cancelling the caller rolls it back.

    Raises TimeoutError, with everything rolled back, when it takes longer than `seconds`; Deadlock; and UnknownOutcome
    when COMMIT was not answered in time.
    """
    loop = asyncio.get_running_loop()

    async def attempt(until: float) -> T:
        transaction: Any = connection()._in_transaction()  # pyright: ignore[reportPrivateUsage]
        try:
            async with asyncio.timeout_at(until) as limit, transaction:
                result = await work()
                limit.reschedule(loop.time() + COMMIT_SECONDS)
        except Exception as error:
            if transaction.is_unknown:
                raise UnknownOutcome from error
            raise
        return result

    async def transact() -> T:
        until = loop.time() + seconds
        try:
            result = await attempt(until)
        except Exception as error:
            if not failures.may_be_tried_again(error):
                raise
            failures.note_retry("transaction", error)
            if failures.of(error) is Failure.CONFLICT:
                await asyncio.sleep(CONFLICT_SECONDS)
            try:
                result = await attempt(until)
            except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError) as again:
                raise Deadlock from again
        failures.database.regain()
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
    """Waits for the transactions under way; what is not done then is rolled back, or ends with its connection."""
    if _under_way:
        _, late = await asyncio.wait(_under_way, timeout=DRAIN_SECONDS)
        for task in late:
            task.cancel()


def pools() -> Iterator[tuple[str, int, int]]:
    """Each pool's name, its connections, and how many of them are idle."""
    handler = get_connections()
    for alias in handler.db_config:
        pool: Any = getattr(handler.get(alias), "_pool", None)
        if pool is not None:
            yield alias, pool.get_size(), pool.get_idle_size()


_pulses: dict[str, Pulse] = {}


def pulses() -> dict[str, Pulse]:
    """Of `default` and, where there is a replica, of `reader`; none on SQLite."""
    return _pulses


@contextlib.asynccontextmanager
async def watched() -> AsyncGenerator[None]:
    """Asks PostgreSQL all the time how it is, for as long as the block runs. Needs it connected."""
    handler = get_connections()
    async with contextlib.AsyncExitStack() as beating:
        if dialect() == "postgres":
            for alias in handler.db_config:
                client: Any = handler.get(alias)
                witness = failures.database if alias == "default" else _trust
                _pulses[alias] = Pulse(client, witness, is_written=alias == "default")
                await beating.enter_async_context(_pulses[alias].beating())
        yield
    _pulses.clear()
