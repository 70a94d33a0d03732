"""PostgreSQL by asyncpg: every wait for it has a limit, and connections stay at hand.

A connection may be lost at any time, or its server may stop answering while the kernel still acknowledges what is sent
to it. asyncpg waits for such a server without limit when it cancels a statement, rolls back or closes. Here a
connection that does not answer is terminated; so are the idle ones of its age, which lead to the same server.
"""

# pyright: reportPrivateUsage=false, reportUnknownMemberType=false, reportUnknownVariableType=false

import asyncio
import socket
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import TransactionalDBClient, TransactionContext, TransactionContextPooled
from tortoise.connection import get_connections
from tortoise.exceptions import IntegrityError, TransactionManagementError

from models import failures
from models.failures import Failure, Unreachable

CONNECT_SECONDS = 3.0  # for each host, unless the URL says otherwise
ACQUIRE_SECONDS = 10.0
STATEMENT_SECONDS = 11.0  # a second more than the server itself gives one, for its answer to arrive
MENDING_SECONDS = 1.0  # to answer a cancellation or a ROLLBACK
CLOSING_SECONDS = 0.4  # to take leave; all that a process has when it is told to stop is 10 seconds
IDLE_SECONDS = 300.0  # after which a connection may have been dropped on the way, and nobody said so
CONNECTIONS_FOR_READING = 3  # connections that transactions leave free: COMMIT may wait long for a standby
SILENT_SECONDS = 10  # on the network, before the kernel gives a connection up

Rows = Sequence[Iterable[Any]]


def _keep_alive(connection: Any) -> None:
    """Lets the kernel notice that a host is gone, also while nothing is asked of it."""
    transport: Any = connection._transport
    sock = transport.get_extra_info("socket")
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", SILENT_SECONDS),
        ("TCP_KEEPINTVL", 3),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", SILENT_SECONDS * 1000),  # milliseconds
    ):
        if hasattr(socket, name):  # not every system has all of them
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


_NEXT_HOST = (OSError, asyncpg.InternalClientError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError)


class Hosts:
    """Where a database is: one host, or several, of which one is chosen by what it lets be done (as libpq's
    `target_session_attrs`). Each host has a time limit of its own; the one that served last is asked first."""

    def __init__(
        self,
        addresses: Sequence[tuple[str, int]],
        wanted: str = "any",
        seconds: float = CONNECT_SECONDS,
        tls: Mapping[str, str] | None = None,
    ) -> None:
        """`tls` has libpq's parameters `sslmode` and `sslrootcert`."""
        self.addresses = list(addresses)
        self.wanted = wanted
        self.seconds = seconds
        self.dsn = f"postgres://?{urlencode(tls)}" if tls else None

    async def connect(self, *_: Any, **options: Any) -> Any:
        """A connection, with these options of asyncpg's. Raises Unreachable where there is none to be had."""
        wishes = ["standby", "any"] if self.wanted == "prefer-standby" else [self.wanted]
        failed: Exception | None = None
        for wish in wishes:
            for address in list(self.addresses):
                try:
                    connection = await self._connect(*address, wish, options)
                except _NEXT_HOST as error:
                    failed = error
                else:
                    if self.wanted != "prefer-standby" and len(self.addresses) > 1:
                        self.addresses.remove(address)
                        self.addresses.insert(0, address)
                    return connection
        said = f"no answer within {self.seconds:g} seconds" if isinstance(failed, TimeoutError) else failed
        raise Unreachable(f"no connection to {', '.join(f'{h}:{p}' for h, p in self.addresses)}: {said}") from failed

    async def _connect(self, host: str, port: int, wish: str, options: dict[str, Any]) -> Any:
        here: dict[str, Any] = {"host": host, "port": port, "target_session_attrs": wish}
        here |= {"dsn": self.dsn, "timeout": self.seconds}
        connection: Any = await asyncpg.connect(**(options | here))
        _keep_alive(connection)
        return connection


def _is_lost(proxy: Any) -> bool:
    """Whether the connection was closed. The pool has taken it back, or does so when it is terminated."""
    connection = proxy._con
    return connection is None or connection.is_closed()


