"""Which documents are affordable. What is refused is refused before it is validated, let alone run."""

from typing import Any

import pytest
from graphql import get_introspection_query, parse

from models.enums import Role
from resolvers.account import sign_in
from schema import SCHEMA
from schema.guard import measure
from server.errors import presented
from server.settings import Settings
from server.view import GraphQLView
from tests.conftest import World
from tests.test_statements import ALL_ORDERS, DETAIL, DISPUTE
from tests.watching import opened


def codes(answer: dict[str, Any]) -> list[str]:
    return [error["extensions"]["code"] for error in answer.get("errors", [])]


def chain(links: int, width: int = 2) -> str:
    """Each fragment spreads the next one twice: as many fields as 2 to the power of its length."""
    fragments = [
        f"fragment F{place} on Order {{ {' '.join(f'...F{place + 1}' for _ in range(width))} }}"
        for place in range(links)
    ]
    return f'{{ order(number: "x") {{ ...F0 }} }} {" ".join(fragments)} fragment F{links} on Order {{ id }}'


USUAL = {
    "All Orders": ALL_ORDERS,
    "an order's detail": DETAIL,
    "a dispute": DISPUTE,
    "introspection": get_introspection_query(descriptions=True, specified_by_url=True, input_value_deprecation=True),
    "a page of Relay": """query($count: Int = 20, $cursor: String) { viewer { id ...List_viewer } }
      fragment List_viewer on Viewer { orders(first: $count, after: $cursor) { edges { cursor node { __typename id ...Item_order } }
      pageInfo { endCursor hasNextPage } } } fragment Item_order on Order { number items { title } ...Actions_order }
      fragment Actions_order on Actionable { availableActions { action label closesAt } }""",
    "a page of Apollo": """query { viewer { orders { edges { node { __typename ...O } } } } }
      fragment O on Order { __typename id total { __typename amount currencyCode } }""",
}


@pytest.mark.parametrize("name", USUAL)
def test_usual_documents_pass(world: World, name: str) -> None:
    query = USUAL[name]
    variables = {"id": "x"} if "$id" in query else {}
    answer = world.buyer.answer(query, **variables)
    assert codes(answer) == []
    cost = answer["extensions"]["cost"]
    assert 0 < cost["requested"] < cost["maximum"] == 25_000


def test_twenty_aliased_mutations_pass(world: World) -> None:
    orders = [world.order(completedAt=1) for _ in range(20)]
    calls = [
        f'm{place}: leaveFeedback(input: {{orderId: "{order}", ratings: {{overall: 4}}}}) {{ order {{ id }} userErrors {{ code }} }}'
        for place, order in enumerate(orders)
    ]
    data = world.buyer.ask(f"mutation {{ {' '.join(calls)} }}")
    assert all(payload["userErrors"] == [] for payload in data.values())


