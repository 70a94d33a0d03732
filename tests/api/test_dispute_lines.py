"""Disputes about some of an order's lines: which can be named, what can be claimed for them, and what is kept."""

from typing import Any

import pytest

from schema.scalars import spell_instant
from tests.api.test_disputes import wish
from tests.conftest import DAY, MOMENT, NOW, World, usd

PICTURE = "https://example.com/lamp.jpg"
LAMP = {"title": "Lamp", "quantity": 10, "unitPrice": usd("9.00"), "sku": "L-7", "imageUrl": PICTURE}
SCREW = {"title": "Screw", "quantity": 10_000, "unitPrice": usd("0.0125"), "sku": None, "imageUrl": None}
DISCOUNT = {"title": "Discount", "quantity": 1, "unitPrice": usd("-5.00"), "sku": None, "imageUrl": None}
SAMPLE = {"title": "Sample", "quantity": 1, "unitPrice": usd("0.00"), "sku": None, "imageUrl": None}
ITEMS = [LAMP, SCREW, DISCOUNT, SAMPLE]
LAMPS, SCREWS, A_DISCOUNT, A_SAMPLE = range(4)

LINES = """lines { quantity item { id title quantity unitPrice { amount currencyCode } sku imageUrl } }"""
SHOWN = f"dispute {{ id status claim {{ amount currencyCode }} {LINES} }}"
DISPUTE = f"query($id: ID!) {{ node(id: $id) {{ ... on Dispute {{ {LINES} }} }} }}"


def placed(world: World, **changes: Any) -> tuple[dict[str, Any], str, list[str]]:
    """Records a paid order. Returns its record, its id and the ids of its lines."""
    record = world.record(total=usd("210.00"), items=ITEMS, paidAt=2, **changes)
    [order] = world.service.succeed("recordOrders", {"orders": [record]}, "orders { id items { id } }")["orders"]
    return record, order["id"], [item["id"] for item in order["items"]]


def of(ids: list[str], *lines: tuple[int, int]) -> list[dict[str, Any]]:
    """Returns lines as an input names them: a place and a quantity each."""
    return [{"itemId": ids[place], "quantity": quantity} for place, quantity in lines]


def test_a_dispute_can_be_about_some_of_the_lines(world: World) -> None:
    _, order, ids = placed(world)
    input = wish(order, claim=usd("30.00"), lines=of(ids, (SCREWS, 400), (LAMPS, 3)))
    dispute = world.buyer.succeed("openDispute", input, SHOWN)["dispute"]
    assert dispute["lines"] == [
        {"quantity": 400, "item": SCREW | {"id": ids[SCREWS]}},
        {"quantity": 3, "item": LAMP | {"id": ids[LAMPS]}},
    ]
    for person in (world.supplier, world.agent, world.service):
        assert person.ask(DISPUTE, id=dispute["id"])["node"] == {"lines": dispute["lines"]}


@pytest.mark.parametrize("lines", [{}, {"lines": None}, {"lines": []}], ids=["left out", "null", "empty"])
def test_a_dispute_without_lines_is_about_the_whole_order(world: World, lines: dict[str, Any]) -> None:
    _, order, _ = placed(world)
    dispute = world.buyer.succeed("openDispute", wish(order, claim=usd("210.00"), **lines), SHOWN)["dispute"]
    assert dispute["lines"] == []


def test_the_lines_of_a_dispute_stay_as_they_were_at_its_opening(world: World) -> None:
    record, order, ids = placed(world)
    input = wish(order, claim=usd("5.00"), lines=of(ids, (LAMPS, 1), (SCREWS, 80)))
    dispute = world.buyer.succeed("openDispute", input, SHOWN)["dispute"]
    euros = {"amount": "7.00", "currencyCode": "EUR"}
    changed = record | {
        "total": euros,
        "items": [{"title": "Vase", "quantity": 1, "unitPrice": euros}],
        "recordedAt": spell_instant(NOW + DAY),
    }
    world.service.at(NOW + DAY).succeed("recordOrders", {"orders": [changed]})
    later = world.buyer.at(NOW + DAY + MOMENT)
    assert later.ask(DISPUTE, id=dispute["id"])["node"] == {"lines": dispute["lines"]}
    # The claim follows the order's currency. What the lines cost in the other one is no limit then.
    revised = {"caseId": dispute["id"], "wanted": "REFUND", "claim": euros}
    shown = later.succeed("reviseClaim", revised, SHOWN)["dispute"]
    assert (shown["claim"], shown["lines"]) == (euros, dispute["lines"])


