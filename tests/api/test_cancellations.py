"""Cancelling an order, and requesting a cancellation."""

import pytest

from tests.conftest import DAY, MOMENT, NOW, World

SHOWN = """order { id status cancelledAt }
  cancellation { id number status reason note openedAt closedAt isFinal viewerState order { number } }"""


def test_an_unpaid_order_is_cancelled_at_once(world: World) -> None:
    order = world.order("TRADE_ASSURANCE")
    payload = world.buyer.succeed(
        "cancelOrder", {"orderId": order, "reason": "FOUND_BETTER_PRICE", "note": "Elsewhere for 80"}, SHOWN
    )
    assert payload["order"] == {"id": order, "status": "CANCELLED", "cancelledAt": "2026-06-15T12:00:00.000000Z"}
    cancellation = payload["cancellation"]
    assert cancellation["number"].startswith("K-2026-")
    assert (cancellation["status"], cancellation["isFinal"], cancellation["viewerState"]) == (
        "CANCELLED",
        True,
        "CLOSED",
    )
    assert (cancellation["openedAt"], cancellation["closedAt"]) == ("2026-06-15T12:00:00.000000Z",) * 2
    assert cancellation["note"] == "Elsewhere for 80"


def test_a_request_waits_for_the_supplier(world: World) -> None:
    order = world.order("SECURE_PAYMENT", paidAt=1)
    payload = world.buyer.succeed("requestCancellation", {"orderId": order, "reason": "NO_LONGER_NEEDED"}, SHOWN)
    assert payload["order"]["status"] == "PAID"
    assert payload["cancellation"]["status"] == "REQUESTED"
    assert payload["cancellation"]["viewerState"] == "WAITING_FOR_OTHER_PARTY"
    case = "query($number: String!) { caseByNumber(number: $number) { __typename viewerState order { id } } }"
    number = payload["cancellation"]["number"]
    assert world.supplier.ask(case, number=number)["caseByNumber"] == {
        "__typename": "Cancellation",
        "viewerState": "ACTION_REQUIRED",
        "order": {"id": order},
    }
    assert world.buyer.refused("requestCancellation", {"orderId": order, "reason": "OTHER"}) == "CANCELLATION_PENDING"
    accepted = world.supplier.at(NOW + DAY).succeed("acceptCancellation", {"orderId": order, "note": "Fine"}, SHOWN)
    assert accepted["order"]["status"] == "CANCELLED"
    assert accepted["cancellation"]["status"] == "ACCEPTED"
    assert accepted["cancellation"]["closedAt"] == accepted["order"]["cancelledAt"]


def test_a_declined_cancellation_can_be_requested_again(world: World) -> None:
    order = world.order("SECURE_PAYMENT")
    first = world.buyer.succeed("requestCancellation", {"orderId": order, "reason": "OTHER"}, SHOWN)
    declined = world.supplier.at(NOW + MOMENT).succeed("declineCancellation", {"orderId": order, "note": "No"}, SHOWN)
    assert declined["cancellation"]["status"] == "DECLINED"
    assert declined["order"]["status"] == "AWAITING_PAYMENT"
    again = world.buyer.at(NOW + DAY).succeed("requestCancellation", {"orderId": order, "reason": "OTHER"}, SHOWN)
    assert again["cancellation"]["number"] > first["cancellation"]["number"]
    withdrawn = world.buyer.at(NOW + 2 * DAY).succeed("withdrawCancellation", {"orderId": order}, SHOWN)
    assert withdrawn["cancellation"]["status"] == "WITHDRAWN"
    assert world.supplier.at(NOW + 3 * DAY).refused("acceptCancellation", {"orderId": order}) == (
        "NO_CANCELLATION_PENDING"
    )


def test_a_refused_answer_shows_the_cancellation_as_it_stands(world: World) -> None:
    order = world.order("SECURE_PAYMENT")
    world.buyer.succeed("requestCancellation", {"orderId": order, "reason": "OTHER"})
    world.buyer.at(NOW + MOMENT).succeed("withdrawCancellation", {"orderId": order})
    later = NOW + DAY
    payload = world.supplier.at(later).do("acceptCancellation", {"orderId": order}, "cancellation { status }")
    assert payload["cancellation"] == {"status": "WITHDRAWN"}
    payload = world.supplier.at(later).do(
        "declineCancellation", {"orderId": order, "note": "x" * 2001}, "cancellation { status } order { id }"
    )
    assert (payload["cancellation"], payload["order"]) == ({"status": "WITHDRAWN"}, {"id": order})


