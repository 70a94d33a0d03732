"""Timelines: what happened to an order or a case, in sentences that are made from the events when they are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import models
from execution.lookahead import SelectedField
from models.enums import Action, CaseKind, ChangeKind, DisputeStatus, RefundStatus, Role
from resolvers.account import Account, names_account
from resolvers.cancellation import Cancellation
from resolvers.complaints.complaint import Complaint
from resolvers.context import Context
from resolvers.disputes.dispute import Dispute
from resolvers.language import gettext
from resolvers.orders.order import Order
from resolvers.read.fetch import fetch, read
from resolvers.read.pagination import Keyset, Paging
from resolvers.read.relations import belongs_to, loaded_by
from resolvers.read.rows import Row
from resolvers.read.scopes import Unscoped
from resolvers.read.select import Select
from resolvers.read.sql import Where
from resolvers.refunds.refund import Refund
from resolvers.write.expiry import due_event

ID_OF_DERIVED = 2**62  # of an entry without an event: after all others of its instant
CASES: dict[CaseKind, type[Row]] = {
    CaseKind.CANCELLATION: Cancellation,
    CaseKind.DISPUTE: Dispute,
    CaseKind.COMPLAINT: Complaint,
}

Change = tuple[ChangeKind, str]  # its kind, and the sentence to read aloud

_CORRECTED = ChangeKind.ORDER_CORRECTED
CHANGED: Change = (_CORRECTED, "The order's details were changed.")


def _follows_from_the_past(fact: str) -> tuple[str, tuple[Change, Change]]:
    determined = (_CORRECTED, "What follows from earlier agreements and decisions was determined.")
    return fact, (determined, determined)


# The changes that facts tell which the order system or time set, and those which it took back. The first fact counts.
_CHANGES: dict[str, tuple[Change, Change]] = {
    "placed_at": ((ChangeKind.ORDER_PLACED, "The order was placed."), CHANGED),
    "paid_at": (
        (ChangeKind.PAYMENT_RECEIVED, "The payment was received."),
        (_CORRECTED, "The payment was taken back."),
    ),
    "payment_submitted_at": (
        (ChangeKind.PAYMENT_SUBMITTED, "The buyer submitted a payment."),
        (ChangeKind.PAYMENT_FAILED, "The payment did not go through."),
    ),
    "shipped_at": (
        (ChangeKind.ORDER_SHIPPED, "The order was shipped."),
        (_CORRECTED, "The shipment was taken back."),
    ),
    "delivered_at": (
        (ChangeKind.ORDER_DELIVERED, "The order was delivered."),
        (_CORRECTED, "The delivery was taken back."),
    ),
    "completed_at": (
        (ChangeKind.ORDER_COMPLETED, "The order was completed."),
        (_CORRECTED, "The completion was taken back."),
    ),
    "cancelled_at": (
        (ChangeKind.ORDER_CANCELLED, "The order was cancelled."),
        (_CORRECTED, "The cancellation was taken back."),
    ),
    "cancellation_pending_since": (
        CHANGED,
        (
            ChangeKind.CANCELLATION_SUPERSEDED,
            "The cancellation request was superseded by a change of the order.",
        ),
    ),
    "return_waived_at": (
        (ChangeKind.RETURN_WAIVED, "No return address came in time; the refund is owed without a return."),
        CHANGED,
    ),
    "return_expired_at": (
        (ChangeKind.RETURN_EXPIRED, "The goods were not sent back in time; no refund is owed."),
        CHANGED,
    ),
    "return_received_at": (
        (ChangeKind.RETURN_RECEIVED, "The supplier did not answer in time; the goods count as received."),
        CHANGED,
    ),
    "closed_as": (
        (ChangeKind.DISPUTE_LAPSED, "The requested evidence did not arrive in time; the dispute lapsed."),
        CHANGED,
    ),
    "waits_for": (
        (ChangeKind.DISPUTE_UNDER_REVIEW, "Nobody answered in time; an agent reviews the dispute."),
        CHANGED,
    ),
    # What a migration determined about orders and disputes of an earlier release.
    **dict(
        map(
            _follows_from_the_past,
            ("return_began_at", "replacement_agreed_at", "cancellation_declined_at", "answered_at", "due_at"),
        )
    ),
    # The last, because a migration added this fact to events about something else.
    "claimable": ((_CORRECTED, "The amount that can be claimed for the order changed."), CHANGED),
}
_REFUND_CHANGES: dict[RefundStatus, Change] = {
    RefundStatus.DUE: (ChangeKind.REFUND_OWED, "A refund is owed."),
    RefundStatus.VOID: (ChangeKind.REFUND_VOID, "A refund is no longer owed."),
    RefundStatus.SENT: (ChangeKind.REFUND_SENT, "A refund is on its way."),
    RefundStatus.SUCCEEDED: (ChangeKind.REFUND_SUCCEEDED, "A refund has arrived."),
    RefundStatus.FAILED: (ChangeKind.REFUND_FAILED, "A refund did not go through."),
}
_STANDS_AGAIN = "The buyer withdrew the dispute; the earlier outcome stands again."


def change_of(action: Action | None, facts: Mapping[str, Any], refund_status: RefundStatus | None = None) -> Change:
    """Returns what an event is about, and what to read aloud."""
    if action is not None:
        stands_again = action is Action.WITHDRAW_DISPUTE and facts.get("closed_as") != DisputeStatus.WITHDRAWN
        return ChangeKind.ACTION, _STANDS_AGAIN if stands_again else action.done
    if refund_status is not None:
        return _REFUND_CHANGES[refund_status]
    for fact, (was_set, was_taken_back) in _CHANGES.items():
        if fact in facts:
            return was_taken_back if facts[fact] is None else was_set
    return CHANGED


def sentences() -> Iterator[str]:
    """Returns all that timelines say, beside the actions' own sentences."""
    changes = [CHANGED, *_REFUND_CHANGES.values(), *(change for pair in _CHANGES.values() for change in pair)]
    yield from (sentence for _, sentence in changes)
    yield _STANDS_AGAIN


