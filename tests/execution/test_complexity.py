"""The limits of documents. A document that is too expensive is refused before it is validated."""

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import httpx2
import pytest
from graphql import get_introspection_query
from hypothesis import given, settings
from hypothesis import strategies as st

from execution.complexity import TooExpensive
from execution.document import prepare
from models.enums import Role
from resolvers.account import sign_in
from resolvers.policy import TABLE
from schema import SCHEMA
from server.errors import to_client_error
from server.graphql.endpoint import GraphQLEndpoint
from server.settings import Settings
from server.state import State
from tests.conftest import Server, World, usd
from tests.read.test_statements import ALL_ORDERS, DETAIL, DISPUTE
from tests.support.actions import INPUTS
from tests.support.filled import LATER, Filled
from tests.support.forms import FORM
from tests.support.generated import Generated, fields_in
from tests.support.subscriptions import opened
from tests.support.uploads import bring


def codes(answer: dict[str, Any]) -> list[str]:
    return [error["extensions"]["code"] for error in answer.get("errors", [])]


def chain(links: int, width: int = 2) -> str:
    """Returns a document in which each fragment spreads the next one twice: 2 ** length fields."""
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
    assert 0 < cost["requested"] < cost["maximum"] == 18_000


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


ORDERS = "query($n: Int) { viewer { orders(first: $n) { edges { cursor } } } }"
DEFAULT = "query($n: Int = 100) { viewer { orders(first: $n) { edges { cursor } } } }"
RECORD = "mutation($o: [OrderRecordInput!]!) { recordOrders(input: {orders: $o}) { orders { id number } } }"
RECORD_INPUT = "mutation($i: RecordOrdersInput!) { recordOrders(input: $i) { orders { id number } } }"
A_RECORD: dict[str, Any] = {
    "number": "1",
    "kind": "OFFLINE",
    "buyer": {"subject": "a", "name": "a"},
    "supplier": {"subject": "b", "name": "b"},
    "total": {"amount": "1", "currencyCode": "USD"},
    "items": [],
    "placedAt": "2026-01-01T00:00:00Z",
    "recordedAt": "2026-01-01T00:00:00Z",
}
A_LITERAL = (
    '{number: "1", kind: OFFLINE, buyer: {subject: "a", name: "a"}, supplier: {subject: "b", name: "b"}, items: [], '
    'total: {amount: "1", currencyCode: "USD"}, placedAt: "2026-01-01T00:00:00Z", recordedAt: "2026-01-01T00:00:00Z"}'
)

