"""Queries read beside writers, and from a replica."""

import asyncio
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2

import models
from models import database
from models.config import TRANSACTION_SECONDS
from tests.api.test_feed import read_on
from tests.conftest import TIME, Server, World, on_postgres
from tests.support.postgres import cluster
from tests.support.processes import serving, start


def test_an_open_transaction_keeps_no_reader_waiting(server: Server, world: World) -> None:
    """With one connection for both, as in Tortoise's own client, SQLite would make the reader wait."""
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
    assert time.monotonic() - began < TRANSACTION_SECONDS / 2
    server.loop.call_soon_threadsafe(let_go.set)
    writing.result(10)


@on_postgres
def test_queries_are_read_from_a_replica_and_nothing_else_is(tmp_path: Path) -> None:
    status = "query($id: ID!) { node(id: $id) { ... on Order { status } } }"
    with (
        cluster() as (primary, replica),
        serving(primary.url, str(tmp_path), replica_url=replica.url) as [here],
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
        replica.tell("SELECT pg_wal_replay_pause()")
        cancelled = {"orderId": order, "reason": "OTHER"}
        shown = "order { status timeline { edges { node { text } } } }"
        payload = world.buyer.succeed("cancelOrder", cancelled, shown)
        assert payload["order"]["status"] == "CANCELLED"  # a mutation's payload is read from the primary
        assert payload["order"]["timeline"]["edges"][-1]["node"]["text"] == "The buyer cancelled the order."
        assert seen() == "AWAITING_PAYMENT"  # a query reads the replica, which has not replayed the change
        assert world.buyer.refused("cancelOrder", cancelled) == "ALREADY_CANCELLED"  # a mutation decides on the primary
        edges, _ = read_on(agent, last)
        assert [edge["node"]["text"] for edge in edges] == ["The buyer cancelled the order."]
        replica.tell("SELECT pg_wal_replay_resume()")
        until = time.monotonic() + 10
        while seen() != "CANCELLED":
            assert time.monotonic() < until
        replica.stop(signal.SIGQUIT)
        assert seen() == "CANCELLED"  # without the replica, queries read the primary


@on_postgres
def test_a_replica_that_says_nothing_is_left_alone(serve: Callable[..., Any], world: World) -> None:
    order = world.order()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        other = f"postgres://postgres@127.0.0.1:{silent.getsockname()[1]}/postgres"
        with (
            serve(replica_url=other) as [here],
            world.buyer.elsewhere(here) as buyer,
        ):
            for _ in range(3):  # only the first query waits for it
                assert buyer.ask("query($id: ID!) { node(id: $id) { id } }", id=order)["node"]["id"] == order


@on_postgres
def test_a_replica_has_to_be_a_postgresql_database(server: Server) -> None:
    process = start(server.settings.database, str(server.settings.files_url), replica_url="sqlite://x")
    _, said = process.communicate(timeout=30)
    assert "only a PostgreSQL database can have a replica" in said
