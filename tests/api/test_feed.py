"""Events across processes and restarts, and `changes`: one sequence without gaps and duplicates."""

import asyncio
import signal
import tempfile
import threading
from collections import Counter
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx2
import pytest

from models.enums import Role
from resolvers.feed import feed
from resolvers.feed.feed import MAX_WAIT, Feed
from tests.conftest import NOW, Person, Server, World, on_postgres
from tests.support.actions import INPUTS
from tests.support.postgres import Postgres, credentials
from tests.support.processes import address, serving, start
from tests.support.subscriptions import dispute, opened, wait_until

MESSAGES = """subscription($id: ID!) { caseChanged(caseId: $id) { ... on Dispute {
  messages(first: 100) { edges { node { text } } } } } }"""


def texts(told: Any) -> list[str]:
    return [edge["node"]["text"] for edge in told["messages"]["edges"]]


def post(person: Person, case: str, text: str) -> None:
    person.succeed("postDisputeMessage", {"caseId": case, "text": text})


# ---------------------------------------------------------------- across processes


def test_what_one_process_does_is_told_by_another(world: World, two_processes: list[str]) -> None:
    case = dispute(world, world.order(paidAt=9, completedAt=8))
    here, there = two_processes
    with world.supplier.elsewhere(there) as supplier, opened(here, world.buyer) as socket:
        socket.watch(MESSAGES, id=case)
        for place in range(20):
            post(supplier, case, str(place))
        told = [texts(socket.told()) for _ in range(20)]
        assert told[-1] == [str(place) for place in reversed(range(20))]
        assert [len(each) for each in told] == sorted(len(each) for each in told)
        assert socket.is_quiet(1.5)


def test_a_record_from_the_command_line_is_told(server: Server, world: World, two_processes: list[str]) -> None:
    number = f"F-{world.buyer.subject}"
    order = world.order(number=number)
    with opened(two_processes[0], world.buyer) as socket:
        socket.watch("subscription($id: ID!) { orderChanged(orderId: $id) { status } }", id=order)
        world.order(number=number, paidAt=1, recordedAt=-1)
        assert socket.told() == {"status": "PAID"}


@on_postgres
def test_a_notification_is_enough(
    server: Server, world: World, two_processes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    case = dispute(world, world.order(paidAt=9, completedAt=8))
    monkeypatch.setattr(feed, "POLL_SECONDS", 3600.0)
    with world.supplier.elsewhere(two_processes[0]) as supplier, opened(server, world.buyer) as socket:
        socket.watch(MESSAGES, id=case)
        threading.Event().wait(1.5)  # the poll that was already running
        for place in range(5):
            post(supplier, case, str(place))
            assert texts(socket.told())[0] == str(place)


# ---------------------------------------------------------------- across restarts


@contextmanager
def own_postgres() -> Generator[tuple[Postgres, str]]:
    """Starts a PostgreSQL that the test may crash. Yields it with the URL of an empty database."""
    with tempfile.TemporaryDirectory(prefix="recourse-pg-") as folder:
        postgres = Postgres(Path(folder))
        try:
            postgres.start()
            yield postgres, f"postgres://postgres@/postgres?host={folder}"
        finally:
            postgres.stop()


@contextmanager
def breakable(files: Path) -> Generator[tuple[Postgres, str, str, World]]:
    """A PostgreSQL that the test may crash, its URL, a server on it for subscriptions, and a world at another server."""
    with (
        own_postgres() as (postgres, url),
        serving(url, str(files), 2) as (here, there),
        httpx2.Client(base_url=there, timeout=60) as http,
    ):
        yield postgres, url, here, World(http)


@on_postgres
def test_a_subscriber_survives_postgresqls_crash_and_misses_nothing(tmp_path: Path) -> None:
    with breakable(tmp_path) as (postgres, url, here, world):
        case = dispute(world, world.order(paidAt=9, completedAt=8))
        supplier = world.supplier.at(None)
        with opened(here, world.buyer) as socket:
            socket.watch(MESSAGES, id=case)
            post(supplier, case, "before")
            assert texts(socket.told()) == ["before"]
            for crash in range(3):
                postgres.stop(signal.SIGQUIT)
                assert "errors" in supplier.answer("{ viewer { orders { edges { node { id } } } } }")
                postgres.start()
                _post_when_possible(supplier, case, f"after {crash}")
                assert texts(socket.told(20))[0] == f"after {crash}"
            # Without a connection for notifications, the next poll finds it.
            asyncio.run(_end_listening(url))
            post(supplier, case, "unheard")
            assert texts(socket.told())[0] == "unheard"
            assert socket.is_quiet(1.5)


def _post_when_possible(person: Person, case: str, text: str) -> None:
    answer: Any = None
    for _ in range(100):
        answer = person.answer(
            "mutation($input: PostDisputeMessageInput!) { postDisputeMessage(input: $input) { userErrors { code } } }",
            input={"caseId": case, "text": text},
        )
        if "errors" not in answer:
            return
        threading.Event().wait(0.1)
    raise AssertionError(answer)


async def _end_listening(url: str) -> None:
    connection: Any = await asyncpg.connect(**credentials(url))
    ended: list[Any] = []
    while not ended:  # after a crash it takes a second until the server listens again
        ended = await connection.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'NOTIFY%' OR query LIKE 'LISTEN%'"
        )
    await connection.close()


