"""Records of the order system: stored once, dated by their own instants, all or nothing."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest

import models
from resolvers import policy
from schema.scalars import parse_instant, spell_instant
from tests.conftest import DAY, MOMENT, NOW, Server, World, usd

SHOWN = """orders { id number status total { amount } amountPaid { amount }
  paidAt shipBy shippedAt deliveredAt completedAt cancelledAt
  items { title } cancellation { status closedAt } availableActions { action }
  timeline(first: 100) { edges { node { at text by { id } } } } }"""


LAMP = {"title": "Lamp", "quantity": 4, "unitPrice": usd("25.00")}


def record(world: World, at: Any, *orders: dict[str, Any]) -> list[dict[str, Any]]:
    return world.service.at(at).succeed("recordOrders", {"orders": list(orders)}, SHOWN)["orders"]


def texts(order: dict[str, Any]) -> list[str]:
    return [edge["node"]["text"] for edge in order["timeline"]["edges"]]


def test_the_same_record_twice_changes_nothing(world: World) -> None:
    first = world.record(paidAt=3, shippedAt=2)
    [once] = record(world, NOW, first)
    [twice] = record(world, NOW + DAY, first)
    assert once == twice
    older = first | {"recordedAt": world.record(recordedAt=1)["recordedAt"], "shippedAt": None}
    assert record(world, NOW + DAY, older) == [once]


def test_a_newer_record_replaces_the_older_nulls_included(world: World) -> None:
    first = world.record(paymentSubmittedAt=3)
    assert record(world, NOW, first)[0]["status"] == "PAYMENT_PROCESSING"
    failed = world.record(number=first["number"], recordedAt=-1)
    [order] = record(world, NOW + DAY, failed)
    assert order["status"] == "AWAITING_PAYMENT"
    assert texts(order)[-1] == "The payment did not go through."
    paid = world.record(number=first["number"], paidAt=-2, recordedAt=-2, total=usd("80.00"))
    [order] = record(world, NOW + 2 * DAY, paid)
    assert (order["status"], order["total"], order["amountPaid"]) == ("PAID", {"amount": "80.00"}, {"amount": "80.00"})
    changed = paid | {
        "recordedAt": world.record(recordedAt=-3)["recordedAt"],
        "items": [{"title": "Floor lamp", "quantity": 1, "unitPrice": usd("80.00")}],
    }
    [order] = record(world, NOW + 3 * DAY, changed)
    assert (order["items"], texts(order)[-1]) == ([{"title": "Floor lamp"}], "The order's details were changed.")


def test_a_payment_that_arrives_is_no_failed_one(world: World) -> None:
    first = world.record(paymentSubmittedAt=3)
    record(world, NOW, first)
    paid = world.record(number=first["number"], paidAt=-1, recordedAt=-1)
    [order] = record(world, NOW + DAY, paid)
    assert texts(order)[1:] == ["The buyer submitted a payment.", "The payment was received."]


def test_a_payment_no_longer_mentioned_did_not_fail(world: World) -> None:
    first = world.record(paymentSubmittedAt=3, paidAt=2)
    record(world, NOW, first)
    later = first | {"paymentSubmittedAt": None, "recordedAt": world.record(recordedAt=-1)["recordedAt"]}
    [order] = record(world, NOW + DAY, later)
    assert order["status"] == "PAID"
    assert "The payment did not go through." not in texts(order)


def newer(recorded: dict[str, Any], days: int, **changes: Any) -> dict[str, Any]:
    """Returns the record as the order system sends it this many days after NOW."""
    return recorded | {"recordedAt": spell_instant(NOW + days * DAY)} | changes


def test_a_delivery_is_in_the_timeline_and_the_promise_to_ship_is_not(world: World) -> None:
    first = world.record(paidAt=9, shipBy=7, shippedAt=8, deliveredAt=5)
    [order] = record(world, NOW, first)
    assert (order["shipBy"], order["deliveredAt"]) == ("2026-06-08T12:00:00.000000Z", "2026-06-10T12:00:00.000000Z")
    known = [
        "The order was placed.",
        "The payment was received.",
        "The order was shipped.",
        "The order was delivered.",
    ]
    assert texts(order) == known
    [order] = record(world, NOW + DAY, newer(first, 1, deliveredAt=None))
    assert (order["shipBy"], order["deliveredAt"]) == ("2026-06-08T12:00:00.000000Z", None)
    assert texts(order) == [*known, "The delivery was taken back."]
    assert order["timeline"]["edges"][-1]["node"]["at"] == "2026-06-16T12:00:00.000000Z"


@pytest.mark.parametrize("later", [-30, 0.5, None])
def test_a_promise_to_ship_that_changes_alone_is_one_event(server: Server, world: World, later: float | None) -> None:
    first = world.record(paidAt=9, shipBy=7)
    [order] = record(world, NOW, first)
    promised = spell_instant(NOW - later * DAY) if later is not None else None
    changed = newer(first, 1, shipBy=promised)
    if later is None:
        del changed["shipBy"]
    for _ in range(2):  # the second time, nothing has changed
        [order] = record(world, NOW + DAY, changed)
        assert order["shipBy"] == promised
    assert texts(order) == ["The order was placed.", "The payment was received.", "The order's details were changed."]

    async def folded() -> list[tuple[datetime, dict[str, Any], datetime | None]]:
        """The events' instants and facts, and the promise after each."""
        row = await models.Order.get(number=first["number"])
        facts = policy.OrderFacts(kind=row.kind, buyer_id=row.buyer_id, supplier_id=row.supplier_id)  # type: ignore[attr-defined]
        events = await models.Event.filter(order_id=row.id).order_by("id")
        found = [(event.at, event.facts, policy.fold(facts, [event.facts]).ship_by) for event in events]
        assert facts.ship_by == row.ship_by
        return found

    (_, placed, before), (_, paid, _), (at, facts, after) = server.run(folded)
    assert placed.keys() == {"placed_at", "total", "ship_by"}
    assert paid.keys() == {"paid_at", "amount_paid"}
    assert (at, facts.keys()) == (NOW + DAY, {"ship_by"})
    assert (before, after) == (NOW - 7 * DAY, promised and parse_instant(promised))


