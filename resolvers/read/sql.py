"""SQL conditions and statements as values: text with holes, and apart from it the values that fill them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from models import database
from models.backends.pool import PlanMode
from models.enums import Role
from resolvers.policy import Bind

REUSED = (datetime, UUID)  # types of values that share a placeholder when they are equal


class SqlCondition(Protocol):
    """A condition of the policy (`resolvers.policy.Expression`), or a combination of some."""

    def sql(self, bind: Bind, role: Role, now: datetime) -> str: ...


class Where:
    """A condition on rows. Its text has `{}` in the place of each value.

    Where("number = {}", number) & Where.among("kind", kinds)
    """

    __slots__ = ("text", "values")

    def __init__(self, text: str, *values: object) -> None:
        self.text, self.values = text, values

    @classmethod
    def among(cls, column: str, values: Iterable[object]) -> "Where":
        values = tuple(values)
        return cls(f"{column} IN ({', '.join(['{}'] * len(values)) or 'NULL'})", *values)

    @classmethod
    def of(cls, condition: SqlCondition, role: Role, now: datetime) -> "Where":
        """Returns the policy's condition as it is for this role at this instant."""
        values: list[object] = []

        def bind(value: object) -> str:
            values.append(value)
            return "{}"

        return cls(condition.sql(bind, role, now), *values)

    def __and__(self, other: "Where") -> "Where":
        if self is EVERY_ROW:
            return other
        if other is EVERY_ROW:
            return self
        return Where(f"({self.text}) AND ({other.text})", *self.values, *other.values)

    def __or__(self, other: "Where") -> "Where":
        return Where(f"({self.text}) OR ({other.text})", *self.values, *other.values)

    def __invert__(self) -> "Where":
        return Where(f"NOT ({self.text})", *self.values)


EVERY_ROW, NO_ROW = Where("TRUE"), Where("FALSE")


def number_values(values: Iterable[object]) -> tuple[list[object], list[int]]:
    """Returns the distinct values, and for each of `values` the number of its placeholder.

    Equal instants and ids share one: parts of a statement that compare with the same cursor then have the same text,
    which lets the planner see that they are alike.
    """
    distinct: list[object] = []
    numbers: list[int] = []
    reused: dict[object, int] = {}
    for value in values:
        if isinstance(value, REUSED):
            number = reused.get(value)
            if number is None:
                distinct.append(value)
                number = reused[value] = len(distinct)
        else:
            distinct.append(value)
            number = len(distinct)
        numbers.append(number)
    return distinct, numbers


def placeholder_sign(dialect: str) -> str:
    return "$" if dialect == "postgres" else "?"


class Statement:
    """A statement under construction, for those that no `Select` describes. It collects the values."""

    def __init__(self) -> None:
        self.values: list[object] = []
        self._sign = placeholder_sign(database.dialect())

    def bind(self, value: object) -> str:
        """Adds the value; returns its placeholder."""
        self.values.append(value)
        return f"{self._sign}{len(self.values)}"

    def condition(self, where: Where) -> str:
        """Adds the condition's values; returns its text."""
        return where.text.format(*map(self.bind, where.values))

    async def run(self, text: str, plan_mode: PlanMode = PlanMode.GENERIC) -> Sequence[Iterable[Any]]:
        return await database.select(text, self.values, plan_mode)
