"""Databases that hang, take no writes, or move to another address. The tests share one cluster, and each damages it further."""

import contextlib
import signal
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from models import database
from models.backends.asyncpg import STATEMENT_SECONDS
from models.backends.pool import CONNECTIONS_FOR_READING
from models.config import POOL_SIZE
from tests.conftest import TIME, Person, World, codes, on_postgres
from tests.support.forwarder import Forwarder, forwarding
from tests.support.postgres import Postgres, cluster
from tests.support.processes import address, serving, start

pytestmark = on_postgres

ORDER = "query($id: ID!) { node(id: $id) { ... on Order { status } } }"
CANCEL = """mutation($input: RequestCancellationInput!) {
  requestCancellation(input: $input) { userErrors { code } } }"""


@pytest.fixture(scope="module")
def servers() -> Generator[tuple[Postgres, Postgres]]:
    with cluster() as found:
        yield found


@pytest.fixture(scope="module")
def place(servers: tuple[Postgres, Postgres]) -> Generator[Forwarder]:
    """Yields the address of the cluster."""
    with forwarding(servers[0].folder) as forwarder:
        yield forwarder


def url(place: Forwarder) -> str:
    return f"postgres://postgres@127.0.0.1:{place.port}/postgres?sslmode=disable"


@contextlib.contextmanager
def world_at(here: str) -> Generator[World]:
    with httpx2.Client(base_url=here, timeout=60) as http:
        yield World(http)


