"""Returns: goods go back to the supplier, and the refund follows."""

from typing import Any

from tests.conftest import DAY, MOMENT, NOW, World, usd
from tests.support.uploads import bring

SHOWN = """order { amountRefunded { amount } refunds { status } }
  dispute { id number status isFinal viewerState closedAt
    outcome { resolution amount { amount } }
    returnShipment { status respondBy address carrier trackingNumber shippedAt receivedAt note }
    refund { id status amount { amount } owedSince dueBy isOverdue cause relatedCase { number } order { number } }
    refunds { status amount { amount } }
    appeal { text by { name } decision { resolution } } }"""


def agreed(world: World, **facts: Any) -> str:
    """Returns the id of a dispute that was settled with a return."""
    order = world.order("TRADE_ASSURANCE", **({"paidAt": 20, "shippedAt": 10} | facts))
    wish = {"reason": "DAMAGED", "description": "Broken.", "wanted": "RETURN_AND_REFUND", "claim": usd("60.00")}
    dispute = world.buyer.succeed("openDispute", {"orderId": order, **wish}, "dispute { id }")["dispute"]
    world.supplier.succeed("acceptProposal", {"caseId": dispute["id"]})
    return dispute["id"]


def test_a_return_from_agreement_to_refund(world: World) -> None:
    case = agreed(world)
    address = world.supplier.at(NOW + DAY).succeed(
        "provideReturnAddress", {"caseId": case, "address": "Hall 3\nPort Road 1"}, SHOWN
    )["dispute"]
    assert address["returnShipment"]["status"] == "AWAITING_SHIPMENT"
    assert (address["refund"], address["refunds"], address["isFinal"]) == (None, [], False)
    shipment = {"caseId": case, "carrier": "DHL", "trackingNumber": "123"}
    shipped = world.buyer.at(NOW + 2 * DAY).succeed("confirmReturnShipped", shipment, SHOWN)["dispute"]
    assert shipped["returnShipment"]["status"] == "SHIPPED"
    assert shipped["refund"] is None
    received = world.supplier.at(NOW + 3 * DAY).succeed("confirmReturnReceived", {"caseId": case}, SHOWN)["dispute"]
    assert received["refund"]["status"] == "DUE"
    record = {
        "orderNumber": received["refund"]["order"]["number"],
        "caseNumber": received["number"],
        "amount": usd("60.00"),
        "status": "SUCCEEDED",
        "reference": f"R-{received['number']}",
        "recordedAt": "2026-06-19T12:00:00Z",
    }
    paid = world.service.at(NOW + 4 * DAY).succeed("recordRefunds", {"refunds": [record]}, "refunds { id status }")
    assert paid["refunds"] == [{"id": received["refund"]["id"], "status": "SUCCEEDED"}]
    again = world.service.at(NOW + 4 * DAY).succeed("recordRefunds", {"refunds": [record]}, "refunds { id status }")
    assert again == paid


def test_time_waives_a_return_without_an_address(world: World) -> None:
    case = agreed(world)
    asked = (
        "query($id: ID!) { node(id: $id) { ... on Dispute { returnShipment { status } refund { status owedSince } } } }"
    )
    last = NOW + 5 * DAY
    assert world.buyer.at(last).ask(asked, id=case)["node"]["returnShipment"] == {"status": "AWAITING_ADDRESS"}
    node = world.buyer.at(last + MOMENT).ask(asked, id=case)["node"]
    assert node["returnShipment"] == {"status": "WAIVED"}
    assert node["refund"] == {"status": "DUE", "owedSince": "2026-06-20T12:00:00.000000Z"}
    assert world.supplier.at(last + MOMENT).refused("provideReturnAddress", {"caseId": case, "address": "x"}) == (
        "RETURN_CLOSED"
    )
    listed = "{ viewer { refunds { edges { node { status isOverdue } } } } }"
    overdue = last + 10 * DAY + MOMENT
    for person in (world.buyer, world.supplier, world.service):
        shown = person.at(overdue).ask(listed)["viewer"]["refunds"]["edges"]
        assert shown == [{"node": {"status": "DUE", "isOverdue": True}}]


def test_a_refused_return_is_decided_anew(world: World) -> None:
    case = agreed(world)
    world.supplier.at(NOW + DAY).succeed("provideReturnAddress", {"caseId": case, "address": "Hall 3"})
    world.buyer.at(NOW + 2 * DAY).succeed(
        "confirmReturnShipped", {"caseId": case, "carrier": "DHL", "trackingNumber": "123"}
    )
    refused = world.supplier.at(NOW + 3 * DAY).succeed("refuseReturn", {"caseId": case, "note": "Empty box."}, SHOWN)
    assert refused["dispute"]["status"] == "UNDER_REVIEW"
    assert refused["dispute"]["outcome"] is None
    decision = {"caseId": case, "resolution": "REFUND", "amount": usd("60.00"), "note": "It was not empty."}
    again = decision | {"resolution": "RETURN_AND_REFUND"}
    assert world.agent.at(NOW + 4 * DAY).problems("resolveDispute", again) == {("resolution", "WRONG_FORM")}
    decided = world.agent.at(NOW + 4 * DAY).succeed("resolveDispute", decision, SHOWN)["dispute"]
    assert (decided["status"], decided["refund"]["status"]) == ("RESOLVED", "DUE")


def test_an_appealed_decision_is_void(world: World) -> None:
    order = world.order("TRADE_ASSURANCE", paidAt=20, shippedAt=10)
    wish = {"reason": "DAMAGED", "description": "Broken.", "wanted": "REFUND", "claim": usd("60.00")}
    case = world.buyer.succeed("openDispute", {"orderId": order, **wish}, "dispute { id }")["dispute"]["id"]
    world.buyer.at(NOW + 4 * DAY).succeed("escalateDispute", {"caseId": case})
    decision = {"caseId": case, "resolution": "REFUND", "amount": usd("60.00"), "note": "So it is."}
    decided = world.agent.at(NOW + 5 * DAY).succeed("resolveDispute", decision, SHOWN)["dispute"]
    assert decided["refund"]["status"] == "DUE"
    supplier = world.supplier.at(NOW + 6 * DAY)
    appeal = {"caseId": case, "text": "No.", "attachments": [bring(supplier.at(None))]}
    appealed = supplier.at(None).do("appealDecision", appeal, SHOWN)
    assert appealed["userErrors"] or appealed["dispute"]["refunds"]
