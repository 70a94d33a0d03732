"""Statements about a row of facts, each of which reads itself twice: in Python over one row, and as SQL over all."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, Literal

from models.enums import Role

Bind = Callable[[object], str]  # takes a value, gives the placeholder that stands for it in the statement
Test = Callable[[Any, Role, datetime], Any]  # over facts, who asks, and for which instant

MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """Who asks, and for which instant."""

    role: Role
    now: datetime


class Expression(ABC):
    __slots__ = ()

    @abstractmethod
    def python(self, bind: Bind) -> str:
        """Source over `facts`, `role` and `now`."""

    @abstractmethod
    def sql(self, bind: Bind, asked: Viewpoint) -> str: ...

    @abstractmethod
    def time_boundaries(self) -> Iterator[tuple[str, timedelta]]:
        """The facts from which time runs, and how long: what time alone can make of it, it makes a moment after."""

    @abstractmethod
    def facts(self) -> Iterator[str]:
        """What it reads of a row."""

    @abstractmethod
    def satisfiable(self, truth: bool, known: Container[str]) -> bool:
        """Whether it may be true, or false, of some row of which exactly these facts are known: at some time, with some
        values. It may say so of what cannot be, never the other way round."""

    def simplify(self, known: Mapping[str, bool]) -> "Expression":
        """What is left to ask of rows of which these facts are known, or are not."""
        return self

    def holds(self, facts: Any, asked: Viewpoint) -> bool:
        return compiled(self)(facts, asked.role, asked.now)

    def __and__(self, other: "Expression") -> "Expression":
        return Joined((self, other), "AND")

    def __or__(self, other: "Expression") -> "Expression":
        return Joined((self, other), "OR")

    def __invert__(self) -> "Expression":
        return Not(self)


class _Timeless(Expression):
    __slots__ = ()

    def time_boundaries(self) -> Iterator[tuple[str, timedelta]]:
        yield from ()


# Told apart by identity, so that what is compiled of one is found without comparing what it says.


@dataclass(frozen=True, slots=True, eq=False)
class IsSet(_Timeless):
    """The fact is set, even where it is dated after now."""

    fact: str

    def python(self, bind: Bind) -> str:
        return f"facts.{self.fact} is not None"

    def sql(self, bind: Bind, asked: Viewpoint) -> str:
        return f"{self.fact} IS NOT NULL"

    def facts(self) -> Iterator[str]:
        yield self.fact

    def satisfiable(self, truth: bool, known: Container[str]) -> bool:
        return truth == (self.fact in known)

    def simplify(self, known: Mapping[str, bool]) -> Expression:
        return (TRUE if known[self.fact] else FALSE) if self.fact in known else self


@dataclass(frozen=True, slots=True, eq=False)
class Equals(_Timeless):
    """The fact, which may be unset, has this value."""

    fact: str
    value: StrEnum

    def python(self, bind: Bind) -> str:
        return f"facts.{self.fact} == {bind(self.value)}"

    def sql(self, bind: Bind, asked: Viewpoint) -> str:
        return f"({self.fact} IS NOT NULL AND {self.fact} = {bind(self.value.value)})"

    def facts(self) -> Iterator[str]:
        yield self.fact

    def satisfiable(self, truth: bool, known: Container[str]) -> bool:
        return not truth or self.fact in known


@dataclass(frozen=True, slots=True, eq=False)
class IsRole(_Timeless):
    """The fact is the role of who asks."""

    fact: str

    def python(self, bind: Bind) -> str:
        return f"facts.{self.fact} == role"

    def sql(self, bind: Bind, asked: Viewpoint) -> str:
        return Equals(self.fact, asked.role).sql(bind, asked)

    def facts(self) -> Iterator[str]:
        yield self.fact

    def satisfiable(self, truth: bool, known: Container[str]) -> bool:
        return not truth or self.fact in known


@dataclass(frozen=True, slots=True, eq=False)
class Compared(_Timeless):
    """Two facts, both known, of which one is to the other as `sign` says."""

    fact: str
    sign: Literal["=", "<="]
    other: str

    def python(self, bind: Bind) -> str:
        fact, other = f"facts.{self.fact}", f"facts.{self.other}"
        sign = "==" if self.sign == "=" else self.sign
        return f"({fact} is not None and {other} is not None and {fact} {sign} {other})"

    def sql(self, bind: Bind, asked: Viewpoint) -> str:
        fact, other = self.fact, self.other
        return f"({fact} IS NOT NULL AND {other} IS NOT NULL AND {fact} {self.sign} {other})"

    def facts(self) -> Iterator[str]:
        yield from (self.fact, self.other)

    def satisfiable(self, truth: bool, known: Container[str]) -> bool:
        return not truth or (self.fact in known and self.other in known)


@dataclass(frozen=True, slots=True, eq=False)
class OlderThan(Expression):
    """More than `after` lies between the fact and now: the last instant of a limit is still inside it."""

    fact: str
    after: timedelta = timedelta(0)
    is_known: bool = False

    def python(self, bind: Bind) -> str:
        return f"(facts.{self.fact} is not None and now > facts.{self.fact} + {bind(self.after)})"

    def sql(self, bind: Bind, asked: Viewpoint) -> str:
        passed = f"{self.fact} < {bind(asked.now - self.after)}"
        return passed if self.is_known else f"({self.fact} IS NOT NULL AND {passed})"

    def simplify(self, known: Mapping[str, bool]) -> Expression:
        if self.fact not in known:
            return self
        return replace(self, is_known=True) if known[self.fact] else FALSE

    def time_boundaries(self) -> Iterator[tuple[str, timedelta]]:
        yield self.fact, self.after

    def facts(self) -> Iterator[str]:
        yield self.fact

    def satisfiable(self, truth: bool, known: Container[str]) -> bool:
        return not truth or self.fact in known


@dataclass(frozen=True, slots=True, eq=False)
class Not(Expression):
    inner: Expression

    def python(self, bind: Bind) -> str:
        return f"not ({self.inner.python(bind)})"

    def sql(self, bind: Bind, asked: Viewpoint) -> str:
        return f"NOT ({self.inner.sql(bind, asked)})"

    def time_boundaries(self) -> Iterator[tuple[str, timedelta]]:
        return self.inner.time_boundaries()

    def facts(self) -> Iterator[str]:
        return self.inner.facts()

    def satisfiable(self, truth: bool, known: Container[str]) -> bool:
        return self.inner.satisfiable(not truth, known)

    def simplify(self, known: Mapping[str, bool]) -> Expression:
        left = self.inner.simplify(known)
        return FALSE if left is TRUE else TRUE if left is FALSE else Not(left)


@dataclass(frozen=True, slots=True, eq=False)
class Joined(Expression):
    parts: tuple[Expression, ...]
    word: str

    def python(self, bind: Bind) -> str:
        inner = f" {self.word.lower()} ".join(part.python(bind) for part in self.parts)
        return f"({inner})" if self.parts else str(self.word == "AND")

    def sql(self, bind: Bind, asked: Viewpoint) -> str:
        inner = f" {self.word} ".join(part.sql(bind, asked) for part in self.parts)
        return f"({inner})" if self.parts else ("TRUE" if self.word == "AND" else "FALSE")

    def time_boundaries(self) -> Iterator[tuple[str, timedelta]]:
        for part in self.parts:
            yield from part.time_boundaries()

    def facts(self) -> Iterator[str]:
        for part in self.parts:
            yield from part.facts()

    def satisfiable(self, truth: bool, known: Container[str]) -> bool:
        each = (part.satisfiable(truth, known) for part in self.parts)
        return all(each) if truth == (self.word == "AND") else any(each)

    def simplify(self, known: Mapping[str, bool]) -> Expression:
        neutral, decisive = (TRUE, FALSE) if self.word == "AND" else (FALSE, TRUE)
        left = [part for each in self.parts if (part := each.simplify(known)) is not neutral]
        if not left or decisive in left:
            return decisive if left else neutral
        return Joined(tuple(left), self.word)


TRUE, FALSE = Joined((), "AND"), Joined((), "OR")


def all_of(parts: Iterable[Expression]) -> Expression:
    return Joined(tuple(parts), "AND")


def any_of(parts: Iterable[Expression]) -> Expression:
    return Joined(tuple(parts), "OR")


def first_match(lines: Iterable[tuple[Expression, object]], otherwise: object = None) -> Test:
    """Gives the value of the first line whose expression holds. Compiled, since pages ask it a hundred times."""
    values: dict[str, object] = {}

    def bind(value: object) -> str:
        name = f"v{len(values)}"
        values[name] = value
        return name

    source = "".join(f"    if {test.python(bind)}: return {bind(value)}\n" for test, value in lines)
    source = f"def found(facts, role, now):\n{source}    return {bind(otherwise)}\n"
    exec(source, values)  # noqa: S102 - made of the table's own words
    return values["found"]  # type: ignore[return-value]


@lru_cache(1000)
def compiled(expression: Expression) -> Test:
    return first_match([(expression, True)], otherwise=False)
