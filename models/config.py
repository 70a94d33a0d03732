"""Tortoise's configuration, made from a database URL."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from models.backends.hosts import CONNECT_SECONDS, Hosts

APPS: dict[str, Any] = {
    "models": {"models": ["models"], "default_connection": "default", "migrations": "models.migrations"}
}
TRANSACTION_SECONDS = 10
POOL_SIZE = 10

_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_SESSIONS = ("any", "read-write", "read-only", "primary", "standby", "prefer-standby")
_PARAMETERS = {"host", "port", "sslmode", "sslrootcert", "target_session_attrs", "connect_timeout"}


def tortoise_config(url: str, replica: str | None = None) -> dict[str, Any]:
    """Returns Tortoise's configuration for `sqlite://PATH` or `postgres://USER:PASSWORD@HOST:PORT,HOST:PORT/NAME`, and
    for a replica of that database.

    A PostgreSQL URL may have libpq's parameters `host` (which may be a socket's folder), `port`, `sslmode`,
    `sslrootcert`, `target_session_attrs` and `connect_timeout`. Raises ValueError for any other URL or parameter.
    """
    connections = {"default": _connection(url)}
    if replica is not None:
        connections["reader"] = _connection(replica)
        if {connection["engine"] for connection in connections.values()} != {"models.backends.asyncpg"}:
            raise ValueError("only a PostgreSQL database can have a replica, which is one too")
    elif url.startswith("sqlite:"):
        # A second connection, since reads on the first one would wait while a transaction runs on it.
        connections["reader"] = _connection(url, query_only=True)
    return {"connections": connections, "apps": APPS, "use_tz": True, "timezone": "UTC"}


def _connection(url: str, **more: Any) -> dict[str, Any]:
    parts = urlsplit(url)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if unknown := query.keys() - (_PARAMETERS if parts.scheme in ("postgres", "postgresql") else set()):
        raise ValueError(f"a database URL cannot have the parameter {', '.join(sorted(unknown))}")
    if parts.scheme == "sqlite":
        path = unquote(parts.netloc + parts.path)
        if not path:
            raise ValueError("an SQLite URL must name a file, like sqlite://var/recourse.db")
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
                "minsize": 0,  # connections are opened when they are needed
                "maxsize": POOL_SIZE,
                "reset": _skip_reset,
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
        raise ValueError("a database URL must begin with sqlite:// or postgres://")
    return connection


def _hosts(authority: str, query: dict[str, str]) -> Hosts:
    """Returns the hosts before the URL's path (`authority`) or in its parameters, each with its port."""
    hosts = [_host_and_port(text) for text in query.get("host", authority or "localhost").split(",")]
    ports = [_port(text) for text in query["port"].split(",")] if "port" in query else [5432]
    if len(ports) not in (1, len(hosts)):
        raise ValueError(f"for {len(hosts)} hosts, give one port or {len(hosts)}")
    ports *= len(hosts) // len(ports)
    addresses = [(host, port or default) for (host, port), default in zip(hosts, ports, strict=True)]
    session = query.get("target_session_attrs", "any")
    if session not in _SESSIONS:
        raise ValueError(f"target_session_attrs must be one of {', '.join(_SESSIONS)}")
    if query.get("sslmode", "prefer") not in _SSL_MODES:
        raise ValueError(f"sslmode must be one of {', '.join(_SSL_MODES)}")
    if (certificate := query.get("sslrootcert")) is not None and not Path(certificate).is_file():
        raise ValueError(f"sslrootcert names no file: {certificate}")
    seconds = query.get("connect_timeout", f"{CONNECT_SECONDS:g}")
    if not re.fullmatch(r"[0-9]{1,4}", seconds, re.ASCII) or not int(seconds):
        raise ValueError("connect_timeout must be a whole number of seconds, at least 1")
    tls = {name: query[name] for name in ("sslmode", "sslrootcert") if name in query}
    return Hosts(addresses, session, float(seconds), tls)


def _host_and_port(text: str) -> tuple[str, int | None]:
    """Returns a host and its port, if it has one. A host is a name, an address, an IPv6 address in brackets, or the
    folder of a socket."""
    match = re.fullmatch(r"\[([^]]+)\](?::(.*))?|(/.*)|([^:]+)(?::(.*))?", text)
    if match is None:
        raise ValueError(f"a database URL must name hosts like db.example:5432, not {text!r}")
    address, port, folder, host, other_port = match.groups()
    port = port or other_port
    return unquote(address or folder or host), _port(port) if port else None


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text, re.ASCII) or not 0 < int(text) < 65536:
        # Without the text, which may be part of a password that has such a character unescaped.
        raise ValueError(
            "a port in a database URL must be between 1 and 65535; in a password, write %2F for /, %3F for ?, %23 for #"
        )
    return int(text)


async def _skip_reset(_connection: object) -> None:
    """Takes the place of asyncpg's reset, which is a round trip. The only setting left in a session is its plan mode,
    which the pool keeps track of. An open transaction is rolled back all the same."""


# For the migrations' writer, which compares models with migrations and connects to nothing.
UNCONNECTED = tortoise_config("sqlite://:memory:")