TOO_MUCH: dict[str, str] = {
    "a chain of fragments": chain(30),
    "a long chain of fragments": chain(200, 3),
    "a pyramid": "{ viewer { orders(first: 100) { edges { node { timeline(first: 100) { edges { node { at text } } } } } } } }",
    "pages of a variable's length": """query($n: Int = 100) { viewer { disputes(first: $n) { edges { node {
      messages(last: $n) { edges { node { text at } } } } } } } }""",
    "many nodes": "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Order { timeline(first: 100) { edges { node { at text } } } } } }",
    "deep": "{ viewer { orders { edges { node " + "{ dispute { order " * 12 + "{ id }" + " } }" * 12 + " } } } }",
    "broad": "{ " + " ".join(f"a{place}: serverTime" for place in range(101)) + " }",
    "the same field again and again": "{ " + "serverTime " * 501 + "}",
    "directives": "{ " + " ".join("serverTime @skip(if: false)" for _ in range(51)) + " }",
    "directives on one field": "{ serverTime " + "@include(if: true) " * 51 + "}",
    "brackets": "{ a" + "(b: [" * 400 + "])" * 400 + " }",
    "deeper than can be read": "{ a " * 3000 + "}" * 3000,
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_what_asks_for_too_much_is_refused(world: World, name: str) -> None:
    query = TOO_MUCH[name]
    variables: dict[str, Any] = {"n": 100} if "$n" in query else {}
    if "$ids" in query:
        variables = {"ids": ["x"] * 100}
    answer = world.buyer.answer(query, **variables)
    assert codes(answer) == ["TOO_EXPENSIVE"], answer
    assert answer.get("data") is None


def test_a_document_has_a_bounded_number_of_tokens(world: World) -> None:
    answer = world.buyer.answer("{ serverTime " + "# \n" * 10 + "a b c d e " * 1000 + "}")
    assert codes(answer) == ["BAD_REQUEST"]


def test_mutations_and_subscriptions_are_measured_as_well(world: World, server: Any) -> None:
    call = 'postDisputeMessage(input: {caseId: "x", text: "x"}) { userErrors { code } }'
    many = f"mutation {{ {' '.join(f'm{place}: {call}' for place in range(101))} }}"
    assert codes(world.buyer.answer(many)) == ["TOO_EXPENSIVE"]
    with opened(server, world.buyer) as socket:
        socket.subscribe(
            'subscription { orderChanged(orderId: "x") { timeline(first: 100) { edges { node { order { timeline(first: 100)'
            " { edges { node { order { id number } at } } } } } } } } }"
        )
        assert socket.receive()["payload"][0]["extensions"]["code"] == "TOO_EXPENSIVE"
        socket.subscribe("{ a " * 3000 + "}" * 3000)
        assert socket.receive()["payload"][0]["extensions"]["code"] == "TOO_EXPENSIVE"


COSTS: list[tuple[str, dict[str, Any], int]] = [
    ("{ serverTime }", {}, 1),
    ("{ a: serverTime b: serverTime }", {}, 2),
    ("{ viewer { account { name } } }", {}, 3),
    ("{ viewer { orders { edges { cursor } } } }", {}, 1 + 1 + 20 * 2),
    ("{ viewer { orders(first: 3) { edges { node { id number } } } } }", {}, 1 + 1 + 3 * 4),
    ("query($n: Int) { viewer { orders(last: $n) { edges { cursor } } } }", {"n": 7}, 1 + 1 + 7 * 2),
    ("query($n: Int) { viewer { orders(first: $n) { edges { cursor } } } }", {}, 1 + 1 + 20 * 2),
    ("{ viewer { orders(first: 1000000000) { edges { cursor } } } }", {}, 1 + 1 + 100 * 2),
    ("{ viewer { orders(first: 99999999999999999999) { edges { cursor } } } }", {}, 1 + 1 + 100 * 2),
    ("{ viewer { orders(first: -5) { edges { cursor } } } }", {}, 1 + 1),
    ('{ nodes(ids: ["a", "b"]) { id } }', {}, 1 + 2),
    ("query($ids: [ID!]!) { nodes(ids: $ids) { id __typename } }", {"ids": 3}, 1 + 3 * 2),
    (
        "{ viewer { ...F ...F } } fragment F on Viewer { orders(first: 2) { edges { cursor } } }",
        {},
        1 + 2 * (1 + 2 * 2),
    ),
    ("{ viewer { ... on Viewer { id } ... { id } } }", {}, 3),
    ('{ order(number: "x") { feedback { id } } }', {}, 3),
    ("{ nothing { at { all } } }", {}, 3),
    ("{ viewer { ...F } } fragment F on Viewer { ...F id }", {}, 2),
]


@pytest.mark.parametrize(("query", "sizes", "cost"), COSTS)
def test_what_a_document_costs(query: str, sizes: dict[str, int], cost: int) -> None:
    assert measure(SCHEMA._schema, parse(query), None, sizes).cost == cost


def test_only_the_operation_that_runs_is_measured(world: World) -> None:
    both = "query Small { serverTime } query Large " + TOO_MUCH["a pyramid"]
    answer = world.buyer.send({"query": both, "operationName": "Small"}).json()
    assert codes(answer) == []
    assert answer["extensions"]["cost"]["requested"] == 1
    assert codes(world.buyer.send({"query": both, "operationName": "Large"}).json()) == ["TOO_EXPENSIVE"]


def test_production_tells_nobody_what_there_is_to_be_asked(server: Any, world: World) -> None:
    """Unless it is asked to."""
    wrong = "{ viewerr { id } }"
    assert "Did you mean" in world.buyer.answer(wrong)["errors"][0]["message"]
    production: dict[str, Any] = {
        "mode": "production",
        "jwks_url": "http://127.0.0.1:1",
        "issuer": "x",
        "audience": "x",
    }
    view = GraphQLView(Settings(database_url=server.settings.database, **production))
    asked_for = GraphQLView(Settings(database_url=server.settings.database, introspection=True, **production))
    account = server.run(lambda: sign_in(world.buyer.subject, Role.BUYER, None))
    view.files = asked_for.files = server.app.state.files

    async def ask(of: GraphQLView, query: str) -> list[str]:
        result = await SCHEMA.execute(query, context_value=of.context(account, ""))
        return [presented(error, hints=of.hints).message for error in result.errors or []]

    for query in ("{ __schema { types { name } } }", '{ viewer { id } __type(name: "Order") { name } }'):
        assert server.run(lambda query=query: ask(view, query)) == [
            "Introspection is off here; the schema is published as a file."
        ]
        assert server.run(lambda query=query: ask(asked_for, query)) == []
    assert server.run(lambda: ask(view, "{ __typename viewer { __typename } }")) == []
    assert server.run(lambda: ask(view, wrong)) == ["Cannot query field 'viewerr' on type 'Query'."]
