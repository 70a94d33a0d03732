"""The implementations that are compared: one process each, on the same tables, with a pool of ten connections."""

import contextlib
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from bench import issuer
from bench.issuer import Issuer
from tests.support.node import Command
from tests.support.processes import address

PEERS = Path(__file__).parent / "peers"
SCHEMA = PEERS.parent.parent / "schema.graphql"
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
SERVER_CORE, OTHER_CORE = 1, 0  # OTHER_CORE runs the load generator and PostgreSQL


@dataclass(frozen=True)
class Contender:
    key: str
    name: str
    program: str
    graphql: bool = True  # if not, it has one URL for each operation

    def command(self, node: Command) -> Command:
        if self.program.endswith(".mjs"):
            return [*node, str(PEERS / self.program)]
        return [sys.executable, "-m", *self.program.split()]


RECOURSE = Contender("recourse", "Recourse", "server serve --port 0")
LOADERS = Contender("mercurius", "Mercurius, JIT, loaders", "mercurius.mjs")
ONE_SQL = Contender("mercurius-sql", "Mercurius, JIT, one SQL", "mercurius-sql.mjs")
YOGA = Contender("yoga", "GraphQL Yoga, pg", "yoga.mjs")
IDIOMATIC = Contender("idiomatic", "Strawberry and Tortoise", "bench.peers.idiomatic")
HANDWRITTEN = Contender("handwritten", "hand-written endpoint", "bench.peers.handwritten", graphql=False)
CONTENDERS = (RECOURSE, LOADERS, ONE_SQL, YOGA, IDIOMATIC, HANDWRITTEN)


@dataclass(frozen=True)
class Environment:
    """What the contenders need to run: the database, the issuer of tokens, the command of Node and a folder."""

    database: str
    issuer: Issuer
    node: Command
    folder: Path

    def environment(self, contender: Contender) -> dict[str, str]:
        parts = urlsplit(self.database)
        clean = {name: value for name, value in os.environ.items() if not name.startswith("RECOURSE_")}
        return clean | {
            "RECOURSE_MODE": "production",
            "RECOURSE_DATABASE_URL": self.database,
            "RECOURSE_FILES_URL": str(self.folder / "files"),
            "RECOURSE_JWKS_URL": self.issuer.url,
            "RECOURSE_ISSUER": issuer.NAME,
            "RECOURSE_AUDIENCE": issuer.AUDIENCE,
            "RECOURSE_RATE_PER_ACCOUNT": "1000000/second",  # requests are counted, but the limit is never reached
            "RECOURSE_RATE_PER_ADDRESS": "1000000/second",
            "JWKS_URL": self.issuer.url,
            "ISSUER": issuer.NAME,
            "AUDIENCE": issuer.AUDIENCE,
            "PGHOST": parse_qs(parts.query)["host"][0],
            "PGDATABASE": parts.path.lstrip("/"),
            "PGAPPNAME": contender.key,
            "SCHEMA": str(SCHEMA),
            "NODE_ENV": "production",
        }


@dataclass(frozen=True)
class Server:
    contender: Contender
    url: str
    pid: int
    seconds_to_start: float


@contextlib.contextmanager
def on_core(core: int) -> Generator[None]:
    """Processes started in this block run on that core only, if there are two cores and the system allows it."""
    if len(CORES) < 2:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {CORES[core]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def start(contender: Contender, place: Environment, *arguments: str) -> "subprocess.Popen[str]":
    with on_core(SERVER_CORE), (place.folder / f"{contender.key}.log").open("wb") as log:
        return subprocess.Popen(
            [*contender.command(place.node), *arguments],
            env=place.environment(contender),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )


@contextlib.contextmanager
def start_contenders(contenders: Iterable[Contender], place: Environment) -> Generator[list[Server]]:
    """Starts the contenders one after the other. Their logs are in the environment's folder."""
    with contextlib.ExitStack() as stopping:
        servers: list[Server] = []
        for contender in contenders:
            begun = time.monotonic()
            process = start(contender, place)
            stopping.callback(_stop, process)
            try:
                url = address(process)
            except AssertionError:
                log = (place.folder / f"{contender.key}.log").read_text()
                raise RuntimeError(f"{contender.name} did not start: {log}") from None
            if contender is RECOURSE:
                url = url.removesuffix("/graphql")
                urllib.request.urlopen(f"{url}/readyz").close()
            servers.append(Server(contender, url, process.pid, time.monotonic() - begun))
        yield servers


def _stop(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.communicate(timeout=15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
