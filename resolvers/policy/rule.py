"""The parts of a rule: its subject, its conditions and its window."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from functools import cache, cached_property

from models.enums import Action, OrderKind, Reason, Role
from resolvers.policy.expression import MOMENT, Evaluator, Expression, OlderThan, all_of, compile_first_match


class Subject(Enum):
    """The kind of thing that an action is about."""

    __hash__ = object.__hash__  # hash by identity, in C: Enum's own hash is a Python function

    ORDER = auto()
    DISPUTE = auto()
    COMPLAINT = auto()


@dataclass(frozen=True, slots=True)
class Condition:
    """`text` completes the sentence "Allowed when …"; `reason` is the refusal if the test is false."""

    text: str
    test: Expression
    reason: Reason


@cache
def _days(days: int) -> timedelta:
    return timedelta(days=days)


@dataclass(frozen=True, slots=True)
class Window:
    """A period that starts `opens_after` days after the fact `start` and ends `days` days after it, or never.

    A day is 24 hours. The first and the last instant are both inside. `start_text` names the start for people.
    """

    start: str
    start_text: str
    days: int | None = None
    opens_after: int = 0

    def is_open(self) -> Expression:
        opened = OlderThan(self.start, timedelta(days=self.opens_after) - MOMENT)
        return opened if self.days is None else all_of([opened, ~OlderThan(self.start, timedelta(days=self.days))])

    @property
    def text(self) -> str:
        """Completes the sentence "Allowed when …"."""
        if self.days is None:
            return f"{self.opens_after} days have passed since {self.start_text}"
        return f"no more than {self.days} days have passed since {self.start_text}"

    def bounds(self, facts: object) -> tuple[datetime | None, datetime | None]:
        """Returns the first and the last instant; both are None until the fact `start` is set."""
        start: datetime | None = getattr(facts, self.start)
        if start is None:
            return None, None
        closes = None if self.days is None else start + _days(self.days)
        return start + _days(self.opens_after) if self.opens_after else start, closes


IMPARTIAL = "the agent is not a party to the case"  # holds for all actions of agents


@dataclass(frozen=True)
class Rule:
    """One row of the table. `source` is the help page's section, or the decision in docs/decisions ("House: …")."""

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
    def condition_texts(self) -> list[str]:
        """The conditions in the order in which they are checked, after the one that holds for all actions of agents."""
        impartial = [IMPARTIAL] if Role.AGENT in self.roles else []
        return impartial + [condition.text for condition in self.conditions]

    @cached_property
    def first_unmet_reason(self) -> Evaluator:
        """Evaluates to the reason of the first condition that is false, or None if all are true."""
        return compile_first_match((~condition.test, condition.reason) for condition in self.conditions)

    @cached_property
    def is_open(self) -> Expression:
        """All conditions are true and the window is open; the role is not checked."""
        tests = [condition.test for condition in self.conditions]
        return all_of([*tests, self.window.is_open()] if self.window else tests)
