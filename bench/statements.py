"""How many SQL statements a request takes, by PostgreSQL's own log: every execution is a line, prepared or not."""

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

# What Recourse asks every second whether anybody watches or not: it follows what other processes commit.
_FOLLOWING = re.compile(
    r"max\(id\)|pg_current_xact_id|pg_snapshot_xmin|\bNOTIFY|\bLISTEN|FROM \"events\" WHERE \"id\">"
)
_RESET = "pg_advisory_unlock_all"  # what asyncpg sends when a connection goes back to its pool


@dataclass(frozen=True)
class Count:
    """Of one request: statements, and the pool's resets beside them."""

    statements: float
    resets: float


async def _set(url: str, level: str) -> None:
    connection = await data.connect(url)
    await connection.execute(f"ALTER SYSTEM SET log_statement = '{level}'")
    await connection.execute("ALTER SYSTEM SET log_line_prefix = '%a|'")
    await connection.execute("SELECT pg_reload_conf()")
    await connection.close()
    await asyncio.sleep(0.3)  # until all backends have read it


@contextlib.contextmanager
def logged(url: str) -> Generator[None]:
    """Logs every statement for as long as the block runs."""
    asyncio.run(_set(url, "all"))
    try:
        yield
    finally:
        asyncio.run(_set(url, "none"))


def count(url: str, server: Server, operation: Operation, requests: int = 20) -> Count:
    """Asks one after the other, inside `logged`."""
    log = Path(parse_qs(urlsplit(url).query)["host"][0]) / "log"
    start = log.stat().st_size
    for asked in operation.asked[:requests]:
        operation.answer(server, asked)
    with log.open("rb") as file:
        file.seek(start)
        text = file.read().decode(errors="replace")
    # A statement's further lines begin with a tab.
    entries = [entry for entry in re.split(r"\n(?!\t)", text) if entry.startswith(f"{server.contender.key}|")]
    sent = [entry for entry in entries if re.search(r"LOG:  (execute|statement)", entry)]
    resets = sum(_RESET in entry for entry in sent)
    asked_for = sum(not _FOLLOWING.search(entry) for entry in sent) - resets
    return Count(asked_for / requests, resets / requests)
