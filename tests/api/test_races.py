"""Twenty concurrent requests at two server processes: one succeeds, and the others are refused with the new state."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from schema.scalars import spell_instant
from tests.conftest import DAY, MOMENT, NOW, Person, World, usd
from tests.support.disputes import Disputed

CALLERS = 20


def race(world: World, addresses: list[str], person: Person, mutation: str, input: dict[str, Any]) -> list[str]:
    """Returns the sorted outcomes: "" for the request that succeeded, the code of the refusal for the others."""

    def call(place: int) -> str:
        with httpx2.Client(base_url=addresses[place % len(addresses)], timeout=60) as http:
            caller = person.at(person.now)
            caller.http = http
            errors = caller.do(mutation, input)["userErrors"]
            return errors[0]["code"] if errors else ""

    with ThreadPoolExecutor(CALLERS) as callers:
        return sorted(callers.map(call, range(CALLERS)))


def won_once(reason: str) -> list[str]:
    return ["", *[reason] * (CALLERS - 1)]


def test_feedback_is_left_and_answered_and_revised_once(world: World, two_processes: list[str]) -> None:
    order = world.order("TRADE_ASSURANCE", completedAt=1)
    said = {"orderId": order, "ratings": {"overall": 4}}
    assert race(world, two_processes, world.buyer, "leaveFeedback", said) == won_once("FEEDBACK_ALREADY_LEFT")
    reply = {"orderId": order, "text": "Thanks"}
    assert race(world, two_processes, world.supplier, "replyToFeedback", reply) == won_once("ALREADY_REPLIED")
    assert race(world, two_processes, world.buyer.at(NOW + DAY), "reviseFeedback", said) == won_once("ALREADY_REVISED")


def test_an_order_is_cancelled_once(world: World, two_processes: list[str]) -> None:
    unpaid = {"orderId": world.order("TRADE_ASSURANCE"), "reason": "OTHER"}
    assert race(world, two_processes, world.buyer, "cancelOrder", unpaid) == won_once("ALREADY_CANCELLED")
    secure = {"orderId": world.order("SECURE_PAYMENT"), "reason": "OTHER"}
    assert race(world, two_processes, world.buyer, "requestCancellation", secure) == won_once("CANCELLATION_PENDING")
    answer = {"orderId": secure["orderId"]}
    outcomes = race(world, two_processes, world.supplier, "acceptCancellation", answer)
    assert outcomes == won_once("NO_CANCELLATION_PENDING")


def test_a_dispute_is_opened_once(world: World, two_processes: list[str]) -> None:
    wish = {"reason": "LATE", "description": "Late.", "wanted": "REFUND", "claim": usd("1.00")}
    paid = {"orderId": world.order("TRADE_ASSURANCE", paidAt=1)} | wish
    assert race(world, two_processes, world.buyer, "openDispute", paid) == won_once("DISPUTE_OPEN")


def together(world: World, addresses: list[str], *calls: tuple[Person, str, dict[str, Any]]) -> list[str]:
    """Returns the outcomes of concurrent calls, in the order of the calls: "" or the code of the refusal."""

    def call(place: int) -> str:
        person, mutation, input = calls[place]
        with httpx2.Client(base_url=addresses[place % len(addresses)], timeout=60) as http:
            caller = person.at(person.now)
            caller.http = http
            errors = caller.do(mutation, input)["userErrors"]
            return errors[0]["code"] if errors else ""

    with ThreadPoolExecutor(len(calls)) as callers:
        return list(callers.map(call, range(len(calls))))


def test_a_dispute_ends_in_one_way(world: World, two_processes: list[str]) -> None:
    wish = {"reason": "LATE", "description": "Late.", "wanted": "REFUND", "claim": usd("1.00")}
    for _ in range(5):
        order = {"orderId": world.order("TRADE_ASSURANCE", paidAt=1)}
        case = {"caseId": world.buyer.succeed("openDispute", order | wish, "dispute { id }")["dispute"]["id"]}
        another = case | {"resolution": "NO_REFUND"}
        supplier = world.supplier
        outcomes = together(
            world, two_processes, (supplier, "acceptProposal", case), (supplier, "proposeResolution", another)
        )
        assert outcomes in (["", "CASE_CLOSED"], ["NOT_YOUR_TURN", ""])
        order = {"orderId": world.order("TRADE_ASSURANCE", paidAt=1)}
        case = {"caseId": world.buyer.succeed("openDispute", order | wish, "dispute { id }")["dispute"]["id"]}
        then = NOW + 3 * DAY
        world.buyer.at(then).succeed("escalateDispute", case)
        decision = case | {"resolution": "NO_REFUND", "note": "Nothing is broken."}
        outcomes = together(
            world,
            two_processes,
            (world.agent.at(then), "resolveDispute", decision),
            (world.buyer.at(then), "withdrawDispute", case),
        )
        assert sorted(outcomes) == ["", "CASE_CLOSED"]


def test_an_offer_is_accepted_before_its_money_is_gone_or_not_at_all(world: World, two_processes: list[str]) -> None:
    shown = """query($id: ID!) { node(id: $id) { ... on Dispute { status outcome { amount { amount } }
      proposal { id } timeline { edges { node { text } } } } } }"""
    wish = {"reason": "LATE", "description": "Late.", "wanted": "REFUND", "claim": usd("100.00")}
    for place in range(6):
        record = world.record("TRADE_ASSURANCE", paidAt=1)
        [order] = world.service.succeed("recordOrders", {"orders": [record]}, "orders { id }")["orders"]
        case = world.buyer.succeed("openDispute", {"orderId": order["id"]} | wish, "dispute { id }")["dispute"]["id"]
        seen = world.supplier.ask(shown, id=case)["node"]["proposal"]["id"]
        less = record | {"amountPaid": usd("20.00"), "recordedAt": spell_instant(NOW + DAY)}
        calls: list[tuple[Person, str, dict[str, Any]]] = [
            (world.supplier, "acceptProposal", {"caseId": case, "proposalId": seen}),
            (world.service, "recordOrders", {"orders": [less]}),
        ]
        outcomes = together(world, two_processes, *(calls if place % 2 else calls[::-1]))
        found = world.agent.at(NOW + DAY).ask(shown, id=case)["node"]
        was_limited = "can be claimed" in str(found["timeline"])
        if was_limited:
            assert (sorted(outcomes), found["status"]) == (["", "OFFER_NOT_POSSIBLE"], "AWAITING_SUPPLIER")
        else:
            assert (outcomes, found["status"]) == (["", ""], "SETTLED")
            assert found["outcome"] == {"amount": {"amount": "100.00"}}


def test_an_order_is_recorded_once(world: World, two_processes: list[str]) -> None:
    orders = {"orders": [world.record() for _ in range(5)]}
    assert race(world, two_processes, world.service, "recordOrders", orders) == [""] * CALLERS
    asked = "query($n: String!) { order(number: $n) { timeline { edges { node { text } } } } }"
    for record in orders["orders"]:
        assert len(world.service.ask(asked, n=record["number"])["order"]["timeline"]["edges"]) == 1


def test_case_numbers_are_unique_and_rise(world: World, two_processes: list[str]) -> None:
    people = [world.person(world.buyer.role) for _ in range(CALLERS)]
    filing = {"kind": "OTHER", "respondent": {"memberId": "x"}, "contact": {"phone": "+34 600 000"}}

    def file(place: int) -> list[str]:
        with httpx2.Client(base_url=two_processes[place % 2], timeout=60) as http:
            person = people[place]
            person.http = http
            shown = "complaint { number }"
            filings = [filing | {"description": f"x{n}"} for n in range(5)]
            return [person.succeed("fileComplaint", each, shown)["complaint"]["number"] for each in filings]

    with ThreadPoolExecutor(CALLERS) as callers:
        filed = list(callers.map(file, range(CALLERS)))
    assert all(numbers == sorted(numbers) for numbers in filed)
    assert len({number for numbers in filed for number in numbers}) == 5 * CALLERS


# ---------------------------------------------------------------- disputes to their end

Call = tuple[str, str, dict[str, Any]]  # a role, a mutation and its input


def contest(dispute: Disputed, addresses: list[str], first: Call, second: Call, swapped: int) -> list[str]:
    """Returns the outcomes of two concurrent calls on a dispute; each other time, the second one is sent first."""
    calls = [(dispute.person(role), mutation, input) for role, mutation, input in (first, second)]
    outcomes = together(dispute.world, addresses, *(calls[::-1] if swapped % 2 else calls))
    return outcomes[::-1] if swapped % 2 else outcomes


TIMES = 4


def test_a_claim_is_conceded_or_an_offer_accepted(world: World, two_processes: list[str]) -> None:
    for place in range(TIMES):
        dispute = Disputed(world, wanted="REFUND")
        dispute.do("supplier", "proposeResolution", resolution="PARTIAL_REFUND", amount=usd("10.00"))
        case = dispute.case
        outcomes = contest(
            dispute, two_processes, ("supplier", "concedeDispute", case), ("buyer", "acceptProposal", case), place
        )
        assert sorted(outcomes) == ["", "CASE_CLOSED"]
        amount = {"amount": "60.00" if outcomes[0] == "" else "10.00"}
        shown = dispute.seen()
        assert (shown["outcome"]["amount"], shown["refund"]["amount"]) == (amount, amount)
        assert [each["amount"] for each in shown["proposals"] if each["accepted"]] == [amount]


@pytest.mark.parametrize(
    ("answer", "input", "answered", "changed"),
    [
        ("rejectProposal", {}, "ALREADY_ANSWERED", "PROPOSAL_CHANGED"),
        ("acceptProposal", {}, "CASE_CLOSED", "PROPOSAL_CHANGED"),
        ("proposeResolution", {"resolution": "NO_REFUND"}, "ALREADY_ANSWERED", ""),
        ("concedeDispute", {}, "CASE_CLOSED", ""),
    ],
)
def test_a_claim_is_changed_before_the_answer_or_not_at_all(
    world: World, two_processes: list[str], answer: str, input: dict[str, Any], answered: str, changed: str
) -> None:
    """An answer that names the proposal is about that one. One that does not is about what is there by then."""
    for place in range(TIMES):
        dispute = Disputed(world, wanted="REFUND")
        asked = "query($id: ID!) { node(id: $id) { ... on Dispute { proposal { id } } } }"
        seen = dispute.person("supplier").ask(asked, id=dispute.id)["node"]["proposal"]["id"]
        named = {"proposalId": seen} if answer in ("acceptProposal", "rejectProposal") else {}
        revised = dispute.case | {"wanted": "PARTIAL_REFUND", "claim": usd("20.00")}
        outcomes = contest(
            dispute,
            two_processes,
            ("buyer", "reviseClaim", revised),
            ("supplier", answer, dispute.case | input | named),
            place,
        )
        shown = dispute.seen()
        if outcomes[0] == "":
            assert outcomes[1] == changed
            assert shown["claim"] == {"amount": "20.00"}
        else:
            assert outcomes == [answered, ""]
            assert (shown["claim"], len(shown["timeline"]["edges"])) == ({"amount": "60.00"}, 2)
        if shown["outcome"] is not None:
            assert shown["outcome"]["amount"] == shown["claim"]
            assert shown["outcome"]["amount"] == shown["refund"]["amount"]
        assert len([each for each in shown["proposals"] if each["accepted"] is None]) <= 1


def test_a_decision_is_appealed_or_paid(world: World, two_processes: list[str]) -> None:
    for place in range(TIMES):
        dispute = Disputed(world, wanted="REFUND").escalated().decided("REFUND")
        appeal = dispute.case | {"text": "No.", "attachments": [dispute.file("supplier")]}
        record = dispute.refund_record("SUCCEEDED")
        outcomes = contest(
            dispute,
            two_processes,
            ("supplier", "appealDecision", appeal),
            ("service", "recordRefunds", {"refunds": [record]}),
            place,
        )
        assert outcomes in (["", "INVALID_INPUT"], ["REFUND_PAID", ""])
        shown = dispute.seen()
        expected = ("UNDER_REVIEW", ["VOID"]) if outcomes[0] == "" else ("RESOLVED", ["SUCCEEDED"])
        assert (shown["status"], [refund["status"] for refund in shown["refunds"]]) == expected
        assert len(shown["evidence"]) == (1 if outcomes[0] == "" else 0)


def test_returned_goods_are_received_or_refused(world: World, two_processes: list[str]) -> None:
    for place in range(TIMES):
        dispute = Disputed(world).agreed().addressed().sent_back()
        refusal = dispute.case | {"note": "Empty.", "attachments": [dispute.file("supplier")]}
        outcomes = contest(
            dispute,
            two_processes,
            ("supplier", "confirmReturnReceived", dispute.case),
            ("supplier", "refuseReturn", refusal),
            place,
        )
        assert sorted(outcomes) == ["", "RETURN_CLOSED"]
        shown = dispute.seen()
        is_received = outcomes[0] == ""
        expected = ("RECEIVED", 1, 0) if is_received else ("REFUSED", 0, 1)
        assert (shown["returnShipment"]["status"], len(shown["refunds"]), len(shown["evidence"])) == expected
        assert shown["status"] == ("SETTLED" if is_received else "UNDER_REVIEW")


def test_a_decision_is_appealed_once(world: World, two_processes: list[str]) -> None:
    for place in range(TIMES):
        dispute = Disputed(world, wanted="REFUND").escalated().decided("PARTIAL_REFUND", "20.00")
        first, second = (
            (role, "appealDecision", dispute.case | {"text": role, "attachments": [dispute.file(role)]})
            for role in ("buyer", "supplier")
        )
        outcomes = contest(dispute, two_processes, first, second, place)
        assert sorted(outcomes) == ["", "NOT_DECIDED"]
        shown = dispute.seen()
        assert shown["appeal"]["text"] == ("buyer" if outcomes[0] == "" else "supplier")
        assert len(shown["evidence"]) == 1


def test_an_appealed_decision_stands_again_or_is_decided_anew(world: World, two_processes: list[str]) -> None:
    for place in range(TIMES):
        dispute = Disputed(world, wanted="REFUND").escalated().decided("PARTIAL_REFUND", "20.00").appealed()
        decision = dispute.case | {"resolution": "REFUND", "amount": usd("60.00"), "note": "All of it."}
        outcomes = contest(
            dispute,
            two_processes,
            ("buyer", "withdrawDispute", dispute.case),
            ("agent", "resolveDispute", decision),
            place,
        )
        assert sorted(outcomes) == ["", "CASE_CLOSED"]
        shown = dispute.seen()
        amount = "20.00" if outcomes[0] == "" else "60.00"
        assert (shown["status"], shown["outcome"]["amount"]) == ("RESOLVED", {"amount": amount})
        due = [refund["amount"]["amount"] for refund in shown["refunds"] if refund["status"] == "DUE"]
        assert due == [amount]


def test_a_step_is_taken_at_its_last_instant_or_time_has_decided(world: World, two_processes: list[str]) -> None:
    """Another request, a moment later, records that the deadline has passed."""
    for place in range(TIMES):
        dispute = Disputed(world, facts={"completedAt": 15}).agreed()
        last = dispute.now + 5 * DAY
        calls: list[tuple[Person, str, dict[str, Any]]] = [
            (dispute.person("supplier", last), "provideReturnAddress", dispute.case | {"address": "Hall 3"}),
            (
                dispute.person("buyer", last + MOMENT),
                "leaveFeedback",
                {"orderId": dispute.order, "ratings": {"overall": 1}},
            ),
        ]
        outcomes = together(world, two_processes, *(calls[::-1] if place % 2 else calls))
        outcomes = outcomes[::-1] if place % 2 else outcomes
        assert outcomes in (["", ""], ["RETURN_CLOSED", ""])
        shown = dispute.seen(now=last + MOMENT)
        expected = ("AWAITING_SHIPMENT", 0) if outcomes[0] == "" else ("WAIVED", 1)
        assert (shown["returnShipment"]["status"], len(shown["refunds"])) == expected


# ---------------------------------------------------------------- refunds


def owed(world: World, amount: str = "60.00") -> tuple[str, str, dict[str, Any]]:
    """Has an agent decide a dispute with a refund. Returns the order's id, the dispute's, and a record of the refund."""
    record = world.record("TRADE_ASSURANCE", paidAt=1)
    order = world.service.succeed("recordOrders", {"orders": [record]}, "orders { id }")["orders"][0]["id"]
    wish = {"reason": "DAMAGED", "description": "x", "wanted": "REFUND", "claim": usd(amount), "orderId": order}
    case = world.buyer.succeed("openDispute", wish, "dispute { id number }")["dispute"]
    decided = NOW + 3 * DAY
    world.buyer.at(decided).succeed("escalateDispute", {"caseId": case["id"]})
    decision = {"caseId": case["id"], "resolution": "REFUND", "amount": usd(amount), "note": "x"}
    world.agent.at(decided).succeed("resolveDispute", decision)
    refund = {
        "orderNumber": record["number"],
        "caseNumber": case["number"],
        "amount": usd(amount),
        "status": "SENT",
        "reference": f"R-{case['number']}",
        "recordedAt": spell_instant(decided),
    }
    return order, case["id"], refund


REFUNDS = "query($id: ID!) { node(id: $id) { ... on Order { status refunds { status amount { amount } reference } } } }"


def test_a_refund_is_recorded_once(world: World, two_processes: list[str]) -> None:
    order, _, refund = owed(world)
    service = world.service.at(NOW + 3 * DAY)
    assert race(world, two_processes, service, "recordRefunds", {"refunds": [refund]}) == [""] * CALLERS
    shown = world.buyer.at(NOW + 3 * DAY).ask(REFUNDS, id=order)["node"]["refunds"]
    assert shown == [{"status": "SENT", "amount": {"amount": "60.00"}, "reference": refund["reference"]}]
    timeline = "query($id: ID!) { node(id: $id) { ... on Order { timeline { edges { node { text } } } } } }"
    told = [edge["node"]["text"] for edge in world.buyer.ask(timeline, id=order)["node"]["timeline"]["edges"]]
    assert told.count("A refund is on its way.") == 1


def test_what_is_owed_is_paid_once(world: World, two_processes: list[str]) -> None:
    order, _, refund = owed(world)
    service = world.service.at(NOW + 3 * DAY)
    calls = [(service, "recordRefunds", {"refunds": [refund | {"reference": f"{n}-{order}"}]}) for n in range(8)]
    assert sorted(together(world, two_processes, *calls)) == ["", *["INVALID_INPUT"] * 7]
    shown = world.buyer.at(NOW + 3 * DAY).ask(REFUNDS, id=order)["node"]["refunds"]
    assert [refund["status"] for refund in shown] == ["SENT"]


def test_one_reference_at_two_orders_is_recorded_at_one(world: World, two_processes: list[str]) -> None:
    for _ in range(4):
        (first, _, one), (second, _, other) = owed(world), owed(world)
        service, reference = world.service.at(NOW + 3 * DAY), one["reference"]
        calls: list[tuple[Person, str, dict[str, Any]]] = [
            (service, "recordRefunds", {"refunds": [one]}),
            (service, "recordRefunds", {"refunds": [other | {"reference": reference}]}),
        ]
        outcomes = together(world, two_processes, *calls)
        # To the later one, the reference is either known and not newer, or new.
        assert outcomes == ["", ""]
        shown = [world.buyer.at(NOW + 3 * DAY).ask(REFUNDS, id=order)["node"]["refunds"] for order in (first, second)]
        assert sorted(refund["status"] for refunds in shown for refund in refunds) == ["DUE", "SENT"]


def test_a_cancellation_owes_what_its_own_refund_leaves(world: World, two_processes: list[str]) -> None:
    for place in range(6):
        record = world.record("SECURE_PAYMENT", paidAt=1)
        order = world.service.succeed("recordOrders", {"orders": [record]}, "orders { id }")["orders"][0]["id"]
        world.buyer.succeed("requestCancellation", {"orderId": order, "reason": "OTHER"})
        own = {
            "orderNumber": record["number"],
            "amount": usd("30.00"),
            "status": "SENT",
            "reference": f"R-{record['number']}",
            "recordedAt": spell_instant(NOW),
        }
        calls: list[tuple[Person, str, dict[str, Any]]] = [
            (world.supplier, "acceptCancellation", {"orderId": order}),
            (world.service, "recordRefunds", {"refunds": [own]}),
        ]
        outcomes = together(world, two_processes, *(calls if place % 2 else calls[::-1]))
        accepted, recorded = outcomes if place % 2 else outcomes[::-1]
        refunds = world.buyer.ask(REFUNDS, id=order)["node"]["refunds"]
        amounts = sorted((refund["status"], refund["amount"]["amount"]) for refund in refunds)
        assert (accepted, recorded, amounts) in [
            ("", "", [("DUE", "70.00"), ("SENT", "30.00")]),
            ("", "INVALID_INPUT", [("DUE", "100.00")]),
        ]
