"""No mutation bypasses the policy."""

import contextlib
from collections.abc import Generator
from typing import Any

from models.enums import Action
from resolvers import policy
from resolvers.policy.decide import rules_for
from schema import SCHEMA
from tests.conftest import World
from tests.support.actions import INPUTS, MUTATIONS, OTHER_MUTATIONS, everything_possible


def test_every_mutation_is_an_action_but_three() -> None:
    mutation_type: Any = SCHEMA._schema.mutation_type
    assert set(mutation_type.fields) == set(INPUTS) | OTHER_MUTATIONS


@contextlib.contextmanager
def emptied() -> Generator[None]:
    """Empties the policy table, and restores it afterwards."""
    lines = dict(policy.TABLE)
    policy.TABLE.clear()
    rules_for.cache_clear()
    try:
        yield
    finally:
        policy.TABLE.update(lines)
        rules_for.cache_clear()


def test_with_an_empty_table_nothing_is_done(world: World) -> None:
    possible = everything_possible(world)
    assert set(possible) == set(INPUTS)
    with emptied():
        for mutation, (person, input) in possible.items():
            assert person.refused(mutation, input) == "NOT_OFFERED", mutation
        told = world.buyer.ask(
            "{ rules { label } viewer { orders { edges { node { availableActions { label } } } } } }"
        )
        assert told["rules"] == []
        assert not any(edge["node"]["availableActions"] for edge in told["viewer"]["orders"]["edges"])
    # The same calls succeed with the table: only the policy refused them.
    for mutation, (person, input) in possible.items():
        person.succeed(mutation, input)


def test_every_action_has_a_rule_and_a_mutation() -> None:
    assert {rule.action for rule in policy.TABLE.values()} == set(Action)
    assert set(INPUTS) == set(MUTATIONS.values())
