"""Variables are coerced as by graphql-core, and arguments are converted as by Strawberry."""

import contextlib
from enum import Enum
from typing import Annotated, Any

import pytest
import strawberry
from graphql import FieldNode, GraphQLError, OperationDefinitionNode, get_argument_values, get_variable_values, parse
from graphql.execution.values import VariableValues
from strawberry import UNSET, Maybe, relay
from strawberry.types.arguments import InputContext, convert_arguments

from execution.arguments import Arguments, NotCompilable, Variables
from execution.compiler import strawberry_field
from schema import SCHEMA
from tests.support.actions import INPUTS


@strawberry.enum
class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@strawberry.input
class Lamp:
    title: str
    lit_at: str | None
    colour: Colour | None = UNSET
    watts: list[int | None] = strawberry.field(default_factory=lambda: [60])
    renamed: int | None = strawberry.field(name="called", default=7)
    inside: list["Lamp"] | None = UNSET
    maybe: Maybe[int | None] = None
    lazy: Annotated["Shade", strawberry.lazy("tests.execution.test_arguments")] | None = None


@strawberry.input
class Shade:
    of_glass: bool = False


@strawberry.input(one_of=True)
class Whom:
    email: strawberry.Maybe[str]
    number: strawberry.Maybe[int]


@strawberry.input
class Counted:
    text: str


def _counted(kind: Any, value: Any, _context: InputContext) -> Any:
    return kind(text=f"{value['text']}, counted")


Counted.__strawberry_definition__.from_input = _counted  # type: ignore[attr-defined]


def count(counted: Counted) -> str:
    return counted.text


def everything(
    lamp: Lamp | None = UNSET,
    lamps: list[list[Lamp | None]] | None = UNSET,
    colours: list[Colour] | None = UNSET,
    id: strawberry.ID | None = UNSET,
    node: relay.GlobalID | None = None,
    maybe: Maybe[Lamp] = None,
    argument_of_words: int = 3,
    whom: Whom | None = None,
) -> str:
    return "x"


ALL: Any = strawberry.field(everything)
COUNT: Any = strawberry.field(count)


@strawberry.type
class Query:
    all: str = ALL
    counted: str = COUNT


TOYS = strawberry.Schema(Query)
GIVEN: dict[str, str] = {
    "nothing": "",
    "null": "lamp: null, lamps: null, colours: null, id: null, node: null",
    "an object": 'lamp: {title: "x", litAt: null}',
    "an object of everything": 'lamp: {title: "x", litAt: "now", colour: RED, watts: [1, null], called: null, maybe: 3,'
    " lazy: {ofGlass: true}}",
    "objects within objects": 'lamp: {title: "x", inside: [{title: "y", inside: []}, {title: "z", inside: null}]}',
    "lists of lists": 'lamps: [[{title: "x"}, null], []]',
    "one in the place of a list": 'lamps: {title: "x"}, colours: BLUE',
    "enums": "colours: [RED, BLUE]",
    "scalars": 'id: "7", argumentOfWords: 4',
    "a global id": 'node: "TGFtcDox"',
    "what is no global id": 'node: "nonsense"',
    "what may be there": 'maybe: {title: "x", maybe: null}',
}


def _of_the_first_field(schema: Any, document: str, variables: dict[str, Any]) -> tuple[Any, Any]:
    """Returns the two functions that convert the first field's arguments: ours and Strawberry's."""
    [operation] = parse(document).definitions
    assert isinstance(operation, OperationDefinitionNode)
    node = operation.selection_set.selections[0]
    assert isinstance(node, FieldNode)
    core, converter = schema._schema, schema.schema_converter
    definition = core.get_field(core.get_root_type(operation.operation), node.name.value)
    field = strawberry_field(definition)
    coerced = get_variable_values(core, operation.variable_definitions or (), variables)
    assert isinstance(coerced, VariableValues), coerced
    ours = Arguments(core, definition, node, field)

    def theirs() -> Any:
        values = get_argument_values(definition, node, coerced)
        return convert_arguments(
            values, field.arguments, scalar_registry=converter.scalar_registry, config=schema.config
        )

    return lambda: ours.convert(coerced), theirs


def _told(ask: Any) -> Any:
    try:
        return ask()
    except (ValueError, GraphQLError) as error:
        return type(error), str(error)


@pytest.mark.parametrize("what", GIVEN)
def test_each_kind(what: str) -> None:
    asked = f"{{ all({GIVEN[what]}) }}" if GIVEN[what] else "{ all }"
    ours, theirs = map(_told, _of_the_first_field(TOYS, asked, {}))
    assert repr(ours) == repr(theirs)  # with the types of all parts, which equality would ignore
    if what == "what is no global id":
        assert "nonsense" in ours[1]
    else:
        assert ours == theirs


