"""The number of statements of a page, and the indexes that frequent statements walk."""

import contextlib
import re
from typing import Any
from uuid import UUID

import httpx2
import pytest

from models import database
from resolvers.orders import search
from resolvers.read.pagination import encode_cursor
from tests.conftest import DAY, DIALECT, NOW, Server, Statements, World, on_postgres, on_sqlite, usd
from tests.support.actions import INPUTS
from tests.support.forms import FORM

ALL_ORDERS = """query($first: Int) { viewer { orders(first: $first) { edges { node { id number kind status
  total { amount currencyCode } supplier { id name } items { title quantity } canLeaveFeedback feedbackDeadline
  revisionDeadline availableActions { action label closesAt } nextChangeAt feedback { id rating comment } } }
  pageInfo { hasNextPage endCursor } } } }"""
AFTERWARDS = "availableActions { action afterwards { opens { action } closes { action } isFinal waitsFor until } }"
ALL_ORDERS_AFTERWARDS = re.sub("availableActions {.*?}", AFTERWARDS, ALL_ORDERS)
DETAIL = """query($id: ID!) { node(id: $id) { ... on Order { number buyer { name } supplier { name } feedback { rating }
  dispute { number status availableActions { action } } timeline { edges { node { text } } } } } }"""

AT_ONCE = (
    DIALECT == "postgres"
)  # lists are read with the rows that they belong to, and an action's writes are one statement


