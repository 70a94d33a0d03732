"""No mutation reaches the database past the policy."""

import contextlib
from collections.abc import Generator
from typing import Any

import pytest

from models.enums import Action
from resolvers import policy
from schema import SCHEMA
from tests.actions import AREAS, INPUTS, MUTATIONS, OTHER_MUTATIONS
from tests.conftest import DAY, NOW, World


def test_every_mutation_is_an_action_but_two() -> None:
    mutation_type: Any = SCHEMA._schema.mutation_type
    assert set(mutation_type.fields) == set(INPUTS) | OTHER_MUTATIONS


@pytest.fixture
def possible(world: World) -> dict[str, tuple[Any, dict[str, Any]]]:
    """For each mutation, somebody who may do it to something, and with what input."""
    buyer, supplier = world.buyer, world.supplier
    complete, secure = world.order(paidAt=9, completedAt=8), world.order("SECURE_PAYMENT", completedAt=8)
    answered = world.order(paidAt=9, completedAt=8)
    for order, ratings in ((secure, AREAS), (answered, {"overall": 3})):
        buyer.succeed("leaveFeedback", {"orderId": order, "ratings": ratings})
    supplier.succeed("replyToFeedback", {"orderId": answered, "text": "Thanks"})

    def requested() -> str:
        order = world.order("SECURE_PAYMENT")
        buyer.succeed("requestCancellation", {"orderId": order, "reason": "OTHER"})
        return order

    def disputed(**changes: Any) -> dict[str, str]:
        input = INPUTS["openDispute"] | {"orderId": world.order(paidAt=1)} | changes
        return {"caseId": buyer.succeed("openDispute", input, "dispute { id }")["dispute"]["id"]}

    def complained() -> dict[str, str]:
        input = INPUTS["fileComplaint"] | {"respondent": {"memberId": "x"}}
        return {"caseId": buyer.succeed("fileComplaint", input, "complaint { id }")["complaint"]["id"]}

    buyer_then, supplier_then, agent_then = (each.at(NOW + 3 * DAY) for each in (buyer, supplier, world.agent))
    reviewed = [disputed() for _ in range(2)]
    for each in reviewed:
        buyer_then.succeed("escalateDispute", each)
    subjects: dict[str, tuple[Any, dict[str, str]]] = {
        "leaveFeedback": (buyer, {"orderId": complete}),
        "reviseFeedback": (buyer, {"orderId": answered}),
        "replyToFeedback": (supplier, {"orderId": secure}),
        "cancelOrder": (buyer, {"orderId": world.order()}),
        "requestCancellation": (buyer, {"orderId": world.order("SECURE_PAYMENT")}),
        "withdrawCancellation": (buyer, {"orderId": requested()}),
        "acceptCancellation": (supplier, {"orderId": requested()}),
        "declineCancellation": (supplier, {"orderId": requested()}),
        "openDispute": (buyer, {"orderId": complete}),
        "fileComplaint": (buyer, {"orderId": world.order("OFFLINE")}),
        "proposeResolution": (supplier, disputed()),
        "acceptProposal": (supplier, disputed()),
        "rejectProposal": (supplier, disputed()),
        "postDisputeMessage": (supplier, disputed()),
        "escalateDispute": (supplier_then, disputed()),
        "withdrawDispute": (buyer, disputed()),
        "requestEvidence": (agent_then, reviewed[0]),
        "resolveDispute": (agent_then, reviewed[1]),
        "postComplaintMessage": (buyer, complained()),
        "withdrawComplaint": (buyer, complained()),
        "takeUpComplaint": (agent_then, complained()),
        "resolveComplaint": (agent_then, complained()),
        "rejectComplaint": (agent_then, complained()),
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


def test_with_an_empty_table_nothing_is_done(world: World, possible: dict[str, tuple[Any, dict[str, Any]]]) -> None:
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
        person.succeed(mutation, input)


def test_every_action_has_a_rule_and_a_mutation() -> None:
    assert {rule.action for rule in policy.TABLE.values()} == set(Action)
    assert set(INPUTS) == set(MUTATIONS.values())
