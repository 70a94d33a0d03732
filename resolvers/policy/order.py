"""An order, as far as rules read it."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from models.enums import OrderKind, OrderStatus, Role
from resolvers.policy.conditions import TRUE, IsSet
from resolvers.policy.rule import Subject
from resolvers.policy.status import Statuses


@dataclass(slots=True, kw_only=True)
class OrderFacts:
    """Every instant is null until it is known, and may lie after now.

    `payment_reversed_at` is set while a payment that was received is known to have been taken back.
    `cancellation_pending_since`, `dispute_open_since` and `complaint_open_since` are null while no such case is open;
    past `dispute_lapses_at` the open dispute is open no more.
    """

    subject: ClassVar[Subject] = Subject.ORDER

    kind: OrderKind
    buyer_id: UUID
    supplier_id: UUID
    total: int = 0
    amount_paid: int = 0
    placed_at: datetime | None = None
    payment_submitted_at: datetime | None = None
    payment_reversed_at: datetime | None = None
    paid_at: datetime | None = None
    shipped_at: datetime | None = None
    completed_at: datetime | None = None
    cancelled_at: datetime | None = None
    feedback_left_at: datetime | None = None
    feedback_replied_at: datetime | None = None
    feedback_revised_at: datetime | None = None
    cancellation_pending_since: datetime | None = None
    dispute_open_since: datetime | None = None
    dispute_lapses_at: datetime | None = None
    dispute_settled_at: datetime | None = None
    complaint_open_since: datetime | None = None

    def party(self, role: Role) -> UUID | None:
        return self.buyer_id if role is Role.BUYER else self.supplier_id if role is Role.SUPPLIER else None


def claimable(facts: OrderFacts) -> int:
    """What can be claimed of the order at most, in minor units: what was paid; all of it, where nothing was ever known
    to be paid; nothing, where the payment was taken back."""
    if facts.paid_at is not None:
        return facts.amount_paid
    return facts.total if facts.payment_reversed_at is None else 0


def unrecorded(anybody: UUID) -> OrderFacts:
    """A trade that is not on record: an offline order of which nothing is known, not even whose it is."""
    return OrderFacts(kind=OrderKind.OFFLINE, buyer_id=anybody, supplier_id=anybody)


ORDER_STATUSES: Statuses[OrderStatus] = (
    (OrderStatus.CANCELLED, IsSet("cancelled_at")),
    (OrderStatus.COMPLETED, IsSet("completed_at")),
    (OrderStatus.SHIPPED, IsSet("shipped_at")),
    (OrderStatus.PAID, IsSet("paid_at")),
    (OrderStatus.PAYMENT_PROCESSING, IsSet("payment_submitted_at")),
    (OrderStatus.AWAITING_PAYMENT, TRUE),
)