def test_lines_have_an_id_a_sku_and_a_picture(world: World) -> None:
    picture = "https://img.example.com/lamp.jpg?size=300"
    items = [
        LAMP | {"sku": " L-7 ", "imageUrl": picture},
        LAMP,
        LAMP | {"sku": "L-8", "unitPrice": usd("0.0125")},
        LAMP | {"imageUrl": picture, "unitPrice": usd("-0.5")},
        LAMP | {"sku": None, "imageUrl": None},
    ]
    first = world.record(items=items)
    asked = "orders { items { id title quantity unitPrice { amount } sku imageUrl } timeline { edges { cursor } } }"

    def recorded(at: Any, order: dict[str, Any]) -> tuple[list[dict[str, Any]], int]:
        """The lines of the order, and how much has happened to it."""
        [shown] = world.service.at(at).succeed("recordOrders", {"orders": [order]}, asked)["orders"]
        return shown["items"], len(shown["timeline"]["edges"])

    lines, count = recorded(NOW, first)
    assert [(line["sku"], line["imageUrl"], line["unitPrice"]["amount"]) for line in lines] == [
        ("L-7", picture, "25.00"),
        (None, None, "25.00"),
        ("L-8", None, "0.0125"),
        (None, picture, "-0.50"),
        (None, None, "25.00"),
    ]
    assert {(line["title"], line["quantity"]) for line in lines} == {("Lamp", 4)}
    assert len({line["id"] for line in lines}) == len(lines)
    assert recorded(NOW + DAY, newer(first, 1)) == (lines, count)
    plain, changed = recorded(NOW + 2 * DAY, newer(first, 2, items=[LAMP]))
    assert (plain, changed) == ([lines[1] | {"id": lines[0]["id"]}], count + 1)
    again, changed = recorded(NOW + 3 * DAY, newer(first, 3, items=[LAMP | {"sku": "L-9"}]))
    assert (again, changed) == ([plain[0] | {"sku": "L-9"}], count + 2)
    [other] = recorded(NOW, world.record(items=[LAMP]))[0]
    assert other["id"] not in {line["id"] for line in lines}
    assert world.buyer.ask("query($id: ID!) { node(id: $id) { id } }", id=lines[0]["id"]) == {"node": None}


