"""What the person on call goes by: logs, metrics, rates, limits of time, a replica, starting and stopping."""

import asyncio
import json
import re
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx2
import pytest
from limits import parse
from limits.strategies import SlidingWindowCounterRateLimiter as Limiter

import models
from models import database
from models.keys import new_id
from server import rates
from tests.conftest import DIALECT, Person, Server, World
from tests.issuer import Issuer, token
from tests.postgres import Postgres, credentials
from tests.processes import address, serving, start
from tests.test_feed import read_on
from tests.uploads import announce
from tests.valkey import valkey
from tests.watching import complete, opened, wait_until

TIME = {"query": "query Clock { serverTime }"}
on_postgres = pytest.mark.skipif(DIALECT != "postgres", reason="SQLite has no such thing")


@pytest.fixture
def serve(server: Server) -> Callable[..., Any]:
    """Servers of their own processes on the test's database, with these settings."""
    assert server.settings.files_url is not None
    files = server.settings.files_url

    def started(count: int = 1, **settings: Any) -> Any:
        return serving(server.settings.database, files, count, **settings)

    return started


@contextmanager
def elsewhere(person: Person, url: str) -> Generator[Person]:
    """The same person at another server, by the real clock."""
    with httpx2.Client(base_url=url, timeout=30) as http:
        moved = person.at(None)
        moved.http = http
        yield moved


# ---------------------------------------------------------------- logs


def test_the_log_says_what_happened_and_nothing_of_what_people_say(server: Server, world: World) -> None:
    """Lines of JSON, each with the id of its request."""
    broken, whole = world.order(), complete(world)

    async def break_it(currency: str) -> None:
        await models.Order.filter(id=UUID(hex=broken[4:])).update(currency=currency)

    server.run(lambda: break_it("???"))
    issuer = Issuer()
    with issuer.serving():
        production = issuer.settings(server.settings.database)
        needed = {name: str(getattr(production, name)) for name in ("mode", "jwks_url", "issuer", "audience")}
        process = start(server.settings.database, str(server.settings.files_url), log_level="info", **needed)
        said, errors = "", list[Any]()
        try:
            url = address(process)
            me = token(sub=world.buyer.subject)
            asked = "query Broken($id: ID!) { node(id: $id) { ... on Order { total { amount } } } }"
            left = (
                "mutation Leave($input: LeaveFeedbackInput!) { leaveFeedback(input: $input) { userErrors { code } } }"
            )
            headers = {"Authorization": f"Bearer {me}", "apollographql-client-name": "phone"}
            for id, query, variables in (
                ("from-the-proxy-1", asked, {"id": broken}),
                ("no word at all: \u00fc", asked, {"id": broken}),
                (
                    "from-the-proxy-3",
                    left,
                    {"input": {"orderId": whole, "ratings": {"overall": 5}, "comment": "a secret"}},
                ),
                ("from-the-proxy-4", "query { private words }", {}),
            ):
                answer = httpx2.post(
                    f"{url}/graphql",
                    json={"query": query, "variables": variables},
                    headers=headers | {"x-request-id": id.encode()},  # type: ignore[dict-item]
                )
                if id.isascii():
                    assert answer.headers["x-request-id"] == id
                else:
                    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])
                errors += answer.json().get("errors", [])
        finally:
            process.terminate()
            _, said = process.communicate()
            server.run(lambda: break_it("USD"))
    lines = [json.loads(line) for line in said.splitlines()]
    found = re.search(r"[0-9a-f]{32}", errors[0]["message"])
    assert found
    [failed] = [line for line in lines if found[0] in line["message"]]
    assert (failed["request"], failed["level"]) == ("from-the-proxy-1", "error")
    assert failed["exception"].endswith("KeyError")
    answered = {line["request"]: line for line in lines if line["message"] == "answered"}
    assert (
        answered["from-the-proxy-1"].items() >= {"operation": "Broken", "client": "phone", "code": "INTERNAL"}.items()
    )
    assert answered["from-the-proxy-3"].items() >= {"operation": "Leave", "code": ""}.items()
    assert answered["from-the-proxy-4"].items() >= {"operation": "", "code": "BAD_REQUEST"}.items()
    assert len(answered) == 4
    for unsaid in ("???", "a secret", "private", me, world.buyer.subject):
        assert unsaid not in said


