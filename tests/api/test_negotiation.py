"""Accepting the buyer's claim, and changing it before the supplier has answered."""

from collections.abc import Callable
from typing import Any

import pytest

from models.enums import Role
from tests.conftest import DAY, MOMENT, NOW, World, usd
from tests.support.disputes import Disputed, at, texts


def refunding(world: World, **changes: Any) -> Disputed:
    return Disputed(world, **{"wanted": "REFUND"} | changes)


def table(dispute: Any) -> list[tuple[str, str | None, bool | None, str]]:
    """Returns the proposals: what, how much, whether it was accepted, and by whom."""
    return [
        (each["resolution"], each["amount"] and each["amount"]["amount"], each["accepted"], each["by"]["role"])
        for each in dispute["proposals"]
    ]


# ---------------------------------------------------------------- accepting the claim


def with_an_offer(dispute: Disputed) -> Disputed:
    dispute.do("supplier", "proposeResolution", resolution="PARTIAL_REFUND", amount=usd("10.00"))
    return dispute


def awaiting_evidence(dispute: Disputed, party: str) -> Disputed:
    dispute.escalated().do("agent", "requestEvidence", party=party, text="Photos?")
    return dispute


WISH = ("REFUND", "60.00")


CONCEDED: list[tuple[str, Callable[[World], Disputed], list[Any]]] = [
    ("at once", lambda world: refunding(world), [(*WISH, True, "BUYER")]),
    (
        "with an own proposal on the table",
        lambda world: with_an_offer(refunding(world)),
        [(*WISH, False, "BUYER"), ("PARTIAL_REFUND", "10.00", False, "SUPPLIER"), (*WISH, True, "SUPPLIER")],
    ),
    (
        "after the buyer rejected that proposal",
        lambda world: rejected(with_an_offer(refunding(world)), "buyer"),
        [(*WISH, False, "BUYER"), ("PARTIAL_REFUND", "10.00", False, "SUPPLIER"), (*WISH, True, "SUPPLIER")],
    ),
    (
        "after the supplier rejected the claim",
        lambda world: rejected(refunding(world), "supplier"),
        [(*WISH, False, "BUYER"), (*WISH, True, "SUPPLIER")],
    ),
    ("under review", lambda world: refunding(world).escalated(), [(*WISH, True, "BUYER")]),
    ("under review by time", lambda world: refunding(world).after(8 * DAY), [(*WISH, True, "BUYER")]),
    (
        "while evidence is asked of the supplier",
        lambda world: awaiting_evidence(refunding(world), "SUPPLIER"),
        [(*WISH, True, "BUYER")],
    ),
    (
        "while evidence is asked of the buyer",
        lambda world: awaiting_evidence(refunding(world), "BUYER"),
        [(*WISH, True, "BUYER")],
    ),
    (
        "after the supplier owed evidence",
        lambda world: awaiting_evidence(refunding(world), "SUPPLIER").after(6 * DAY),
        [(*WISH, True, "BUYER")],
    ),
]


@pytest.mark.parametrize(("says", "brought", "proposals"), CONCEDED)
def test_the_supplier_accepts_the_claim(
    world: World, says: str, brought: Callable[[World], Disputed], proposals: list[Any]
) -> None:
    dispute = brought(world)
    assert dispute.decision("CONCEDE_DISPUTE", "supplier")["allowed"], says
    shown = dispute.do("supplier", "concedeDispute", note="You are right.")
    assert (shown["status"], shown["isFinal"], shown["viewerState"]) == ("SETTLED", True, "CLOSED")
    assert shown["outcome"] == {
        "resolution": "REFUND",
        "amount": {"amount": "60.00"},
        "by": {"role": "SUPPLIER"},
        "at": at(dispute.now),
        "note": "You are right.",
    }
    assert table(shown) == proposals
    assert shown["proposal"] == shown["proposals"][-1]
    assert (shown["respondBy"], shown["escalatesAt"]) == (None, None)
    assert (shown["refund"]["status"], shown["refund"]["owedSince"]) == ("DUE", at(dispute.now))
    assert texts(shown)[-1] == "The supplier accepted the claim; the dispute is settled."
    assert dispute.order_seen()["openDispute"]["reason"] == "DISPUTE_SETTLED"
    assert dispute.refused("supplier", "concedeDispute") == "CASE_CLOSED"
    assert dispute.refused("agent", "resolveDispute", resolution="NO_REFUND", note="x") == "CASE_CLOSED"


