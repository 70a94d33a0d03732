"""Distributes the tests over workers, each of which serves one database: `pytest -n auto`.

A test that uses the fixture `dialect`, mostly through a database, runs once on each database and is named so:
`test_orders.py::test_x[sqlite]`. Any other test runs once, on whichever worker is free; so does a test that needs a
database but would prove the same on either, such as those of the Node clients. With two databases and four workers, `gw0` and `gw2` serve
SQLite, `gw1` and `gw3` PostgreSQL:

    gw0  test_machine.py [sqlite]     test_corpus.py [sqlite]     test_money.py
    gw1  test_machine.py [postgres]   test_migrating.py [postgres]   …

A worker runs a file's tests one after the other, so that fixtures of a module are made once. RECOURSE_TEST_DIALECT
leaves one database. A run without workers, as for a debugger, has one as well: SQLite, unless the variable says otherwise.
"""

import contextlib
import itertools
import os
import signal
import uuid
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import pytest
from xdist.workermanage import WorkerController, parse_tx_spec_config

from tests.support import postgres

DIALECTS = ("sqlite", "postgres")
WORKERS_EACH = 2  # for each database; while one waits, the other one works
RUN = "TEST_RUN"  # every process of a run has this variable, with the run's name

# A worker that takes one of these files last would keep the others waiting, so they come first: longest first.
LONGEST = (
    "tests/policy/test_machine.py",
    "tests/api/test_paths.py",
    "tests/storage/test_migrating.py",
    "tests/execution/test_compiler.py",
    "tests/storage/test_hangs.py",
    "tests/test_bench.py",
    "tests/server/test_lifetime.py",
    "tests/storage/test_faults.py",
    "tests/server/test_cli.py",
    "tests/policy/test_refund_machine.py",
    "tests/api/test_feed.py",
    "tests/api/test_fuzz.py",
    "tests/api/test_corpus.py",
    "tests/test_readme.py",
    "tests/storage/test_failures.py",
)


def dialects(workers: int) -> Sequence[str]:
    """The databases of a run with this many workers; 0 where it has none."""
    if chosen := os.environ.get("RECOURSE_TEST_DIALECT"):
        return [chosen]
    return DIALECTS if workers >= len(DIALECTS) else DIALECTS[:1]


