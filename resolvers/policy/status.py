"""Statuses that are derived: the first of a table's lines that applies."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeVar

from models.enums import Role
from resolvers.policy.expression import Asked, Expression, all_of, any_of

S = TypeVar("S")
Statuses = tuple[tuple[S, Expression], ...]

ALWAYS = all_of(())


def status_at(statuses: Statuses[S], facts: Any, now: datetime) -> S:
    asked = Asked(Role.AGENT, now)  # a status is the same for everybody
    return next(status for status, applies in statuses if applies.holds(facts, asked))


def status_is(statuses: Statuses[S], wanted: Iterable[S]) -> Expression:
    """That the status is one of those, for asking the database."""
    chosen = set(wanted)
    return any_of(
        all_of([applies, *(~earlier for _, earlier in statuses[:place])])
        for place, (status, applies) in enumerate(statuses)
        if status in chosen
    )
