"""Feedback over the API, as buyer and as supplier."""

from typing import Any

import pytest

from tests.conftest import DAY, MOMENT, NOW, World

AREAS = {"areas": {"productAsAgreed": 5, "communication": 4, "shippingTime": 4}}
FEEDBACK = """feedback { id rating areas { productAsAgreed communication shippingTime } comment leftAt reply repliedAt
  revisedAt original { rating areas { communication } comment leftAt } order { id feedback { id } } }"""


def test_the_whole_life_of_feedback(world: World) -> None:
    order = world.order("SECURE_PAYMENT", completedAt=1)
    left = world.buyer.succeed(
        "leaveFeedback", {"orderId": order, "ratings": AREAS, "comment": "Good — 好的 👍"}, FEEDBACK
    )["feedback"]
    assert left["rating"] == "4.3"
    assert left["areas"] == AREAS["areas"]
    assert (left["comment"], left["leftAt"]) == ("Good — 好的 👍", "2026-06-15T12:00:00.000000Z")
    assert left["order"] == {"id": order, "feedback": {"id": left["id"]}}
    assert left["original"] is None

    world.supplier.at(NOW + DAY).succeed("replyToFeedback", {"orderId": order, "text": "Thanks"})
    revised = world.buyer.at(NOW + 2 * DAY).succeed(
        "reviseFeedback",
        {"orderId": order, "ratings": {"areas": {"productAsAgreed": 1, "communication": 1, "shippingTime": 2}}},
        FEEDBACK,
    )["feedback"]
    assert (revised["rating"], revised["comment"], revised["reply"]) == ("1.3", None, "Thanks")
    assert (revised["leftAt"], revised["revisedAt"]) == (left["leftAt"], "2026-06-17T12:00:00.000000Z")
    assert revised["original"] == {
        "rating": "4.3",
        "areas": {"communication": 4},
        "comment": "Good — 好的 👍",
        "leftAt": left["leftAt"],
    }
    assert world.buyer.at(NOW + 3 * DAY).refused("reviseFeedback", {"orderId": order, "ratings": AREAS}) == (
        "ALREADY_REVISED"
    )


def test_feedback_on_trade_assurance_has_one_rating(world: World) -> None:
    order = world.order("TRADE_ASSURANCE", completedAt=60)
    payload = world.buyer.succeed("leaveFeedback", {"orderId": order, "ratings": {"overall": 4}}, FEEDBACK)
    assert (payload["feedback"]["rating"], payload["feedback"]["areas"]) == ("4.0", None)


def test_feedback_is_refused_a_moment_after_its_window(world: World) -> None:
    order = world.order("TRADE_ASSURANCE", completedAt=60)
    payload = world.buyer.at(NOW + MOMENT).do(
        "leaveFeedback", {"orderId": order, "ratings": {"overall": 4}}, "order { id canLeaveFeedback } feedback { id }"
    )
    assert [error["code"] for error in payload["userErrors"]] == ["WINDOW_CLOSED"]
    assert payload["order"] == {"id": order, "canLeaveFeedback": False}
    assert payload["feedback"] is None


@pytest.mark.parametrize(
    ("kind", "ratings", "field"),
    [
        ("TRADE_ASSURANCE", AREAS, "ratings.areas"),
        ("SECURE_PAYMENT", {"overall": 5}, "ratings.overall"),
    ],
)
def test_the_other_form_of_rating_is_refused(world: World, kind: str, ratings: dict[str, Any], field: str) -> None:
    order = world.order(kind, completedAt=1)
    assert world.buyer.problems("leaveFeedback", {"orderId": order, "ratings": ratings}) == {(field, "WRONG_FORM")}
    # … and nothing was done.
    right = AREAS if kind == "SECURE_PAYMENT" else {"overall": 5}
    world.buyer.succeed("leaveFeedback", {"orderId": order, "ratings": right})


def test_the_decision_comes_before_the_form(world: World) -> None:
    order = world.order("SECURE_PAYMENT")
    assert world.buyer.refused("leaveFeedback", {"orderId": order, "ratings": {"overall": 5}}) == "NOT_COMPLETED"


def test_what_would_have_been_changed_is_shown_after_a_refusal(world: World) -> None:
    order = world.order("TRADE_ASSURANCE", completedAt=1)
    world.buyer.succeed("leaveFeedback", {"orderId": order, "ratings": {"overall": 2}})
    again = world.buyer.at(NOW + MOMENT).do(
        "leaveFeedback", {"orderId": order, "ratings": {"overall": 5}}, "feedback { id } order { feedback { rating } }"
    )
    assert (again["feedback"], again["order"]) == (None, {"feedback": {"rating": "2.0"}})
    revised = world.buyer.at(NOW + MOMENT).do(
        "reviseFeedback", {"orderId": order, "ratings": {"overall": 5}}, "feedback { rating }"
    )
    assert revised["feedback"] == {"rating": "2.0"}
    assert [error["code"] for error in revised["userErrors"]] == ["AWAITING_REPLY"]


