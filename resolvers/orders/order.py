"""Orders as their viewer sees them: the facts, and what the policy says about them now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import models
from models.enums import Action, OrderStatus, Role
from resolvers import account, ids, policy
from resolvers.account import Account
from resolvers.actionable import Actionable, Past, replayed
from resolvers.context import Context
from resolvers.money import Money, unit_price
from resolvers.policy import OrderFacts
from resolvers.read.rows import Row

if TYPE_CHECKING:
    from resolvers.cancellation import Cancellation
    from resolvers.complaints.complaint import Complaint
    from resolvers.disputes.dispute import Dispute
    from resolvers.feedback import Feedback


@dataclass(slots=True)
class OrderItem:
    title: str
    quantity: int
    unit_price: Money


@dataclass(slots=True, kw_only=True)
class Order(OrderFacts, Actionable, Row):
    MODEL = models.Order

    context: Context = field(repr=False)
    id: UUID
    number: str
    currency: str
    items: list[tuple[str, int, *tuple[int, ...]]]  # with the price as StoredPrice
    recorded_at: datetime
    changed_at: datetime

    buyer: Account | None = field(init=False, default=None)
    supplier: Account | None = field(init=False, default=None)
    feedback: Feedback | None = field(init=False, default=None)
    cancellation: Cancellation | None = field(init=False, default=None)
    dispute: Dispute | None = field(init=False, default=None)
    complaint: Complaint | None = field(init=False, default=None)
    pages: dict[Any, Any] = field(init=False, default_factory=dict[Any, Any])
    collections: Sequence[list[Any]] = field(init=False, default=())
    past: Sequence[Past] = field(init=False, default=())

    @property
    def global_id(self) -> str:
        return ids.encode("Order", self.id)

    @property
    def status(self) -> OrderStatus:
        return policy.status_at(policy.ORDER_STATUSES, self, self.context.now)

    @property
    def total_money(self) -> Money:
        return Money(self.total, self.currency)

    @property
    def paid_money(self) -> Money:
        return Money(self.amount_paid, self.currency)

    @property
    def order_items(self) -> list[OrderItem]:
        currency = self.currency
        items: list[Any] = self.items
        try:
            return [OrderItem(title, quantity, Money(minor, currency)) for title, quantity, minor in items]
        except ValueError:  # one of the prices is finer than the currency, and has its decimals beside it
            return [OrderItem(title, quantity, unit_price(currency, *price)) for title, quantity, *price in items]

    @property
    def most_claimable(self) -> Money:
        """What a claim may be at most now."""
        return Money(policy.claimable_amount(self), self.currency)

    @property
    def can_leave_feedback(self) -> bool:
        return policy.is_allowed(Action.LEAVE_FEEDBACK, self, self.context.viewer, self.context.now)

    @property
    def feedback_deadline(self) -> datetime | None:
        return policy.deadline(Action.LEAVE_FEEDBACK, self, self.context.now)

    @property
    def revision_deadline(self) -> datetime | None:
        return policy.deadline(Action.REVISE_FEEDBACK, self, self.context.now)

    @property
    def differs_at(self) -> datetime | None:
        """With its cases, those that were read."""
        parts: list[Dispute | Complaint | None] = [self.dispute, self.complaint]
        instants = [self.next_change_at, *(part.differs_at for part in parts if part is not None and not part.is_final)]
        return min((instant for instant in instants if instant is not None), default=None)

    def facts(self) -> OrderFacts:
        """The order when nothing was known of it yet."""
        return OrderFacts(kind=self.kind, buyer_id=self.buyer_id, supplier_id=self.supplier_id)


replayed(Order, "order_id", "facts")
account.named_by(Order, "buyer", "buyer", known_to=Role.BUYER)
account.named_by(Order, "supplier", "supplier", known_to=Role.SUPPLIER)
