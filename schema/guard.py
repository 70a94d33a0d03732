"""Which documents are affordable: measured before anything else is done with them, in one walk over each part."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

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
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
)

from resolvers.limits import Limits
from resolvers.page import LARGEST, USUAL

SIZES = ("first", "last", "ids")  # the arguments that say how much

_BRACKETS = re.compile(r"[{}()\[\]]")


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
    introspects: bool = False

    def __add__(self, other: "Measure") -> "Measure":
        return Measure(
            max(self.depth, other.depth),
            self.fields + other.fields,
            self.aliases + other.aliases,
            self.directives + other.directives,
            self.cost + other.cost,
            self.introspects or other.introspects,
        )


class _Walk:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode, sizes: Mapping[str, int]) -> None:
        self.schema = schema
        self.sizes = sizes
        self.fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self.measured: dict[str, Measure] = {}
        self.level = 0

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
        definition: Any = getattr(parent, "fields", {}).get(name)
        below = Measure()
        if node.selection_set is not None:
            inner = cast("GraphQLNamedType", get_named_type(definition.type)) if definition is not None else None
            below = self.selections(node.selection_set, inner)
        introspects = name in ("__schema", "__type")
        size = self.size(node, definition) if definition is not None else 1
        return Measure(
            depth=0 if introspects else below.depth + 1,
            fields=below.fields + 1,
            aliases=below.aliases + (node.alias is not None),
            directives=below.directives,
            cost=1 + size * below.cost,
            introspects=below.introspects or introspects,
        )

    def size(self, node: FieldNode, definition: Any) -> int:
        """How many entries are asked for."""
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        if "first" in definition.args:
            sizes = [self.number(given[name]) for name in ("first", "last") if name in given]
            return max(0, min(next((size for size in sizes if size is not None), USUAL), LARGEST))
        return max(1, self.number(given["ids"]) or 0) if "ids" in given else 1

    def number(self, value: ValueNode) -> int | None:
        """A number, or the length of a list."""
        if isinstance(value, VariableNode):
            return self.sizes.get(value.name.value)
        if isinstance(value, IntValueNode):
            return int(value.value) if len(value.value) < 10 else LARGEST
        return len(value.values) if isinstance(value, ListValueNode) else None


def sizing(document: DocumentNode) -> frozenset[str]:
    """The variables that say how much is asked for."""
    found: set[str] = set()

    def look(selection_set: SelectionSetNode) -> None:
        for node in selection_set.selections:
            for argument in getattr(node, "arguments", None) or ():
                if argument.name.value in SIZES and isinstance(argument.value, VariableNode):
                    found.add(argument.value.name.value)
            if (below := getattr(node, "selection_set", None)) is not None:
                look(below)

    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode):
            look(definition.selection_set)
    return frozenset(found)


def measure(schema: GraphQLSchema, document: DocumentNode, operation: str | None, sizes: Mapping[str, int]) -> Measure:
    """The operation that runs; all of them where that is not clear yet. `sizes` are the numbers among the variables,
    and the lengths of lists. Raises TooExpensive."""
    walk = _Walk(schema, document, sizes)
    total = Measure()
    for node in document.definitions:
        named = isinstance(node, OperationDefinitionNode) and operation in (None, node.name and node.name.value)
        if isinstance(node, OperationDefinitionNode) and named:
            total += walk.selections(node.selection_set, schema.get_root_type(node.operation))
            total += Measure(directives=len(node.directives or ()))
    return total


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


def nested_too_deep(text: str | None) -> TooExpensive | None:
    """Told before the text is read at all: reading takes a step down for each bracket."""
    depth = 0
    for bracket in _BRACKETS.findall(text or ""):
        depth += 1 if bracket in "{([" else -1
        if depth > Limits.nesting:
            return TooExpensive(f"This document is nested more than {Limits.nesting} deep.")
    return None
