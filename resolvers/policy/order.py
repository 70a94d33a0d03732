"""The facts of an order that rules read, its statuses, and the amount that can be claimed for it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from models.enums import DisputeReason, OrderKind, OrderStatus, Role
from resolvers.policy.expression import TRUE, IsSet
from resolvers.policy.rule import Subject
from resolvers.policy.status import StatusTable

CANCELLATION_ANSWER_WITHIN = timedelta(days=5)
REPLACEMENT_WITHIN = timedelta(days=30)  # after it, another dispute can be opened


@dataclass(slots=True, kw_only=True)
class OrderFacts:
    """The facts of one order. An instant is null until it is known, and it may lie in the future.

    `payment_reversed_at`: when a received payment was taken back; null again after a new payment.
    `cancellation_pending_since`, `dispute_open_since`, `complaint_open_since`: null while no such case is open.
    `dispute_lapses_at`: after this instant the open dispute no longer counts as open.
    `dispute_settled_at`: set while a settlement or a decision stands; `replacement_agreed_at`: if it is a replacement.
    `return_open_since`: set while goods are to be sent back, until the end of the return is recorded.
    `amount_refunded` has arrived, `amount_sent` is on its way, `amount_owed` is owed or will be after a running return.
    `refund_due_at`: after this instant a refund is overdue; `refund_reportable_at`: after it one can be reported.
    """

    subject: ClassVar[Subject] = Subject.ORDER

    kind: OrderKind
    buyer_id: UUID
    supplier_id: UUID
    total: int = 0
    amount_paid: int = 0
    amount_refunded: int = 0
    amount_sent: int = 0
    amount_owed: int = 0
    placed_at: datetime | None = None
    payment_submitted_at: datetime | None = None
    payment_reversed_at: datetime | None = None
    paid_at: datetime | None = None
    ship_by: datetime | None = None
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    completed_at: datetime | None = None
    cancelled_at: datetime | None = None
    feedback_left_at: datetime | None = None
    feedback_replied_at: datetime | None = None
    feedback_revised_at: datetime | None = None
    cancellation_pending_since: datetime | None = None
    cancellation_declined_at: datetime | None = None
    dispute_open_since: datetime | None = None
    dispute_lapses_at: datetime | None = None
    dispute_settled_at: datetime | None = None
    replacement_agreed_at: datetime | None = None
    return_open_since: datetime | None = None
    refund_due_at: datetime | None = None
    refund_reportable_at: datetime | None = None
    complaint_open_since: datetime | None = None

    def party(self, role: Role) -> UUID | None:
        return self.buyer_id if role is Role.BUYER else self.supplier_id if role is Role.SUPPLIER else None


def claimable_amount(facts: OrderFacts, reason: DisputeReason) -> int:
    """Returns the largest amount that can be claimed for the order, in minor units.

    This is the amount paid less what is refunded or owed; the total if no payment was ever recorded; zero if the
    payment was taken back. A claim for a refund that did not arrive takes the place of a debt, so it is at most what
    is owed.
    """
    if reason is DisputeReason.REFUND_NOT_RECEIVED:
        return facts.amount_owed
    if facts.paid_at is not None:
        return facts.amount_paid - facts.amount_refunded - facts.amount_sent - facts.amount_owed
    return facts.total if facts.payment_reversed_at is None else 0


def unrecorded_order(viewer_id: UUID) -> OrderFacts:
    """Returns facts for a trade without a recorded order: an offline order whose parties are unknown.

    The viewer stands in for both parties, so the rules treat the order as the viewer's.
    """
    return OrderFacts(kind=OrderKind.OFFLINE, buyer_id=viewer_id, supplier_id=viewer_id)


ORDER_STATUSES: StatusTable[OrderStatus] = (
    (OrderStatus.CANCELLED, IsSet("cancelled_at")),
    (OrderStatus.COMPLETED, IsSet("completed_at")),
    (OrderStatus.SHIPPED, IsSet("shipped_at")),
    (OrderStatus.PAID, IsSet("paid_at")),
    (OrderStatus.PAYMENT_PROCESSING, IsSet("payment_submitted_at")),
    (OrderStatus.AWAITING_PAYMENT, TRUE),
)