# ---------------------------------------------------------------- changes

CHANGES = """query($first: Int, $after: String) { changes(first: $first, after: $after) {
  edges { cursor node { at action text order { id } relatedCase { id } } } pageInfo { hasNextPage endCursor } } }"""


def read_on(person: Person, after: str | None, first: int = 100) -> tuple[list[Any], str | None]:
    """Returns the new entries and the last cursor."""
    found: list[Any] = []
    while True:
        page = person.ask(CHANGES, first=first, after=after)["changes"]
        found += page["edges"]
        after = page["pageInfo"]["endCursor"] or after
        if not page["pageInfo"]["hasNextPage"]:
            return found, after


def test_all_changes_come_in_the_order_of_their_happening_here(world: World) -> None:
    order = world.order(paidAt=9, completedAt=8)
    case = dispute(world, order)
    world.supplier.succeed("acceptProposal", {"caseId": case})
    # Transactions of other tests on the same PostgreSQL hold the watermark back for a while.
    wait_until(lambda: len(read_on(world.service, None)[0]) == 5)
    found, last = read_on(world.service, None, first=2)
    assert [edge["node"]["text"] for edge in found] == [
        "The order was placed.",
        "The payment was received.",
        "The order was completed.",
        "The buyer opened a dispute.",
        "The proposal was accepted; the dispute is settled.",
    ]
    assert found[-1]["node"]["relatedCase"] == {"id": case}
    assert read_on(world.service, last) == ([], last)
    # A cursor stays valid, and late reports of the order system stay at the place where they arrived.
    world.order(placedAt=500)
    wait_until(lambda: len(read_on(world.service, found[2]["cursor"])[0]) == 3)
    again, _ = read_on(world.service, found[2]["cursor"])
    assert [edge["node"]["text"] for edge in again] == [
        *(e["node"]["text"] for e in found[3:]),
        "The order was placed.",
    ]


def test_only_the_service_that_recorded_an_order_reads_its_changes(world: World) -> None:
    order = world.order("OFFLINE")
    filing = INPUTS["fileComplaint"] | {"orderId": order}
    world.buyer.succeed("fileComplaint", filing)
    other = world.person(Role.SERVICE)
    assert read_on(other, None) == ([], None)
    assert [edge["node"]["order"]["id"] for edge in read_on(world.service, None)[0]] == [order]
    *_, last = read_on(world.agent, None)[0]
    assert last["node"]["action"] == "FILE_COMPLAINT"
    for person in (world.buyer, world.supplier):
        [error] = person.answer(CHANGES)["errors"]
        assert error["extensions"] == {"code": "BAD_REQUEST"}


