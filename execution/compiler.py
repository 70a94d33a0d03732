"""Completes what is pure in an answer by code that is compiled for its operation; the rest is left to graphql-core.

A field is pure where its value is there to be read (an attribute of a row, or what a synchronous resolver of
Strawberry's without `info` makes of the row and its arguments) and all that is asked below it is pure as well. An
object or a list of pure fields is completed by functions of generated source, which build dictionaries literally.

They know the answer as it should be, and nothing of errors. Whatever surprises them (an exception, raised or returned;
a null where there may be none; something to await; a value that does not serialize; a class that does not fit) ends
them, and the same value is completed once more by graphql-core, whose result and errors are the answer. So it is
promised that reading an attribute, or calling a resolver as above, twice is like doing it once: what has no `info` has
no request to act on. Also promised is that whether a value can be awaited, or is an exception, is told by its class.

Never compiled here are resolvers that are asynchronous, take `info` (execution.operation calls those) or arguments
other than scalars and enums, or are not Strawberry's; field extensions; types that are not told by the value's class;
directives but @skip and @include; and whole executions with middleware, a field resolver of their own or an abort
signal.

A large answer is completed in turns with whatever else waits (execution.turns). Its functions are the same, but those
that complete a list are coroutines, which complete it piece by piece, and so are those of what a list lies in:

    async def f1(v, x):                       instead of    def f1(v, x):
        r = []                                                  return [f0(i, x) for i in v]
        for b in range(0, len(v), 250):
            p = v[b:b + 250]
            if x.turns.due(len(p) * 8): await x.turns.turn(len(p) * 8)
            r += [f0(i, x) for i in p]
        return r

Short lists below others are completed at once, and counted with what they lie in.
"""

# pyright: reportPrivateUsage=false, reportUnknownMemberType=false, reportMissingTypeArgument=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownParameterType=false

import keyword
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from types import CoroutineType
from typing import Any, TypeVar
from uuid import UUID