def test_an_order_is_not_found_by_the_skus_and_pictures_of_its_lines(world: World) -> None:
    title = f"Lantern {world.buyer.subject}"
    items = [LAMP | {"title": title, "sku": "SKU-7", "imageUrl": "https://example.com/lit"}]
    asked = "query($text: String!) { viewer { orders(filter: {search: $text}) { edges { node { number } } } } }"
    for count in (1, 2):  # the search text of the first order is made anew when its buyer's own name is known
        record(world, NOW, world.record(items=items))
        found = {
            text: len(world.buyer.ask(asked, text=text)["viewer"]["orders"]["edges"])
            for text in (title, "SKU-7", "example.com")
        }
        assert found == {title: count, "SKU-7": 0, "example.com": 0}


def test_batches_that_cross_do_not_hurt_each_other(world: World) -> None:
    """Both batches name the same buyers, in opposite orders and with other names each time."""
    buyers = [world.person(world.buyer.role).subject for _ in range(20)]

    def batch(place: int) -> list[str]:
        named = buyers if place % 2 else buyers[::-1]
        orders = [world.record(buyer={"subject": subject, "name": f"Name {place}"}) for subject in named]
        return [error["code"] for error in world.service.do("recordOrders", {"orders": orders})["userErrors"]]

    with ThreadPoolExecutor(8) as callers:
        assert list(callers.map(batch, range(16))) == [[]] * 16


def test_shipment_supersedes_a_request(world: World) -> None:
    for fact in ("shippedAt", "completedAt", "cancelledAt"):
        first = world.record("SECURE_PAYMENT", paidAt=3)
        [order] = record(world, NOW, first)
        world.buyer.at(NOW + MOMENT).succeed("requestCancellation", {"orderId": order["id"], "reason": "OTHER"})
        late = first | {"recordedAt": world.record(recordedAt=-2)["recordedAt"], fact: world.record(x=0)["recordedAt"]}
        [order] = record(world, NOW + 2 * DAY, late)
        assert order["cancellation"] == {"status": "SUPERSEDED", "closedAt": "2026-06-17T12:00:00.000000Z"}
        assert texts(order)[-1] == "The cancellation request was superseded by a change of the order."
        refused = world.supplier.at(NOW + 3 * DAY).refused("acceptCancellation", {"orderId": order["id"]})
        assert refused == "NO_CANCELLATION_PENDING"


def test_a_cancellation_made_here_is_never_cleared(world: World) -> None:
    first = world.record("TRADE_ASSURANCE")
    [order] = record(world, NOW, first)
    world.buyer.at(NOW + MOMENT).succeed("cancelOrder", {"orderId": order["id"], "reason": "OTHER"})
    [order] = record(world, NOW + DAY, first | {"recordedAt": world.record(recordedAt=-1)["recordedAt"]})
    assert (order["status"], order["cancelledAt"]) == ("CANCELLED", "2026-06-15T12:00:00.000001Z")


def test_a_cancellation_of_the_order_system_can_be_cleared(world: World) -> None:
    first = world.record("TRADE_ASSURANCE", cancelledAt=1)
    assert record(world, NOW, first)[0]["status"] == "CANCELLED"
    later = world.record(number=first["number"], recordedAt=-1)
    assert record(world, NOW + DAY, later)[0]["status"] == "AWAITING_PAYMENT"


