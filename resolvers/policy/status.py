"""Derived statuses. A status is not stored: it is the first line of a table whose expression is true for the row."""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar

from models.enums import Role
from resolvers.policy.expression import TRUE, Evaluator, Expression, all_of, any_of, compile_first_match

S = TypeVar("S")
StatusTable = tuple[tuple[S, Expression], ...]

_ANY_ROLE = Role.AGENT  # a status is the same for every viewer


def status_at(statuses: StatusTable[S], facts: Any, now: datetime) -> S:
    return _evaluator(statuses)(facts, _ANY_ROLE, now)


@cache
def _evaluator(statuses: StatusTable[Any]) -> Evaluator:
    return compile_first_match((expression, status) for status, expression in statuses)


def status_is(statuses: StatusTable[S], selected: Iterable[S]) -> Expression:
    """Returns the expression "the status is one of `selected`", for use in queries."""
    selected = set(selected)
    return any_of(
        all_of([expression, *(~earlier for _, earlier in statuses[:position])])
        for position, (status, expression) in enumerate(statuses)
        if status in selected
    )


def status_rank_sql(statuses: StatusTable[Any]) -> str:
    """Returns SQL for the position of a row's status in the table, exactly as the index on it is defined.

    The expressions must not depend on time.
    """

    def bind(_value: object) -> str:
        raise ValueError("an index expression cannot have parameters")

    now = datetime.max.replace(tzinfo=UTC)
    *conditions, last = [expression.sql(bind, _ANY_ROLE, now) for _, expression in statuses]
    assert last == TRUE.sql(bind, _ANY_ROLE, now)
    whens = " ".join(f"WHEN {condition} THEN {position}" for position, condition in enumerate(conditions))
    return f"CASE {whens} ELSE {len(conditions)} END"
