"""Variables as graphql-core coerces them, and arguments as Strawberry converts them, with their types resolved once.

graphql-core and Strawberry inspect the types again for each value: the kind of a type, the Python names of its fields,
which fields may be missing. Here, this is done once for an operation (`Variables`) or for a field of a document
(`Arguments`). A request then only calls the functions that were chosen:

    mutation($input: LeaveFeedbackInput!) { leaveFeedback(input: $input) { … } }

    Variables(schema, operation).coerce({"input": {"orderId": "…", "ratings": {"overall": 4}}})
    Arguments(schema, definition, node, field).convert(variables)     {"input": LeaveFeedback(order_id="…", …)}

Unusual cases (a default, an invalid value, a type with its own conversion) are left to graphql-core and Strawberry,
which return the value or raise the error.
"""

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


class NotCompilable(Exception):
    """An operation contains something that only graphql-core and Strawberry execute."""


class Variables:
    """The variables of an operation."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        """Raises GraphQLError for a variable whose type is not an input type."""
        self.schema, self.definitions = schema, operation.variable_definitions or ()
        signatures = map(partial(_signature, schema), self.definitions)
        self.signatures = [(signature, _is_recursive(signature.type)) for signature in signatures]

    def coerce(self, values: dict[str, Any]) -> VariableValues | None:
        """Returns the coerced values; None if a value is not valid."""
        try:
            coerced = self._coerce_plain(values)
        except GraphQLError:  # raised by input types with checks of their own
            coerced = None
        if coerced is None:
            result = get_variable_values(self.schema, self.definitions, values)
            coerced = None if isinstance(result, list) else result
        return coerced

    def _coerce_plain(self, values: Mapping[str, Any]) -> VariableValues | None:
        """Returns None where a default is needed, or a value is not valid."""
        sources: dict[str, VariableValueSource] = {}
        coerced: dict[str, Any] = {}
        for signature, is_recursive in self.signatures:
            name, kind, value = signature.name, signature.type, values.get(signature.name, Undefined)
            sources[name] = VariableValueSource(signature, value)
            if value is not Undefined:
                is_too_deep = is_recursive and input_is_nested_too_deeply(value, kind)
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


def _is_recursive(kind: Any, *outer: Any) -> bool:
    """Whether a value of this type can be nested to any depth."""
    input_type = get_named_type(kind)
    if not is_input_object_type(input_type):
        return False
    return input_type in outer or any(
        _is_recursive(field.type, input_type, *outer) for field in input_type.fields.values()
    )


class Arguments:
    """The arguments of a field at one place of a document."""

    def __init__(self, schema: Any, definition: GraphQLField, node: FieldNode, field: StrawberryField) -> None:
        """Raises NotCompilable for an input type with its own conversion, which may need the request."""
        self.definition, self.node = definition, node
        types = _Types(schema._strawberry_schema)
        name = types.config.name_converter.from_argument
        self.converters = [
            (name(argument), argument.python_name, types.converter(argument.type)) for argument in field.arguments
        ]

    def convert(self, variables: VariableValues) -> dict[str, Any]:
        """Returns the resolver's keyword arguments. Raises graphql-core's or Strawberry's errors if invalid."""
        values = get_argument_values(self.definition, self.node, variables)
        return {python_name: convert(values[name]) for name, python_name, convert in self.converters if name in values}


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
            convert = self.converter(kind.of_type)
            return lambda value: value if value is None or value is UNSET else [convert(item) for item in value]
        if has_enum_definition(kind) or (_is_leaf_type(kind, self.scalars) and kind is not GlobalID):
            return lambda value: value
        if has_object_definition(kind):
            if kind.__strawberry_definition__.from_input is not None:
                raise NotCompilable
            return _Object(self, kind)
        return self._as_strawberry(kind)

    def _as_strawberry(self, kind: Any) -> Convert:
        return partial(convert_argument, type_=kind, scalar_registry=self.scalars, config=self.config)


class _Object:
    """Creates input objects of one type."""

    def __init__(self, types: _Types, kind: Any) -> None:
        self.types, self.kind = types, kind
        self.definition: Any = kind.__strawberry_definition__
        required = [
            field for field in self.definition.fields if field.default_value is field.default_factory is MISSING
        ]
        self.absent = {field.python_name: None for field in required} if self.definition.is_input else {}

    @cached_property
    def fields(self) -> list[tuple[str, str, Convert]]:
        """Resolved when the first object is created, since an object may contain others of its type."""
        name = self.types.config.name_converter.from_field
        return [
            (name(field), field.python_name, self.types.converter(field.resolve_type(type_definition=self.definition)))
            for field in self.definition.fields
        ]

    def __call__(self, value: Any) -> Any:
        if value is None or value is UNSET:
            return value
        present = {python_name: convert(value[name]) for name, python_name, convert in self.fields if name in value}
        return self.kind(**(self.absent | present))
