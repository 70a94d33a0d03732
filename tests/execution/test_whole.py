"""Operations that are executed whole give what graphql-core gives, errors and all."""

import asyncio
import gc
from dataclasses import replace
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any

import pytest
import strawberry
from graphql import DocumentNode, GraphQLSchema, OperationDefinitionNode, parse, validate
from hypothesis import given, settings
from hypothesis import strategies as st
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from execution.arguments import Variables
from execution.compiler import CompiledExecutor, by_class
from execution.document import prepared
from execution.operation import Whole
from execution.schema import Schema
from models.enums import Role
from resolvers.account import sign_in
from schema import SCHEMA
from server.settings import Settings
from tests.conftest import NOW, Server, World
from tests.execution import kinds
from tests.execution.test_executor import USUAL, answer, asked_by_a_buyer, pet, root, spelled, toy

pytestmark = pytest.mark.anyio


class AtOnce(Whole):
    compiled_from = 1


def whole(document: DocumentNode, schema: GraphQLSchema = kinds.SCHEMA) -> AtOnce:
    [operation] = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    return AtOnce(schema, document, operation)


def read(ours: Whole, variables: dict[str, Any] | None = None) -> Any:
    return Variables(ours.schema, ours.operation).read(variables or {})


def told(ours: Whole, data: Any, variables: dict[str, Any] | None = None) -> str | None:
    values = read(ours, variables)
    if not values:
        return None
    shown = asyncio.run(ours.data({}, data, values, None))
    if isinstance(ours, AtOnce):  # a large answer is compiled at once, whatever was seen
        assert spelled(asyncio.run(ours.data({}, data, values, None, is_large=True))) == spelled(shown)
    return spelled(shown) if isinstance(shown, dict) else None


def expected(document: DocumentNode, data: Any, variables: dict[str, Any] | None = None) -> tuple[str, list[str]]:
    shown, errors = answer(kinds.SCHEMA, StrawberryGraphQLCoreExecutionContext, document, data, variables)
    return shown, [error[0] for error in errors]


ASKED_WHOLE = [
    "{ toy { id } met { id } pet { __typename name } __typename }",
    "{ met { id other { text } } }",
    "query($b: Boolean!) { met @skip(if: $b) { id } toy { id } }",
    "query($a: Boolean = true) { met(deep: $a) { id } }",
    "{ handed { id handed { met(deep: true) { id } text } } }",
    "{ x: handed { ...F } } fragment F on Toy { met { id } other { id } }",
    "{ met(deep: true) { id } ... { met(deep: true) { text } } }",
    "{ toy { id } }",
    "{ x: handed { named y: named handed { named } } named: handed { id } }",
]
LEFT = {
    "two that are awaited": "{ met { id } x: met { id } }",
    "one below another": "{ met(deep: true) { met { id } id } }",
    "one in a list": "{ toys { handed { id } } }",
    "one below what is not told by its class": "{ toy { fish { depth } } }",
    "an extension": "{ toy { loud } }",
    "what is told of the schema": "{ __schema { queryType { name } } toy { id } }",
}
GIVEN = {"b": False}


def family() -> Any:
    inner = toy(id="inner", other=toy(id="innermost"), toy=toy(id="deep", other=toy(), toy=toy()))
    return root(toy=toy(toy=inner, other=inner), toys=[toy(), None], pet=pet("Cat"))


@pytest.mark.parametrize("text", ASKED_WHOLE)
def test_what_is_executed_whole(text: str) -> None:
    document = parse(text)
    assert not validate(kinds.SCHEMA, document)
    assert (told(whole(document), family(), GIVEN), []) == expected(document, family(), GIVEN)


@pytest.mark.parametrize("text", LEFT.values(), ids=LEFT)
def test_what_is_left_to_graphql_core(text: str) -> None:
    document = parse(text)
    assert not validate(kinds.SCHEMA, document)
    assert told(whole(document), family(), GIVEN) is None


def test_errors_are_told_by_graphql_core() -> None:
    document = parse("query($n: Int!) { handed { add(to: $n) met(deep: true) { id } } }")
    ours = whole(document)
    for n, errors in ((1, []), (3, ["not 3"]), ("x", None), (2, [])):
        shown, messages = expected(document, family(), {"n": n})
        assert told(ours, family(), {"n": n}) == (shown if errors == [] else None)
        assert errors is None or messages == errors


ODD: dict[str, tuple[str, Any]] = {
    "an error, given": ("{ handed { __typename met { id } } }", root(toy=kinds.Broken("returned"))),
    "nothing, where there is something": ("{ handed { handed { met { id } } } }", root(toy=toy())),
    "what is to be awaited": ("{ handed { __typename met { id } } }", root(toy=kinds.Later(None))),
}


