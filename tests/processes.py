"""Servers as processes of their own."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Generator


@contextlib.contextmanager
def serving(database: str, files: str, count: int = 1) -> Generator[list[str]]:
    """The addresses of so many servers on that database, in development mode."""
    environment = os.environ | {
        "RECOURSE_DATABASE_URL": database,
        "RECOURSE_FILES_URL": files,
        "RECOURSE_MODE": "development",
    }
    command = [sys.executable, "-m", "server", "serve", "--port", "0"]
    processes = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(count)]
    try:
        yield [_address(process) for process in processes]
    finally:
        for process in processes:
            process.terminate()
            process.communicate()


def _address(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"http://\S+:\d+", line):
            return found[0]
    raise AssertionError("the server did not start")