from graphql import (
    FieldNode,
    GraphQLBoolean,
    GraphQLField,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLString,
    Undefined,
    default_field_resolver,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution.collect_fields import FieldDetails
from graphql.execution.executor import Executor
from graphql.pyutils import is_awaitable
from strawberry.execution.is_awaitable import optimized_is_awaitable
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.schema_converter import CustomGraphQLEnumType, GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from execution.arguments import Arguments, Impure
from execution.lookahead import Variants, variables_in
from execution.lru import DOCUMENTS, Recent, length
from execution.sizes import USUAL_SIZE
from execution.turns import LARGE, LARGE_UNCOMPILED, PIECE, Turns
from resolvers.telemetry import current

LARGEST = 1000  # fields of a plan, for each type that they may be asked of
SHORT = 20  # entries of a list that is completed at once
CLASSES = 32  # of values at one place

# Nothing of exactly these types is an exception or can be awaited or called.
ATOMS = frozenset({str, int, float, bool, datetime, date, time, timedelta, Decimal, UUID})
_EXACT = {GraphQLString: str, GraphQLID: str, GraphQLBoolean: bool}

F = TypeVar("F", bound=Callable[..., Any])
Group = list[FieldDetails]  # the places of a document that ask for one field
Complete = Callable[[Any, Any], Any]  # what is shown of a value, with the arguments of the fields below it


class Surprise(Exception):
    """A value is not as it should be."""


def by_class(tell: F) -> F:
    """Declares that an `is_type_of` or a `resolve_type` asks for nothing but the value's class."""
    setattr(tell, "by_class", True)  # noqa: B010
    return tell


def tells_by_class(tell: Any) -> bool:
    return getattr(tell, "by_class", False)


def is_surprising(value: object) -> bool:
    return value is None or value is Undefined or isinstance(value, Exception) or is_awaitable(value)


def _read(source: Any, name: str) -> Any:
    """As graphql-core's default resolver, but for what would have to be called."""
    value = source.get(name) if isinstance(source, Mapping) else getattr(source, name, None)
    if callable(value):
        raise Surprise
    return value


def _sequence(value: Any) -> Any:
    """What can be gone through twice."""
    if type(value) is not tuple:
        raise Surprise
    return value


def _serialize(leaf: GraphQLLeafType, value: Any) -> Any:
    if is_surprising(value):
        raise Surprise
    result = leaf.coerce_output_value(value)
    if is_surprising(result):
        raise Surprise
    return result


class Given(list[dict[str, Any]]):
    """The arguments of an execution's fields; and its turns, where it has any."""

    def __init__(self, arguments: Iterable[dict[str, Any]], turns: Turns | None) -> None:
        super().__init__(arguments)
        self.turns = turns


class _Dispatch(dict[type, Complete]):
    """How values at one place are completed, by their class; calling it tells for a value whose class is new here."""

    def __init__(self, choose: Callable[[Any], Complete | None]) -> None:
        self.choose = choose

    def __call__(self, value: Any) -> Complete:
        if is_surprising(value) or (complete := self.choose(value)) is None:
            raise Surprise
        kind: Any = type(value)
        if (
            len(self) < CLASSES
            and kind.__getattribute__ is object.__getattribute__
            and not hasattr(kind, "__getattr__")
        ):
            self[kind] = complete
        return complete


@dataclass(slots=True)
class _Plan:
    complete: Complete
    arguments: list[Arguments]
    work: int  # fields that it usually completes


class Compiler:
    """Writes the source of one plan, for the conditions of one execution."""

    def __init__(self, executor: Executor[Any], *, in_turns: bool = False) -> None:
        self.executor, self.in_turns = executor, in_turns
        self.schema = executor.schema
        self.lines: list[str] = []
        self.scope: dict[str, Any] = {"read": _read, "sequence": _sequence, "ATOMS": ATOMS}
        self.arguments: list[Arguments] = []
        self.size = 0
        self.work = 0  # the same, with the fields of a list's entries as often as is usual

    def plan(self, output: GraphQLOutputType, group: Group) -> _Plan:
        """Raises Impure."""
        self.check(group)
        shown = self.shown(output, group, "v", "v")
        name = self.function("v", f"return {shown}")
        exec("\n".join(self.lines), self.scope)  # noqa: S102
        return _Plan(self.scope[name], self.arguments, self.work)

    def function(self, parameter: str, *body: str, waits: bool = False) -> str:
        """A coroutine function where anything in it `waits`."""
        name, define = f"f{len(self.lines)}", "async def" if waits or _waits(*body) else "def"
        self.lines += [f"{define} {name}({parameter}, x):", *(f"    {line}" for line in body)]
        return name

    def constant(self, value: Any) -> str:
        name = f"c{len(self.scope)}"
        self.scope[name] = value
        return name

    def shown(self, output: Any, group: Group, value: str, name: str, *, nullable: bool = False) -> str:
        """The expression for what is shown of a value that is not null, or `nullable`. The expression `value` gives it
        and leaves it in the variable `name`."""
        if is_leaf_type(output):
            return self.leaf(output, value, name, nullable)
        if is_list_type(output):
            at_once, in_turns = self.list_of(output, group)
            first = name if nullable else value
            shown = f"{at_once}({first}, x)"
            if not at_once:
                shown = f"(await {in_turns}({first}, x))"
            elif in_turns:
                shown = f"({at_once}({name}, x) if len({first}) <= {SHORT} else await {in_turns}({name}, x))"
        else:
            dispatch, waits = self.dispatch(output, group)
            kinds = self.constant(dispatch)
            first = name if nullable else value
            shown = f"({kinds}.get(type({first})) or {kinds}({name}))({name}, x)"
            shown = f"(await {shown})" if waits else shown
        return f"(None if ({value}) is None else {shown})" if nullable else shown

    def value(self, output: Any, group: Group, value: str, name: str) -> str:
        if is_non_null_type(output):
            return self.shown(output.of_type, group, value, name)
        return self.shown(output, group, value, name, nullable=True)

    def leaf(self, leaf: Any, value: str, name: str, nullable: bool) -> str:
        serialize = self.constant(partial(_serialize, leaf))
        if leaf is GraphQLInt or leaf in _EXACT or leaf.coerce_output_value is str:
            fits = f"type({value}) is {_EXACT.get(leaf, int if leaf is GraphQLInt else str).__name__}"
            fits += f" and -0x80000000 <= {name} <= 0x7FFFFFFF" if leaf is GraphQLInt else ""
            return f"({name} if {fits}{f' or {name} is None' if nullable else ''} else {serialize}({name}))"
        first = name if nullable else value
        if isinstance(leaf, CustomGraphQLEnumType):
            names = {member: leaf.coerce_output_value(member) for member in leaf.wrapped_cls}
            shown = f"{self.constant(names)}.get({first}) or {serialize}({name})"
        else:
            quick = self.constant(leaf.coerce_output_value)
            fits = f"type({first}) in ATOMS and type(r := {quick}({name})) in ATOMS"
            shown = f"r if {fits} else {serialize}({name})"
        return f"(None if ({value}) is None else {shown})" if nullable else f"({shown})"

    def list_of(self, output: GraphQLList, group: Group) -> tuple[str, str]:
        """The functions that complete it at once and in turns; none where it is not to be completed so."""
        before = self.work
        shown = self.value(output.of_type, group, "i", "i")
        size = self.work - before + 1  # fields of an entry
        self.work = before + USUAL_SIZE * size
        same = "if type(v) is not list: v = sequence(v)"
        waits = _waits(shown)
        at_once = "" if waits else self.function("v", same, f"return [{shown} for i in v]")
        if not self.in_turns:
            return at_once, ""
        piece = 1 if waits else max(1, PIECE // size)
        in_turns = self.function(
            "v",
            same,
            "r = []",
            f"for b in range(0, len(v), {piece}):",
            f"    p = v[b:b + {piece}]",
            f"    if x.turns.due(len(p) * {size}): await x.turns.turn(len(p) * {size})",
            f"    r += [{shown} for i in p]",
            "return r",
        )
        return at_once if SHORT * size <= PIECE else "", in_turns

    def dispatch(self, output: Any, group: Group) -> tuple[_Dispatch, bool]:
        """How an object is completed, by the value's class; and whether that is to be awaited."""
        told: Any = output.resolve_type if is_abstract_type(output) else None
        possible: Any = [output] if is_object_type(output) else self.schema.get_possible_types(output)
        if is_abstract_type(output) and not tells_by_class(told):
            raise Impure
        bodies = {each.name: self.object_of(each, group) for each in possible}
        waits = _waits(*bodies.values())
        names = {each: self.function("s", body, waits=waits) for each, body in bodies.items()}
        tests: dict[str, Any] = {each.name: each.is_type_of for each in possible}
        if not all(test is None or tells_by_class(test) for test in tests.values()):
            raise Impure
        scope = self.scope

        def choose(value: Any) -> Complete | None:
            name = told(value, None, output) if told else output.name
            if name not in names or ((test := tests[name]) is not None and not test(value, None)):
                return None
            return scope[names[name]]

        return _Dispatch(choose), waits

    def object_of(self, object_type: GraphQLObjectType, group: Group) -> str:
        fields, deferred, _ = self.executor.collect_subfields(object_type, group)
        self.size += len(fields)
        self.work += len(fields)
        if deferred or self.size > LARGEST:
            raise Impure
        shown = [f"{name!r}: {self.field(object_type, fields[name])}" for name in fields]
        return f"return {{{', '.join(shown)}}}"

    def check(self, group: Group) -> None:
        for node, deferred, own_variables in group:
            directives = {directive.name.value for directive in node.directives or ()}
            if deferred is not None or own_variables is not None or directives - {"skip", "include"}:
                raise Impure

    def field(self, parent: GraphQLObjectType, group: Group) -> str:
        self.check(group)
        node = group[0].node
        if node.name.value == "__typename":
            return repr(parent.name)
        definition = self.schema.get_field(parent, node.name.value)
        if definition is None:
            raise Impure
        return self.value(definition.type, group, f"v := {self.read(definition, node)}", "v")

    def read(self, definition: GraphQLField, node: FieldNode) -> str:
        if definition.resolve is None and not definition.args:
            return f"read(s, {node.name.value!r})"
        field = strawberry_field(definition)
        if field.base_resolver is not None:
            return self.call(definition, node, field, field.base_resolver)
        if field.default_resolver is not getattr:
            raise Impure
        name = field.python_name
        return f"getattr(s, {name!r})" if keyword.iskeyword(name) else f"s.{name}"

    def call(self, definition: GraphQLField, node: FieldNode, field: StrawberryField, resolver: Any) -> str:
        leaves = all(is_leaf_type(get_named_type(argument.type)) for argument in definition.args.values())
        if field.is_async or field.is_subscription or resolver.info_parameter is not None or not leaves:
            raise Impure
        given = self.source(resolver)
        if any(variables_in(*(argument.value for argument in node.arguments or ()))):
            given.append(self.varying(definition, node, field))
        else:
            constants = Arguments(self.schema, definition, node, field).given(self.executor.variable_values)
            given += [f"{name}={self.constant(value)}" for name, value in constants.items()]
        return f"{self.constant(resolver.wrapped_func)}({', '.join(given)})"

    def varying(self, definition: GraphQLField, node: FieldNode, field: StrawberryField) -> str:
        """How a resolver is given arguments that are of the request."""
        self.arguments.append(Arguments(self.schema, definition, node, field))
        return f"**x[{len(self.arguments) - 1}]"

    def source(self, resolver: Any) -> list[str]:
        """How a resolver is given the object that it is asked of."""
        rows = [parameter.name for parameter in (resolver.parent_parameter, resolver.root_parameter) if parameter]
        return [*(["s"] if resolver.self_parameter else []), *(f"{name}=s" for name in dict.fromkeys(rows))]


def _waits(*body: str) -> bool:
    return any("await " in line for line in body)


def strawberry_field(definition: GraphQLField) -> StrawberryField:
    """Strawberry's own of this field. Raises Impure where anything stands between the two."""
    field = definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if type(field) is not StrawberryField or field.extensions:
        raise Impure
    # Strawberry says so of each resolver that it makes; of any other there is nothing to know.
    if getattr(definition.resolve, "_is_default", None) is not (field.base_resolver is None):
        raise Impure
    return field


class _Variant:
    """What was compiled of an operation for the values that its conditions take."""

    def __init__(self) -> None:
        self.sightings = 0
        self.plans: dict[tuple[int, ...], _Plan | None] = {}  # by largeness, type and place


_known: Recent[tuple[int, ...], Variants[_Variant]] = Recent(DOCUMENTS)  # by schema, operation and fragments


class InTurns(Executor[Any]):
    """Mixed into an executor of graphql-core, completes the lists of a large answer in turns with what else waits."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._cost = current.get().cost
        self._turns = Turns() if self._cost > LARGE_UNCOMPILED else None

    def execute_fields(
        self, parent_type: Any, source_value: Any, path: Any, grouped_field_set: Any, position_context: Any
    ) -> Any:
        if self._turns is not None:
            self._turns.done += len(grouped_field_set)
        return super().execute_fields(parent_type, source_value, path, grouped_field_set, position_context)

    def complete_iterable_value(
        self, item_type: Any, field_details_list: Group, info: Any, path: Any, items: Any, position_context: Any
    ) -> Any:
        given = item_type, field_details_list, info, path, items, position_context
        if self._turns is None or position_context is not None:
            return super().complete_iterable_value(*given)
        return self._in_turns(self._turns, *given)

    async def _in_turns(
        self, turns: Turns, item_type: Any, group: Group, info: Any, path: Any, items: Any, position_context: Any
    ) -> list[Any]:
        completed: list[Any] = []
        for index, item in enumerate(items):
            given = item_type, group, info, path.add_key(index, None), position_context
            if turns.due(1):
                await turns.turn(1)
            if self.is_awaitable(item):
                completed.append(await self.complete_awaitable_list_item_value(item, *given))
            elif self.complete_list_item_value(item, completed, *given):
                completed[index] = await completed[index]
        return completed


class Compiled(InTurns):
    """Mixed into an executor of graphql-core, completes pure subtrees by compiled code. An operation is compiled when
    it comes for the second time with the same conditions, or if its answer is large, at once."""

    compiled_from = 2  # sightings

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._is_large = self._cost > LARGE
        self._plans = self._variant() if self._is_covered() else None
        self._ready: dict[tuple[int, int], tuple[Any, Group, _Plan | None, list[dict[str, Any]]]] = {}

    def _is_covered(self) -> bool:
        return (
            self.field_resolver is default_field_resolver
            and self.abort_signal is None
            and not (self.middleware_manager and self.middleware_manager.middlewares)
            and self.is_awaitable in (optimized_is_awaitable, is_awaitable)
        )

    def _variant(self) -> dict[tuple[int, ...], _Plan | None] | None:
        """The plans for this operation and its conditions, once they are worth having."""
        schema, parts = self.schema, [self.operation, *self.fragment_definitions.values()]
        key = id(schema), *map(id, parts)
        known = _known.get(key, lambda: Variants(parts, _Variant, schema), weight=length(self.operation) + 1000)
        try:
            variant = known.of(self.variable_values.coerced)
        except TypeError:
            return None
        variant.sightings += 1
        return variant.plans if self._is_large or variant.sightings >= self.compiled_from else None

    def _plan(self, output: Any, group: Group) -> tuple[Any, Group, _Plan | None, list[dict[str, Any]]]:
        """The plan for values of this type at this place, with the arguments of this execution."""
        assert self._plans is not None
        key = self._is_large, id(output), *(id(details.node) for details in group)
        if key not in self._plans:
            self._plans[key] = self._compiled(output, group)
        plan, arguments = self._plans[key], Given((), self._turns)
        if plan is not None and plan.arguments:
            try:
                arguments += [each.given(self.variable_values) for each in plan.arguments]
            except Exception:  # told by graphql-core, if it comes to the field at all
                plan = None
        return output, group, plan, arguments

    def _compiled(self, output: Any, group: Group) -> _Plan | None:
        try:
            return Compiler(self, in_turns=self._is_large).plan(output, group)
        except Exception:  # a selection that cannot be compiled, or cannot even be collected
            return None

    def _shown(self, output: Any, group: Group, value: Any, position_context: Any) -> Any:
        """What is shown of the value, to be awaited where that takes turns; Undefined where it is not compiled."""
        if self._plans is None or position_context is not None:
            return Undefined
        # The executor keeps types and groups; what is told apart by identity is kept beside it all the same.
        key = id(output), id(group)
        ready = self._ready.get(key)
        if ready is None:
            ready = self._ready[key] = self._plan(output, group)
        _, _, plan, arguments = ready
        if plan is None:
            return Undefined
        if self._turns is not None:
            self._turns.done += plan.work
        try:
            return plan.complete(value, arguments)
        except Exception:
            return Undefined

    async def _shown_in_turns(self, completing: Any, otherwise: Callable[..., Any], given: tuple[Any, ...]) -> Any:
        with suppress(Exception):
            return await completing
        shown = otherwise(*given)
        return await shown if self.is_awaitable(shown) else shown

    def build_per_event_executor(self, payload: Any) -> Executor[Any]:
        """Each event of a subscription is a sighting of its operation."""
        executor: Any = super().build_per_event_executor(payload)
        executor._plans = executor._variant() if executor._is_covered() else None
        return executor

    def complete_object_value(
        self, return_type: Any, field_details_list: Group, info: Any, path: Any, result: Any, position_context: Any
    ) -> Any:
        shown = self._shown(return_type, field_details_list, result, position_context)
        if shown is not Undefined and type(shown) is not CoroutineType:
            return shown
        given = return_type, field_details_list, info, path, result, position_context
        if shown is Undefined:
            return super().complete_object_value(*given)
        return self._shown_in_turns(shown, super().complete_object_value, given)

    def complete_list_value(
        self, return_type: Any, field_details_list: Group, info: Any, path: Any, result: Any, position_context: Any
    ) -> Any:
        shown = self._shown(return_type, field_details_list, result, position_context)
        if shown is not Undefined and type(shown) is not CoroutineType:
            return shown
        given = return_type, field_details_list, info, path, result, position_context
        if shown is Undefined:
            return super().complete_list_value(*given)
        return self._shown_in_turns(shown, super().complete_list_value, given)


class UncompiledExecutor(InTurns, StrawberryGraphQLCoreExecutionContext):
    """graphql-core's, in turns."""


class CompiledExecutor(Compiled, StrawberryGraphQLCoreExecutionContext):
    """The executor of our schema."""
