"""Starting and stopping servers."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.settings import Settings
from tests.conftest import TIME, Server, World
from tests.support.locks import held, wait_for_a_waiter
from tests.support.processes import address, serving, start
from tests.support.subscriptions import ORDER, complete, opened, wait_until
from tests.support.uploads import announce

pytestmark = pytest.mark.slow


@pytest.mark.either  # that they migrate in turns is shown on both in test_cli.py
def test_three_servers_can_start_at_once_on_an_empty_database(new_database: Callable[[], str], tmp_path: Path) -> None:
    with serving(new_database(), str(tmp_path), 3) as addresses:
        for url in addresses:
            assert httpx2.get(f"{url}/readyz", timeout=30).json()["status"] == "ready"


def has_stopped(process: "subprocess.Popen[str]") -> bool:
    """Waits until the process stops. Returns whether it ended by the signal, with an empty log."""
    _, said = process.communicate(timeout=60)
    return (process.returncode, said) == (-signal.SIGTERM, "")


@pytest.mark.parametrize(
    ("settings", "seconds"),
    [
        ({"mode": "production"}, 5),
        ({"mode": "development"}, 0),
        ({"mode": "production", "drain_seconds": "0"}, 0),
        ({"mode": "development", "drain_seconds": "2.5"}, 2.5),
    ],
)
def test_the_time_to_drain_depends_on_the_mode(settings: dict[str, Any], seconds: float) -> None:
    assert Settings(**settings).drain == seconds


@pytest.mark.parametrize("seconds", ["-1", "soon", ""])
def test_the_time_to_drain_is_a_number_of_seconds(seconds: Any) -> None:
    with pytest.raises(ValueError, match="drain_seconds"):
        Settings(drain_seconds=seconds)


def statuses(url: str, times: int = 1) -> set[tuple[int, str]]:
    """Returns the statuses of /readyz, each asked for over a new connection."""
    answers = [httpx2.get(f"{url}/readyz", timeout=30) for _ in range(times)]
    return {(answer.status_code, answer.json()["status"]) for answer in answers}


def is_refused(url: str) -> bool:
    try:
        httpx2.get(f"{url}/healthz", timeout=30)
    except httpx2.ConnectError:
        return True
    except httpx2.HTTPError:  # in the middle of the body
        return False
    return False


STOPPING = {(503, "stopping")}


@contextlib.contextmanager
def started(server: Server, workers: int = 1, **settings: Any) -> Generator[tuple["subprocess.Popen[str]", str]]:
    given = {"files": str(server.settings.files_url)} | settings
    process = start(server.settings.database, workers=workers, **given)
    try:
        url = address(process)
        wait_until(lambda: statuses(url, 4 * workers) == {(200, "ready")})
        yield process, url
    finally:
        if process.poll() is None:
            process.terminate()
            process.send_signal(signal.SIGINT)
        process.communicate()


def test_a_mutation_under_way_is_finished_before_the_server_stops(server: Server, world: World) -> None:
    order = complete(world)
    with (
        started(server) as (process, url),
        world.buyer.elsewhere(url) as buyer,
        ThreadPoolExecutor(1) as asking,
    ):
        buyer.send(TIME)
        with held(server.settings.database, order) as let_go:
            answer = asking.submit(
                buyer.succeed, "leaveFeedback", {"orderId": order, "ratings": {"overall": 4}}, "feedback { id }"
            )
            wait_for_a_waiter(server.settings.database)
            process.terminate()
            time.sleep(0.5)
            assert not answer.done()
            let_go()
            assert answer.result(30)["feedback"]["id"]
        assert has_stopped(process)


@pytest.mark.either
def test_an_upload_under_way_does_not_keep_a_server_from_stopping(server: Server, world: World, tmp_path: Path) -> None:
    with started(server, files=str(tmp_path)) as (process, url), world.buyer.elsewhere(url) as buyer:
        upload = announce(buyer, b"x" * 1000, "text/plain", "a.txt")
        place = httpx2.URL(upload["url"])
        assert place.port is not None
        with socket.create_connection((place.host, place.port), timeout=20) as connection:
            path = place.raw_path.decode()
            connection.sendall(f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf".encode())
            wait_until(lambda: any(tmp_path.glob("incoming/*")))  # where the upload is written while it arrives
            process.terminate()
            process.communicate(timeout=60)
        assert process.returncode == -signal.SIGTERM
    assert [file.name for file in tmp_path.rglob("*") if file.is_file()] == ["secret"]


@pytest.mark.either
@pytest.mark.parametrize("workers", [1, 2])
def test_a_server_that_is_told_to_stop_says_so_and_goes_on_until_it_does(
    server: Server, world: World, workers: int
) -> None:
    order = complete(world)
    world.buyer.send(TIME)
    with started(server, workers, drain_seconds="600") as (process, url), world.buyer.elsewhere(url) as buyer:
        headers = {"Authorization": f"Bearer {buyer.token}", "Accept": "text/event-stream"}
        body = {"query": ORDER, "variables": {"id": order}}
        with (
            httpx2.stream("POST", f"{url}/graphql", json=body, headers=headers, timeout=30) as stream,
            opened(url, world.buyer) as watching,
        ):
            process.terminate()
            wait_until(lambda: statuses(url, 4 * workers) == STOPPING)
            assert httpx2.get(f"{url}/healthz").json() == {"status": "alive"}
            assert buyer.send(TIME).headers["connection"] == "close"
            assert set(watching.ask("{ serverTime }")) == {"serverTime"}
            buyer.succeed("leaveFeedback", {"orderId": order, "ratings": {"overall": 4}})
            told = stream.iter_text()
            assert next(told).startswith("event: next")
            process.terminate()  # a second time
            process.wait(60)
            assert [part for part in told if "event: next" in part] == []
        _, said = process.communicate()
        assert said == ""
        assert is_refused(url)


@pytest.mark.either
def test_a_server_stops_by_itself_once_it_has_said_so(server: Server) -> None:
    with started(server, drain_seconds="1") as (process, url):
        process.terminate()
        wait_until(lambda: is_refused(url) or statuses(url) == STOPPING)
        process.wait(60)
        assert process.communicate()[1] == ""


@pytest.mark.either
def test_ctrl_c_stops_at_once(server: Server) -> None:
    with started(server, 2, drain_seconds="600") as (process, _):
        process.send_signal(signal.SIGINT)
        process.wait(60)


@pytest.mark.either
def test_a_worker_that_is_signalled_with_its_parent_goes_on_until_it_stops(server: Server) -> None:
    """Some service managers signal all processes of a service."""
    with started(server, 2, apart=True, drain_seconds="600") as (process, url):
        os.killpg(process.pid, signal.SIGTERM)
        wait_until(lambda: statuses(url, 8) == STOPPING)
        time.sleep(1)  # time for the parent to pass the signal on
        assert statuses(url, 8) == STOPPING
        process.send_signal(signal.SIGTERM)
        process.wait(60)