@pytest.mark.parametrize("odd", ODD)
def test_what_resolvers_should_not_give(odd: str) -> None:
    text, data = ODD[odd]
    assert expected(parse(text), data)[1] != [] or odd == "what is to be awaited"
    assert told(whole(parse(text)), data) is None


@strawberry.type
class Named:
    name: str

    @strawberry.field
    def told(self, info: strawberry.Info[Any, Any]) -> str:
        return f"{info.field_name} {self.name}"

    @classmethod
    @by_class
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        return type(obj) is cls


class Alike:
    name = "alike"
    told = "not asked"


@strawberry.type
class One:
    @strawberry.field
    def one(self, info: strawberry.Info[Any, Any]) -> Named:
        return info.context

    @strawberry.field
    def inner(self, info: strawberry.Info[Any, Any]) -> "One":
        return One()

    @strawberry.field
    async def none(self, info: strawberry.Info[Any, Any], more: str = "") -> Named | None:
        info.context.asked += 1
        raise ValueError(f"there is none{more}")

    @strawberry.field
    async def some(self, info: strawberry.Info[Any, Any]) -> Named:
        info.context.asked += 1
        raise ValueError("there are none")


def test_objects_are_of_their_type() -> None:
    document = parse("{ one { name told } }")
    ours = whole(document, strawberry.Schema(One)._schema)
    assert asyncio.run(ours.data({}, None, read(ours), Named(name="one"))) == {
        "one": {"name": "one", "told": "told one"}
    }
    assert asyncio.run(ours.data({}, None, read(ours), Alike())) is None


@strawberry.type
class Doing:
    @strawberry.mutation
    def pure(self) -> str:
        return "what takes no info"

    @strawberry.mutation
    async def do(self, info: strawberry.Info[Any, Any], well: bool = True) -> One | None:
        info.context.asked += 1
        if not well:
            raise ValueError("it cannot be done")
        return One()

    @strawberry.mutation
    async def give_nothing(self, info: strawberry.Info[Any, Any]) -> One:
        info.context.asked += 1
        return None  # type: ignore[return-value]

    @strawberry.mutation
    async def misname(self, info: strawberry.Info[Any, Any]) -> Named:
        info.context.asked += 1
        return Named(name=[])  # type: ignore[arg-type]

    @strawberry.mutation
    async def mistake(self, info: strawberry.Info[Any, Any]) -> Named:
        info.context.asked += 1
        return Alike()  # type: ignore[return-value]


ASKED_ONCE = {
    "an error": "{ none { name } }",
    "one where there may be none": "{ some { name } }",
    "one below": "{ inner { x: none { told } } y: inner { __typename } }",
    "one far below": "{ inner { inner { some { name } } } }",
    "an error of a mutation": "mutation { x: do(well: false) { inner { __typename } } }",
    "an error below what a mutation gave": "mutation { do { one { name told } } }",
    "nothing, which may not be": "mutation { giveNothing { __typename } }",
    "what does not serialize": "mutation { misname { name told } }",
    "what is of another type": "mutation { mistake { told } }",
    "all as it should be": "mutation($well: Boolean!) { y: do(well: $well) { inner { __typename } } }",
}


@pytest.mark.parametrize("text", ASKED_ONCE.values(), ids=ASKED_ONCE)
async def test_a_resolver_is_asked_once_whatever_it_gives(text: str) -> None:
    schema = Schema(One, Doing, execution_context_class=CompiledExecutor)
    context: Any = SimpleNamespace(limits=Settings().limits, asked=0)
    variables = {"well": True}
    expected = await schema.uncompiled().execute(text, variables, context)
    assert (expected.errors is None) == (text == ASKED_ONCE["all as it should be"])
    for times in range(2, 6):
        result = await schema.execute(text, variables, context)
        assert context.asked == times
        assert result.data == expected.data
        assert [error.formatted for error in result.errors or ()] == [
            error.formatted for error in expected.errors or ()
        ]
        causes = [[type(error.original_error) for error in each.errors or ()] for each in (result, expected)]
        assert causes[0] == causes[1]
    ours = prepared(schema._schema, text, None, context.limits).whole
    assert ours is not None
    assert all(variant.compiled for variant in ours.variants.kept.values())


def test_what_a_mutation_does_without_info_is_left_to_graphql_core() -> None:
    """It would be done after what stands behind it, and again where that surprises."""
    schema = strawberry.Schema(One, Doing)._schema
    for text in (
        "mutation { pure }",
        "mutation { pure do { __typename } }",
        "mutation { __typename do { __typename } }",
    ):
        ours = whole(parse(text), schema)
        asyncio.run(ours.data({}, None, read(ours), SimpleNamespace(asked=0)))
        assert [bool(each.compiled) for each in ours.variants.kept.values()] == ["pure" not in text]


