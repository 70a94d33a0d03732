"""How long the lists of the schema are, as the measuring of documents counts them. A list that is a page, or as long as
a list that is given, is as long as was asked for; any other has a size that is declared at its field, or the usual one.

    orders: list[Order] = strawberry.field(metadata=AS_ASKED)       as many as the field above it is asked for
    evidence: list[Attachment] = strawberry.field(metadata=sized(20))
    record_orders = resolved(…, asks=("input", "orders"))           an argument that says how many are asked for

A field that takes more than others, to make or to send, weighs more than one:

    url: str = strawberry.field(metadata=weighing(10))
"""

from collections.abc import Mapping
from typing import Any

from graphql import GraphQLField
from strawberry.schema.schema_converter import GraphQLCoreConverter

from resolvers.read.pagination import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE

USUAL_SIZE = 10  # of a list without a declaration
ARGUMENTS = (("first",), ("last",), ("ids",))  # that say how many are asked for, wherever a field takes them

_SIZE, _ASKS, _WEIGHT = "size", "asks", "weight"
AS_ASKED: Mapping[Any, Any] = {_SIZE: None}

# Nobody declares what the language itself has; lists of other names are taken for lists of one.
_INTROSPECTION = {"types": 50, "fields": 3, "enumValues": 2}


def sized(size: int) -> Mapping[Any, Any]:
    """The metadata of a list's field: a size of which ten times as much is not exceeded."""
    return {_SIZE: size}


def weighing(weight: int) -> Mapping[Any, Any]:
    """The metadata of a field that counts like so many."""
    return {_WEIGHT: weight}


LONG_TEXT, SHORT_TEXT = weighing(4), weighing(2)  # a field for each thousand characters that people may write


def asking(*path: str) -> Mapping[Any, Any]:
    """The metadata of a field of which this argument, or field of an argument, says how many are asked for."""
    return {_ASKS: path}


def _declared(definition: GraphQLField) -> Mapping[Any, Any]:
    field = definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    return getattr(field, "metadata", None) or {}


def size_of(name: str, definition: GraphQLField) -> int | None:
    """Of a list that no argument sizes. None where it is as long as was asked for at the field above it."""
    if GraphQLCoreConverter.DEFINITION_BACKREF not in definition.extensions:
        return _INTROSPECTION.get(name, 1)
    return _declared(definition).get(_SIZE, USUAL_SIZE)


def weight_of(definition: GraphQLField) -> int:
    return _declared(definition).get(_WEIGHT, 1)


def paths_of(definition: GraphQLField) -> list[tuple[str, ...]]:
    """The arguments of a field that say how many are asked for."""
    own = _declared(definition).get(_ASKS)
    return [path for path in (*ARGUMENTS, *([own] if own else [])) if path[0] in definition.args]


def usual_for(definition: GraphQLField) -> int:
    """How many are asked for where nothing says so."""
    return DEFAULT_PAGE_SIZE if "first" in definition.args else 0


def number(value: object) -> int | None:
    """How many are asked for by a value, coerced or not: a number of entries of a page, or a list."""
    if isinstance(value, list | tuple):
        return len(value)  # pyright: ignore[reportUnknownArgumentType]
    return max(0, min(value, MAX_PAGE_SIZE)) if isinstance(value, int) else None