def fill(world: World, count: int) -> None:
    payload = world.service.succeed(
        "recordOrders", {"orders": [world.record(completedAt=1) for _ in range(count)]}, "orders { id }"
    )
    for order in payload["orders"][: count // 2]:
        world.buyer.succeed("leaveFeedback", {"orderId": order["id"], "ratings": {"overall": 4}})


@pytest.mark.parametrize(("query", "count"), [(ALL_ORDERS, 2), (ALL_ORDERS, 100), (ALL_ORDERS_AFTERWARDS, 100)])
def test_a_page_of_orders_is_one_statement_whatever_its_size(
    world: World, statements: Statements, query: str, count: int
) -> None:
    fill(world, count)
    world.buyer.ask("{ serverTime }")  # signed in
    statements.sent.clear()
    edges = world.buyer.ask(query, first=count)["viewer"]["orders"]["edges"]
    assert len(edges) == count
    assert len(statements.sent) == 1, statements.sent


def test_a_page_of_orders_with_forms_is_one_statement(world: World, statements: Statements) -> None:
    fill(world, 20)
    world.buyer.ask("{ serverTime }")  # signed in
    statements.sent.clear()
    query = f"{{ viewer {{ orders {{ edges {{ node {{ availableActions {{ action {FORM} }} }} }} }} }} }}"
    edges = world.buyer.ask(query)["viewer"]["orders"]["edges"]
    assert all(decision["form"] for edge in edges for decision in edge["node"]["availableActions"])
    assert len(statements.sent) == 1, statements.sent


@pytest.mark.parametrize("count", [2, 20])
def test_a_page_of_disputes_counts_their_files_at_once_for_their_forms(
    world: World, statements: Statements, count: int
) -> None:
    disputes(world, count)
    world.supplier.ask("{ serverTime }")  # signed in
    for shape, more in (("action", 0), (FORM, 1)):
        statements.sent.clear()
        query = (
            f"{{ viewer {{ disputes(first: {count}) {{ edges {{ node {{ availableActions {{ {shape} }}"
            f" decision(action: POST_DISPUTE_MESSAGE) {{ {shape} }} }} }} }} }} }}"
        )
        assert len(world.supplier.ask(query)["viewer"]["disputes"]["edges"]) == count
        assert len(statements.sent) == 1 + more, statements.sent


def test_what_follows_from_reports_is_one_more_statement(world: World, statements: Statements) -> None:
    for _ in range(3):
        world.order(paidAt=30, cancelledAt=20)
    world.buyer.ask("{ serverTime }")  # signed in
    statements.sent.clear()
    edges = world.buyer.ask(ALL_ORDERS_AFTERWARDS)["viewer"]["orders"]["edges"]
    closed = [{d["action"]: d["afterwards"]["closes"] for d in edge["node"]["availableActions"]} for edge in edges]
    assert [each["REPORT_MISSING_REFUND"] for each in closed] == [[{"action": "REPORT_MISSING_REFUND"}]] * 3
    # The orders; then the overdue refunds.
    assert len(statements.sent) == 2, statements.sent


@pytest.mark.parametrize(
    ("shape", "count"),
    [
        ("supplier @skip(if: true) { name }", 1),
        ("supplier @include(if: false) { name } feedback @skip(if: true) { rating }", 1),
        ("... on Node { ... on Dispute { order { number } } } number", 1),
        ("... @skip(if: true) { supplier { name } } number", 1),
        ("supplier { name } again: supplier { id } ... on Node { ... on Order { supplier { role } } }", 1),
    ],
)
def test_what_is_not_asked_is_not_read(world: World, statements: Statements, shape: str, count: int) -> None:
    order = world.order(completedAt=1)
    world.buyer.ask("{ serverTime }")
    statements.sent.clear()
    world.buyer.ask(f"query($id: ID!) {{ node(id: $id) {{ ... on Order {{ {shape} }} }} }}", id=order)
    assert len(statements.sent) == count, statements.sent


def test_an_orders_page_is_a_bounded_number_of_statements(world: World, statements: Statements) -> None:
    order = world.order(paidAt=9, completedAt=1)
    world.buyer.succeed(
        "openDispute",
        {"orderId": order, "reason": "LATE", "description": "x", "wanted": "REFUND", "claim": usd("1.00")},
    )
    statements.sent.clear()
    world.buyer.ask(DETAIL, id=order)
    # The order with its parties, feedback and dispute; then its events.
    assert len(statements.sent) == (1 if AT_ONCE else 2), statements.sent


HOME = """query($first: Int) { viewer {
  counts { actionRequired feedbackToLeave feedbackToRevise openCancellations openDisputes openComplaints refundsOverdue }
  agenda(first: 5, within: 90) { edges { node { id at kind text order { number } relatedCase { number } decision { label } } } }
  orders(first: $first) { edges { node { id number status availableActions { action label closesAt checks { text holds }
    form { fields { path kind label hint required maxLength min max maxAmount { amount currencyCode } atMostItemsAt maxCount
      maxBytes contentTypes fileKinds { contentType maxBytes maxCount } onlyWith { path values }
      choices { value label description recommendedEvidence maxQuantity price { amount } onlyWith { path values } } }
      groups { paths exactlyOne } } } } } pageInfo { hasNextPage } } } }"""


@pytest.mark.parametrize("count", [3, 20])
def test_a_home_screen_is_a_bounded_number_of_statements(world: World, statements: Statements, count: int) -> None:
    fill(world, count)
    disputed = {"orderId": world.order(paidAt=9)}
    world.buyer.succeed("openDispute", INPUTS["openDispute"] | disputed)
    world.buyer.succeed("requestCancellation", {"orderId": world.order("SECURE_PAYMENT"), "reason": "OTHER"})
    statements.sent.clear()
    home = world.buyer.ask(HOME, first=20)["viewer"]
    assert home["agenda"]["edges"]
    offered = [offer for edge in home["orders"]["edges"] for offer in edge["node"]["availableActions"]]
    assert all(offer["form"]["fields"] for offer in offered)
    assert len(statements.sent) <= 5, statements.sent


DISPUTE = """query($id: ID!) { node(id: $id) { ... on Dispute { number status reason description wanted
  claim { amount } respondBy viewerState availableActions { action label } order { number supplier { name } }
  proposal { resolution amount { amount } by { name } } proposals { resolution accepted by { name } }
  outcome { resolution by { name } } messages(first: 20) { edges { node { text at by { name role } } } } } } }"""
DESK = """query($first: Int) { viewer { disputes(first: $first, filter: {open: true}, orderBy: DUE_FIRST) { edges { node {
  number status respondBy availableActions { action } order { number buyer { name } supplier { name } }
  proposal { resolution } } } } } }"""


def disputes(world: World, count: int) -> list[str]:
    orders = [world.order(paidAt=9) for _ in range(count)]
    wish = {"reason": "LATE", "description": "x", "wanted": "REFUND", "claim": usd("1.00")}
    return [
        world.buyer.succeed("openDispute", wish | {"orderId": order}, "dispute { id }")["dispute"]["id"]
        for order in orders
    ]


def test_a_disputes_page_is_a_bounded_number_of_statements(world: World, statements: Statements) -> None:
    [case] = disputes(world, 1)
    for place in range(3):
        world.supplier.succeed("postDisputeMessage", {"caseId": case, "text": str(place)})
    statements.sent.clear()
    world.buyer.ask(DISPUTE, id=case)
    # The dispute with its order and the supplier; then proposals and messages, each with their authors.
    assert len(statements.sent) == (1 if AT_ONCE else 3), statements.sent


TO_ITS_END = """query($id: ID!) { node(id: $id) { ... on Order { number status amountRefunded { amount } items { id sku }
  availableActions { action } nextChangeAt dispute { number status escalatesAt lines { quantity item { title } }
    outcome { resolution amount { amount } } returnShipment { status respondBy address trackingNumber } %s }
  refunds { status amount { amount } isOverdue dueBy reference outstanding { amount } } } } }"""


@pytest.mark.parametrize(
    ("more", "on_sqlite"),
    [
        ("", 2),  # the order with its dispute and the dispute's return; then the order's refunds
        ("refund { status } refunds { id amount { amount } }", 3),  # then the dispute's
    ],
)
def test_an_order_with_its_return_and_refunds_is_a_bounded_number_of_statements(
    world: World, statements: Statements, more: str, on_sqlite: int
) -> None:
    order = world.order(paidAt=9)
    wish = {"reason": "DAMAGED", "description": "x", "wanted": "RETURN_AND_REFUND", "claim": usd("60.00")}
    opened = world.buyer.succeed("openDispute", wish | {"orderId": order}, "order { number } dispute { id }")
    case = {"caseId": opened["dispute"]["id"]}
    world.supplier.succeed("acceptProposal", case)
    world.supplier.succeed("provideReturnAddress", case | {"address": "Hall 3"})
    world.buyer.succeed("confirmReturnShipped", case | {"carrier": "DHL", "trackingNumber": "1"})
    world.supplier.succeed("confirmReturnReceived", case)
    own = {
        "orderNumber": opened["order"]["number"],
        "amount": usd("5.00"),
        "status": "SENT",
        "reference": f"R-{opened['order']['number']}",
        "recordedAt": "2026-06-15T12:00:00Z",
    }
    world.service.succeed("recordRefunds", {"refunds": [own]})
    statements.sent.clear()
    shown = world.buyer.ask(TO_ITS_END % more, id=order)["node"]
    assert [refund["status"] for refund in shown["refunds"]] == ["DUE", "SENT"]
    assert shown["dispute"]["returnShipment"]["status"] == "RECEIVED"
    assert len(statements.sent) == (1 if AT_ONCE else on_sqlite), statements.sent


DISPUTES_AFTERWARDS = f"{{ viewer {{ disputes {{ edges {{ node {{ number {AFTERWARDS} }} }} }} }} }}"


@pytest.mark.parametrize("count", [1, 3])
def test_what_follows_in_disputes_is_as_many_statements_whatever_their_number(
    world: World, statements: Statements, count: int
) -> None:
    offered, decided = disputes(world, count), disputes(world, count)
    for case in decided:
        world.buyer.at(NOW + 3 * DAY).succeed("escalateDispute", {"caseId": case})
        world.agent.at(NOW + 3 * DAY).succeed("resolveDispute", INPUTS["resolveDispute"] | {"caseId": case})
    supplier = world.supplier.at(NOW + 4 * DAY)
    supplier.ask("{ serverTime }")  # signed in
    statements.sent.clear()
    edges = supplier.ask(DISPUTES_AFTERWARDS)["viewer"]["disputes"]["edges"]
    said = [each for edge in edges for each in edge["node"]["availableActions"]]
    assert all(each["afterwards"] is not None for each in said)
    assert [each["action"] for each in said].count("ACCEPT_PROPOSAL") == len(offered)
    assert [each["action"] for each in said].count("APPEAL_DECISION") == len(decided)
    # The disputes; the proposals that can be accepted; of the decided ones the orders, their disputes and refunds.
    assert len(statements.sent) == 5, statements.sent
    statements.sent.clear()
    world.buyer.at(NOW + 4 * DAY).ask(DISPUTES_AFTERWARDS)
    assert len(statements.sent) == 1, statements.sent


@pytest.mark.parametrize("count", [2, 40])
def test_the_desk_is_as_many_statements_whatever_its_size(world: World, statements: Statements, count: int) -> None:
    disputes(world, count)
    world.agent.ask("{ serverTime }")  # signed in
    statements.sent.clear()
    assert len(world.agent.ask(DESK, first=count)["viewer"]["disputes"]["edges"]) == count
    # The disputes with their orders, buyers and suppliers; then proposals.
    assert len(statements.sent) == (1 if AT_ONCE else 2), statements.sent


def test_leaving_feedback_is_a_bounded_number_of_statements(world: World, statements: Statements) -> None:
    order = world.order(completedAt=1)
    world.buyer.ask("{ serverTime }")  # signed in
    statements.sent.clear()
    world.buyer.succeed("leaveFeedback", {"orderId": order, "ratings": {"overall": 4}}, "order { id }")
    kinds = [text.split()[0] for text, _ in statements.sent]
    # BEGIN and COMMIT are not logged. The last statement reads the payload.
    writes = ["WITH"] if AT_ONCE else ["INSERT", "INSERT", "UPDATE"]
    assert kinds == ["SELECT", *writes, "SELECT"], statements.sent


def test_opening_a_dispute_is_a_bounded_number_of_statements(world: World, statements: Statements) -> None:
    order = world.order(paidAt=9)
    world.buyer.ask("{ serverTime }")  # signed in
    statements.sent.clear()
    wish = {"orderId": order, "reason": "LATE", "description": "x", "wanted": "REFUND", "claim": usd("1.00")}
    world.buyer.succeed("openDispute", wish, "dispute { id status } order { status }")
    kinds = [text.split()[0] for text, _ in statements.sent]
    number = "SELECT" if AT_ONCE else "INSERT"
    # The order; the case number; the dispute, the proposal, the event and the order; the payload.
    writes = ["WITH"] if AT_ONCE else ["INSERT", "INSERT", "INSERT", "UPDATE"]
    assert kinds == ["SELECT", number, *writes, "SELECT"], statements.sent


def test_a_complaint_that_locks_nothing_is_written_before_its_event(world: World, statements: Statements) -> None:
    """The transaction must get its number before the event gets its id, or `changes` could miss the event."""
    statements.sent.clear()
    world.buyer.succeed("fileComplaint", INPUTS["fileComplaint"] | {"respondent": {"email": "x@example.com"}})
    written = [text.split()[2] for text, _ in statements.sent if "INSERT INTO" in text and text.startswith("INSERT")]
    assert written[-2:] == ["complaints", "events"], statements.sent
    assert not any(text.startswith("WITH") for text, _ in statements.sent)


HOT = {
    "All Orders of a buyer": ("buyer", "{ viewer { orders { edges { node { id } } } } }", "orders_of_buyer"),
    "All Orders of a supplier": ("supplier", "{ viewer { orders { edges { node { id } } } } }", "orders_of_supplier"),
    "All orders, for an agent": ("agent", "{ viewer { orders { edges { node { id } } } } }", "orders_of_all"),
    "Feedback Management": ("buyer", "{ viewer { feedback { edges { node { id } } } } }", "feedback_of_buyer"),
    "Feedback of a supplier": ("supplier", "{ viewer { feedback { edges { node { id } } } } }", "feedback_of_supplier"),
    "Disputes": ("buyer", "{ viewer { disputes { edges { node { id } } } } }", "disputes_of_buyer"),
    "Disputes of a supplier": ("supplier", "{ viewer { disputes { edges { node { id } } } } }", "disputes_of_supplier"),
    "Complaints I Submitted": (
        "buyer",
        "{ viewer { complaints { edges { node { id } } } } }",
        "complaints_of_complainant",
    ),
    "An order's timeline": (
        "supplier",
        "query($id: ID!) { node(id: $id) { ... on Order { timeline { edges { node { at } } } } } }",
        "events_of_order",
    ),
    "The desk": ("agent", "{ viewer { disputes(orderBy: DUE_FIRST) { edges { node { id } } } } }", "disputes_by_due"),
    "The complaint desk": (
        "agent",
        "{ viewer { complaints(orderBy: DUE_FIRST) { edges { node { id } } } } }",
        "complaints_by_due",
    ),
    "An order's dispute": (
        "buyer",
        "query($id: ID!) { node(id: $id) { ... on Order { dispute { id } } } }",
        "disputes_of_order",
    ),
}


# Each partition of a filtered list walks one of these indexes, and nothing else.
FILTERS = {
    ("buyer", "{kinds: [OFFLINE]}"): {"orders_of_buyer_by_status"},
    ("supplier", "{kinds: [OFFLINE, SECURE_PAYMENT]}"): {"orders_of_supplier_by_status"},
    ("buyer", "{statuses: [CANCELLED]}"): {"orders_of_buyer_by_status"},
    ("supplier", "{statuses: [PAID, AWAITING_PAYMENT]}"): {"orders_of_supplier_by_status"},
    ("buyer", "{kinds: [OFFLINE], statuses: [COMPLETED]}"): {"orders_of_buyer_by_status"},
    ("buyer", "{can: LEAVE_FEEDBACK}"): {"orders_to_rate"},
    ("buyer", "{can: REVISE_FEEDBACK}"): {"orders_to_revise"},
    ("supplier", "{can: REPLY_TO_FEEDBACK}"): {"orders_to_answer"},
    ("buyer", "{can: CANCEL_ORDER}"): {"orders_of_buyer_by_status", "orders_shipped_unpaid"},
    ("buyer", "{can: REQUEST_CANCELLATION}"): {"orders_of_buyer_by_status"},
    ("buyer", "{can: WITHDRAW_CANCELLATION}"): {"orders_pending_of_buyer"},
    ("supplier", "{can: ACCEPT_CANCELLATION}"): {"orders_pending_of_supplier"},
    ("supplier", "{can: DECLINE_CANCELLATION}"): {"orders_pending_of_supplier"},
    ("buyer", "{can: OPEN_DISPUTE}"): {
        "orders_of_buyer_by_status",
        "orders_cancelled_late",
        "orders_late",
        "orders_not_cancelled",
        "orders_pending_of_buyer",
    },
    ("buyer", "{can: OPEN_DISPUTE, statuses: [SHIPPED, AWAITING_PAYMENT], kinds: [SECURE_PAYMENT]}"): {
        "orders_of_buyer_by_status",
        "orders_late",
        "orders_not_cancelled",
        "orders_pending_of_buyer",
    },
    ("buyer", "{can: REPORT_MISSING_REFUND}"): {"orders_to_report"},
    ("buyer", "{can: FILE_COMPLAINT}"): {"orders_of_buyer_by_status"},
    ("buyer", "{can: LEAVE_FEEDBACK, kinds: [SECURE_PAYMENT], statuses: [COMPLETED]}"): {"orders_to_rate"},
}
# The same for lists of refunds, newest first, and by when they are due.
BY_STATUS = ("refunds_{}_by_status", "refunds_due_{}_by_status")
REFUND_FILTERS = {
    "{}": ("refunds_{}", "refunds_{}_by_due"),
    "{overdue: false}": ("refunds_{}", "refunds_{}_by_due"),
    "{statuses: [VOID]}": BY_STATUS,
    "{statuses: [DUE, VOID]}": BY_STATUS,
    "{overdue: true}": BY_STATUS,
    "{overdue: true, statuses: [DUE, SUCCEEDED]}": BY_STATUS,
    "{reportedMissing: true}": ("refunds_reported_{}", "refunds_reported_{}_by_due"),
}
MANY_REFUNDS = """
INSERT INTO refunds (id, order_id, buyer_id, supplier_id, recorded_by_id, case_kind, case_id, currency, amount, outstanding,
  status, since, owed_since, due_at, reference, recorded_at, settled_at, reported_missing_at)
SELECT gen_random_uuid(), id, buyer_id, supplier_id, recorded_by_id, 'DISPUTE', gen_random_uuid(), 'USD', 100,
  CASE WHEN n % 10 = 0 THEN 100 END, CASE WHEN n % 10 = 0 THEN 'DUE' ELSE 'SUCCEEDED' END, at, at,
  at + interval '10 days', CASE WHEN n % 10 > 0 THEN id || ' ' || n END, CASE WHEN n % 10 > 0 THEN at END,
  CASE WHEN n % 10 > 0 THEN at END, CASE WHEN n = 10 THEN at END
FROM (SELECT * FROM orders LIMIT 200) AS few, generate_series(1, 40) AS n, LATERAL (SELECT placed_at + n * interval '1 hour' AS at) AS dated
"""
BEFORE = f'before: "{encode_cursor(NOW - 999 * DAY, UUID(int=7), "orders")}", '
OF_A_STATUS = {"orders_to_rate", "orders_shipped_unpaid", "orders_cancelled_late"}  # only PostgreSQL has them
SEARCHED = '{{ viewer {{ orders({}first: 5, filter: {{search: "{}"}}) {{ edges {{ node {{ id }} }} }} }} }}'
FILTERED = "{{ viewer {{ orders({}filter: {}) {{ edges {{ node {{ id }} }} }} }} }}"


def sent_for(world: World, statements: Statements, role: str, query: str, **variables: Any) -> list[tuple[str, Any]]:
    """Returns the statements of a request by a person whose account is known already."""
    person = getattr(world, role).at(NOW)
    person.ask("{ serverTime }")
    statements.sent.clear()
    person.ask(query, **variables)
    return list(statements.sent)


@pytest.fixture(scope="module")
def crowd(server: Server) -> None:
    """Adds other people's orders, because a party with most of a table may as well read all of it. First removes what other
    tests left, because PostgreSQL plans by the content of a table."""
    if DIALECT == "postgres":
        server.run(lambda: database.change("TRUNCATE orders CASCADE"))
    with httpx2.Client(base_url=server.url, timeout=30) as http:
        others = World(http)
        kinds = ("TRADE_ASSURANCE", "SECURE_PAYMENT", "OFFLINE", "OFFLINE")
        records = [others.record(kinds[place % 4], completedAt=1) for place in range(500)]
        others.service.succeed("recordOrders", {"orders": records})


@pytest.mark.usefixtures("crowd")
@pytest.mark.parametrize("paging", ["", f"last: 5, {BEFORE}"])
@pytest.mark.parametrize(("role", "filter"), FILTERS)
def test_each_filter_walks_its_own_index(
    server: Server, world: World, statements: Statements, role: str, filter: str, paging: str
) -> None:
    fill(world, 40)
    if DIALECT == "postgres":
        server.run(lambda: database.change("ANALYZE orders"))
    [(text, values)] = sent_for(world, statements, role, FILTERED.format(paging, filter))
    walked: set[str] = set()
    for part in _parts(text) if DIALECT == "sqlite" else [text]:
        plan = server.run(lambda part=part: _plan(part, _needed(part, values)))
        walked |= set(re.findall(r"(?:USING (?:COVERING )?INDEX|Scan (?:Backward )?using) (\w+)", plan))
        assert not re.search(r"USE TEMP B-TREE|\bSort  |Seq Scan|SCAN orders", plan), plan
    wanted = FILTERS[role, filter]
    if DIALECT == "sqlite" and wanted & OF_A_STATUS:
        wanted = wanted - OF_A_STATUS | {"orders_of_buyer_by_status"}
    assert walked == wanted


@pytest.fixture(scope="module")
def refunded_crowd(crowd: None, server: Server) -> None:
    """Adds refunds to other people's orders: PostgreSQL reads a small table as a whole."""
    if DIALECT == "postgres":
        server.run(lambda: database.change(MANY_REFUNDS))
        server.run(lambda: database.change("ANALYZE refunds"))


@pytest.mark.usefixtures("refunded_crowd")
@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("filter", REFUND_FILTERS)
@pytest.mark.parametrize("role", ["buyer", "supplier", "service", "agent"])
def test_each_list_of_refunds_walks_its_own_index(
    server: Server, world: World, statements: Statements, role: str, filter: str, newest_first: bool
) -> None:
    order = "NEWEST_FIRST" if newest_first else "DUE_FIRST"
    query = f"{{ viewer {{ refunds(filter: {filter}, orderBy: {order}) {{ edges {{ node {{ id }} }} }} }} }}"
    [(text, values)] = sent_for(world, statements, role, query)
    wanted = REFUND_FILTERS[filter][0 if newest_first else 1].format(f"of_{role}")
    if role == "agent":  # the indexes of all refunds
        wanted = wanted.replace("_of_agent", "") if wanted != "refunds_of_agent" else "refunds_of_all"
    is_any = role in ("buyer", "supplier")  # their lists are planned once, those of others each time
    for part in _parts(text) if DIALECT == "sqlite" else [text]:
        plan = server.run(lambda part=part: _plan(part, _needed(part, values), any_values=is_any))
        walked = set(re.findall(r"(?:USING (?:COVERING )?INDEX|Scan (?:Backward )?using) (\w+)", plan))
        assert walked == {wanted}, plan
        assert not re.search(r"USE TEMP B-TREE|\bSort  |Seq Scan|SCAN refunds(?! USING)", plan), plan


# The same for the ends of an agenda. SQLite knows no numbers of rows: for returns it takes the index of all due dates.
AGENDAS = {
    "buyer": {
        "orders_rated_until",
        "orders_revised_until",
        "disputes_decided_of_buyer",
        "disputes_waiting_of_buyer_by_due",
        "disputes_evidence_of_buyer",
        "disputes_due_of_buyer",
        "refunds_due_of_buyer_by_status",
    },
    "supplier": {
        "orders_answered_until",
        "disputes_decided_of_supplier",
        "disputes_waiting_of_supplier_by_due",
        "disputes_evidence_of_supplier",
        "disputes_due_of_supplier",
        "orders_pending_until",
        "cancellations_one_pending",
    },
    "agent": {"complaints_to_answer"},
    "service": {"refunds_due_of_service_by_status"},
}


@on_sqlite  # PostgreSQL's choice depends on the content of all these tables; the benchmark of growth measures it
@pytest.mark.parametrize("after", ["", f'after: "{encode_cursor(NOW, UUID(int=7), "agenda.00000001")}", '])
@pytest.mark.parametrize("role", AGENDAS)
def test_each_end_of_an_agenda_walks_its_own_index(
    server: Server, world: World, statements: Statements, role: str, after: str
) -> None:
    query = f"{{ viewer {{ agenda({after}within: 365) {{ edges {{ node {{ text }} }} }} }} }}"
    [(text, values)] = [sent for sent in sent_for(world, statements, role, query) if "AS part0" in sent[0]]
    walked: set[str] = set()
    for part in _parts(text):
        plan = server.run(lambda part=part: _plan(part, _needed(part, values)))
        walked |= set(re.findall(r"USING (?:COVERING )?INDEX (\w+)", plan)) - {"sqlite_autoindex_orders_1"}
        assert not re.search(r"SCAN (?!\w+ USING)", plan), plan
    assert walked == AGENDAS[role]


def _parts(text: str) -> list[str]:
    """Returns the partitions of a merged list. SQLite sorts them again when it merges them; each has at most a page."""
    return re.findall(r"SELECT \* FROM \((SELECT .+? LIMIT \d+)\) AS part", text) or [text]


def _needed(text: str, values: Any) -> Any:
    return values[: max(int(place) for place in re.findall(r"[?$](\d+)", text))]


WHOLE_LISTS = ("All Orders of a buyer", "All Orders of a supplier", "Feedback Management", "Feedback of a supplier")
SHARED = """INSERT INTO orders SELECT made.* FROM (
    SELECT array_agg(id) FILTER (WHERE role = 'BUYER') AS buyers, array_agg(id) FILTER (WHERE role = 'SUPPLIER') AS suppliers
    FROM accounts WHERE subject LIKE 'one of many %') AS parties, orders AS seed, generate_series(1, 500) AS n,
  jsonb_populate_record(seed, jsonb_build_object('id', gen_random_uuid(), 'number', seed.number || ' ' || n,
    'placed_at', seed.placed_at - n * interval '1 minute',
    'feedback_left_at', CASE WHEN n % 3 > 0 THEN seed.completed_at END,
    'feedback_replied_at', CASE WHEN n % 3 > 1 THEN seed.completed_at END,
    'cancellation_pending_since', CASE WHEN n % 4 = 0 AND seed.kind = 'SECURE_PAYMENT'
      AND coalesce(seed.shipped_at, seed.completed_at, seed.cancelled_at) IS NULL THEN seed.placed_at END,
    'buyer_id', buyers[1 + n % $1], 'supplier_id', suppliers[1 + n % $1])) AS made
  WHERE seed.number = ANY($2) ORDER BY made.placed_at"""


class _Enough(Exception):
    """Raised to roll a transaction back."""


@on_postgres  # SQLite has no statistics here
@pytest.mark.parametrize("parties", [1, 4, 1000])
def test_a_partys_lists_walk_their_index_however_many_share_the_orders(
    server: Server, world: World, statements: Statements, parties: int
) -> None:
    """The plan serves any party. Without hints, PostgreSQL would plan for the average one."""
    states = (
        {},
        {"paymentSubmittedAt": 1},
        {"paidAt": 1},
        {"paidAt": 2, "shippedAt": 1},
        {"completedAt": 1},
        {"cancelledAt": 1},
    )
    records = [
        world.record(kind, **state) for kind in ("TRADE_ASSURANCE", "SECURE_PAYMENT", "OFFLINE") for state in states
    ]
    world.service.succeed("recordOrders", {"orders": records})
    asked = {(role, FILTERED.format("", filter)): indexes for (role, filter), indexes in FILTERS.items()}
    asked |= {HOT[name][:2]: {HOT[name][2]} for name in WHOLE_LISTS}
    after = f'after: "{encode_cursor(NOW, UUID(int=7), "orders")}", '
    searches = {
        (role, SEARCHED.format(paging, "lamp")): {f"orders_of_{role}", "orders_pkey"}
        for role in ("buyer", "supplier")
        for paging in ("", after, BEFORE, after + BEFORE)
    }
    asked |= searches
    sent: dict[tuple[str, str], tuple[str, Any]] = {}
    for role, query in asked:
        text, values = _paged(*sent_for(world, statements, role, query))
        sent[role, query] = text, _needed(text, values)

    async def planned() -> dict[tuple[str, str], str]:
        async def work() -> dict[tuple[str, str], str]:
            for role in ("BUYER", "SUPPLIER"):
                await database.change(
                    "INSERT INTO accounts (id, subject, role, name) SELECT gen_random_uuid(), 'one of many ' || n, $1, 'One'"
                    " FROM generate_series(1, $2) AS n",
                    [role, parties],
                )
            await database.select("SET LOCAL statement_timeout = 0")
            await database.change(SHARED, [parties, [record["number"] for record in records]])
            await database.select("ANALYZE orders")
            plans.update({key: await _explained(sent[key][0], [None] * len(sent[key][1])) for key in sent})
            raise _Enough

        plans: dict[tuple[str, str], str] = {}
        with contextlib.suppress(_Enough):
            await database.in_transaction(work, seconds=120)
        return plans

    for key, plan in server.run(planned).items():
        assert set(re.findall(r"Scan (?:Backward )?using (orders_\w+|feedback_of_\w+)", plan)) == asked[key], (
            key,
            plan,
        )
        # A search sorts again what it finds in the next orders; this is at most a page.
        assert len(re.findall(r"\bSort  ", plan)) <= (key in searches), (key, plan)


def test_what_belongs_to_one_row_is_read_without_its_partys_others(world: World, statements: Statements) -> None:
    """With few orders any plan is good, so this checks the SQL: `_id IN (SELECT …)` would read all rows of an account."""
    [case] = disputes(world, 1)
    statements.sent.clear()
    shape = "order { timeline { edges { node { at } } } } messages { edges { node { at } } }"
    world.buyer.ask(f"query($id: ID!) {{ node(id: $id) {{ ... on Dispute {{ {shape} }} }} }}", id=case)
    assert not any(re.search(r"_id IN \(SELECT", text) for text, _ in statements.sent), statements.sent
    asked = [
        each
        for text, _ in statements.sent
        for each in re.findall(r"EXISTS \(SELECT 1 FROM \w+ AS their_[^()]+\([^()]+\)[^()]*", text)
    ]
    assert asked
    assert all(each.endswith(") IS TRUE LIMIT 1 OFFSET 0") for each in asked), asked


@pytest.mark.parametrize("name", HOT)
def test_hot_queries_walk_an_index(server: Server, world: World, statements: Statements, name: str) -> None:
    role, query, index = HOT[name]
    order = world.order(paidAt=1)
    sent = sent_for(world, statements, role, query, **({"id": order} if "$id" in query else {}))
    plans = [
        server.run(lambda text=text, values=values: _plan(text, values))
        for text, values in [_paged(each) for each in sent]
    ]
    used = [plan for plan in plans if index in plan]
    assert used, plans
    assert not any(re.search(r"USE TEMP B-TREE FOR ORDER BY|\bSort\b", plan) for plan in used), used


@on_postgres  # SQLite walks the list
def test_a_search_ends_where_the_list_does(
    server: Server, world: World, statements: Statements, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(world, 10)
    query = SEARCHED.format("", "chandelier")
    near, goes_on = sent_for(world, statements, "buyer", query)
    assert "strpos" in near[0]
    plan = server.run(lambda: _plan(*goes_on))
    assert re.search(r"Index Only Scan (?:Backward )?using orders_of_buyer", plan), plan
    monkeypatch.setattr(search, "NEAR", 5)
    texts = [text for text, _ in sent_for(world, statements, "buyer", query)]
    assert ["orders_holding" in text for text in texts] == [False, False, True, False]


def _paged(sent: tuple[str, Any]) -> tuple[str, Any]:
    """Returns the part of a plan that finds the rows of a page. The rest joins other rows and sorts the page again."""
    text, values = sent
    found = re.fullmatch(r"SELECT .+? FROM \((.+)\) AS p .+ ORDER BY p\..+", text)
    return (found[1] if found else text), values


async def _plan(text: str, values: Any, *, any_values: bool = True) -> str:
    """Returns the plan that is made once for any values, or the plan for these."""
    if DIALECT == "sqlite":
        rows = await database.select(f"EXPLAIN QUERY PLAN {text}", values)
        return "\n".join(str(tuple(row)) for row in rows)
    async with database.connection()._in_transaction():
        await database.select(f"SET LOCAL plan_cache_mode = force_{'generic' if any_values else 'custom'}_plan")
        return await _explained(text, [None] * len(values) if any_values else values)


async def _explained(text: str, values: Any) -> str:
    await database.select(f"PREPARE explained AS {text}")
    literals = ["NULL" if value is None else f"'{value}'" for value in values]
    given = f"({', '.join(literals)})" if values else ""
    rows = await database.select(f"EXPLAIN EXECUTE explained{given}")
    await database.select("DEALLOCATE explained")
    return "\n".join(str(tuple(row)) for row in rows)


EVERYTHING_TO_ONE = """query($id: ID!) { node(id: $id) { ... on Order {
  buyer { name } supplier { name }
  feedback { rating order { buyer { name } supplier { name } feedback { id } cancellation { id } dispute { id } } }
  cancellation { number order { buyer { name } supplier { name } feedback { id } dispute { number } } }
  dispute { number outcome { by { name } } order { number buyer { name } supplier { name } cancellation { id } } }
} } }"""


def test_many_relations_are_joined_in_one_statement(world: World, statements: Statements) -> None:
    """One statement has more than ten joins, also if a query selects the same relation in many places."""
    order = world.order(completedAt=1)
    world.buyer.succeed("leaveFeedback", {"orderId": order, "ratings": {"overall": 4}})
    world.agent.ask("{ serverTime }")
    statements.sent.clear()
    found = world.agent.ask(EVERYTHING_TO_ONE, id=order)["node"]
    assert len(statements.sent) == 1, statements.sent
    names = {"buyer": found["buyer"], "supplier": found["supplier"]}
    assert found["feedback"]["order"].items() >= names.items()
    assert found["dispute"] is None
