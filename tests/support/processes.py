"""Servers as processes of their own."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any


def start(
    database: str, files: str, *, heard: bool = True, apart: bool = False, workers: int = 1, **settings: str
) -> "subprocess.Popen[str]":
    """Starts a server on a database. `settings` are named without RECOURSE_; the mode is development unless they say
    otherwise. `heard` collects what it writes to stderr, for the test to read. `apart` puts it into a process group of its
    own, which can be signalled as a whole."""
    given = {"mode": "development", "database_url": database, "files_url": files} | settings
    environment = os.environ | {f"RECOURSE_{name.upper()}": value for name, value in given.items()}
    command = [sys.executable, "-m", "server", "serve", "--port", "0", "--workers", str(workers)]
    return subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if heard else None,
        text=True,
        process_group=0 if apart else None,
    )


@contextlib.contextmanager
def serving(database: str, files: str, count: int = 1, **settings: Any) -> Generator[list[str]]:
    """Starts `count` servers. Yields their addresses."""
    with contextlib.ExitStack() as running:
        processes = [start(database, files, heard=False, **settings) for _ in range(count)]
        for process in processes:
            running.callback(end, process)
        yield [address(process) for process in processes]


def end(process: "subprocess.Popen[str]") -> None:
    """Stops a process, and waits until it is gone."""
    process.terminate()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def strangers_environment(database_url: str | None = None) -> dict[str, str]:
    """The environment of somebody who has set nothing, or nothing but the database."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RECOURSE_")}
    named = {"RECOURSE_DATABASE_URL": database_url} if database_url else {}
    return clean | named | {"PYTHONPATH": str(Path.cwd())}


@contextlib.contextmanager
def demonstrating(folder: Path, environment: dict[str, str]) -> Generator[str]:
    """Serves a demonstration whose files are in the folder. Yields the text that it prints."""
    process = subprocess.Popen(
        [sys.executable, "-m", "server", "demo", "--port", "0"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        said: list[str] = []
        for line in process.stdout:
            said.append(line)
            if line.startswith("Add -H"):
                break
        yield "".join(said)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate()


def address(process: "subprocess.Popen[str]") -> str:
    """Waits until the server listens. Returns its address."""
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"http://\S+:\d+", line):
            return found[0]
    raise AssertionError(process.communicate()[1])
