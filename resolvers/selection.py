"""What a request asks for below a field, so that a list can read all of it at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import strawberry
from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLAbstractType,
    GraphQLField,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSkipDirective,
    InlineFragmentNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_argument_values,
    get_directive_values,
    is_abstract_type,
)
from graphql.execution.values import VariableValues

from resolvers.recent import DOCUMENTS, Recent, length


@dataclass(slots=True)
class Asked:
    """A field with its arguments; everything that is asked below it under any alias."""

    name: str
    arguments: dict[str, Any]
    below: Selection


@dataclass(frozen=True, slots=True)
class _Place:
    """One that asks for a field: on `conditions`, the nodes with directives above it and itself, and with `constants`
    for arguments; None where those vary."""

    name: str
    definition: GraphQLField
    node: FieldNode
    conditions: tuple[SelectionNode, ...]
    constants: dict[str, Any] | None


def _varies(value: ValueNode) -> bool:
    """Whether a variable is in it."""
    if isinstance(value, VariableNode):
        return True
    if isinstance(value, ListValueNode):
        return any(map(_varies, value.values))
    return isinstance(value, ObjectValueNode) and any(_varies(field.value) for field in value.fields)


_places: Recent[int, tuple[OperationDefinitionNode, dict[tuple[Any, ...], list[_Place]]]] = Recent(DOCUMENTS)


@dataclass(slots=True)
class Selection:
    info: GraphQLResolveInfo[Any]
    sets: list[SelectionSetNode] = field(default_factory=list[SelectionSetNode])

    @property
    def variables(self) -> VariableValues:
        """Strawberry's executor hands out the values alone; graphql-core's functions want them with their sources."""
        values: Any = self.info.variable_values
        return values if isinstance(values, VariableValues) else VariableValues({}, values)

    @classmethod
    def below(cls, info: strawberry.Info[Any, Any]) -> Selection:
        """What is asked below the field that is being resolved."""
        raw: GraphQLResolveInfo[Any] = info._raw_info  # pyright: ignore[reportPrivateUsage, reportUnknownMemberType, reportUnknownVariableType]
        return cls(raw, [node.selection_set for node in raw.field_nodes if node.selection_set])

    def on(self, type_name: str, wanted: Mapping[str, Any] | tuple[str, ...] | None = None) -> list[Asked]:
        """The fields asked of an object of this type, once for each place that asks; only those of the `wanted` names,
        where they are given."""
        object_type = self.info.schema.type_map[type_name]
        assert isinstance(object_type, GraphQLObjectType)
        key = (id(object_type), wanted if isinstance(wanted, tuple) else id(wanted), *map(id, self.sets))
        # What is told apart by identity is part of the schema, of the rows' types, or of the operation, which is kept.
        operation = self.info.operation
        _, of_operation = _places.get(id(operation), lambda: (operation, {}), weight=length(operation) + 1000)
        places = of_operation.get(key)
        if places is None:
            places = of_operation[key] = self._places(object_type, wanted)
        return [
            Asked(
                place.name,
                get_argument_values(place.definition, place.node, self.variables)
                if place.constants is None
                else place.constants,
                Selection(self.info, [place.node.selection_set] if place.node.selection_set else []),
            )
            for place in places
            if not place.conditions or all(map(self._included, place.conditions))
        ]

    def _places(
        self, object_type: GraphQLObjectType, wanted: Mapping[str, Any] | tuple[str, ...] | None
    ) -> list[_Place]:
        places: list[_Place] = []
        for node, conditions in self._fields(self.sets, object_type, ()):
            name = node.name.value
            definition = object_type.fields.get(name)
            if definition is None or (wanted is not None and name not in wanted):  # None for __typename
                continue
            constants: dict[str, Any] | None = {}
            if definition.args:
                varies = any(_varies(argument.value) for argument in node.arguments or ())
                constants = None if varies else get_argument_values(definition, node, self.variables)
            places.append(_Place(name, definition, node, conditions, constants))
        return places

    def field(self, type_name: str, name: str) -> Selection:
        """What is asked below one field of an object of this type."""
        below = Selection(self.info)
        for asked in self.on(type_name, (name,)):
            below.sets += asked.below.sets
        return below

    def bare(self, name: str) -> Asked:
        """A field with nothing asked below it."""
        return Asked(name, {}, Selection(self.info))

    def as_field(self, name: str) -> Asked:
        """As if all this were asked below a field of that name."""
        return Asked(name, {}, Selection(self.info, list(self.sets)))

    def _fields(
        self, sets: Iterable[SelectionSetNode], object_type: GraphQLObjectType, above: tuple[SelectionNode, ...]
    ) -> Iterator[tuple[FieldNode, tuple[SelectionNode, ...]]]:
        """With each the nodes, itself among them, whose directives say whether it is asked at all."""
        for selection_set in sets:
            for node in selection_set.selections:
                conditions = (*above, node) if node.directives else above
                if isinstance(node, FieldNode):
                    yield node, conditions
                elif isinstance(node, InlineFragmentNode):
                    condition = node.type_condition
                    if condition is None or self._matches(condition.name.value, object_type):
                        yield from self._fields([node.selection_set], object_type, conditions)
                elif isinstance(node, FragmentSpreadNode):
                    fragment = self.info.fragments[node.name.value]
                    if self._matches(fragment.type_condition.name.value, object_type):
                        yield from self._fields([fragment.selection_set], object_type, conditions)

    def _matches(self, condition: str, object_type: GraphQLObjectType) -> bool:
        if condition == object_type.name:
            return True
        named = self.info.schema.type_map[condition]
        if not is_abstract_type(named):
            return False
        abstract: GraphQLAbstractType = named
        return self.info.schema.is_sub_type(abstract, object_type)

    def _included(self, node: SelectionNode) -> bool:
        value = partial(get_directive_values, node=node, variable_values=self.variables)
        skip, include = value(GraphQLSkipDirective), value(GraphQLIncludeDirective)
        return not (skip and skip["if"]) and not (include and not include["if"])
