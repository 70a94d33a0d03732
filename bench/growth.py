"""Measures how Recourse scales: the same pages with 20 thousand orders and with many more, and bytes per order."""

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import data, report
from bench.contenders import OTHER_CORE, RECOURSE, Environment, Server, on_core, start_contenders
from bench.data import Shape
from bench.issuer import Issuer, run_issuer
from bench.load import Load, Round, run_load_generator
from bench.workload import DOCUMENTS, Operation, Request
from models.enums import Action, CaseOrder, OrderKind, OrderStatus, RefundStatus, Role, ViewerState
from resolvers.orders.partitions import partitions
from resolvers.read.pagination import encode_cursor
from tests.support import postgres
from tests.support.node import Command

FEW, ORDERS = 20_000, 2_000_000
SECONDS, ROUNDS = 0.25, 5
BOUND = 1.2  # a page may take this many times as long
SEARCH_MS = 50.0
# Buyers: one has 1/20 of all orders, the other ten. The first supplier has 1/10, the second some hundreds.
LARGE, SMALL = 0, 1
_PAGES = 1000  # the page far down, if the list has that many
_SIZE, _PAGES_MEASURED = 20, 5
_MAX_RETRIES = 4  # how often a page is measured again if a measurement was probably disturbed

_WHOLE = {  # the document's text, and its replacement, which can select any page of any list
    "query AllOrders($first: Int!, $after: String)": "query AllOrders($first: Int, $after: String, $last: Int,"
    " $before: String, $filter: OrderFilter)",
    "orders(first: $first, after: $after)": "orders(first: $first, after: $after, last: $last, before: $before,"
    " filter: $filter)",
    "query FeedbackManagement($first: Int!)": "query FeedbackManagement($first: Int!, $after: String,"
    " $filter: FeedbackFilter)",
    "feedback(first: $first)": "feedback(first: $first, after: $after, filter: $filter)",
}
_BUYERS = (
    Action.LEAVE_FEEDBACK,
    Action.REVISE_FEEDBACK,
    Action.CANCEL_ORDER,
    Action.REQUEST_CANCELLATION,
    Action.WITHDRAW_CANCELLATION,
    Action.OPEN_DISPUTE,
    Action.FILE_COMPLAINT,
    Action.REPORT_MISSING_REFUND,
)
_SUPPLIERS = (Action.REPLY_TO_FEEDBACK, Action.ACCEPT_CANCELLATION)
_REFUNDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("all", {}),
    ("owed", {"statuses": [RefundStatus.DUE]}),
    ("arrived", {"statuses": [RefundStatus.SUCCEEDED]}),
    ("not owed any more", {"statuses": [RefundStatus.VOID]}),
    ("overdue", {"overdue": True}),
    ("reported", {"reportedMissing": True}),
)
_TEXTS = {
    "Refunds": """query Refunds($first: Int, $after: String, $filter: RefundFilter, $orderBy: CaseOrder) {
  viewer { refunds(first: $first, after: $after, filter: $filter, orderBy: $orderBy) {
    edges { cursor node { id status amount { amount currencyCode } dueBy isOverdue order { number } } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }""",
    "Disputes": """query Disputes($first: Int, $after: String, $filter: DisputeFilter) {
  viewer { disputes(first: $first, after: $after, filter: $filter) {
    edges { cursor node { id number status viewerState order { number } } } pageInfo { hasNextPage endCursor } } } }""",
    "Agenda": """query Agenda($first: Int, $after: String, $within: Int) {
  viewer { agenda(first: $first, after: $after, within: $within) {
    edges { cursor node { id at kind text order { number } decision { label } } }
    pageInfo { hasNextPage endCursor } } } }""",
    "Counts": """query Counts { viewer { counts { actionRequired feedbackToLeave feedbackToRevise feedbackToAnswer
  openCancellations openDisputes openComplaints refundsOverdue } } }""",
}
_WAITING: tuple[tuple[str, str, dict[str, Any]], ...] = (  # a title, a document and its variables
    ("counts", "Counts", {}),
    ("agenda", "Agenda", {}),
    ("agenda of a year", "Agenda", {"within": 365}),
    ("orders with a waiting case", "AllOrders", {"filter": {"actionRequired": True}}),
    ("orders without one", "AllOrders", {"filter": {"actionRequired": False}}),
    *((f"disputes, {state}", "Disputes", {"filter": {"viewerStates": [state]}}) for state in ViewerState),
)
_NOT_OVER = (OrderStatus.AWAITING_PAYMENT, OrderStatus.PAYMENT_PROCESSING, OrderStatus.PAID, OrderStatus.SHIPPED)


