"""What happened to an order or a case, read aloud: the words are made from the events when they are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import models
from execution.lookahead import SelectedField
from models.enums import Action, CaseKind, Role
from resolvers.account import Account, names_account
from resolvers.cancellation import Cancellation
from resolvers.complaints.complaint import Complaint
from resolvers.context import Context
from resolvers.disputes.dispute import Dispute
from resolvers.orders.order import Order
from resolvers.read.fetch import fetch, read
from resolvers.read.pagination import Keyset, Paging
from resolvers.read.relations import belongs_to, loaded_by
from resolvers.read.rows import Row
from resolvers.read.scopes import Unscoped
from resolvers.read.select import Select
from resolvers.read.sql import Where
from resolvers.write.expiry import due_event

AFTER_ALL_WRITTEN = 2**62  # the id of an entry that has no event yet
CASES: dict[CaseKind, type[Row]] = {
    CaseKind.CANCELLATION: Cancellation,
    CaseKind.DISPUTE: Dispute,
    CaseKind.COMPLAINT: Complaint,
}

# What the order system or time itself set, and what it took back.
_HAPPENED: dict[str, tuple[str, str]] = {
    "placed_at": ("The order was placed.", ""),
    "paid_at": ("The payment was received.", "The payment was taken back."),
    "payment_submitted_at": ("The buyer submitted a payment.", "The payment did not go through."),
    "shipped_at": ("The order was shipped.", "The shipment was taken back."),
    "completed_at": ("The order was completed.", "The completion was taken back."),
    "cancelled_at": ("The order was cancelled.", "The cancellation was taken back."),
    "cancellation_pending_since": ("", "The cancellation request was overtaken by what happened to the order."),
    "closed_as": ("The evidence that was asked for did not come in time; the dispute lapsed.", ""),
    "waits_for": ("The time to answer ended; the dispute went to an agent for review.", ""),
    # The last: a migration added it to events that tell of something else.
    "claimable": ("The amount that can be claimed for the order changed.", ""),
}


CHANGED = "The order's details were changed."


def words(action: Action | None, facts: Mapping[str, Any]) -> str:
    if action is not None:
        return action.done
    for fact, (came, went) in _HAPPENED.items():
        if fact in facts:
            return went if facts[fact] is None else came
    return CHANGED


async def _load_cases(context: Context, rows: Sequence[TimelineEntry], field: SelectedField) -> None:
    for kind, row_type in CASES.items():
        keys = {row.case_id for row in rows if row.case_kind is kind}
        if not keys:
            continue
        cases = await read(context, Select(row_type, Where.among("id", keys)), field.below)
        by_key: dict[Any, Any] = {case.id: case for case in cases}  # type: ignore[attr-defined]
        for row in rows:
            if row.case_kind is kind:
                row.related_case = by_key.get(row.case_id)


_OF_VISIBLE_ORDERS = Unscoped("The viewer sees the orders and the disputes whose timelines these are.")


class DoneByTime:
    """What time has done to disputes and nobody has written down yet."""

    async def read(self, context: Context, rows: Sequence[Any]) -> dict[UUID, list[TimelineEntry]]:
        of = {row.id: row for row in rows if isinstance(row, Dispute)}
        disputed = [row for row in rows if isinstance(row, Order) and row.dispute_open_since is not None]
        of |= {row.id: row.dispute for row in disputed if row.dispute is not None}  # the latest is the open one
        if orders := [row.id for row in disputed if row.dispute is None]:
            where = Where.among("order_id", orders) & Where("closed_at IS NULL")
            still_open = await fetch(context, Select(Dispute, where, visibility=_OF_VISIBLE_ORDERS))
            of |= {dispute.order_id: dispute for dispute in still_open}
        entries = {key: self._entry(context, dispute) for key, dispute in of.items()}
        return {key: [entry] for key, entry in entries.items() if entry is not None}

    def _entry(self, context: Context, dispute: Dispute) -> TimelineEntry | None:
        change = due_event(dispute, context.now)
        if change is None:
            return None
        return TimelineEntry(
            context=context,
            id=AFTER_ALL_WRITTEN,
            order_id=dispute.order_id,
            case_kind=CaseKind.DISPUTE,
            case_id=dispute.id,
            at=change.at,
            by_id=None,
            action=None,
            facts=change.facts,
            case_facts=change.case_facts,
            note=None,
        )

    async def written(self, context: Context, derived: dict[UUID, list[TimelineEntry]]) -> set[UUID]:
        owners = {entry.case_id: key for key, those in derived.items() for entry in those}
        disputes = await fetch(context, Select(Dispute, Where.among("id", owners), visibility=_OF_VISIBLE_ORDERS))
        return {owners[dispute.id] for dispute in disputes if due_event(dispute, context.now) is None}


@dataclass(slots=True, kw_only=True)
class TimelineEntry(Row):
    MODEL = models.Event
    paging = Paging(Keyset("at", "timeline", newest_first=False, id_type=int), DoneByTime())
    relations = (
        names_account("by"),
        belongs_to("order", "Order", column="order_id"),
        loaded_by("relatedCase", _load_cases),
    )

    context: Context = field(repr=False)
    id: int
    order_id: UUID | None
    case_kind: CaseKind | None
    case_id: UUID | None
    at: datetime
    by_id: UUID | None
    action: Action | None
    facts: dict[str, Any]
    case_facts: dict[str, Any] | None
    note: str | None

    by: Account | None = field(init=False, default=None)
    order: Order | None = field(init=False, default=None)
    related_case: Row | None = field(init=False, default=None)

    @property
    def text(self) -> str:
        if self.action is None and self.by_id is not None:  # an action of another release
            return CHANGED
        return words(self.action, self.facts | (self.case_facts or {}))

    @property
    def shown_note(self) -> str | None:
        """What people wrote in a case is not for the order system."""
        return None if self.context.viewer.role is Role.SERVICE else self.note
