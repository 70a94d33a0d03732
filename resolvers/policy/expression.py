"""Statements about a row of facts, each of which reads itself twice: in Python over one row, and as SQL over all."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

Bind = Callable[[object], str]  # takes a value, gives the placeholder that stands for it in the statement


class Expression(ABC):
    @abstractmethod
    def holds(self, facts: Any, now: datetime) -> bool: ...

    @abstractmethod
    def sql(self, bind: Bind, now: datetime) -> str: ...

    def __and__(self, other: "Expression") -> "Expression":
        return Joined((self, other), "AND")

    def __or__(self, other: "Expression") -> "Expression":
        return Joined((self, other), "OR")

    def __invert__(self) -> "Expression":
        return Not(self)


@dataclass(frozen=True, slots=True)
class Known(Expression):
    """The fact is set, even where it is dated after now."""

    fact: str

    def holds(self, facts: Any, now: datetime) -> bool:
        return getattr(facts, self.fact) is not None

    def sql(self, bind: Bind, now: datetime) -> str:
        return f"{self.fact} IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Is(Expression):
    fact: str
    value: StrEnum

    def holds(self, facts: Any, now: datetime) -> bool:
        return getattr(facts, self.fact) == self.value

    def sql(self, bind: Bind, now: datetime) -> str:
        return f"{self.fact} = {bind(self.value.value)}"


@dataclass(frozen=True, slots=True)
class Between(Expression):
    """Both ends included."""

    fact: str
    earliest: Callable[[datetime], datetime]
    latest: Callable[[datetime], datetime]

    def holds(self, facts: Any, now: datetime) -> bool:
        instant = getattr(facts, self.fact)
        return instant is not None and self.earliest(now) <= instant <= self.latest(now)

    def sql(self, bind: Bind, now: datetime) -> str:
        return f"{self.fact} BETWEEN {bind(self.earliest(now))} AND {bind(self.latest(now))}"


@dataclass(frozen=True, slots=True)
class Not(Expression):
    inner: Expression

    def holds(self, facts: Any, now: datetime) -> bool:
        return not self.inner.holds(facts, now)

    def sql(self, bind: Bind, now: datetime) -> str:
        return f"NOT ({self.inner.sql(bind, now)})"


@dataclass(frozen=True, slots=True)
class Joined(Expression):
    parts: tuple[Expression, ...]
    word: str

    def holds(self, facts: Any, now: datetime) -> bool:
        held = (part.holds(facts, now) for part in self.parts)
        return all(held) if self.word == "AND" else any(held)

    def sql(self, bind: Bind, now: datetime) -> str:
        inner = f" {self.word} ".join(part.sql(bind, now) for part in self.parts)
        return f"({inner})" if self.parts else ("TRUE" if self.word == "AND" else "FALSE")


def all_of(parts: Iterable[Expression]) -> Expression:
    return Joined(tuple(parts), "AND")


def any_of(parts: Iterable[Expression]) -> Expression:
    return Joined(tuple(parts), "OR")
