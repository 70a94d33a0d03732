"""Statuses that are derived: the first of a table's lines that applies."""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar

from models.enums import Role
from resolvers.policy.conditions import TRUE, Expression, Test, Viewpoint, all_of, any_of, first_match

S = TypeVar("S")
Statuses = tuple[tuple[S, Expression], ...]


def status_at(statuses: Statuses[S], facts: Any, now: datetime) -> S:
    return _first(statuses)(facts, Role.AGENT, now)  # a status is the same for everybody


@cache
def _first(statuses: Statuses[Any]) -> Test:
    return first_match((applies, status) for status, applies in statuses)


def status_is(statuses: Statuses[S], wanted: Iterable[S]) -> Expression:
    """That the status is one of those, for asking the database."""
    chosen = set(wanted)
    return any_of(
        all_of([applies, *(~earlier for _, earlier in statuses[:place])])
        for place, (status, applies) in enumerate(statuses)
        if status in chosen
    )


def status_rank(statuses: Statuses[Any]) -> str:
    """The place of a row's status among the table's lines, in SQL and in the very words of an index. They must be
    statuses that time does not change."""

    def bind(_value: object) -> str:
        raise ValueError("an index cannot know the time")

    nobody = Viewpoint(Role.AGENT, datetime.max.replace(tzinfo=UTC))
    *lines, last = [applies.sql(bind, nobody) for _, applies in statuses]
    assert last == TRUE.sql(bind, nobody)
    whens = " ".join(f"WHEN {applies} THEN {place}" for place, applies in enumerate(lines))
    return f"CASE {whens} ELSE {len(lines)} END"
