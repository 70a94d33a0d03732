"""What a rule is made of."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from models.enums import Action, OrderKind, Reason, Role
from resolvers.policy.expression import Between, Expression


class Subject(Enum):
    """What an action is asked of."""

    ORDER = auto()
    DISPUTE = auto()
    COMPLAINT = auto()


@dataclass(frozen=True, slots=True)
class Condition:
    """`words` complete the sentence "Allowed when …"; `reason` is given where it does not hold."""

    words: str
    test: Expression
    reason: Reason


@dataclass(frozen=True, slots=True)
class Window:
    """From the instant `start` (a fact) for `days` times 24 hours, both instants included."""

    days: int
    start: str
    words: str

    @property
    def length(self) -> timedelta:
        return timedelta(days=self.days)

    def is_open(self) -> Expression:
        return Between(self.start, lambda now: now - self.length, lambda now: now)

    def bounds(self, facts: object) -> tuple[datetime | None, datetime | None]:
        """The first and the last instant, as far as they are known."""
        start: datetime | None = getattr(facts, self.start)
        return (start, start + self.length) if start else (None, None)


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table. `source` is the help page's section, or the house decision (docs/decisions)."""

    action: Action
    subject: Subject
    role: Role
    kind: OrderKind | None
    label: str
    conditions: tuple[Condition, ...]
    window: Window | None
    source: str

    @property
    def key(self) -> tuple[Subject, Action, OrderKind | None]:
        return self.subject, self.action, self.kind
