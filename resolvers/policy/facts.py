"""The facts that the rules read, and how they follow from events."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from models.enums import DisputeStatus, OrderKind, OrderStatus
from resolvers.policy.expression import Expression, Known, all_of, any_of
from resolvers.policy.rule import Subject

Fact = datetime | int | str | None

NOBODY = UUID(int=0)
ANSWER_WITHIN = timedelta(days=7)


@dataclass(slots=True, kw_only=True)
class OrderFacts:
    """An order, as far as rules read it. Every instant is null until it is known, and may lie after now.

    `cancellation_pending_since`, `dispute_open_since` and `complaint_open_since` are null while no such case is open.
    """

    subject: ClassVar[Subject] = Subject.ORDER

    kind: OrderKind
    buyer_id: UUID
    supplier_id: UUID
    total: int = 0
    amount_paid: int = 0
    placed_at: datetime | None = None
    payment_submitted_at: datetime | None = None
    paid_at: datetime | None = None
    shipped_at: datetime | None = None
    completed_at: datetime | None = None
    cancelled_at: datetime | None = None
    feedback_left_at: datetime | None = None
    feedback_replied_at: datetime | None = None
    feedback_revised_at: datetime | None = None
    cancellation_pending_since: datetime | None = None
    dispute_open_since: datetime | None = None
    dispute_settled_at: datetime | None = None
    complaint_open_since: datetime | None = None


@dataclass(slots=True, kw_only=True)
class DisputeFacts:
    subject: ClassVar[Subject] = Subject.DISPUTE

    buyer_id: UUID
    supplier_id: UUID
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    closed_as: DisputeStatus | None = None

    @property
    def kind(self) -> None:
        """Rules about disputes do not ask for the order's kind."""


def unrecorded(buyer_id: UUID) -> OrderFacts:
    """A trade that is not on record: an offline order of which nothing is known."""
    return OrderFacts(kind=OrderKind.OFFLINE, buyer_id=buyer_id, supplier_id=NOBODY)


Facts = TypeVar("Facts", OrderFacts, DisputeFacts)


def fold(facts: Facts, changes: Iterable[Mapping[str, Any]]) -> Facts:
    """Applies what events set, oldest first; the same for what is written to the row and for what is replayed."""
    for change in changes:
        for name, value in change.items():
            instant = isinstance(value, str) and (name.endswith(("_at", "_since")))
            setattr(facts, name, datetime.fromisoformat(value) if instant else value)
    return facts


# An order's status is the first of these that applies.
STATUSES: tuple[tuple[OrderStatus, Expression], ...] = (
    (OrderStatus.CANCELLED, Known("cancelled_at")),
    (OrderStatus.COMPLETED, Known("completed_at")),
    (OrderStatus.SHIPPED, Known("shipped_at")),
    (OrderStatus.PAID, Known("paid_at")),
    (OrderStatus.PAYMENT_PROCESSING, Known("payment_submitted_at")),
    (OrderStatus.AWAITING_PAYMENT, all_of(())),
)


def status(facts: OrderFacts, now: datetime) -> OrderStatus:
    return next(status for status, applies in STATUSES if applies.holds(facts, now))


def status_is(wanted: Iterable[OrderStatus]) -> Expression:
    """That the status is one of those, for asking the database."""
    chosen = set(wanted)
    return any_of(
        all_of([applies, *(~earlier for _, earlier in STATUSES[:place])])
        for place, (status, applies) in enumerate(STATUSES)
        if status in chosen
    )


def respond_by(facts: DisputeFacts, now: datetime) -> datetime | None:
    """Until when the party whose turn it is can answer; null once nobody's turn is left."""
    if facts.closed_at is not None or facts.opened_at is None or now > facts.opened_at + ANSWER_WITHIN:
        return None
    return facts.opened_at + ANSWER_WITHIN


def dispute_status(facts: DisputeFacts, now: datetime) -> DisputeStatus:
    if facts.closed_as is not None:
        return facts.closed_as
    return DisputeStatus.AWAITING_SUPPLIER if respond_by(facts, now) else DisputeStatus.UNDER_REVIEW