def rejected(dispute: Disputed, role: str) -> Disputed:
    dispute.do(role, "rejectProposal")
    return dispute


def test_a_wish_for_goods_is_accepted_with_what_follows(world: World) -> None:
    shown = Disputed(world).do("supplier", "concedeDispute")
    assert (shown["outcome"]["resolution"], shown["returnShipment"]["status"]) == (
        "RETURN_AND_REFUND",
        "AWAITING_ADDRESS",
    )
    assert (shown["viewerState"], shown["isFinal"], shown["refunds"]) == ("ACTION_REQUIRED", False, [])
    # Also while evidence is asked of the buyer, whose time ends then.
    dispute = awaiting_evidence(Disputed(world), "BUYER")
    shown = dispute.do("supplier", "concedeDispute")
    assert (shown["status"], shown["returnShipment"]["respondBy"]) == ("SETTLED", at(dispute.now + 5 * DAY))
    assert [dispute.seen(role)["viewerState"] for role in ("buyer", "supplier")] == [
        "WAITING_FOR_OTHER_PARTY",
        "ACTION_REQUIRED",
    ]
    later = dispute.seen(now=dispute.now + 5 * DAY + MOMENT)
    assert (later["status"], later["returnShipment"]["status"]) == ("SETTLED", "WAIVED")
    dispute = Disputed(world, wanted="REPLACEMENT", claim=None)
    shown = dispute.do("supplier", "concedeDispute")
    assert (shown["outcome"]["resolution"], shown["outcome"]["amount"], shown["refunds"]) == ("REPLACEMENT", None, [])
    assert dispute.order_seen()["openDispute"]["opensAt"] == at(dispute.now + 30 * DAY + MOMENT)


@pytest.mark.parametrize(
    ("says", "changes", "reason"),
    [
        ("less was paid", {"amountPaid": usd("59.99")}, "OFFER_NOT_POSSIBLE"),
        ("the payment was taken back", {"paidAt": None}, "OFFER_NOT_POSSIBLE"),
        ("exactly that was paid", {"amountPaid": usd("60.00")}, None),
        ("the order was cancelled, and so owes all of it", {"cancelledAt": at(NOW)}, "OFFER_NOT_POSSIBLE"),
    ],
)
def test_a_claim_that_is_not_possible_any_more_cannot_be_accepted(
    world: World, says: str, changes: dict[str, Any], reason: str | None
) -> None:
    for brought in (refunding(world), refunding(world).escalated()):
        brought.after(MOMENT).record_again(**changes)
        brought.after(MOMENT)
        assert brought.decision("CONCEDE_DISPUTE", "supplier")["reason"] == reason, says
        if reason is None:
            assert brought.do("supplier", "concedeDispute")["status"] == "SETTLED"
        else:
            assert brought.refused("supplier", "concedeDispute") == reason
            assert brought.seen()["outcome"] is None
    # A wish without money stays possible.
    dispute = refunding(world, wanted="REPLACEMENT", claim=None).after(MOMENT)
    dispute.record_again(**changes)
    assert dispute.after(MOMENT).do("supplier", "concedeDispute")["status"] == "SETTLED"


def test_a_refund_on_its_way_makes_a_claim_impossible(world: World) -> None:
    dispute = refunding(world)
    dispute.tell_refund("SENT", "40.00", of_case=False)
    assert dispute.decision("CONCEDE_DISPUTE", "supplier")["allowed"]
    other = refunding(world)
    other.tell_refund("SENT", "40.01", of_case=False)
    assert other.refused("supplier", "concedeDispute") == "OFFER_NOT_POSSIBLE"


