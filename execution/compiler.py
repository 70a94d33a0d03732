"""Compiles operations. For an operation that runs again, Python source is generated which knows only how an answer
goes right.

graphql-core interprets an operation: for every field of every object it collects, resolves and completes anew. In the
generated code all of that is decided. It calls resolvers and builds the answer's dictionaries literally:

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

**Deoptimization.** The code writes no error of its own. Whatever is not as expected ends it: an exception, raised or
returned; a null where there may be none; a value to be awaited; one that does not serialize; a class that does not fit;
an iterator. Then graphql-core executes the operation, and its data and errors are the answer. Resolvers with `info` are
not called again: their results are in `recorded_results`, and `replay` hands them to graphql-core. So a mutation is
performed once. Attributes, and resolvers without `info`, are read again; reading them twice must be like reading once.

**Order.** The awaited fields of one object are awaited together, as by graphql-core. Mutations run one after the other.
Where a field fails, graphql-core gets the results so far, and runs the rest if the error allows it. The event of a
subscription is the root of an execution like any other.

**Not compilable** are resolvers that are not Strawberry's; field extensions; resolvers with `info`, or asynchronous
ones, below a list or below what is only read; types that do not depend on the value's class (`by_class`); directives
but @skip and @include; introspection. Such an operation is left to graphql-core as a whole.

**Large answers** yield to the event loop (execution.yielding). They have code of their own, in which a list is
completed piece by piece, and whatever contains such a list is a coroutine function:

    async def yielding_list_7(v, x):
        if type(v) is not list: v = sequence(v)
        r = []
        for b in range(0, len(v), 666):
            p = v[b:b + 666]
            if x.budget.is_spent(len(p) * 3): await x.budget.pause(len(p) * 3)
            r += [(by_class_c41.get(type(i)) or by_class_c41(i))(i, x) for i in p]
        return r

**Faults.** A fall to graphql-core is a fault if graphql-core then reports no error. Faults are counted, and logged once
for each operation; tracebacks show the generated source, as `<compiled query AllOrders>`. After MAX_FALLS of them the
operation is left to graphql-core.

Two assumptions: whether a value can be awaited, or is an exception, depends on its class; and what is declared
`by_class` depends on nothing else either.
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
from execution.hooks import Outcome
from execution.lookahead import ByConditions, variables_in
from execution.yielding import LARGE, PIECE, YieldBudget, YieldingExecutor

MAX_FIELDS = 1000  # in the code of an operation, counted for each type that an object may have
MAX_CLASSES = 32  # of the values at one place, for which the choice of a function is remembered
MAX_FALLS = 10  # after which an operation is left to graphql-core
SHORT = 20  # entries of a list that is completed without a pause
STEPS_BETWEEN = 3  # of the event loop, between two replayed results; graphql-core takes one or two to start a task
MAX_NAME_LENGTH = 64  # of an operation, in the name of its source

# A value of exactly one of these classes is not an exception, and can be neither awaited nor called.
ATOMS = frozenset({str, int, float, bool, datetime, date, time, timedelta, Decimal, UUID})
_EXACT = {GraphQLString: str, GraphQLID: str, GraphQLBoolean: bool}

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
Group = list[FieldDetails]  # the nodes of a document that ask for one field of an answer
Complete = Callable[[Any, Any], Any]  # returns what the answer shows of a value
# What resolvers returned or raised, by the path of their field; and whether that was awaited.
RecordedResults = dict[tuple[str | int, ...], tuple[bool, Any, Exception | None]]
Interpret = Callable[[RecordedResults], Any]  # has graphql-core execute the operation, from what is recorded

logger = logging.getLogger(__name__)


class Deoptimize(Exception):
    """Compiled code met a value that it cannot complete."""


def by_class(function: F) -> F:
    """Declares that an `is_type_of` or a `resolve_type` depends on nothing but the value's class."""
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
    """Only a list or a tuple can be iterated twice."""
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
    """Awaits all of them. Where one fails, the others go on to their end, so that their results are recorded."""
    results = await asyncio.gather(*fields, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


class Execution:
    """One execution of an operation: what its resolvers can ask for in `info`, and what they returned so far. Generated
    code calls it `x`."""

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
    """The functions that complete the values at one place, by class. Called with a value whose class is new here."""

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
        """The data of the answer, or a coroutine that returns it. Whatever it raises, graphql-core has to answer."""
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
        # It executes nothing: it collects fields and builds what resolvers get as `info`.
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
        self.work = 0  # the same, with the fields of a list's entries as often as is usual

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
        """A function of a value and the execution; a coroutine function if anything in it is awaited."""
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
        """None, and nothing written, if it is not compilable."""
        lines, arguments, size, work = len(self.lines), len(self.arguments), self.size, self.work
        try:
            return write()
        except NotCompilable:
            del self.lines[lines:], self.arguments[arguments:]
            self.size, self.work = size, work
            return None

    # Objects with fields whose resolvers take `info`: statements, which record what those return

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
        """Statements that leave in the variable what the answer shows of a field whose resolver takes `info`."""
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
        """The expression for a resolver's `info`. What it holds of the operation is the same in all executions."""
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
        named: Any = output.of_type if is_non_null_type(output) else output
        test = getattr(named, "is_type_of", None)
        if not is_object_type(named) or (test is not None and not _is_by_class(test)):
            raise NotCompilable
        fields, deferred, _ = self.executor.collect_subfields(named, group)
        if deferred:
            raise NotCompilable
        mismatch = f" or not {self.constant(test, 'is_type_of')}({value}, None)" if test else ""
        function = self.object(named, fields, path)
        call = f"{'await ' if self.coroutines[function] else ''}{function}({value}, x)"
        lines = [f"if is_unexpected({value}){mismatch}: raise Deoptimize", f"{variable} = {call}"]
        if output is named:
            lines = [f"if {value} is None: {variable} = None", "else:", *(f"    {line}" for line in lines)]
        return lines

    # Fields that are only read, and all below them: expressions

    def value(self, output: Any, group: Group, value: str, name: str) -> str:
        """The expression for what the answer shows of a value. The expression `value` gives the value, and leaves it in
        the variable `name`."""
        if is_non_null_type(output):
            return self.present(output.of_type, group, value, name)
        return self.present(output, group, value, name, nullable=True)

    def present(self, output: Any, group: Group, value: str, name: str, *, nullable: bool = False) -> str:
        """The same for a value that is not null, or `nullable`."""
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
        """The functions that complete a list at once, and with pauses; empty where there is no such function."""
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
        """How an object is completed, by the value's class; and whether that is awaited."""
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
        """The event of a subscription, which is its root value and the value of its field."""
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
        """The keyword arguments of a resolver that are converted in each execution."""
        self.arguments.append(Arguments(self.schema, definition, node, field))
        return f"**x.arguments[{len(self.arguments) - 1}]"

    def sources(self, resolver: Any) -> list[str]:
        """The arguments by which a resolver gets the object that it belongs to."""
        rows = [parameter.name for parameter in (resolver.parent_parameter, resolver.root_parameter) if parameter]
        return [*(["s"] if resolver.self_parameter else []), *(f"{name}=s" for name in dict.fromkeys(rows))]


def _awaits(body: Iterable[str]) -> bool:
    return any("await " in line for line in body)


def strawberry_field(definition: GraphQLField) -> StrawberryField:
    """Strawberry's declaration of a field. Raises NotCompilable if anything else takes part in resolving it."""
    field = definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if type(field) is not StrawberryField or field.extensions:
        raise NotCompilable
    # Strawberry marks each resolver that it makes; nothing is known about any other.
    if getattr(definition.resolve, "_is_default", None) is not (field.base_resolver is None):
        raise NotCompilable
    return field


class _Variant:
    """What is known of an operation for one combination of its conditions' values."""

    def __init__(self) -> None:
        self.uses = 0
        # By whether the code yields, as that of large answers does. None where it cannot be compiled.
        self.compiled: dict[bool, CompiledOperation | None] = {}


class CompiledVariants:
    """The code of one operation. It is compiled when the operation runs for the second time with the same conditions,
    since compiling takes as long as an answer does; or, if the answer is large, at once."""

    compiled_from = 2  # uses

    def __init__(
        self, schema: GraphQLSchema, operation: OperationDefinitionNode, parts: Iterable[ExecutableDefinitionNode]
    ) -> None:
        """`parts` are the operation and the fragments of its document."""
        self.schema, self.operation = schema, operation
        self.name = operation.name.value if operation.name else ""
        self.variants = ByConditions(parts, _Variant)
        self.falls = 0
        self.is_reported = False

    def execute(
        self,
        execution: Execution,
        variables: VariableValues,
        cost: int,
        observe: Callable[[Outcome, str], None],
        interpret: Interpret,
    ) -> Any:
        """The result, or a coroutine that returns it; by compiled code if possible, else as `interpret` gives it."""
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
            observe(Outcome.NOT_COMPILABLE, self.name)
            return interpret({})
        try:
            data = compiled.run(execution, variables)
        except Exception as fall:
            cause = fall
        else:
            if type(data) is CoroutineType:
                return self._finish(data, execution, observe, interpret)
            observe(Outcome.COMPILED, self.name)
            return ExecutionResult(data, None)
        try:
            return self._fall_back(cause, execution, observe, interpret)
        finally:
            del cause  # which has this frame in its traceback

    async def _finish(
        self,
        data: Awaitable[Any],
        execution: Execution,
        observe: Callable[[Outcome, str], None],
        interpret: Interpret,
    ) -> Any:
        try:
            result = ExecutionResult(await data, None)
        except Exception as fall:
            cause = fall
        else:
            observe(Outcome.COMPILED, self.name)
            return result
        try:
            answer = self._fall_back(cause, execution, observe, interpret)
        finally:
            del cause
        return await answer if is_awaitable(answer) else answer

    def _fall_back(
        self, cause: Exception, execution: Execution, observe: Callable[[Outcome, str], None], interpret: Interpret
    ) -> Any:
        answer: Any = interpret(execution.recorded_results)
        if not is_awaitable(answer):
            return self._judge(cause, answer, execution, observe)

        async def finish() -> Any:
            return self._judge(cause, await answer, execution, observe)

        return finish()

    def _judge(
        self, cause: Exception, answer: Any, execution: Execution, observe: Callable[[Outcome, str], None]
    ) -> Any:
        """Counts the fall, unless graphql-core reports an error as well: then there was none to answer without one."""
        execution.recorded_results.clear()  # errors in it refer to it by their tracebacks
        if not answer.errors:
            self.falls += 1
            observe(Outcome.FELL_BACK, self.name)
            self._report("Compiled code of %s left the answer to graphql-core.", cause)
            if self.falls >= MAX_FALLS:
                for variant in self.variants.all():
                    variant.compiled.clear()
        return answer

    def _compile(self, variables: VariableValues, *, yields: bool) -> CompiledOperation | None:
        if self.falls >= MAX_FALLS:
            return None
        try:
            return Compiler(self.schema, self.operation, self.variants.parts, variables, yields=yields).compile()
        except (NotCompilable, GraphQLError):
            return None
        except Exception as error:
            self._report("The compiler failed on %s.", error)
            return None

    def _report(self, message: str, error: Exception) -> None:
        """Logs one line for an operation, however often it happens."""
        if not self.is_reported:
            self.is_reported = True
            logger.warning(message, self.name or "an operation without a name", exc_info=error)


def replay(recorded: RecordedResults) -> MiddlewareManager:
    """Gives graphql-core what resolvers returned or raised already, instead of calling them again. What was awaited is
    awaited again, and comes in the same order, so that errors do."""
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
    """Can be awaited; and if nobody does, that is no mistake, as it is for a coroutine."""

    def __init__(self, steps: int, value: Any, error: Exception | None) -> None:
        self.steps, self.value, self.error = steps, value, error

    def __await__(self) -> Generator[None, None, Any]:
        for _ in range(self.steps):
            yield  # to the event loop
        if self.error is not None:
            raise self.error
        return self.value


class RunsCompiled(YieldingExecutor):
    """Mixed into an executor of graphql-core, has it run the code that is compiled for its operation, if there is any.
    Each event of a subscription is executed so."""

    compiled: CompiledVariants | None = None
    observe: Callable[[Outcome, str], None]

    def execute_operation(self, serially: bool | None = None) -> Any:
        if self.compiled is None or not self._is_usual():
            return super().execute_operation(serially)

        def interpret(recorded: RecordedResults) -> Any:
            if recorded:
                self.middleware_manager = replay(recorded)
            return super(RunsCompiled, self).execute_operation(serially)

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
    """Strawberry's executor, which yields while it completes a large answer."""


class CompiledExecutor(RunsCompiled, StrawberryGraphQLCoreExecutionContext):
    """The same, for an operation with compiled code."""