COSTS: list[tuple[str, dict[str, Any], int]] = [
    ("{ serverTime }", {}, 1),
    ("{ a: serverTime b: serverTime }", {}, 2),
    ("{ viewer { account { name } } }", {}, 3),
    # A page counts the length that its arguments give …
    ("{ viewer { orders { edges { cursor } } } }", {}, 3 + 20),
    ("{ viewer { orders(first: 3) { edges { node { id number } } } } }", {}, 3 + 3 * 3),
    ("{ viewer { orders(last: 7) { edges { cursor } } } }", {}, 3 + 7),
    ("{ viewer { orders(first: null) { edges { cursor } } } }", {}, 3 + 20),
    ("{ viewer { orders(first: 3, last: 7) { edges { cursor } } } }", {}, 3 + 7),
    ("{ viewer { orders(first: null, last: 7) { edges { cursor } } } }", {}, 3 + 7),
    ("{ viewer { orders(first: 1000000000) { edges { cursor } } } }", {}, 3 + 100),
    ("{ viewer { orders(first: 99999999999999999999) { edges { cursor } } } }", {}, 3 + 100),
    ("{ viewer { orders(first: -5) { edges { cursor } } } }", {}, 3),
    ("{ viewer { orders(first: 0) { edges { cursor } pageInfo { hasNextPage endCursor } } } }", {}, 6),
    ("{ viewer { orders(first: 5) { edges { cursor } pageInfo { hasNextPage endCursor } } } }", {}, 6 + 5),
    ("{ viewer { orders(first: 5) { a: edges { cursor } b: edges { cursor } } } }", {}, 4 + 2 * 5),
    # … a variable after coercion, or its default …
    (ORDERS, {"n": 7}, 3 + 7),
    (ORDERS, {"n": 100.0}, 3 + 100),
    (ORDERS, {"n": 1e9}, 3 + 100),
    (ORDERS, {"n": 0}, 3),
    (ORDERS, {"n": None}, 3 + 20),
    (ORDERS, {}, 3 + 20),
    (DEFAULT, {}, 3 + 100),
    (DEFAULT, {"n": 5}, 3 + 5),
    (DEFAULT, {"n": None}, 3 + 20),
    ("query($n: Int! = 50) { viewer { orders(last: $n) { edges { cursor } } } }", {}, 3 + 50),
    ("query($n: Int = null) { viewer { orders(last: $n) { edges { cursor } } } }", {}, 3 + 20),
    ("query($a: Int, $b: Int) { viewer { orders(first: $a, last: $b) { edges { cursor } } } }", {"b": 9}, 3 + 9),
    # … also below a list, and in a fragment.
    (
        "query($n: Int = 100) { viewer { orders(first: $n) { edges { node { timeline(last: $n) { edges { cursor } } } } } } }",
        {},
        3 + 100 * (1 + 2 + 100),
    ),
    (
        """query($n: Int = 9) { viewer { orders(first: $n) { ...C } disputes(last: 2) { ...D } } }
        fragment C on OrderConnection { edges { ...E } pageInfo { endCursor } } fragment E on OrderEdge { cursor }
        fragment D on DisputeConnection { edges { cursor cursor } }""",
        {},
        1 + (1 + 1 + 9 + 2) + (1 + 1 + 2 * 2),
    ),
    # A list of ids counts its length.
    ('{ nodes(ids: ["a", "b"]) { id } }', {}, 1 + 2),
    ('{ nodes(ids: "a") { id } }', {}, 1 + 1),
    ("{ nodes(ids: 0) { id } }", {}, 1 + 1),
    ("{ nodes(ids: []) { id } }", {}, 1),
    ('query($a: ID!) { nodes(ids: [$a, "b", $a]) { id } }', {"a": "a"}, 1 + 3),
    ("query($ids: [ID!]!) { nodes(ids: $ids) { id __typename } }", {"ids": ["a", "b", "c"]}, 1 + 3 * 2),
    ("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": "a"}, 1 + 1),
    ("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": 7}, 1 + 1),
    ('query($ids: [ID!]! = ["a", "b"]) { nodes(ids: $ids) { id } }', {}, 1 + 2),
    ('query($ids: [ID!]! = "a") { nodes(ids: $ids) { id } }', {}, 1 + 1),
    # recordOrders counts its orders.
    (RECORD, {"o": [A_RECORD] * 30}, 2 + 30 * 2),
    (RECORD, {"o": A_RECORD}, 2 + 2),
    (RECORD_INPUT, {"i": {"orders": [A_RECORD] * 30}}, 2 + 30 * 2),
    (RECORD_INPUT, {"i": {"orders": A_RECORD}}, 2 + 2),
    (f"mutation {{ recordOrders(input: {{orders: [{A_LITERAL}, {A_LITERAL}]}}) {{ orders {{ id }} }} }}", {}, 2 + 2),
    (f"mutation {{ recordOrders(input: {{orders: {A_LITERAL}}}) {{ orders {{ id }} }} }}", {}, 2 + 1),
    (
        "mutation($o: OrderRecordInput!) { recordOrders(input: {orders: [$o, $o, $o]}) { orders { id } } }",
        {"o": A_RECORD},
        2 + 3,
    ),
    (
        "mutation($o: [OrderRecordInput!]!) { recordOrders(input: {orders: $o}) { userErrors { message } } }",
        {"o": [A_RECORD] * 9},
        2 + 9,
    ),
    # Lists without arguments have the size that the schema declares.
    ('{ order(number: "x") { items { title quantity } } }', {}, 2 + 10 * 3),
    ('{ order(number: "x") { availableActions { action } } }', {}, 2 + 3),
    ('{ order(number: "x") { dispute { evidence { id } proposals { by { id } } } } }', {}, 4 + 20 + 10 * 2),
    ("{ rules { roles label } }", {}, 1 + len(TABLE) * (1 + 3 + 1)),
    # Fragments count where they are used.
    (
        "{ viewer { ...F ...F } } fragment F on Viewer { orders(first: 2) { edges { cursor } } }",
        {},
        1 + 2 * (2 + 2),
    ),
    ("{ viewer { ... on Viewer { id } ... { id } } }", {}, 3),
    ('{ order(number: "x") { feedback { id } } }', {}, 3),
    ("{ viewer { ...F } } fragment F on Viewer { ...F id }", {}, 2),
    # Values of a wrong type are refused at any cost.
    ("{ nothing { at { all } } }", {}, 3),
    ("{ serverTime { at { all } } }", {}, 3),
    (ORDERS, {"n": "100"}, 3 + 20),
    (ORDERS, {"n": [100]}, 3 + 20),
    (ORDERS, {"n": True}, 3 + 20),
    (ORDERS.replace("Int", "Strin"), {"n": 100}, 3 + 20),
    (ORDERS.replace("Int", "Order"), {"n": 100}, 3 + 20),
    (ORDERS.replace("Int", "[String]"), {"n": ["x"]}, 3 + 1),
    ("mutation($i: Int) { recordOrders(input: $i) { orders { id } } }", {"i": 9}, 2),
    ("mutation { recordOrders(input: 9) { orders { id } } }", {}, 2),
]