def test_only_the_supplier_accepts_the_claim_while_it_is_open(world: World) -> None:
    dispute = refunding(world)
    for role in ("buyer", "agent", "service"):
        assert dispute.refused(role, "concedeDispute") == "NOT_YOUR_ROLE"
    assert world.person(Role.SUPPLIER).refused("concedeDispute", dispute.case) == "NOT_FOUND"
    lapsed = awaiting_evidence(refunding(world), "BUYER").after(5 * DAY + MOMENT)
    assert lapsed.refused("supplier", "concedeDispute") == "CASE_CLOSED"
    withdrawn = refunding(world)
    withdrawn.do("buyer", "withdrawDispute")
    assert withdrawn.refused("supplier", "concedeDispute") == "CASE_CLOSED"
    assert refunding(world).problems("supplier", "concedeDispute", note="n" * 2001) == {("note", "TOO_LONG")}


# ---------------------------------------------------------------- changing the claim


def test_the_buyer_changes_wish_and_claim_before_the_supplier_has_answered(world: World) -> None:
    dispute = Disputed(world).after(2 * DAY)
    shown = dispute.do("buyer", "reviseClaim", wanted="REFUND", claim=usd("100.00"), note="It is worse.")
    assert (shown["wanted"], shown["claim"], shown["status"]) == ("REFUND", {"amount": "100.00"}, "AWAITING_SUPPLIER")
    assert (shown["respondBy"], shown["viewerState"]) == (at(dispute.now + 7 * DAY), "WAITING_FOR_OTHER_PARTY")
    assert shown["escalatesAt"] == at(NOW + 30 * DAY)
    assert table(shown) == [("RETURN_AND_REFUND", "60.00", False, "BUYER"), ("REFUND", "100.00", None, "BUYER")]
    assert shown["proposal"] == shown["proposals"][1]
    last = shown["timeline"]["edges"][-1]["node"]
    assert (last["text"], last["note"]) == ("The buyer changed the claim.", "It is worse.")
    shown = dispute.after(DAY).do("buyer", "reviseClaim", wanted="REPLACEMENT")
    assert (shown["claim"], [each[2] for each in table(shown)]) == (None, [False, False, None])
    shown = dispute.do("buyer", "reviseClaim", wanted="PARTIAL_REFUND", claim=usd("0.01"))
    # What was decided about the offer before reads the same.
    dispute.do("supplier", "acceptProposal")
    assert dispute.seen()["outcome"]["amount"] == {"amount": "0.01"}
    assert table(dispute.seen())[-1] == ("PARTIAL_REFUND", "0.01", True, "BUYER")


def test_an_answer_of_the_supplier_ends_changes_of_the_claim(world: World) -> None:
    for answered in (rejected(refunding(world), "supplier"), with_an_offer(refunding(world))):
        assert answered.refused("buyer", "reviseClaim", wanted="REPLACEMENT") == "ALREADY_ANSWERED"
        answered.do("buyer", "proposeResolution", resolution="REFUND", amount=usd("50.00"))
        assert answered.refused("buyer", "reviseClaim", wanted="REPLACEMENT") == "ALREADY_ANSWERED"
    written = refunding(world)
    written.do("supplier", "postDisputeMessage", text="What happened?")
    assert written.do("buyer", "reviseClaim", wanted="REPLACEMENT")["wanted"] == "REPLACEMENT"