def test_the_notes_of_answers_are_in_the_timeline(world: World) -> None:
    order = world.order("SECURE_PAYMENT")
    world.buyer.succeed("requestCancellation", {"orderId": order, "reason": "OTHER", "note": "Please"})
    world.supplier.at(NOW + MOMENT).succeed("declineCancellation", {"orderId": order, "note": "It is packed"})
    asked = """query($id: ID!) { node(id: $id) { ... on Order { timeline { edges { node {
      text note action by { role } relatedCase { number } } } } cancellation { timeline { edges { node { text } } } } } } }"""
    found = world.buyer.at(NOW + DAY).ask(asked, id=order)["node"]
    entries = [edge["node"] for edge in found["timeline"]["edges"]]
    assert [entry["action"] for entry in entries] == [None, "REQUEST_CANCELLATION", "DECLINE_CANCELLATION"]
    assert [entry["by"] for entry in entries] == [None, {"role": "BUYER"}, {"role": "SUPPLIER"}]
    assert [entry["note"] for entry in entries] == [None, None, "It is packed"]
    assert entries[1]["relatedCase"] == entries[2]["relatedCase"] != None  # noqa: E711
    assert [edge["node"]["text"] for edge in found["cancellation"]["timeline"]["edges"]] == [
        "The buyer asked the supplier to cancel the order.",
        "The supplier declined the cancellation request.",
    ]
    service = world.service.at(NOW + DAY).ask(asked, id=order)["node"]
    assert [edge["node"]["note"] for edge in service["timeline"]["edges"]] == [None, None, None]


@pytest.mark.parametrize("mutation", ["acceptCancellation", "declineCancellation"])
def test_only_the_request_that_was_seen_is_answered(world: World, mutation: str) -> None:
    order = {"orderId": world.order("SECURE_PAYMENT")}
    asking, shown = order | {"reason": "OTHER"}, "cancellation { id }"
    answer = order if mutation == "acceptCancellation" else order | {"note": "No"}
    first = world.buyer.succeed("requestCancellation", asking, shown)["cancellation"]["id"]
    world.buyer.at(NOW + MOMENT).succeed("withdrawCancellation", order)
    supplier = world.supplier.at(NOW + DAY)
    assert supplier.refused(mutation, answer | {"cancellationId": first}) == "NO_CANCELLATION_PENDING"
    second = world.buyer.at(NOW + 2 * MOMENT).succeed("requestCancellation", asking, shown)["cancellation"]["id"]
    for seen in (first, "", "x", second.upper(), order["orderId"], second.replace("can", "dsp"), f"can_{'0' * 32}"):
        payload = supplier.do(mutation, answer | {"cancellationId": seen}, "cancellation { id status }")
        [error] = payload["userErrors"]
        assert (error["code"], error["field"], error["decision"]) == ("PROPOSAL_CHANGED", None, None), seen
        assert "cancellation request has changed" in error["message"]
        assert payload["cancellation"] == {"id": second, "status": "REQUESTED"}  # the state that the person sees now
    supplier.succeed(mutation, answer | {"cancellationId": second})
    assert supplier.refused(mutation, answer | {"cancellationId": second}) == "NO_CANCELLATION_PENDING"


ANSWER = (
    """query($id: ID!) { node(id: $id) { ... on Order { cancellation { status answer { at note by { role } } } } } }"""
)


@pytest.mark.parametrize(
    ("mutation", "status"), [("acceptCancellation", "ACCEPTED"), ("declineCancellation", "DECLINED")]
)
def test_the_answer_says_who_when_and_why(world: World, mutation: str, status: str) -> None:
    order = world.order("SECURE_PAYMENT", paidAt=1)
    world.buyer.succeed("requestCancellation", {"orderId": order, "reason": "OTHER"})
    assert world.buyer.ask(ANSWER, id=order)["node"]["cancellation"]["answer"] is None
    world.supplier.at(NOW + DAY).succeed(mutation, {"orderId": order, "note": "So be it."})
    answer = {"at": "2026-06-16T12:00:00.000000Z", "note": "So be it.", "by": {"role": "SUPPLIER"}}
    for person in (world.buyer, world.supplier, world.agent):
        assert person.ask(ANSWER, id=order)["node"]["cancellation"] == {"status": status, "answer": answer}
    assert world.service.ask(ANSWER, id=order)["node"]["cancellation"]["answer"] == answer | {"note": None}


@pytest.mark.parametrize("mutation", ["cancelOrder", "withdrawCancellation"])
def test_only_the_supplier_answers(world: World, mutation: str) -> None:
    order = world.order("TRADE_ASSURANCE" if mutation == "cancelOrder" else "SECURE_PAYMENT")
    if mutation == "cancelOrder":
        world.buyer.succeed(mutation, {"orderId": order, "reason": "OTHER"})
    else:
        world.buyer.succeed("requestCancellation", {"orderId": order, "reason": "OTHER"})
        world.buyer.succeed(mutation, {"orderId": order})
    assert world.buyer.ask(ANSWER, id=order)["node"]["cancellation"]["answer"] is None