def test_of_several_records_of_one_order_in_one_batch_the_newest_counts(world: World) -> None:
    first = world.record("TRADE_ASSURANCE", recordedAt=3)
    paid = first | {"paidAt": world.record(x=0)["recordedAt"], "recordedAt": world.record(recordedAt=2)["recordedAt"]}
    shipped = paid | {"shippedAt": paid["paidAt"], "recordedAt": world.record(recordedAt=1)["recordedAt"]}
    orders = record(world, NOW, shipped, first, paid)
    assert {order["status"] for order in orders} == {"SHIPPED"}
    assert texts(orders[0]) == ["The order was placed.", "The payment was received.", "The order was shipped."]


@pytest.mark.parametrize(
    ("changes", "field", "problem"),
    [
        ({"shippedAt": 401}, "shippedAt", "OUT_OF_RANGE"),
        ({"paidAt": 401}, "paidAt", "OUT_OF_RANGE"),
        ({"cancelledAt": 401}, "cancelledAt", "OUT_OF_RANGE"),
        ({"shipBy": 401}, "shipBy", "OUT_OF_RANGE"),
        ({"deliveredAt": 401}, "deliveredAt", "OUT_OF_RANGE"),
        ({"placedAt": 4, "shipBy": 4 + 5.1 / 1440}, "shipBy", "OUT_OF_RANGE"),
        ({"placedAt": 4, "deliveredAt": 4 + 5.1 / 1440}, "deliveredAt", "OUT_OF_RANGE"),
        ({"placedAt": 4, "paidAt": 4 + 5.1 / 1440}, "paidAt", "OUT_OF_RANGE"),
        ({"placedAt": 4, "completedAt": 5}, "completedAt", "OUT_OF_RANGE"),
        ({"recordedAt": -1.001}, "recordedAt", "OUT_OF_RANGE"),
        ({"recordedAt": "8999-12-31T23:59:59Z"}, "recordedAt", "OUT_OF_RANGE"),
        ({"paidAt": 1, "amountPaid": usd("-0.01")}, "amountPaid.amount", "OUT_OF_RANGE"),
        ({"paidAt": 1, "amountPaid": usd("10000000000000.01")}, "amountPaid.amount", "OUT_OF_RANGE"),
        ({"total": usd("0.00"), "amountPaid": usd("0.01")}, "amountPaid.amount", "OUT_OF_RANGE"),
        ({"paidAt": 1, "amountPaid": usd("0.00")}, "amountPaid.amount", "OUT_OF_RANGE"),
        ({"amountPaid": usd("1.00")}, "amountPaid.amount", "OUT_OF_RANGE"),
        ({"paidAt": 1, "amountPaid": {"amount": "1", "currencyCode": "EUR"}}, "amountPaid.currencyCode", "WRONG_FORM"),
        ({"total": usd("-1.00")}, "total.amount", "OUT_OF_RANGE"),
        ({"total": usd("1.001")}, "total.amount", "WRONG_FORM"),
        ({"total": usd("10000000000000.01")}, "total.amount", "OUT_OF_RANGE"),
        ({"items": []}, "items", "REQUIRED"),
        ({"items": [{"title": "x", "quantity": 1, "unitPrice": usd("1")}] * 101}, "items", "TOO_MANY"),
        ({"items": [{"title": " ", "quantity": 1, "unitPrice": usd("1")}]}, "items.0.title", "REQUIRED"),
        ({"items": [{"title": "x", "quantity": 0, "unitPrice": usd("1")}]}, "items.0.quantity", "OUT_OF_RANGE"),
        *(
            ({"items": [{"title": "x", "quantity": 1, "unitPrice": usd(price)}]}, "items.0.unitPrice.amount", problem)
            for price, problem in (
                ("10000000000000.01", "OUT_OF_RANGE"),
                ("-10000000000000.01", "OUT_OF_RANGE"),
                ("1000000.0000000001", "OUT_OF_RANGE"),
                ("999999999999999999999999999999.9999999999", "OUT_OF_RANGE"),
                ("0.00000000001", "WRONG_FORM"),
                ("--1", "WRONG_FORM"),
            )
        ),
        (
            {"items": [{"title": "x", "quantity": 1, "unitPrice": {"amount": "1", "currencyCode": "JPY"}}]},
            "items.0.unitPrice.currencyCode",
            "WRONG_FORM",
        ),
        *(
            ({"items": [LAMP | {name: value}]}, f"items.0.{name}", problem)
            for name, value, problem in (
                ("sku", "", "REQUIRED"),
                ("sku", " \u200b", "REQUIRED"),
                ("sku", "x" * 65, "TOO_LONG"),
                ("sku", "L-\n7", "WRONG_FORM"),
                ("sku", "L-\0", "OTHER"),
                ("imageUrl", "", "REQUIRED"),
                ("imageUrl", "  ", "REQUIRED"),
                ("imageUrl", f"https://example.com/{'x' * 1981}", "TOO_LONG"),
                ("imageUrl", "https://example.com/\0", "OTHER"),
                ("imageUrl", "http://example.com/lamp.jpg", "WRONG_FORM"),
            )
        ),
        ({"items": [LAMP, LAMP | {"imageUrl": "lamp.jpg"}]}, "items.1.imageUrl", "WRONG_FORM"),
        ({"number": ""}, "number", "REQUIRED"),
        ({"number": "x" * 65}, "number", "TOO_LONG"),
        ({"number": "x\0"}, "number", "OTHER"),
        ({"buyer": {"subject": "", "name": "x"}}, "buyer.subject", "REQUIRED"),
        ({"supplier": {"subject": "x", "name": "y" * 201}}, "supplier.name", "TOO_LONG"),
    ],
)
def test_a_record_with_impossible_facts_is_refused(
    world: World, changes: dict[str, Any], field: str, problem: str
) -> None:
    good, bad = world.record(), world.record(**changes)
    assert (f"orders.1.{field}", problem) in _problems(world, good, bad)
    asked = "query($number: String!) { order(number: $number) { id } }"
    assert world.service.ask(asked, number=good["number"]) == {"order": None}


