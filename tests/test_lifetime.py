"""How servers start, and how they stop."""

import signal
import socket
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2

from tests.conftest import TIME, Server, World
from tests.locks import held
from tests.processes import address, serving, start
from tests.uploads import announce
from tests.watching import complete


def test_three_that_start_at_once_on_an_empty_database(new_database: Callable[[], str], tmp_path: Path) -> None:
    with serving(new_database(), str(tmp_path), 3) as addresses:
        for url in addresses:
            assert httpx2.get(f"{url}/readyz", timeout=30).json() == {"status": "ready"}


def stopped(process: "subprocess.Popen[str]") -> float:
    """The seconds that it took to go, with nothing to complain of."""
    began = time.monotonic()
    _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (-signal.SIGTERM, "")
    return time.monotonic() - began


def test_a_mutation_under_way_is_finished_before_the_server_stops(server: Server, world: World) -> None:
    order = complete(world)
    world.buyer.send(TIME)
    process = start(server.settings.database, str(server.settings.files_url))
    url = address(process)
    with (
        world.buyer.elsewhere(url) as buyer,
        ThreadPoolExecutor(1) as asking,
        held(server.settings.database, order) as let_go,
    ):
        answer = asking.submit(
            buyer.succeed, "leaveFeedback", {"orderId": order, "ratings": {"overall": 4}}, "feedback { id }"
        )
        time.sleep(0.5)
        process.terminate()
        time.sleep(0.5)
        assert not answer.done()
        let_go()
        assert answer.result(10)["feedback"]["id"]
    assert stopped(process) < 10


def test_an_upload_under_way_does_not_keep_a_server_from_stopping(server: Server, world: World, tmp_path: Path) -> None:
    process = start(server.settings.database, str(tmp_path))
    with world.buyer.elsewhere(address(process)) as buyer:
        upload = announce(buyer, b"x" * 1000, "text/plain", "a.txt")
        place = httpx2.URL(upload["url"])
        assert place.port is not None
        with socket.create_connection((place.host, place.port), timeout=20) as connection:
            path = place.raw_path.decode()
            connection.sendall(f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf".encode())
            time.sleep(0.5)
            process.terminate()
            process.communicate(timeout=12)
    assert process.returncode == -signal.SIGTERM
    assert [file.name for file in tmp_path.rglob("*") if file.is_file()] == ["secret"]
