"""Boolean expressions over a row of facts. Each one can be evaluated in Python for one row, and in SQL for many.

An example, with the two forms that it generates:

    no_dispute_open = ~IsSet("dispute_open_since") | OlderThan("dispute_lapses_at")

    Python  (not (facts.dispute_open_since is not None)
             or (facts.dispute_lapses_at is not None and now > facts.dispute_lapses_at + v0))
    SQL     (NOT (dispute_open_since IS NOT NULL)
             OR (dispute_lapses_at IS NOT NULL AND dispute_lapses_at < $1))

`compile_first_match` turns the Python form into a function once; pages of rows then call that function.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, Literal

from models.enums import Role

Bind = Callable[[object], str]  # takes a value, returns the placeholder or name that stands for it
Evaluator = Callable[[Any, Role, datetime], Any]  # takes facts, the viewer's role and the instant

MOMENT = timedelta(microseconds=1)


class Expression(ABC):
    __slots__ = ()

    @abstractmethod
    def python(self, bind: Bind) -> str:
        """Returns Python source over `facts`, `role` and `now`."""

    @abstractmethod
    def sql(self, bind: Bind, role: Role, now: datetime) -> str:
        """Returns the SQL condition for a viewer's role and an instant."""

    @abstractmethod
    def time_boundaries(self) -> Iterator[tuple[str, timedelta]]:
        """Yields (fact, duration) pairs: time alone can change the result one moment after fact + duration."""

    @abstractmethod
    def facts(self) -> Iterator[str]:
        """Yields the names of the facts that the expression reads."""

    @abstractmethod
    def satisfiable(self, truth: bool, set_facts: Container[str]) -> bool:
        """Returns whether the expression can be `truth` for some row in which exactly `set_facts` are set.

        The answer is conservative: it may be true for a case that cannot occur, but never false for one that can.
        """

    @abstractmethod
    def decided_since(self, facts: Any, role: Role, now: datetime) -> datetime | None:
        """Returns the instant of the fact that decides the result; None if no instant does."""

    def simplify(self, is_set: Mapping[str, bool]) -> "Expression":
        """Returns the expression that remains when it is known which of these facts are set."""
        return self

    def holds(self, facts: Any, role: Role, now: datetime) -> bool:
        return compile_predicate(self)(facts, role, now)

    def __and__(self, other: "Expression") -> "Expression":
        return BooleanExpression((self, other), "AND")

    def __or__(self, other: "Expression") -> "Expression":
        return BooleanExpression((self, other), "OR")

    def __invert__(self) -> "Expression":
        return Not(self)


class _Timeless(Expression):
    __slots__ = ()

    def time_boundaries(self) -> Iterator[tuple[str, timedelta]]:
        yield from ()


# Expressions compare by identity (eq=False), so a cache lookup does not walk the whole tree.


@dataclass(frozen=True, slots=True, eq=False)
class IsSet(_Timeless):
    """The fact is set, even if its instant lies in the future."""

    fact: str

    def python(self, bind: Bind) -> str:
        return f"facts.{self.fact} is not None"

    def sql(self, bind: Bind, role: Role, now: datetime) -> str:
        return f"{self.fact} IS NOT NULL"

    def facts(self) -> Iterator[str]:
        yield self.fact

    def decided_since(self, facts: Any, role: Role, now: datetime) -> datetime | None:
        return _instant(facts, self.fact)

    def satisfiable(self, truth: bool, set_facts: Container[str]) -> bool:
        return truth == (self.fact in set_facts)

    def simplify(self, is_set: Mapping[str, bool]) -> Expression:
        return (TRUE if is_set[self.fact] else FALSE) if self.fact in is_set else self


