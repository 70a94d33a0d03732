"""Settling: what time alone has done to an order's dispute is written down before anything else happens to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

import models
from models.enums import CaseKind
from resolvers import policy
from resolvers.context import Context
from resolvers.policy import DisputeFacts
from resolvers.read.fetch import fetch
from resolvers.read.rows import Row
from resolvers.write.events import PendingEvent
from resolvers.write.sql import send, update

if TYPE_CHECKING:
    from resolvers.orders.order import Order


class _Dispute(Protocol):
    """A dispute's facts with its id, from wherever they were read."""

    @property
    def id(self) -> UUID: ...


@dataclass(slots=True, kw_only=True)
class _OpenDispute(DisputeFacts, Row):
    MODEL = models.Dispute

    context: Context
    id: UUID


def order_facts(case_facts: dict[str, Any]) -> dict[str, Any]:
    """The facts of the order that follow from facts set on its open dispute."""
    facts: dict[str, Any] = {"dispute_lapses_at": None}
    return facts | ({"dispute_open_since": None} if case_facts.get("closed_at") else {})


def due_event(dispute: _Dispute, now: datetime) -> PendingEvent | None:
    """The event that will say what time has done to a dispute, while nobody has written it down."""
    done = policy.expiration(dispute, now)  # type: ignore[arg-type]
    if done is None:
        return None
    due, facts = done
    return PendingEvent(at=due, facts=order_facts(facts), case=(CaseKind.DISPUTE, dispute.id), case_facts=facts)


async def record_expirations(context: Context, order: Order) -> list[PendingEvent]:
    """Writes to the locked order's dispute what time has done, dated when it was due; gives the events to append."""
    if order.dispute_open_since is None:
        return []
    [dispute] = await fetch(
        context, _OpenDispute, lambda bind: f"order_id = {bind(order.id)} AND closed_at IS NULL", scoped=False
    )
    change = due_event(dispute, context.now)
    if change is None:
        return []
    assert change.case_facts
    await send(update(models.Dispute, {"id": dispute.id}, change.case_facts))
    policy.fold(order, [change.facts])
    return [change]
