"""What an application does around the execution of its operations."""

from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum, auto
from typing import Any

from strawberry.types.graphql import OperationType


class Outcome(StrEnum):
    """What ran an operation that was asked for at least twice."""

    COMPILED = auto()
    FELL_BACK = auto()  # compiled code gave up on it, and graphql-core answered it without an error
    NOT_COMPILABLE = auto()


class Hooks:
    """Does nothing; an application overrides what it needs."""

    def on_measured(self, operation: str, cost: int) -> None:
        """Called with the name and the cost of a valid operation, before it runs."""

    def around(self, kind: OperationType) -> AbstractContextManager[Any]:
        """A context in which a query or a mutation runs."""
        return nullcontext()

    def on_outcome(self, outcome: Outcome, operation: str) -> None:
        """Called after each execution of an operation that was asked for before, unless it has errors."""