def _end(proxy: Any) -> None:
    """Also where it is closed: the driver closes one that cannot be cancelled without telling the pool."""
    if proxy._con is not None:
        proxy.terminate()


def _is_as_it_was(proxy: Any) -> bool:
    """Whether no transaction is left open in the connection, and nothing given up that may still take effect."""
    connection = proxy._con
    return not connection.is_in_transaction() and not connection._protocol._is_cancelling()


class PlanMode(StrEnum):
    """How PostgreSQL plans what a connection executes."""

    CUSTOM = "force_custom_plan"  # each time, for the values that it is given
    GENERIC = "force_generic_plan"  # once, for any; by indexes alone, however few rows it seems to be about


class Connections:
    """A pool's connections, which stay at hand when they are free: to release one and acquire it again takes asyncpg
    more time than most statements take. It stands in the place of the pool."""

    def __init__(self, pool: asyncpg.Pool, is_away: Callable[[], bool] = lambda: False) -> None:
        """While the database `is_away`, nobody waits for a new connection."""
        self.pool = pool
        size: int = pool.get_max_size()
        self.writers = asyncio.Semaphore(max(1, size - CONNECTIONS_FOR_READING))
        self._is_away = is_away
        self._is_closed = False
        self._leave = asyncio.Semaphore(size)
        # Each with when it became free, the last one last. A connection keeps the way of planning that it had first,
        # unless there is none of the other way and no more to be had of the pool.
        self._kept: dict[PlanMode, list[tuple[Any, float]]] = {plans: [] for plans in PlanMode}
        self._plans: dict[Any, PlanMode] = {}
        self._suspect: set[Any] = set()  # of those in use: not to be kept when they become free
        self._taken = 0  # of the pool
        self._mending: set[asyncio.Task[None]] = set()

    async def acquire(self, plans: PlanMode = PlanMode.CUSTOM) -> Any:
        """Waits until one is free. Raises TimeoutError when that takes too long, and Unreachable."""
        if self._leave.locked():
            async with asyncio.timeout(ACQUIRE_SECONDS):
                await self._leave.acquire()
        else:
            await self._leave.acquire()
        try:
            return await self._acquired(plans)
        except BaseException:
            self._leave.release()
            raise

    async def _acquired(self, plans: PlanMode) -> Any:
        connection = self._at_hand(plans)
        while connection is not None and _is_lost(connection):
            _end(connection)
            self._forget(connection)
            connection = self._at_hand(plans)
        if connection is None:
            if self._is_away():
                raise Unreachable("the database is away")
            self._taken += 1
            try:
                connection = await self.pool.acquire()
            except BaseException:
                self._taken -= 1
                raise
        try:
            if self._plans.get(connection) is not plans:
                gathers = "off" if plans is PlanMode.GENERIC else "on"
                settings = {"plan_cache_mode": plans, "enable_seqscan": gathers, "enable_bitmapscan": gathers}
                await connection.execute(
                    "; ".join(f"SET {name} = {value}" for name, value in settings.items()), timeout=MENDING_SECONDS
                )
                self._plans[connection] = plans
        except BaseException as error:
            _end(connection)
            self._forget(connection)
            if isinstance(error, TimeoutError):
                self.renew()
                raise Unreachable("a connection does not answer") from error
            raise
        return connection

    def _at_hand(self, plans: PlanMode) -> Any:
        """One that is free, be it lost; None where the pool shall be asked."""
        kept = self._kept[plans]
        if not kept and self._taken >= self.pool.get_max_size():
            kept = self._kept[PlanMode.GENERIC if plans is PlanMode.CUSTOM else PlanMode.CUSTOM]
        if not kept:
            return None
        connection, since = kept.pop()
        if asyncio.get_running_loop().time() - since >= IDLE_SECONDS:
            _end(connection)
        return connection

    async def release(self, connection: Any) -> None:
        """Waits for nothing: one that is not as it was is mended meanwhile, or terminated."""
        if self._is_closed or _is_lost(connection) or connection in self._suspect:
            _end(connection)
            self._forget(connection)
            self._leave.release()
        elif not _is_as_it_was(connection):
            self._aside(self._mend(connection))
        else:
            now, kept = asyncio.get_running_loop().time(), self._kept[self._plans[connection]]
            kept.append((connection, now))
            if now - kept[0][1] >= IDLE_SECONDS:
                rested, _ = kept.pop(0)
                _end(rested)
                self._forget(rested)
            self._leave.release()

    def _aside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._mending.add(task)
        task.add_done_callback(self._mending.discard)

    async def _mend(self, connection: Any) -> None:
        """Gives it back to the pool, which waits for what was cancelled and rolls back what was left open."""
        try:
            await self.pool.release(connection, timeout=MENDING_SECONDS)
        except TimeoutError:
            self.renew()
        except Exception:
            _end(connection)
        finally:
            self._forget(connection)
            self._leave.release()

    def _forget(self, connection: Any) -> None:
        self._plans.pop(connection, None)
        self._suspect.discard(connection)
        self._taken -= 1

    def renew(self) -> None:
        """Terminates what is idle, and what is in use once it becomes free: another server may serve by now."""
        for kept in self._kept.values():
            for connection, _ in kept:
                _end(connection)
        idle = {connection for kept in self._kept.values() for connection, _ in kept}
        self._suspect.update(self._plans.keys() - idle)

    def look_at(self, error: BaseException) -> None:
        """Renews the connections when others would meet the same error."""
        if failures.of(error) in (Failure.AWAY, Failure.READ_ONLY):
            self.renew()

    def abandon(self) -> None:
        """Terminates all connections; whoever waits for an answer gets an error."""
        for holder in self.pool._holders:
            holder.terminate()

    async def fetch(self, sql: str, values: Sequence[object], plans: PlanMode) -> Rows:
        # Without a timer of its own, which is dear: the server ends a slow statement, the pulse the connections of a
        # silent server (models.pulse), and the kernel those that the network has lost.
        connection = await self.acquire(plans)
        try:
            return await connection.fetch(sql, *values)
        except TimeoutError as error:  # which the kernel says
            _end(connection)
            self.renew()
            raise Unreachable("a statement was not answered") from error
        except Exception as error:
            self.look_at(error)
            raise
        finally:
            await self.release(connection)

    async def close(self) -> None:
        """Within `CLOSING_SECONDS`; whatever is in use by then is terminated."""
        self._is_closed = True
        try:
            async with asyncio.timeout(CLOSING_SECONDS):
                for kept in self._kept.values():
                    while kept:
                        connection, _ = kept.pop()
                        await self.pool.release(connection)
                        self._forget(connection)
                await self.pool.close()
        except Exception:
            self.pool.terminate()
        if self._mending:
            await asyncio.wait(self._mending)

    def terminate(self) -> None:
        self.pool.terminate()

    def get_size(self) -> int:
        return self.pool.get_size()

    def get_idle_size(self) -> int:
        kept = [connection for those in self._kept.values() for connection, _ in those]
        return self.pool.get_idle_size() + sum(not _is_lost(connection) for connection in kept)