@pytest.mark.parametrize(
    ("lines", "problems"),
    [
        ([(LAMPS, 0)], {("lines.0.quantity", "OUT_OF_RANGE")}),
        ([(LAMPS, 1), (SCREWS, -1)], {("lines.1.quantity", "OUT_OF_RANGE")}),
        ([(LAMPS, 11)], {("lines.0.quantity", "OUT_OF_RANGE")}),
        ([(SCREWS, 1), (SCREWS, 1)], {("lines.1.itemId", "OTHER")}),
        ([(LAMPS, 1)] * 101, {("lines", "TOO_MANY")}),
        ([(A_DISCOUNT, 1)], {("lines.0.itemId", "OTHER")}),
        (
            [(A_DISCOUNT, 1), (LAMPS, 10), (SCREWS, 10_001)],
            {("lines.0.itemId", "OTHER"), ("lines.2.quantity", "OUT_OF_RANGE")},
        ),
    ],
)
def test_lines_that_cannot_be_disputed_are_refused(
    world: World, lines: list[tuple[int, int]], problems: set[tuple[str, str]]
) -> None:
    _, order, ids = placed(world)
    input = wish(order, claim=usd("1.00"), lines=of(ids, *lines))
    assert world.buyer.problems("openDispute", input) == problems
    asked = "query($id: ID!) { node(id: $id) { ... on Order { dispute { id } timeline { edges { cursor } } } } }"
    kept = world.buyer.ask(asked, id=order)["node"]
    assert (kept["dispute"], len(kept["timeline"]["edges"])) == (None, 2)  # it was placed and paid


def test_a_line_of_another_order_is_refused(world: World) -> None:
    _, order, ids = placed(world)
    _, other, others = placed(world)
    foreign = world.person(world.buyer.role)
    _, _, strangers = placed(world, buyer={"subject": foreign.subject, "name": "x"})
    beyond = ids[0].removesuffix("0") + "4"
    for id in (others[0], strangers[0], beyond, order, other, "", "x", ids[0] + " ", ids[0].upper()):
        lines = [*of(ids, (SCREWS, 1)), {"itemId": id, "quantity": 1}]
        problems = world.buyer.problems("openDispute", wish(order, claim=usd("0.01"), lines=lines))
        assert problems == {("lines.1.itemId", "OTHER")}, id


def test_the_decision_comes_before_the_lines_of_the_order(world: World) -> None:
    _, order, ids = placed(world)
    world.buyer.succeed("openDispute", wish(order, claim=usd("1.00")))
    assert world.buyer.refused("openDispute", wish(order, lines=of(ids, (A_DISCOUNT, 1)))) == "DISPUTE_OPEN"
    assert world.buyer.problems("openDispute", wish(order, lines=of(ids, (LAMPS, 0)))) == {
        ("lines.0.quantity", "OUT_OF_RANGE")  # the form comes first
    }


CLAIMED = {("claim.amount", "OUT_OF_RANGE")}


@pytest.mark.parametrize(
    ("facts", "lines", "most", "too_much"),
    [
        ({}, [(LAMPS, 3)], "27.00", "27.01"),
        ({}, [(LAMPS, 10)], "90.00", "90.01"),
        ({}, [(SCREWS, 79)], "0.98", "0.99"),  # of 0.9875
        ({}, [(SCREWS, 80)], "1.00", "1.01"),
        ({}, [(LAMPS, 1), (SCREWS, 1)], "9.01", "9.02"),  # of 9.0125
        ({}, [(LAMPS, 1), (A_SAMPLE, 1)], "9.00", "9.01"),
        ({"amountPaid": usd("20.00")}, [(LAMPS, 3)], "20.00", "20.01"),
        ({"amountPaid": usd("20.00")}, [(LAMPS, 2)], "18.00", "18.01"),
    ],
)
def test_the_claim_is_at_most_the_price_of_the_lines(
    world: World, facts: dict[str, Any], lines: list[tuple[int, int]], most: str, too_much: str
) -> None:
    _, order, ids = placed(world, **facts)
    named = of(ids, *lines)
    assert world.buyer.problems("openDispute", wish(order, claim=usd(too_much), lines=named)) == CLAIMED
    opened = world.buyer.succeed("openDispute", wish(order, claim=usd(most), lines=named), SHOWN)["dispute"]
    revised = {"caseId": opened["id"], "wanted": "REFUND", "claim": usd(too_much)}
    assert world.buyer.at(NOW + DAY).problems("reviseClaim", revised) == CLAIMED
    world.buyer.at(NOW + DAY).succeed("reviseClaim", revised | {"claim": usd(most)})