@pytest.mark.parametrize(("query", "variables", "cost"), COSTS)
def test_a_document_costs_what_the_table_says(query: str, variables: dict[str, Any], cost: int) -> None:
    document = prepare(SCHEMA._schema, query, None, Settings().limits)
    found = document.measure(document.coerce(variables))
    assert not isinstance(found, TooExpensive)
    assert found.cost == cost


WATCHED = """subscription($n: Int, $m: Int = 100) { orderChanged(orderId: "x") { timeline(first: $m) { edges {
  node { order { timeline(last: $m) { edges { node { at text order { timeline(first: $n) { edges { cursor } } } } } } } }
} } } }"""
FAR_TOO_MUCH = """query($n: Int = 100, $ids: [ID!]! = [IDS]) { nodes(ids: $ids) { ... on Order {
  timeline(first: $n) { edges { node { at order { timeline(first: $n) { edges { node { at text } } } } } } } } } }"""


@pytest.mark.parametrize(
    "variables", [{}, {"n": 100.0}, {"n": 100}, {"ids": ["x"] * 90}, {"n": None, "ids": ["x"] * 99}]
)
def test_what_is_executed_is_what_is_measured(world: World, server: Any, variables: dict[str, Any]) -> None:
    """This holds for every transport."""
    query = FAR_TOO_MUCH.replace("IDS", " ".join(f'"{place}"' for place in range(60)))
    assert codes(world.buyer.answer(query, **variables)) == ["TOO_EXPENSIVE"]
    streamed = world.buyer.send({"query": query, "variables": variables}, Accept="text/event-stream")
    assert '"code":"TOO_EXPENSIVE"' in streamed.text.replace(" ", "")
    with opened(server, world.buyer) as socket:
        socket.subscribe(query, **variables)
        assert socket.receive()["payload"][0]["extensions"]["code"] == "TOO_EXPENSIVE"
        socket.subscribe(WATCHED, n=variables.get("n"))
        assert socket.receive()["payload"][0]["extensions"]["code"] == "TOO_EXPENSIVE"


