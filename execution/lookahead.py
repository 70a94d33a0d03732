"""Look-ahead: what a request selects below the field that is being resolved, so that one statement can read all of it.

    query($n: Int) { viewer { orders(first: 20) { edges { node { ...F timeline(first: $n) { edges { cursor } } } } } } }
    fragment F on Order { supplier { name } }

In the resolver of `orders`:

    orders = Selection.of(info).field("edges", "node")       the selection below each order, however it is written
    orders.occurrences("Order")                              [FieldOccurrence("supplier"), FieldOccurrence("timeline")]
    occurrence.selected_field(info)                          SelectedField("timeline", {"first": 5}, Selection(...))

An occurrence is the same for all requests with this operation: one place in the document that asks for a field, with
fragments, @skip and @include resolved. It is found once and cached. A selected field belongs to one request: it has
the values of arguments that come from variables. One field can have several occurrences, by aliases and fragments.

Everything computed from an operation is kept in its `cache`, once for each combination of the values of @skip and
@include. Plans of reading (resolvers.read.plan) are kept there as well.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar, cast

import strawberry
from graphql import (
    ExecutableDefinitionNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLAbstractType,
    GraphQLField,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSkipDirective,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    Undefined,
    VariableNode,
    get_argument_values,
    get_directive_values,
    get_named_type,
    is_abstract_type,
)
from graphql.execution.values import VariableValues

from execution.lru import DOCUMENT_CHARACTERS, LRUCache, document_weight

V = TypeVar("V")

MAX_COMBINATIONS = 10  # of the values of an operation's conditions
MAX_CACHED = 500  # values for one combination; arguments from variables may combine occurrences in many ways


def variables_in(*parts: Any) -> Iterator[str]:
    """Yields the variables in these values."""
    pending = list(parts)
    while pending:
        part = pending.pop()
        if isinstance(part, VariableNode):
            yield part.name.value
        pending += getattr(part, "values", ())
        pending += (field.value for field in getattr(part, "fields", ()))


def conditions_in(*sets: SelectionSetNode) -> list[str]:
    """Returns the variables in arguments of directives, sorted."""
    names: set[str] = set()
    pending = [node for selection_set in sets for node in selection_set.selections]
    while pending:
        node = pending.pop()
        for directive in node.directives or ():
            names |= set(variables_in(*(argument.value for argument in directive.arguments or ())))
        below: SelectionSetNode | None = getattr(node, "selection_set", None)
        pending += below.selections if below else ()
    return sorted(names)


@dataclass(slots=True)
class SelectedField:
    """A field as one request selects it: its arguments, and the selection below it."""

    name: str
    arguments: dict[str, Any]
    selection: Selection


@dataclass(slots=True)
class FieldOccurrence:
    """A place in a document that asks for a field, and the selection sets below it. `constants` are its arguments; None
    if they depend on variables, and follow from the field and the node in `varying`."""

    name: str
    selection_sets: list[SelectionSetNode]
    constants: dict[str, Any] | None
    varying: tuple[GraphQLField, FieldNode] | None = None
    type: Any = None  # the GraphQL type of the field

    def selected_field(self, info: GraphQLResolveInfo[Any]) -> SelectedField:
        selection, arguments = Selection(info, self.selection_sets, self.type), self.constants
        if arguments is None:
            assert self.varying is not None
            arguments = get_argument_values(*self.varying, selection.variables)
        return SelectedField(self.name, arguments, selection)


class ByConditions(Generic[V]):
    """Keeps a value for each combination of the values of an operation's conditions."""

    def __init__(self, parts: Iterable[ExecutableDefinitionNode], create: Callable[[], V]) -> None:
        """`parts` are the operation and its fragments. They are kept alive, so that caches can identify nodes by id."""
        self.parts = tuple(parts)
        self.conditions = conditions_in(*(part.selection_set for part in self.parts))
        self.create = create
        self.values: LRUCache[tuple[Any, ...], V] = LRUCache(MAX_COMBINATIONS)
        self.unconditional = None if self.conditions else create()

    def get(self, variables: Mapping[str, Any]) -> V:
        """Raises TypeError if a condition is a list or an object, which no valid document has."""
        if self.unconditional is not None:
            return self.unconditional
        key = tuple([variables.get(name, Undefined) for name in self.conditions])
        return self.values.get_or_create(key, lambda: (self.create(), 1))

    def all(self) -> list[V]:
        if self.unconditional is not None:
            return [self.unconditional]
        return [value for value, _ in self.values.values()]


def operation_weight(operation: OperationDefinitionNode) -> int:
    return document_weight(len(operation.loc.source.body) if operation.loc else 0)


