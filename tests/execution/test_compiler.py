"""Compiled code gives the same answers as graphql-core, errors included, for any document and any rows."""

import asyncio
import gc
import inspect
import itertools
import re
from ast import literal_eval
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from importlib.metadata import version
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any

import pytest
import strawberry
from graphql import (
    AbortController,
    DocumentNode,
    ExecutableDefinitionNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    execute,
    experimental_execute_incrementally,
    parse,
    validate,
)
from graphql.execution.executor_throwing_on_incremental import ExecutorThrowingOnIncremental
from hypothesis import given, settings
from hypothesis import strategies as st
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from execution.arguments import Variables
from execution.compiler import CompiledExecutor, CompiledExecutorMixin, CompiledVariants, Execution, by_class
from execution.document import _documents, prepare
from execution.hooks import ExecutionOutcome
from execution.lookahead import MAX_COMBINATIONS
from execution.lru import DOCUMENT_CHARACTERS
from execution.schema import Schema
from models.enums import Role
from resolvers import language
from resolvers.account import sign_in
from resolvers.context import Context
from resolvers.language import ENGLISH_TAG, LANGUAGES, wording_of
from schema import SCHEMA
from schema.scalars import spell_instant
from server.graphql.endpoint import GraphQLEndpoint
from server.settings import Settings
from server.state import State
from tests.conftest import NOW, Server, World
from tests.execution import graphql_core, kinds
from tests.execution.injected.compiled import AtOnce, compiled, observe, uncompiled, variants_for
from tests.read.test_statements import ALL_ORDERS, DESK, DETAIL, DISPUTE
from tests.support.actions import INPUTS

pytestmark = pytest.mark.anyio

left: list[str] = []  # the fields that graphql-core executed itself


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> graphql_core.Suite:
    return graphql_core.fetched(tmp_path_factory.mktemp("graphql-core"))


@pytest.mark.slow
def test_graphql_cores_own_tests(suite: graphql_core.Suite) -> None:
    """They pass with the compiled executor."""
    assert f"graphql-core=={version('graphql-core')} " in graphql_core.LOCK.read_text()
    outcomes, begun = suite.results()
    assert {test: outcome for test, outcome in outcomes.items() if outcome != "passed"} == {}
    assert len(outcomes) > 700
    assert begun > 50


class Tracking(StrawberryGraphQLCoreExecutionContext):
    """Records which fields graphql-core executes."""

    def execute_field(
        self, parent_type: Any, source: Any, field_details_list: Any, path: Any, position_context: Any
    ) -> Any:
        left.append(".".join(str(key) for key in path.as_list()))
        return super().execute_field(parent_type, source, field_details_list, path, position_context)


COMPILED = compiled(Tracking)
# The same for an answer that was measured to be large, whose code yields to other requests.
YIELDING = [compiled(Tracking, cost=10**6), uncompiled(Tracking, cost=10**6)]
PLAIN_COMPILED = compiled(ExecutorThrowingOnIncremental)
BASE_AND_OURS: dict[str, tuple[GraphQLSchema, Any, Any]] = {
    "Strawberry": (kinds.SCHEMA, StrawberryGraphQLCoreExecutionContext, COMPILED),
    "graphql-core": (kinds.PLAIN, ExecutorThrowingOnIncremental, PLAIN_COMPILED),
}


