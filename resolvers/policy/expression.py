"""Statements about a row of facts, each of which reads itself twice: in Python over one row, and as SQL over all."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from models.enums import Role

Bind = Callable[[object], str]  # takes a value, gives the placeholder that stands for it in the statement

MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, and for which instant."""

    role: Role
    now: datetime


class Expression(ABC):
    @abstractmethod
    def holds(self, facts: Any, asked: Asked) -> bool: ...

    @abstractmethod
    def sql(self, bind: Bind, asked: Asked) -> str: ...

    @abstractmethod
    def edges(self, facts: Any) -> Iterator[datetime]:
        """The first instants of what time alone can make of it."""

    def __and__(self, other: "Expression") -> "Expression":
        return Joined((self, other), "AND")

    def __or__(self, other: "Expression") -> "Expression":
        return Joined((self, other), "OR")

    def __invert__(self) -> "Expression":
        return Not(self)


class _Timeless(Expression):
    __slots__ = ()

    def edges(self, facts: Any) -> Iterator[datetime]:
        yield from ()


@dataclass(frozen=True, slots=True)
class Known(_Timeless):
    """The fact is set, even where it is dated after now."""

    fact: str

    def holds(self, facts: Any, asked: Asked) -> bool:
        return getattr(facts, self.fact) is not None

    def sql(self, bind: Bind, asked: Asked) -> str:
        return f"{self.fact} IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Is(_Timeless):
    """The fact, which may be unset, has this value."""

    fact: str
    value: StrEnum

    def holds(self, facts: Any, asked: Asked) -> bool:
        return getattr(facts, self.fact) == self.value

    def sql(self, bind: Bind, asked: Asked) -> str:
        return f"({self.fact} IS NOT NULL AND {self.fact} = {bind(self.value.value)})"


@dataclass(frozen=True, slots=True)
class IsRole(_Timeless):
    """The fact is the role of who asks."""

    fact: str

    def holds(self, facts: Any, asked: Asked) -> bool:
        return getattr(facts, self.fact) == asked.role

    def sql(self, bind: Bind, asked: Asked) -> str:
        return Is(self.fact, asked.role).sql(bind, asked)


@dataclass(frozen=True, slots=True)
class Passed(Expression):
    """More than `after` lies between the fact and now: the last instant of a limit is still inside it."""

    fact: str
    after: timedelta = timedelta(0)

    def holds(self, facts: Any, asked: Asked) -> bool:
        instant = getattr(facts, self.fact)
        return instant is not None and asked.now > instant + self.after

    def sql(self, bind: Bind, asked: Asked) -> str:
        return f"({self.fact} IS NOT NULL AND {self.fact} < {bind(asked.now - self.after)})"

    def edges(self, facts: Any) -> Iterator[datetime]:
        instant = getattr(facts, self.fact)
        if instant is not None:
            yield instant + self.after + MOMENT


@dataclass(frozen=True, slots=True)
class Not(Expression):
    inner: Expression

    def holds(self, facts: Any, asked: Asked) -> bool:
        return not self.inner.holds(facts, asked)

    def sql(self, bind: Bind, asked: Asked) -> str:
        return f"NOT ({self.inner.sql(bind, asked)})"

    def edges(self, facts: Any) -> Iterator[datetime]:
        return self.inner.edges(facts)


@dataclass(frozen=True, slots=True)
class Joined(Expression):
    parts: tuple[Expression, ...]
    word: str

    def holds(self, facts: Any, asked: Asked) -> bool:
        held = (part.holds(facts, asked) for part in self.parts)
        return all(held) if self.word == "AND" else any(held)

    def sql(self, bind: Bind, asked: Asked) -> str:
        inner = f" {self.word} ".join(part.sql(bind, asked) for part in self.parts)
        return f"({inner})" if self.parts else ("TRUE" if self.word == "AND" else "FALSE")

    def edges(self, facts: Any) -> Iterator[datetime]:
        for part in self.parts:
            yield from part.edges(facts)


def all_of(parts: Iterable[Expression]) -> Expression:
    return Joined(tuple(parts), "AND")


def any_of(parts: Iterable[Expression]) -> Expression:
    return Joined(tuple(parts), "OR")
