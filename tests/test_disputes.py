"""Opening a dispute, and taking it back."""

from typing import Any

import pytest

from tests.conftest import DAY, MOMENT, NOW, World, usd

SHOWN = """order { id dispute { number } availableActions { action } }
  dispute { id number status reason description wanted claim { amount currencyCode } respondBy openedAt closedAt
    viewerState isFinal availableActions { action label } order { number } }"""


def wish(order: str, **changes: Any) -> dict[str, Any]:
    return {
        "orderId": order,
        "reason": "DAMAGED",
        "description": "Two lamps are broken.",
        "wanted": "PARTIAL_REFUND",
        "claim": usd("50.00"),
    } | changes


def test_opening(world: World) -> None:
    order = world.order("TRADE_ASSURANCE", paidAt=2)
    payload = world.buyer.succeed("openDispute", wish(order), SHOWN)
    dispute = payload["dispute"]
    assert dispute["number"].startswith("D-2026-")
    assert payload["order"]["dispute"] == {"number": dispute["number"]}
    assert payload["order"]["availableActions"] == []
    assert (dispute["status"], dispute["viewerState"]) == ("AWAITING_SUPPLIER", "WAITING_FOR_OTHER_PARTY")
    assert dispute["claim"] == usd("50.00")
    assert dispute["respondBy"] == "2026-06-22T12:00:00.000000Z"
    assert dispute["availableActions"] == [{"action": "WITHDRAW_DISPUTE", "label": "Withdraw Dispute"}]
    assert world.buyer.refused("openDispute", wish(order)) == "DISPUTE_OPEN"


def test_the_supplier_has_seven_days(world: World) -> None:
    order = world.order("SECURE_PAYMENT", shippedAt=2)
    dispute = world.buyer.succeed("openDispute", wish(order, wanted="REPLACEMENT", claim=None), SHOWN)["dispute"]
    assert dispute["claim"] is None
    asked = "query($id: ID!) { node(id: $id) { ... on Dispute { status respondBy viewerState } } }"
    last = NOW + 7 * DAY
    assert world.supplier.at(last).ask(asked, id=dispute["id"])["node"] == {
        "status": "AWAITING_SUPPLIER",
        "respondBy": "2026-06-22T12:00:00.000000Z",
        "viewerState": "ACTION_REQUIRED",
    }
    assert world.supplier.at(last + MOMENT).ask(asked, id=dispute["id"])["node"] == {
        "status": "UNDER_REVIEW",
        "respondBy": None,
        "viewerState": "UNDER_REVIEW",
    }
    assert world.agent.at(last + MOMENT).ask(asked, id=dispute["id"])["node"]["viewerState"] == "ACTION_REQUIRED"


def test_after_a_withdrawn_one_another_may_be_opened(world: World) -> None:
    order = world.order("TRADE_ASSURANCE", paidAt=2)
    first = world.buyer.succeed("openDispute", wish(order), SHOWN)["dispute"]
    withdrawn = world.buyer.at(NOW + DAY).succeed("withdrawDispute", {"caseId": first["id"]}, SHOWN)
    assert (withdrawn["dispute"]["status"], withdrawn["dispute"]["isFinal"]) == ("WITHDRAWN", True)
    assert withdrawn["order"]["availableActions"] == [{"action": "OPEN_DISPUTE"}]
    assert world.buyer.at(NOW + DAY).refused("withdrawDispute", {"caseId": first["id"]}) == "CASE_CLOSED"
    second = world.buyer.at(NOW + 2 * DAY).succeed("openDispute", wish(order), SHOWN)
    assert second["dispute"]["number"] > first["number"]
    assert second["order"]["dispute"] == {"number": second["dispute"]["number"]}


def test_only_the_buyer_withdraws(world: World) -> None:
    order = world.order("TRADE_ASSURANCE", paidAt=2)
    dispute = world.buyer.succeed("openDispute", wish(order), SHOWN)["dispute"]
    assert world.supplier.refused("withdrawDispute", {"caseId": dispute["id"]}) == "NOT_YOUR_ROLE"
    assert world.agent.refused("withdrawDispute", {"caseId": dispute["id"]}) == "NOT_YOUR_ROLE"
    assert world.person(world.buyer.role).refused("withdrawDispute", {"caseId": dispute["id"]}) == "NOT_FOUND"
    assert world.buyer.refused("withdrawDispute", {"caseId": order}) == "NOT_FOUND"


@pytest.mark.parametrize(
    ("facts", "claim", "problem"),
    [
        ({"paidAt": 1}, usd("100.00"), None),
        ({"paidAt": 1}, usd("100.01"), ("claim.amount", "OUT_OF_RANGE")),
        ({"paidAt": 1, "amountPaid": usd("30.00")}, usd("30.00"), None),
        ({"paidAt": 1, "amountPaid": usd("30.00")}, usd("30.01"), ("claim.amount", "OUT_OF_RANGE")),
        ({"completedAt": 1}, usd("100.00"), None),  # nothing known to be paid: up to the total
        ({"completedAt": 1}, usd("100.01"), ("claim.amount", "OUT_OF_RANGE")),
        ({"paidAt": 1}, {"amount": "1.00", "currencyCode": "EUR"}, ("claim.currencyCode", "WRONG_FORM")),
    ],
)
def test_what_a_claim_may_be(
    world: World, facts: dict[str, Any], claim: dict[str, str], problem: tuple[str, str] | None
) -> None:
    order = world.order("TRADE_ASSURANCE", **facts)
    if problem:
        assert world.buyer.problems("openDispute", wish(order, claim=claim)) == {problem}
    else:
        world.buyer.succeed("openDispute", wish(order, claim=claim))


def test_disputes_are_listed_for_their_parties(world: World) -> None:
    orders = [world.order("TRADE_ASSURANCE", paidAt=2) for _ in range(3)]
    numbers = [
        world.buyer.at(NOW + place * DAY).succeed("openDispute", wish(order), SHOWN)["dispute"]["number"]
        for place, order in enumerate(orders)
    ]
    listed = "{ viewer { disputes { edges { node { number order { id } } } } } }"
    for person in (world.buyer, world.supplier, world.service):
        edges = person.at(NOW + 9 * DAY).ask(listed)["viewer"]["disputes"]["edges"]
        assert [edge["node"]["number"] for edge in edges] == numbers[::-1]
        assert [edge["node"]["order"]["id"] for edge in edges] == orders[::-1]
    assert world.person(world.supplier.role).ask(listed)["viewer"]["disputes"]["edges"] == []
