"""Recourse as its tables grow: the same pages at 20 thousand orders and at many more, and what an order takes on disk."""

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import data, report
from bench.contenders import OTHER_CORE, RECOURSE, Place, Server, on_core, running
from bench.data import Shape
from bench.issuer import Issuer, issuing
from bench.load import Load, Round, generating
from bench.workload import DOCUMENTS, Asked, Operation
from models.enums import Action, OrderKind, OrderStatus
from resolvers.page import encode_cursor
from tests import postgres
from tests.node import Command

FEW, ORDERS = 20_000, 2_000_000
BOUND = 1.2  # how much more a page may take
SEARCH_MS = 50.0
LARGE, SMALL = 0, 1  # buyers: one has a twentieth of all orders, the other has ten; the first supplier has a tenth
_PAGES = 1000  # the page that is far down, where a list has so many
_FIRST = 20

_HEAD = "query AllOrders($first: Int!, $after: String) {"
_ANY = "query AllOrders($first: Int, $after: String, $last: Int, $before: String, $filter: OrderFilter) {"
_ARGUMENTS = "orders(first: $first, after: $after)"
_ANY_ARGUMENTS = "orders(first: $first, after: $after, last: $last, before: $before, filter: $filter)"
_BUYERS = (
    Action.LEAVE_FEEDBACK,
    Action.REVISE_FEEDBACK,
    Action.CANCEL_ORDER,
    Action.REQUEST_CANCELLATION,
    Action.WITHDRAW_CANCELLATION,
    Action.OPEN_DISPUTE,
    Action.FILE_COMPLAINT,
)
_SUPPLIERS = (Action.REPLY_TO_FEEDBACK, Action.ACCEPT_CANCELLATION)
_SEARCHES = {"one order's number": "{number}", "a word of every third": "oak", "a word of none": "chandelier"}


def shape(orders: int) -> Shape:
    return Shape(
        orders=orders,
        buyers=orders // 100,
        suppliers=orders // 400,
        buyer="CASE WHEN i % 20 = 7 THEN 0 WHEN i % ({orders} / 10) = 11 THEN 1 ELSE 2 + i % ({buyers} - 2) END",
        supplier="CASE WHEN i % 10 = 3 THEN 0 ELSE 1 + i % ({suppliers} - 1) END",
        # Scattered, so that every stage is as frequent among one buyer's orders and in every stretch of time.
        stage="(i::bigint * 2654435761 / 65536 % 100)::int",
    )


@dataclass(frozen=True)
class Case:
    """A page that somebody asks for. `search` is bounded for itself: it may take longer the more there is to search."""

    title: str
    asked: Asked
    search: bool = False
    feedback: bool = False

    def operation(self, number: int) -> Operation:
        text = (DOCUMENTS / "AllOrders.graphql").read_text().replace(_HEAD, _ANY).replace(_ARGUMENTS, _ANY_ARGUMENTS)
        if self.feedback:
            text = (DOCUMENTS / "FeedbackManagement.graphql").read_text()
        return Operation(f"case-{number}", self.title, [self.asked], text=text)


async def cases(url: str, issuer: Issuer) -> list[Case]:
    connection = await data.connect(url)
    made: list[Case] = []

    async def places(column: str, who: str) -> tuple[str, str]:
        """The token of an account, and the cursor before its thousandth page, or before its last one."""
        found = await connection.fetchrow("SELECT id, role, name FROM accounts WHERE subject = $1", who)
        count = await connection.fetchval(f"SELECT count(*) FROM orders WHERE {column} = $1", found["id"])
        depth = max(0, min((_PAGES - 1) * _FIRST, count - 2 * _FIRST))
        order = f"WHERE {column} = $1 ORDER BY placed_at DESC, id DESC OFFSET $2 LIMIT 1"
        row = await connection.fetchrow(f"SELECT id, placed_at FROM orders {order}", found["id"], depth)
        return issuer.token(who, found["role"], found["name"]), encode_cursor(row["placed_at"], row["id"])

    def add(title: str, token: str, *, search: bool = False, feedback: bool = False, **variables: Any) -> None:
        paged = variables if "last" in variables else {"first": _FIRST} | variables
        made.append(Case(title, Asked(token, paged), search, feedback))

    for column, who, name, actions in (
        ("buyer_id", f"buyer-{LARGE}", "large buyer", _BUYERS),
        ("supplier_id", "supplier-0", "large supplier", _SUPPLIERS),
    ):
        token, far = await places(column, who)
        add(f"{name}: first page", token)
        add(f"{name}: thousandth page, or the last", token, after=far)
        add(f"{name}: the page before it, backwards", token, last=_FIRST, before=far)
        add(f"{name}: the oldest page, backwards", token, last=_FIRST)
        for kind in OrderKind:
            add(f"{name}: kind {kind}", token, filter={"kinds": [kind]})
        for status in OrderStatus:
            add(f"{name}: status {status}", token, filter={"statuses": [status]})
        for action in actions:
            add(f"{name}: can {action}", token, filter={"can": action})
            add(f"{name}: can {action}, far down", token, after=far, filter={"can": action})
        add(f"{name}: feedback", token, feedback=True)
        number = await connection.fetchval("SELECT number FROM orders ORDER BY placed_at LIMIT 1 OFFSET 500")
        for what, text in _SEARCHES.items():
            add(f"{name}: search for {what}", token, search=True, filter={"search": text.format(number=number)})
    token, _ = await places("buyer_id", f"buyer-{SMALL}")
    add("buyer of ten: first page", token)
    for action in _BUYERS:
        add(f"buyer of ten: can {action}", token, filter={"can": action})
    await connection.close()
    return made