def _problems(world: World, *orders: dict[str, Any]) -> set[tuple[str, str]]:
    payload = world.service.do("recordOrders", {"orders": list(orders)}, "orders { id }")
    assert payload["orders"] is None
    assert {error["code"] for error in payload["userErrors"]} == {"INVALID_INPUT"}
    return {(".".join(error["field"]), error["problem"]) for error in payload["userErrors"]}


@pytest.mark.parametrize(
    ("facts", "total", "paid", "status"),
    [
        ({"total": usd("0.00")}, "0.00", "0.00", "AWAITING_PAYMENT"),
        ({"total": usd("0"), "paidAt": 1}, "0.00", "0.00", "PAID"),
        ({"total": usd("-0.00"), "paidAt": 1, "amountPaid": usd("0")}, "0.00", "0.00", "PAID"),
        ({"total": usd("0"), "paidAt": 1, "amountPaid": usd("5")}, "0.00", "5.00", "PAID"),
        ({"paidAt": 1, "amountPaid": usd("100.01")}, "100.00", "100.01", "PAID"),
        ({"paidAt": 1, "amountPaid": usd("0.01")}, "100.00", "0.01", "PAID"),
        ({"amountPaid": usd("0.00")}, "100.00", "0.00", "AWAITING_PAYMENT"),
        ({"placedAt": 4, "paidAt": 4 + 5 / 1440, "shippedAt": 4 + 1 / 1440}, "100.00", "100.00", "SHIPPED"),
        ({"recordedAt": -1}, "100.00", "0.00", "AWAITING_PAYMENT"),
    ],
)
def test_the_total_and_the_amount_paid_are_kept_as_recorded(
    world: World, facts: dict[str, Any], total: str, paid: str, status: str
) -> None:
    [order] = record(world, NOW, world.record(**facts))
    assert (order["total"], order["amountPaid"], order["status"]) == ({"amount": total}, {"amount": paid}, status)
    later = world.record(**facts | {"number": order["number"], "recordedAt": -1.5})
    [order] = record(world, NOW + 2 * DAY, later)
    assert (order["total"], order["amountPaid"], order["status"]) == ({"amount": total}, {"amount": paid}, status)


