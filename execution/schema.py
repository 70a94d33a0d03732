"""Executes operations: prepares and measures the document, then runs its compiled code, or graphql-core.

    Schema.execute   queries and mutations over HTTP, from the text to the result without Strawberry's steps
    Schema.stream    all operations over sockets and streams, by Strawberry's steps, with the extension PrepareOperation

Both prepare documents with execution.document and execute operations and events with execution.compiler. What an
application does around the execution (names for logs, the choice of a replica, metrics) is in its Hooks.
"""

# pyright: reportPrivateUsage=false, reportUnknownVariableType=false, reportUnknownMemberType=false

import asyncio
from collections.abc import AsyncGenerator, Iterable
from copy import copy
from dataclasses import dataclass
from typing import Any, Self

import strawberry
from graphql import ExecutionResult as GraphQLExecutionResult
from graphql import GraphQLError
from graphql.execution.values import VariableValues
from strawberry.exceptions import MissingQueryError
from strawberry.execution.is_awaitable import optimized_is_awaitable
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.schema.schema import _coerce_error
from strawberry.types import ExecutionContext, ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from execution.compiler import CompiledExecutor, Execution, RecordedResults, UncompiledExecutor, replay
from execution.complexity import Complexity
from execution.document import Document, PrepareOperation, prepare
from execution.hooks import Hooks


class TooSlow(GraphQLError):
    CODE = "TOO_SLOW"

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"The request timed out after {seconds:g} seconds. A mutation may still have been done: "
            "send it again with the same idempotency key.",
            extensions={"code": self.CODE},
        )


class Schema(strawberry.Schema):
    def __init__(self, *args: Any, hooks: Hooks | None = None, **kwargs: Any) -> None:
        super().__init__(*args, execution_context_class=CompiledExecutor, extensions=[PrepareOperation], **kwargs)
        self.hooks = hooks or Hooks()

    async def execute(
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: Any = None,
        root_value: Any = None,
        operation_name: str | None = None,
        allowed_operation_types: Iterable[OperationType] | None = None,
        operation_extensions: dict[str, Any] | None = None,
    ) -> ExecutionResult:
        """Like strawberry.Schema.execute, but does the extensions' work itself. A subscription is refused, since it
        needs a stream. An operation name that the document does not have is an error of the request."""
        if not query:
            raise MissingQueryError
        document = prepare(self._schema, query, operation_name, context_value.limits)
        if document.syntax_error is not None:
            return PreExecutionError(data=None, errors=[document.syntax_error])
        if document.operation is None:
            reason = CannotGetOperationTypeError(operation_name).as_http_error_reason()
            return PreExecutionError(data=None, errors=[GraphQLError(reason)])
        kind = document.kind
        if kind is OperationType.SUBSCRIPTION or kind not in (allowed_operation_types or OperationType):
            raise InvalidOperationTypeError(kind)
        variables = document.coerce(variable_values)
        complexity = document.measure(variables)
        errors = document.errors(complexity)
        extensions = document.extensions(complexity)
        if errors or not isinstance(complexity, Complexity):
            return PreExecutionError(data=None, errors=errors, extensions=extensions)
        self.hooks.on_measured(document.name, complexity.cost)
        request = _Request(document, variables, variable_values, root_value, context_value, operation_extensions)
        try:
            result = await self._run(request, complexity.cost)
        except Exception as error:
            return PreExecutionError(data=None, errors=[_coerce_error(error)], extensions=extensions)
        return ExecutionResult(result.data, result.errors, extensions)

    async def _run(self, request: "_Request", cost: int) -> GraphQLExecutionResult:
        """Returns the result of a query or a mutation. Raises TooSlow after `Limits.seconds`."""
        document, variables = request.document, request.variables

        def interpret(recorded: RecordedResults) -> Any:
            assert document.parsed is not None
            executor: Any = UncompiledExecutor.build(
                self._schema,
                document.parsed,
                request.root_value,
                request.context,
                request.raw_variables,
                document.operation_name,
                middleware=replay(recorded) if recorded else None,
                is_awaitable=optimized_is_awaitable,  # pyright: ignore[reportArgumentType]
                operation_extensions=request.extensions,
            )
            if isinstance(executor, list):  # of errors
                return GraphQLExecutionResult(None, executor)  # pyright: ignore[reportUnknownArgumentType]
            assert variables is not None  # only measured values are executed
            executor.cost = cost
            return executor.execute_operation()

        seconds = document.limits.seconds
        try:
            with self.hooks.around(document.kind):
                async with asyncio.timeout(seconds):
                    if variables is None or self.execution_context_class is not CompiledExecutor:
                        result = interpret({})
                    else:
                        execution = Execution(
                            request.root_value, variables.coerced, request.context, request.extensions
                        )
                        observe = self.hooks.on_outcome
                        result = document.compiled.execute(execution, variables, cost, observe, interpret)
                    return result if isinstance(result, GraphQLExecutionResult) else await result
        except TimeoutError:
            raise TooSlow(seconds) from None

    async def stream(self, query: str | None, *args: Any, context_value: Any = None, **kwargs: Any) -> Any:
        """Like strawberry.Schema.stream, but returns a syntax error itself: the base class would parse again."""
        if query:
            document = prepare(self._schema, query, kwargs.get("operation_name"), context_value.limits)
            if document.syntax_error is not None:
                return _only(PreExecutionError(data=None, errors=[document.syntax_error]))
        return await super().stream(query, *args, context_value=context_value, **kwargs)

    def _stream(
        self, execution_context: ExecutionContext, *args: Any, execution_context_class: Any = None, **kwargs: Any
    ) -> Any:
        builder = _ExecutorBuilder(self, execution_context)
        return super()._stream(execution_context, *args, execution_context_class=builder, **kwargs)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    async def _execute_operation(self, execution_context: ExecutionContext, *args: Any, **kwargs: Any) -> Any:
        """Returns the result of a query or a mutation that arrived over a stream."""
        context = execution_context
        document = self._document(context)
        variables = document.coerce(context.variables)
        complexity = document.measure(variables)
        assert isinstance(complexity, Complexity)  # it was valid
        request = _Request(
            document, variables, context.variables, context.root_value, context.context, context.operation_extensions
        )
        return await self._run(request, complexity.cost)

    def _document(self, context: ExecutionContext) -> Document:
        return prepare(self._schema, context.query or "", context._provided_operation_name, context.context.limits)

    def uncompiled(self) -> Self:
        """Returns the same schema, executed by graphql-core alone."""
        schema = copy(self)
        schema.execution_context_class = UncompiledExecutor
        return schema

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Does nothing: the server logs errors itself."""


@dataclass(frozen=True, slots=True)
class _Request:
    document: Document
    variables: VariableValues | None
    raw_variables: dict[str, Any] | None  # the variables as the request gives them
    root_value: Any
    context: Any
    extensions: dict[str, Any] | None


@dataclass(frozen=True)
class _ExecutorBuilder:
    """Takes the place of a subscription's executor class, and gives the executor the code compiled for its events."""

    schema: Schema
    context: ExecutionContext

    def build(self, *args: Any, **kwargs: Any) -> Any:
        executor: Any = self.schema.execution_context_class.build(*args, **kwargs)
        if not isinstance(executor, list):  # of errors
            document = self.schema._document(self.context)
            complexity = document.measure(executor.variable_values)
            assert isinstance(complexity, Complexity)
            executor.cost = complexity.cost
            executor.compiled, executor.observe = document.compiled, self.schema.hooks.on_outcome
        return executor


async def _only(result: ExecutionResult) -> AsyncGenerator[ExecutionResult]:
    yield result