def until(holds: Callable[[], object], seconds: float) -> float:
    """Waits until the condition holds. Returns how long that took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds
        time.sleep(0.1)
    return time.monotonic() - began


WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


def ready(here: str) -> dict[str, Any]:
    """Returns the answer of `/readyz`, which must arrive within a second. A busy machine gets more time, but less than a
    hanging statement would take."""
    answer = httpx2.get(f"{here}/readyz", timeout=8)
    said = answer.json()
    assert (answer.status_code == 200) == (said["status"] == "ready")
    return said


def at_once(person: Person, body: Any, count: int) -> list[httpx2.Response]:
    with ThreadPoolExecutor(count) as asking:
        return [each.result() for each in [asking.submit(person.send, body) for _ in range(count)]]


def test_a_lost_synchronous_standby_leaves_reads_alone(servers: tuple[Postgres, Postgres], tmp_path: Path) -> None:
    primary, _ = servers
    with serving(primary.url, str(tmp_path)) as [here], world_at(here) as world:
        orders = [world.order("SECURE_PAYMENT") for _ in range(12)]
        assert codes(at_once(world.buyer, TIME, 12)) == [None] * 12
        primary.tell("ALTER SYSTEM SET synchronous_standby_names = 'nobody'", "SELECT pg_reload_conf()")
        with ThreadPoolExecutor(12) as asking:
            try:
                bodies = [
                    {"query": CANCEL, "variables": {"input": {"orderId": order, "reason": "OTHER"}}} for order in orders
                ]
                cancelling = [asking.submit(world.buyer.send, body) for body in bodies]
                until(lambda: primary.tell(WAITING) == POOL_SIZE - CONNECTIONS_FOR_READING, 20)
                assert world.buyer.ask(ORDER, id=orders[0])["node"]["status"] == "AWAITING_PAYMENT"
                assert not any(each.done() for each in cancelling)
            finally:
                primary.tell("ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")
            # On a busy machine, a COMMIT that waited too long meanwhile may also be done.
            assert {*codes([each.result() for each in cancelling])} <= {None, "UNKNOWN_OUTCOME"}


def test_a_replica_that_hangs_is_left_by_all_and_found_again(
    servers: tuple[Postgres, Postgres], tmp_path: Path
) -> None:
    primary, replica = servers
    with serving(primary.url, str(tmp_path), replica_url=replica.url) as [here], world_at(here) as world:
        order = world.order()
        asked = {"query": ORDER, "variables": {"id": order}}
        until(lambda: "errors" not in world.buyer.answer(ORDER, id=order), 10)
        at_once(world.buyer, asked, 10)
        said = ready(here)
        assert (said["replica"], said["status"]) == ("ok", "ready")
        assert said["replicaLagSeconds"] >= 0
        replica.freeze()
        try:
            began = time.monotonic()
            assert codes(at_once(world.buyer, asked, 20)) == [None] * 20
            assert time.monotonic() - began < STATEMENT_SECONDS
            began = time.monotonic()
            assert codes(at_once(world.buyer, asked, 20)) == [None] * 20
            assert time.monotonic() - began < database.REPLICA_SECONDS  # no request waits for it any more
            said = ready(here)
            assert said["status"] == "ready"
            assert "does not answer" in said["replica"]
        finally:
            replica.thaw()
        until(lambda: ready(here)["replica"] == "ok", 10)


def test_a_node_that_takes_no_writes_is_not_ready_until_the_address_leads_elsewhere(
    servers: tuple[Postgres, Postgres], place: Forwarder, tmp_path: Path
) -> None:
    primary, replica = servers
    with serving(url(place), str(tmp_path)) as [here], world_at(here) as world:
        order = world.order("SECURE_PAYMENT")
        body = {"query": CANCEL, "variables": {"input": {"orderId": order, "reason": "OTHER"}}}
        assert ready(here)["status"] == "ready"
        place.to = replica.folder
        place.reset()
        until(lambda: ready(here)["status"] == "not ready", 10)
        said = ready(here)
        assert (said["database"], said["migration"]) == ("ok", "ok")
        assert "standby" in said["writable"]
        answer = world.buyer.send(body)
        assert (answer.status_code, codes([answer])) == (503, ["UNAVAILABLE"])
        assert answer.headers["retry-after"]
        place.to = primary.folder  # and the connections to the standby stay open
        until(lambda: codes([world.buyer.send(body)]) == [None], 5)
        until(lambda: ready(here)["status"] == "ready", 5)


def test_a_primary_that_hangs_is_left_for_the_one_that_takes_over(
    servers: tuple[Postgres, Postgres], place: Forwarder, tmp_path: Path
) -> None:
    primary, replica = servers
    process = start(url(place), str(tmp_path), drain_seconds="0")
    here = address(process)
    with world_at(here) as world:
        orders = [world.order("SECURE_PAYMENT") for _ in range(8)]
        at_once(world.buyer, {"query": ORDER, "variables": {"id": orders[0]}}, 10)

        def cancel(order: str) -> float:
            """Cancels the order, trying again until it succeeds. Returns the time of success."""
            key = f"hang-{order}"
            body = {
                "query": CANCEL,
                "variables": {"input": {"orderId": order, "reason": "OTHER", "idempotencyKey": key}},
            }
            while "errors" in world.buyer.send(body).json():
                time.sleep(0.2)
            return time.monotonic()

        until(lambda: ready(here)["status"] == "ready", 5)
        primary.freeze()
        frozen = time.monotonic()
        with ThreadPoolExecutor(8) as asking:
            cancelling = [asking.submit(cancel, order) for order in orders]
            assert ready(here)["status"] == "not ready"
            replica.promote()
            place.to = replica.folder
            done = [each.result(60) for each in cancelling]
        assert min(done) - frozen < 15  # about 5 unless the machine is busy
        until(lambda: ready(here)["status"] == "ready", 5)
        replica.freeze()
        with ThreadPoolExecutor(2) as asking:
            for order in orders[:2]:
                asking.submit(world.buyer.send, {"query": ORDER, "variables": {"id": order}})
            time.sleep(0.5)
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=18)  # stopping itself may take 10
    # One line for each change of state, and none for each request.
    lines = [line for line in said.splitlines() if "tried again" not in line and not line.startswith("00")]
    assert "Traceback" not in said
    assert len(lines) < 10, said
    assert sum("the database cannot be used" in line for line in lines) <= 2
