"""What clients see: types, inputs, payloads, connections."""

from collections.abc import AsyncGenerator, Iterable, Iterator
from copy import copy
from typing import Any, Self

import strawberry
from graphql import GraphQLError, get_operation_ast
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.exceptions import CannotGetOperationTypeError
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types import ExecutionContext, ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

import schema.enums  # noqa: F401  # pyright: ignore[reportUnusedImport]
from schema.executor import CompiledExecutor
from schema.guard import BoundedParse, GuardedValidation, nested_too_deep
from schema.mutation import Mutation
from schema.query import Query
from schema.scalars import SCALARS
from schema.subscription import Subscription


class OneOperation(SchemaExtension):
    """Refuses a document of several operations that does not come with the name of one: the first would be run."""

    def on_validate(self) -> Iterator[None]:
        """Stands behind the validation, which sets the errors that this adds to."""
        context = self.execution_context
        assert context.graphql_document is not None
        named = context._provided_operation_name is not None  # pyright: ignore[reportPrivateUsage]
        if not named and get_operation_ast(context.graphql_document) is None and not context.pre_execution_errors:
            context.pre_execution_errors = [GraphQLError("A document of several operations needs an operationName.")]
        yield


class Schema(strawberry.Schema):
    async def execute(
        self,
        *args: Any,
        allowed_operation_types: Iterable[OperationType] | None = None,
        **kwargs: Any,
    ) -> ExecutionResult:
        """As its base, but for subscriptions, which have no one answer and need a stream, and for operations that are
        not in the document, which are an error of the request like any other."""
        if (error := nested_too_deep(kwargs.get("query") or next(iter(args), None))) is not None:
            return PreExecutionError(data=None, errors=[error])
        allowed = {OperationType.QUERY, OperationType.MUTATION} & set(allowed_operation_types or OperationType)
        try:
            return await super().execute(*args, allowed_operation_types=allowed, **kwargs)
        except CannotGetOperationTypeError as unclear:
            return PreExecutionError(data=None, errors=[GraphQLError(unclear.as_http_error_reason())])

    async def stream(self, *args: Any, **kwargs: Any) -> Any:
        if (error := nested_too_deep(kwargs.get("query") or next(iter(args), None))) is not None:
            return _only(PreExecutionError(data=None, errors=[error]))
        return await super().stream(*args, **kwargs)

    def uncompiled(self) -> Self:
        """The same schema, executed by graphql-core alone."""
        schema = copy(self)
        schema.execution_context_class = StrawberryGraphQLCoreExecutionContext
        return schema

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Left to the server, which knows what may be logged."""


async def _only(result: ExecutionResult) -> AsyncGenerator[ExecutionResult]:
    yield result


SCHEMA = Schema(
    Query,
    Mutation,
    Subscription,
    config=StrawberryConfig(scalar_map=SCALARS),
    execution_context_class=CompiledExecutor,
    extensions=[BoundedParse, GuardedValidation, OneOperation],
)