async def _load_cases(context: Context, rows: Sequence[TimelineEntry], field: SelectedField) -> None:
    for kind, row_type in CASES.items():
        keys = {row.case_id for row in rows if row.case_kind is kind}
        if not keys:
            continue
        cases = await read(context, Select(row_type, Where.among("id", keys)), field.selection)
        by_key: dict[Any, Any] = {case.id: case for case in cases}  # type: ignore[attr-defined]
        for row in rows:
            if row.case_kind is kind:
                row.related_case = by_key.get(row.case_id)


_OF_VISIBLE_OWNERS = Unscoped("The viewer may see the order or the dispute whose timeline this is.")


class DerivedEntries:
    """The entries for passed deadlines of disputes that are not recorded yet."""

    async def read(self, context: Context, rows: Sequence[Any]) -> dict[UUID, list[TimelineEntry]]:
        disputes = {row.id: row for row in rows if isinstance(row, Dispute)}  # by the id of the timeline's owner
        disputed = [row for row in rows if isinstance(row, Order) and row.has_running_dispute]
        disputes |= {row.id: row.dispute for row in disputed if row.dispute is not None}  # the latest is the open one
        if order_ids := [row.id for row in disputed if row.dispute is None]:
            is_running = "closed_at IS NULL OR (return_began_at IS NOT NULL AND due_at < {})"
            where = Where.among("order_id", order_ids) & Where(is_running, context.now)
            open_disputes = await fetch(context, Select(Dispute, where, visibility=_OF_VISIBLE_OWNERS))
            disputes |= {dispute.order_id: dispute for dispute in open_disputes}
        entries = {key: self._entry(context, dispute) for key, dispute in disputes.items()}
        return {key: [entry] for key, entry in entries.items() if entry is not None}

    def _entry(self, context: Context, dispute: Dispute) -> TimelineEntry | None:
        event = due_event(dispute, context.now)
        if event is None:
            return None
        return TimelineEntry(
            context=context,
            id=ID_OF_DERIVED,
            order_id=dispute.order_id,
            case_kind=CaseKind.DISPUTE,
            case_id=dispute.id,
            at=event.at,
            by_id=None,
            action=None,
            facts=event.facts,
            case_facts=event.case_facts,
            note=None,
            refund_id=None,
            refund_status=None,
        )

    async def owners_written(self, context: Context, derived: dict[UUID, list[TimelineEntry]]) -> set[UUID]:
        owners = {entry.case_id: key for key, entries in derived.items() for entry in entries}
        disputes = await fetch(context, Select(Dispute, Where.among("id", owners), visibility=_OF_VISIBLE_OWNERS))
        return {owners[dispute.id] for dispute in disputes if due_event(dispute, context.now) is None}


@dataclass(slots=True, kw_only=True)
class TimelineEntry(Row):
    MODEL = models.Event
    paging = Paging(Keyset("at", "timeline", newest_first=False, id_type=int), DerivedEntries())
    relations = (
        names_account("by"),
        belongs_to("order", "Order", column="order_id"),
        loaded_by("relatedCase", _load_cases),
        belongs_to("refund", "Refund", column="refund_id"),
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
    refund_id: UUID | None
    refund_status: RefundStatus | None

    by: Account | None = field(init=False, default=None)
    order: Order | None = field(init=False, default=None)
    related_case: Row | None = field(init=False, default=None)
    refund: Refund | None = field(init=False, default=None)

    @property
    def global_id(self) -> str:
        """Opaque. An entry that is derived has the id of its case, until it is recorded."""
        key = self.case_id if self.id == ID_OF_DERIVED and self.case_id is not None else UUID(int=self.id)
        return f"evt_{key.hex}"

    @property
    def _change(self) -> Change:
        if self.action is None and self.by_id is not None:  # an action of another release
            return ChangeKind.ACTION, CHANGED[1]
        return change_of(self.action, self.facts | (self.case_facts or {}), self.refund_status)

    @property
    def kind(self) -> ChangeKind:
        return self._change[0]

    @property
    def text(self) -> str:
        return gettext(self._change[1])

    @property
    def shown_note(self) -> str | None:
        """The note; the order system does not see what people write in a case."""
        return None if self.context.viewer.role is Role.SERVICE else self.note
