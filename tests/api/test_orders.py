"""Reading orders: pages, single orders by number, computed fields, and decisions at an instant."""

from typing import Any

import pytest

from models import database
from models.enums import Role
from resolvers.orders import search
from resolvers.orders.search import MAX_FOUND, NEAR
from schema.scalars import spell_instant
from tests.conftest import DAY, DIALECT, MOMENT, NOW, Server, World, usd

LISTED = """query($first: Int, $after: String, $last: Int, $before: String, $filter: OrderFilter) { viewer {
  orders(first: $first, after: $after, last: $last, before: $before, filter: $filter) {
    edges { cursor node { number } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"""


def page(person: Any, **variables: Any) -> tuple[list[str], dict[str, Any]]:
    found = person.ask(LISTED, **variables)["viewer"]["orders"]
    return [edge["node"]["number"] for edge in found["edges"]], found["pageInfo"]


def numbers(person: Any, **filter: Any) -> list[str]:
    return page(person, first=100, filter=filter)[0]


def test_an_order_shows_all_that_was_recorded(world: World) -> None:
    lamp = {"title": "Desk lamp", "quantity": 4, "unitPrice": usd("25.00")}
    shown = lamp | {"sku": "L-7", "imageUrl": "https://example.com/lamp.jpg"}
    facts = {"paidAt": 9, "shipBy": 7, "shippedAt": 8, "deliveredAt": 6, "completedAt": 5}
    record = world.record("TRADE_ASSURANCE", **facts, amountPaid=usd("60.00"), items=[shown, lamp])
    world.service.succeed("recordOrders", {"orders": [record]})
    asked = """query($number: String!) { order(number: $number) { number kind status
      buyer { name role } supplier { name role } total { amount currencyCode } amountPaid { amount }
      items { title quantity unitPrice { amount currencyCode } sku imageUrl }
      placedAt paidAt shipBy shippedAt deliveredAt completedAt cancelledAt canLeaveFeedback feedbackDeadline revisionDeadline
      availableActions { action allowed label reason message opensAt closesAt } nextChangeAt
      feedback { id } cancellation { id } dispute { id } complaint { id } } }"""
    assert world.buyer.ask(asked, number=record["number"])["order"] == {
        "number": record["number"],
        "kind": "TRADE_ASSURANCE",
        "status": "COMPLETED",
        "buyer": {"name": f"Buyer {world.buyer.subject}", "role": "BUYER"},  # the name in the buyer's own token
        "supplier": {"name": "Lumen Lighting", "role": "SUPPLIER"},
        "total": usd("100.00"),
        "amountPaid": {"amount": "60.00"},
        "items": [shown, lamp | {"sku": None, "imageUrl": None}],
        "placedAt": "2025-05-11T12:00:00.000000Z",
        "paidAt": "2026-06-06T12:00:00.000000Z",
        "shipBy": "2026-06-08T12:00:00.000000Z",
        "shippedAt": "2026-06-07T12:00:00.000000Z",
        "deliveredAt": "2026-06-09T12:00:00.000000Z",
        "completedAt": "2026-06-10T12:00:00.000000Z",
        "cancelledAt": None,
        "canLeaveFeedback": True,
        "feedbackDeadline": "2026-08-09T12:00:00.000000Z",
        "revisionDeadline": None,
        "availableActions": [
            {
                "action": "LEAVE_FEEDBACK",
                "allowed": True,
                "label": "Feedback",
                "reason": None,
                "message": None,
                "opensAt": "2026-06-10T12:00:00.000000Z",
                "closesAt": "2026-08-09T12:00:00.000000Z",
            },
            {
                "action": "OPEN_DISPUTE",
                "allowed": True,
                "label": "Open a dispute",
                "reason": None,
                "message": None,
                "opensAt": None,
                "closesAt": None,
            },
        ],
        "nextChangeAt": "2026-08-09T12:00:00.000001Z",
        "feedback": None,
        "cancellation": None,
        "dispute": None,
        "complaint": None,
    }