def test_an_instant_asked_about_may_be_finer_than_a_microsecond(world: World) -> None:
    asked = """query($id: ID!, $at: DateTime) { node(id: $id) { ... on Order {
      decision(action: CANCEL_ORDER, at: $at) { allowed } } } }"""
    for at in ("2026-06-16T12:00:00.000000001Z", "2026-06-16T14:00:00.123456789+02:00"):
        found = world.buyer.at(NOW + 2 * DAY).ask(asked, id=world.order(), at=at)
        assert found["node"]["decision"] == {"allowed": True}


def test_instants_out_of_order_are_kept_as_they_are(world: World) -> None:
    [order] = record(world, NOW, world.record(placedAt=1, paidAt=1 + 3 / 1440))
    assert order["paidAt"] == "2026-06-14T11:57:00.000000Z"
    assert texts(order) == ["The payment was received.", "The order was placed."]


@pytest.mark.parametrize(
    ("currency", "price", "spelled"),
    [
        ("USD", "0.0125", "0.0125"),
        ("USD", "0.01250", "0.0125"),
        ("USD", "1.2000", "1.20"),
        ("USD", "7", "7.00"),
        ("USD", "-10.00", "-10.00"),
        ("USD", "-0.005", "-0.005"),
        ("USD", "-0", "0.00"),
        ("USD", "0.0000000001", "0.0000000001"),
        ("USD", "99999.9999999999", "99999.9999999999"),
        ("USD", "10000000000000.00", "10000000000000.00"),
        ("JPY", "0.5", "0.5"),
        ("JPY", "12.50", "12.5"),
        ("JPY", "-3", "-3"),
        ("KWD", "0.0125", "0.0125"),
        ("KWD", "1.5", "1.500"),
    ],
)
def test_a_unit_price_is_spelled_with_the_decimals_that_it_has(
    world: World, currency: str, price: str, spelled: str
) -> None:
    total, unit = ({"amount": amount, "currencyCode": currency} for amount in ("125", price))
    items = [
        {"title": "Screw", "quantity": 10_000, "unitPrice": unit},
        {"title": "Discount", "quantity": 1, "unitPrice": {"amount": "-1", "currencyCode": currency}},
    ]
    made = world.record(total=total, items=items)
    asked = "orders { items { title quantity unitPrice { amount currencyCode } } timeline { edges { cursor } } }"
    for at, recorded in ((NOW, made), (NOW + DAY, made | {"recordedAt": world.record(recordedAt=-1)["recordedAt"]})):
        [order] = world.service.at(at).succeed("recordOrders", {"orders": [recorded]}, asked)["orders"]
        assert order["items"][0]["unitPrice"] == {"amount": spelled, "currencyCode": currency}
        assert order["items"][1]["unitPrice"]["amount"].startswith("-1")
        assert len(order["timeline"]["edges"]) == 1  # recorded again, nothing has changed


def test_of_a_sample_nothing_can_be_claimed_and_of_an_overpaid_order_what_was_paid(world: World) -> None:
    facts = {"paidAt": 3, "shippedAt": 2}
    opening = {"reason": "DAMAGED", "description": "x", "wanted": "REFUND"}
    sample = {"orderId": world.order(**facts, total=usd("0"))}
    assert world.buyer.problems("openDispute", sample | opening | {"claim": usd("0.01")}) == {
        ("claim.amount", "OUT_OF_RANGE")
    }
    world.buyer.succeed("openDispute", sample | opening | {"wanted": "REPLACEMENT"})
    overpaid = {"orderId": world.order(**facts, amountPaid=usd("120.00"))}
    assert world.buyer.problems("openDispute", overpaid | opening | {"claim": usd("120.01")}) == {
        ("claim.amount", "OUT_OF_RANGE")
    }
    world.buyer.succeed("openDispute", overpaid | opening | {"claim": usd("120.00")})