NESTED: dict[str, str] = {
    "selections": "{ a " * 300 + "}" * 300,
    "lists": "{ a(b: " + "[" * 300 + "]" * 300 + ") }",
    "objects": "{ a(b: " + "{c: " * 300 + "1" + "}" * 300 + ") }",
    "types": "query($a: " + "[" * 300 + "Int" + "]" * 300 + ") { a }",
    "behind closing brackets in a comment": "#" + "}" * 400 + "\n" + "{ a " * 300 + "}" * 300,
    "behind closing brackets in a text": '{ x(y: "' + "}" * 400 + '") ' + "a { a " * 300 + "}" * 300 + "}",
    "as deep as tokens go": "{ a " * 2000 + "}" * 2000,
    "and never closed": "{ a " * 2000,
    "fragments in fragments": "{ " + "... { " * 300 + "}" * 300 + " }",
    "directives' arguments": "{ a @include(if: " + "[" * 300 + "]" * 300 + ") }",
    "a default": "query($a: Int = " + "[" * 300 + "]" * 300 + ") { a }",
}


@pytest.mark.parametrize("name", NESTED)
def test_a_document_that_is_nested_too_deep_is_refused(world: World, server: Any, name: str) -> None:
    query = NESTED[name]
    assert codes(world.buyer.answer(query)) == ["TOO_EXPENSIVE"]
    streamed = world.buyer.send({"query": query}, Accept="text/event-stream")
    assert '"code":"TOO_EXPENSIVE"' in streamed.text.replace(" ", "")
    with opened(server, world.buyer) as socket:
        socket.subscribe(query)
        assert socket.receive()["payload"][0]["extensions"]["code"] == "TOO_EXPENSIVE"


NOT_NESTED: dict[str, str] = {
    "brackets in a text": '{ order(number: "' + "([{" * 300 + '") { id } }',
    "brackets in a block of text": '{ order(number: """' + "([{" * 300 + '""") { id } }',
    "brackets in a comment": "{ serverTime #" + "([{" * 300 + "\n}",
    "brackets beside one another": "{ " + " ".join("... { serverTime }" for _ in range(300)) + " }",
    "closing brackets in a comment": "{ serverTime #" + "}" * 300 + "\n}",
}


@pytest.mark.parametrize("name", NOT_NESTED)
def test_brackets_that_nest_nothing_pass(world: World, name: str) -> None:
    assert codes(world.buyer.answer(NOT_NESTED[name])) == []


def test_only_the_operation_that_runs_is_measured(world: World) -> None:
    both = "query Small { serverTime } query Large " + TOO_MUCH["a pyramid"]
    answer = world.buyer.send({"query": both, "operationName": "Small"}).json()
    assert codes(answer) == []
    assert answer["extensions"]["cost"]["requested"] == 1
    assert codes(world.buyer.send({"query": both, "operationName": "Large"}).json()) == ["TOO_EXPENSIVE"]


def test_production_tells_nobody_what_there_is_to_be_asked(server: Any, world: World) -> None:
    """RECOURSE_INTROSPECTION allows it."""
    wrong = "{ viewerr { id } }"
    assert "Did you mean" in world.buyer.answer(wrong)["errors"][0]["message"]
    production: dict[str, Any] = {
        "mode": "production",
        "jwks_url": "http://127.0.0.1:1",
        "issuer": "x",
        "audience": "x",
    }
    view = GraphQLEndpoint(State(Settings(database_url=server.settings.database, **production)))
    asked_for = GraphQLEndpoint(
        State(Settings(database_url=server.settings.database, introspection=True, **production))
    )
    account = server.run(lambda: sign_in(world.buyer.subject, Role.BUYER, None))

    async def ask(of: GraphQLEndpoint, query: str) -> list[str]:
        result = await SCHEMA.execute(query, context_value=of.context(account, ""))
        return [to_client_error(error, hints=of.hints).message for error in result.errors or []]

    for query in ("{ __schema { types { name } } }", '{ viewer { id } __type(name: "Order") { name } }'):
        assert server.run(lambda query=query: ask(view, query)) == [
            "Introspection is disabled. Use the published schema file."
        ]
        assert server.run(lambda query=query: ask(asked_for, query)) == []
    assert server.run(lambda: ask(view, "{ __typename viewer { __typename } }")) == []
    assert server.run(lambda: ask(view, wrong)) == ["Cannot query field 'viewerr' on type 'Query'."]


