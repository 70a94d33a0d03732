"""Counts the SQL statements of a request in PostgreSQL's log, which has a line for every execution."""

import asyncio
import contextlib
import re
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from bench import data
from bench.contenders import Server
from bench.workload import Operation

# Recourse sends these every second, to follow the commits of other processes.
_FEED_QUERIES = re.compile(
    r"max\(id\)|pg_current_xact_id|pg_snapshot_xmin|\bNOTIFY|\bLISTEN|FROM \"events\" WHERE \"id\">"
)
_RESET = "pg_advisory_unlock_all"  # asyncpg sends this when a connection returns to its pool


@dataclass(frozen=True)
class Count:
    """The statements of one request, and the resets by the connection pool."""

    statements: float
    resets: float


async def _set_log_level(url: str, level: str) -> None:
    connection = await data.connect(url)
    await connection.execute(f"ALTER SYSTEM SET log_statement = '{level}'")
    await connection.execute("ALTER SYSTEM SET log_line_prefix = '%a|'")
    await connection.execute("SELECT pg_reload_conf()")
    await connection.close()
    await asyncio.sleep(0.3)  # until all backends have read the setting


@contextlib.contextmanager
def log_statements(url: str) -> Generator[None]:
    """PostgreSQL logs every statement during this block."""
    asyncio.run(_set_log_level(url, "all"))
    try:
        yield
    finally:
        asyncio.run(_set_log_level(url, "none"))


def count(url: str, server: Server, operation: Operation, requests: int = 20) -> Count:
    """Sends requests one after the other. Must be called inside `log_statements`."""
    log = Path(parse_qs(urlsplit(url).query)["host"][0]) / "log"
    start = log.stat().st_size
    for request in operation.requests[:requests]:
        operation.answer(server, request)
    with log.open("rb") as file:
        file.seek(start)
        text = file.read().decode(errors="replace")
    # The other lines of a statement begin with a tab.
    entries = [entry for entry in re.split(r"\n(?!\t)", text) if entry.startswith(f"{server.contender.key}|")]
    sent = [entry for entry in entries if re.search(r"LOG:  (execute|statement)", entry)]
    resets = sum(_RESET in entry for entry in sent)
    statements = sum(not _FEED_QUERIES.search(entry) for entry in sent) - resets
    return Count(statements / requests, resets / requests)
