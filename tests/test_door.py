"""No mutation reaches the database past the policy."""

import contextlib
from collections.abc import Generator
from typing import Any

import pytest

from models.enums import Action
from resolvers import policy
from schema import SCHEMA
from tests.conftest import NOW, Server, World
from tests.test_machine import AREAS, MUTATIONS
from tests.test_rights import INPUTS

ACTIONS = {mutation: action for action, mutation in MUTATIONS.items()}


def test_every_mutation_is_an_action_but_the_order_systems() -> None:
    mutation_type: Any = SCHEMA._schema.mutation_type
    assert set(mutation_type.fields) == set(INPUTS) | {"recordOrders"}
    assert set(INPUTS) <= set(ACTIONS)


@pytest.fixture
def possible(world: World) -> dict[str, tuple[Any, dict[str, Any]]]:
    """For each mutation, somebody who may do it to something, and with what input."""
    buyer, supplier = world.buyer, world.supplier
    complete, secure = world.order(paidAt=9, completedAt=8), world.order("SECURE_PAYMENT", completedAt=8)
    answered = world.order(paidAt=9, completedAt=8)
    for order, ratings in ((secure, AREAS), (answered, {"overall": 3})):
        buyer.succeed("leaveFeedback", {"orderId": order, "ratings": ratings})
    supplier.succeed("replyToFeedback", {"orderId": answered, "text": "Thanks"})
    asked = world.order("SECURE_PAYMENT")
    buyer.succeed("requestCancellation", {"orderId": asked, "reason": "OTHER"})
    paid = world.order(paidAt=1)
    opened = buyer.succeed("openDispute", INPUTS["openDispute"] | {"orderId": paid}, "dispute { id }")
    subjects: dict[str, tuple[Any, dict[str, str]]] = {
        "leaveFeedback": (buyer, {"orderId": complete}),
        "reviseFeedback": (buyer, {"orderId": answered}),
        "replyToFeedback": (supplier, {"orderId": secure}),
        "cancelOrder": (buyer, {"orderId": world.order()}),
        "requestCancellation": (buyer, {"orderId": world.order("SECURE_PAYMENT")}),
        "withdrawCancellation": (buyer, {"orderId": asked}),
        "acceptCancellation": (supplier, {"orderId": asked}),
        "declineCancellation": (supplier, {"orderId": asked}),
        "openDispute": (buyer, {"orderId": complete}),
        "withdrawDispute": (buyer, {"caseId": opened["dispute"]["id"]}),
        "fileComplaint": (buyer, {"orderId": world.order("OFFLINE")}),
    }
    return {mutation: (person, INPUTS[mutation] | subject) for mutation, (person, subject) in subjects.items()}


@contextlib.contextmanager
def emptied() -> Generator[None]:
    """The table without a line; then all of them again, in their order."""
    lines = dict(policy.TABLE)
    policy.TABLE.clear()
    try:
        yield
    finally:
        policy.TABLE.update(lines)


def test_with_an_empty_table_nothing_is_done(
    server: Server, world: World, possible: dict[str, tuple[Any, dict[str, Any]]]
) -> None:
    assert set(possible) == set(INPUTS)
    with emptied():
        for mutation, (person, input) in possible.items():
            assert person.refused(mutation, input) == "NOT_OFFERED", mutation
        told = world.buyer.ask(
            "{ rules { label } viewer { orders { edges { node { availableActions { label } } } } } }"
        )
        assert told["rules"] == []
        assert not any(edge["node"]["availableActions"] for edge in told["viewer"]["orders"]["edges"])
    # The same calls are what the table allows: only the table kept them out.
    for mutation, (person, input) in possible.items():
        if mutation not in ("acceptCancellation", "declineCancellation"):  # withdrawn by then
            person.at(NOW).succeed(mutation, input)


def test_every_rule_is_about_an_action_with_a_mutation() -> None:
    mutation_type: Any = SCHEMA._schema.mutation_type
    for rule in policy.TABLE.values():
        assert MUTATIONS[rule.action] in mutation_type.fields
    assert all(MUTATIONS[action] in mutation_type.fields for action in Action if MUTATIONS[action] in INPUTS)