def test_nothing_of_a_request_is_kept() -> None:
    document = parse("query($more: String!) { none(more: $more) { name } inner { __typename } }")
    ours = whole(document, strawberry.Schema(One)._schema)
    large = "x" * 100_000
    asyncio.run(ours.data({}, None, read(ours, {"more": large}), SimpleNamespace(asked=0)))
    [variant] = ours.variants.kept.values()
    assert variant.compiled is not None
    left, seen = [variant], set[int]()
    while left:
        one: Any = left.pop()
        assert one is not large
        assert one != {"more": large}
        if id(one) in seen or isinstance(one, type | ModuleType | GraphQLSchema):
            continue
        seen.add(id(one))
        if isinstance(one, FunctionType):  # modules are not followed
            named = one.__globals__ if "__name__" not in one.__globals__ else None
            left += [one.__closure__, one.__defaults__, one.__kwdefaults__, named]
        else:
            left += gc.get_referents(one)


def test_the_second_sighting_is_compiled() -> None:
    document = parse("query($b: Boolean!) { met(deep: true) { id @skip(if: $b) text } }")
    [operation] = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    ours = Whole(kinds.SCHEMA, document, operation)
    assert [told(ours, family(), {"b": b}) is not None for b in (True, True, False, False, True)] == [
        False,
        True,
        False,
        True,
        True,
    ]


@given(
    text=kinds.documents(),
    runs=st.lists(
        st.tuples(kinds.VARIABLES, st.integers(0, 10**6), st.sampled_from([0.0, 0.02, 0.2])), min_size=2, max_size=4
    ),
)
@settings(max_examples=200)
def test_the_same_answers(text: str, runs: list[tuple[dict[str, Any], int, float]]) -> None:
    document = parse(text)
    if validate(kinds.SCHEMA, document):
        return
    ours = whole(document)
    for variables, seed, faults in runs:
        shown = told(ours, kinds.rows(seed, faults), variables)
        if shown is not None:
            assert (shown, []) == expected(document, kinds.rows(seed, faults), variables)


@pytest.mark.parametrize("asked", USUAL)
def test_what_apps_ask_is_executed_whole(server: Server, world: World, asked: str) -> None:
    context, variables = asked_by_a_buyer(server, world, asked)
    answers = [server.run(lambda: SCHEMA.execute(USUAL[asked], variables, context)).data for _ in range(3)]
    answers.append(server.run(lambda: SCHEMA.uncompiled().execute(USUAL[asked], variables, context)).data)
    assert answers == [answers[0]] * 4
    ours = prepared(SCHEMA._schema, USUAL[asked], None, context.limits).whole
    assert ours is not None
    assert [variant.compiled is not None for variant in ours.variants.kept.values()] == [True]


LEAVE = """mutation($input: LeaveFeedbackInput!) { leaveFeedback(input: $input) { order { id canLeaveFeedback
  availableActions { action closesAt } } feedback { rating comment } userErrors { code message field } } }"""


def test_what_apps_do_is_executed_whole(server: Server, world: World) -> None:
    """Done once, refused and answered again alike, by compiled code and by graphql-core."""
    account = server.run(lambda: sign_in(world.buyer.subject, Role.BUYER, None))
    context = replace(server.endpoint.context(account, ""), now=NOW)

    def leave(order: str, stars: int, key: str | None, schema: Any = SCHEMA) -> Any:
        asked = {"orderId": order, "ratings": {"overall": stars}, "idempotencyKey": key}
        result = server.run(lambda: schema.execute(LEAVE, {"input": asked}, context))
        assert not result.errors
        return result.data["leaveFeedback"]

    for _ in range(3):
        assert not leave(world.order(completedAt=1), 4, None)["userErrors"]
        order = world.order(completedAt=1)
        first = leave(order, 4, order)
        assert first["feedback"] == {"rating": "4.0", "comment": None}
        assert not first["userErrors"]
        assert leave(order, 4, order) == leave(order, 4, order, SCHEMA.uncompiled()) == first
        refused = leave(order, 5, f"{order}, again")
        assert [each["code"] for each in refused["userErrors"]] == ["FEEDBACK_ALREADY_LEFT"]
        assert leave(order, 5, f"{order}, again", SCHEMA.uncompiled()) == refused
    ours = prepared(SCHEMA._schema, LEAVE, None, context.limits).whole
    assert ours is not None
    assert [variant.compiled is not None for variant in ours.variants.kept.values()] == [True]


def test_a_refused_request_is_refused_alike(world: World) -> None:
    """Also when its operation is compiled: what a resolver raises is told by graphql-core."""
    asked = "query($first: Int) { viewer { orders(first: $first) { edges { node { id } } } } }"
    for first, code in ((1, None), (2, None), (-1, "BAD_REQUEST"), (1, None)):
        answer = world.buyer.answer(asked, first=first)
        assert [error["extensions"]["code"] for error in answer.get("errors", [])] == ([code] if code else [])