class _Readable(AsyncpgDBClient):
    async def _translate_exceptions(self, func: Any, *args: Any, **kwargs: Any) -> Any:
        """Tortoise hides that the database is read-only, and ends no transaction that its error comes from."""
        try:
            return await super()._translate_exceptions(func, *args, **kwargs)
        except TransactionManagementError as error:
            if isinstance(cause := error.__cause__, asyncpg.InvalidTransactionStateError):
                raise cause from None
            raise


class SafeTransaction(_Readable, TransactionWrapper):
    """Its statements have no limits of their own, each of which would cost a timer: the transaction has one."""

    async def fetch(self, sql: str, values: Sequence[object], _plans: PlanMode) -> Rows:
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
    """Gives its connection back whatever happens, and knows whether COMMIT was sent and not answered."""

    is_unknown = False

    async def __aenter__(self) -> TransactionalDBClient:
        await self.ensure_connection()
        pool: Connections = self.client._parent._pool
        await pool.writers.acquire()
        try:
            connection = await pool.acquire(PlanMode.GENERIC)  # what is done is done to rows that are named
            self.client._connection = connection
            try:
                await self.client.begin()
            except BaseException as error:
                pool.look_at(error)
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
        except asyncpg.InterfaceError:  # on a connection that is closed already: it was not sent
            self.is_unknown = False
            raise
        except BaseException as error:
            said = isinstance(error, asyncpg.PostgresError) and not isinstance(error, asyncpg.PostgresConnectionError)
            self.is_unknown = not said
            if not said:
                # Without asking to cancel it: PostgreSQL would stop waiting for a standby, and call that done.
                _end(self.client._connection)
            pool.look_at(error)
            raise
        self.is_unknown = False

    async def _roll_back(self, error: BaseException) -> None:
        pool: Connections = self.client._parent._pool
        connection = self.client._connection
        pool.look_at(error)
        if _is_lost(connection):
            return
        try:
            async with asyncio.timeout(MENDING_SECONDS):
                await self.client.rollback()
        except Exception as late:
            _end(connection)
            if isinstance(late, TimeoutError):
                pool.renew()


