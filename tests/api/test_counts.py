"""Numbers for badges and for lists, and the lists of what waits for the viewer."""

from typing import Any

import pytest

from models.enums import Role
from tests.conftest import DAY, MOMENT, NOW, Statements, World, usd

COUNTS = """{ viewer { counts { actionRequired feedbackToLeave feedbackToRevise feedbackToAnswer openCancellations
  openDisputes openComplaints refundsOverdue } } }"""
NONE = {
    "actionRequired": 0,
    "feedbackToLeave": 0,
    "feedbackToRevise": 0,
    "feedbackToAnswer": 0,
    "openCancellations": 0,
    "openDisputes": 0,
    "openComplaints": 0,
    "refundsOverdue": 0,
}


def counts(person: Any) -> dict[str, int]:
    """Returns the numbers that are not 0."""
    shown = person.ask(COUNTS)["viewer"]["counts"]
    assert shown.keys() == NONE.keys()
    return {name: number for name, number in shown.items() if number}


def disputed(world: World, **facts: Any) -> tuple[str, str]:
    order = world.order("TRADE_ASSURANCE", **({"paidAt": 20} | facts))
    wish = {"reason": "DAMAGED", "description": "x", "wanted": "RETURN_AND_REFUND", "claim": usd("60.00")}
    return order, world.buyer.succeed("openDispute", {"orderId": order, **wish}, "dispute { id }")["dispute"]["id"]


def test_the_numbers_are_those_of_the_viewer(world: World) -> None:
    assert counts(world.buyer) == {}
    world.order("TRADE_ASSURANCE", completedAt=60)
    world.order("TRADE_ASSURANCE", completedAt=61)
    rated = world.order("SECURE_PAYMENT", completedAt=5)
    areas = {"areas": {"productAsAgreed": 5, "communication": 4, "shippingTime": 4}}
    world.buyer.succeed("leaveFeedback", {"orderId": rated, "ratings": areas})
    requested = world.order("SECURE_PAYMENT", paidAt=3)
    world.buyer.succeed("requestCancellation", {"orderId": requested, "reason": "OTHER"})
    _, case = disputed(world)
    both = {"openCancellations": 1, "openDisputes": 1}
    assert counts(world.buyer) == both | {"feedbackToLeave": 1}
    assert counts(world.supplier) == both | {"actionRequired": 2, "feedbackToAnswer": 1}
    assert counts(world.service) == both
    assert counts(world.person(Role.BUYER)) == counts(world.person(Role.SUPPLIER)) == {}
    world.supplier.succeed("replyToFeedback", {"orderId": rated, "text": "Thanks"})
    world.supplier.succeed("acceptProposal", {"caseId": case})
    assert counts(world.supplier) == {"openCancellations": 1, "actionRequired": 2}  # it owes a return address
    assert counts(world.buyer) == {"openCancellations": 1, "feedbackToLeave": 1, "feedbackToRevise": 1}
    waived = NOW + 5 * DAY + MOMENT
    assert counts(world.supplier.at(waived))["actionRequired"] == 1
    assert "refundsOverdue" not in counts(world.buyer.at(waived + 10 * DAY - MOMENT))
    assert counts(world.buyer.at(waived + 10 * DAY))["refundsOverdue"] == 1


def test_a_number_is_at_most_a_hundred(world: World) -> None:
    records = [world.record("TRADE_ASSURANCE", completedAt=1) for _ in range(101)]
    world.service.succeed("recordOrders", {"orders": records})
    assert counts(world.buyer) == {"feedbackToLeave": 100}
    total = "{ viewer { orders(first: 1, filter: {can: LEAVE_FEEDBACK}) { totalCount edges { node { id } } } } }"
    assert world.buyer.ask(total)["viewer"]["orders"]["totalCount"] == 101


def test_all_numbers_come_from_one_statement(world: World, statements: Statements) -> None:
    counts(world.buyer)
    statements.sent.clear()
    counts(world.buyer)
    assert len(statements.sent) == 1


# ---------------------------------------------------------------- totals


def total(person: Any, field: str, arguments: str = "") -> int | None:
    query = f"{{ viewer {{ {field}{f'({arguments})' if arguments else ''} {{ totalCount }} }} }}"
    return person.ask(query)["viewer"][field]["totalCount"]


def test_lists_are_counted_under_their_filter(world: World) -> None:
    for _ in range(3):
        world.order("TRADE_ASSURANCE", completedAt=1)
    world.order("SECURE_PAYMENT", items=[{"title": "Blue chair", "quantity": 1, "unitPrice": usd("100.00")}])
    disputed(world)
    for person in (world.buyer, world.supplier, world.service):
        assert total(person, "orders") == 5
        assert total(person, "orders", "first: 1") == 5
        assert total(person, "orders", "filter: {statuses: [COMPLETED]}") == 3
        assert total(person, "orders", 'filter: {search: "blue ch"}') == 1
        assert total(person, "orders", 'filter: {search: "blue ch", kinds: [OFFLINE]}') == 0
        assert total(person, "disputes") == 1
        assert total(person, "feedback") == total(person, "refunds") == total(person, "complaints") == 0
    assert total(world.buyer, "orders", "filter: {can: LEAVE_FEEDBACK}") == 3