@pytest.fixture(scope="module")
def long_lists(server: Server) -> Generator[Filled]:
    """Returns a world with lists of the largest length, at a server without limits."""
    view, usual = server.endpoint, server.settings.limits
    view.limits = replace(usual, depth=100, fields=10**6, aliases=10**6, cost=10**12)
    with httpx2.Client(base_url=server.url, timeout=60) as http:
        world = Filled(http)
        lines = [{"title": f"Line {place}", "quantity": 1, "unitPrice": usd("1.00")} for place in range(100)]
        records = [world.record(items=lines, paidAt=9, shippedAt=8, completedAt=7) for _ in range(30)]
        orders = [
            order["id"]
            for order in world.service.succeed("recordOrders", {"orders": records}, "orders { id }")["orders"]
        ]
        opening = INPUTS["openDispute"] | {"orderId": orders[0], "claim": usd("1.00")}
        case = world.buyer.succeed("openDispute", opening, "dispute { id }")["dispute"]["id"]
        for place in range(20):
            proposer = (world.supplier, world.buyer)[place % 2]
            proposer.succeed("proposeResolution", INPUTS["proposeResolution"] | {"caseId": case})
        for _ in range(4):
            attachments = [bring(world.buyer) for _ in range(10)]
            world.buyer.succeed("postDisputeMessage", {"caseId": case, "text": "x", "attachments": attachments})
        world.ids |= {f"orders {place}": id for place, id in enumerate([*orders, case])}
        yield world
    view.limits = usual


@settings(max_examples=150, derandomize=True, database=None)
@given(
    seed=st.integers(0, 2**32),
    most=st.sampled_from([20, 60, 200]),
    depth=st.sampled_from([3, 6, 9]),
    role=st.sampled_from(["buyer", "agent"]),
)
def test_an_answer_has_ten_times_as_many_fields_as_it_costs_at_most(
    long_lists: Filled, seed: int, most: int, depth: int, role: str
) -> None:
    ids = " ".join(f'"{id}"' for id in long_lists.ids.values())
    roots = {
        "viewer": "",
        "rules": "",
        "nodes": f"ids: [{ids}]",
        "order": f'number: "{long_lists.orders[-1]}"',
        "caseByNumber": f'number: "{long_lists.cases[-1]}"',
    }
    generated = Generated(Random(seed).choice, roots, depth, most)  # noqa: S311
    query = generated.document()
    answer = getattr(long_lists, role).at(LATER).answer(query, **generated.variables)
    assert "errors" not in answer, (query, answer["errors"])
    assert fields_in(answer["data"]) <= 10 * answer["extensions"]["cost"]["requested"], query


# ---------------------------------------------------------------- documents that pass the limits


HOME_SCREEN = """
query Home {
  viewer {
    account { id name role }
    orders(first: 100) {
      edges { cursor node { ...Row dispute { id number status respondBy } buyer { id name } shippedAt completedAt } }
      pageInfo { hasNextPage endCursor }
    }
    disputes(first: 20, filter: { open: true }) { edges { node { id number status respondBy order { number } } } }
  }
}
"""


def test_a_home_screen_with_a_hundred_orders_passes(world: World) -> None:
    """It selects all fields of All Orders, and more."""
    rows = Path("bench/operations/AllOrders.graphql").read_text().split("fragment OrderRow")[1]
    query = f"{HOME_SCREEN} fragment Row{rows}"
    records = [world.record(paidAt=9, shippedAt=8, completedAt=7) for _ in range(100)]
    world.service.succeed("recordOrders", {"orders": records})
    answer = world.buyer.answer(query)
    assert codes(answer) == []
    assert len(answer["data"]["viewer"]["orders"]["edges"]) == 100


