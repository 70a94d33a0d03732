"""Compiles operations to Python functions that only build answers without errors.

graphql-core interprets an operation: it collects, resolves and completes every field of every object again. The
generated source has these decisions already made. It calls resolvers and builds the answer's dictionaries literally:

    query AllOrders($first: Int) { viewer { orders(first: $first) { edges { node { number shipped: shippedAt } } } } }

becomes this source (`...` stands for the parts of `info`, which are constants; `s` is the object, `x` the Execution):

    def Order_0(s, x):
        return {'number': (v if type(v := s.number) is str else serialize_c39(v)), 'shipped': (None if
            (v := s.shipped_at) is None else r if type(v) in ATOMS and type(r := coerce_c41(v)) in ATOMS else
            serialize_c40(v))}
    def OrderEdge_2(s, x):
        return {'node': (by_class_c42.get(type(v := s.node)) or by_class_c42(v))(v, x)}
    def list_4(v, x):
        if type(v) is not list: v = sequence(v)
        return [(by_class_c43.get(type(i)) or by_class_c43(i))(i, x) for i in v]
    def OrderConnection_7(s, x):
        return {'edges': list_4(v := s.edges, x)}
    async def Viewer_9(s, x):
        try: vr0 = await orders_c37(info=Info_c34(...), **x.arguments[0])
        except Exception as error:
            x.recorded_results[path_c38] = True, None, error
            raise
        x.recorded_results[path_c38] = True, vr0, None
        r0 = (by_class_c44.get(type(vr0)) or by_class_c44(vr0))(vr0, x)
        return {'orders': r0}
    async def Query_17(s, x):
        ...                                               # the same for `viewer`, which is not awaited
        if is_unexpected(vr0) or not is_type_of_c22(vr0, None): raise Deoptimize
        r0 = await Viewer_9(vr0, x)
        return {'viewer': r0}

**Deoptimization.** The code writes no errors. It stops at anything unexpected: an exception, raised or returned; a null
in a non-null field; an awaitable; a value that does not serialize; a class that does not fit the type; an iterator.
Then graphql-core executes the operation, and its data and errors are the answer. Resolvers with `info` are not called
again: `replay` gives their results, in `recorded_results`, to graphql-core. So a mutation is performed once. Attributes
and resolvers without `info` are read a second time, so reading them must have no side effects.

**Order.** The awaited fields of one object are awaited together, as by graphql-core. Mutations run one after the other.
If a field fails, graphql-core gets the results so far, and executes the other fields if the error allows it. The event
of a subscription is the root of an execution of its own.

**Not compilable.** graphql-core executes the whole operation if it has resolvers that are not Strawberry's; field
extensions; resolvers that take `info` or are asynchronous, below a list or a field without `info`; types that do not
depend on the value's class (`by_class`); directives other than @skip and @include; or introspection.

**Large answers** yield to the event loop (execution.yielding). They have code of their own, which completes
a list piece by piece. Each function that contains such a list is a coroutine function:

    async def yielding_list_7(v, x):
        if type(v) is not list: v = sequence(v)
        r = []
        for b in range(0, len(v), 666):
            p = v[b:b + 666]
            if x.budget.is_spent(len(p) * 3): await x.budget.pause(len(p) * 3)
            r += [(by_class_c41.get(type(i)) or by_class_c41(i))(i, x) for i in p]
        return r

**Faults.** A fallback to graphql-core is a fault if graphql-core then reports no error. Faults are counted, and logged
once for each operation; tracebacks show the generated source, as `<compiled query AllOrders>`. After MAX_FALLBACKS
faults, graphql-core executes the operation.

Two assumptions: a value's class tells whether it is awaitable or an exception; and the result of a function declared
`by_class` depends only on the class.
"""

# pyright: reportPrivateUsage=false, reportUnknownMemberType=false, reportMissingTypeArgument=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownParameterType=false

import asyncio
import keyword
import linecache
import logging
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from types import CoroutineType
from typing import Any, TypeVar
from uuid import UUID

