"""Operations that are executed whole by code that is compiled for them: their resolvers called, and what they give
completed.

Compiled are queries and mutations whose fields with `info` are Strawberry's, stand below nothing but objects, and of
which no two are to be awaited. The code knows the answer as it should be, like that of the executor: whatever surprises
it ends it, and graphql-core executes the operation, whose result and errors are the answer. Resolvers are asked once
all the same: what they gave or raised is noted, and told to graphql-core in their place, at once also where it was
awaited.
"""

# pyright: reportPrivateUsage=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import dataclasses
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    ExecutableDefinitionNode,
    GraphQLField,
    GraphQLObjectType,
    MiddlewareManager,
    OperationDefinitionNode,
    Undefined,
    is_non_null_type,
    is_object_type,
)
from graphql.execution.collect_fields import collect_fields
from graphql.execution.values import VariableValues
from graphql.pyutils import Path
from strawberry.types.field import StrawberryField

from execution.arguments import Impure
from execution.compiler import (
    CompiledExecutor,
    Compiler,
    Given,
    Group,
    Surprise,
    is_surprising,
    strawberry_field,
    tells_by_class,
)
from execution.lookahead import Variants
from execution.turns import Turns

Noted = dict[tuple[str | int, ...], tuple[Any, Exception | None]]  # by its path: what a resolver gave, or raised


def replaying(noted: Noted) -> MiddlewareManager:
    """Has graphql-core told what was noted, without asking the resolvers again."""

    def resolve(ask: Any, source: Any, info: Any, /, **arguments: Any) -> Any:
        known = noted.get(tuple(info.path.as_list()))
        if known is None:
            return ask(source, info, **arguments)
        value, error = known
        if error is not None:
            raise error
        return value

    return MiddlewareManager(resolve)


@dataclass(frozen=True, slots=True)
class _Request:
    """What `info` tells of one, by its fields' names; and what is noted of it."""

    root_value: Any
    variable_values: dict[str, Any]
    context: Any
    operation_extensions: Any
    noted: Noted


_TOLD = {each.name: f"q.{each.name}" for each in dataclasses.fields(_Request)}


class _Compiler(Compiler):
    """Writes the source of one operation, for the conditions of one execution."""

    def __init__(self, executor: CompiledExecutor, *, in_turns: bool) -> None:
        super().__init__(executor, in_turns=in_turns)
        self.scope |= {"is_surprising": is_surprising, "Surprise": Surprise}
        self.awaited = 0

    def operation(self) -> Callable[[Any, Any, _Request], Awaitable[dict[str, Any]]]:
        """Raises Impure."""
        executor = self.executor
        root_type = self.schema.get_root_type(executor.operation.operation)
        assert root_type is not None
        fields, deferred, forbidden = collect_fields(
            self.schema, executor.fragments, executor.variable_values, root_type, executor.operation
        )
        if deferred or forbidden:
            raise Impure
        name = self.object(root_type, fields, None)
        exec("\n".join(self.lines), self.scope)  # noqa: S102
        return self.scope[name]

    def object(self, parent: GraphQLObjectType, fields: dict[str, Group], path: Path | None) -> str:
        """A function that gives what is shown of an object, asking its resolvers in order."""
        self.size += len(fields)
        body: list[str] = []
        shown: list[str] = []
        for key, group in fields.items():
            try:
                if parent is self.schema.mutation_type and group[0].node.name.value != "__typename":
                    raise Impure  # what is done is done in its turn, and once
                value = self.field(parent, group)
            except Impure:
                value = f"r{len(body)}"
                body += self.asked(parent, group, Path(path, key, parent.name), value)
            shown.append(f"{key!r}: {value}")
        name = f"f{len(self.lines)}"
        body.append(f"return {{{', '.join(shown)}}}")
        self.lines += [f"async def {name}(s, x, q):", *(f"    {line}" for line in body)]
        return name

    def asked(self, parent: GraphQLObjectType, group: Group, path: Path, shown: str) -> list[str]:
        """Statements that leave in `shown` what is shown of a field whose resolver takes `info`."""
        self.check(group)
        node = group[0].node
        definition = self.schema.get_field(parent, node.name.value)
        if definition is None:
            raise Impure
        field = strawberry_field(definition)
        resolver = field.base_resolver
        if resolver is None or resolver.info_parameter is None or field.is_subscription:
            raise Impure
        self.awaited += field.is_async
        if self.awaited > 1:
            raise Impure
        given = self.source(resolver)
        given.append(f"{resolver.info_parameter.name}={self.info(definition, field, group, parent, path)}")
        if definition.args:
            given.append(self.varying(definition, node, field))
        value, place = f"v{shown}", self.constant(tuple(path.as_list()))
        call = f"{self.constant(resolver.wrapped_func)}({', '.join(given)})"
        lines = [
            f"try: {value} = {'await ' if field.is_async else ''}{call}",
            "except Exception as error:",
            f"    q.noted[{place}] = None, error",
            "    raise",
            f"q.noted[{place}] = {value}, None",
        ]
        return lines + self.completed(definition.type, group, path, value, shown)

    def info(
        self, definition: GraphQLField, field: StrawberryField, group: Group, parent: GraphQLObjectType, path: Path
    ) -> str:
        """The expression for what a resolver is told of its field; what is kept in it is the same for all requests."""
        raw: Any = self.executor.build_resolve_info(definition, [details.node for details in group], parent, path)
        told = raw._asdict() | {"async_helpers": None}
        values = ", ".join(_TOLD.get(name) or self.constant(value) for name, value in told.items())
        schema: Any = self.schema
        kind = self.constant(schema._strawberry_schema.config.info_class)
        return f"{kind}(_raw_info={self.constant(type(raw))}({values}), _field={self.constant(field)})"

    def completed(self, output: Any, group: Group, path: Path, value: str, shown: str) -> list[str]:
        try:
            return [f"{shown} = {self.value(output, group, value, value)}"]
        except Impure:
            pass
        named: Any = output.of_type if is_non_null_type(output) else output
        test = getattr(named, "is_type_of", None)
        if not is_object_type(named) or (test is not None and not tells_by_class(test)):
            raise Impure
        fields, deferred, _ = self.executor.collect_subfields(named, group)
        if deferred:
            raise Impure
        fits = f" or not {self.constant(test)}({value}, None)" if test else ""
        below = self.object(named, fields, path)
        lines = [f"if is_surprising({value}){fits}: raise Surprise", f"{shown} = await {below}({value}, x, q)"]
        if output is named:
            lines = [f"if {value} is None: {shown} = None", "else:", *(f"    {line}" for line in lines)]
        return lines