def test_of_a_free_line_only_a_replacement_can_be_wanted(world: World) -> None:
    _, order, ids = placed(world)
    free = wish(order, lines=of(ids, (A_SAMPLE, 1)))
    assert world.buyer.problems("openDispute", free | {"claim": usd("0.01")}) == CLAIMED
    world.buyer.succeed("openDispute", free | {"wanted": "REPLACEMENT", "claim": None})


def test_what_is_proposed_and_decided_is_at_most_the_price_of_the_lines(world: World) -> None:
    """Also where the buyer wants a replacement, and so claims no amount."""
    _, order, ids = placed(world)
    input = wish(order, wanted="REPLACEMENT", claim=None, lines=of(ids, (LAMPS, 2)))
    id = world.buyer.succeed("openDispute", input, SHOWN)["dispute"]["id"]
    proposed = {"caseId": id, "resolution": "PARTIAL_REFUND", "amount": usd("18.01")}
    assert world.supplier.problems("proposeResolution", proposed) == {("amount.amount", "OUT_OF_RANGE")}
    world.supplier.succeed("proposeResolution", proposed | {"amount": usd("18.00")})
    world.buyer.at(NOW + 4 * DAY).succeed("escalateDispute", {"caseId": id})
    decided = {"caseId": id, "resolution": "REFUND", "amount": usd("18.01"), "note": "Two lamps are broken."}
    agent = world.agent.at(NOW + 5 * DAY)
    assert agent.problems("resolveDispute", decided) == {("amount.amount", "OUT_OF_RANGE")}
    agent.succeed("resolveDispute", decided | {"amount": usd("18.00")})


def test_what_the_lines_cost_is_what_they_cost_at_the_opening(world: World) -> None:
    record, order, ids = placed(world)
    input = wish(order, wanted="REFUND", claim=usd("27.00"), lines=of(ids, (LAMPS, 3)))
    id = world.buyer.succeed("openDispute", input, SHOWN)["dispute"]["id"]
    dearer = record | {"items": [LAMP | {"unitPrice": usd("21.00")}], "recordedAt": spell_instant(NOW + DAY)}
    world.service.at(NOW + DAY).succeed("recordOrders", {"orders": [dearer]})
    buyer, supplier = world.buyer.at(NOW + 2 * DAY), world.supplier.at(NOW + 2 * DAY)
    assert buyer.problems("reviseClaim", {"caseId": id, "wanted": "REFUND", "claim": usd("27.01")}) == CLAIMED
    shown = "dispute { outcome { amount { amount } } refund { amount { amount } } lines { quantity } }"
    conceded = supplier.succeed("concedeDispute", {"caseId": id}, shown)["dispute"]
    amount = {"amount": {"amount": "27.00"}}
    assert conceded == {"outcome": amount, "refund": amount, "lines": [{"quantity": 3}]}


def test_a_return_is_about_the_lines_of_its_dispute(world: World) -> None:
    _, order, ids = placed(world)
    input = wish(order, wanted="RETURN_AND_REFUND", claim=usd("18.00"), lines=of(ids, (LAMPS, 2)))
    id = world.buyer.succeed("openDispute", input, SHOWN)["dispute"]["id"]
    shown = "dispute { returnShipment { status } lines { quantity item { title } } }"
    conceded = world.supplier.succeed("concedeDispute", {"caseId": id}, shown)["dispute"]
    assert conceded["returnShipment"] == {"status": "AWAITING_ADDRESS"}
    assert conceded["lines"] == [{"quantity": 2, "item": {"title": "Lamp"}}]


def test_the_same_key_with_other_lines_is_another_action(world: World) -> None:
    _, order, ids = placed(world)
    input = wish(order, claim=usd("1.00"), lines=of(ids, (LAMPS, 1)), idempotencyKey="k")
    first = world.buyer.succeed("openDispute", input, SHOWN)
    assert world.buyer.succeed("openDispute", input, SHOWN) == first
    for lines in (of(ids, (LAMPS, 2)), of(ids, (SCREWS, 1)), None):
        [error] = world.buyer.do("openDispute", input | {"lines": lines})["userErrors"]
        assert error["code"] == "IDEMPOTENCY_KEY_REUSED"
