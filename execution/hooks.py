"""Hooks: an application overrides them to do its own work around the execution of operations."""

from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum, auto
from typing import Any

from strawberry.types.graphql import OperationType


class ExecutionOutcome(StrEnum):
    """How an operation that had been requested before was executed."""

    COMPILED = auto()
    FELL_BACK = auto()  # compiled code failed, and graphql-core answered without an error
    NOT_COMPILABLE = auto()


class Hooks:
    """Hooks that do nothing. An application overrides the methods that it needs."""

    def on_measured(self, operation: str, cost: int) -> None:
        """Called with the name and the cost of a valid operation, before it runs."""

    def around(self, kind: OperationType) -> AbstractContextManager[Any]:
        """Returns a context in which a query or a mutation runs."""
        return nullcontext()

    def on_outcome(self, outcome: ExecutionOutcome, operation: str) -> None:
        """Called after each execution of an operation that had been requested before, unless the answer has errors."""