@pytest.mark.parametrize(
    ("first", "second", "is_newer"),
    [
        ("2026-01-01T00:00:01.0000001Z", "2026-01-01T00:00:01.00000015Z", True),
        ("2026-01-01T00:00:01.00000015Z", "2026-01-01T00:00:01.0000001Z", False),
        ("2026-01-01T00:00:01.000000150Z", "2026-01-01T00:00:01.00000015Z", False),
        ("2026-01-01T00:00:01Z", "2026-01-01T00:00:01.000000001Z", True),
        ("2026-01-01T00:00:01.000000001Z", "2026-01-01T00:00:01Z", False),
        ("2026-01-01T00:00:01.123456999Z", "2026-01-01T00:00:01.123457Z", True),
        ("2026-01-01T00:00:01.123456001Z", "2026-01-01T02:00:01.123456002+02:00", True),
        ("2026-01-01T00:00:01.123456002Z", "2025-12-31T23:00:01.123456001-01:00", False),
        ("2026-01-01T00:00:01.123456002z", "2026-01-01t00:00:01.123456002Z", False),
    ],
)
def test_records_keep_their_order_within_a_microsecond(world: World, first: str, second: str, is_newer: bool) -> None:
    made = world.record(recordedAt=first, placedAt="2025-01-01T00:00:00.0000009Z")
    other = made | {"recordedAt": second, "shippedAt": "2026-01-01T00:00:00.123456789Z"}
    shown = "ignored orders { status placedAt shippedAt }"
    world.service.succeed("recordOrders", {"orders": [made]})
    payload = world.service.succeed("recordOrders", {"orders": [other]}, shown)
    assert payload["ignored"] == ([] if is_newer else [made["number"]])
    [order] = payload["orders"]
    assert order["shippedAt"] == ("2026-01-01T00:00:00.123456Z" if is_newer else None)
    assert order["placedAt"] == "2025-01-01T00:00:00.000000Z"
    both = [each | {"number": world.record()["number"]} for each in (other, made)]
    both[1]["number"] = both[0]["number"]
    payload = world.service.succeed("recordOrders", {"orders": both}, shown)
    is_equal = first.rstrip("0Zz") == second.rstrip("0Zz") or "z" in first
    shipped = is_newer or is_equal  # of equal records the first is taken
    assert [order["status"] for order in payload["orders"]] == ["SHIPPED" if shipped else "AWAITING_PAYMENT"] * 2
    assert bool(payload["ignored"]) == is_equal


def test_what_is_not_newer_is_named(world: World) -> None:
    old, new, known = world.record(), world.record(), world.record()
    record(world, NOW, old, known)
    newer = known | {"recordedAt": world.record(recordedAt=-1)["recordedAt"]}
    orders = [new, old, newer, newer, old]
    payload = world.service.succeed("recordOrders", {"orders": orders}, "ignored orders { number }")
    assert payload["ignored"] == [old["number"], known["number"]]
    assert [order["number"] for order in payload["orders"]] == [order["number"] for order in orders]


