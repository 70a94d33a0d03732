"""Queries that are executed whole by code that is compiled for them: their resolvers called, and what they give
completed.

Compiled are queries whose fields with `info` are Strawberry's, stand below nothing but objects, and of which no two are
to be awaited. The code knows the answer as it should be, like that of the executor: whatever surprises it ends it, and
graphql-core executes the query from its beginning, whose result and errors are the answer. What a resolver raises is
raised again there, without asking it a second time; other surprises are asked for twice, so that it is promised that
this is like asking once, as it is for what only reads. Mutations are never executed so.
"""

# pyright: reportPrivateUsage=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from collections.abc import Awaitable, Callable, Hashable
from typing import Any

from graphql import (
    DocumentNode,
    ExecutableDefinitionNode,
    GraphQLObjectType,
    OperationDefinitionNode,
    get_variable_values,
    is_non_null_type,
    is_object_type,
)
from graphql.execution.collect_fields import collect_fields
from graphql.execution.values import VariableValues
from graphql.pyutils import Path
from strawberry.types.field import StrawberryField

from resolvers.recent import Recent
from resolvers.selection import VARIANTS, conditions_in
from schema.executor import (
    CompiledExecutor,
    Compiler,
    Failed,
    Group,
    Impure,
    Surprise,
    converted,
    is_surprising,
    strawberry_field,
    tells_by_class,
)

Asking = tuple[Any, StrawberryField]  # what a resolver is told of its field, as `info`


class _Compiler(Compiler):
    """Writes the source of one query, for the conditions of one execution."""

    def __init__(self, executor: CompiledExecutor) -> None:
        super().__init__(executor)
        self.scope |= {"is_surprising": is_surprising, "Surprise": Surprise, "Failed": Failed}
        self.asking: list[Asking] = []
        self.awaited = 0

    def query(self) -> Callable[[Any, Any, Any], Awaitable[dict[str, Any]]]:
        """Raises Impure."""
        executor = self.executor
        root_type = self.schema.query_type
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
                value = self.field(parent, group)
            except Impure:
                value = f"r{len(body)}"
                body += self.asked(parent, group, Path(path, key, parent.name), value)
            shown.append(f"{key!r}: {value}")
        name = f"f{len(self.lines)}"
        body.append(f"return {{{', '.join(shown)}}}")
        self.lines += [f"async def {name}(s, x, i):", *(f"    {line}" for line in body)]
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
        given.append(f"{resolver.info_parameter.name}=i[{len(self.asking)}]")
        nodes = [details.node for details in group]
        told: Any = self.executor.build_resolve_info(definition, nodes, parent, path)
        # What is kept for other requests holds nothing of this one.
        self.asking.append((told._replace(variable_values={}, async_helpers=None), field))
        if definition.args:
            given.append(f"**x[{len(self.arguments)}]")
            self.arguments.append((definition, node, field))
        value = f"v{shown}"
        call = f"{self.constant(resolver.wrapped_func)}({', '.join(given)})"
        lines = [
            f"try: {value} = {'await ' if field.is_async else ''}{call}",
            f"except Exception as error: raise Failed({self.constant(path.as_list())}, error)",
        ]
        return lines + self.completed(definition.type, group, path, value, shown)

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
        lines = [f"if is_surprising({value}){fits}: raise Surprise", f"{shown} = await {below}({value}, x, i)"]
        if output is named:
            lines = [f"if {value} is None: {shown} = None", "else:", *(f"    {line}" for line in lines)]
        return lines


class _Compiled:
    def __init__(self, executor: CompiledExecutor) -> None:
        """Raises Impure."""
        compiler = _Compiler(executor)
        self.complete = compiler.query()
        self.arguments, self.asking = compiler.arguments, compiler.asking

    async def run(
        self, schema: Any, root: Any, variables: VariableValues, context: Any, extensions: Any
    ) -> dict[str, Any]:
        told = {
            "root_value": root,
            "variable_values": variables.coerced,
            "context": context,
            "operation_extensions": extensions,
        }
        info = schema._strawberry_schema.config.info_class
        return await self.complete(
            root,
            [converted(schema, variables, *each) for each in self.arguments],
            [info(_raw_info=fixed._replace(**told), _field=field) for fixed, field in self.asking],
        )


class _Variant:
    """A query for the values that its conditions take: seen how often, and what was compiled of it."""

    def __init__(self) -> None:
        self.sightings = 0
        self.compiled: _Compiled | None = None


class Whole:
    """The query of a document. It is compiled when it comes for the second time with the same conditions."""

    compiled_from = 2  # sightings

    def __init__(self, schema: Any, document: DocumentNode, operation: OperationDefinitionNode) -> None:
        self.schema, self.document, self.operation = schema, document, operation
        sets = [each.selection_set for each in document.definitions if isinstance(each, ExecutableDefinitionNode)]
        self.conditions = conditions_in(*sets)
        self.variants: Recent[Hashable, _Variant] = Recent(VARIANTS)

    async def data(
        self, root: Any, given: dict[str, Any] | None, context: Any, extensions: Any = None
    ) -> dict[str, Any] | Failed | None:
        """None where graphql-core has to tell, or what it has to tell of a resolver."""
        variables = get_variable_values(self.schema, self.operation.variable_definitions or (), given or {})
        if isinstance(variables, list):
            return None
        try:
            variant = self.variants.get(tuple(map(variables.coerced.get, self.conditions)), _Variant)
            variant.sightings += 1
            if variant.sightings == self.compiled_from:
                variant.compiled = self._compiled(given)
            if variant.compiled is None:
                return None
            return await variant.compiled.run(self.schema, root, variables, context, extensions)
        except Failed as failed:
            return failed
        except Exception:
            return None

    def _compiled(self, given: dict[str, Any] | None) -> _Compiled | None:
        named = self.operation.name.value if self.operation.name else None
        executor: Any = CompiledExecutor.build(self.schema, self.document, None, None, given, named)
        try:
            return _Compiled(executor)
        except Impure:
            return None
