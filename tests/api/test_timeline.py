"""Timeline entries for machines: what kind of change, of which refund, under which id. `changes` needs no words read."""

from typing import Any

import pytest

from models.enums import Action, ChangeKind, RefundStatus
from resolvers.timeline import change_of
from tests.conftest import DAY, MOMENT, NOW, Person, World, usd

SET = "2026-06-15T12:00:00Z"
KINDS: list[tuple[dict[str, Any], RefundStatus | None, str]] = [
    ({"placed_at": SET, "paid_at": SET}, None, "ORDER_PLACED"),
    ({"payment_submitted_at": SET}, None, "PAYMENT_SUBMITTED"),
    ({"payment_submitted_at": None}, None, "PAYMENT_FAILED"),
    ({"paid_at": SET, "amount_paid": 1}, None, "PAYMENT_RECEIVED"),
    ({"paid_at": None}, None, "ORDER_CORRECTED"),
    ({"shipped_at": SET}, None, "ORDER_SHIPPED"),
    ({"shipped_at": None}, None, "ORDER_CORRECTED"),
    ({"delivered_at": SET}, None, "ORDER_DELIVERED"),
    ({"completed_at": SET}, None, "ORDER_COMPLETED"),
    ({"cancelled_at": SET, "closed_as": "CANCELLED"}, None, "ORDER_CANCELLED"),
    ({"ship_by": SET}, None, "ORDER_CORRECTED"),
    ({"cancellation_pending_since": None, "closed_as": "SUPERSEDED"}, None, "CANCELLATION_SUPERSEDED"),
    ({"waits_for": "AGENT", "evidence_asked_at": None}, None, "DISPUTE_UNDER_REVIEW"),
    ({"closed_at": SET, "closed_as": "LAPSED", "waits_for": None}, None, "DISPUTE_LAPSED"),
    ({"return_waived_at": SET}, None, "RETURN_WAIVED"),
    ({"return_expired_at": SET}, None, "RETURN_EXPIRED"),
    ({"return_received_at": SET}, None, "RETURN_RECEIVED"),
    ({"amount_owed": 1}, RefundStatus.DUE, "REFUND_OWED"),
    ({"amount_owed": 1}, RefundStatus.SENT, "REFUND_SENT"),
    ({"amount_owed": 1}, RefundStatus.SUCCEEDED, "REFUND_SUCCEEDED"),
    ({"amount_owed": 1}, RefundStatus.FAILED, "REFUND_FAILED"),
    ({"amount_owed": 1}, RefundStatus.VOID, "REFUND_VOID"),
]


@pytest.mark.parametrize(("facts", "refund", "kind"), KINDS)
def test_what_kind_of_change_an_event_is(facts: dict[str, Any], refund: RefundStatus | None, kind: str) -> None:
    assert change_of(None, facts, refund)[0] is ChangeKind[kind]


def test_every_kind_is_in_the_table() -> None:
    assert {kind for _, _, kind in KINDS} | {"ACTION"} == set(ChangeKind)
    assert {change_of(action, {})[0] for action in Action} == {ChangeKind.ACTION}


CHANGES = """query($after: String) { changes(first: 100, after: $after) { pageInfo { endCursor } edges { node {
  id kind action refund { id status } order { id } } } } }"""


def changes(service: Person, order: str, after: str | None = None) -> list[dict[str, Any]]:
    """Returns the entries of this order, without the order."""
    entries = [edge["node"] for edge in service.ask(CHANGES, after=after)["changes"]["edges"]]
    return [
        {name: entry[name] for name in entry if name != "order"} for entry in entries if entry["order"]["id"] == order
    ]


def test_the_order_system_follows_a_refund_without_reading_words(world: World) -> None:
    order = world.order(number="T1-" + world.buyer.subject, paidAt=20, cancelledAt=11)
    shown = "query($id: ID!) { node(id: $id) { ... on Order { number cancellation { number } refunds { id } } } }"
    node = world.service.ask(shown, id=order)["node"]
    record = {
        "orderNumber": node["number"],
        "caseNumber": node["cancellation"]["number"],
        "amount": usd("100.00"),
        "status": "SENT",
        "reference": "R-" + node["number"],
        "recordedAt": "2026-06-15T12:00:00Z",
    }
    world.service.succeed("recordRefunds", {"refunds": [record]})
    told = changes(world.service, order)
    assert len({entry["id"] for entry in told}) == len(told)
    assert {entry["kind"] for entry in told} == {"ORDER_PLACED", "PAYMENT_RECEIVED", "ORDER_CANCELLED", "REFUND_SENT"}
    [sent] = [entry for entry in told if entry["kind"] == "REFUND_SENT"]
    assert sent["refund"] == {"id": node["refunds"][0]["id"], "status": "SENT"}
    assert all(entry["refund"] is None for entry in told if entry is not sent)


ENTRIES = """query($id: ID!) { node(id: $id) { ... on Dispute {
  timeline(first: 100) { edges { node { id kind text } } } } } }"""


def entries(person: Person, case: str) -> list[dict[str, str]]:
    return [edge["node"] for edge in person.ask(ENTRIES, id=case)["node"]["timeline"]["edges"]]


def test_what_time_does_has_a_kind_before_it_is_recorded(world: World) -> None:
    order = world.order(paidAt=20)
    wish = {"reason": "DAMAGED", "description": "x", "wanted": "RETURN_AND_REFUND", "claim": usd("60.00")}
    case = world.buyer.succeed("openDispute", {"orderId": order, **wish}, "dispute { id }")["dispute"]["id"]
    world.supplier.succeed("acceptProposal", {"caseId": case})
    late = NOW + 5 * DAY + MOMENT
    before = entries(world.buyer.at(late), case)
    assert [entry["kind"] for entry in before] == ["ACTION", "ACTION", "RETURN_WAIVED"]
    number = world.buyer.ask("query($id: ID!) { node(id: $id) { ... on Order { number } } }", id=order)["node"][
        "number"
    ]
    record = world.record(number=number, paidAt=20, shippedAt=19, recordedAt=-5)
    world.service.at(late).succeed("recordOrders", {"orders": [record]})
    after = entries(world.buyer.at(late), case)
    assert [entry["kind"] for entry in after if entry["kind"] == "RETURN_WAIVED"] == ["RETURN_WAIVED"]


def test_an_outcome_that_stands_again_is_told(world: World) -> None:
    standing = change_of(Action.WITHDRAW_DISPUTE, {"closed_as": "RESOLVED"})[1]
    assert standing == "The buyer withdrew the dispute; the earlier outcome stands again."
    assert change_of(Action.WITHDRAW_DISPUTE, {"closed_as": "WITHDRAWN"})[1] == "The buyer withdrew the dispute."
