"""Twenty concurrent requests at two server processes: one succeeds, and the others are refused with the new state."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2

from schema.scalars import spell_instant
from tests.conftest import DAY, NOW, Person, World, usd

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