from graphql import (
    ExecutableDefinitionNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLBoolean,
    GraphQLError,
    GraphQLField,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
    MiddlewareManager,
    OperationDefinitionNode,
    Undefined,
    default_field_resolver,
    default_type_resolver,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_fields
from graphql.execution.values import VariableValues
from graphql.pyutils import Path, is_awaitable
from strawberry.execution.is_awaitable import optimized_is_awaitable
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.schema_converter import CustomGraphQLEnumType, GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from execution.arguments import Arguments, NotCompilable
from execution.complexity import USUAL_SIZE
from execution.hooks import ExecutionOutcome
from execution.lookahead import ByConditions, variables_in
from execution.yielding import LARGE, PIECE, YieldBudget, YieldingExecutor

MAX_FIELDS = 1000  # in the code of an operation, counted for each type that an object may have
MAX_CLASSES = 32  # of values in one field, for which the chosen function is cached
MAX_FALLBACKS = 10  # of one operation; then graphql-core executes it
SHORT = 20  # entries of a list that is completed without a pause
STEPS_BETWEEN = 3  # of the event loop, between two replayed results; graphql-core takes one or two to start a task
MAX_NAME_LENGTH = 64  # of an operation, in the name of its source

# A value of exactly one of these classes is not an exception, and can be neither awaited nor called.
ATOMS = frozenset({str, int, float, bool, datetime, date, time, timedelta, Decimal, UUID})
_EXACT = {GraphQLString: str, GraphQLID: str, GraphQLBoolean: bool}

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
Group = list[FieldDetails]  # the nodes of a document that select one field of an answer
Complete = Callable[[Any, Any], Any]  # returns a value as it is in the answer
# By the path of the field: whether its resolver was awaited, its result, and the exception that it raised.
RecordedResults = dict[tuple[str | int, ...], tuple[bool, Any, Exception | None]]
Interpret = Callable[[RecordedResults], Any]  # executes the operation by graphql-core, with the recorded results

logger = logging.getLogger(__name__)


class Deoptimize(Exception):
    """Compiled code met a value that it cannot complete."""


def by_class(function: F) -> F:
    """Declares that the result of an `is_type_of` or a `resolve_type` depends only on the value's class."""
    setattr(function, "by_class", True)  # noqa: B010
    return function


def _is_by_class(function: Any) -> bool:
    return getattr(function, "by_class", False)


def is_unexpected(value: object) -> bool:
    return value is None or value is Undefined or isinstance(value, Exception) or is_awaitable(value)


def _read(source: Any, name: str) -> Any:
    """Like graphql-core's default resolver, which would also call the value."""
    value = source.get(name) if isinstance(source, Mapping) else getattr(source, name, None)
    if callable(value):
        raise Deoptimize
    return value


def _sequence(value: Any) -> Any:
    """Returns a tuple; a list never gets here. Other iterables cannot be iterated twice."""
    if type(value) is not tuple:
        raise Deoptimize
    return value


def _serialize(leaf: GraphQLLeafType, value: Any) -> Any:
    if is_unexpected(value):
        raise Deoptimize
    result = leaf.coerce_output_value(value)
    if is_unexpected(result):
        raise Deoptimize
    return result


async def _together(*fields: Coroutine[Any, Any, Any]) -> list[Any]:
    """Awaits all fields. If one fails, the others still run to their end, so that their results are recorded."""
    results = await asyncio.gather(*fields, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


class Execution:
    """One execution of an operation: the values for `info`, and the results of resolvers so far. Generated code calls
    it `x`."""

    __slots__ = (
        "arguments",
        "budget",
        "context",
        "operation_extensions",
        "recorded_results",
        "root_value",
        "variable_values",
    )

    def __init__(
        self, root_value: Any, variable_values: Mapping[str, Any], context: Any, operation_extensions: Any
    ) -> None:
        self.root_value, self.variable_values, self.context = root_value, variable_values, context
        self.operation_extensions = operation_extensions
        self.recorded_results: RecordedResults = {}
        self.arguments: list[dict[str, Any]]  # of the fields whose arguments depend on variables
        self.budget: YieldBudget | None


# The attributes of `info` that differ from execution to execution.
_OF_EXECUTION = {name: f"x.{name}" for name in ("root_value", "variable_values", "context", "operation_extensions")}


class _Dispatch(dict[type, Complete]):
    """The functions that complete the values of one field, by class. It is called with a value of a new class."""

    def __init__(self, choose: Callable[[Any], Complete | None]) -> None:
        self.choose = choose

    def __call__(self, value: Any) -> Complete:
        if is_unexpected(value) or (complete := self.choose(value)) is None:
            raise Deoptimize
        kind: Any = type(value)
        if (
            len(self) < MAX_CLASSES
            and kind.__getattribute__ is object.__getattribute__
            and not hasattr(kind, "__getattr__")
        ):
            self[kind] = complete
        return complete


class CompiledOperation:
    """The code of an operation, for one combination of its conditions' values."""

    def __init__(self, name: str, source: str, scope: dict[str, Any], function: str, compiler: "Compiler") -> None:
        self.filename = _unique(name)
        exec(compile(source, self.filename, "exec"), scope)  # noqa: S102
        # Tracebacks read the source here, until the operation is evicted.
        linecache.cache[self.filename] = len(source), None, source.splitlines(keepends=True), self.filename
        weakref.finalize(self, linecache.cache.pop, self.filename, None).atexit = False
        self.complete: Complete = scope[function]
        self.arguments, self.yields = compiler.arguments, compiler.yields

    def run(self, execution: Execution, variables: VariableValues) -> Any:
        """Returns the data of the answer, or a coroutine for it. If it raises, graphql-core must execute it."""
        execution.arguments = [arguments.convert(variables) for arguments in self.arguments]
        execution.budget = YieldBudget() if self.yields else None
        return self.complete(execution.root_value, execution)


def _unique(name: str) -> str:
    filename, number = f"<compiled {name}>", 1
    while filename in linecache.cache:
        number += 1
        filename = f"<compiled {name} ({number})>"
    return filename


class Compiler:
    """Writes the source of one operation."""

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        parts: Iterable[ExecutableDefinitionNode],
        variables: VariableValues,
        *,
        yields: bool,
    ) -> None:
        """Raises NotCompilable."""
        fragments = {part.name.value: part for part in parts if isinstance(part, FragmentDefinitionNode)}
        if any(fragment.variable_definitions for fragment in fragments.values()):
            raise NotCompilable
        # It executes nothing: it collects fields and builds `info` objects.
        self.executor = StrawberryGraphQLCoreExecutionContext(
            schema,
            fragments,
            {name: FragmentDetails(fragment, None) for name, fragment in fragments.items()},
            None,
            None,
            operation,
            variables,
            default_field_resolver,
            default_type_resolver,
            default_field_resolver,
            is_awaitable=optimized_is_awaitable,
        )
        self.schema, self.operation, self.yields = schema, operation, yields
        self.lines: list[str] = []
        self.scope: dict[str, Any] = {
            "read": _read,
            "sequence": _sequence,
            "together": _together,
            "is_unexpected": is_unexpected,
            "Deoptimize": Deoptimize,
            "ATOMS": ATOMS,
        }
        self.arguments: list[Arguments] = []
        self.coroutines: dict[str, bool] = {}  # whether a function is one, by its name
        self.size = 0  # fields
        self.work = 0  # fields, with those of a list's entries counted USUAL_SIZE times

    def compile(self) -> CompiledOperation:
        """Raises NotCompilable, or GraphQLError for what graphql-core cannot collect either."""
        root_type = self.schema.get_root_type(self.operation.operation)
        if root_type is None:
            raise NotCompilable
        fields, deferred, forbidden = collect_fields(
            self.schema, self.executor.fragments, self.executor.variable_values, root_type, self.operation
        )
        if deferred or forbidden:
            raise NotCompilable
        function = self.object(root_type, fields, None)
        kind, name = self.operation.operation.value, self.operation.name
        title = f"{kind} {name.value[:MAX_NAME_LENGTH]}" if name else kind
        return CompiledOperation(title, "\n".join([*self.lines, ""]), self.scope, function, self)

    # Names in the source

    def function(self, name: str, parameter: str, *body: str, is_async: bool = False) -> str:
        """Writes a function of a value and the execution; a coroutine function if its body awaits. Returns its name."""
        name = f"{name}_{len(self.lines)}"
        self.coroutines[name] = is_async or _awaits(body)
        define = "async def" if self.coroutines[name] else "def"
        self.lines += [f"{define} {name}({parameter}, x):", *(f"    {line}" for line in body)]
        return name

    def constant(self, value: Any, hint: str) -> str:
        name = f"{hint}_c{len(self.scope)}"
        self.scope[name] = value
        return name

    def attempt(self, write: Callable[[], T]) -> T | None:
        """Calls `write`. Returns None and discards its lines if the part is not compilable."""
        lines, arguments, size, work = len(self.lines), len(self.arguments), self.size, self.work
        try:
            return write()
        except NotCompilable:
            del self.lines[lines:], self.arguments[arguments:]
            self.size, self.work = size, work
            return None

    # Objects with fields whose resolvers take `info`: statements, which record the results

    def object(self, parent: GraphQLObjectType, fields: dict[str, Group], path: Path | None) -> str:
        self.size += len(fields)
        is_serial = parent is self.schema.mutation_type
        body: list[str] = []
        awaited: dict[str, list[str]] = {}  # the statements of fields that can be awaited together, by their variable
        entries: list[str] = []
        for place, (key, group) in enumerate(fields.items()):
            value = None
            if not is_serial or group[0].node.name.value == "__typename":
                value = self.attempt(partial(self.field, parent, group))
            if value is None:
                value = f"r{place}"
                statements = self.resolved(parent, group, Path(path, key, parent.name), value)
                if _awaits(statements) and not is_serial:
                    awaited[value] = statements
                else:
                    body += statements
            entries.append(f"{key!r}: {value}")
        if len(awaited) == 1:
            body += next(iter(awaited.values()))
        elif awaited:
            functions = [self.function("resolve", "s", *lines, f"return {value}") for value, lines in awaited.items()]
            body.append(f"{', '.join(awaited)} = await together({', '.join(f'{name}(s, x)' for name in functions)})")
        return self.function(parent.name, "s", *body, f"return {{{', '.join(entries)}}}")

    def resolved(self, parent: GraphQLObjectType, group: Group, path: Path, variable: str) -> list[str]:
        """Returns statements that assign the completed value of a field whose resolver takes `info` to the variable."""
        self.check(group)
        node = group[0].node
        definition = self.schema.get_field(parent, node.name.value)
        if definition is None:
            raise NotCompilable
        value = f"v{variable}"
        if parent is self.schema.subscription_type:
            statements = [f"{value} = {self.event(definition)}"]
        else:
            field = strawberry_field(definition)
            resolver = field.base_resolver
            if resolver is None or resolver.info_parameter is None or field.is_subscription:
                raise NotCompilable
            arguments = self.sources(resolver)
            arguments.append(f"{resolver.info_parameter.name}={self.info(definition, field, group, parent, path)}")
            if definition.args:
                arguments.append(self.converted(definition, node, field))
            call = self.call_of(resolver, arguments)
            place = self.constant(tuple(path.as_list()), "path")
            statements = [
                f"try: {value} = {'await ' if field.is_async else ''}{call}",
                "except Exception as error:",
                f"    x.recorded_results[{place}] = {field.is_async}, None, error",
                "    raise",
                f"x.recorded_results[{place}] = {field.is_async}, {value}, None",
            ]
        return statements + self.completed(definition.type, group, path, value, variable)

    def info(
        self, definition: GraphQLField, field: StrawberryField, group: Group, parent: GraphQLObjectType, path: Path
    ) -> str:
        """Returns the expression for a resolver's `info`. Only _OF_EXECUTION differs between executions."""
        raw: Any = self.executor.build_resolve_info(definition, [details.node for details in group], parent, path)
        attributes = raw._asdict() | {"async_helpers": None}
        values = ", ".join(_OF_EXECUTION.get(name) or self.constant(value, name) for name, value in attributes.items())
        schema: Any = self.schema
        kind = self.constant(schema._strawberry_schema.config.info_class, "Info")
        raw_kind, declaration = self.constant(type(raw), "RawInfo"), self.constant(field, "field")
        return f"{kind}(_raw_info={raw_kind}({values}), _field={declaration})"

    def completed(self, output: Any, group: Group, path: Path, value: str, variable: str) -> list[str]:
        expression = self.attempt(partial(self.value, output, group, value, value))
        if expression is not None:
            return [f"{variable} = {expression}"]
        inner_type: Any = output.of_type if is_non_null_type(output) else output
        test = getattr(inner_type, "is_type_of", None)
        if not is_object_type(inner_type) or (test is not None and not _is_by_class(test)):
            raise NotCompilable
        fields, deferred, _ = self.executor.collect_subfields(inner_type, group)
        if deferred:
            raise NotCompilable
        mismatch = f" or not {self.constant(test, 'is_type_of')}({value}, None)" if test else ""
        function = self.object(inner_type, fields, path)
        call = f"{'await ' if self.coroutines[function] else ''}{function}({value}, x)"
        lines = [f"if is_unexpected({value}){mismatch}: raise Deoptimize", f"{variable} = {call}"]
        if output is inner_type:
            lines = [f"if {value} is None: {variable} = None", "else:", *(f"    {line}" for line in lines)]
        return lines

    # Fields whose resolvers do not take `info`, and everything below them: expressions

    def value(self, output: Any, group: Group, value: str, name: str) -> str:
        """Returns the expression for the completed value. The expression `value` gives the value and assigns it to
        the variable `name`."""
        if is_non_null_type(output):
            return self.present(output.of_type, group, value, name)
        return self.present(output, group, value, name, nullable=True)

    def present(self, output: Any, group: Group, value: str, name: str, *, nullable: bool = False) -> str:
        """Like `value`, for a value that is not null or is `nullable`."""
        if is_leaf_type(output):
            return self.leaf(output, value, name, nullable)
        first = name if nullable else value
        if is_list_type(output):
            at_once, yielding = self.list_of(output, group)
            shown = f"{at_once}({first}, x)"
            if not at_once:
                shown = f"(await {yielding}({first}, x))"
            elif yielding:
                shown = f"({at_once}({name}, x) if len({first}) <= {SHORT} else await {yielding}({name}, x))"
        else:
            dispatch, is_async = self.dispatch(output, group)
            functions = self.constant(dispatch, "by_class")
            shown = f"({functions}.get(type({first})) or {functions}({name}))({name}, x)"
            shown = f"(await {shown})" if is_async else shown
        return f"(None if ({value}) is None else {shown})" if nullable else shown

    def leaf(self, leaf: Any, value: str, name: str, nullable: bool) -> str:
        serialize = self.constant(partial(_serialize, leaf), "serialize")
        if leaf is GraphQLInt or leaf in _EXACT or leaf.coerce_output_value is str:
            fits = f"type({value}) is {_EXACT.get(leaf, int if leaf is GraphQLInt else str).__name__}"
            fits += f" and -0x80000000 <= {name} <= 0x7FFFFFFF" if leaf is GraphQLInt else ""
            return f"({name} if {fits}{f' or {name} is None' if nullable else ''} else {serialize}({name}))"
        first = name if nullable else value
        if isinstance(leaf, CustomGraphQLEnumType):
            names = {member: leaf.coerce_output_value(member) for member in leaf.wrapped_cls}
            shown = f"{self.constant(names, 'names')}.get({first}) or {serialize}({name})"
        else:
            coerce = self.constant(leaf.coerce_output_value, "coerce")
            fits = f"type({first}) in ATOMS and type(r := {coerce}({name})) in ATOMS"
            shown = f"r if {fits} else {serialize}({name})"
        return f"(None if ({value}) is None else {shown})" if nullable else f"({shown})"

    def list_of(self, output: GraphQLList, group: Group) -> tuple[str, str]:
        """Returns the names of the functions that complete a list at once and with pauses; empty for none."""
        before = self.work
        shown = self.value(output.of_type, group, "i", "i")
        size = self.work - before + 1  # fields of an entry
        self.work = before + USUAL_SIZE * size
        check = "if type(v) is not list: v = sequence(v)"
        is_async = _awaits([shown])
        at_once = "" if is_async else self.function("list", "v", check, f"return [{shown} for i in v]")
        if not self.yields:
            return at_once, ""
        piece = 1 if is_async else max(1, PIECE // size)
        yielding = self.function(
            "yielding_list",
            "v",
            check,
            "r = []",
            f"for b in range(0, len(v), {piece}):",
            f"    p = v[b:b + {piece}]",
            f"    if x.budget.is_spent(len(p) * {size}): await x.budget.pause(len(p) * {size})",
            f"    r += [{shown} for i in p]",
            "return r",
        )
        return at_once if SHORT * size <= PIECE else "", yielding

    def dispatch(self, output: Any, group: Group) -> tuple[_Dispatch, bool]:
        """Returns the functions that complete an object, by the value's class, and whether they are asynchronous."""
        resolve_type: Any = output.resolve_type if is_abstract_type(output) else None
        possible: Any = [output] if is_object_type(output) else self.schema.get_possible_types(output)
        if is_abstract_type(output) and not _is_by_class(resolve_type):
            raise NotCompilable
        bodies = {object_type.name: self.object_of(object_type, group) for object_type in possible}
        is_async = _awaits(bodies.values())
        functions = {name: self.function(name, "s", body, is_async=is_async) for name, body in bodies.items()}
        tests: dict[str, Any] = {object_type.name: object_type.is_type_of for object_type in possible}
        if not all(test is None or _is_by_class(test) for test in tests.values()):
            raise NotCompilable
        scope = self.scope

        def choose(value: Any) -> Complete | None:
            name = resolve_type(value, None, output) if resolve_type else output.name
            if name not in functions or ((test := tests[name]) is not None and not test(value, None)):
                return None
            return scope[functions[name]]

        return _Dispatch(choose), is_async

    def object_of(self, object_type: GraphQLObjectType, group: Group) -> str:
        fields, deferred, _ = self.executor.collect_subfields(object_type, group)
        self.size += len(fields)
        self.work += len(fields)
        if deferred or self.size > MAX_FIELDS:
            raise NotCompilable
        entries = [f"{key!r}: {self.field(object_type, fields[key])}" for key in fields]
        return f"return {{{', '.join(entries)}}}"

    def check(self, group: Group) -> None:
        for node, deferred, fragment_variables in group:
            directives = {directive.name.value for directive in node.directives or ()}
            if deferred is not None or fragment_variables is not None or directives - {"skip", "include"}:
                raise NotCompilable

    def field(self, parent: GraphQLObjectType, group: Group) -> str:
        self.check(group)
        node = group[0].node
        if node.name.value == "__typename":
            return repr(parent.name)
        definition = self.schema.get_field(parent, node.name.value)
        if definition is None:
            raise NotCompilable
        is_event = parent is self.schema.subscription_type
        read = self.event(definition) if is_event else self.read(definition, node)
        return self.value(definition.type, group, f"v := {read}", "v")

    def event(self, definition: GraphQLField) -> str:
        """Returns the expression for a subscription's event, which is the root value and the value of its field."""
        field = definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
        own = getattr(definition.resolve, "__module__", "") == GraphQLCoreConverter.__module__
        if type(field) is not StrawberryField or not field.is_subscription or not own:
            raise NotCompilable
        return "s"

    def read(self, definition: GraphQLField, node: FieldNode) -> str:
        if definition.resolve is None and not definition.args:
            return f"read(s, {node.name.value!r})"
        field = strawberry_field(definition)
        if field.base_resolver is not None:
            return self.call(definition, node, field, field.base_resolver)
        if field.default_resolver is not getattr:
            raise NotCompilable
        name = field.python_name
        return f"getattr(s, {name!r})" if keyword.iskeyword(name) else f"s.{name}"

    def call(self, definition: GraphQLField, node: FieldNode, field: StrawberryField, resolver: Any) -> str:
        leaves = all(is_leaf_type(get_named_type(argument.type)) for argument in definition.args.values())
        if field.is_async or field.is_subscription or resolver.info_parameter is not None or not leaves:
            raise NotCompilable
        arguments = self.sources(resolver)
        if any(variables_in(*(argument.value for argument in node.arguments or ()))):
            arguments.append(self.converted(definition, node, field))
        else:
            try:
                constants = Arguments(self.schema, definition, node, field).convert(self.executor.variable_values)
            except Exception as error:  # as graphql-core reports it
                raise NotCompilable from error
            arguments += [f"{name}={self.constant(value, name)}" for name, value in constants.items()]
        return self.call_of(resolver, arguments)

    def call_of(self, resolver: Any, arguments: list[str]) -> str:
        name = getattr(resolver.wrapped_func, "__name__", "")
        function = self.constant(resolver.wrapped_func, name if name.isidentifier() else "resolver")
        return f"{function}({', '.join(arguments)})"

    def converted(self, definition: GraphQLField, node: FieldNode, field: StrawberryField) -> str:
        """Returns the expression for keyword arguments that are converted in each execution."""
        self.arguments.append(Arguments(self.schema, definition, node, field))
        return f"**x.arguments[{len(self.arguments) - 1}]"

    def sources(self, resolver: Any) -> list[str]:
        """Returns the arguments for the object on which the resolver is called."""
        rows = [parameter.name for parameter in (resolver.parent_parameter, resolver.root_parameter) if parameter]
        return [*(["s"] if resolver.self_parameter else []), *(f"{name}=s" for name in dict.fromkeys(rows))]


def _awaits(body: Iterable[str]) -> bool:
    return any("await " in line for line in body)


def strawberry_field(definition: GraphQLField) -> StrawberryField:
    """Returns Strawberry's declaration of a field. Raises NotCompilable if other code takes part in resolving it."""
    field = definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if type(field) is not StrawberryField or field.extensions:
        raise NotCompilable
    # Strawberry marks each resolver that it makes; nothing is known about any other.
    if getattr(definition.resolve, "_is_default", None) is not (field.base_resolver is None):
        raise NotCompilable
    return field


class _Variant:
    """The code of an operation for one combination of its conditions' values, and how often it was used."""

    def __init__(self) -> None:
        self.uses = 0
        # By whether the code yields, for large answers. None if it is not compilable.
        self.compiled: dict[bool, CompiledOperation | None] = {}


class CompiledVariants:
    """The code of one operation. It is compiled when the operation runs a second time with the same conditions, since
    compiling takes as long as one answer. If the answer is large, it is compiled at once."""

    compiled_from = 2  # uses

    def __init__(
        self, schema: GraphQLSchema, operation: OperationDefinitionNode, parts: Iterable[ExecutableDefinitionNode]
    ) -> None:
        """`parts` are the operation and the fragments of its document."""
        self.schema, self.operation = schema, operation
        self.name = operation.name.value if operation.name else ""
        self.variants = ByConditions(parts, _Variant)
        self.fallbacks = 0
        self.is_reported = False

    def execute(
        self,
        execution: Execution,
        variables: VariableValues,
        cost: int,
        observe: Callable[[ExecutionOutcome, str], None],
        interpret: Interpret,
    ) -> Any:
        """Returns the result, or a coroutine for it: from compiled code if possible, else from `interpret`."""
        try:
            variant = self.variants.get(variables.coerced)
        except TypeError:
            return interpret({})
        variant.uses += 1
        is_large = cost > LARGE
        if variant.uses < self.compiled_from and not is_large:
            return interpret({})
        try:
            compiled = variant.compiled[is_large]
        except KeyError:
            compiled = variant.compiled[is_large] = self._compile(variables, yields=is_large)
        if compiled is None:
            observe(ExecutionOutcome.NOT_COMPILABLE, self.name)
            return interpret({})
        try:
            data = compiled.run(execution, variables)
        except Exception as error:
            cause = error
        else:
            if type(data) is CoroutineType:
                return self._finish(data, execution, observe, interpret)
            observe(ExecutionOutcome.COMPILED, self.name)
            return ExecutionResult(data, None)
        try:
            return self._fall_back(cause, execution, observe, interpret)
        finally:
            del cause  # which has this frame in its traceback

    async def _finish(
        self,
        data: Awaitable[Any],
        execution: Execution,
        observe: Callable[[ExecutionOutcome, str], None],
        interpret: Interpret,
    ) -> Any:
        try:
            result = ExecutionResult(await data, None)
        except Exception as error:
            cause = error
        else:
            observe(ExecutionOutcome.COMPILED, self.name)
            return result
        try:
            answer = self._fall_back(cause, execution, observe, interpret)
        finally:
            del cause
        return await answer if is_awaitable(answer) else answer

    def _fall_back(
        self,
        cause: Exception,
        execution: Execution,
        observe: Callable[[ExecutionOutcome, str], None],
        interpret: Interpret,
    ) -> Any:
        answer: Any = interpret(execution.recorded_results)
        if not is_awaitable(answer):
            return self._judge(cause, answer, execution, observe)

        async def finish() -> Any:
            return self._judge(cause, await answer, execution, observe)

        return finish()

    def _judge(
        self, cause: Exception, answer: Any, execution: Execution, observe: Callable[[ExecutionOutcome, str], None]
    ) -> Any:
        """Counts the fallback as a fault, unless graphql-core reports an error as well."""
        execution.recorded_results.clear()  # its errors refer to it through their tracebacks
        if not answer.errors:
            self.fallbacks += 1
            observe(ExecutionOutcome.FELL_BACK, self.name)
            self._report("Compiled code of %s failed; graphql-core answered without an error.", cause)
            if self.fallbacks >= MAX_FALLBACKS:
                for variant in self.variants.all():
                    variant.compiled.clear()
        return answer

    def _compile(self, variables: VariableValues, *, yields: bool) -> CompiledOperation | None:
        if self.fallbacks >= MAX_FALLBACKS:
            return None
        try:
            return Compiler(self.schema, self.operation, self.variants.parts, variables, yields=yields).compile()
        except (NotCompilable, GraphQLError):
            return None
        except Exception as error:
            self._report("The compiler failed on %s; graphql-core executes it.", error)
            return None

    def _report(self, message: str, error: Exception) -> None:
        """Logs the first error of an operation only."""
        if not self.is_reported:
            self.is_reported = True
            logger.warning(message, self.name or "an operation without a name", exc_info=error)


def replay(recorded: RecordedResults) -> MiddlewareManager:
    """Gives graphql-core the recorded results instead of calling the resolvers again. Awaited results are awaited again
    and complete in the same order, so that errors keep their order."""
    awaited = [path for path, (was_awaited, _, _) in recorded.items() if was_awaited]
    times = {path: place * STEPS_BETWEEN for place, path in enumerate(awaited)}

    def resolve(resolver: Any, source: Any, info: Any, /, **arguments: Any) -> Any:
        path = tuple(info.path.as_list())
        result = recorded.get(path)
        if result is None:
            return resolver(source, info, **arguments)
        was_awaited, value, error = result
        if was_awaited:
            above = max((times.get(path[:length], 0) for length in range(len(path))), default=0)
            return _Later(times[path] - above, value, error)
        if error is not None:
            raise error
        return value

    return MiddlewareManager(resolve)


class _Later:
    """An awaitable result. Unlike a coroutine, it causes no warning if it is never awaited."""

    def __init__(self, steps: int, value: Any, error: Exception | None) -> None:
        self.steps, self.value, self.error = steps, value, error

    def __await__(self) -> Generator[None, None, Any]:
        for _ in range(self.steps):
            yield  # to the event loop
        if self.error is not None:
            raise self.error
        return self.value


class CompiledExecutorMixin(YieldingExecutor):
    """Makes an executor of graphql-core run the compiled code of its operation, if there is any. Each event of a
    subscription is executed this way."""

    compiled: CompiledVariants | None = None
    observe: Callable[[ExecutionOutcome, str], None]

    def execute_operation(self, serially: bool | None = None) -> Any:
        if self.compiled is None or not self._is_usual():
            return super().execute_operation(serially)

        def interpret(recorded: RecordedResults) -> Any:
            if recorded:
                self.middleware_manager = replay(recorded)
            return super(CompiledExecutorMixin, self).execute_operation(serially)

        extensions = getattr(self, "operation_extensions", None)
        execution = Execution(self.root_value, self.variable_values.coerced, self.context_value, extensions)
        return self.compiled.execute(execution, self.variable_values, self.cost, self.observe, interpret)

    def _is_usual(self) -> bool:
        return (
            self.field_resolver is default_field_resolver
            and self.abort_signal is None
            and self.hooks is None
            and not (self.middleware_manager and self.middleware_manager.middlewares)
            and self.is_awaitable in (optimized_is_awaitable, is_awaitable)
        )


class UncompiledExecutor(YieldingExecutor, StrawberryGraphQLCoreExecutionContext):
    """Strawberry's executor, yielding while it completes a large answer."""


class CompiledExecutor(CompiledExecutorMixin, StrawberryGraphQLCoreExecutionContext):
    """Strawberry's executor, running compiled code where there is some."""