@dataclass(frozen=True, slots=True, eq=False)
class Equals(_Timeless):
    """The fact is set and has this value."""

    fact: str
    value: StrEnum

    def python(self, bind: Bind) -> str:
        return f"facts.{self.fact} == {bind(self.value)}"

    def sql(self, bind: Bind, role: Role, now: datetime) -> str:
        return f"({self.fact} IS NOT NULL AND {self.fact} = {bind(self.value.value)})"

    def facts(self) -> Iterator[str]:
        yield self.fact

    def decided_since(self, facts: Any, role: Role, now: datetime) -> datetime | None:
        return None

    def satisfiable(self, truth: bool, set_facts: Container[str]) -> bool:
        return not truth or self.fact in set_facts


@dataclass(frozen=True, slots=True, eq=False)
class EqualsViewerRole(_Timeless):
    """The fact is set and is the viewer's role."""

    fact: str

    def python(self, bind: Bind) -> str:
        return f"facts.{self.fact} == role"

    def sql(self, bind: Bind, role: Role, now: datetime) -> str:
        return Equals(self.fact, role).sql(bind, role, now)

    def facts(self) -> Iterator[str]:
        yield self.fact

    def decided_since(self, facts: Any, role: Role, now: datetime) -> datetime | None:
        return None

    def satisfiable(self, truth: bool, set_facts: Container[str]) -> bool:
        return not truth or self.fact in set_facts


@dataclass(frozen=True, slots=True, eq=False)
class Comparison(_Timeless):
    """Both facts are set, and the comparison between them is true."""

    left: str
    operator: Literal["=", "<="]
    right: str

    def python(self, bind: Bind) -> str:
        left, right = f"facts.{self.left}", f"facts.{self.right}"
        operator = "==" if self.operator == "=" else self.operator
        return f"({left} is not None and {right} is not None and {left} {operator} {right})"

    def sql(self, bind: Bind, role: Role, now: datetime) -> str:
        left, right = self.left, self.right
        return f"({left} IS NOT NULL AND {right} IS NOT NULL AND {left} {self.operator} {right})"

    def facts(self) -> Iterator[str]:
        yield from (self.left, self.right)

    def decided_since(self, facts: Any, role: Role, now: datetime) -> datetime | None:
        return None

    def satisfiable(self, truth: bool, set_facts: Container[str]) -> bool:
        return not truth or (self.left in set_facts and self.right in set_facts)


@dataclass(frozen=True, slots=True, eq=False)
class OlderThan(Expression):
    """The fact is set, and more than `duration` has passed since: at exactly fact + `duration` this is still false."""

    fact: str
    duration: timedelta = timedelta(0)
    not_null: bool = False  # whether another condition already guarantees that the fact is set

    def python(self, bind: Bind) -> str:
        return f"(facts.{self.fact} is not None and now > facts.{self.fact} + {bind(self.duration)})"

    def sql(self, bind: Bind, role: Role, now: datetime) -> str:
        condition = f"{self.fact} < {bind(now - self.duration)}"
        return condition if self.not_null else f"({self.fact} IS NOT NULL AND {condition})"

    def simplify(self, is_set: Mapping[str, bool]) -> Expression:
        if self.fact not in is_set:
            return self
        return replace(self, not_null=True) if is_set[self.fact] else FALSE

    def time_boundaries(self) -> Iterator[tuple[str, timedelta]]:
        yield self.fact, self.duration

    def facts(self) -> Iterator[str]:
        yield self.fact

    def decided_since(self, facts: Any, role: Role, now: datetime) -> datetime | None:
        return _instant(facts, self.fact)

    def satisfiable(self, truth: bool, set_facts: Container[str]) -> bool:
        return not truth or self.fact in set_facts