async def _sizes(url: str) -> list[list[str]]:
    """Bytes per order of each table and of its indexes."""
    connection = await data.connect(url)
    orders = await connection.fetchval("SELECT count(*) FROM orders")
    rows = await connection.fetch(
        "SELECT relname, pg_table_size(oid), pg_indexes_size(oid) FROM pg_class WHERE relkind = 'r'"
        " AND relnamespace = 'public'::regnamespace AND pg_table_size(oid) >= $1 ORDER BY 2 DESC",
        orders,
    )
    indexes = await connection.fetch(
        "SELECT c.relname, pg_relation_size(c.oid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " WHERE i.indrelid = 'orders'::regclass ORDER BY 2 DESC"
    )
    await connection.close()
    sizes = [[name, f"{table / orders:.0f}", f"{index / orders:.0f}"] for name, table, index in rows]
    whole = ["all", *(f"{sum(row[place] for row in rows) / orders:.0f}" for place in (1, 2))]
    return [*sizes, whole, *([f"index {name}", "", f"{size / orders:.0f}"] for name, size in indexes)]


@dataclass(frozen=True)
class _Grown:
    """What was measured at one size."""

    rounds: dict[str, tuple[Case, Round]]
    sizes: list[list[str]]
    version: str


def _at(orders: int, seconds: float, node: Command, tell: Callable[[str], None]) -> _Grown:
    def told(what: str) -> None:
        tell(f"{orders:,} orders: {what}")

    with tempfile.TemporaryDirectory(prefix="recourse-bench-") as folder, on_core(OTHER_CORE), postgres.running() as url:
        asyncio.run(data.fill(url, shape(orders), lambda what: told(f"making {what}")))
        with issuing() as issuer, generating(place := Place(url, issuer, node, Path(folder))) as load:
            asked = asyncio.run(cases(url, issuer))
            with running([RECOURSE], place) as [server]:
                rounds: dict[str, tuple[Case, Round]] = {}
                for number, case in enumerate(asked):
                    told(case.title)
                    rounds[case.title] = case, _round(load, server, case.operation(number), seconds)
        return _Grown(rounds, asyncio.run(_sizes(url)), asyncio.run(data.version(url)))


def _round(load: Load, server: Server, operation: Operation, seconds: float) -> Round:
    """One connection, so that a request's time is its own."""
    load.round(server, operation, seconds / 3, connections=1)
    return load.round(server, operation, seconds, connections=1)


def grow(orders: int, seconds: float, node: Command, tell: Callable[[str], None]) -> None:
    """Measures at 20 thousand orders and at `orders`, prints and writes down."""
    begun = time.monotonic()
    few, many = (_at(number, seconds, node, tell) for number in (FEW, orders))
    rows = [["page", "CPU ms", f"at {orders:,}", "times", "p50 ms", f"at {orders:,}", "times", "within the bound"]]
    for title, (case, now) in many.rounds.items():
        before = few.rounds[title][1]
        cpu, latency = now.cpu / before.cpu, now.p50 / before.p50
        within = now.p50 <= SEARCH_MS if case.search else cpu <= BOUND and latency <= BOUND
        rows.append(
            [
                title,
                f"{before.cpu:.2f}",
                f"{now.cpu:.2f}",
                f"{cpu:.2f}",
                f"{before.p50:.1f}",
                f"{now.p50:.1f}",
                f"{latency:.2f}",
                "yes" if within else "no",
            ]
        )
    lines = [
        f"{FEW:,} orders, and {orders:,}: of these a large buyer has {orders // 20:,}, a large supplier {orders // 10:,}, and a"
        " small buyer ten. One connection. CPU is the server's, without PostgreSQL's, which is in the time. The bounds:"
        f" {BOUND} times as much, and {SEARCH_MS:.0f} ms for a search.",
        "",
        *report.lines_of(rows),
        "",
        f"Bytes per order, at {orders:,}:",
        "",
        *report.lines_of([["table", "table", "indexes"], *many.sizes]),
    ]
    report.write(report.GROWTH, [*report.versions(node, many.version), "", *lines])
    tell("")
    sys.stdout.write("\n".join(lines) + f"\n\nIt took {time.monotonic() - begun:.0f} s; {report.RESULTS.name} has it.\n")