def test_what_is_right_can_be_taken_without_the_rest(world: World) -> None:
    known, foreign = world.record(), world.record()
    record(world, NOW, known)
    world.person(world.service.role).succeed("recordOrders", {"orders": [foreign]})
    later = world.record(recordedAt=-1)["recordedAt"]
    good, old = world.record(), known
    orders = [
        world.record(number=""),
        good,
        known | {"kind": "OFFLINE", "recordedAt": later},
        foreign,
        old,
        world.record(recordedAt=-2, total=usd("-1.00")),
        good | {"recordedAt": later, "kind": "OFFLINE"},
        good | {"recordedAt": later, "shippedAt": later},
    ]
    asked = "ignored orders { number status }"
    payload = world.service.do("recordOrders", {"orders": orders}, asked)
    assert (payload["orders"], payload["ignored"]) == (None, [])
    payload = world.service.do("recordOrders", {"orders": orders, "skipInvalid": True}, asked)
    assert [(".".join(error["field"]), error["code"]) for error in payload["userErrors"]] == [
        ("orders.0.number", "INVALID_INPUT"),
        ("orders.2.kind", "INVALID_INPUT"),
        ("orders.3.number", "INVALID_INPUT"),
        ("orders.5.total.amount", "INVALID_INPUT"),
        ("orders.5.recordedAt", "INVALID_INPUT"),
        ("orders.6.kind", "INVALID_INPUT"),
    ]
    assert payload["orders"] == [
        {"number": good["number"], "status": "SHIPPED"},
        {"number": old["number"], "status": "AWAITING_PAYMENT"},
        {"number": good["number"], "status": "SHIPPED"},
    ]
    assert payload["ignored"] == [old["number"]]
    for skip in (False, None):
        payload = world.service.do("recordOrders", {"orders": orders, "skipInvalid": skip}, asked)
        assert payload["orders"] is None
    payload = world.service.do("recordOrders", {"orders": orders[:1], "skipInvalid": True}, asked)
    assert (payload["orders"], len(payload["userErrors"])) == ([], 1)
    payload = world.service.do("recordOrders", {"orders": [good] * 501, "skipInvalid": True}, asked)
    assert (payload["orders"], payload["userErrors"][0]["problem"]) == (None, "TOO_MANY")


def test_kind_and_parties_never_change(world: World) -> None:
    first = world.record("TRADE_ASSURANCE")
    record(world, NOW, first)
    changed = first | {
        "kind": "OFFLINE",
        "buyer": {"subject": "somebody else", "name": "x"},
        "recordedAt": world.record(recordedAt=-1)["recordedAt"],
    }
    assert _problems(world, changed) == {("orders.0.kind", "OTHER"), ("orders.0.buyer.subject", "OTHER")}
    old = changed | {"recordedAt": first["recordedAt"]}
    assert len(record(world, NOW + DAY, old)) == 1  # ignored, like any record that is not newer


def test_a_number_belongs_to_the_service_that_recorded_it(world: World) -> None:
    first = world.record()
    record(world, NOW, first)
    payload = world.person(world.service.role).do("recordOrders", {"orders": [world.record(), first]}, "orders { id }")
    assert [(error["field"], error["code"]) for error in payload["userErrors"]] == [
        (["orders", "1", "number"], "INVALID_INPUT")
    ]


def test_only_the_order_system_records(world: World) -> None:
    for person in (world.buyer, world.supplier, world.agent):
        payload = person.do("recordOrders", {"orders": [world.record()]}, "orders { id }")
        assert (payload["orders"], payload["userErrors"][0]["code"]) == (None, "NOT_YOUR_ROLE")


def test_at_most_five_hundred_at_once(world: World) -> None:
    orders = [world.record() for _ in range(501)]
    assert _problems(world, *orders) == {("orders", "TOO_MANY")}
    recorded = world.service.succeed("recordOrders", {"orders": orders[:500]}, "orders { id status total { amount } }")
    assert len(recorded["orders"]) == 500
    document = f"mutation($orders: [OrderRecordInput!]!) {{ recordOrders(input: {{orders: $orders}}) {{ {SHOWN} }} }}"
    [error] = world.service.answer(document, orders=orders[:500])["errors"]
    assert error["extensions"]["code"] == "TOO_EXPENSIVE"  # a hundred timeline entries of each
    assert record(world, NOW) == []
