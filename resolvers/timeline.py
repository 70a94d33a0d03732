"""What happened to an order or a case, read aloud: the words are made from the events when they are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import models
from models.enums import Action, CaseKind, Role
from resolvers import account, reading
from resolvers.account import Account
from resolvers.cancellation import Cancellation
from resolvers.complaint import Complaint
from resolvers.context import Context
from resolvers.dispute import Dispute
from resolvers.order import Order
from resolvers.page import Connection, Keyset, Page, connection
from resolvers.policy.words import in_words
from resolvers.reading import Row, among, complete, fetch
from resolvers.selection import Asked

OLDEST_FIRST = Keyset("at", newest_first=False, id_type=int)
CASES: dict[CaseKind, type[Row]] = {
    CaseKind.CANCELLATION: Cancellation,
    CaseKind.DISPUTE: Dispute,
    CaseKind.COMPLAINT: Complaint,
}

_DONE: dict[Action, str] = {
    Action.LEAVE_FEEDBACK: "The buyer left feedback.",
    Action.REVISE_FEEDBACK: "The buyer revised the feedback.",
    Action.REPLY_TO_FEEDBACK: "The supplier replied to the feedback.",
    Action.CANCEL_ORDER: "The buyer cancelled the order.",
    Action.REQUEST_CANCELLATION: "The buyer asked the supplier to cancel the order.",
    Action.WITHDRAW_CANCELLATION: "The buyer withdrew the cancellation request.",
    Action.ACCEPT_CANCELLATION: "The supplier accepted the cancellation request; the order is cancelled.",
    Action.DECLINE_CANCELLATION: "The supplier declined the cancellation request.",
    Action.OPEN_DISPUTE: "The buyer opened a dispute.",
    Action.WITHDRAW_DISPUTE: "The buyer withdrew the dispute.",
    Action.FILE_COMPLAINT: "The buyer filed a complaint with the Complaint Center.",
}

# What the order system or time itself set, and what it took back.
_HAPPENED: dict[str, tuple[str, str]] = {
    "placed_at": ("The order was placed.", ""),
    "paid_at": ("The payment was received.", "The payment was taken back."),
    "payment_submitted_at": ("The buyer submitted a payment.", "The payment did not go through."),
    "shipped_at": ("The order was shipped.", "The shipment was taken back."),
    "completed_at": ("The order was completed.", "The completion was taken back."),
    "cancelled_at": ("The order was cancelled.", "The cancellation was taken back."),
    "cancellation_pending_since": (
        "",
        "The cancellation request was overtaken by what happened to the order.",
    ),
}


def words(action: Action | None, facts: Mapping[str, Any]) -> str:
    if action is not None:
        return _DONE.get(action) or f"{in_words(action)}."
    for fact, (came, went) in _HAPPENED.items():
        if fact in facts:
            return went if facts[fact] is None else came
    return "The order's details were changed."


class HasTimeline(Protocol):
    timelines: dict[Page, Connection[TimelineEntry]]


@dataclass(slots=True, kw_only=True)
class TimelineEntry(Row):
    MODEL = models.Event

    context: Context = field(repr=False)
    id: int
    order_id: UUID | None
    case_kind: CaseKind | None
    case_id: UUID | None
    at: datetime
    by_id: UUID | None
    action: Action | None
    facts: dict[str, Any]
    note: str | None

    by: Account | None = field(init=False, default=None)
    order: Order | None = field(init=False, default=None)
    related_case: Row | None = field(init=False, default=None)

    @property
    def text(self) -> str:
        return words(self.action, self.facts)

    @property
    def shown_note(self) -> str | None:
        """What people wrote in a case is not for the order system."""
        return None if self.context.viewer.role is Role.SERVICE else self.note


account.named_by(TimelineEntry, "by", "by")
reading.refers_to(TimelineEntry, "order", "order", Order, "Order")


async def _load_cases(context: Context, rows: Sequence[TimelineEntry], asked: Asked) -> None:
    for kind, row_type in CASES.items():
        keys = {row.case_id for row in rows if row.case_kind is kind}
        if not keys:
            continue
        cases = await fetch(context, row_type, lambda bind, keys=keys: among(bind, "id", keys))
        await complete(context, cases, kind.capitalize(), asked.below)
        by_key: dict[Any, Any] = {case.id: case for case in cases}  # type: ignore[attr-defined]
        for row in rows:
            if row.case_kind is kind:
                row.related_case = by_key.get(row.case_id)


TimelineEntry.relations["relatedCase"] = _load_cases


def _has_timeline(owner: type[Row], column: str) -> None:
    """Declares the field `timeline` of these rows: the events that name them in `column`."""

    async def load(context: Context, rows: Sequence[Any], asked: Asked) -> None:
        page = page_of(asked.arguments)
        found = await fetch(
            context,
            TimelineEntry,
            lambda bind: f"{among(bind, column, [row.id for row in rows])} AND {OLDEST_FIRST.where(page, bind)}",
            order=OLDEST_FIRST.order(page),
            limit=page.size + 1,
            per=column if len(rows) > 1 else None,
        )
        entries: dict[Any, list[TimelineEntry]] = {row.id: [] for row in rows}
        for entry in found:
            entries[getattr(entry, column)].append(entry)
        below = asked.below.field("TimelineConnection", "edges").field("TimelineEdge", "node")
        shown = [entry for those in entries.values() for entry in those[: page.size]]
        await complete(context, shown, "TimelineEntry", below)
        for row in rows:
            row.timelines[page] = connection(entries[row.id], page, OLDEST_FIRST)

    owner.relations["timeline"] = load


def page_of(arguments: Mapping[str, Any]) -> Page:
    return Page.of(*(arguments.get(name) for name in ("first", "after", "last", "before")))


_has_timeline(Order, "order_id")
for _case in CASES.values():
    _has_timeline(_case, "case_id")
