"""Where a PostgreSQL database is, and how to connect to it: the first of several hosts that serves what is needed.

Example: with `postgres://…@db1,db2/shop?target_session_attrs=read-write`, db1 is asked first. If it takes no connection
within `connect_timeout`, or is a standby, db2 is asked. The host that served is asked first the next time.
"""

# pyright: reportPrivateUsage=false, reportUnknownMemberType=false, reportUnknownVariableType=false

import socket
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import asyncpg

from models.failures import Unreachable

CONNECT_SECONDS = 3.0  # for each host, unless the URL says otherwise
SILENT_SECONDS = 10  # without an acknowledgement from the network, before the kernel closes a connection

_NEXT_HOST = (OSError, asyncpg.InternalClientError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError)


def _keep_alive(connection: Any) -> None:
    """Makes the kernel notice that a host is gone, also while the connection is idle."""
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
        if hasattr(socket, name):  # some systems lack some of them
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


class Hosts:
    """The hosts of a database, tried in turn.

    `session` is libpq's `target_session_attrs`: what the chosen host must allow. Each host has its own time limit.
    """

    def __init__(
        self,
        addresses: Sequence[tuple[str, int]],
        session: str = "any",
        seconds: float = CONNECT_SECONDS,
        tls: Mapping[str, str] | None = None,
    ) -> None:
        """`tls` holds libpq's parameters `sslmode` and `sslrootcert`."""
        self.addresses = list(addresses)
        self.session = session
        self.seconds = seconds
        self.dsn = f"postgres://?{urlencode(tls)}" if tls else None

    async def connect(self, *_: Any, **options: Any) -> Any:
        """Opens a connection with these options of asyncpg's. Raises Unreachable where no host gives one."""
        sessions = ["standby", "any"] if self.session == "prefer-standby" else [self.session]
        failed: Exception | None = None
        for session in sessions:
            for address in list(self.addresses):
                try:
                    connection = await self._connect(*address, session, options)
                except _NEXT_HOST as error:
                    failed = error
                else:
                    if self.session != "prefer-standby" and len(self.addresses) > 1:
                        self.addresses.remove(address)
                        self.addresses.insert(0, address)
                    return connection
        reason = f"no answer within {self.seconds:g} seconds" if isinstance(failed, TimeoutError) else failed
        raise Unreachable(f"no connection to {', '.join(f'{h}:{p}' for h, p in self.addresses)}: {reason}") from failed

    async def _connect(self, host: str, port: int, session: str, options: dict[str, Any]) -> Any:
        target: dict[str, Any] = {"host": host, "port": port, "target_session_attrs": session}
        target |= {"dsn": self.dsn, "timeout": self.seconds}
        connection: Any = await asyncpg.connect(**(options | target))
        _keep_alive(connection)
        return connection


async def connect_outside_pool(client: Any) -> Any:
    """Opens a connection to the client's database outside of its pool. The caller closes it."""
    return await client.hosts.connect(
        user=client.user,
        password=client.password,
        database=client.database,
        server_settings={"application_name": "recourse"},
    )