def spelled(data: Any) -> str:
    """Returns the value as text, with the order of its keys, and without addresses of objects."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(data))


def answer(
    schema: GraphQLSchema,
    executor: Any,
    document: DocumentNode,
    root: Any,
    variables: dict[str, Any] | None = None,
    tag: str = ENGLISH_TAG,
) -> tuple[str, list[Any]]:
    """Returns all of an answer: the data with the order of its keys, and the errors."""

    async def execution() -> Any:
        language.current.set(wording_of(tag, UTC))  # in this run alone
        # Also if nothing is awaited: after an error, graphql-core cleans up in the event loop.
        result: Any = execute(schema, document, root, variable_values=variables, executor_class=executor)
        return await result if inspect.isawaitable(result) else result

    result = asyncio.run(execution())
    errors = [(error.message, error.path, error.locations, repr(error.original_error)) for error in result.errors or ()]
    return spelled(result.data), errors


def variants(document: DocumentNode, schema: GraphQLSchema = kinds.SCHEMA) -> CompiledVariants:
    [operation] = [part for part in document.definitions if isinstance(part, OperationDefinitionNode)]
    parts = [part for part in document.definitions if isinstance(part, ExecutableDefinitionNode)]
    return AtOnce(schema, operation, parts)


def coerced(ours: CompiledVariants, variables: dict[str, Any] | None = None) -> Any:
    return Variables(ours.schema, ours.operation).coerce(variables or {})


def data_of(
    ours: CompiledVariants, root: Any, variables: dict[str, Any] | None = None, context: Any = None, cost: int = 0
) -> Any:
    """Returns the answer of compiled code, or None if graphql-core has to answer."""
    values = coerced(ours, variables)
    if not values:
        return None

    async def run() -> Any:
        execution = Execution(root, values.coerced, context, None)
        result = ours.execute(execution, values, cost, observe, lambda _: ExecutionResult(None, [GraphQLError("")]))
        return await result if inspect.isawaitable(result) else result

    return asyncio.run(run()).data


def are_compiled(ours: CompiledVariants) -> bool:
    [by_size] = [variant.compiled for variant in ours.variants.all()]
    return bool(by_size) and None not in by_size.values()


def told(ours: CompiledVariants, data: Any, variables: dict[str, Any] | None = None) -> str | None:
    shown = data_of(ours, data, variables)
    if isinstance(ours, AtOnce):  # a large answer is compiled at the first execution
        assert spelled(data_of(ours, data, variables, cost=10**6)) == spelled(shown)
    return spelled(shown) if isinstance(shown, dict) else None


def expected(document: DocumentNode, data: Any, variables: dict[str, Any] | None = None) -> tuple[str, list[str]]:
    shown, errors = answer(kinds.SCHEMA, StrawberryGraphQLCoreExecutionContext, document, data, variables)
    return shown, [error[0] for error in errors]


def toy(**values: Any) -> Any:
    """Returns a valid toy, except for these values."""
    usual: dict[str, Any] = {
        "id": "7",
        "count": 1,
        "ratio": 0.5,
        "text": "text",
        "flag": True,
        "at": datetime(2026, 6, 15, 12, 0, 0, 5, tzinfo=UTC),
        "price": Decimal("1.50"),
        "colour": kinds.Colour.RED,
        "shape": kinds.Shape.FLAT,
        "texts": ["a", "b"],
        "numbers": [[1, None], []],
        "days": [datetime(2026, 6, 15, 14, tzinfo=timezone(timedelta(hours=2))), None],
        "colours": [kinds.Colour.GREEN],
        "pets": [],
        "loud": "loud",
    }
    empty = dict.fromkeys(("toy", "other", "pet", "fish", "either", "grid"))
    return kinds.ROWS["Toy"](empty | usual | values)


def pet(kind: str, **values: Any) -> Any:
    return kinds.ROWS[kind](
        {"name": "Tom", "friend": None, "toys": [], "lives": 9, "hunts": None, "barks": True} | values
    )


def root(**values: Any) -> Any:
    return kinds.ROWS["Query"](dict.fromkeys(("toy", "toys", "pet")) | values)


ALL = "id count ratio text flag at price colour shape texts numbers days colours"


def test_what_is_shown_of_every_kind_of_leaf() -> None:
    left.clear()
    shown, errors = answer(kinds.SCHEMA, COMPILED, parse(f"{{ toy {{ {ALL} }} }}"), root(toy=toy()))
    assert left == []
    assert errors == []
    assert literal_eval(shown) == {
        "toy": {
            "id": "7",
            "count": 1,
            "ratio": 0.5,
            "text": "text",
            "flag": True,
            "at": "2026-06-15T12:00:00.000005Z",
            "price": "1.50",
            "colour": "RED",
            "shape": "FLAT",
            "texts": ["a", "b"],
            "numbers": [[1, None], []],
            "days": ["2026-06-15T12:00:00.000000Z", None],
            "colours": ["GREEN"],
        }
    }


PURE: list[tuple[str, dict[str, Any]]] = [
    ("{ toy { id } }", {}),
    ("{ toy { __typename same: id other: id } }", {}),
    ("{ toy { other { other { id } toy { id } } } }", {}),
    ("{ toys { id grid { id } } }", {}),
    ("{ toy { ... on Toy { ...F } ...F count } } fragment F on Toy { id other { id } }", {}),
    ("{ toy { other { id } ...F } } fragment F on Toy { other { count } }", {}),
    ("{ pet { __typename name friend { name } ... on Cat { lives hunts { name } } ... on Dog { barks } } }", {}),
    ("{ toy { add(to: 1) b: add(to: 2, twice: true, colour: RED) c: add(to: 2, twice: null) } }", {}),
    ("query($n: Int!, $c: Colour) { toy { add(to: $n, colour: $c) } }", {"n": 4, "c": "GREEN"}),
    ("query($n: Int = 7, $c: Colour) { toy { add(to: $n, colour: $c) } }", {}),
    ("{ toy { inner { id } deep: inner(deep: true) { id inner { count } } } }", {}),
    ("query($a: Boolean!) { toy { id @skip(if: $a) ... @include(if: $a) { count } } }", {"a": True}),
    ("query($a: Boolean!) { toy { id @skip(if: $a) ... @include(if: $a) { count } } }", {"a": False}),
]


def family() -> Any:
    cat = pet("Cat", friend=pet("Dog", barks=None), hunts=[None, pet("Dog"), pet("Cat")])
    small = toy(id="small", other=toy(id="smaller", other=toy(id="smallest")))
    big = toy(other=small, toy=toy(), grid=[None, [small], []], pet=cat, either=pet("Dog", toys=[toy()]))
    return root(toy=big, toys=[big, None], pet=cat)


@pytest.mark.parametrize(("text", "variables"), PURE)
def test_a_compiled_document_leaves_nothing_to_graphql_core(text: str, variables: dict[str, Any]) -> None:
    """graphql-core executes no field of these documents."""
    left.clear()
    given = answer(kinds.SCHEMA, COMPILED, parse(text), family(), variables)
    assert left == []
    assert given[1] == []
    assert given == answer(kinds.SCHEMA, StrawberryGraphQLCoreExecutionContext, parse(text), family(), variables)


def test_arguments_are_read_in_each_execution() -> None:
    document = parse("query($n: Int!, $c: Colour, $a: Boolean) { toy { add(to: $n, twice: $a, colour: $c) } }")
    for variables, shown in (
        ({"n": 1}, "7 1 None UNSET"),
        ({"n": 2, "c": "RED", "a": True}, "7 2 True <Colour.RED: 'red'>"),
        ({"n": 4, "c": None, "a": None}, "7 4 None None"),
        ({"n": 1}, "7 1 None UNSET"),
    ):
        left.clear()
        given = answer(kinds.SCHEMA, COMPILED, document, root(toy=toy()), variables)
        assert left == []
        assert given == (repr({"toy": {"add": shown}}), [])


UNCOMPILED = [
    "{ toy { named } }",  # it takes `info`
    "{ toy { later } }",  # it is asynchronous
    "{ toy { loud } }",  # it has an extension
    "{ toy { sized(size: {width: 1}) } }",  # it takes an object
    "{ toy { fish { depth } } }",  # recognized by its value
    "{ toy { either { ... on Cat { name } ... on Pet { toys { id } } ... on Dog { barks } } } }",  # like Strawberry's unions
    "{ toy { id @other } }",
    "{ toy { unknown id } }",
    "{ toy { id ... @defer { text @skip(if: true) } } }",
    '{ __type(name: "Pet") { name possibleTypes { name fields { name type { name } } } } }',
]


@pytest.mark.parametrize("text", UNCOMPILED)
def test_what_cannot_be_compiled_is_not_tried(text: str) -> None:
    """The operation is left to graphql-core from the start."""
    left.clear()
    document = parse(text)
    given = answer(kinds.SCHEMA, COMPILED, document, family())
    assert [path for path in left if "." in path] != []
    [variant] = variants_for(COMPILED.build(kinds.SCHEMA, document)).variants.all()
    assert variant.compiled == {False: None}
    assert given == answer(kinds.SCHEMA, StrawberryGraphQLCoreExecutionContext, document, family())


NAN = float("nan")
SURPRISES: list[tuple[str, dict[str, Any], str | None]] = [
    # the selection, the toy's values, and the first error's message
    ("id", {"id": None}, "Cannot return null for non-nullable field Toy.id."),
    ("text", {"text": Undefined}, None),
    ("id", {"id": Undefined}, "Cannot return null for non-nullable field Toy.id."),
    ("text", {"text": kinds.Raised(kinds.Broken("raised"))}, "raised"),
    ("text", {"text": kinds.Broken("returned")}, "returned"),
    ("text", {"text": kinds.Raised(GraphQLError("of its own", extensions={"code": "X"}))}, "of its own"),
    ("text", {"text": kinds.Later("later")}, None),
    ("id", {"id": kinds.Later(None)}, "Cannot return null for non-nullable field Toy.id."),
    ("text", {"text": 5}, None),
    ("text", {"text": True}, None),
    ("text", {"text": kinds.Text("text")}, None),
    ("text", {"text": ["a"]}, "String cannot represent value: ['a']"),
    ("id", {"id": 5}, None),
    ("count", {"count": True}, None),
    ("count", {"count": "5"}, None),
    ("count", {"count": 2**31}, "Int cannot represent non 32-bit signed integer value: 2147483648"),
    ("count", {"count": -(2**31) - 1}, "Int cannot represent non 32-bit signed integer value: -2147483649"),
    ("ratio", {"ratio": NAN}, "Float cannot represent non numeric value: nan"),
    ("flag", {"flag": 1}, None),
    ("flag", {"flag": "yes"}, "Boolean cannot represent a non boolean value: 'yes'"),
    ("at", {"at": "2026"}, "'str' object has no attribute 'tzinfo'"),
    ("at", {"at": kinds.Broken("returned")}, "returned"),
    ("colour", {"colour": "red"}, None),
    ("colour", {"colour": "blue"}, "Enum 'Colour' cannot represent value: 'blue'"),
    ("colour", {"colour": []}, "Enum 'Colour' cannot represent value: []"),
    ("colour", {"colour": kinds.Shape.FLAT}, "Enum 'Colour' cannot represent value: <Shape instance>"),
    ("shape", {"shape": 2}, None),
    ("shape", {"shape": kinds.Later(kinds.Shape.FLAT)}, None),
    ("texts", {"texts": ("a", "b")}, None),
    ("texts", {"texts": "ab"}, "Expected Iterable, but did not find one for field 'Toy.texts'."),
    ("texts", {"texts": ["a", None]}, "Cannot return null for non-nullable field Toy.texts."),
    ("texts", {"texts": ["a", kinds.Broken("in a list")]}, "in a list"),
    ("texts", {"texts": [kinds.Later("a"), "b"]}, None),
    ("numbers", {"numbers": [[1], None]}, "Cannot return null for non-nullable field Toy.numbers."),
    ("numbers", {"numbers": [[1, kinds.Odd()]]}, "Int cannot represent non-integer value: <Odd instance>"),
    ("other { id }", {"other": None}, "Cannot return null for non-nullable field Toy.other."),
    ("toy { id other { id } }", {"toy": toy()}, "Cannot return null for non-nullable field Toy.other."),
    ("toy { id }", {"toy": kinds.Later(toy())}, None),
    ("toy { id }", {"toy": kinds.Broken("an object")}, "an object"),
    ("toy { id }", {"toy": kinds.Odd()}, "'Odd' object has no attribute 'id'"),
    ("pet { name }", {"pet": kinds.Odd()}, "Abstract type 'Pet' was resolved to a type 'Odd'"),
    ("pet { name }", {"pet": toy()}, "Runtime Object type 'Toy' is not a possible type for 'Pet'."),
    ("pets { name }", {"pets": [None]}, "Cannot return null for non-nullable field Toy.pets."),
    ("pets { name ... on Dog { barks } }", {"pets": [pet("Cat"), pet("Dog", barks=kinds.Odd())]}, "Boolean cannot"),
    ("grid { id }", {"grid": [[toy(id=None)], [toy()], None]}, "Cannot return null for non-nullable field Toy.id."),
    ("add(to: 3)", {}, "not 3"),
    ("add(to: null)", {}, "Argument 'to' has invalid value"),
    ("add", {}, "Argument 'to' of required type 'Int!' was not provided."),
]


@pytest.mark.parametrize(("asked", "values", "message"), SURPRISES)
@pytest.mark.parametrize("around", ["{ toy { count %s text } }", "{ toys { %s } }", "{ toys { flag grid { %s } } }"])
def test_surprises_are_told_by_graphql_core(
    asked: str, values: dict[str, Any], message: str | None, around: str
) -> None:
    """This also holds for code that was compiled while the rows were valid."""
    document = parse(around % asked)
    for odds in ({}, values, {}):
        odd = toy(**odds)
        data = root(toy=odd, toys=[toy(), odd, toy(grid=[[toy()], [odd]])])
        expected = answer(kinds.SCHEMA, StrawberryGraphQLCoreExecutionContext, document, data)
        for ours in (COMPILED, *YIELDING):
            assert answer(kinds.SCHEMA, ours, document, data) == expected
        if odds and message is not None:
            assert message in expected[1][0][0]
        elif odds:
            assert expected[1] == []


def test_an_error_in_one_entry_leaves_all_to_graphql_core() -> None:
    left.clear()
    data = root(toys=[toy(), toy(text=kinds.Broken("the other")), toy(text=kinds.Broken("one"))])
    _, errors = answer(kinds.SCHEMA, COMPILED, parse("{ toys { id text } }"), data)
    assert [error[1] for error in errors] == [["toys", 1, "text"], ["toys", 2, "text"]]
    assert left == ["toys", *(f"toys.{place}.{name}" for place in range(3) for name in ("id", "text"))]


def test_what_has_to_be_called_is_called_once() -> None:
    """graphql-core calls it, because it reads dictionaries and objects itself."""
    calls: list[str] = []

    def text(_info: Any) -> str:
        calls.append("text")
        return "called"

    def another(_info: Any) -> Any:
        calls.append("another")
        return {"text": "of another"}

    for source in ({"id": "7", "text": text, "toy": another}, toy(text=text, toy=another)):
        for asked, name, shown in (("text", "text", "called"), ("toy { text }", "toy", {"text": "of another"})):
            calls.clear()
            given = answer(kinds.PLAIN, PLAIN_COMPILED, parse(f"{{ toy {{ id {asked} }} }}"), {"toy": source})
            assert calls == [name.replace("toy", "another")]
            assert given == (repr({"toy": {"id": "7", name: shown}}), [])


def test_arguments_are_coerced_by_graphql_core_where_it_reads_the_field() -> None:
    data = {"toy": {"inner": None}}
    document = parse("{ toy { inner(deep: null) { id } } }")
    given = answer(kinds.PLAIN, PLAIN_COMPILED, document, data)
    assert "Argument 'deep' has invalid value" in given[1][0][0]
    assert given == answer(kinds.PLAIN, ExecutorThrowingOnIncremental, document, data)


def nothing(_value: Any) -> Any:
    return None


def test_a_scalar_that_returns_nothing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    types: Any = kinds.PLAIN.type_map
    monkeypatch.setattr(types["DateTime"], "coerce_output_value", nothing)
    _, [error] = answer(kinds.PLAIN, PLAIN_COMPILED, parse("{ toy { at } }"), {"toy": {"at": "2026"}})
    assert "to return non-nullable value, returned: None" in error[0]


def test_conditions_that_validation_would_refuse_give_the_same_errors() -> None:
    document = parse("query($a: [Boolean]) { toy { id @skip(if: $a) text } }")
    for condition in ([True], []):
        variables = {"a": condition}
        expected = answer(kinds.SCHEMA, StrawberryGraphQLCoreExecutionContext, document, root(toy=toy()), variables)
        assert answer(kinds.SCHEMA, COMPILED, document, root(toy=toy()), variables) == expected


class Stand:
    """Wraps a row. Reports it as awaitable if it is `late`."""

    def __init__(self, row: Any, late: bool) -> None:
        self.row, self.late = row, late

    def __getattr__(self, name: str) -> Any:
        if name == "__await__" and not self.late:
            raise AttributeError(name)
        return None if name == "__await__" else getattr(self.row, name)


def test_a_value_that_must_be_awaited_is_an_error_of_its_entry() -> None:
    data = root(toys=[Stand(toy(), late=late) for late in (False, True, False)])
    document = parse("{ toys { id } }")
    shown, [error] = answer(kinds.SCHEMA, COMPILED, document, data)
    assert literal_eval(shown) == {"toys": [{"id": "7"}, None, {"id": "7"}]}
    assert "await" in error[0]


@strawberry.type
class Thing:
    name: str


@strawberry.type
class Things:
    thing: Thing


def looked_up(source: Any, name: str) -> Any:
    return source[name] if isinstance(source, dict) else f"{name} of a thing"


def test_a_custom_default_resolver_is_called() -> None:
    schema: Any = strawberry.Schema(Things, config=StrawberryConfig(default_resolver=looked_up))
    thing = Thing(name="not asked")
    shown, _ = answer(schema._schema, COMPILED, parse("{ thing { name } }"), {"thing": thing})
    assert literal_eval(shown) == {"thing": {"name": "name of a thing"}}


def test_a_resolver_that_replaces_strawberrys_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """Instrumentation replaces resolvers in this way."""

    def another(_source: Any, _info: Any) -> str:
        return "another"

    types: Any = kinds.SCHEMA.type_map
    monkeypatch.setattr(types["Toy"].fields["text"], "resolve", another)
    shown, _ = answer(kinds.SCHEMA, COMPILED, parse("{ toy { text } }"), root(toy=toy()))
    assert literal_eval(shown) == {"toy": {"text": "another"}}


def test_the_second_sighting_is_compiled() -> None:
    second = compiled(Tracking, CompiledVariants)
    document = parse("query($a: Boolean!) { toy { id @skip(if: $a) count } }")
    fields: list[int] = []
    for condition in (True, True, False, False, True, True):
        left.clear()
        answer(kinds.SCHEMA, second, document, root(toy=toy()), {"a": condition})
        fields.append(len(left))
    assert fields == [2, 0, 3, 0, 0, 0]


def test_each_event_of_a_subscription_is_a_use() -> None:
    watching: Any = compiled(Tracking, CompiledVariants).build(kinds.SCHEMA, parse("{ toy { id } }"))
    for place, fields in enumerate((["toy", "toy.id"], [], [])):
        left.clear()
        result = watching.build_per_event_executor(root(toy=toy(id=str(place)))).execute_operation()
        assert result.data == {"toy": {"id": str(place)}}
        assert left == fields


def test_nothing_is_mistaken_for_what_was_there_before() -> None:
    """New documents may get the addresses of old ones, and the cache of their code is bounded."""
    limits = Settings().limits
    for count in range(1200):
        name = ("id", "text", "count", "flag")[count % 4]
        text = f"{{ toy {{ x{count}: {name} {'colour' * (count % 3 == 0)} }} }}"
        prepared = prepare(kinds.SCHEMA, text, None, limits)
        assert prepared.parsed is not None
        _, data = [data_of(prepared.compiled, root(toy=toy())) for _ in range(2)]
        assert (spelled(data), []) == answer(
            kinds.SCHEMA, StrawberryGraphQLCoreExecutionContext, prepared.parsed, root(toy=toy())
        )
        del prepared
    assert _documents.currsize <= DOCUMENT_CHARACTERS
    assert len(_documents) < 1000


def test_an_operation_with_other_fragments_is_compiled_anew() -> None:
    operation, ids = parse("{ toy { ...F } } fragment F on Toy { id }").definitions
    _, texts = parse("{ toy { ...F } } fragment F on Toy { text }").definitions
    for fragment, shown in ((ids, "id"), (texts, "text"), (ids, "id")):
        document = DocumentNode(definitions=(operation, fragment))
        assert shown in answer(kinds.SCHEMA, COMPILED, document, root(toy=toy()))[0]


def test_conditions_of_many_values_are_bounded() -> None:
    names = [f"v{place}" for place in range(6)]
    fields = " ".join(f"{name}: id @skip(if: ${name})" for name in names)
    document = parse(f"query({' '.join(f'${name}: Boolean!' for name in names)}) {{ toy {{ {fields} }} }}")
    for values in itertools.product([True, False], repeat=6):
        given = dict(zip(names, values, strict=True))
        shown, _ = answer(kinds.SCHEMA, COMPILED, document, root(toy=toy()), given)
        assert list(literal_eval(shown)["toy"]) == [name for name in names if not given[name]]
    variants = variants_for(COMPILED.build(kinds.SCHEMA, document, raw_variable_values=dict.fromkeys(names, True)))
    assert len(variants.variants.all()) == MAX_COMBINATIONS


def loud(resolve: Any, source: Any, info: Any, **arguments: Any) -> Any:
    value = resolve(source, info, **arguments)
    return f"{value}!" if isinstance(value, str) else value


def own(source: Any, info: Any, **_: Any) -> Any:
    return getattr(source, info.field_name)


def never(_value: Any) -> Any:
    return False


LEFT_WHOLE: list[tuple[str, dict[str, Any]]] = [
    ("middleware", {"middleware": [loud]}),
    ("a field resolver of one's own", {"field_resolver": own}),
    ("an abort signal", {"abort_signal": AbortController().signal}),
    ("other awaitables", {"is_awaitable": never}),
]


@pytest.mark.parametrize("arguments", [arguments for _, arguments in LEFT_WHOLE], ids=[name for name, _ in LEFT_WHOLE])
def test_some_executions_are_left_to_graphql_core(arguments: dict[str, Any]) -> None:
    left.clear()
    document = parse("{ toy { id other { text } } }")
    ours: Any = execute(kinds.SCHEMA, document, family(), executor_class=COMPILED, **arguments)
    assert left == ["toy", "toy.id", "toy.other", "toy.other.text"]
    assert ours == execute(kinds.SCHEMA, document, family(), **arguments)


@pytest.mark.parametrize(
    "text",
    [
        "{ toys @stream(initialCount: 1) { id } }",
        "{ toy { id ... @defer { text other { id } } } }",
        "{ toy { other { id } ... @defer { other { text } } } }",
    ],
)
async def test_incremental_delivery_gives_the_same_parts(text: str) -> None:
    async def parts(executor: Any) -> list[str]:
        result: Any = experimental_execute_incrementally(kinds.SCHEMA, parse(text), family(), executor_class=executor)
        first = await result if inspect.isawaitable(result) else result
        return [str(first.initial_result), *[str(part) async for part in first.subsequent_results]]

    assert await parts(COMPILED) == await parts(StrawberryGraphQLCoreExecutionContext)


DECISIONS = """query($id: ID!, $at: DateTime) { node(id: $id) { __typename id ... on Actionable {
  availableActions { action label } decision(action: OPEN_DISPUTE, at: $at) { allowed reason message }
  leave: decision(action: LEAVE_FEEDBACK) { afterwards { isFinal waitsFor until opens { action label }
    closes { action message checks { text holds } } } } }
  ... on Order { timeline(first: 3) { edges { cursor node { at text action by { name } } } pageInfo { hasNextPage } }
  dispute { messages(last: 2) { edges { node { text } } } } } } }"""
USUAL = {"all orders": ALL_ORDERS, "an order": DETAIL, "a dispute": DISPUTE, "the desk": DESK, "decisions": DECISIONS}


def asked_by_a_buyer(server: Server, world: World, asked: str) -> tuple[Context, dict[str, Any]]:
    """Returns the person and the variables for the usual documents, about an order with a dispute."""
    order = world.order(paidAt=9, completedAt=1)
    opening = INPUTS["openDispute"] | {"orderId": order}
    dispute = world.buyer.succeed("openDispute", opening, "dispute { id }")["dispute"]["id"]
    account = server.run(lambda: sign_in(world.buyer.subject, Role.BUYER, None))
    variables = {"id": dispute if asked == "a dispute" else order, "first": 5, "at": spell_instant(NOW)}
    return server.endpoint.context(account, ""), variables


@pytest.mark.parametrize("asked", USUAL)
def test_what_apps_ask_is_compiled(server: Server, world: World, asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    context, variables = asked_by_a_buyer(server, world, asked)
    seen: list[ExecutionOutcome] = []

    def note(outcome: ExecutionOutcome, _operation: str) -> None:
        seen.append(outcome)

    monkeypatch.setattr(SCHEMA.hooks, "on_outcome", note)
    results = [server.run(lambda: SCHEMA.execute(USUAL[asked], variables, context)) for _ in range(3)]
    assert [result.errors for result in results] == [None] * 3
    assert seen[-2:] == [ExecutionOutcome.COMPILED] * 2
    answers = [result.data for result in results]
    answers.append(server.run(lambda: SCHEMA.uncompiled().execute(USUAL[asked], variables, context)).data)
    assert answers == [answers[0]] * 4
    assert are_compiled(prepare(SCHEMA._schema, USUAL[asked], None, context.limits).compiled)


def test_a_compiled_operation_answers_each_request_in_its_language(server: Server, world: World) -> None:
    context, variables = asked_by_a_buyer(server, world, "decisions")

    async def answered(schema: Any, tag: str) -> Any:
        language.current.set(wording_of(tag, UTC))
        return (await schema.execute(USUAL["decisions"], variables, context)).data

    tags = [*LANGUAGES, *reversed(LANGUAGES)] * 2
    ours = [server.run(lambda tag=tag: answered(SCHEMA, tag)) for tag in tags]
    expected = {tag: server.run(lambda tag=tag: answered(SCHEMA.uncompiled(), tag)) for tag in LANGUAGES}
    assert ours == [expected[tag] for tag in tags]
    assert len({str(answer) for answer in ours}) == len(LANGUAGES)


def test_it_can_be_turned_off() -> None:
    assert GraphQLEndpoint(State(Settings(compiled=True))).schema.execution_context_class is CompiledExecutor  # type: ignore[attr-defined]
    executor: Any = GraphQLEndpoint(State(Settings(compiled=False))).schema.execution_context_class  # type: ignore[attr-defined]
    assert not issubclass(executor, CompiledExecutorMixin)


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
    "{ met { id } x: met { id } }",
    "{ met(deep: true) { met { id } id } }",
    "{ met(deep: true) { x: met(deep: true) { id } y: met { id } handed { z: met(deep: true) { text } } } toy { id } }",
]
LEFT = {
    "one in a list": "{ toys { handed { id } } }",
    "one below what is not told by its class": "{ toy { fish { depth } } }",
    "an extension": "{ toy { loud } }",
    "what is told of the schema": "{ __schema { queryType { name } } toy { id } }",
}
GIVEN = {"b": False}


def nested() -> Any:
    inner = toy(id="inner", other=toy(id="innermost"), toy=toy(id="deep", other=toy(), toy=toy()))
    return root(toy=toy(toy=inner, other=inner), toys=[toy(), None], pet=pet("Cat"))


@pytest.mark.parametrize("text", ASKED_WHOLE)
def test_a_whole_operation_gives_the_same_answer(text: str) -> None:
    document = parse(text)
    assert not validate(kinds.SCHEMA, document)
    assert (told(variants(document), nested(), GIVEN), []) == expected(document, nested(), GIVEN)


@pytest.mark.parametrize("text", LEFT.values(), ids=LEFT)
def test_some_operations_are_left_to_graphql_core(text: str) -> None:
    document = parse(text)
    assert not validate(kinds.SCHEMA, document)
    assert told(variants(document), nested(), GIVEN) is None


def test_errors_are_told_by_graphql_core() -> None:
    document = parse("query($n: Int!) { handed { add(to: $n) met(deep: true) { id } } }")
    ours = variants(document)
    for n, errors in ((1, []), (3, ["not 3"]), ("x", None), (2, [])):
        shown, messages = expected(document, nested(), {"n": n})
        assert told(ours, nested(), {"n": n}) == (shown if errors == [] else None)
        assert errors is None or messages == errors


ODD: dict[str, tuple[str, Any]] = {
    "an error, given": ("{ handed { __typename met { id } } }", root(toy=kinds.Broken("returned"))),
    "nothing, where there is something": ("{ handed { handed { met { id } } } }", root(toy=toy())),
    "what is to be awaited": ("{ handed { __typename met { id } } }", root(toy=kinds.Later(None))),
}


@pytest.mark.parametrize("odd", ODD)
def test_a_faulty_result_is_left_to_graphql_core(odd: str) -> None:
    text, data = ODD[odd]
    assert expected(parse(text), data)[1] != [] or odd == "what is to be awaited"
    assert told(variants(parse(text)), data) is None


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
    ours = variants(document, strawberry.Schema(One)._schema)
    assert data_of(ours, None, context=Named(name="one")) == {"one": {"name": "one", "told": "told one"}}
    assert data_of(ours, None, context=Alike()) is None


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
    schema = Schema(One, Doing)
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
    assert are_compiled(prepare(schema._schema, text, None, context.limits).compiled)


def test_what_a_mutation_does_without_info_is_left_to_graphql_core() -> None:
    """Compiled code would run it after the fields behind it, and again after a fall."""
    schema = strawberry.Schema(One, Doing)._schema
    for text in (
        "mutation { pure }",
        "mutation { pure do { __typename } }",
        "mutation { __typename do { __typename } }",
    ):
        ours = variants(parse(text), schema)
        data_of(ours, None, context=SimpleNamespace(asked=0))
        assert are_compiled(ours) == ("pure" not in text)


def test_nothing_of_a_request_is_kept() -> None:
    document = parse("query($more: String!) { none(more: $more) { name } inner { __typename } }")
    ours = variants(document, strawberry.Schema(One)._schema)
    large = "x" * 100_000
    data_of(ours, None, {"more": large}, SimpleNamespace(asked=0))
    [variant] = ours.variants.all()
    assert are_compiled(ours)
    left, seen = [variant], set[int]()
    while left:
        one: Any = left.pop()
        assert one is not large
        assert one != {"more": large}
        if id(one) in seen or isinstance(one, type | ModuleType | GraphQLSchema):
            continue
        seen.add(id(one))
        if isinstance(one, FunctionType):  # modules are not inspected
            named = one.__globals__ if "__name__" not in one.__globals__ else None
            left += [one.__closure__, one.__defaults__, one.__kwdefaults__, named]
        else:
            left += gc.get_referents(one)


def test_the_second_use_with_the_same_conditions_is_compiled() -> None:
    document = parse("query($b: Boolean!) { met(deep: true) { id @skip(if: $b) text } }")
    [operation] = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    ours = CompiledVariants(kinds.SCHEMA, operation, [operation])
    assert [told(ours, nested(), {"b": b}) is not None for b in (True, True, False, False, True)] == [
        False,
        True,
        False,
        True,
        True,
    ]


LEAVE = """mutation($input: LeaveFeedbackInput!) { leaveFeedback(input: $input) { order { id canLeaveFeedback
  availableActions { action closesAt } } feedback { rating comment } userErrors { code message field } } }"""


def test_what_apps_do_is_compiled(server: Server, world: World) -> None:
    """Compiled code and graphql-core agree on an action that succeeds, is refused, and is repeated."""
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
    assert are_compiled(prepare(SCHEMA._schema, LEAVE, None, context.limits).compiled)


def test_a_refused_request_is_refused_alike(world: World) -> None:
    """This also holds for a compiled operation: graphql-core reports what a resolver raises."""
    asked = "query($first: Int) { viewer { orders(first: $first) { edges { node { id } } } } }"
    for first, code in ((1, None), (2, None), (-1, "BAD_REQUEST"), (1, None)):
        answer = world.buyer.answer(asked, first=first)
        assert [error["extensions"]["code"] for error in answer.get("errors", [])] == ([code] if code else [])


@pytest.mark.slow
@pytest.mark.parametrize("of", BASE_AND_OURS)
@given(
    text=kinds.documents(),
    runs=st.lists(
        st.tuples(
            kinds.VARIABLES, st.integers(0, 10**6), st.sampled_from([0.0, 0.02, 0.2]), st.sampled_from([*LANGUAGES])
        ),
        min_size=2,
        max_size=4,
    ),
)
@settings(max_examples=150)
def test_compiled_and_uncompiled_answers_are_the_same(
    of: str, text: str, runs: list[tuple[dict[str, Any], int, float, str]]
) -> None:
    """Each document is executed many times, with different variables, rows and languages."""
    schema, base, ours = BASE_AND_OURS[of]
    document = parse(text)
    for variables, seed, faults, tag in runs:
        expected = answer(schema, base, document, kinds.rows(seed, faults), variables, tag)
        assert answer(schema, ours, document, kinds.rows(seed, faults), variables, tag) == expected


@given(
    text=kinds.documents(),
    runs=st.lists(
        st.tuples(kinds.VARIABLES, st.integers(0, 10**6), st.sampled_from([0.0, 0.02, 0.2])), min_size=2, max_size=4
    ),
)
@settings(max_examples=200)
def test_compiled_code_alone_gives_the_same_answers(text: str, runs: list[tuple[dict[str, Any], int, float]]) -> None:
    document = parse(text)
    if validate(kinds.SCHEMA, document):
        return
    ours = variants(document)
    for variables, seed, faults in runs:
        shown = told(ours, kinds.rows(seed, faults), variables)
        if shown is not None:
            assert (shown, []) == expected(document, kinds.rows(seed, faults), variables)
