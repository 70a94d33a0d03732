"""Look-ahead reads what a query selects, however it is written: fragments, directives, aliases, interfaces, variables."""

import re
from typing import Any

import pytest

from tests.conftest import MOMENT, NOW, World
from tests.support.actions import INPUTS

ONE = {"supplier": {"role": "SUPPLIER"}}
F = "fragment F on"
SHAPES: list[tuple[str, str, dict[str, Any]]] = [
    ("a named fragment", f"...F }} }} {F} Order {{ supplier {{ role }} }}", ONE),
    ("on an interface", f"...F }} }} {F} Node {{ ... on Order {{ supplier {{ role }} }} }}", ONE),
    ("on another interface", "... on Actionable { ... on Order { supplier { role } } } } }", ONE),
    ("within fragments", f"...F }} }} {F} Order {{ ...G }} fragment G on Order {{ supplier {{ role }} }}", ONE),
    ("of another type", "... on Dispute { number } ... on Order { supplier { role } } } }", ONE),
    ("without a type", "... on Order { ... { supplier { role } } } } }", ONE),
    ("included", "... on Order { supplier @include(if: $yes) { role } } } }", ONE),
    ("not included", "... on Order { supplier @include(if: $no) { role } } } }", {}),
    ("skipped", "... on Order { supplier @skip(if: $yes) { role } } } }", {}),
    ("not skipped", "... on Order @skip(if: $no) { supplier { role } } } }", ONE),
    ("a skipped fragment", f"...F @skip(if: $yes) }} }} {F} Order {{ supplier {{ role }} }}", {}),
    (
        "aliases",
        "... on Order { a: supplier { role } b: supplier { name } } } }",
        {"a": {"role": "SUPPLIER"}, "b": {"name": "Lumen Lighting"}},
    ),
    (
        "in two places",
        "... on Order { feedback { rating } } ... on Order { feedback { order { supplier { role } } } } } }",
        {"feedback": {"rating": "5.0", "order": ONE}},
    ),
    (
        "through an interface's field",
        f"""... on Order {{ timeline(last: $one) {{ edges {{ node {{ relatedCase {{ ...F }} }} }} }} }} }} }}
        {F} Case {{ __typename order {{ supplier {{ role }} }} }}""",
        {"timeline": {"edges": [{"node": {"relatedCase": {"__typename": "Dispute", "order": ONE}}}]}},
    ),
    (
        "pages by variables",
        """... on Order { a: timeline(last: $one) { edges { node { by { role } } } }
        b: timeline(first: 1, after: $none) { edges { node { text } } } c: timeline { edges { cursor } } } } }""",
        {
            "a": {"edges": [{"node": {"by": {"role": "BUYER"}}}]},
            "b": {"edges": [{"node": {"text": "The order was placed."}}]},
        },
    ),
    (
        "the policy by variables",
        """... on Order { decision(action: $action, at: $never) { reason }
        d: decision(action: LEAVE_FEEDBACK) { reason } } } }""",
        {"decision": {"reason": "DISPUTE_OPEN"}, "d": {"reason": "FEEDBACK_ALREADY_LEFT"}},
    ),
]
VARIABLES = {
    "id": "ID!",
    "yes": "Boolean = true",
    "no": "Boolean = false",
    "one": "Int = 1",
    "none": "String",
    "never": "DateTime",
    "action": "Action = OPEN_DISPUTE",
}


@pytest.mark.parametrize(("says", "shape", "expected"), SHAPES)
def test_an_answer_is_the_same_in_whatever_shape_it_is_selected(
    world: World, says: str, shape: str, expected: dict[str, Any]
) -> None:
    order = world.order(completedAt=1)
    world.buyer.succeed("leaveFeedback", {"orderId": order, "ratings": {"overall": 5}})
    world.buyer.at(NOW + MOMENT).succeed("openDispute", INPUTS["openDispute"] | {"orderId": order})
    used = {"id", *re.findall(r"\$(\w+)", shape)}
    declared = ", ".join(f"${name}: {of}" for name, of in VARIABLES.items() if name in used)
    query = f"query({declared}) {{ node(id: $id) {{ {shape}"
    found = world.buyer.at(NOW + 2 * MOMENT).ask(query, id=order)["node"]
    assert {name: found.get(name) for name in expected} == expected, says
    if not expected:
        assert found == {}


def test_many_parents_have_pages_of_their_own(world: World) -> None:
    orders = [world.order(paymentSubmittedAt=5, paidAt=4, shippedAt=3) for _ in range(3)]
    asked = """query($ids: [ID!]!) { nodes(ids: $ids) { ... on Order { timeline(first: 2) { edges { node { text } }
      pageInfo { hasNextPage } } } } }"""
    for found in world.buyer.ask(asked, ids=orders)["nodes"]:
        assert [edge["node"]["text"] for edge in found["timeline"]["edges"]] == [
            "The order was placed.",
            "The buyer submitted a payment.",
        ]
        assert found["timeline"]["pageInfo"]["hasNextPage"]
