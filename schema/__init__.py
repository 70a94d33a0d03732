"""What clients see: types, inputs, payloads, connections."""

from strawberry.schema.config import StrawberryConfig

import schema.enums  # noqa: F401  # pyright: ignore[reportUnusedImport]
from execution.compiler import CompiledExecutor
from execution.document import Preparing
from execution.schema import Schema
from schema.mutation import Mutation
from schema.query import Query
from schema.scalars import SCALARS
from schema.subscription import Subscription

SCHEMA = Schema(
    Query,
    Mutation,
    Subscription,
    config=StrawberryConfig(scalar_map=SCALARS),
    execution_context_class=CompiledExecutor,
    extensions=[Preparing],
)
