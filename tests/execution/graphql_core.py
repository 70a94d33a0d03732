"""Runs graphql-core's own tests of its executor. Only its source distribution contains them."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.node import missing

LOCK = Path("locks/graphql-core.txt").resolve()
INJECTED = Path(__file__).parent / "injected"
TESTS = ["tests/execution", "tests/test_star_wars_query.py", "tests/test_star_wars_introspection.py"]
OUT_OF_REACH = re.compile(r"No matching distribution|Connection ?Error|Timeout|ProxyError|SSLError|name resolution")


@dataclass(frozen=True)
class Suite:
    folder: Path

    def results(self) -> tuple[dict[str, str], int]:
        """Returns the outcome of each test, and the number of executions that compiled code began."""
        path = self.folder / "outcomes.json"
        folders = [self.folder / "plugins", INJECTED, LOCK.parent.parent]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
        own = ["-q", "-c", "../pytest.ini", "--rootdir", ".", "-p", "no:cacheprovider", "-p", "compiled"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *own, "--outcomes", str(path), *TESTS],
            cwd=self.folder / "source",
            env=environment | {"PYTHONPATH": os.pathsep.join(map(str, folders))},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert path.exists(), done.stdout
        told: dict[str, Any] = json.loads(path.read_text())
        return told["outcomes"], told["begun"]


def fetched(folder: Path) -> Suite:
    """Downloads the source distribution, and installs the plugin that its tests need."""
    pip = [sys.executable, "-m", "pip"] if importlib.util.find_spec("pip") else [shutil.which("pip") or ""]
    if pip == [""]:
        missing("there is no pip to fetch graphql-core's tests with")
    options = ["--no-deps", "--no-binary", "graphql-core", "--require-hashes", "--retries", "1", "--timeout", "30"]
    done = subprocess.run(
        [*pip, "download", "--quiet", "--disable-pip-version-check", *options, "-r", str(LOCK), "-d", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        if OUT_OF_REACH.search(done.stderr):
            missing("there is no registry to reach that pip could fetch graphql-core's tests from")
        pytest.fail(f"pip cannot fetch graphql-core's tests: {done.stderr}")
    [source], [plugin] = folder.glob("graphql_core-*.tar.gz"), folder.glob("pytest_describe-*.whl")
    with tarfile.open(source) as archive:
        archive.extractall(folder, filter="data")
    (folder / source.name.removesuffix(".tar.gz")).rename(folder / "source")
    with zipfile.ZipFile(plugin) as archive:
        archive.extractall(folder / "plugins")  # noqa: S202 - pinned by its hash
    (folder / "pytest.ini").write_text("[pytest]\npython_classes = PyTest*\n")
    return Suite(folder)