def shape(orders: int) -> Shape:
    return Shape(
        orders=orders,
        buyers=orders // 100,
        suppliers=orders // 400,
        buyer="CASE WHEN i % 20 = 7 THEN 0 WHEN i % ({orders} / 10) = 11 THEN 1 ELSE 2 + i % ({buyers} - 2) END",
        supplier="CASE WHEN i % 10 = 3 THEN 0 ELSE 1 + i % ({suppliers} - 1) END",
        # The ten orders of the small buyer have the same stages in both databases. The others are scattered, so every
        # stage is equally frequent for each party and in each period.
        stage="CASE WHEN i % ({orders} / 10) = 11 THEN i / ({orders} / 10) * 37 % 100"
        " ELSE (i::bigint * 2654435761 / 65536 % 100)::int END",
    )


@dataclass(frozen=True)
class Case:
    """Consecutive pages of a list, compared with `base`: the first pages of the same list in the small database.

    A `search` has a limit in milliseconds instead, because it takes longer in larger tables.
    """

    title: str
    base: str
    token: str
    variables: dict[str, Any]
    search: bool = False
    document: str = "AllOrders"

    def operation(self, server: Server, name: str) -> Operation:
        """Returns the operation for consecutive full pages, which have the same length in both databases."""
        if self.document == "OrderDetail":
            listed = replace(self, document="AllOrders").operation(server, name)
            edges = listed.answer(server, listed.requests[0])["viewer"]["orders"]["edges"][:_PAGES_MEASURED]
            one_each = [Request(self.token, {"id": edge["node"]["id"]}) for edge in edges]
            return Operation(name, self.title, one_each, text=(DOCUMENTS / f"{self.document}.graphql").read_text())
        text = _TEXTS.get(self.document) or (DOCUMENTS / f"{self.document}.graphql").read_text()
        for written, whole in _WHOLE.items():
            text = text.replace(written, whole)
        if self.document == "Counts":
            return Operation(name, self.title, [Request(self.token, {})], text=text)
        backwards = "last" in self.variables
        asked: list[Request] = []
        following = self.variables
        while len(asked) < _PAGES_MEASURED:
            page = Operation(name, self.title, [], text=text).answer(server, Request(self.token, following))["viewer"]
            [told] = [page[field] for field in ("orders", "feedback", "refunds", "disputes", "agenda") if field in page]
            if asked and len(told["edges"]) < _SIZE:
                break
            asked.append(Request(self.token, following))
            info = told["pageInfo"]
            if not info["hasPreviousPage" if backwards else "hasNextPage"]:
                break
            following = self.variables | (
                {"before": info["startCursor"]} if backwards else {"after": info["endCursor"]}
            )
        return Operation(name, self.title, asked, text=text)


class _Party:
    """A buyer or a supplier, and positions in their lists."""

    def __init__(self, connection: Any, issuer: Issuer, column: str, account: Any) -> None:
        self.connection, self.column, self.id = connection, column, account["id"]
        self.role = Role(account["role"])
        self.token = issuer.token(account["subject"], account["role"], account["name"])

    @classmethod
    async def find(cls, connection: Any, issuer: Issuer, column: str, who: str) -> "_Party":
        found = "SELECT id, subject, role, name FROM accounts WHERE subject = $1"
        return cls(connection, issuer, column, await connection.fetchrow(found, who))

    async def position_far_down(self, filter: dict[str, Any]) -> Any:
        """Returns the order before the thousandth page, or before the last pages; None if the list is short."""
        values: list[object] = [self.id]

        def bind(value: object) -> str:
            values.append(value)
            return f"${len(values)}"

        parts = partitions(self.role, filter.get("kinds"), filter.get("statuses"), filter.get("can"))
        now = datetime.now(UTC)
        either = (
            "TRUE" if parts is None else " OR ".join(f"({part.sql(bind, self.role, now)})" for part in parts) or "FALSE"
        )
        rows = f"FROM orders WHERE {self.column} = $1 AND ({either})"
        count = await self.connection.fetchval(f"SELECT count(*) {rows}", *values)
        depth = min((_PAGES - 1) * _SIZE, count - (_PAGES_MEASURED + 1) * _SIZE)
        if depth < _SIZE:
            return None
        found = f"SELECT id, placed_at, number {rows} ORDER BY placed_at DESC, id DESC OFFSET {depth} LIMIT 1"
        return await self.connection.fetchrow(found, *values)


