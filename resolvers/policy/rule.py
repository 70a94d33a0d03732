"""What a rule is made of."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from functools import cache, cached_property

from models.enums import Action, OrderKind, Reason, Role
from resolvers.policy.conditions import MOMENT, Expression, OlderThan, Test, all_of, first_match


class Subject(Enum):
    """What an action is asked of."""

    __hash__ = object.__hash__  # the same in C; members are themselves alone

    ORDER = auto()
    DISPUTE = auto()
    COMPLAINT = auto()


@dataclass(frozen=True, slots=True)
class Condition:
    """`words` complete the sentence "Allowed when …"; `reason` is given where it does not hold."""

    words: str
    test: Expression
    reason: Reason


@cache
def _span(days: int) -> timedelta:
    return timedelta(days=days)


@dataclass(frozen=True, slots=True)
class Window:
    """From `opens_after` days after the instant `start` (a fact) until `days` after it, or without an end.

    A day is 24 hours, and both ends are inside.
    """

    start: str
    words: str
    days: int | None = None
    opens_after: int = 0

    def is_open(self) -> Expression:
        opened = OlderThan(self.start, timedelta(days=self.opens_after) - MOMENT)
        return opened if self.days is None else all_of([opened, ~OlderThan(self.start, timedelta(days=self.days))])

    def bounds(self, facts: object) -> tuple[datetime | None, datetime | None]:
        """The first and the last instant, as far as they are known."""
        start: datetime | None = getattr(facts, self.start)
        if start is None:
            return None, None
        closes = None if self.days is None else start + _span(self.days)
        return start + _span(self.opens_after) if self.opens_after else start, closes


@dataclass(frozen=True)
class Rule:
    """One row of the table. `source` is the help page's section, or the house decision (docs/decisions)."""

    action: Action
    subject: Subject
    roles: tuple[Role, ...]
    kind: OrderKind | None
    label: str
    conditions: tuple[Condition, ...]
    window: Window | None
    source: str

    @property
    def key(self) -> tuple[Subject, Action, OrderKind | None]:
        return self.subject, self.action, self.kind

    @property
    def words(self) -> list[str]:
        """What must hold, in the order of checking; first what holds for every action of agents."""
        impartial = ["the agent is not a party to the case"] if Role.AGENT in self.roles else []
        return impartial + [condition.words for condition in self.conditions]

    @cached_property
    def unmet(self) -> Test:
        """The reason of the first condition that does not hold; None where all do."""
        return first_match((~condition.test, condition.reason) for condition in self.conditions)

    @cached_property
    def is_open(self) -> Expression:
        """That everything but the role allows it."""
        tests = [condition.test for condition in self.conditions]
        return all_of([*tests, self.window.is_open()] if self.window else tests)