def test_money_is_spelled_with_its_currencys_decimals(world: World) -> None:
    for currency, amount in (("JPY", "1200"), ("KWD", "1.250"), ("USD", "1200.00")):
        money = {"amount": amount, "currencyCode": currency}
        record = world.record(total=money, items=[{"title": "Lamp", "quantity": 1, "unitPrice": money}])
        shown = world.service.succeed("recordOrders", {"orders": [record]}, "orders { total { amount currencyCode } }")
        assert shown["orders"] == [{"total": money}]


def test_orders_are_paged_forwards_and_backwards(world: World) -> None:
    # Two orders at each instant, so that a page can end between equal instants.
    made = [world.record(placedAt=100 - place // 2) for place in range(9)]
    world.service.succeed("recordOrders", {"orders": made})
    everything, info = page(world.buyer)
    assert sorted(everything) == sorted(record["number"] for record in made)
    placed = {record["number"]: record["placedAt"] for record in made}
    assert [placed[number] for number in everything] == sorted(placed.values(), reverse=True)
    assert (info["hasNextPage"], info["hasPreviousPage"]) == (False, False)

    walked: list[str] = []
    after = None
    for _ in range(3):
        shown, info = page(world.buyer, first=4, after=after)
        assert info["hasPreviousPage"] == (after is not None)
        walked, after = walked + shown, info["endCursor"]
    assert (walked, info["hasNextPage"]) == (everything, False)

    walked, before = [], None
    for _ in range(3):
        shown, info = page(world.buyer, last=4, before=before)
        assert info["hasNextPage"] == (before is not None)
        walked, before = shown + walked, info["startCursor"]
    assert (walked, info["hasPreviousPage"]) == (everything, False)

    middle, info = page(world.buyer, first=3)
    between, _ = page(world.buyer, first=9, after=info["startCursor"], before=info["endCursor"])
    assert between == middle[1:2]


def test_the_size_of_a_page_is_bounded(world: World) -> None:
    world.service.succeed("recordOrders", {"orders": [world.record() for _ in range(101)]})
    assert len(page(world.buyer)[0]) == 20
    for size in (101, 10**9):
        assert len(page(world.buyer, first=size)[0]) == 100
    nothing, info = page(world.buyer, first=0)
    assert (nothing, info["hasNextPage"], info["endCursor"]) == ([], True, None)
    for wrong in ({"first": -1}, {"last": -1}, {"first": 1, "last": 1}, {"after": "x"}, {"before": "MTIzNDU"}):
        [error] = world.buyer.answer(LISTED, **wrong)["errors"]
        assert error["extensions"]["code"] == "BAD_REQUEST"


def test_filters_find_the_orders_that_match(world: World) -> None:
    made = {
        "unpaid": world.record("TRADE_ASSURANCE"),
        "paying": world.record("TRADE_ASSURANCE", paymentSubmittedAt=1),
        "shipped": world.record("SECURE_PAYMENT", paidAt=2, shippedAt=1),
        "complete": world.record("SECURE_PAYMENT", paidAt=2, completedAt=1),
        "offline": world.record("OFFLINE", cancelledAt=1),
    }
    world.service.succeed("recordOrders", {"orders": list(made.values())})
    names = {record["number"]: name for name, record in made.items()}

    def found(person: Any = world.buyer, **filter: Any) -> set[str]:
        return {names[number] for number in numbers(person, **filter)}

    assert found(kinds=["TRADE_ASSURANCE"]) == {"unpaid", "paying"}
    assert found(kinds=["SECURE_PAYMENT", "OFFLINE"]) == {"shipped", "complete", "offline"}
    assert found(statuses=["SHIPPED", "CANCELLED"]) == {"shipped", "offline"}
    assert found(statuses=["AWAITING_PAYMENT"]) == {"unpaid"}
    assert found(statuses=["PAID"]) == set()
    assert found(can="CANCEL_ORDER") == {"unpaid"}
    assert found(can="LEAVE_FEEDBACK", kinds=["SECURE_PAYMENT"]) == {"complete"}
    assert found(can="LEAVE_FEEDBACK", kinds=["TRADE_ASSURANCE"]) == set()
    assert found(can="WITHDRAW_DISPUTE") == set()
    assert found(world.supplier, can="CANCEL_ORDER") == set()


@pytest.mark.parametrize("analyzed", [False, True] if DIALECT == "postgres" else [False])
@pytest.mark.parametrize(("near", "most"), [(NEAR, MAX_FOUND), (0, MAX_FOUND), (0, 1), (0, 0)])
def test_a_search_finds_orders_by_number_names_and_titles(
    server: Server, world: World, monkeypatch: pytest.MonkeyPatch, near: int, most: int, analyzed: bool
) -> None:
    """The answer is the same for each way to search: in the next orders of the list, by the index, or by walking the list,
    with or without statistics about the terms."""
    monkeypatch.setattr(search, "NEAR", near)
    monkeypatch.setattr(search, "MAX_FOUND", most)
    lamp = world.record(items=[{"title": "Straßenlampe 50%_!", "quantity": 1, "unitPrice": usd("1.00")}])
    linen = world.record(supplier={"subject": world.person(Role.SUPPLIER).subject, "name": "Tessa Textiles"})
    world.service.succeed("recordOrders", {"orders": [lamp, linen]})
    if DIALECT == "postgres":
        forget = "DELETE FROM pg_statistic WHERE starelid = 'orders_by_terms'::regclass"
        server.run(lambda: database.change("ANALYZE orders" if analyzed else forget))
        terms = ["lam", "amp", "str", "ass"]
        [[rarest]] = server.run(lambda: database.select("SELECT rarest_terms($1)", [terms]))
        assert len(rarest) == (2 if analyzed else 4)
    for text, expected in (
        ("STRASSENLAMPE", [lamp]),
        ("50%_!", [lamp]),
        ("0%_", [lamp]),
        ("5%!", []),
        ("_", [lamp]),
        ("tessa", [linen]),
        (lamp["number"].lower(), [lamp]),
        (f"buyer {world.buyer.subject}", [lamp, linen]),  # the name in the buyer's own token
        ("  ", [lamp, linen]),
        ("nothing of the kind", []),
    ):
        assert sorted(numbers(world.buyer, search=text)) == sorted(record["number"] for record in expected), text
    [error] = world.buyer.answer(LISTED, filter={"search": "x" * 201})["errors"]
    assert error["extensions"]["code"] == "BAD_REQUEST"


@pytest.mark.parametrize("near", [NEAR, 7, 0])
def test_the_results_of_a_search_are_paged(world: World, monkeypatch: pytest.MonkeyPatch, near: int) -> None:
    """The pages are the same whether the next orders of the list fill a page, do not fill it, or are not searched."""
    monkeypatch.setattr(search, "NEAR", near)
    oak = [{"title": "Floor lamp, oak", "quantity": 1, "unitPrice": usd("1.00")}]
    kinds = ("OFFLINE", "TRADE_ASSURANCE", "SECURE_PAYMENT")
    made = [
        world.record(kinds[place % 3], placedAt=100 - place // 4, **({"items": oak} if place % 2 else {}))
        for place in range(24)
    ]
    world.service.succeed("recordOrders", {"orders": made})
    filter = {"search": "OAK", "kinds": ["OFFLINE", "TRADE_ASSURANCE"]}
    holding = {made[place]["number"] for place in range(24) if place % 2 and place % 3 < 2}
    wanted = [number for number in numbers(world.buyer) if number in holding]
    assert len(wanted) == 8
    for person in (world.buyer, world.supplier, world.service):
        walked: list[str] = []
        after = None
        for more in (True, True, False):
            shown, info = page(person, first=3, after=after, filter=filter)
            assert (info["hasPreviousPage"], info["hasNextPage"]) == (after is not None, more)
            walked, after = walked + shown, info["endCursor"]
        assert walked == wanted

        walked, before = [], None
        for more in (True, True, False):
            shown, info = page(person, last=3, before=before, filter=filter)
            assert (info["hasPreviousPage"], info["hasNextPage"]) == (more, before is not None)
            walked, before = shown + walked, info["startCursor"]
        assert walked == wanted

        _, info = page(person, first=3, filter=filter)
        between = {"after": info["startCursor"], "before": info["endCursor"]}
        for size in ({"first": 9}, {"last": 9}, {"first": 1}, {"last": 1}):
            assert page(person, **size, **between, filter=filter)[0] == wanted[1:2]
        nothing, info = page(person, first=0, filter=filter)
        assert (nothing, info["hasNextPage"], info["endCursor"]) == ([], True, None)
        assert page(person, first=3, filter=filter | {"kinds": []})[0] == []


def test_a_node_is_found_by_its_id(world: World) -> None:
    order, other = world.order(completedAt=1), world.order()
    feedback = world.buyer.succeed("leaveFeedback", {"orderId": order, "ratings": {"overall": 5}}, "feedback { id }")[
        "feedback"
    ]["id"]
    me = world.buyer.ask("{ viewer { id account { id } } }")["viewer"]
    asked = """query($ids: [ID!]!) { nodes(ids: $ids) { __typename id
      ... on Order { number } ... on Feedback { rating leftAt } ... on Viewer { orders(first: 1) { edges { cursor } } } } }"""
    ids = [order, "nonsense", feedback, me["id"], me["account"]["id"], "ord_" + "0" * 32, other, order]
    found = world.buyer.ask(asked, ids=ids)["nodes"]
    assert [node and node["__typename"] for node in found] == [
        "Order",
        None,
        "Feedback",
        "Viewer",
        "Account",
        None,
        "Order",
        "Order",
    ]
    assert [node and node["id"] for node in found if node] == [*ids[:1], *ids[2:5], *ids[6:]]
    assert len(found[3]["orders"]["edges"]) == 1
    [error] = world.buyer.answer(asked, ids=[order] * 101)["errors"]
    assert error["extensions"]["code"] == "BAD_REQUEST"


@pytest.mark.parametrize("wrong", ["", "x", "ord_", "ord_" + "G" * 32, "ord_" + "1" * 33, "ORD_" + "1" * 32, "ord_１"])
def test_malformed_ids_are_absent(world: World, wrong: str) -> None:
    assert world.buyer.ask("query($id: ID!) { node(id: $id) { id } }", id=wrong) == {"node": None}
    assert world.buyer.refused("leaveFeedback", {"orderId": wrong, "ratings": {"overall": 5}}) == "NOT_FOUND"


def test_a_decision_can_be_asked_for_at_any_instant(world: World) -> None:
    order = world.order(paidAt=9, completedAt=1)
    world.buyer.at(NOW + DAY).succeed("leaveFeedback", {"orderId": order, "ratings": {"overall": 5}})
    asked = """query($id: ID!, $at: DateTime) { node(id: $id) { ... on Order {
      decision(action: LEAVE_FEEDBACK, at: $at) { allowed reason } } } }"""

    def decided(at: Any) -> str | None:
        decision = world.buyer.at(NOW + 2 * DAY).ask(asked, id=order, at=at and at.isoformat())["node"]["decision"]
        return "ALLOWED" if decision["allowed"] else decision["reason"]

    assert decided(None) == "FEEDBACK_ALREADY_LEFT"
    assert decided(NOW - MOMENT) == "NOT_FOUND"  # not recorded yet
    assert decided(NOW) == "ALLOWED"
    assert decided(NOW + DAY - MOMENT) == "ALLOWED"
    assert decided(NOW + DAY) == "FEEDBACK_ALREADY_LEFT"

    unsaid = world.order(paidAt=9, completedAt=1)
    ahead = """query($id: ID!) { node(id: $id) { ... on Order { soon: decision(action: LEAVE_FEEDBACK,
      at: "2026-08-13T12:00:00Z") { allowed } late: decision(action: LEAVE_FEEDBACK, at: "2026-08-13T12:00:00.000001Z")
      { reason } } } }"""
    assert world.buyer.ask(ahead, id=unsaid)["node"] == {"soon": {"allowed": True}, "late": {"reason": "WINDOW_CLOSED"}}


def test_a_decision_about_the_past_follows_the_promise_to_ship_of_then(world: World) -> None:
    record = world.record("SECURE_PAYMENT", paidAt=2, shipBy=-0.5)
    for day, shipping_date in ((0, record["shipBy"]), (1, spell_instant(NOW + 5 * DAY)), (6, None)):
        told = record | {"shipBy": shipping_date, "recordedAt": spell_instant(NOW + day * DAY)}
        [order] = world.service.at(NOW + day * DAY).succeed("recordOrders", {"orders": [told]}, "orders { id }")[
            "orders"
        ]
    asked = """query($id: ID!, $at: DateTime) { node(id: $id) { ... on Order {
      decision(action: OPEN_DISPUTE, at: $at) { reason opensAt } } } }"""
    for at, reason, opens in (
        (NOW, "NOT_SHIPPED", NOW + DAY / 2 + MOMENT),
        (NOW + DAY / 2, "NOT_SHIPPED", NOW + DAY / 2 + MOMENT),
        (NOW + DAY / 2 + MOMENT, None, None),
        (NOW + DAY - MOMENT, None, None),
        (NOW + DAY, "NOT_SHIPPED", NOW + 5 * DAY + MOMENT),
        (NOW + 5 * DAY, "NOT_SHIPPED", NOW + 5 * DAY + MOMENT),
        (NOW + 5 * DAY + MOMENT, None, None),
        (NOW + 6 * DAY, "NOT_SHIPPED", None),
        (NOW + 9 * DAY, "NOT_SHIPPED", None),
    ):
        decision = world.buyer.at(NOW + 8 * DAY).ask(asked, id=order["id"], at=spell_instant(at))["node"]["decision"]
        assert decision["reason"] == reason, at
        if reason:
            assert decision["opensAt"] == (opens and spell_instant(opens)), at


def test_what_is_known_stays_known_where_a_clock_goes_back(world: World) -> None:
    """The clocks of two servers differ. The later event, by the slower clock, is known no earlier than the first."""
    order = world.order("SECURE_PAYMENT")
    world.buyer.at(NOW + DAY).succeed("requestCancellation", {"orderId": order, "reason": "OTHER"})
    world.supplier.at(NOW + MOMENT).succeed("acceptCancellation", {"orderId": order})
    asked = """query($id: ID!, $at: DateTime) { node(id: $id) { ... on Order {
      decision(action: REQUEST_CANCELLATION, at: $at) { reason } } } }"""
    for at, reason in ((NOW + 2 * MOMENT, None), (NOW + DAY, "ALREADY_CANCELLED")):
        found = world.buyer.at(NOW + 2 * DAY).ask(asked, id=order, at=at.isoformat())
        assert found["node"]["decision"] == {"reason": reason}


def test_the_timeline_is_paged(world: World) -> None:
    order = world.order(paymentSubmittedAt=5, paidAt=4, shippedAt=3, completedAt=2)
    asked = """query($id: ID!, $after: String) { node(id: $id) { ... on Order {
      all: timeline { edges { node { text at action by { name } order { id } } } }
      two: timeline(first: 2, after: $after) { edges { node { text } } pageInfo { hasNextPage endCursor } }
      last: timeline(last: 1) { edges { node { text } } pageInfo { hasPreviousPage } } } } }"""
    found = world.buyer.ask(asked, id=order)["node"]
    texts = [edge["node"]["text"] for edge in found["all"]["edges"]]
    assert texts == [
        "The order was placed.",
        "The buyer submitted a payment.",
        "The payment was received.",
        "The order was shipped.",
        "The order was completed.",
    ]
    assert found["all"]["edges"][3]["node"] == {
        "text": "The order was shipped.",
        "at": "2026-06-12T12:00:00.000000Z",
        "action": None,
        "by": None,
        "order": {"id": order},
    }
    assert [edge["node"]["text"] for edge in found["two"]["edges"]] == texts[:2]
    second = world.buyer.ask(asked, id=order, after=found["two"]["pageInfo"]["endCursor"])["node"]["two"]
    assert [edge["node"]["text"] for edge in second["edges"]] == texts[2:4]
    assert found["last"] == {"edges": [{"node": {"text": texts[-1]}}], "pageInfo": {"hasPreviousPage": True}}


def test_rules_and_the_server_time_are_public(world: World) -> None:
    asked = """{ serverTime rules(action: LEAVE_FEEDBACK) { kind roles label conditions windowDays windowFrom
      opensAfterDays source } }"""
    assert world.supplier.ask(asked) == {
        "serverTime": "2026-06-15T12:00:00.000000Z",
        "rules": [
            {
                "kind": kind,
                "roles": ["BUYER"],
                "label": label,
                "conditions": ["the order is not cancelled", "the order is complete", "no feedback has been left"],
                "windowDays": days,
                "windowFrom": "the order's completion",
                "opensAfterDays": None,
                "source": source,
            }
            for kind, label, days, source in (
                ("TRADE_ASSURANCE", "Feedback", 60, "Feedback 1"),
                ("SECURE_PAYMENT", "Leave Feedback", 30, "Feedback 2"),
            )
        ],
    }
    assert world.buyer.ask("{ rules(kind: OFFLINE) { action } }") == {"rules": [{"action": "FILE_COMPLAINT"}]}


def test_what_one_place_asks_is_not_lost_to_another(world: World) -> None:
    """The same rows are reached by several paths, each with its own selection."""
    order = world.order(paidAt=9, completedAt=1)
    world.buyer.succeed("leaveFeedback", {"orderId": order, "ratings": {"overall": 5}})
    opening = {"reason": "LATE", "description": "x", "wanted": "REFUND", "claim": usd("1.00")}
    said = world.buyer.at(NOW + MOMENT).succeed(
        "openDispute",
        {"orderId": order} | opening,
        """order { dispute { number } } dispute { number timeline(first: 1) { edges { node { text } } }
           order { status dispute { number order { dispute { timeline { edges { cursor } } } } } } }""",
    )
    assert said["dispute"]["timeline"]["edges"] == [{"node": {"text": "The buyer opened a dispute."}}]
    assert said["dispute"]["order"]["dispute"]["number"] == said["order"]["dispute"]["number"]
    plain = world.order(completedAt=1)
    world.buyer.at(NOW + MOMENT).succeed("leaveFeedback", {"orderId": plain, "ratings": {"overall": 5}})
    asked = """query($ids: [ID!]!, $at: DateTime) { nodes(ids: $ids) { ... on Order {
      a: timeline(first: 20) { edges { node { order { number } by { role } } } } b: timeline { edges { node { text } } }
      c: timeline(first: 500) { edges { node { relatedCase { number } } } } d: timeline(first: 100) { edges { cursor } }
      dispute { order { timeline(first: 20) { edges { cursor } } decision(action: LEAVE_FEEDBACK, at: $at) { reason } } }
      feedback { order { decision(action: LEAVE_FEEDBACK, at: $at) { reason } again: decision(action: OPEN_DISPUTE,
        at: $at) { reason } now: decision(action: LEAVE_FEEDBACK) { reason } feedback { order { number } } } } } } }"""
    instant = (NOW + DAY).isoformat()
    first, second = world.buyer.at(NOW + 2 * DAY).ask(asked, ids=[order, plain], at=instant)["nodes"]
    assert all(edge["node"]["order"]["number"] for edge in first["a"]["edges"])
    assert first["a"]["edges"][-1]["node"]["by"] == {"role": "BUYER"}
    assert first["c"]["edges"][-1]["node"]["relatedCase"] == {"number": said["dispute"]["number"]}
    assert second["dispute"] is None
    for found in (first, second):
        decided = found["feedback"]["order"]
        assert decided["decision"] == decided["now"] == {"reason": "FEEDBACK_ALREADY_LEFT"}
        assert decided["feedback"]["order"]["number"]
    assert first["dispute"]["order"]["decision"] == {"reason": "FEEDBACK_ALREADY_LEFT"}


def test_the_next_change_says_what_opens_and_what_closes(world: World) -> None:
    order = world.order("SECURE_PAYMENT", paidAt=20, shipBy=-2)
    asked = "query($id: ID!) { node(id: $id) { ... on Order { nextChangeAt nextChange { at opens closes } } } }"
    late = "2026-06-17T12:00:00.000001Z"
    assert world.buyer.ask(asked, id=order)["node"] == {
        "nextChangeAt": late,
        "nextChange": {"at": late, "opens": ["OPEN_DISPUTE"], "closes": []},
    }
    complete = world.order("TRADE_ASSURANCE", paidAt=90, completedAt=10)
    closing = {"at": "2026-08-04T12:00:00.000001Z", "opens": [], "closes": ["LEAVE_FEEDBACK"]}
    assert world.buyer.ask(asked, id=complete)["node"]["nextChange"] == closing
    assert world.supplier.ask(asked, id=complete)["node"] == {"nextChangeAt": None, "nextChange": None}
