"""The policy in SQL and in Python: both forms of every rule agree, for any order."""

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import models
from models import database
from models.enums import Action, OrderKind, OrderStatus, Role
from models.keys import new_id
from resolvers import policy
from resolvers.account import sign_in
from resolvers.policy.dispute import within_claimable
from tests.conftest import DAY, MOMENT, NOW, Person, Server, World

# Instants around NOW, around the ends of windows, and none.
INSTANTS = st.one_of(
    st.none(),
    st.sampled_from([NOW - days * DAY + shift * MOMENT for days in (0, 30, 60, 90) for shift in (-1, 0, 1)]),
)
FACTS = (
    "payment_submitted_at",
    "paid_at",
    "shipped_at",
    "completed_at",
    "cancelled_at",
    "cancellation_pending_since",
    "dispute_open_since",
    "dispute_lapses_at",
    "dispute_settled_at",
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
                assert all(not _found(person, can=action) for action in Action)
                continue
            rows = _found(person)
            assert len(rows) == len(generated)
            for action in Action:
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


async def _add(generated: list[dict[str, Any]], buyer: Person, supplier: Person) -> None:
    parties = [await sign_in(person.subject, person.role, person.subject) for person in (buyer, supplier)]
    service = await sign_in("generator", Role.SERVICE, "generator")
    await models.Order.bulk_create(
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
    )