def test_one_request_can_rate_twenty_orders(world: World) -> None:
    orders = [world.order("TRADE_ASSURANCE", completedAt=1) for _ in range(19)]
    late = world.order("TRADE_ASSURANCE", completedAt=61)
    aliased = "\n".join(
        f'a{place}: leaveFeedback(input: {{orderId: "{order}", ratings: {{overall: 5}}}})'
        " { feedback { rating } userErrors { code } }"
        for place, order in enumerate([*orders, late])
    )
    data = world.buyer.ask(f"mutation {{ {aliased} }}")
    assert [data[f"a{place}"]["feedback"] for place in range(19)] == [{"rating": "5.0"}] * 19
    assert data["a19"] == {"feedback": None, "userErrors": [{"code": "WINDOW_CLOSED"}]}


def test_the_order_system_does_not_read_what_was_said(world: World) -> None:
    order = world.order("TRADE_ASSURANCE", completedAt=1)
    world.buyer.succeed("leaveFeedback", {"orderId": order, "ratings": {"overall": 2}, "comment": "secret"})
    world.supplier.at(NOW + MOMENT).succeed("replyToFeedback", {"orderId": order, "text": "secret"})
    world.buyer.at(NOW + 2 * MOMENT).succeed("reviseFeedback", {"orderId": order, "ratings": {"overall": 3}})
    asked = (
        "query($id: ID!) { node(id: $id) { ... on Order { feedback { rating comment reply original { comment } } } } }"
    )
    assert world.service.ask(asked, id=order)["node"]["feedback"] == {
        "rating": "3.0",
        "comment": None,
        "reply": None,
        "original": {"comment": None},
    }
    assert world.agent.ask(asked, id=order)["node"]["feedback"]["original"] == {"comment": "secret"}


def test_feedback_is_listed_for_both_parties(world: World) -> None:
    orders = [world.order("TRADE_ASSURANCE", completedAt=9) for _ in range(4)]
    for place, order in enumerate(orders):
        world.buyer.at(NOW + place * DAY).succeed(
            "leaveFeedback", {"orderId": order, "ratings": {"overall": place + 1}}
        )
    world.supplier.at(NOW + 5 * DAY).succeed("replyToFeedback", {"orderId": orders[1], "text": "Thanks"})
    later = NOW + 6 * DAY
    listed = """query($filter: FeedbackFilter) { viewer { feedback(filter: $filter) { edges { node {
      rating order { id } } } } } }"""

    def ratings(person: Any, **filter: str) -> list[str]:
        edges = person.at(later).ask(listed, filter=filter or None)["viewer"]["feedback"]["edges"]
        return [edge["node"]["rating"] for edge in edges]

    assert ratings(world.buyer) == ["4.0", "3.0", "2.0", "1.0"]
    assert ratings(world.supplier) == ["4.0", "3.0", "2.0", "1.0"]
    assert ratings(world.buyer, can="REVISE_FEEDBACK") == ["2.0"]
    assert ratings(world.supplier, can="REPLY_TO_FEEDBACK") == ["4.0", "3.0", "1.0"]
    assert ratings(world.buyer, can="REPLY_TO_FEEDBACK") == []
    assert ratings(world.person(world.buyer.role)) == []


def test_the_order_of_listed_feedback_has_all_that_is_asked_of_it(world: World) -> None:
    """Whether or not the query also selects the feedback of that order."""
    order = world.order("TRADE_ASSURANCE", paidAt=9, completedAt=1)
    world.buyer.succeed("leaveFeedback", {"orderId": order, "ratings": {"overall": 4}})
    of_it = "id supplier { name } dispute { id } timeline(first: 2) { edges { node { action } } } availableActions { action }"
    again = f"feedback {{ rating leftAt order {{ {of_it} }} }}"
    [told] = world.buyer.ask(
        f"query($id: ID!) {{ nodes(ids: [$id]) {{ ... on Order {{ {of_it} {again} }} }} }}", id=order
    )["nodes"]
    for more in ("", again, f"{again} twice: {again}"):
        asked = f"{{ viewer {{ feedback {{ edges {{ node {{ rating leftAt order {{ {of_it} {more} }} }} }} }} }} }}"
        [edge] = world.buyer.ask(asked)["viewer"]["feedback"]["edges"]
        shown = edge["node"]["order"]
        assert shown == {name: told["feedback" if name == "twice" else name] for name in shown}
        assert edge["node"]["leftAt"] == told["feedback"]["leftAt"]