def dialect_of_this_process() -> str:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    served = dialects(int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")))
    return served[int(worker.removeprefix("gw")) % len(served)]


def _is_worker() -> bool:
    return "PYTEST_XDIST_WORKER" in os.environ


# ---------------------------------------------------------------- the tests of a worker


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "only_on(dialect): the test holds on this database only")
    config.addinivalue_line("markers", "either: the test needs a database, and no more than one of them")
    config.addinivalue_line("markers", "slow: `./recourse test --quick` leaves the test out")
    if not _is_worker():
        os.environ[RUN] = uuid.uuid4().hex[:12]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.definition.get_closest_marker("only_on") and "dialect" not in metafunc.fixturenames:
        metafunc.fixturenames.append("dialect")
    if "dialect" in metafunc.fixturenames:
        ids = [pytest.HIDDEN_PARAM] if metafunc.definition.get_closest_marker("either") else None
        metafunc.parametrize("dialect", [dialect_of_this_process()], indirect=True, ids=ids, scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leaves out the tests of other databases."""
    served = dialect_of_this_process()
    only = [(item, item.get_closest_marker("only_on")) for item in items]
    items[:] = [item for item, mark in only if mark is None or mark.args == (served,)]


# ---------------------------------------------------------------- who runs which


class DialectScheduling:
    """Gives each worker one file after the other, of those that it collected."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.expected = len(parse_tx_spec_config(config))
        self.collections: dict[WorkerController, dict[str, int]] = {}  # the index of each test
        self.pending: dict[WorkerController, list[int]] = {}  # tests that were sent and are not done
        self.files: list[list[str]] = []  # that no worker has taken; each a list of tests
        self.scheduled = False

    @property
    def nodes(self) -> list[WorkerController]:
        return list(self.pending)

    @property
    def collection_is_completed(self) -> bool:
        return len(self.collections) >= self.expected

    @property
    def has_pending(self) -> bool:
        return bool(self.files) or any(self.pending.values())

    @property
    def tests_finished(self) -> bool:
        """Whether workers can be stopped. A worker runs its last test only when it knows which test follows, or that none does."""
        return self.collection_is_completed and not self.files and all(len(left) < 2 for left in self.pending.values())

    def add_node(self, node: WorkerController) -> None:
        self.pending[node] = []

    def add_node_collection(self, node: WorkerController, collection: Sequence[str]) -> None:
        self.collections[node] = {test: index for index, test in enumerate(collection)}

    def schedule(self) -> None:
        if not self.scheduled:
            self.scheduled = True
            tests = list(dict.fromkeys(itertools.chain(*self.collections.values())))
            files: dict[tuple[str, tuple[int, ...]], list[str]] = {}
            for test in tests:
                takers = tuple(place for place, known in enumerate(self.collections.values()) if test in known)
                files.setdefault((test.partition("::")[0], takers), []).append(test)
            self.files = [files[key] for key in sorted(files, key=lambda key: _rank(*key))]
            session: Any = self.config.pluginmanager.get_plugin("session")
            session.testscollected = len(tests)  # without this, progress is a share of one worker's tests
        for node in self.nodes:
            self._feed(node)

    def _feed(self, node: WorkerController) -> None:
        """Sends another file where the worker has but one test left; stops the worker where there is none for it."""
        while not node.shutting_down and len(self.pending[node]) < 2:
            indexes = self.collections[node]
            file = next((file for file in self.files if file[0] in indexes), None)
            if file is None:
                node.shutdown()
                return
            self.files.remove(file)
            tests = sorted(indexes[test] for test in file)
            self.pending[node] += tests
            node.send_runtest_some(tests)

    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:
        self.pending[node].remove(item_index)
        self._feed(node)

    def mark_test_pending(self, item: str) -> None:
        raise NotImplementedError

    def remove_pending_tests_from_node(self, node: WorkerController, indices: Sequence[int]) -> None:
        raise NotImplementedError

    def remove_node(self, node: WorkerController) -> str | None:
        """Returns the test during which the worker crashed, if there is one. Drops tests that no other worker can run."""
        left = self.pending.pop(node)
        others = [self.collections.get(other, {}) for other in self.pending]
        self.files = [file for file in self.files if any(file[0] in tests for tests in others)]
        return list(self.collections[node])[left[0]] if left else None


def _rank(file: str, takers: Sequence[int]) -> tuple[int, int]:
    """The longest files first; of the others those that the fewest workers can take."""
    return (LONGEST.index(file) if file in LONGEST else len(LONGEST), len(takers))


def pytest_xdist_make_scheduler(config: pytest.Config) -> DialectScheduling:
    return DialectScheduling(config)


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_auto_num_workers() -> int:
    """Comes before the hook of xdist, which starts a worker for each core."""
    return WORKERS_EACH * len(dialects(len(DIALECTS)))


# ---------------------------------------------------------------- what a run leaves behind


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if _is_worker():
        return
    if url := os.environ.get(postgres.SERVER):
        postgres.drop_databases(url, postgres.PREFIX + os.environ[RUN])
    if left := sorted(_processes_of_this_run()):
        for process, _ in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        commands = "\n".join(command for _, command in left)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        session.config.get_terminal_writer().line(f"\nProcesses that tests left behind:\n{commands}", red=True)


def _processes_of_this_run() -> Generator[tuple[int, str]]:
    """Returns the processes of this run's tests that still run. Works on Linux; elsewhere it finds none."""
    mark = f"{RUN}={os.environ[RUN]}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int(folder.name) != os.getpid() and mark in (folder / "environ").read_bytes().split(b"\0"):
                yield int(folder.name), (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