async def cases(url: str, issuer: Issuer) -> list[Case]:
    """Returns the cases of the large buyer, the large supplier and the small buyer."""
    connection = await data.connect(url)
    made: list[Case] = []
    for column, who, name, actions, rating in (
        ("buyer_id", f"buyer-{LARGE}", "large buyer", _BUYERS, Action.REVISE_FEEDBACK),
        ("supplier_id", "supplier-0", "large supplier", _SUPPLIERS, Action.REPLY_TO_FEEDBACK),
    ):
        party = await _Party.find(connection, issuer, column, who)
        filters: list[tuple[str, dict[str, Any]]] = [("all", {})]
        filters += [(f"kind {kind}", {"kinds": [kind]}) for kind in OrderKind]
        filters += [(f"status {status}", {"statuses": [status]}) for status in OrderStatus]
        filters += [(f"can {action}", {"can": action}) for action in actions]
        filters += [
            ("all that is not over", {"statuses": list(_NOT_OVER)}),
            ("of a kind and status that none has", {"kinds": [OrderKind.OFFLINE], "statuses": [OrderStatus.COMPLETED]}),
        ]
        number = ""
        for what, filter in filters:
            title, asked = f"{name}: {what}", {"filter": filter}
            made.append(Case(title, title, party.token, asked | {"first": _SIZE}))
            far = await party.position_far_down(filter)
            if far is None:
                continue
            cursor, number = encode_cursor(far["placed_at"], far["id"], "orders"), number or far["number"]
            made.append(Case(f"{title}, thousandth", title, party.token, asked | {"first": _SIZE, "after": cursor}))
            if what == "all" or "can" in filter:
                made.append(
                    Case(f"{title}, back from there", title, party.token, asked | {"last": _SIZE, "before": cursor})
                )
                made.append(Case(f"{title}, back from the oldest", title, party.token, asked | {"last": _SIZE}))
        for what, filter, document in (
            ("feedback", {}, "FeedbackManagement"),
            ("feedback to revise or to reply to", {"can": rating}, "FeedbackManagement"),
            ("an order", {}, "OrderDetail"),
        ):
            title = f"{name}: {what}"
            made.append(Case(title, title, party.token, {"first": _SIZE, "filter": filter}, document=document))
        for order in CaseOrder:
            for what, filter in _REFUNDS:
                title, asked = f"{name}: refunds, {what}, {order}", {"filter": filter, "orderBy": order}
                made.append(Case(title, title, party.token, asked | {"first": _SIZE}, document="Refunds"))
        made += _waiting(name, party.token)
        for what, text in {
            "an order's number": number,
            "a word of many": "oak",
            "a word of some": "model 13",
            "a word of none": "chandelier",
        }.items():
            title, filter = f"{name}: search for {what}", {"search": text}
            made.append(Case(title, title, party.token, {"first": _SIZE, "filter": filter}, search=True))
    token = (await _Party.find(connection, issuer, "buyer_id", f"buyer-{SMALL}")).token
    for what, filter in [("all", {}), *((f"can {action}", {"can": action}) for action in _BUYERS)]:
        title = f"small buyer: {what}"
        made.append(Case(title, title, token, {"first": _SIZE, "filter": filter}))
    made += _waiting("small buyer", token)
    supplier = await _Party.find(connection, issuer, "supplier_id", f"supplier-{SMALL}")
    made += _waiting("small supplier", supplier.token)
    await connection.close()
    return made


def _waiting(name: str, token: str) -> list[Case]:
    """Returns the cases of what waits for a party, and until when."""
    titles = ((f"{name}: {what}", document, variables) for what, document, variables in _WAITING)
    return [
        Case(title, title, token, variables | {"first": _SIZE}, document=document)
        for title, document, variables in titles
    ]


async def _sizes(url: str) -> list[list[str]]:
    """Returns the bytes per order of each table and its indexes."""
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


def _least(rounds: Sequence[Round]) -> tuple[float, float]:
    """Returns the lowest CPU time and the lowest median time of the rounds, never zero."""
    return max(0.001, min(each.cpu for each in rounds)), max(0.001, min(each.p50 for each in rounds))


