"""A schema with every kind of field, rows that may be broken in every way, and documents that select them."""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Annotated, Any, Optional

import strawberry
from graphql import (
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from hypothesis import strategies as st
from strawberry.extensions import FieldExtension
from strawberry.schema.config import StrawberryConfig

from execution.compiler import by_class
from resolvers.language import gettext
from schema.scalars import SCALARS


@strawberry.enum
class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


@strawberry.enum
class Shape(Enum):
    ROUND = 1
    FLAT = 2


PetReference = Annotated["Pet", strawberry.lazy("tests.execution.kinds")]
ToyReference = Annotated["Toy", strawberry.lazy("tests.execution.kinds")]


@strawberry.interface
class Pet:
    name: str
    friend: PetReference | None
    toys: list[ToyReference]

    @classmethod
    @by_class
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        return type(obj).__name__ == cls.__name__

    @classmethod
    @by_class
    def resolve_type(cls, obj: Any, *_: Any) -> str:
        return type(obj).__name__


@strawberry.type
class Cat(Pet):
    lives: int
    hunts: list[PetReference | None] | None


@strawberry.type
class Dog(Pet):
    barks: bool | None


@strawberry.type
class Fish:
    """A type that is recognized by its value, which compiled code does not support."""

    depth: float | None

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        return getattr(obj, "depth", None) != 0


def add(root: Any, to: int, twice: bool | None = None, colour: Colour | None = strawberry.UNSET) -> str:
    """Returns its arguments as received, and a value of the row. Refuses 3."""
    if to == 3:
        raise ValueError("not 3")
    return f"{root.id} {to} {twice} {colour!r}"


def named(info: strawberry.Info[Any, Any]) -> str:
    return f"{info.field_name} at {info.path.as_list()}"


def inner(self: Any, deep: bool = False) -> Any:
    return self.toy if deep else self.other


async def later(root: Any) -> str:
    return root.id


async def met(root: Any, info: strawberry.Info[Any, Any], deep: bool = False) -> Any:
    """Returns what a resolver learns from `info`: the operation's variables and the field's name."""
    return root.toy if deep or (info.variable_values.get("a") and info.field_name == "met") else None


def handed(self: Any, info: strawberry.Info[Any, Any]) -> Any:
    return self.toy


def spoken(root: Any) -> str:
    return gettext("Reply")


@strawberry.input
class Size:
    width: int


def sized(root: Any, size: Size) -> str:
    return f"{root.id} {size.width}"


class Loud(FieldExtension):
    def resolve(self, next_: Callable[..., Any], source: Any, info: strawberry.Info[Any, Any], **kwargs: Any) -> Any:
        return f"{next_(source, info, **kwargs)}!"


def _computed(resolver: Any, graphql_type: Any) -> Any:
    return strawberry.field(resolver, graphql_type=graphql_type)


@strawberry.type
class Toy:
    id: strawberry.ID
    count: int
    ratio: float | None
    text: str | None
    flag: bool
    at: datetime | None
    price: Decimal
    colour: Colour
    shape: Shape | None
    toy: ToyReference | None
    other: ToyReference
    pet: Pet | None
    pets: list[Pet]
    fish: Fish | None
    either: Annotated[Cat | Dog, strawberry.union("Either")] | None
    texts: list[str] | None
    numbers: list[list[int | None]]
    days: list[datetime | None] | None
    colours: list[Colour]
    grid: list[list[ToyReference] | None] | None
    add = _computed(add, str)
    named = _computed(named, str)
    later = _computed(later, str)
    sized = _computed(sized, str)
    spoken = _computed(spoken, str)
    loud: str = strawberry.field(extensions=[Loud()])
    inner = _computed(inner, Optional[ToyReference])  # noqa: UP045
    met = _computed(met, Optional[ToyReference])  # noqa: UP045
    handed = _computed(handed, ToyReference)


@strawberry.type
class Query:
    toy: Toy | None
    toys: list[Toy | None] | None
    pet: Pet
    met = _computed(met, Optional[Toy])  # noqa: UP045
    handed = _computed(handed, Optional[Toy])  # noqa: UP045


_SCHEMA = strawberry.Schema(Query, types=[Cat, Dog], config=StrawberryConfig(scalar_map=SCALARS))
SCHEMA: GraphQLSchema = _SCHEMA._schema


def _plain() -> GraphQLSchema:
    """Returns the same types without Strawberry, with fields that graphql-core reads itself."""
    schema = build_schema(_SCHEMA.as_str())
    types: Any = schema.type_map
    for name in ("Pet", "Either"):
        types[name].resolve_type = Pet.resolve_type
    for each in (Cat, Dog, Fish):
        types[each.__name__].is_type_of = each.is_type_of
    return schema


PLAIN = _plain()


class Later:
    """An awaitable that can be awaited many times."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __await__(self) -> Iterator[Any]:
        return self.value
        yield

    def __repr__(self) -> str:
        return "later"


class Odd:
    """A value that fits no type."""

    def __repr__(self) -> str:
        return "odd"


class Text(str):
    __slots__ = ()


class Broken(Exception):
    pass


@dataclass
class Raised:
    """Marks an attribute that raises when it is read."""

    error: Exception


COMPUTED = {"add", "named", "later", "sized", "inner", "met", "handed"}


class Reads:
    """A descriptor for an attribute of a row, which may raise."""

    def __set_name__(self, _owner: type, name: str) -> None:
        self.name = name

    def __get__(self, row: Any, _owner: type) -> Any:
        value = row.values[self.name]
        if isinstance(value, Raised):
            raise value.error
        return value


class Row:
    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    def __repr__(self) -> str:
        return type(self).__name__


def _row_class(object_type: Any) -> type:
    """Returns a class of rows with this name. Its attributes are the fields without a resolver."""
    read: dict[str, Any] = {name: Reads() for name in object_type.fields if name not in COMPUTED}
    return type(object_type.name, (Row,), read)


ROWS: dict[str, type] = {name: _row_class(SCHEMA.type_map[name]) for name in ("Query", "Toy", "Cat", "Dog", "Fish")}

_GOOD: dict[str, Callable[[random.Random], Any]] = {
    "Int": lambda luck: luck.choice([0, -5, 2**31 - 1]),
    "Float": lambda luck: luck.choice([0.5, 3, 1e300]),
    "String": lambda luck: luck.choice(["", "text", "ünï"]),
    "ID": lambda luck: luck.choice(["id", "7"]),
    "Boolean": lambda luck: luck.choice([True, False]),
    "DateTime": lambda luck: datetime(2026, 1, luck.randint(1, 28), tzinfo=UTC),
    "Decimal": lambda luck: Decimal(luck.choice(["1.50", "-3"])),
    "Colour": lambda luck: luck.choice(list(Colour)),
    "Shape": lambda luck: luck.choice(list(Shape)),
}


def _broken(luck: random.Random, value: Any) -> Any:
    return luck.choice(
        [
            lambda: None,
            lambda: Broken("returned"),
            lambda: Raised(Broken("raised")),
            lambda: Later(value),
            lambda: Later(None),
            lambda: Raised(AttributeError("nothing")),
            Odd,
            lambda: [value],
            lambda: (value, value),
            lambda: (each for each in [value]),
            lambda: {"id": value},
            lambda: 2**40,
            lambda: True,
            lambda: float("nan"),
            lambda: Text("text"),
            lambda: "red",
        ]
    )()


def _value(luck: random.Random, faults: float, output: Any, depth: int) -> Any:
    """Returns a value of this type, or sometimes a value of another type."""
    inner = output.of_type if is_non_null_type(output) else output
    if inner is output and (luck.random() < 0.15 or depth > 3):
        return None
    if is_list_type(inner):
        length = 0 if depth > 2 else luck.randint(0, 2)
        value: Any = [_value(luck, faults, inner.of_type, depth + 1) for _ in range(length)]
        value = [None if isinstance(each, Raised) else each for each in value]
    elif is_leaf_type(inner):
        value = _GOOD[inner.name](luck)
    else:
        name = luck.choice(["Cat", "Dog"]) if is_abstract_type(inner) else f"{inner}"
        value = ROWS[name](_Drawn(name, luck.random(), faults, depth + 1)) if depth < 5 else None
    return _broken(luck, value) if luck.random() < faults else value


class _Drawn(dict[str, Any]):
    """The values of a row, each drawn when it is first read: a tree of all of them takes a fifth of a second."""

    def __init__(self, name: str, seed: float, faults: float, depth: int) -> None:
        self.fields: Any = SCHEMA.type_map[name]
        self.seed, self.faults, self.depth = seed, faults, depth

    def __missing__(self, name: str) -> Any:
        luck = random.Random(f"{self.seed} {name}")  # noqa: S311
        value = self[name] = _value(luck, self.faults, self.fields.fields[name].type, self.depth)
        return value


def rows(seed: int, faults: float) -> Any:
    """Returns a root with rows below it; the same for the same seed."""
    return ROWS["Query"](_Drawn("Query", seed, faults, 0))


@dataclass
class _Writing:
    """A document under construction."""

    draw: Callable[[st.SearchStrategy[Any]], Any]
    fragments: list[str] = field(default_factory=list[str])
    left: int = 40

    def directives(self) -> str:
        return self.draw(
            st.sampled_from(
                [""] * 6
                + [" @skip(if: $a)", " @include(if: $a)", " @include(if: $b)", " @skip(if: false)", " @skip(if: true)"]
                + [" @skip(if: $a) @include(if: $b)"]
            )
        )

    def arguments(self, name: str) -> str:
        if name == "add":
            to = self.draw(st.sampled_from(["1", "$n"] * 5 + ["3", "3", "null"]))
            more = self.draw(
                st.sampled_from(["", ", twice: $a", ", twice: null", ", colour: RED", ", colour: $colour"])
            )
            return f"(to: {to}{more})"
        if name == "sized":
            return self.draw(st.sampled_from(["(size: {width: 1})", "(size: {width: $n})", ""]))
        return self.draw(st.sampled_from(["", "(deep: true)", "(deep: $a)"])) if name in ("inner", "met") else ""

    def selections(self, parent: Any, depth: int) -> str:
        parts = ["__typename"] if self.draw(st.booleans()) else []
        fields = getattr(parent, "fields", {})
        for _ in range(self.draw(st.integers(1, 5))):
            self.left -= 1
            kind = self.draw(st.integers(0, 9))
            if kind == 0 and depth < 5 and self.left > 0:
                condition = self.draw(st.sampled_from(self.conditions(parent)))
                below = self.selections(SCHEMA.type_map[condition], depth + 1)
                parts.append(f"... on {condition}{self.directives()} {below}")
            elif kind == 1 and depth < 5 and self.left > 0:
                condition = self.draw(st.sampled_from(self.conditions(parent)))
                below = self.selections(SCHEMA.type_map[condition], depth + 1)
                self.fragments.append(f"fragment F{len(self.fragments)} on {condition} {below}")
                parts.append(f"...F{len(self.fragments) - 1}{self.directives()}")
            elif fields:
                parts.append(self.field(fields, depth))
        return f"{{ {' '.join(parts) or '__typename'} }}"

    def field(self, fields: Any, depth: int) -> str:
        possible = [
            name
            for name, of in fields.items()
            if is_leaf_type(get_named_type(of.type)) or (depth < 5 and self.left > 0)
        ]
        left = {"fish", "named", "later", "sized", "loud"}  # to graphql-core, and so is the operation that selects them
        if depth > 1:
            left |= {"met", "handed"}
        if self.draw(st.integers(0, 7)):
            possible = [name for name in possible if name not in left]
            possible += 3 * [name for name in possible if name in ("add", "inner", "met", "handed")]
        name = self.draw(st.sampled_from(possible or ["__typename"]))
        if name == "__typename":
            return name
        named: Any = get_named_type(fields[name].type)
        arguments = self.arguments(name)
        below = "" if is_leaf_type(named) else f" {self.selections(named, depth + 1)}"
        return f"{self.alias(name, arguments)}{name}{arguments}{self.directives()}{below}"

    def alias(self, name: str, arguments: str) -> str:
        """Mostly gives the same name to the same field with the same arguments only, so that the document is valid."""
        alias = self.draw(st.sampled_from(["", "", "", "x", "y"]))
        if self.draw(st.integers(0, 49)):
            alias = re.sub(r"\W+", "_", f"{alias}_{name}{arguments}") if alias or arguments else ""
        return f"{alias}: " if alias else ""

    def conditions(self, parent: Any) -> list[str]:
        if isinstance(parent, GraphQLObjectType):
            return [parent.name, *(each.name for each in parent.interfaces)]
        return [parent.name, *(each.name for each in SCHEMA.get_possible_types(parent))]


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Yields operations over all fields, with fragments, aliases, conditions and arguments. Some are not valid."""
    writing = _Writing(draw)
    text = " ".join([writing.selections(SCHEMA.query_type, 0), *writing.fragments])
    used = ", ".join(of for name, of in DECLARED.items() if re.search(rf"\${name}\b", text))
    return f"query ({used}) {text}" if used else text


DECLARED = {"a": "$a: Boolean! = false", "b": "$b: Boolean!", "n": "$n: Int! = 2", "colour": "$colour: Colour"}
VARIABLES = st.fixed_dictionaries(
    {"b": st.booleans()},
    optional={"a": st.booleans(), "n": st.integers(1, 4), "colour": st.sampled_from([None, "RED", "GREEN"])},
)