@pytest.mark.parametrize("mutation", INPUTS)
def test_the_inputs_of_all_actions_are_coerced_as_graphql_core_does(mutation: str) -> None:
    kind = f"{mutation[0].upper()}{mutation[1:]}Input"
    named = dict.fromkeys(("orderId", "disputeId", "complaintId", "caseId"), "ord_1")
    fields = SCHEMA._schema.type_map[kind].fields  # type: ignore[union-attr]
    given = {name: value for name, value in named.items() if name in fields} | INPUTS[mutation]
    document = f"mutation($input: {kind}!) {{ {mutation}(input: $input) {{ __typename }} }}"
    ours, theirs = (ask() for ask in _of_the_first_field(SCHEMA, document, {"input": given}))
    assert type(ours["input"]).__name__ == kind.removesuffix("Input")
    assert ours == theirs


def test_what_makes_itself_is_left_to_strawberry() -> None:
    with pytest.raises(NotCompilable):
        _of_the_first_field(TOYS, '{ counted(counted: {text: "x"}) }', {})


def test_what_is_made_is_made_anew() -> None:
    """A resolver that changes a default value must not affect the next request."""
    default = '[[{title: "x", litAt: null}]]'
    ask, _ = _of_the_first_field(TOYS, f"query($lamps: [[Lamp]!] = {default}) {{ all(lamps: $lamps) }}", {})
    for _ in range(2):
        [[lamp]] = ask()["lamps"]
        assert lamp.watts == [60]
        lamp.watts.append(5)
        ask()["lamps"][0].append(None)


def _nested(depth: int) -> dict[str, Any]:
    lamp: dict[str, Any] = {"title": "x"}
    for _ in range(depth):
        lamp = {"title": "x", "inside": [lamp]}
    return lamp


VARIABLES: dict[str, tuple[str, dict[str, Any]]] = {
    "none that is defined": ("", {"x": 1}),
    "what is given": ("($x: Int!, $y: [Colour!])", {"x": 1, "y": ["RED"]}),
    "one in the place of a list": ("($x: [Colour!])", {"x": "RED"}),
    "null": ("($x: Int, $y: Lamp)", {"x": None, "y": None}),
    "what may be left out": ("($x: Int, $y: Lamp)", {}),
    "what may not": ("($x: Int!)", {}),
    "null where there is none": ("($x: Int!)", {"x": None}),
    "a default": ("($x: Int! = 7, $y: Int = 8)", {"y": 9}),
    "a default of what may be left out": ("($x: Int = 7)", {}),
    "null in the place of a default": ("($x: Int = 7)", {"x": None}),
    "an object": ("($x: Lamp!)", {"x": {"title": "x", "colour": "BLUE", "inside": [{"title": "y"}]}}),
    "an object with a field too many": ("($x: Lamp!)", {"x": {"title": "x", "width": 3}}),
    "what does not fit": ("($x: Int, $y: Int)", {"x": 1, "y": "two"}),
    "one of several": ("($x: Whom)", {"x": {"email": "x"}}),
    "none of several": ("($x: Whom)", {"x": {}}),
    "two of several": ("($x: Whom)", {"x": {"email": "x", "number": 1}}),
    "null of several": ("($x: [Whom])", {"x": [{"email": None}]}),
    "objects in objects": ("($x: Lamp!)", {"x": _nested(20)}),
    "too many objects in objects": ("($x: [Lamp])", {"x": [_nested(5000)]}),
}


REFUSED = {
    "what may not",
    "null where there is none",
    "an object with a field too many",
    "what does not fit",
    "none of several",
    "two of several",
    "null of several",
    "too many objects in objects",
}
LEFT_TO_GRAPHQL_CORE = REFUSED | {"a default", "a default of what may be left out"}


@pytest.mark.parametrize("what", VARIABLES)
def test_variables_are_coerced_as_graphql_core_does(what: str) -> None:
    defined, given = VARIABLES[what]
    [operation] = parse(f"query{defined} {{ all }}").definitions
    assert isinstance(operation, OperationDefinitionNode)
    theirs: Any = get_variable_values(TOYS._schema, operation.variable_definitions or (), given)
    ours: Any = Variables(TOYS._schema, operation).coerce(given)
    assert (ours is None) is isinstance(theirs, list) is (what in REFUSED)
    with contextlib.suppress(GraphQLError):
        at_once = Variables(TOYS._schema, operation)._coerce_plain(given)
        assert (at_once is None) is (what in LEFT_TO_GRAPHQL_CORE)
    if ours is not None:
        assert ours.coerced == theirs.coerced
        told, expected = (
            {name: (str(signature.type), value) for name, (signature, value) in values.sources.items()}
            for values in (ours, theirs)
        )
        assert told == expected
