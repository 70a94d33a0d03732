"""The arguments that resolvers are given: converted as by Strawberry, with what there is to find out about their types
found out once for a field, and not at each value."""

# pyright: reportPrivateUsage=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from collections.abc import Callable, Mapping
from dataclasses import MISSING
from functools import cached_property, partial
from typing import Any

from graphql import FieldNode, GraphQLField, get_argument_values
from graphql.execution.values import VariableValues
from strawberry.relay import GlobalID
from strawberry.types.arguments import _is_leaf_type, convert_argument
from strawberry.types.base import (
    StrawberryList,
    StrawberryMaybe,
    StrawberryOptional,
    has_object_definition,
)
from strawberry.types.enum import has_enum_definition
from strawberry.types.field import StrawberryField
from strawberry.types.unset import UNSET

Convert = Callable[[Any], Any]


class Impure(Exception):
    """A selection holds what is left to graphql-core and Strawberry."""


class Arguments:
    """Of the field at one place of a document."""

    def __init__(self, schema: Any, definition: GraphQLField, node: FieldNode, field: StrawberryField) -> None:
        self.definition, self.node = definition, node
        types = _Types(schema._strawberry_schema)
        name = types.config.name_converter.from_argument
        self.named = [(name(each), each.python_name, types.converter(each.type)) for each in field.arguments]

    def given(self, variables: VariableValues) -> dict[str, Any]:
        """Raises whatever graphql-core and Strawberry raise for values that do not fit; Impure where an object makes
        itself of them, which may ask for more than we have here."""
        values = get_argument_values(self.definition, self.node, variables)
        return {name: convert(values[shown]) for shown, name, convert in self.named if shown in values}


class _Types:
    def __init__(self, schema: Any) -> None:
        self.config: Any = schema.config
        self.scalars: Mapping[object, Any] = schema.schema_converter.scalar_registry

    def converter(self, kind: Any) -> Convert:
        if isinstance(kind, StrawberryMaybe):
            return self._as_strawberry(kind)
        if isinstance(kind, StrawberryOptional):
            return self.converter(kind.of_type)
        if isinstance(kind, StrawberryList):
            each = self.converter(kind.of_type)
            return lambda value: value if value is None or value is UNSET else [each(one) for one in value]
        if has_enum_definition(kind) or (_is_leaf_type(kind, self.scalars) and kind is not GlobalID):
            return lambda value: value
        if has_object_definition(kind):
            if kind.__strawberry_definition__.from_input is not None:
                raise Impure
            return _Object(self, kind)
        return self._as_strawberry(kind)

    def _as_strawberry(self, kind: Any) -> Convert:
        return partial(convert_argument, type_=kind, scalar_registry=self.scalars, config=self.config)


class _Object:
    """Makes an input object."""

    def __init__(self, types: _Types, kind: Any) -> None:
        self.types, self.kind = types, kind
        self.definition: Any = kind.__strawberry_definition__
        required = [each for each in self.definition.fields if each.default_value is each.default_factory is MISSING]
        self.absent = {each.python_name: None for each in required} if self.definition.is_input else {}

    @cached_property
    def fields(self) -> list[tuple[str, str, Convert]]:
        """Found when the first is made: an object may hold others of its type."""
        name = self.types.config.name_converter.from_field
        return [
            (name(each), each.python_name, self.types.converter(each.resolve_type(type_definition=self.definition)))
            for each in self.definition.fields
        ]

    def __call__(self, value: Any) -> Any:
        if value is None or value is UNSET:
            return value
        given = {name: convert(value[shown]) for shown, name, convert in self.fields if shown in value}
        return self.kind(**(self.absent | given))
