"""What a request asks for below a field, so that a list can read all of it at once."""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import strawberry
from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLAbstractType,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSkipDirective,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
    get_argument_values,
    get_directive_values,
    is_abstract_type,
)
from graphql.execution.values import VariableValues


@dataclass(slots=True)
class Asked:
    """A field with its arguments; everything that is asked below it under any alias."""

    name: str
    arguments: dict[str, Any]
    below: "Selection"


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
    def below(cls, info: strawberry.Info[Any, Any]) -> "Selection":
        """What is asked below the field that is being resolved."""
        raw: GraphQLResolveInfo[Any] = info._raw_info  # pyright: ignore[reportPrivateUsage, reportUnknownMemberType, reportUnknownVariableType]
        return cls(raw, [node.selection_set for node in raw.field_nodes if node.selection_set])

    def on(self, type_name: str, wanted: Container[str] | None = None) -> list[Asked]:
        """The fields asked of an object of this type, once for each place that asks; only those of the `wanted` names,
        where they are given."""
        object_type = self.info.schema.type_map[type_name]
        assert isinstance(object_type, GraphQLObjectType)
        asked: list[Asked] = []
        for node in self._fields(self.sets, object_type):
            name = node.name.value
            if wanted is not None and name not in wanted:
                continue
            definition = object_type.fields.get(name)
            if definition is None:  # __typename
                continue
            arguments: dict[str, Any] = {}
            if definition.args:
                arguments = get_argument_values(definition, node, self.variables)
            below = [node.selection_set] if node.selection_set else []
            asked.append(Asked(name, arguments, Selection(self.info, below)))
        return asked

    def field(self, type_name: str, name: str) -> "Selection":
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
        return Asked(name, {}, self)

    def _fields(self, sets: Iterable[SelectionSetNode], object_type: GraphQLObjectType) -> Iterator[FieldNode]:
        for selection_set in sets:
            for node in filter(self._included, selection_set.selections):
                if isinstance(node, FieldNode):
                    yield node
                elif isinstance(node, InlineFragmentNode):
                    condition = node.type_condition
                    if condition is None or self._matches(condition.name.value, object_type):
                        yield from self._fields([node.selection_set], object_type)
                elif isinstance(node, FragmentSpreadNode):
                    fragment = self.info.fragments[node.name.value]
                    if self._matches(fragment.type_condition.name.value, object_type):
                        yield from self._fields([fragment.selection_set], object_type)

    def _matches(self, condition: str, object_type: GraphQLObjectType) -> bool:
        if condition == object_type.name:
            return True
        named = self.info.schema.type_map[condition]
        if not is_abstract_type(named):
            return False
        abstract: GraphQLAbstractType = named
        return self.info.schema.is_sub_type(abstract, object_type)

    def _included(self, node: SelectionNode) -> bool:
        if not node.directives:
            return True
        value = partial(get_directive_values, node=node, variable_values=self.variables)
        skip, include = value(GraphQLSkipDirective), value(GraphQLIncludeDirective)
        return not (skip and skip["if"]) and not (include and not include["if"])
