"""The GraphQL schema: declarations only. What a field does is in resolvers."""

from contextlib import AbstractContextManager
from typing import Any

from strawberry.schema.config import StrawberryConfig
from strawberry.types.graphql import OperationType

import schema.enums  # noqa: F401  # pyright: ignore[reportUnusedImport]
from execution.hooks import ExecutionOutcome, Hooks
from execution.schema import Schema
from models import database
from resolvers import telemetry
from resolvers.read.relations import resolve_relations
from schema.root import Mutation, Query, Subscription
from schema.scalars import SCALARS


class RequestHooks(Hooks):
    def on_measured(self, operation: str, cost: int) -> None:
        request = telemetry.current.get()
        request.operation = operation
        if request.id:  # empty outside any request
            request.cost = cost

    def around(self, kind: OperationType) -> AbstractContextManager[Any]:
        return database.allow_replica(kind is OperationType.QUERY)

    def on_outcome(self, outcome: ExecutionOutcome, operation: str) -> None:
        telemetry.count_execution(operation, outcome)


resolve_relations()
SCHEMA = Schema(Query, Mutation, Subscription, config=StrawberryConfig(scalar_map=SCALARS), hooks=RequestHooks())