# ---------------------------------------------------------------- metrics


def metrics(url: str) -> dict[str, float]:
    page = httpx2.get(f"{url}/metrics")
    assert page.headers["content-type"].startswith("text/plain")
    lines = (line.rpartition(" ") for line in page.text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def at_rest(found: dict[str, float], workers: int) -> bool:
    """One watches, nothing is asked of the database, and each worker keeps a connection to it."""
    if DIALECT == "sqlite":
        return found["recourse_subscribers"] == 1
    busy, idle = (found[f'recourse_pool_connections{{pool="default",state="{state}"}}'] for state in ("busy", "idle"))
    return (found["recourse_subscribers"], busy) == (1, 0) and idle >= workers


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_counted(serve: Callable[..., Any], world: World, workers: int) -> None:
    order, paid = complete(world), world.order(paidAt=9)
    with serve(workers=workers) as [url], elsewhere(world.buyer, url) as buyer:
        for _ in range(20):  # by new connections, which spread over the workers
            asked = {"query": TIME["query"], "extensions": {"clientLibrary": {"name": "shop"}}}
            headers = {"Authorization": f"Bearer {buyer.token}"}
            assert httpx2.post(f"{url}/graphql", json=asked, headers=headers, timeout=30).status_code == 200
        assert buyer.refused("cancelOrder", {"orderId": paid, "reason": "OTHER"}) == "ALREADY_PAID"
        buyer.answer("{ nothing }")
        with opened(url, buyer) as watching:
            watching.watch("subscription($id: ID!) { orderChanged(orderId: $id) { id } }", id=order)
            watching.ask("query OnSocket { serverTime }")
            wait_until(lambda: at_rest(metrics(url), workers))  # as each worker has looked, at a moment of its own
            found = metrics(url)
    assert found['recourse_requests_total{client="shop",code="",operation="Clock"}'] == 20
    assert found['recourse_requests_total{client="",code="",operation="OnSocket"}'] == 1
    assert found['recourse_requests_total{client="",code="BAD_REQUEST",operation=""}'] == 1
    assert found['recourse_refusals_total{action="CANCEL_ORDER",reason="ALREADY_PAID"}'] == 1
    assert found['recourse_request_seconds_count{operation="Clock"}'] == 20


def test_names_from_outside_are_bounded(serve: Callable[..., Any], world: World) -> None:
    with serve() as [url], elsewhere(world.buyer, url) as buyer:
        for place in range(100):  # who has no token makes no client known
            httpx2.post(f"{url}/graphql", json=TIME, headers={"apollographql-client-name": f"stranger-{place}"})
        for place in range(300):
            buyer.ask(f"query Q{place} {{ serverTime }}")
        buyer.ask(f"query {'Q' * 1000} {{ serverTime }}")
        buyer.send(TIME | {"operationName": "Clock"}, **{"graphql-client-name": "phone"})
        counted = {name: value for name, value in metrics(url).items() if name.startswith("recourse_requests_total")}
    assert counted['recourse_requests_total{client="other",code="UNAUTHENTICATED",operation=""}'] == 100
    assert counted['recourse_requests_total{client="",code="",operation="other"}'] == 101
    assert counted['recourse_requests_total{client="phone",code="",operation="other"}'] == 1
    assert len(counted) == 203


def test_streams_are_counted_by_what_came_of_them(serve: Callable[..., Any], world: World) -> None:
    with serve() as [url], elsewhere(world.buyer, url) as buyer:
        for query in ("query Good { serverTime }", "query Bad { nothing }"):
            answer = buyer.send({"query": query}, Accept="text/event-stream")
            assert answer.headers["content-type"].startswith("text/event-stream")
        counted = metrics(url)
    assert counted['recourse_requests_total{client="",code="",operation="Good"}'] == 1
    assert counted['recourse_requests_total{client="",code="BAD_REQUEST",operation=""}'] == 1
    assert not any(name.startswith("recourse_request_seconds") for name in counted)


# ---------------------------------------------------------------- rates


def codes(answers: list[httpx2.Response]) -> list[str | None]:
    return [
        answer.json()["errors"][0]["extensions"]["code"] if "errors" in answer.json() else None for answer in answers
    ]


def test_an_account_asks_so_often_and_no_more(serve: Callable[..., Any], world: World) -> None:
    with serve(rate_per_account="5/hour") as [url], elsewhere(world.buyer, url) as buyer:
        answers = [buyer.send(TIME) for _ in range(7)]
        assert codes(answers) == [None] * 5 + ["RATE_LIMITED"] * 2
        assert answers[-1].status_code == 429
        assert 0 < int(answers[-1].headers["retry-after"]) <= 3600
        with elsewhere(world.supplier, url) as supplier:
            assert supplier.send(TIME).status_code == 200
        with opened(url, buyer) as watching:  # counted together
            watching.subscribe("{ serverTime }")
            [error] = watching.receive()["payload"]
            assert error["extensions"]["code"] == "RATE_LIMITED"


def test_an_address_asks_so_often_and_no_more(serve: Callable[..., Any], world: World) -> None:
    with serve(rate_per_address="5/hour") as [url], elsewhere(world.buyer, url) as buyer:
        answers = [buyer.send(TIME, Authorization="Bearer nonsense") for _ in range(5)]
        assert {answer.status_code for answer in answers} == {401}
        assert buyer.send(TIME).status_code == 429
        assert httpx2.get(f"{url}/files/{new_id().hex}").status_code == 429
        assert httpx2.get(f"{url}/healthz").status_code == 200
        with pytest.raises(Exception, match="429"), opened(url, buyer):
            pass


def test_nodes_count_together_where_they_share_a_store(serve: Callable[..., Any], world: World) -> None:
    with (
        valkey() as (store, stop),
        serve(2, rate_per_account="10/hour", rate_store=store) as (here, there),
        elsewhere(world.buyer, here) as buyer,
        elsewhere(world.buyer, there) as same,
    ):
        answers = [person.send(TIME) for _ in range(6) for person in (buyer, same)]
        assert codes(answers) == [None] * 10 + ["RATE_LIMITED"] * 2
        stop()
        began = time.monotonic()
        assert codes([buyer.send(TIME) for _ in range(5)]) == [None] * 5  # nobody is held back without it
        assert time.monotonic() - began < 5


def test_what_has_expired_is_cleared_now_and_then() -> None:
    """The library's own store would look through all that it holds at every hit."""
    memory, rate = rates.in_memory(), parse("1/hour")
    limiter = Limiter(memory)
    for place in range(100):
        assert limiter.hit(rate, "account", str(place))
    memory.expirations = dict.fromkeys(memory.expirations, 0.0)
    assert limiter.hit(rate, "account", "a moment later")
    assert len(memory.storage) == 101
    vars(memory)["_MemoryStorage__schedule_expiry"].due_at = 0.0
    assert limiter.hit(rate, "account", "a while later")
    assert len(memory.storage) == 2


def test_rates_that_make_no_sense(server: Server) -> None:
    for wrong in ({"rate_per_account": "often"}, {"rate_store": "ftp://somewhere"}):
        process = start(server.settings.database, str(server.settings.files_url), **wrong)
        _, said = process.communicate(timeout=30)
        assert process.returncode == 1
        assert "The settings make no sense" in said


# ---------------------------------------------------------------- limits of time and size


def raw(url: str, *parts: bytes, pause: float = 0) -> bytes:
    """What the server says to these bytes."""
    place = httpx2.URL(url)
    assert place.port is not None
    said = b""
    with socket.create_connection((place.host, place.port), timeout=20) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(pause)
        while chunk := connection.recv(65536):
            said += chunk
    return said


def test_a_body_that_does_not_come_in_time(serve: Callable[..., Any], world: World) -> None:
    with serve(max_seconds="1") as [url]:
        head = (
            f"POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {world.buyer.token}\r\n"
            "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n"
        )
        assert raw(url, head.encode(), b'{"query":').startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize(("size", "status"), [(60_000, 401), (1_000_000, 431), (20_000_000, 431)])
def test_a_head_is_bounded(serve: Callable[..., Any], size: int, status: int) -> None:
    with serve() as [url]:
        head = b"GET /graphql?query=%7B__typename%7D HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Long: "
        try:
            said = raw(url, head + b"x" * size + b"\r\n\r\n")
        except ConnectionError:  # closed before all of it was sent
            assert status == 431
            return
        assert said.startswith(b"HTTP/1.1 %d" % status)


def test_what_follows_a_body_is_bounded(serve: Callable[..., Any]) -> None:
    with serve() as [url]:
        head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        trailers = b"".join(b"x-%d: %s\r\n" % (place, b"y" * 1000) for place in range(1000))
        try:
            said = raw(url, head + b"2\r\n{}\r\n0\r\n", trailers)
        except ConnectionError:  # closed before all of it was sent
            return
        assert b"HTTP/1.1 431" in said


@contextmanager
def held(url: str, order: str) -> Generator[Callable[[], None]]:
    """Somebody else has the order locked, until told to let go."""
    if DIALECT == "sqlite":
        connection = sqlite3.connect(url.removeprefix("sqlite://"), isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        yield connection.rollback
        connection.close()
        return
    loop = asyncio.new_event_loop()

    async def hold() -> Any:
        connection: Any = await asyncpg.connect(**credentials(url))
        await connection.execute("BEGIN")
        await connection.execute("SELECT 1 FROM orders WHERE id = $1 FOR UPDATE", UUID(hex=order[4:]))
        return connection

    connection = loop.run_until_complete(hold())
    yield lambda: loop.run_until_complete(connection.execute("ROLLBACK"))
    loop.run_until_complete(connection.close())
    loop.close()


def test_a_mutation_that_takes_too_long_is_done_once_all_the_same(
    server: Server, serve: Callable[..., Any], world: World
) -> None:
    order = complete(world)
    world.buyer.send(TIME)  # signs in, which writes the name
    input = {"orderId": order, "ratings": {"overall": 4}, "idempotencyKey": new_id().hex}
    left = (
        "mutation($input: LeaveFeedbackInput!) { leaveFeedback(input: $input) { feedback { id } userErrors { code } } }"
    )
    with (
        serve(max_seconds="1") as [url],
        elsewhere(world.buyer, url) as buyer,
        held(server.settings.database, order) as let_go,
    ):
        for accept, status in (("application/graphql-response+json", 503), ("application/json", 200)):
            answer = buyer.send({"query": left, "variables": {"input": input}}, Accept=accept)
            assert (answer.status_code, codes([answer])) == (status, ["TOO_SLOW"])
        let_go()
        payload = buyer.succeed(
            "leaveFeedback", input, "feedback { id } order { timeline { edges { node { text } } } }"
        )
    texts = [edge["node"]["text"] for edge in payload["order"]["timeline"]["edges"]]
    assert texts.count("The buyer left feedback.") == 1


# ---------------------------------------------------------------- where queries are read


def test_an_open_transaction_keeps_no_reader_waiting(server: Server, world: World) -> None:
    """SQLite would have one connection for both."""
    order = world.order()
    world.buyer.send(TIME)
    entered, let_go = asyncio.Event(), asyncio.Event()

    async def write() -> None:
        async def work() -> None:
            await models.Order.select_for_update().get(id=UUID(hex=order[4:]))
            entered.set()
            await let_go.wait()

        await database.in_transaction(work)

    writing = asyncio.run_coroutine_threadsafe(write(), server.loop)
    server.run(entered.wait)
    began = time.monotonic()
    assert world.buyer.ask("query($id: ID!) { node(id: $id) { id } }", id=order)["node"]["id"] == order
    assert not writing.done()
    assert time.monotonic() - began < database.TRANSACTION_SECONDS / 2
    server.loop.call_soon_threadsafe(let_go.set)
    writing.result(10)


@contextmanager
def replicated(files: Path) -> Generator[tuple[str, str, Postgres, Callable[[str], None]]]:
    """The addresses of a PostgreSQL and of its replica, the replica, and how to tell it something."""
    with (
        tempfile.TemporaryDirectory(prefix="recourse-pg-") as first,
        tempfile.TemporaryDirectory(prefix="recourse-pg-") as second,
    ):
        primary = Postgres(Path(first))
        primary.start()
        replica = Postgres(Path(second), copy_of=primary)
        replica.start()
        url, other = (f"postgres://postgres@/postgres?host={folder}" for folder in (first, second))

        def tell(statement: str) -> None:
            async def work() -> None:
                connection: Any = await asyncpg.connect(user="postgres", database="postgres", host=second)
                await connection.execute(statement)
                await connection.close()

            asyncio.run(work())

        try:
            yield url, other, replica, tell
        finally:
            replica.stop()
            primary.stop()


@on_postgres
def test_queries_are_read_from_a_replica_and_nothing_else_is(tmp_path: Path) -> None:
    status = "query($id: ID!) { node(id: $id) { ... on Order { status } } }"
    with (
        replicated(tmp_path) as (url, other, replica, tell),
        serving(url, str(tmp_path), replica_url=other) as [here],
        httpx2.Client(base_url=here, timeout=30) as http,
    ):
        world = World(http)
        order, agent = world.order(), world.agent

        def seen() -> str:
            return world.buyer.ask(status, id=order)["node"]["status"]

        until = time.monotonic() + 10
        while seen() != "AWAITING_PAYMENT":
            assert time.monotonic() < until
        _, last = read_on(agent, None)
        tell("SELECT pg_wal_replay_pause()")
        cancelled = {"orderId": order, "reason": "OTHER"}
        shown = "order { status timeline { edges { node { text } } } }"
        payload = world.buyer.succeed("cancelOrder", cancelled, shown)
        assert payload["order"]["status"] == "CANCELLED"  # what a mutation answers is what it did
        assert payload["order"]["timeline"]["edges"][-1]["node"]["text"] == "The buyer cancelled the order."
        assert seen() == "AWAITING_PAYMENT"  # read where it is not known yet
        assert world.buyer.refused("cancelOrder", cancelled) == "ALREADY_CANCELLED"  # and decided where it is
        edges, _ = read_on(agent, last)
        assert [edge["node"]["text"] for edge in edges] == ["The buyer cancelled the order."]
        tell("SELECT pg_wal_replay_resume()")
        until = time.monotonic() + 10
        while seen() != "CANCELLED":
            assert time.monotonic() < until
        replica.stop(signal.SIGQUIT)
        assert seen() == "CANCELLED"  # without its replica the database is read


@on_postgres
def test_a_replica_that_says_nothing_is_left_alone(server: Server, world: World) -> None:
    order = world.order()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        other = f"postgres://postgres@127.0.0.1:{silent.getsockname()[1]}/postgres"
        with (
            serving(server.settings.database, str(server.settings.files_url), replica_url=other) as [here],
            elsewhere(world.buyer, here) as buyer,
        ):
            for _ in range(3):  # all but the first without waiting for it
                assert buyer.ask("query($id: ID!) { node(id: $id) { id } }", id=order)["node"]["id"] == order


@on_postgres
def test_a_replica_that_is_none(server: Server) -> None:
    process = start(server.settings.database, str(server.settings.files_url), replica_url="sqlite://x")
    _, said = process.communicate(timeout=30)
    assert "a replica is a PostgreSQL database" in said


# ---------------------------------------------------------------- starting and stopping


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
        elsewhere(world.buyer, url) as buyer,
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
    with elsewhere(world.buyer, address(process)) as buyer:
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
