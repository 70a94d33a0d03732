"""Expiry: a dispute's passed deadline is recorded before anything else happens to its order.

A dispute's deadlines pass without a write: readers compute its status from its facts and the time. Before an action, or
a record of the order system, changes the order, the passed deadline becomes an event, dated by the deadline. So events
stay in order. For example, a dispute waits for the supplier until June 8; on June 10 the buyer withdraws it. Within
the transaction of the withdrawal:

    SELECT … FROM disputes WHERE order_id = $1 AND (closed_at IS NULL OR …)
    UPDATE disputes SET waits_for = 'AGENT', evidence_asked_at = NULL WHERE id = …

The withdrawal then appends two events: the change of June 8, and its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

import models
from models.enums import CaseKind
from resolvers import policy
from resolvers.context import Context
from resolvers.policy import DisputeFacts, effects
from resolvers.read.fetch import fetch
from resolvers.read.rows import Row
from resolvers.read.scopes import Unscoped
from resolvers.read.select import Select
from resolvers.read.sql import Where
from resolvers.write.events import LockedOrder, PendingEvent
from resolvers.write.refunds import follow_refunds
from resolvers.write.sql import send, update


class _Dispute(Protocol):
    """A dispute's facts with its id, from wherever they were read."""

    @property
    def id(self) -> UUID: ...


@dataclass(slots=True, kw_only=True)
class _RunningDispute(DisputeFacts, Row):
    MODEL = models.Dispute

    context: Context
    id: UUID


_OF_A_VISIBLE_ORDER = Unscoped("The viewer may see the order, which is locked.")


def due_event(dispute: _Dispute, now: datetime) -> PendingEvent | None:
    """Returns the event for a passed deadline of the dispute that is not recorded yet; None if there is none."""
    change = policy.expiration(dispute, now)  # type: ignore[arg-type]
    if change is None:
        return None
    due_at, facts = change
    effect = effects.expire_dispute(facts)
    return PendingEvent(at=due_at, facts=effect.order, case=(CaseKind.DISPUTE, dispute.id), case_facts=effect.case)


async def record_expirations(context: Context, order: LockedOrder) -> list[PendingEvent]:
    """Applies passed deadlines to the locked order's dispute that is open or whose return runs. Returns the events to
    append."""
    if order.dispute_open_since is None and order.return_open_since is None:
        return []
    where = Where("order_id = {} AND (closed_at IS NULL OR return_began_at = {})", order.id, order.return_open_since)
    [dispute] = await fetch(context, Select(_RunningDispute, where, visibility=_OF_A_VISIBLE_ORDER))
    event = due_event(dispute, context.now)
    if event is None:
        return []
    assert event.case_facts
    await send(update(models.Dispute, {"id": dispute.id}, event.case_facts))
    policy.fold(order, [event.facts])
    if "return_open_since" not in event.facts:
        return [event]
    consequences, writes = await follow_refunds(context, order, [event])
    if writes:
        await send(*writes)
    return [*consequences, event]