def test_a_claim_is_changed_until_an_agent_has_it(world: World) -> None:
    dispute = refunding(world)
    last = NOW + 7 * DAY
    assert dispute.decision("REVISE_CLAIM", "buyer", last)["allowed"]
    assert dispute.decision("REVISE_CLAIM", "buyer", last + MOMENT)["reason"] == "ALREADY_UNDER_REVIEW"
    assert dispute.after(7 * DAY).do("buyer", "reviseClaim", wanted="REPLACEMENT")["respondBy"] == at(NOW + 14 * DAY)
    assert dispute.escalated().refused("buyer", "reviseClaim", wanted="REPLACEMENT") == "ALREADY_UNDER_REVIEW"
    for role in ("supplier", "agent", "service"):
        assert dispute.refused(role, "reviseClaim", wanted="REPLACEMENT") == "NOT_YOUR_ROLE"
    dispute.decided("NO_REFUND", None)
    assert dispute.refused("buyer", "reviseClaim", wanted="REPLACEMENT") == "CASE_CLOSED"


def test_no_turn_ends_after_the_thirtieth_day(world: World) -> None:
    dispute = refunding(world)
    cap = NOW + 30 * DAY
    for _ in range(3):
        dispute.after(6 * DAY).do("buyer", "reviseClaim", wanted="REPLACEMENT")
    shown = dispute.after(6 * DAY).do("buyer", "reviseClaim", wanted="REPLACEMENT")
    assert (dispute.now, shown["respondBy"], shown["escalatesAt"]) == (NOW + 24 * DAY, at(cap), at(cap))
    dispute.after(5 * DAY)
    rejected(dispute, "supplier")
    shown = dispute.after(DAY).do("buyer", "proposeResolution", resolution="REPLACEMENT")
    assert (dispute.now, shown["respondBy"], shown["status"]) == (cap, at(cap), "AWAITING_SUPPLIER")
    later = dispute.seen(now=cap + MOMENT)
    assert (later["status"], later["respondBy"], later["escalatesAt"]) == ("UNDER_REVIEW", None, None)
    assert later["timeline"]["edges"][-1]["node"]["at"] == at(cap)
    # Evidence has its own five days.
    dispute.after(DAY)
    shown = dispute.do("agent", "requestEvidence", party="SUPPLIER", text="Photos?")
    assert (shown["respondBy"], shown["escalatesAt"]) == (at(dispute.now + 5 * DAY), None)


def test_it_goes_to_review_at_the_latest_while_it_is_the_turn_of_a_party(world: World) -> None:
    dispute = refunding(world)
    assert dispute.seen()["escalatesAt"] == at(NOW + 30 * DAY)
    assert dispute.escalated().seen()["escalatesAt"] is None
    settled = refunding(world).agreed()
    assert settled.seen()["escalatesAt"] is None


@pytest.mark.parametrize(
    ("input", "problems"),
    [
        ({"wanted": "NO_REFUND"}, {("wanted", "WRONG_FORM")}),
        ({"wanted": "REFUND"}, {("claim", "REQUIRED")}),
        ({"wanted": "REPLACEMENT", "claim": usd("1.00")}, {("claim", "WRONG_FORM")}),
        ({"wanted": "REFUND", "claim": usd("0.00")}, {("claim.amount", "OUT_OF_RANGE")}),
        ({"wanted": "REFUND", "claim": usd("100.01")}, {("claim.amount", "OUT_OF_RANGE")}),
        ({"wanted": "REFUND", "claim": usd("1.00") | {"currencyCode": "EUR"}}, {("claim.currencyCode", "WRONG_FORM")}),
        (
            {"wanted": "REFUND", "claim": usd("x"), "note": "n" * 2001},
            {("claim.amount", "WRONG_FORM"), ("note", "TOO_LONG")},
        ),
    ],
)
def test_a_changed_claim_has_the_form_and_the_limits_of_a_new_one(
    world: World, input: dict[str, Any], problems: set[tuple[str, str]]
) -> None:
    dispute = refunding(world)
    before = dispute.seen()
    assert dispute.problems("buyer", "reviseClaim", **input) == problems
    assert dispute.seen() == before


