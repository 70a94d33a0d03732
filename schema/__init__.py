"""The GraphQL schema: declarations only. What a field does is in resolvers."""

from strawberry.schema.config import StrawberryConfig

import schema.enums  # noqa: F401  # pyright: ignore[reportUnusedImport]
from execution.compiler import CompiledExecutor
from execution.document import Preparing
from execution.schema import Schema
from resolvers.read.relations import resolve_relations
from schema.root import Mutation, Query, Subscription
from schema.scalars import SCALARS

resolve_relations()
SCHEMA = Schema(
    Query,
    Mutation,
    Subscription,
    config=StrawberryConfig(scalar_map=SCALARS),
    execution_context_class=CompiledExecutor,
    extensions=[Preparing],
)
