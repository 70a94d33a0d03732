"""Events: every change appends one, and sets its facts on the row.

An order's facts are those of its events, oldest first, folded into one row. Feedback that is left at 12:00 appends

    {at: 12:00, by_id: …, action: LEAVE_FEEDBACK, facts: {"feedback_left_at": 12:00}}

and sets `feedback_left_at` on the order. Both go to the database together with what else the action writes:

    WITH w0 AS (INSERT INTO feedback …), w1 AS (INSERT INTO events …)
        UPDATE orders SET feedback_left_at = …, changed_at = … WHERE id = …
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import models
from models.enums import Action, CaseKind, OrderKind, RefundStatus
from resolvers import policy
from resolvers.context import Context
from resolvers.policy import Fact
from resolvers.write.sql import Write, insert, send, update


class LockedOrder(Protocol):
    """An order that this transaction has locked. It has the facts of an order as attributes, which are set in place."""

    @property
    def id(self) -> UUID: ...
    @property
    def changed_at(self) -> datetime: ...
    @property
    def currency(self) -> str: ...

    kind: OrderKind
    amount_paid: int
    amount_refunded: int
    amount_sent: int
    amount_owed: int
    paid_at: datetime | None
    cancelled_at: datetime | None
    dispute_open_since: datetime | None
    return_open_since: datetime | None


@dataclass(slots=True, kw_only=True)
class PendingEvent:
    """An event before it is written. `facts` are set on the order, `case_facts` on the case. `refund` is what the order
    system told about one."""

    at: datetime
    by_id: UUID | None = None
    action: Action | None = None
    facts: dict[str, Fact] = field(default_factory=dict[str, Fact])
    case: tuple[CaseKind, UUID] | None = None
    case_facts: dict[str, Fact] | None = None
    note: str | None = None
    refund: tuple[UUID, RefundStatus] | None = None


def event_rows(order_id: UUID | None, known_at: datetime, events: Iterable[PendingEvent]) -> list[dict[str, Any]]:
    """Returns the events' columns."""
    return [
        {
            "order_id": order_id,
            "case_kind": event.case[0] if event.case else None,
            "case_id": event.case[1] if event.case else None,
            "at": event.at,
            "known_at": known_at,
            "by_id": event.by_id,
            "action": event.action,
            "facts": event.facts,
            "case_facts": event.case_facts,
            "note": event.note,
            "refund_id": event.refund[0] if event.refund else None,
            "refund_status": event.refund[1] if event.refund else None,
        }
        for event in events
    ]


async def append(
    context: Context,
    order: LockedOrder | None,
    events: Sequence[PendingEvent],
    writes: Iterable[Write] = (),
    **columns: Any,
) -> None:
    """Writes the events, and sets their facts and `columns` on the order. Sends the other `writes` with them.

    Without an order, there is one event, of a case. An event becomes known no earlier than the one before it of the
    same order or case, even where a clock was set back.
    """
    if order is None:
        await _append_to_case(context, events, writes)
        return
    known_at = max(context.known_at(), order.changed_at)
    policy.fold(order, [event.facts for event in events])
    facts = {name: getattr(order, name) for event in events for name in event.facts}
    inserts = [insert(models.Event, event_rows(order.id, known_at, events))] if events else []
    await send(*writes, *inserts, update(models.Order, {"id": order.id}, {**facts, **columns, "changed_at": known_at}))


async def _append_to_case(context: Context, events: Sequence[PendingEvent], writes: Iterable[Write]) -> None:
    [event] = events
    assert event.case is not None
    latest = await models.Event.filter(case_id=event.case[1]).order_by("-id").first()
    known_at = max(context.known_at(), latest.known_at) if latest else context.known_at()
    # The transaction must have its number before the event has its id; resolvers.feed relies on that. No order is
    # locked here, so the transaction may get its number only from its first write. That write must come before the
    # event, in a statement of its own: a single statement does not say which of its writes is first.
    if case_writes := list(writes):
        await send(*case_writes)
    await send(insert(models.Event, event_rows(None, known_at, events)))