@pytest.mark.parametrize("after", ["", "x", "MTIz", "é"])
def test_only_cursors_that_were_handed_out_are_taken(world: World, after: str) -> None:
    [error] = world.service.answer(CHANGES, after=after)["errors"]
    assert error["extensions"] == {"code": "BAD_REQUEST"}


def test_nothing_is_left_out_or_twice_while_many_write(server: Server, world: World, two_processes: list[str]) -> None:
    """Eight clients write at two processes, to orders of their own and to one shared order. A ninth client reads
    `changes` meanwhile, in small pages."""
    writers, rounds = 8, 12
    shared = dispute(world, world.order(paidAt=9, completedAt=8))
    before, last = read_on(world.service, None)
    writing = threading.Event()
    found: list[Any] = []

    def write(place: int) -> None:
        url = two_processes[place % 2]
        with (
            world.service.elsewhere(url, NOW) as service,
            world.supplier.elsewhere(url, NOW) as supplier,
            world.buyer.elsewhere(url, NOW) as buyer,
        ):
            for turn in range(rounds):
                batch = [
                    world.record(paidAt=9, completedAt=8, number=f"{world.buyer.subject}-{place}-{turn}-{n}")
                    for n in range(5)
                ]
                recorded = service.succeed("recordOrders", {"orders": batch}, "orders { id }")["orders"]
                for order in recorded:
                    said = {"orderId": order["id"], "ratings": {"overall": 4}}
                    buyer.succeed("leaveFeedback", said)
                post(supplier, shared, f"{place} {turn}")

    def read() -> None:
        nonlocal last
        while not writing.is_set():
            more, last = read_on(world.service, last, first=7)
            found.extend(more)

    reading = threading.Thread(target=read)
    reading.start()
    with ThreadPoolExecutor(writers) as pool:
        list(pool.map(write, range(writers)))
    writing.set()
    reading.join()
    found += read_on(world.service, last)[0]

    cursors = Counter(edge["cursor"] for edge in found)
    assert cursors.most_common(1)[0][1] == 1
    assert len(found) == writers * rounds * (5 * 4 + 1)
    # A second read from the same cursor gives the same sequence: nothing appeared before entries that were returned.
    assert found == read_on(world.service, before[-1]["cursor"])[0]
    steps: dict[str, list[str]] = {}
    for edge in found:
        steps.setdefault(edge["node"]["order"]["id"], []).append(edge["node"]["text"])
    posts = [texts for texts in steps.values() if "A message was written." in texts]
    assert [len(each) for each in posts] == [writers * rounds]
    one_by_one = [
        "The order was placed.", "The payment was received.", "The order was completed.", "The buyer left feedback.",
    ]  # fmt: skip
    assert all(each == one_by_one for each in steps.values() if each not in posts)


@contextmanager
def unfinished(url: str, order: str, count: int = 1) -> Generator[Any]:
    """Opens a transaction with an event of the order. Yields a function that commits it."""
    loop = asyncio.new_event_loop()

    async def begin() -> Any:
        connection: Any = await asyncpg.connect(**credentials(url))
        await connection.execute("BEGIN")
        # Like every writer: it locks or writes something before it takes an event's id.
        await connection.execute("SELECT pg_current_xact_id()")
        for _ in range(count):
            await connection.execute(
                "INSERT INTO events (order_id, at, known_at, facts) VALUES ($1, $2, $2, '{}')", UUID(hex=order[4:]), NOW
            )
        return connection

    connection = loop.run_until_complete(begin())
    yield lambda: loop.run_until_complete(connection.execute("COMMIT"))
    loop.run_until_complete(connection.close())
    loop.close()