@dataclass(frozen=True, slots=True, eq=False)
class Not(Expression):
    operand: Expression

    def python(self, bind: Bind) -> str:
        return f"not ({self.operand.python(bind)})"

    def sql(self, bind: Bind, role: Role, now: datetime) -> str:
        return f"NOT ({self.operand.sql(bind, role, now)})"

    def time_boundaries(self) -> Iterator[tuple[str, timedelta]]:
        return self.operand.time_boundaries()

    def facts(self) -> Iterator[str]:
        return self.operand.facts()

    def decided_since(self, facts: Any, role: Role, now: datetime) -> datetime | None:
        return self.operand.decided_since(facts, role, now)

    def satisfiable(self, truth: bool, set_facts: Container[str]) -> bool:
        return self.operand.satisfiable(not truth, set_facts)

    def simplify(self, is_set: Mapping[str, bool]) -> Expression:
        operand = self.operand.simplify(is_set)
        return FALSE if operand is TRUE else TRUE if operand is FALSE else Not(operand)


@dataclass(frozen=True, slots=True, eq=False)
class BooleanExpression(Expression):
    operands: tuple[Expression, ...]
    operator: Literal["AND", "OR"]

    def python(self, bind: Bind) -> str:
        source = f" {self.operator.lower()} ".join(operand.python(bind) for operand in self.operands)
        return f"({source})" if self.operands else str(self.operator == "AND")

    def sql(self, bind: Bind, role: Role, now: datetime) -> str:
        text = f" {self.operator} ".join(operand.sql(bind, role, now) for operand in self.operands)
        return f"({text})" if self.operands else ("TRUE" if self.operator == "AND" else "FALSE")

    def time_boundaries(self) -> Iterator[tuple[str, timedelta]]:
        for operand in self.operands:
            yield from operand.time_boundaries()

    def facts(self) -> Iterator[str]:
        for operand in self.operands:
            yield from operand.facts()

    def decided_since(self, facts: Any, role: Role, now: datetime) -> datetime | None:
        decisive = [operand for operand in self.operands if operand.holds(facts, role, now) == (self.operator == "OR")]
        # One operand alone decides; where none does, all of them do, and the latest completed them.
        deciding = decisive[:1] or self.operands
        instants = [operand.decided_since(facts, role, now) for operand in deciding]
        return max((instant for instant in instants if instant is not None), default=None)

    def satisfiable(self, truth: bool, set_facts: Container[str]) -> bool:
        results = (operand.satisfiable(truth, set_facts) for operand in self.operands)
        return all(results) if truth == (self.operator == "AND") else any(results)

    def simplify(self, is_set: Mapping[str, bool]) -> Expression:
        neutral, decisive = (TRUE, FALSE) if self.operator == "AND" else (FALSE, TRUE)
        rest = [simple for operand in self.operands if (simple := operand.simplify(is_set)) is not neutral]
        if not rest or decisive in rest:
            return decisive if rest else neutral
        return BooleanExpression(tuple(rest), self.operator)


def _instant(facts: Any, fact: str) -> datetime | None:
    value = getattr(facts, fact)
    return value if isinstance(value, datetime) else None


TRUE, FALSE = BooleanExpression((), "AND"), BooleanExpression((), "OR")


def all_of(operands: Iterable[Expression]) -> Expression:
    return BooleanExpression(tuple(operands), "AND")


def any_of(operands: Iterable[Expression]) -> Expression:
    return BooleanExpression(tuple(operands), "OR")


def compile_first_match(branches: Iterable[tuple[Expression, object]], default: object = None) -> Evaluator:
    """Compiles a function that returns the value of the first branch whose expression is true, else `default`."""
    values: dict[str, object] = {}

    def bind(value: object) -> str:
        name = f"v{len(values)}"
        values[name] = value
        return name

    source = "".join(f"    if {test.python(bind)}: return {bind(value)}\n" for test, value in branches)
    source = f"def first_match(facts, role, now):\n{source}    return {bind(default)}\n"
    exec(source, values)  # noqa: S102 - the source is generated from the policy table only
    return values["first_match"]  # type: ignore[return-value]


@lru_cache(1000)
def compile_predicate(expression: Expression) -> Evaluator:
    """Compiles a function that returns whether the expression is true."""
    return compile_first_match([(expression, True)], default=False)
