"""Variables as graphql-core reads them, and arguments as Strawberry converts them, with what there is to find out about
their types found out once for an operation or a field, and not at each value."""

# pyright: reportPrivateUsage=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from collections.abc import Callable, Mapping
from dataclasses import MISSING
from functools import cached_property, partial
from typing import Any

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    VariableDefinitionNode,
    coerce_input_value,
    get_argument_values,
    get_named_type,
    get_variable_values,
    is_input_object_type,
    is_non_null_type,
)
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource, input_is_nested_too_deeply
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


class Variables:
    """Of an operation."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        """Raises GraphQLError for a variable that has no type of input."""
        self.schema, self.definitions = schema, operation.variable_definitions or ()
        self.known = [(each, _nests(each.type)) for each in map(partial(_signature, schema), self.definitions)]

    def read(self, given: dict[str, Any]) -> VariableValues | None:
        """None where they do not fit."""
        try:
            values = self.as_given(given)
        except GraphQLError:
            values = None
        if values is None:
            told = get_variable_values(self.schema, self.definitions, given)
            values = None if isinstance(told, list) else told
        return values

    def as_given(self, given: Mapping[str, Any]) -> VariableValues | None:
        """None where there is more to tell: of a default, or of what does not fit. Raises GraphQLError as objects do
        that check themselves."""
        sources: dict[str, VariableValueSource] = {}
        coerced: dict[str, Any] = {}
        for signature, nests in self.known:
            name, kind, value = signature.name, signature.type, given.get(signature.name, Undefined)
            sources[name] = VariableValueSource(signature, value)
            if value is not Undefined:
                is_too_deep = nests and input_is_nested_too_deeply(value, kind)
                value = Undefined if is_too_deep else coerce_input_value(value, kind)
                if value is Undefined:
                    return None
                coerced[name] = value
            elif signature.default or is_non_null_type(kind):
                return None
        return VariableValues(sources, coerced)


def _signature(schema: GraphQLSchema, definition: VariableDefinitionNode) -> GraphQLVariableSignature:
    signature = get_variable_signature(schema, definition)
    if isinstance(signature, GraphQLError):
        raise signature
    return signature


def _nests(kind: Any, *within: Any) -> bool:
    """Whether a value of this type may hold others of it, as deep as somebody likes."""
    named = get_named_type(kind)
    if not is_input_object_type(named):
        return False
    return named in within or any(_nests(each.type, named, *within) for each in named.fields.values())


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
