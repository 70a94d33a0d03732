"""Computes what the answer to a document can cost at most, before the document is validated or executed.

The cost of an answer is the number of its fields, with every list as long as it can be. The length of a list comes from
its arguments (with their defaults, and with variables as they are coerced), or from a declaration in the schema:

    viewer { orders(first: 20) { edges { cursor node { items { quantity } } } pageInfo { endCursor } } }
    1        1                   1     + 20 * (1 + 1 + 1 + 10 * 1)            + 1        1

Here `first` sizes `edges`: 20 entries. Nothing declares a size for `items`, so it counts USUAL_SIZE entries, 10.
Declarations are metadata of Strawberry's fields:

    evidence: list[Attachment] = strawberry.field(metadata=sized(20))      it never has more than 10 × 20 entries
    orders: list[Order] = strawberry.field(metadata=SIZED_BY_PARENT)       sized by the arguments of the field above
    record_orders = resolved(…, sized_by_argument=("input", "orders"))     an argument that holds the list
    url: str = strawberry.field(metadata=weighing(10))                     a field that counts like ten fields

Each fragment is measured once, even if it is spread many times, so the time is linear in the document's length. The
result depends only on variables that size a list. `sizing` finds these variables, and a document is measured once for
each combination of their values.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import graphql
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    is_interface_type,
    is_object_type,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter

from execution.limits import Limits

USUAL_SIZE = 10  # of a list without a declaration
SIZING_ARGUMENTS = (("first",), ("last",), ("ids",))  # they size a list wherever a field takes them

_SIZE, _SIZED_BY, _WEIGHT = "size", "sized_by", "weight"
SIZED_BY_PARENT: Mapping[Any, Any] = {_SIZE: None}

# The lists of introspection cannot be declared; those of other names count as lists of one.
_INTROSPECTION = {"types": 50, "fields": 3, "enumValues": 2}

# A variable, or a field in one, that sizes a list: ("orders",) or ("input", "orders").
Sizing = tuple[str, ...]

_named_type: Callable[[Any], Any] = graphql.get_named_type
_is_list: Callable[[Any], bool] = cast("Any", graphql).is_list_type
_nullable: Callable[[Any], Any] = cast("Any", graphql).get_nullable_type


def sized(size: int) -> Mapping[Any, Any]:
    """Returns the metadata of a list's field. The list never has more than ten times `size` entries."""
    return {_SIZE: size}


def weighing(weight: int) -> Mapping[Any, Any]:
    """Returns the metadata of a field that counts like `weight` fields."""
    return {_WEIGHT: weight}


LONG_TEXT, SHORT_TEXT = weighing(4), weighing(2)  # one for each thousand characters that a text may have


def sized_by(*path: str) -> Mapping[Any, Any]:
    """Returns the metadata of a field whose list is sized by an argument, or by a field in an argument: its path."""
    return {_SIZED_BY: path}


def _declared(definition: GraphQLField) -> Mapping[Any, Any]:
    field = definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    return getattr(field, "metadata", None) or {}


def _size_of(name: str, definition: GraphQLField) -> int | None:
    """Returns the size of a list without a sizing argument; None if the arguments of the field above size it."""
    if GraphQLCoreConverter.DEFINITION_BACKREF not in definition.extensions:
        return _INTROSPECTION.get(name, 1)
    return _declared(definition).get(_SIZE, USUAL_SIZE)


def _sizing_arguments(definition: GraphQLField) -> list[tuple[str, ...]]:
    """Returns the paths of the field's arguments that size its list."""
    own = _declared(definition).get(_SIZED_BY)
    return [path for path in (*SIZING_ARGUMENTS, *([own] if own else [])) if path[0] in definition.args]


class TooExpensive(GraphQLError):
    def __init__(self, message: str) -> None:
        super().__init__(message, extensions={"code": "TOO_EXPENSIVE"})