HOME_SCREEN_WITH_FORMS = f"""
query Home {{
  viewer {{
    counts {{ actionRequired feedbackToLeave feedbackToRevise openCancellations openDisputes refundsOverdue }}
    agenda(first: 5) {{ edges {{ node {{ id at kind text order {{ id number }} relatedCase {{ id number }}
      decision {{ action label closesAt }} }} }} }}
    orders(first: 20) {{ edges {{ node {{ ...Row availableActions {{ action label closesAt {FORM} }} }} }}
      pageInfo {{ hasNextPage endCursor }} }}
  }}
}}
"""


def test_a_home_screen_with_the_forms_of_what_is_offered_passes(world: World) -> None:
    rows = Path("bench/operations/AllOrders.graphql").read_text().split("fragment OrderRow")[1]
    lines = [{"title": f"Lamp {number}", "quantity": 2, "unitPrice": usd("1.00")} for number in range(50)]
    world.service.succeed(
        "recordOrders", {"orders": [world.record(paidAt=9, completedAt=7, items=lines) for _ in range(20)]}
    )
    answer = world.buyer.answer(f"{HOME_SCREEN_WITH_FORMS} fragment Row{rows}")
    assert codes(answer) == []
    [*offered] = (edge["node"]["availableActions"] for edge in answer["data"]["viewer"]["orders"]["edges"])
    assert [[decision["action"] for decision in each] for each in offered] == [["LEAVE_FEEDBACK", "OPEN_DISPUTE"]] * 20
    # A list that may be longer than it counts is no way to get much out of little.
    assert fields_in(answer["data"]) <= 10 * answer["extensions"]["cost"]["requested"]


# The most expensive documents that tests/expensive.py finds. Beside each: the most data in one entry of the outermost
# page (a hundred lines of an order, 200 files of a dispute, 4,000 characters of a text), and how much of it fits a second.
WORST: dict[str, tuple[str, int, int]] = {
    "fields of lines": ("orders(first: $n) { edges { node { items { PRICES } } } }", 100 * 30, 200_000),
    "addresses of files": ("disputes(first: $n) { edges { node { evidence { URLS } } } }", 200 * 8, 20_000),
    "characters of messages": (
        "disputes(first: $n) { edges { node { messages(first: 100) { edges { node { text } } } } } }",
        100 * 4000,
        20_000_000,
    ),
    "characters of descriptions": ("disputes(first: $n) { edges { node { TEXTS } } }", 80 * 4000, 20_000_000),
    "characters of comments": ("feedback(first: $n) { edges { node { COMMENTS } } }", 80 * 4000, 20_000_000),
    "characters of notes": (
        "orders(first: $n) { edges { node { timeline(first: 100) { edges { node { NOTES } } } } } }",
        100 * 20 * 2000,
        20_000_000,
    ),
    "characters of titles": ("orders(first: $n) { edges { node { items { TITLES } } } }", 100 * 20 * 500, 50_000_000),
}
MANY = {
    "PRICES": " ".join(f"a{place}: unitPrice {{ amount currencyCode }}" for place in range(10)),
    "URLS": " ".join(f"a{place}: url" for place in range(8)),
    "TEXTS": " ".join(f"a{place}: description" for place in range(80)),
    "COMMENTS": " ".join(f"a{place}: comment" for place in range(80)),
    "NOTES": " ".join(f"a{place}: note" for place in range(20)),
    "TITLES": " ".join(f"a{place}: title" for place in range(20)),
}


@pytest.mark.parametrize("name", WORST)
def test_the_most_expensive_documents_have_their_bounds(name: str) -> None:
    """Measured by the data that they return; `python -m tests.expensive` measures their time."""
    text, in_each, most = WORST[name]
    for placeholder, many in MANY.items():
        text = text.replace(placeholder, many)
    document = prepare(SCHEMA._schema, f"query($n: Int) {{ viewer {{ {text} }} }}", None, Settings().limits)
    passing: list[int] = []
    for n in range(1, 101):
        found = document.measure(document.coerce({"n": n}))
        assert not isinstance(found, TooExpensive)
        if not document.errors(found):
            passing.append(n)
    assert passing[0] == 1
    assert passing[-1] * in_each <= most