# By the operation's id. It belongs to the process, not to an application, because resolvers reach it by `info` alone.
_caches: LRUCache[int, ByConditions[dict[Hashable, Any]]] = LRUCache(DOCUMENT_CHARACTERS)


@dataclass(slots=True)
class Selection:
    """What a request selects below a field. `type` is the field's type, where the selection is below one field."""

    info: GraphQLResolveInfo[Any]
    selection_sets: list[SelectionSetNode] = field(default_factory=list[SelectionSetNode])
    type: Any = None

    @property
    def variables(self) -> VariableValues:
        """The variables. Strawberry's `info` has only their values; graphql-core's functions need their sources too."""
        values: Any = self.info.variable_values
        return values if isinstance(values, VariableValues) else VariableValues({}, values)

    @classmethod
    def of(cls, info: strawberry.Info[Any, Any]) -> Selection:
        """Returns the selection below the field that is being resolved."""
        raw: GraphQLResolveInfo[Any] = info._raw_info  # pyright: ignore[reportPrivateUsage, reportUnknownMemberType, reportUnknownVariableType]
        sets = [node.selection_set for node in raw.field_nodes if node.selection_set]
        return cls(raw, sets, cast("Any", raw).return_type)

    @property
    def cache(self) -> dict[Hashable, Any]:
        """A cache for values computed from the operation and its conditions. Its keys may contain the ids of parts of
        the schema, of row classes and of nodes of the operation."""
        info = self.info

        def create() -> tuple[ByConditions[dict[Hashable, Any]], int]:
            parts = [info.operation, *info.fragments.values()]
            return ByConditions(parts, dict), operation_weight(info.operation)

        cache = _caches.get_or_create(id(info.operation), create).get(self.variables.coerced)
        if len(cache) > MAX_CACHED:
            cache.clear()
        return cache

    def occurrences(
        self, type_name: str, names: Mapping[str, Any] | tuple[str, ...] | None = None
    ) -> list[FieldOccurrence]:
        """Returns the occurrences of fields of an object of this type; only those of `names`, if given. The list is
        cached; do not change it."""
        object_type = self.info.schema.type_map[type_name]
        assert isinstance(object_type, GraphQLObjectType)
        cache = self.cache
        key = (id(object_type), names if isinstance(names, tuple) else id(names), *map(id, self.selection_sets))
        occurrences = cache.get(key)
        if occurrences is None:
            occurrences = cache[key] = list(self._occurrences(object_type, names))
        return occurrences

    def _occurrences(
        self, object_type: GraphQLObjectType, names: Mapping[str, Any] | tuple[str, ...] | None
    ) -> Iterator[FieldOccurrence]:
        for node in self._fields(self.selection_sets, object_type):
            name = node.name.value
            definition = object_type.fields.get(name)
            if definition is None or (names is not None and name not in names):  # None for __typename
                continue
            sets = [node.selection_set] if node.selection_set else []
            if any(variables_in(*(argument.value for argument in node.arguments or ()))):
                yield FieldOccurrence(name, sets, None, (definition, node), definition.type)
            else:
                constants = get_argument_values(definition, node, self.variables)
                yield FieldOccurrence(name, sets, constants, type=definition.type)

    def field(self, *names: str) -> Selection:
        """Returns the selection below a path of fields: `field("edges", "node")`. The schema has the fields' types."""
        selection = self
        for name in names:
            assert selection.type is not None
            object_type = cast("GraphQLObjectType", get_named_type(selection.type))
            occurrences = selection.occurrences(object_type.name, (name,))
            sets = [selection_set for occurrence in occurrences for selection_set in occurrence.selection_sets]
            selection = Selection(self.info, sets, object_type.fields[name].type)
        return selection

    def as_field(self, name: str) -> SelectedField:
        """Returns a field of that name with this selection."""
        return SelectedField(name, {}, Selection(self.info, list(self.selection_sets), self.type))

    def empty_field(self, name: str) -> SelectedField:
        """Returns a field of that name with an empty selection."""
        return SelectedField(name, {}, Selection(self.info))

    def _fields(self, sets: Iterable[SelectionSetNode], object_type: GraphQLObjectType) -> Iterator[FieldNode]:
        for node in (node for selection_set in sets for node in selection_set.selections if self._is_included(node)):
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
        condition_type = self.info.schema.type_map[condition]
        if not is_abstract_type(condition_type):
            return False
        abstract: GraphQLAbstractType = condition_type
        return self.info.schema.is_sub_type(abstract, object_type)

    def _is_included(self, node: SelectionNode) -> bool:
        if not node.directives:
            return True
        value = partial(get_directive_values, node=node, variable_values=self.variables)
        skip, include = value(GraphQLSkipDirective), value(GraphQLIncludeDirective)
        return not (skip and skip["if"]) and not (include and not include["if"])