def test_a_long_list_is_not_counted(world: World) -> None:
    for _ in range(2):
        records = [world.record("OFFLINE") for _ in range(500)]
        world.service.succeed("recordOrders", {"orders": records})
    assert total(world.buyer, "orders") == 1000
    world.order("OFFLINE")
    assert total(world.buyer, "orders") is None
    assert total(world.buyer, "orders", "filter: {kinds: [TRADE_ASSURANCE]}") == 0


# ---------------------------------------------------------------- what waits for the viewer


def waiting(person: Any, wanted: str) -> set[str]:
    query = f"{{ viewer {{ orders(filter: {{actionRequired: {wanted}}}) {{ edges {{ node {{ id }} }} }} }} }}"
    return {edge["node"]["id"] for edge in person.ask(query)["viewer"]["orders"]["edges"]}


def states(person: Any, field: str, state: str) -> int:
    arguments = f"filter: {{viewerStates: [{state}]}}"
    query = f"{{ viewer {{ {field}({arguments}) {{ totalCount edges {{ node {{ viewerState }} }} }} }} }}"
    shown = person.ask(query)["viewer"][field]
    assert [edge["node"]["viewerState"] for edge in shown["edges"]] == [state] * shown["totalCount"]
    return shown["totalCount"]


def test_orders_with_a_case_that_waits_for_the_viewer(world: World) -> None:
    quiet = world.order("TRADE_ASSURANCE", paidAt=3)
    requested = world.order("SECURE_PAYMENT", paidAt=3)
    world.buyer.succeed("requestCancellation", {"orderId": requested, "reason": "OTHER"})
    order, case = disputed(world)
    assert (waiting(world.buyer, "true"), waiting(world.buyer, "false")) == (set(), {quiet, requested, order})
    assert (waiting(world.supplier, "true"), waiting(world.supplier, "false")) == ({requested, order}, {quiet})
    world.supplier.succeed("rejectProposal", {"caseId": case})
    assert waiting(world.buyer, "true") == {order}
    assert waiting(world.supplier, "true") == {requested}
    late = NOW + 7 * DAY + MOMENT
    assert waiting(world.buyer.at(late), "true") == set()


@pytest.mark.parametrize(
    ("days", "act", "buyer", "supplier"),
    [
        (0, None, "WAITING_FOR_OTHER_PARTY", "ACTION_REQUIRED"),
        (8, None, "UNDER_REVIEW", "UNDER_REVIEW"),
        (0, ("supplier", "rejectProposal"), "ACTION_REQUIRED", "WAITING_FOR_OTHER_PARTY"),
        (0, ("buyer", "withdrawDispute"), "CLOSED", "CLOSED"),
        (0, ("supplier", "acceptProposal"), "WAITING_FOR_OTHER_PARTY", "ACTION_REQUIRED"),  # the return's address
        (8, ("supplier", "acceptProposal"), "CLOSED", "CLOSED"),  # waived
    ],
)
def test_disputes_by_their_state_for_the_viewer(
    world: World, days: int, act: tuple[str, str] | None, buyer: str, supplier: str
) -> None:
    _, case = disputed(world)
    if act is not None:
        getattr(world, act[0]).succeed(act[1], {"caseId": case})
    for person, state in ((world.buyer, buyer), (world.supplier, supplier)):
        then = person.at(NOW + days * DAY)
        for wanted in ("ACTION_REQUIRED", "WAITING_FOR_OTHER_PARTY", "UNDER_REVIEW", "CLOSED"):
            assert states(then, "disputes", wanted) == (1 if wanted == state else 0), wanted


def test_an_agent_who_is_a_party_does_not_wait(world: World) -> None:
    _, case = disputed(world)
    late = NOW + 8 * DAY
    party = type(world.agent)(world.http, world.buyer.subject, Role.AGENT, late)
    mine = """query($id: ID!) { node(id: $id) { ... on Dispute { viewerState } } }"""
    assert party.ask(mine, id=case)["node"]["viewerState"] == "UNDER_REVIEW"
    query = "query($states: [ViewerState!]) { viewer { disputes(first: 100, filter: {viewerStates: $states}) { edges { node { id } } } } }"
    for who, expected in ((party, "UNDER_REVIEW"), (world.agent.at(late), "ACTION_REQUIRED")):
        for state in ("UNDER_REVIEW", "ACTION_REQUIRED"):
            shown = {edge["node"]["id"] for edge in who.ask(query, states=[state])["viewer"]["disputes"]["edges"]}
            assert (case in shown) == (state == expected)
