"""Rows on which viewers act: what the policy decides about a row now, and at any other instant from its events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from strawberry import UNSET

import models
from execution.lookahead import SelectedField
from models.enums import Action
from resolvers import policy
from resolvers.context import Context
from resolvers.instant import cut
from resolvers.policy import Decision, Expression, NextChange
from resolvers.read.fetch import fetch
from resolvers.read.relations import loaded_by
from resolvers.read.rows import Loader, RelationDeclaration, Row
from resolvers.read.scopes import Unscoped
from resolvers.read.select import Select
from resolvers.read.sql import Where


class Actionable:
    """A row with facts that the policy decides on. `past` are its events, if the query needs them."""

    __slots__ = ()
    context: Context
    past: Sequence[Past]
    moved_by_time: ClassVar[tuple[Expression, ...]] = ()  # what else about it changes with time alone
    has_conflict: Any = False  # whether the viewer is an agent who is a party to it as well
    all_refunds: Any = ()  # that the query selects

    @property
    def available_actions(self) -> list[Decision]:
        row: Any = self
        return policy.available_actions(row, self.context.viewer, self.context.now, conflict=self.has_conflict)

    @property
    def next_change_at(self) -> datetime | None:
        row: Any = self
        return policy.next_change_at(row, self.context.viewer, self.context.now, conflict=self.has_conflict)

    @property
    def next_change(self) -> NextChange | None:
        row: Any = self
        return policy.next_change(row, self.context.viewer, self.context.now, conflict=self.has_conflict)

    @property
    def differs_at(self) -> datetime | None:
        """The first instant at which the row looks different to its viewer because time has passed."""
        row: Any = self
        viewer, now = self.context.viewer, self.context.now
        change = policy.next_change_at(row, viewer, now, self.moved_by_time, conflict=self.has_conflict)
        instants = (change, *(refund.differs_at for refund in self.all_refunds))
        return min((instant for instant in instants if instant is not None), default=None)

    def facts(self) -> Any:
        """Returns the facts before the first event."""
        raise NotImplementedError


@dataclass(slots=True, kw_only=True)
class _Event(Row):
    MODEL = models.Event

    context: Context
    id: int
    order_id: UUID | None
    case_id: UUID | None
    known_at: datetime
    facts: Mapping[str, Any]
    case_facts: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Past:
    """The facts that an event set, and when it became known here."""

    known_at: datetime
    facts: Mapping[str, Any]


_ALL_EVENTS = Unscoped(
    "The viewer may see the rows. The policy reads more of them than that: a complaint is a fact of its order."
)


def selects_form(field: SelectedField) -> bool:
    """Whether a query selects the form of the decisions in this field."""
    return field.selection.type is not None and bool(field.selection.field("form").selection_sets)


def replays_events(
    *, column: str, facts: str, needs: tuple[str, ...] = (), load_for_forms: Loader | None = None
) -> RelationDeclaration:
    """Declares that `decision(at:)` of the owner reads its events, if it asks for an instant at all.

    `column` is the events' column that names the owner, `facts` the one with its facts. A decision `needs` other
    relations. `load_for_forms` reads what the form of a decision about now needs.
    """

    async def load(context: Context, rows: Sequence[Any], field: SelectedField) -> None:
        if field.arguments.get("at") is None:
            if load_for_forms is not None:
                await load_for_forms(context, rows, field)
            return
        where = Where.among(column, [row.id for row in rows])
        events = await fetch(context, Select(_Event, where, order="id", visibility=_ALL_EVENTS))
        past: dict[UUID, list[Past]] = {row.id: [] for row in rows}
        for event in events:
            past[getattr(event, column)].append(Past(event.known_at, getattr(event, facts) or {}))
        for row in rows:
            row.past = past[row.id]

    return loaded_by("decision", load, key=lambda arguments: arguments.get("at") is None, needs=needs)


def decided(action: Action, subject: Any, context: Context) -> Decision:
    """Returns the policy's decision now. `subject` is a row, facts without a row, or None if nothing is there."""
    conflict = isinstance(subject, Actionable) and subject.has_conflict
    facts: Any = subject
    return policy.decide(action, facts, context.viewer, context.now, conflict=conflict)


def decision(root: Any, action: Action, at: datetime | None = UNSET) -> Decision:
    """Returns the policy's decision about this row now, or at `at`: the decision then, or if nothing else happens."""
    if at is UNSET or at is None:
        return decided(action, root, root.context)
    at = cut(at)
    known_facts = [past.facts for past in root.past if past.known_at <= at]
    facts = policy.fold(root.facts(), known_facts, strict=False) if known_facts else None
    return policy.decide(action, facts, root.context.viewer, at, conflict=root.has_conflict)
