"""How resolvers say no: refusals are data, everything else is a GraphQL error with a code."""

from dataclasses import dataclass

from graphql import GraphQLError

from models.enums import InputProblem, Reason
from resolvers.policy import Decision

# Codes of errors that several parts of the API give. TOO_SLOW is that of execution.schema.TooSlow.
UNAVAILABLE = "UNAVAILABLE"
UNKNOWN_OUTCOME = "UNKNOWN_OUTCOME"


class BadRequest(GraphQLError):
    """The request itself makes no sense: a negative page, a cursor that was never handed out."""

    def __init__(self, message: str) -> None:
        super().__init__(message, extensions={"code": "BAD_REQUEST"})


class NotFound(GraphQLError):
    """What does not exist and what is somebody else's, alike; also when it is not the viewer's any more."""

    def __init__(self) -> None:
        super().__init__("There is no such thing for you to see.", extensions={"code": "NOT_FOUND"})


@dataclass(frozen=True, slots=True)
class UserError:
    """A problem for the person to see; `field` is the path in the input."""

    code: Reason
    message: str
    problem: InputProblem | None = None
    field: list[str] | None = None
    decision: Decision | None = None


class ActionRefused(Exception):
    """Ends a mutation with nothing done, and says why."""

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
