"""What clients see: types, inputs, payloads, connections."""

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext, ExecutionResult
from strawberry.types.graphql import OperationType

import schema.enums  # noqa: F401  # pyright: ignore[reportUnusedImport]
from schema.mutation import Mutation
from schema.query import Query
from schema.scalars import SCALARS
from schema.subscription import Subscription


class DocumentCache(ParserCache):
    """Leaves a document that cannot be parsed to the parsing itself: an error in an extension ends a stream unsaid."""

    def on_parse(self) -> Iterator[None]:
        with contextlib.suppress(GraphQLError):
            next(super().on_parse())
        yield


class Schema(strawberry.Schema):
    async def execute(
        self,
        *args: Any,
        allowed_operation_types: Iterable[OperationType] | None = None,
        **kwargs: Any,
    ) -> ExecutionResult:
        """As its base, but for subscriptions, which have no one answer and need a stream."""
        allowed = {OperationType.QUERY, OperationType.MUTATION} & set(allowed_operation_types or OperationType)
        return await super().execute(*args, allowed_operation_types=allowed, **kwargs)

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Left to the server, which knows what may be logged."""


SCHEMA = Schema(
    Query,
    Mutation,
    Subscription,
    config=StrawberryConfig(scalar_map=SCALARS),
    extensions=[DocumentCache, ValidationCache],
)