@dataclass(frozen=True, slots=True)
class Complexity:
    """The measures of a part of a document. A fragment counts everywhere it is spread."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    cost: int = 0
    entry_cost: int = 0  # of one entry of each list that the field above sizes
    introspects: bool = False

    def __add__(self, other: "Complexity") -> "Complexity":
        return Complexity(
            max(self.depth, other.depth),
            self.fields + other.fields,
            self.aliases + other.aliases,
            self.directives + other.directives,
            self.cost + other.cost,
            self.entry_cost + other.entry_cost,
            self.introspects or other.introspects,
        )


class _Walk:
    """Measures a document. `sizes` maps variables to the sizes that they give; `sizing` collects these variables."""

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, limits: Limits, sizes: Mapping[Sizing, int | None]
    ) -> None:
        self.schema, self.document, self.limits = schema, document, limits
        self.sizes = sizes
        self.sizing: set[Sizing] = set()
        self.fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self.measured: dict[str, Complexity] = {}
        self.level = 0

    def operations(self, operation_name: str | None) -> Complexity:
        total = Complexity()
        for node in self.document.definitions:
            if isinstance(node, OperationDefinitionNode) and operation_name in (None, node.name and node.name.value):
                total += self.selections(node.selection_set, self.schema.get_root_type(node.operation))
                total += Complexity(directives=len(node.directives or ()))
        return total

    def selections(self, selection_set: SelectionSetNode, parent: GraphQLNamedType | None) -> Complexity:
        self.level += 1
        if self.level > Limits.levels:
            raise TooExpensive(f"This document nests fields and fragments more than {Limits.levels} levels deep.")
        total = Complexity()
        for node in selection_set.selections:
            if isinstance(node, FieldNode):
                part = self.field(node, parent)
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                narrowed = self.schema.type_map.get(condition.name.value) if condition else parent
                part = self.selections(node.selection_set, narrowed)
            else:
                assert isinstance(node, FragmentSpreadNode)
                part = self.fragment(node.name.value)
            total += part + Complexity(directives=len(node.directives or ()))
        self.level -= 1
        return total

    def fragment(self, name: str) -> Complexity:
        """Returns the complexity of a fragment, measured once. Validation reports a fragment that contains itself."""
        if name not in self.measured:
            self.measured[name] = Complexity()
            if (node := self.fragments.get(name)) is not None:
                inner = self.schema.type_map.get(node.type_condition.name.value)
                self.measured[name] = self.selections(node.selection_set, inner)
        return self.measured[name]

    def field(self, node: FieldNode, parent: GraphQLNamedType | None) -> Complexity:
        name = node.name.value
        definition: Any = (
            self.schema.get_field(parent, name) if is_object_type(parent) or is_interface_type(parent) else None
        )
        below = Complexity()
        if node.selection_set is not None:
            inner = _named_type(definition.type) if definition is not None else None
            below = self.selections(node.selection_set, inner)
        introspects = name in ("__schema", "__type")
        weight, (cost, entry_cost) = 1, (below.cost, below.entry_cost)
        if definition is not None:
            weight, (cost, entry_cost) = _declared(definition).get(_WEIGHT, 1), self.cost(node, definition, below)
        return Complexity(
            depth=0 if introspects else below.depth + 1,
            fields=below.fields + 1,
            aliases=below.aliases + (node.alias is not None),
            directives=below.directives,
            cost=cost + weight,
            entry_cost=entry_cost,
            introspects=below.introspects or introspects,
        )

    def cost(self, node: FieldNode, definition: Any, below: Complexity) -> tuple[int, int]:
        """Returns the cost below the field, and the cost of an entry if it is a list that the field above sizes."""
        size = self.requested_size(node, definition)
        if not _is_list(_nullable(definition.type)):
            return below.cost + (USUAL_SIZE if size is None else size) * below.entry_cost, 0
        entry = below.cost + USUAL_SIZE * below.entry_cost if node.selection_set else 1
        size = _size_of(node.name.value, definition) if size is None else size
        return (0, entry) if size is None else (size * entry, 0)

    def requested_size(self, node: FieldNode, definition: Any) -> int | None:
        """Returns the number of entries that the arguments request; None if the field has no sizing arguments."""
        paths = _sizing_arguments(definition)
        if not paths:
            return None
        arguments = {argument.name.value: argument.value for argument in node.arguments or ()}
        sizes = [self.argument_size(arguments.get(path[0]), definition.args[path[0]], path) for path in paths]
        default = self.limits.default_page_size if "first" in definition.args else 0
        return max((size for size in sizes if size is not None), default=default)

    def argument_size(self, value: ValueNode | None, argument: Any, path: tuple[str, ...]) -> int | None:
        kind = _nullable(argument.type)
        for position, step in enumerate(path[1:], 1):
            if isinstance(value, VariableNode):
                return self.variable_size(value, path[position:])
            fields = value.fields if isinstance(value, ObjectValueNode) else ()
            value = next((field.value for field in fields if field.name.value == step), None)
            kind = _nullable(kind.fields[step].type)
        default = _size(argument.default_value, self.limits) if len(path) == 1 else None
        if value is None:
            return default
        if isinstance(value, VariableNode):
            size = self.variable_size(value, ())
            return default if size is None else size
        if isinstance(value, NullValueNode):
            return None
        if _is_list(kind):
            return len(value.values) if isinstance(value, ListValueNode) else 1
        return _size(int(value.value[:10]), self.limits) if isinstance(value, IntValueNode) else None

    def variable_size(self, variable: VariableNode, path: tuple[str, ...]) -> int | None:
        """Returns the size that a variable, or a field in it, gives."""
        sizing = variable.name.value, *path
        self.sizing.add(sizing)
        return self.sizes.get(sizing)


def sizing(schema: GraphQLSchema, document: DocumentNode, operation: str | None, limits: Limits) -> list[Sizing]:
    """Returns the variables, and the fields in them, that size lists. Raises TooExpensive."""
    walk = _Walk(schema, document, limits, {})
    walk.operations(operation)
    return sorted(walk.sizing)


def sizes(sizing: Iterable[Sizing], values: Mapping[str, Any], limits: Limits) -> tuple[int | None, ...]:
    """Returns the sizes that the coerced variables of a request give."""
    return tuple([_size_at(values.get(name), path, limits) for name, *path in sizing])


def _size_at(value: Any, path: list[str], limits: Limits) -> int | None:
    for step in path:
        value = cast("dict[str, Any]", value).get(step) if isinstance(value, dict) else None
    return _size(value, limits)


def _size(value: object, limits: Limits) -> int | None:
    """Returns the size that a value gives: the number of entries of a page, or the length of a list."""
    if isinstance(value, list | tuple):
        return len(value)  # pyright: ignore[reportUnknownArgumentType]
    return max(0, min(value, limits.max_page_size)) if isinstance(value, int) else None


def measure(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: str | None,
    limits: Limits,
    sizes: Mapping[Sizing, int | None],
) -> Complexity:
    """Returns the complexity of the operation, or of all operations if none is named. Raises TooExpensive."""
    return _Walk(schema, document, limits, sizes).operations(operation)


def limit_error(complexity: Complexity, limits: Limits) -> GraphQLError | None:
    if complexity.introspects and not limits.introspection:
        return GraphQLError("Introspection is disabled. Use the published schema file.")
    for label, amount, limit in (
        ("fields deep", complexity.depth, limits.depth),
        ("fields", complexity.fields, limits.fields),
        ("aliases", complexity.aliases, limits.aliases),
        ("directives", complexity.directives, limits.directives),
    ):
        if amount > limit:
            return TooExpensive(
                f"This document has more than {limit:,} {label}, counting its fragments where they are used."
            )
    if complexity.cost > limits.cost:
        return TooExpensive(f"This document costs more than the limit of {limits.cost:,}. Request shorter pages.")
    return None