class _Compiled:
    def __init__(self, executor: CompiledExecutor, *, in_turns: bool) -> None:
        """Raises Impure."""
        compiler = _Compiler(executor, in_turns=in_turns)
        self.complete = compiler.operation()
        self.arguments = compiler.arguments
        self.in_turns = in_turns

    async def run(
        self, root: Any, variables: VariableValues, context: Any, extensions: Any, noted: Noted
    ) -> dict[str, Any]:
        arguments = [each.given(variables) for each in self.arguments]
        if self.in_turns:
            arguments = Given(arguments, Turns())
        return await self.complete(root, arguments, _Request(root, variables.coerced, context, extensions, noted))


class _Variant:
    """An operation for the values that its conditions take: seen how often, and what was compiled of it; also of its
    large answers."""

    def __init__(self) -> None:
        self.sightings = 0
        self.compiled: _Compiled | None = None
        self.compiled_large: _Compiled | None = None
        self.is_large_tried = False


class Whole:
    """The operation of a document. It is compiled when it comes for the second time with the same conditions, or if its
    answer is large, at once."""

    compiled_from = 2  # sightings

    def __init__(self, schema: Any, document: DocumentNode, operation: OperationDefinitionNode) -> None:
        self.schema, self.document, self.operation = schema, document, operation
        parts = [each for each in document.definitions if isinstance(each, ExecutableDefinitionNode)]
        self.variants: Variants[_Variant] = Variants(parts, _Variant)

    async def data(
        self,
        noted: Noted,
        root: Any,
        variables: VariableValues,
        context: Any,
        extensions: Any = None,
        *,
        is_large: bool = False,
    ) -> dict[str, Any] | None:
        """None where graphql-core has to tell, with what was noted."""
        try:
            variant = self.variants.of(variables.coerced)
            variant.sightings += 1
            if variant.sightings == self.compiled_from:
                variant.compiled = self._compiled(variables)
            compiled = variant.compiled
            if is_large:
                if not variant.is_large_tried:
                    variant.is_large_tried = True
                    variant.compiled_large = self._compiled(variables, in_turns=True)
                compiled = variant.compiled_large
            if compiled is None:
                return None
            return await compiled.run(root, variables, context, extensions, noted)
        except Exception:
            return None

    def _compiled(self, variables: VariableValues, *, in_turns: bool = False) -> _Compiled | None:
        given = {name: source.value for name, source in variables.sources.items() if source.value is not Undefined}
        named = self.operation.name.value if self.operation.name else None
        executor: Any = CompiledExecutor.build(self.schema, self.document, None, None, given, named)
        try:
            return _Compiled(executor, in_turns=in_turns)
        except Impure:
            return None
