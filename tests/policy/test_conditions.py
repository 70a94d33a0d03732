"""The policy in SQL and in Python: both forms of every rule agree, for any order."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import models
from models import database
from models.dispute import ENDS
from models.enums import (
    Action,
    CaseKind,
    DisputeReason,
    OrderKind,
    OrderStatus,
    RefundStatus,
    ResolutionKind,
    Role,
)
from models.keys import new_id
from resolvers import policy
from resolvers.account import sign_in
from resolvers.policy import Expression, Subject
from resolvers.policy.dispute import within_claimable
from resolvers.read.sql import Statement, Where
from tests.conftest import DAY, MOMENT, NOW, Person, Server, World

# Instants around NOW, around the ends of windows, and none.
SET_INSTANTS = st.sampled_from(
    [NOW - days * DAY + shift * MOMENT for days in (0, 3, 5, 10, 20, 30, 60, 90) for shift in (-1, 0, 1)]
)
INSTANTS = st.none() | SET_INSTANTS
FACTS = (
    "payment_submitted_at",
    "paid_at",
    "ship_by",
    "shipped_at",
    "completed_at",
    "cancelled_at",
    "cancellation_pending_since",
    "cancellation_declined_at",
    "dispute_open_since",
    "dispute_lapses_at",
    "dispute_settled_at",
    "replacement_agreed_at",
    "refund_due_at",
    "refund_reportable_at",
    "complaint_open_since",
)


@st.composite
def orders(draw: st.DrawFn) -> dict[str, Any]:
    facts: dict[str, Any] = {name: draw(INSTANTS) for name in FACTS}
    previous: datetime | None = NOW
    for name in ("feedback_left_at", "feedback_replied_at", "feedback_revised_at"):
        previous = draw(INSTANTS) if previous else None
        facts[name] = previous
    return facts | {"kind": draw(st.sampled_from(OrderKind)), "amount_paid": 1 if facts["paid_at"] else 0}


_TA, _SP, _OFF = OrderKind.TRADE_ASSURANCE, OrderKind.SECURE_PAYMENT, OrderKind.OFFLINE
TOGETHER: list[tuple[list[OrderKind] | None, list[OrderStatus] | None, Action | None]] = [
    ([_TA, _OFF], None, None),
    ([_SP], list(OrderStatus), None),
    (list(OrderKind), [OrderStatus.COMPLETED, OrderStatus.SHIPPED], None),
    ([_SP], [OrderStatus.CANCELLED, OrderStatus.PAID], None),
    ([_TA, _SP], [OrderStatus.COMPLETED], Action.LEAVE_FEEDBACK),
    (None, [OrderStatus.CANCELLED, OrderStatus.SHIPPED], Action.OPEN_DISPUTE),
    (None, [OrderStatus.CANCELLED, OrderStatus.COMPLETED], Action.REVISE_FEEDBACK),
    (None, [OrderStatus.SHIPPED], Action.REPLY_TO_FEEDBACK),
    (None, [OrderStatus.SHIPPED], Action.CANCEL_ORDER),
    ([_OFF], [OrderStatus.COMPLETED], Action.FILE_COMPLAINT),
]

# Those of orders, and two of cases, which no list of orders has.
ACTIONS = [
    *dict.fromkeys(rule.action for rule in policy.TABLE.values() if rule.subject is Subject.ORDER),
    Action.WITHDRAW_DISPUTE,
    Action.WITHDRAW_COMPLAINT,
]
LISTED = """query($filter: OrderFilter) { viewer { orders(first: 100, filter: $filter) { edges { node {
  number kind status availableActions { action } } } } } }"""


def test_filters_find_what_rows_say(server: Server, world: World) -> None:
    @settings(max_examples=12)
    @given(generated=st.lists(orders(), min_size=30, max_size=60))
    def agree(generated: list[dict[str, Any]]) -> None:
        buyer, supplier = world.person(Role.BUYER), world.person(Role.SUPPLIER)
        server.run(lambda: _add(generated, buyer, supplier))
        for person in (buyer, supplier, world.agent):
            if person is world.agent:
                assert all(not _found(person, can=action) for action in ACTIONS)
                continue
            rows = _found(person)
            assert len(rows) == len(generated)
            for action in ACTIONS:
                said = {row["number"] for row in rows if action in [each["action"] for each in row["availableActions"]]}
                assert {row["number"] for row in _found(person, can=action)} == said, action
            for status in OrderStatus:
                said = {row["number"] for row in rows if row["status"] == status}
                assert {row["number"] for row in _found(person, statuses=[status])} == said, status
            for kinds, statuses, action in TOGETHER:
                said = {
                    row["number"]
                    for row in rows
                    if row["kind"] in (kinds or list(OrderKind))
                    and row["status"] in (statuses or list(OrderStatus))
                    and (action is None or action in [each["action"] for each in row["availableActions"]])
                }
                found = _found(person, kinds=kinds, statuses=statuses, can=action)
                assert {row["number"] for row in found} == said, (kinds, statuses, action)
                assert len(found) == len(said)
        # Facts alone are not enough for a list: feedback, for example, has a row of its own.
        server.run(lambda: models.Order.filter(number__in=[row["number"] for row in rows]).delete())

    agree()


AMOUNTS = st.sampled_from([None, 1, 2, 3])
CURRENCIES = st.sampled_from(["USD", "EUR"])
RETURN_FACTS = [name for name in policy.DisputeFacts.__dataclass_fields__ if name.startswith("return_")]


@st.composite
def disputes(draw: st.DrawFn) -> dict[str, Any]:
    names = ("evidence_asked_at", "proposed_at", "answered_at", "reopened_at", "paid_back_at", *RETURN_FACTS)
    facts: dict[str, Any] = {name: draw(INSTANTS) for name in names}
    facts |= {name: draw(AMOUNTS) for name in ("claim", "offered", "claimable")}
    facts |= {name: draw(CURRENCIES) for name in ("currency", "offered_currency", "claimable_currency")}
    facts |= {name: draw(SET_INSTANTS) for name in ("opened_at", "due_at")}
    ended_as = draw(st.sampled_from([None, *sorted(ENDS)]))
    if ended_as is not None:
        return facts | {"closed_as": ended_as, "closed_at": draw(SET_INSTANTS), "waits_for": None}
    return facts | {"waits_for": draw(st.sampled_from([Role.BUYER, Role.SUPPLIER, Role.AGENT]))}


@st.composite
def refunds(draw: st.DrawFn) -> dict[str, Any]:
    facts: dict[str, Any] = {name: draw(INSTANTS) for name in ("owed_since", "hidden_until", "reported_missing_at")}
    return facts | {"status": draw(st.sampled_from(RefundStatus)), "amount": 3, "outstanding": draw(AMOUNTS)}


def of_rules(subject: Subject) -> dict[str, Expression]:
    rules = [rule for rule in policy.TABLE.values() if rule.subject is subject]
    conditions = {condition.text: condition.test for rule in rules for condition in rule.conditions}
    return conditions | {f"{rule.action} {rule.kind}": rule.is_open for rule in rules}


def of_statuses(*tables: Any) -> dict[str, Expression]:
    return {str(status): policy.status_is(table, [status]) for table in tables for status, _ in table}


EXPRESSIONS: dict[type[Any], dict[str, Expression]] = {
    policy.OrderFacts: of_rules(Subject.ORDER) | of_statuses(policy.ORDER_STATUSES),
    policy.DisputeFacts: {
        **of_rules(Subject.DISPUTE),
        **of_statuses(policy.DISPUTE_STATUSES, policy.RETURN_STATUSES),
        "closed": policy.DISPUTE_CLOSED,
        "final": policy.DISPUTE_FINAL,
        "return running": policy.RETURN_RUNNING,
        **{f"move of {role}": move for role, move in policy.MOVES[Subject.DISPUTE].items()},
    },
    policy.RefundFacts: {
        "outstanding": policy.IS_OUTSTANDING,
        "shown": policy.REFUND_SHOWN,
        "overdue": policy.REFUND_OVERDUE,
        "reported": policy.REPORTED_MISSING,
    },
}


@pytest.mark.parametrize(
    ("facts", "generator"),
    [(policy.OrderFacts, orders()), (policy.DisputeFacts, disputes()), (policy.RefundFacts, refunds())],
)
def test_every_expression_is_read_alike_in_sql_and_in_python(
    server: Server, world: World, facts: type[Any], generator: st.SearchStrategy[dict[str, Any]]
) -> None:
    named = EXPRESSIONS[facts]
    buyer, supplier = world.person(Role.BUYER), world.person(Role.SUPPLIER)
    parties = {} if facts is policy.RefundFacts else {"buyer_id": new_id(), "supplier_id": new_id()}

    async def store(generated: list[dict[str, Any]]) -> tuple[str, list[Any]]:
        if facts is policy.OrderFacts:
            return "orders", await _add(generated, buyer, supplier)
        order_ids = await _add([{"kind": _TA, "amount_paid": 0}] * len(generated), buyer, supplier)
        orders = await models.Order.filter(id__in=order_ids)  # an order has one open dispute at most
        if facts is policy.DisputeFacts:
            return "disputes", await _add_disputes(generated, orders)
        return "refunds", await _add_refunds(generated, orders)

    async def found(table: str, keys: list[Any], role: Role) -> dict[Any, list[Any]]:
        statement = Statement()
        columns = [statement.condition(Where.of(expression, role, NOW)) for expression in named.values()]
        among = statement.condition(Where.among("id", keys))
        rows = await statement.run(f"SELECT id, {', '.join(columns)} FROM {table} WHERE {among}")
        return {UUID(str(id)): truths for id, *truths in rows}

    async def forget(table: str, keys: list[Any]) -> None:
        model: Any = {"orders": models.Order, "disputes": models.Dispute, "refunds": models.Refund}[table]
        await model.filter(id__in=keys).delete()

    @settings(max_examples=20)
    @given(st.lists(generator, min_size=10, max_size=30))
    def agree(generated: list[dict[str, Any]]) -> None:
        table, keys = server.run(lambda: store(generated))
        for role in (Role.BUYER, Role.SUPPLIER, Role.AGENT):
            by_id = server.run(lambda: found(table, keys, role))  # noqa: B023 - called at once
            for key, each in zip(keys, generated, strict=True):
                row = facts(**parties, **each)
                expected = {name: bool(expression.holds(row, role, NOW)) for name, expression in named.items()}
                assert all(truth in (True, False) for truth in by_id[key])  # never NULL
                assert dict(zip(named, map(bool, by_id[key]), strict=True)) == expected
        server.run(lambda: forget(table, keys))

    agree()


async def _add_disputes(generated: list[dict[str, Any]], orders: list[Any]) -> list[Any]:
    rows = [
        models.Dispute(
            number=new_id().hex,
            order_id=order.id,
            buyer_id=order.buyer_id,
            supplier_id=order.supplier_id,
            reason=DisputeReason.OTHER,
            description="",
            wanted=ResolutionKind.REFUND,
            **facts,
        )
        for facts, order in zip(generated, orders, strict=True)
    ]
    await models.Dispute.bulk_create(rows)
    return [row.id for row in rows]


async def _add_refunds(generated: list[dict[str, Any]], orders: list[Any]) -> list[Any]:
    rows = [
        models.Refund(
            order_id=order.id,
            buyer_id=order.buyer_id,
            supplier_id=order.supplier_id,
            recorded_by_id=order.recorded_by_id,
            case_kind=CaseKind.DISPUTE,
            case_id=new_id(),
            currency="USD",
            since=NOW,
            due_at=NOW,
            settled_at=NOW if facts["status"] is RefundStatus.SUCCEEDED else None,
            **facts,
        )
        for facts, order in zip(generated, orders, strict=True)
    ]
    await models.Refund.bulk_create(rows)
    return [row.id for row in rows]


@pytest.mark.parametrize("offered", [None, 49, 50])
@pytest.mark.parametrize("claimable", [None, 0, 49, 50, 51])
@pytest.mark.parametrize("currency", ["USD", "EUR"])
def test_what_is_offered_is_compared_alike_in_both_readings(
    server: Server, offered: int | None, claimable: int | None, currency: str
) -> None:
    facts = {
        "offered": offered,
        "offered_currency": "USD" if offered else None,
        "claimable": claimable,
        "claimable_currency": currency if claimable is not None else None,
    }
    dispute = policy.DisputeFacts(buyer_id=new_id(), supplier_id=new_id(), **facts)
    possible = within_claimable("offered", "offered_currency")

    async def found() -> bool:
        values = ", ".join(
            f"CAST({'NULL' if value is None else repr(value)} AS {'BIGINT' if '_' not in name else 'VARCHAR(3)'}) AS {name}"
            for name, value in facts.items()
        )
        [[truth]] = await database.select(
            f"SELECT {possible.sql(str, Role.BUYER, NOW)} FROM (SELECT {values}) AS dispute"
        )
        return bool(truth)

    assert server.run(found) == bool(possible.holds(dispute, Role.BUYER, NOW))
    known = {name for name, value in facts.items() if value is not None}
    assert possible.satisfiable(server.run(found), known)


def _found(person: Person, **filter: Any) -> list[dict[str, Any]]:
    edges = person.ask(LISTED, filter=filter)["viewer"]["orders"]["edges"]
    return [edge["node"] for edge in edges]


async def _add(generated: list[dict[str, Any]], buyer: Person, supplier: Person) -> list[Any]:
    parties = [await sign_in(person.subject, person.role, person.subject) for person in (buyer, supplier)]
    service = await sign_in("generator", Role.SERVICE, "generator")
    rows = [
        models.Order(
            number=f"G-{new_id().hex}",
            buyer_id=parties[0].id,
            supplier_id=parties[1].id,
            recorded_by_id=service.id,
            currency="USD",
            total=100,
            items=[],
            placed_at=NOW,
            recorded_at=NOW,
            changed_at=NOW,
            search="",
            **facts,
        )
        for facts in generated
    ]
    await models.Order.bulk_create(rows)
    return [row.id for row in rows]
