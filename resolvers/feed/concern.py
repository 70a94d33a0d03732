"""Whom committed events concern: the parties, the order system, and agents. A batch of events takes one statement for
each of their tables, however many viewers watch.

    the supplier replies to feedback        the order's buyer and supplier, and the service that recorded it
    an agent answers a complaint            the complainant, and agents
    the buyer escalates a dispute           as for feedback, and agents: it now waits for them
    the order of that dispute is shipped    the same, because its dispute waits for them

Who is concerned is not a right to read. What a viewer gets is read as that viewer (`resolvers.read.scopes`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from tortoise.models import Model

import models
from models import database
from models.enums import Action, CaseKind, Role
from resolvers import policy
from resolvers.feed.feed import CommittedEvent, Topic

# After these, a dispute may no longer wait for agents.
ENDS_REVIEW = frozenset(
    {Action.REQUEST_EVIDENCE, Action.RESOLVE_DISPUTE, Action.WITHDRAW_DISPUTE, Action.CONCEDE_DISPUTE}
)


async def with_concerned(events: Sequence[CommittedEvent], *, agents: bool) -> list[CommittedEvent]:
    """Returns the events with the viewers whom they concern; agents only if they are asked for."""
    complaints = {event.case_id for event in events if event.case_kind is CaseKind.COMPLAINT}
    orders = {event.order_id for event in events if event.case_kind is not CaseKind.COMPLAINT}
    of_complaints = await _rows(models.Complaint, complaints, "complainant_id")
    of_orders = await _rows(models.Order, orders, "buyer_id", "supplier_id", "recorded_by_id")
    accounts: dict[UUID | None, Sequence[UUID]] = {id: ids for id, *ids in (*of_complaints, *of_orders)}
    waiting = await _waiting_for_agents(events) if agents else frozenset[int]()

    def viewers(event: CommittedEvent) -> frozenset[Topic]:
        concerned = accounts.get(event.case_id if event.case_kind is CaseKind.COMPLAINT else event.order_id, ())
        return frozenset([*concerned, Role.AGENT] if event.id in waiting else concerned)

    return [replace(event, viewers=viewers(event)) for event in events]


async def _waiting_for_agents(events: Sequence[CommittedEvent]) -> frozenset[int]:
    """Returns the ids of events about something that waits for agents, or that may have stopped to: complaints,
    disputes under review, the orders of both, and refunds that were reported as missing."""
    now = datetime.now(UTC)
    orders = {event.order_id for event in events if event.order_id is not None}
    since: dict[Any, datetime] = {}  # when agents got the case of an order
    if orders:
        open_cases = {"order_id__in": orders, "closed_at": None}
        disputes: Any = models.Dispute.filter(**open_cases).using_db(database.read_connection())
        since = {
            dispute.order_id: dispute.due_at
            for dispute in await disputes
            if policy.waits_for(dispute, now) is Role.AGENT
        }
        complaints: Any = models.Complaint.filter(**open_cases, waits_for=Role.AGENT)
        since.update(await complaints.using_db(database.read_connection()).values_list("order_id", "opened_at"))
    reported = {
        id
        for id, reported_at in await _rows(models.Refund, {event.refund_id for event in events}, "reported_missing_at")
        if reported_at is not None
    }
    return frozenset(
        event.id
        for event in events
        if event.case_kind is CaseKind.COMPLAINT
        or event.action in ENDS_REVIEW
        or event.action is Action.REPORT_MISSING_REFUND
        or (event.order_id in since and event.known_at >= since[event.order_id])
        or event.refund_id in reported
    )


async def _rows(model: type[Model], ids: Iterable[UUID | None], *columns: str) -> Sequence[Any]:
    """Returns the id and these columns of each row; asks for nothing if there are no ids."""
    keys = {id for id in ids if id is not None}
    if not keys:
        return ()
    return await model.filter(id__in=keys).using_db(database.read_connection()).values_list("id", *columns)