@on_postgres
def test_ids_that_a_crash_gives_back_are_not_taken_for_read(tmp_path: Path) -> None:
    """After a crash, PostgreSQL may reuse ids that it gave to transactions that never committed."""
    with breakable(tmp_path) as (postgres, url, here, world):
        order = world.order(paidAt=9, completedAt=8)
        case = dispute(world, order)
        supplier = world.supplier.at(None)
        with world.service.elsewhere(here) as service, opened(here, world.buyer) as socket:
            socket.watch(MESSAGES, id=case)
            with unfinished(url, order, count=100):
                pass  # rolled back
            _, last = read_on(service, None)
            postgres.stop(signal.SIGQUIT)
            postgres.start()
            asyncio.run(_give_back(url))
            _post_when_possible(supplier, case, "after")
            assert texts(socket.told(20)) == ["after"]
            for place in range(10):
                post(supplier, case, str(place))
            assert texts([socket.told() for _ in range(10)][-1])[0] == "9"
            assert len(read_on(service, last)[0]) == 11


async def _give_back(url: str) -> None:
    """Resets the sequence of ids, as a crash sometimes does."""
    connection: Any = await asyncpg.connect(**credentials(url))
    await connection.execute("SELECT setval('events_id_seq', greatest((SELECT max(id) FROM events), 1))")
    await connection.close()


@on_postgres
def test_what_is_committed_late_is_waited_for(server: Server, world: World) -> None:
    order, other = world.order(), world.order()
    _, last = read_on(world.service, None)
    watching = "subscription($id: ID!) { orderChanged(orderId: $id) { id } }"
    with opened(server, world.buyer) as socket, unfinished(server.settings.database, order) as commit:
        socket.watch(watching, id=order)
        socket.watch(watching, id=other)
        world.buyer.succeed("cancelOrder", {"orderId": other, "reason": "OTHER"})
        # Subscribers are told at once. `changes` has to wait for the smaller id, which may still be committed.
        assert socket.told()["id"] == other
        assert read_on(world.service, last) == ([], last)
        commit()
        found, _ = read_on(world.service, last)
        assert [edge["node"]["order"]["id"] for edge in found] == [order, other]
        assert socket.told(MAX_WAIT + 1)["id"] == order
        assert socket.is_quiet(1.5)


# ---------------------------------------------------------------- stopping


@pytest.mark.anyio
@pytest.mark.parametrize("turns", range(4))
async def test_following_ends_also_when_something_is_committed_at_that_moment(turns: int) -> None:
    """The commit happens at each step of the event loop before the end in turn."""
    feed = Feed()
    following = asyncio.create_task(feed._follow())  # pyright: ignore[reportPrivateUsage]
    await asyncio.sleep(0.01)
    feed._woken.set()  # pyright: ignore[reportPrivateUsage]
    for _ in range(turns):
        await asyncio.sleep(0)
    following.cancel()
    done, _ = await asyncio.wait([following], timeout=5)
    following.cancel()
    assert done


def test_streams_end_when_the_server_is_told_to_stop(server: Server, world: World) -> None:
    assert server.settings.files_url is not None
    order = world.order()
    process = start(server.settings.database, server.settings.files_url)
    here = address(process)
    body = {"query": "subscription($id: ID!) { orderChanged(orderId: $id) { id } }", "variables": {"id": order}}
    headers = {"Authorization": f"Bearer {world.buyer.token}", "Accept": "text/event-stream"}
    with (
        httpx2.stream("POST", f"{here}/graphql", json=body, headers=headers, timeout=8) as stream,
        opened(here, world.buyer) as socket,
    ):
        socket.watch(body["query"], id=order)
        process.terminate()
        assert list(stream.iter_text()) == ["event: complete\ndata: \n\n"]
    _, said = process.communicate()
    assert (process.returncode, said) == (-signal.SIGTERM, "")
