"""Which documents are affordable: measured before anything else is done with them, in one walk over each part.

The cost of an answer is the number of its fields, some of which weigh more than one, with every list as long as it will
be at most: as its arguments say, with their defaults and with variables as they are coerced, or else as the schema
declares it (execution.sizes).

    viewer { orders(first: 20) { edges { cursor node { items { quantity } } } pageInfo { endCursor } } }
    1        1                   1     + 20 * (1 + 1 + 1 + 10 * 1)            + 1        1
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

from execution.limits import Limits
from execution.sizes import USUAL_SIZE, number, paths_of, size_of, usual_for, weight_of

# A variable, or a field in one, that says how many entries are asked for: ("orders",) or ("input", "orders").
Sizing = tuple[str, ...]

_named: Callable[[Any], Any] = graphql.get_named_type
_is_list: Callable[[Any], bool] = cast("Any", graphql).is_list_type
_nullable: Callable[[Any], Any] = cast("Any", graphql).get_nullable_type


class TooExpensive(GraphQLError):
    def __init__(self, message: str) -> None:
        super().__init__(message, extensions={"code": "TOO_EXPENSIVE"})


@dataclass(frozen=True, slots=True)
class Measure:
    """What a part of a document comes to, with its fragments in their places."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    cost: int = 0
    each: int = 0  # what each entry costs of lists that are as long as is asked for at the field above
    introspects: bool = False

    def __add__(self, other: "Measure") -> "Measure":
        return Measure(
            max(self.depth, other.depth),
            self.fields + other.fields,
            self.aliases + other.aliases,
            self.directives + other.directives,
            self.cost + other.cost,
            self.each + other.each,
            self.introspects or other.introspects,
        )


