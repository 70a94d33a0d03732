"""Events: appended with every change, folded into the row, and folded again up to any instant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Protocol
from uuid import UUID

from strawberry import UNSET

import models
from models.enums import Action, CaseKind, Role
from resolvers import policy, reading
from resolvers.policy import Decision, Fact, Subject
from resolvers.reading import Row

if TYPE_CHECKING:
    from resolvers.context import Context
    from resolvers.order import Order
    from resolvers.selection import Asked


@dataclass(slots=True, kw_only=True)
class Change:
    """One event to be: `facts` are set on the order, `case_facts` on the case."""

    at: datetime
    by_id: UUID | None = None
    action: Action | None = None
    facts: dict[str, Fact] = field(default_factory=dict[str, Fact])
    case: tuple[CaseKind, UUID] | None = None
    case_facts: dict[str, Fact] | None = None
    note: str | None = None


def events(order_id: UUID | None, known_at: datetime, changes: Iterable[Change]) -> list[models.Event]:
    return [
        models.Event(
            order_id=order_id,
            case_kind=change.case[0] if change.case else None,
            case_id=change.case[1] if change.case else None,
            at=change.at,
            known_at=known_at,
            by_id=change.by_id,
            action=change.action,
            facts=change.facts,
            case_facts=change.case_facts,
            note=change.note,
        )
        for change in changes
    ]


async def append(context: Context, order: Order | None, changes: Sequence[Change], **columns: Any) -> None:
    """Writes changes as events, and their fold, with any other `columns`, to the row of their locked order.

    Events never become known before earlier ones of the same order or case, even where a clock goes back.
    """
    if order is None:
        [change] = changes
        assert change.case is not None
        earlier = await models.Event.filter(case_id=change.case[1]).order_by("-id").first()
        known_at = max(context.known_at(), earlier.known_at) if earlier else context.known_at()
        await models.Event.bulk_create(events(None, known_at, changes))
        return
    known_at = max(context.known_at(), order.changed_at)
    await models.Event.bulk_create(events(order.id, known_at, changes))
    policy.fold(order, [change.facts for change in changes])
    facts = {name: getattr(order, name) for change in changes for name in change.facts}
    await models.Order.filter(id=order.id).update(**facts, **columns, changed_at=known_at)


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
    """Facts that were set, and when they became known here."""

    known_at: datetime
    facts: Mapping[str, Any]


class Replayed(Protocol):
    """A row whose decisions can be asked for any instant."""

    subject: ClassVar[Subject]
    context: Context
    past: Sequence[Past]

    def facts(self) -> Any: ...

    def party(self, role: Role) -> UUID | None: ...


def replayed(owner: type[Row], column: str, facts: str) -> None:
    """Declares that `decision(at:)` of these rows reads their events, where it asks for an instant at all.

    `column` is where an event names the row, `facts` where it has the row's facts.
    """

    async def load(context: Context, rows: Sequence[Any], asked: Asked) -> None:
        if asked.arguments.get("at") is None:
            return
        # The policy reads more than the viewer may see (a complaint is a fact of its order), so the scope is that
        # of the rows themselves.
        found = await reading.fetch(
            context,
            _Event,
            lambda bind: reading.among(bind, column, [row.id for row in rows]),
            order="id",
            scoped=False,
        )
        past: dict[UUID, list[Past]] = {row.id: [] for row in rows}
        for event in found:
            past[getattr(event, column)].append(Past(event.known_at, getattr(event, facts) or {}))
        for row in rows:
            row.past = past[row.id]

    owner.relations["decision"] = reading.Relation(load, key=lambda arguments: arguments.get("at") is None)


def decision(root: Replayed, action: Action, at: datetime | None = UNSET) -> Decision:
    """What the policy says of this row now, or at `at`: what it said then, or will say if nothing else happens."""
    viewer, now = root.context.viewer, root.context.now
    if at is UNSET or at is None:
        return policy.decide(action, root, viewer, now)
    known = [past.facts for past in root.past if past.known_at <= at]
    return policy.decide(action, policy.fold(root.facts(), known) if known else None, viewer, at)