class SafeAsyncpgClient(_Readable):
    """`hosts` says where the database is. `is_away` is set while nothing can be reached there."""

    is_away = False

    def __init__(self, *args: Any, hosts: Hosts, **options: Any) -> None:
        super().__init__(*args, **options)
        self.hosts = hosts

    async def create_pool(self, **options: Any) -> Any:
        options["connect"] = self.hosts.connect
        return Connections(await super().create_pool(**options), lambda: self.is_away)

    def _in_transaction(self) -> TransactionContext:
        return SafeTransactionContext(SafeTransaction(self), self._pool_init_lock)

    async def _translate_exceptions(self, func: Any, *args: Any, **kwargs: Any) -> Any:
        """Tries once more what has certainly not been done, and what only reads."""
        try:
            async with asyncio.timeout(STATEMENT_SECONDS):
                return await super()._translate_exceptions(func, *args, **kwargs)
        except Exception as error:
            pool: Any = self._pool
            if pool is not None:
                pool.look_at(error)
            by_query = func.__name__ in ("execute_query", "execute_query_dict")
            reads = by_query and args[0].lstrip()[:6].upper() == "SELECT"
            if not (failures.may_be_tried_again(error) if reads else failures.was_refused(error)):
                raise
            failures.note_retry("read" if reads else "statement", error)
        async with asyncio.timeout(STATEMENT_SECONDS):
            return await super()._translate_exceptions(func, *args, **kwargs)

    async def fetch(self, sql: str, values: Sequence[object], plans: PlanMode) -> Rows:
        """The rows of one statement, without Tortoise's steps between it and the driver."""
        if self._pool is None:
            async with self.acquire_connection():
                pass
        pool: Any = self._pool
        self.log.debug("%s: %s", sql, values)
        return await pool.fetch(sql, values, plans)


async def connect_apart(client: Any) -> Any:
    """A connection to the client's database that is none of its pool's. Whoever has it closes it."""
    return await client.hosts.connect(
        user=client.user,
        password=client.password,
        database=client.database,
        server_settings={"application_name": "recourse"},
    )


class Apart(_Readable):
    """A client whose connections have none of the pool's limits."""

    def __init__(self, *args: Any, hosts: Hosts, **options: Any) -> None:
        super().__init__(*args, **options)
        self.hosts = hosts

    async def create_pool(self, **options: Any) -> Any:
        return await super().create_pool(connect=self.hosts.connect, **options)


def apart(name: str, *, application_name: str, **server_settings: str) -> Apart:
    """A client with one connection to the database of the connection `name`, with other settings for its session.
    Whoever has it closes it."""
    credentials: dict[str, Any] = dict(get_connections().db_config[name]["credentials"])  # type: ignore[index]
    changed: dict[str, Any] = {
        "application_name": application_name,
        "server_settings": credentials["server_settings"] | server_settings,
        "minsize": 1,
        "maxsize": 1,
    }
    return Apart(connection_name=name, **credentials | changed)


def get_client_class(_config: dict[str, Any]) -> type[SafeAsyncpgClient]:
    return SafeAsyncpgClient