def _rounds(
    few: Server, many: Server, base: Operation, operation: Operation, load: Load, seconds: float, rounds: int
) -> tuple[list[Round], list[Round]]:
    """Measures both servers in turns, over one connection, so that requests do not wait for each other."""
    measured: tuple[list[Round], list[Round]] = ([], [])
    for turn in range(rounds + 1):  # the first round warms up
        for place, (server, each) in enumerate(((few, base), (many, operation))):
            done = load.round(server, each, seconds if turn else max(0.4, seconds / 2), connections=1)
            measured[place].extend([done] if turn else [])
    return measured


def _measure(
    few: Server,
    many: Server,
    asked: Sequence[Case],
    load: Load,
    seconds: float,
    rounds: int,
    tell: Callable[[str], None],
) -> list[list[str]]:
    bases = {case.title: case.operation(few, f"few-{number}") for number, case in enumerate(asked)}
    rows: list[list[str]] = []
    for number, case in enumerate(asked):
        tell(case.title)
        before: list[Round] = []
        now: list[Round] = []
        figures: tuple[float, ...] = ()
        is_within = is_settled = False
        try:
            operation = case.operation(many, f"many-{number}")
            while not is_settled and len(now) < rounds * (1 + _MAX_RETRIES):
                more = _rounds(few, many, bases[case.base], operation, load, seconds, rounds)
                before, now = before + more[0], now + more[1]
                (cpu, wait), (cpu_now, wait_now) = _least(before), _least(now)
                figures = (cpu, cpu_now, cpu_now / cpu, wait, wait_now, wait_now / wait)
                times = figures[2], figures[5]
                is_within = wait_now <= SEARCH_MS if case.search else max(times) <= BOUND
                is_settled = is_within and (case.search or min(times) >= 1 / BOUND)
        except (RuntimeError, OSError) as error:
            rows.append([case.title, *"––––––", f"no: {str(error)[:60]}"])
            continue
        rows.append([case.title, *(f"{figure:.2f}" for figure in figures), "yes" if is_within else "no"])
    return rows


def grow(orders: int, seconds: float, rounds: int, node: Command, tell: Callable[[str], None]) -> None:
    """Measures with 20 thousand orders and with `orders`, prints the results and writes them to results.md."""
    begun = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="recourse-bench-") as folder,
        on_core(OTHER_CORE),
        postgres.running() as url,
        run_issuer() as issuer,
    ):
        urls = {count: postgres.create_database(url, f"orders_{count}") for count in (FEW, orders)}
        for count, each in urls.items():
            asyncio.run(
                data.fill(each, shape(count), lambda what, count=count: tell(f"making {count:,} orders: {what}"))
            )
        places = [Environment(each, issuer, node, Path(folder)) for each in urls.values()]
        with (
            run_load_generator(places[0]) as load,
            start_contenders([RECOURSE], places[0]) as [few],
            start_contenders([RECOURSE], places[1]) as [many],
        ):
            asked = asyncio.run(cases(urls[orders], issuer))
            measured = _measure(few, many, asked, load, seconds, rounds, tell)
        sizes = asyncio.run(_sizes(urls[orders]))
        version = asyncio.run(data.version(url))
    head = ["page", "CPU ms", f"at {orders:,}", "times", "p50 ms", f"at {orders:,}", "times", "within the limit"]
    lines = [
        f"{FEW:,} orders, and {orders:,}: a large buyer has {orders // 20:,} of them, a large supplier",
        f"{orders // 10:,}, and a small buyer ten. Each figure is the lowest of {rounds} rounds of {seconds:g} s, over",
        f"{_PAGES_MEASURED} consecutive full pages and one connection. If a figure is too high or too low,",
        f"there are up to {rounds * (1 + _MAX_RETRIES)} rounds. Pages far down and backwards are compared with the",
        "first pages in the small database. `thousandth` starts after 19,980 orders, or before the last pages",
        "of a shorter list. CPU is the server's; PostgreSQL's CPU is part of the time. The limits are",
        f"{BOUND} times the time in the small database, and {SEARCH_MS:.0f} ms for a search.",
        "",
        *report.markdown_table([head, *measured]),
        "",
        f"Bytes per order, at {orders:,}:",
        "",
        *report.markdown_table([["table", "table", "indexes"], *sizes]),
    ]
    report.write(report.GROWTH, [*report.versions(node, version), "", *lines])
    tell("")
    sys.stdout.write(
        "\n".join(lines)
        + f"\n\nMeasured in {time.monotonic() - begun:.0f} s. The results are in {report.RESULTS.name}.\n"
    )