def test_a_claim_is_changed_within_what_is_still_claimable(world: World) -> None:
    dispute = refunding(world)
    dispute.tell_refund("SUCCEEDED", "75.00", of_case=False)
    for amount in ("25.01", "60.00"):
        revised = {"wanted": "REFUND", "claim": usd(amount)}
        assert dispute.problems("buyer", "reviseClaim", **revised) == {("claim.amount", "OUT_OF_RANGE")}
    assert dispute.refused("supplier", "concedeDispute") == "OFFER_NOT_POSSIBLE"
    dispute.do("buyer", "reviseClaim", wanted="REFUND", claim=usd("25.00"))
    assert dispute.do("supplier", "concedeDispute")["outcome"]["amount"] == {"amount": "25.00"}


# ---------------------------------------------------------------- goods that the buyer does not have


@pytest.mark.parametrize("reason", ["NOT_RECEIVED", "NOT_SHIPPED"])
def test_goods_that_did_not_come_are_not_sent_back(world: World, reason: str) -> None:
    sending_back = {"amount": usd("60.00"), "resolution": "RETURN_AND_REFUND"}
    order = world.order("TRADE_ASSURANCE", paidAt=3)
    opening = {
        "orderId": order,
        "reason": reason,
        "description": "x",
        "wanted": "RETURN_AND_REFUND",
        "claim": usd("60.00"),
    }
    assert world.buyer.problems("openDispute", opening) == {("wanted", "WRONG_FORM")}
    dispute = refunding(world, reason=reason)
    revised = {"wanted": "RETURN_AND_REFUND", "claim": usd("60.00")}
    assert dispute.problems("buyer", "reviseClaim", **revised) == {("wanted", "WRONG_FORM")}
    assert dispute.problems("supplier", "proposeResolution", **sending_back) == {("resolution", "WRONG_FORM")}
    rejected(dispute, "supplier")
    assert dispute.problems("buyer", "proposeResolution", **sending_back) == {("resolution", "WRONG_FORM")}
    dispute.escalated()
    decision = sending_back | {"note": "x"}
    assert dispute.problems("agent", "resolveDispute", **decision) == {("resolution", "WRONG_FORM")}
    assert dispute.decided("REFUND").seen()["refund"]["status"] == "DUE"


# ---------------------------------------------------------------- a refund that did not arrive


def test_a_claim_for_a_missing_refund_is_at_most_what_is_owed(world: World) -> None:
    """What was paid is 100 dollars. 30 of it have arrived, so the cancellation still owes 70."""
    record = world.record("TRADE_ASSURANCE", paidAt=20, cancelledAt=12)
    [order] = world.service.succeed(
        "recordOrders", {"orders": [record]}, "orders { id cancellation { number } }"
    )["orders"]  # fmt: skip
    refund = {
        "orderNumber": record["number"],
        "caseNumber": order["cancellation"]["number"],
        "amount": usd("30.00"),
        "status": "SUCCEEDED",
        "reference": f"R-{record['number']}",
        "recordedAt": at(NOW),
    }
    world.service.succeed("recordRefunds", {"refunds": [refund]})
    opening = {"orderId": order["id"], "reason": "REFUND_NOT_RECEIVED", "description": "x", "wanted": "REFUND"}
    too_much = opening | {"claim": usd("70.01")}
    assert world.buyer.problems("openDispute", too_much) == {("claim.amount", "OUT_OF_RANGE")}
    other_reason = opening | {"claim": usd("0.01"), "reason": "DAMAGED"}
    assert world.buyer.problems("openDispute", other_reason) == {("claim.amount", "OUT_OF_RANGE")}
    shown = "dispute { id refund { status amount { amount } } outcome { amount { amount } } }"
    case = world.buyer.succeed("openDispute", opening | {"claim": usd("70.00")}, shown)["dispute"]["id"]
    conceded = world.supplier.at(NOW + DAY).succeed("concedeDispute", {"caseId": case}, shown)["dispute"]
    assert conceded["refund"] == {"status": "DUE", "amount": {"amount": "70.00"}}
