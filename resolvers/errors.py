"""Errors: what a person can correct is data in the payload; everything else is a GraphQL error with a code."""

from dataclasses import dataclass

from graphql import GraphQLError

from models.enums import InputProblem, Reason
from resolvers.policy import Decision

# Codes of errors that several parts of the API give. TOO_SLOW is that of execution.schema.TooSlow.
UNAVAILABLE = "UNAVAILABLE"
UNKNOWN_OUTCOME = "UNKNOWN_OUTCOME"


class BadRequest(GraphQLError):
    """The request is invalid: a negative page size, or a cursor of another list."""

    def __init__(self, message: str) -> None:
        super().__init__(message, extensions={"code": "BAD_REQUEST"})


class NotFound(GraphQLError):
    """The object does not exist, or the viewer cannot see it, or no longer. The error is the same in all cases."""

    def __init__(self) -> None:
        super().__init__("Not found.", extensions={"code": "NOT_FOUND"})


@dataclass(frozen=True, slots=True)
class UserError:
    """A problem to show to the person. `field` is the path in the input."""

    code: Reason
    message: str
    problem: InputProblem | None = None
    field: list[str] | None = None
    decision: Decision | None = None


class ActionRefused(Exception):
    """Ends a mutation: nothing is changed, and the payload says why."""

    def __init__(self, errors: list[UserError]) -> None:
        super().__init__()
        self.errors = errors


def refused_by(decision: Decision) -> UserError:
    assert decision.reason is not None
    assert decision.message is not None
    return UserError(decision.reason, decision.message, decision=decision)


def invalid(field: str, problem: InputProblem, message: str) -> UserError:
    """`field` is the dotted path, as in "ratings.areas.communication"."""
    return UserError(Reason.INVALID_INPUT, message, problem, field.split("."))
