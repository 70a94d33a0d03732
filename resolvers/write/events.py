"""Events: appended with every change, and folded into the row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import models
from models.enums import Action, CaseKind
from resolvers import policy
from resolvers.policy import Fact
from resolvers.write.sql import Write, insert, send, update

if TYPE_CHECKING:
    from resolvers.context import Context
    from resolvers.orders.order import Order


@dataclass(slots=True, kw_only=True)
class PendingEvent:
    """One event to be: `facts` are set on the order, `case_facts` on the case."""

    at: datetime
    by_id: UUID | None = None
    action: Action | None = None
    facts: dict[str, Fact] = field(default_factory=dict[str, Fact])
    case: tuple[CaseKind, UUID] | None = None
    case_facts: dict[str, Fact] | None = None
    note: str | None = None


def events(order_id: UUID | None, known_at: datetime, changes: Iterable[PendingEvent]) -> list[dict[str, Any]]:
    """Their columns."""
    return [
        {
            "order_id": order_id,
            "case_kind": change.case[0] if change.case else None,
            "case_id": change.case[1] if change.case else None,
            "at": change.at,
            "known_at": known_at,
            "by_id": change.by_id,
            "action": change.action,
            "facts": change.facts,
            "case_facts": change.case_facts,
            "note": change.note,
        }
        for change in changes
    ]


async def append(
    context: Context, order: Order | None, changes: Sequence[PendingEvent], writes: Iterable[Write] = (), **columns: Any
) -> None:
    """Writes changes as events, and their fold, with any other `columns`, to the row of their locked order; and with
    them what else there is to write.

    Events never become known before earlier ones of the same order or case, even where a clock goes back.
    """
    if order is None:
        [change] = changes
        assert change.case is not None
        earlier = await models.Event.filter(case_id=change.case[1]).order_by("-id").first()
        known_at = max(context.known_at(), earlier.known_at) if earlier else context.known_at()
        # No order is locked, so that the transaction may have its number only from what is written first: before an
        # event has its own, which models.feed relies on. Within one statement nothing would say which is first.
        if written := list(writes):
            await send(*written)
        await send(insert(models.Event, events(None, known_at, changes)))
        return
    known_at = max(context.known_at(), order.changed_at)
    policy.fold(order, [change.facts for change in changes])
    facts = {name: getattr(order, name) for change in changes for name in change.facts}
    new = [insert(models.Event, events(order.id, known_at, changes))] if changes else []
    folded = update(models.Order, {"id": order.id}, {**facts, **columns, "changed_at": known_at})
    await send(*writes, *new, folded)
