"""How a request's operation is executed: prepared once, in time, and by code that was compiled for it."""

# pyright: reportPrivateUsage=false, reportUnknownVariableType=false, reportUnknownMemberType=false

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from copy import copy
from typing import Any, Self, TypeVar

import strawberry
from graphql import ExecutionResult as GraphQLExecutionResult
from graphql import GraphQLError
from strawberry.exceptions import MissingQueryError
from strawberry.execution.is_awaitable import optimized_is_awaitable
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.schema.schema import _coerce_error
from strawberry.types import ExecutionContext, ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from execution.compiler import CompiledExecutor, UncompiledExecutor
from execution.complexity import TooExpensive
from execution.document import cost, prepared
from execution.limits import Limits
from execution.operation import Noted, replaying
from execution.turns import LARGE
from models import database

T = TypeVar("T")


class TooSlow(GraphQLError):
    CODE = "TOO_SLOW"

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"This was not done within {seconds:g} seconds. A mutation may be done all the same: ask again with the "
            "same idempotency key.",
            extensions={"code": self.CODE},
        )


class Schema(strawberry.Schema):
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
        """As its base, without its extensions, and with what they would do. Subscriptions have no one answer and need a
        stream; an operation that is not in the document is an error of the request like any other."""
        if not query:
            raise MissingQueryError
        limits: Limits = context_value.limits
        document = prepared(self._schema, query, operation_name, limits)
        if document.unreadable is not None:
            return PreExecutionError(data=None, errors=[document.unreadable])
        if document.operation is None:
            unclear = CannotGetOperationTypeError(operation_name).as_http_error_reason()
            return PreExecutionError(data=None, errors=[GraphQLError(unclear)])
        kind = document.kind
        if kind is OperationType.SUBSCRIPTION or kind not in (allowed_operation_types or OperationType):
            raise InvalidOperationTypeError(kind)
        variables = document.read(variable_values)
        found = document.measured(variables)
        told = cost(found, limits)
        errors = document.errors(found, limits)
        if errors or isinstance(found, TooExpensive):
            return PreExecutionError(data=None, errors=errors, extensions=told)

        async def work() -> GraphQLExecutionResult:
            assert document.parsed is not None
            noted: Noted = {}
            if document.whole is not None and variables and self.execution_context_class is CompiledExecutor:
                data = await document.whole.data(
                    noted, root_value, variables, context_value, operation_extensions, is_large=found.cost > LARGE
                )
                if data is not None:
                    return GraphQLExecutionResult(data, None)
            executor: Any = self.execution_context_class.build(
                self._schema,
                document.parsed,
                root_value,
                context_value,
                variable_values,
                operation_name,
                middleware=replaying(noted) if noted else None,
                is_awaitable=optimized_is_awaitable,  # pyright: ignore[reportArgumentType]
                operation_extensions=operation_extensions,
            )
            if isinstance(executor, list):  # of errors
                return GraphQLExecutionResult(None, executor)  # pyright: ignore[reportUnknownArgumentType]
            assert variables is not None  # nothing is executed with what was not measured
            result = executor.execute_operation()
            return await result if isinstance(result, Awaitable) else result

        try:
            result = await _in_time(work, kind, limits)
        except Exception as error:
            return PreExecutionError(data=None, errors=[_coerce_error(error)], extensions=told)
        return ExecutionResult(result.data, result.errors, told)

    async def stream(self, query: str | None, *args: Any, context_value: Any = None, **kwargs: Any) -> Any:
        """What cannot be read is not left to the base, which would read it a second time."""
        if query:
            document = prepared(self._schema, query, kwargs.get("operation_name"), context_value.limits)
            if document.unreadable is not None:
                return _only(PreExecutionError(data=None, errors=[document.unreadable]))
        return await super().stream(query, *args, context_value=context_value, **kwargs)

    async def _execute_operation(self, execution_context: ExecutionContext, *rest: Any, **more: Any) -> Any:
        """Of a stream that has one answer."""

        async def work() -> Any:
            return await super(Schema, self)._execute_operation(execution_context, *rest, **more)

        return await _in_time(work, execution_context.operation_type, execution_context.context.limits)

    def uncompiled(self) -> Self:
        """The same schema, executed by graphql-core alone."""
        schema = copy(self)
        schema.execution_context_class = UncompiledExecutor
        return schema

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Left to the server, which knows what may be logged."""


async def _in_time(work: Callable[[], Awaitable[T]], kind: OperationType, limits: Limits) -> T:
    """Within the time that a request has. A query may be read from a replica. Raises TooSlow."""
    try:
        with database.allow_replica(kind is OperationType.QUERY):
            async with asyncio.timeout(limits.seconds):
                return await work()
    except TimeoutError:
        raise TooSlow(limits.seconds) from None


async def _only(result: ExecutionResult) -> AsyncGenerator[ExecutionResult]:
    yield result
