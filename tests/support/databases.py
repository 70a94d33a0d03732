"""Databases for tests: empty ones, and copies of one that was migrated once for all workers of a run."""

import asyncio
import contextlib
import fcntl
import itertools
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Generator
from pathlib import Path

from models import database, migrating
from models.config import APPS
from tests.support import postgres
from tests.support.distribution import RUN


class Databases(ABC):
    """`folder` is this worker's own, `shared` that of all workers of the run."""

    def __init__(self, folder: Path, shared: Path) -> None:
        self.folder = folder
        self.shared = shared
        self.numbers = itertools.count(1)

    @abstractmethod
    def empty(self) -> str:
        """Returns the URL of a new database without tables."""

    @abstractmethod
    def migrated(self) -> str:
        """Returns the URL of a new database with all tables."""

    @abstractmethod
    def new_template(self) -> str:
        """Returns the URL of the database, still empty, that `migrated` copies."""

    def prepare_template(self) -> None:
        """Makes the template, unless another worker has."""
        made = self.shared / type(self).__name__
        with made.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists():
                asyncio.run(_migrate(self.new_template()))
                made.touch()


async def _migrate(url: str) -> None:
    async with database.connected(url) as connection:
        await migrating.migrate(APPS, connection)


class SQLiteDatabases(Databases):
    def empty(self) -> str:
        return f"sqlite://{self.folder}/test-{next(self.numbers)}.db"

    def migrated(self) -> str:
        self.prepare_template()
        url = self.empty()
        shutil.copy(self.shared / "template.db", url.removeprefix("sqlite://"))
        return url

    def new_template(self) -> str:
        return f"sqlite://{self.shared}/template.db"


class PostgresDatabases(Databases):
    def __init__(self, folder: Path, shared: Path, server: str) -> None:
        super().__init__(folder, shared)
        self.server = server
        self.template = f"{postgres.PREFIX}{os.environ[RUN]}_template"

    def empty(self) -> str:
        return postgres.create_database(self.server, self._name())

    def migrated(self) -> str:
        self.prepare_template()
        return postgres.create_database(self.server, self._name(), self.template)

    def new_template(self) -> str:
        return postgres.create_database(self.server, self.template)

    def _name(self) -> str:
        return f"{postgres.PREFIX}{os.environ[RUN]}_{os.getpid()}_{next(self.numbers)}"


@contextlib.contextmanager
def made_in(dialect: str, folder: Path, shared: Path) -> Generator[Databases]:
    """They lie in the PostgreSQL that RECOURSE_TEST_DATABASE_URL names a database of, and in one of their own without."""
    if dialect == "sqlite":
        yield SQLiteDatabases(folder, shared)
    elif url := os.environ.get(postgres.SERVER):
        yield PostgresDatabases(folder, shared, url)
    else:
        # One for each worker: the feed waits for all transactions of a server, also for those that another worker holds open.
        with postgres.running() as url:
            yield PostgresDatabases(folder, folder, url)