class _Walk:
    """`sizes` are the numbers and the lengths of lists that variables say; `sizing` is where they were looked for."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, sizes: Mapping[Sizing, int | None]) -> None:
        self.schema, self.document = schema, document
        self.sizes = sizes
        self.sizing: set[Sizing] = set()
        self.fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self.measured: dict[str, Measure] = {}
        self.level = 0

    def operations(self, named: str | None) -> Measure:
        total = Measure()
        for node in self.document.definitions:
            if isinstance(node, OperationDefinitionNode) and named in (None, node.name and node.name.value):
                total += self.selections(node.selection_set, self.schema.get_root_type(node.operation))
                total += Measure(directives=len(node.directives or ()))
        return total

    def selections(self, selection_set: SelectionSetNode, parent: GraphQLNamedType | None) -> Measure:
        self.level += 1
        if self.level > Limits.levels:
            raise TooExpensive(f"Fields and fragments of this document lie more than {Limits.levels} deep.")
        total = Measure()
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
            total += part + Measure(directives=len(node.directives or ()))
        self.level -= 1
        return total

    def fragment(self, name: str) -> Measure:
        """Measured once, however often it is spread. One that holds itself is left to the validation."""
        if name not in self.measured:
            self.measured[name] = Measure()
            if (node := self.fragments.get(name)) is not None:
                inner = self.schema.type_map.get(node.type_condition.name.value)
                self.measured[name] = self.selections(node.selection_set, inner)
        return self.measured[name]

    def field(self, node: FieldNode, parent: GraphQLNamedType | None) -> Measure:
        name = node.name.value
        definition: Any = (
            self.schema.get_field(parent, name) if is_object_type(parent) or is_interface_type(parent) else None
        )
        below = Measure()
        if node.selection_set is not None:
            inner = _named(definition.type) if definition is not None else None
            below = self.selections(node.selection_set, inner)
        introspects = name in ("__schema", "__type")
        weight, (cost, each) = 1, (below.cost, below.each)
        if definition is not None:
            weight, (cost, each) = weight_of(definition), self.cost(node, definition, below)
        return Measure(
            depth=0 if introspects else below.depth + 1,
            fields=below.fields + 1,
            aliases=below.aliases + (node.alias is not None),
            directives=below.directives,
            cost=cost + weight,
            each=each,
            introspects=below.introspects or introspects,
        )

    def cost(self, node: FieldNode, definition: Any, below: Measure) -> tuple[int, int]:
        """Of what is below the field; and of each entry, where it is a list that is as long as was asked for above."""
        asked = self.asked(node, definition)
        if not _is_list(_nullable(definition.type)):
            return below.cost + (USUAL_SIZE if asked is None else asked) * below.each, 0
        entry = below.cost + USUAL_SIZE * below.each if node.selection_set else 1
        size = size_of(node.name.value, definition) if asked is None else asked
        return (0, entry) if size is None else (size * entry, 0)

    def asked(self, node: FieldNode, definition: Any) -> int | None:
        """How many entries the arguments ask for; None where the field has no such arguments."""
        paths = paths_of(definition)
        if not paths:
            return None
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        numbers = [self.number(given.get(path[0]), definition.args[path[0]], path) for path in paths]
        return max((size for size in numbers if size is not None), default=usual_for(definition))

    def number(self, value: ValueNode | None, argument: Any, path: tuple[str, ...]) -> int | None:
        kind = _nullable(argument.type)
        for place, step in enumerate(path[1:], 1):
            if isinstance(value, VariableNode):
                return self.said(value, path[place:])
            fields = value.fields if isinstance(value, ObjectValueNode) else ()
            value = next((field.value for field in fields if field.name.value == step), None)
            kind = _nullable(kind.fields[step].type)
        if value is None:
            return number(argument.default_value) if len(path) == 1 else None
        if isinstance(value, VariableNode):
            said = self.said(value, ())
            return number(argument.default_value) if said is None and len(path) == 1 else said
        if isinstance(value, NullValueNode):
            return None
        if _is_list(kind):
            return len(value.values) if isinstance(value, ListValueNode) else 1
        return number(int(value.value[:10])) if isinstance(value, IntValueNode) else None

    def said(self, variable: VariableNode, path: tuple[str, ...]) -> int | None:
        """By a variable, or by a field in one."""
        sizing = variable.name.value, *path
        self.sizing.add(sizing)
        return self.sizes.get(sizing)


def sizing(schema: GraphQLSchema, document: DocumentNode, operation: str | None) -> list[Sizing]:
    """The variables, and fields in them, that say how much is asked for. Raises TooExpensive."""
    walk = _Walk(schema, document, {})
    walk.operations(operation)
    return sorted(walk.sizing)


def sizes(sizing: Iterable[Sizing], values: Mapping[str, Any]) -> tuple[int | None, ...]:
    """What these say in the coerced values of a request's variables."""
    return tuple([_size(values.get(name), path) for name, *path in sizing])


def _size(value: Any, path: list[str]) -> int | None:
    for step in path:
        value = cast("dict[str, Any]", value).get(step) if isinstance(value, dict) else None
    return number(value)


def measure(
    schema: GraphQLSchema, document: DocumentNode, operation: str | None, sizes: Mapping[Sizing, int | None]
) -> Measure:
    """The operation that runs; all of them where that is not clear yet. Raises TooExpensive."""
    return _Walk(schema, document, sizes).operations(operation)


def refusal(found: Measure, limits: Limits) -> GraphQLError | None:
    if found.introspects and not limits.introspection:
        return GraphQLError("Introspection is off here; the schema is published as a file.")
    for what, amount, most in (
        ("fields deep", found.depth, limits.depth),
        ("fields", found.fields, limits.fields),
        ("aliases", found.aliases, limits.aliases),
        ("directives", found.directives, limits.directives),
    ):
        if amount > most:
            return TooExpensive(f"This document has more than {most:,} {what}, with its fragments in their places.")
    if found.cost > limits.cost:
        return TooExpensive(f"This asks for too much at once: up to {limits.cost:,}. Ask for shorter pages.")
    return None
