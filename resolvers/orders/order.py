"""Orders as a viewer sees them: the facts, and what the policy decides about them now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import models
from execution.lookahead import SelectedField
from models.enums import Action, OrderStatus, Role
from resolvers import policy
from resolvers.account import Account, names_account
from resolvers.actionable import Actionable, Past, replays_events
from resolvers.context import Context
from resolvers.money import Money
from resolvers.orders.item import OrderItem, StoredItem, order_item
from resolvers.policy import OrderFacts
from resolvers.read.pagination import has_pages
from resolvers.read.relations import has_latest, has_list, loaded_by
from resolvers.read.rows import Row

FEEDBACK_WITH_ORDER = "feedback with its order"  # the relation `feedback`, where the feedback's order is this one


async def _load_overdue_refunds(context: Context, rows: Sequence[Any], field: SelectedField) -> None:
    """Loads what a report of missing refunds changes, for the orders on which the viewer can make one."""
    action, viewer, now = Action.REPORT_MISSING_REFUND, context.viewer, context.now
    reportable = [row for row in rows if not row.all_refunds and policy.is_allowed(action, row, viewer, now)]
    if reportable:
        await Order.relations_by_name["refunds"].load(context, reportable, field.selection.empty_field("refunds"))


@dataclass(slots=True, kw_only=True)
class Order(OrderFacts, Actionable, Row):
    MODEL = models.Order
    relations = (
        names_account("buyer", known_to=Role.BUYER),
        names_account("supplier", known_to=Role.SUPPLIER),
        has_latest("feedback", "Feedback", only_with="feedback_left_at"),
        has_latest(
            FEEDBACK_WITH_ORDER,
            "Feedback",
            attribute="feedback",
            only_with="feedback_left_at",
            inverse=("of_order", "order"),
        ),
        has_latest("cancellation", "Cancellation", newest="opened_at"),
        has_latest("dispute", "Dispute", newest="opened_at"),
        has_latest("complaint", "Complaint", newest="opened_at"),
        has_list(("refunds",), "Refund", attribute="all_refunds", column="order_id", order="since, id"),
        has_pages("timeline", "TimelineEntry", column="order_id", needs=("dispute",)),
        replays_events(column="order_id", facts="facts"),
        loaded_by("afterwards", _load_overdue_refunds, within=("availableActions", "decision")),
    )

    context: Context = field(repr=False)
    id: UUID
    number: str
    currency: str
    items: list[StoredItem]
    recorded_at: datetime
    changed_at: datetime

    buyer: Account | None = field(init=False, default=None)
    supplier: Account | None = field(init=False, default=None)
    # The rows of an order's cases, whose files import this one.
    feedback: Any = field(init=False, default=None)
    cancellation: Any = field(init=False, default=None)
    dispute: Any = field(init=False, default=None)
    complaint: Any = field(init=False, default=None)
    all_refunds: list[Any] = field(init=False, default_factory=list[Any])  # of class Refund
    pages: dict[Any, Any] = field(init=False, default_factory=dict[Any, Any])
    collections: Sequence[list[Any]] = field(init=False, default=())
    past: Sequence[Past] = field(init=False, default=())

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
        key, currency = self.id, self.currency
        return [
            OrderItem(key, place, item[0], item[1], Money(item[2], currency))
            if len(item) == 3  # a plain line, which is built here, since a page has many
            else order_item(key, place, currency, item)
            for place, item in enumerate(self.items)
        ]

    @property
    def refunds(self) -> list[Any]:
        """Those that are shown: a refund that a running return will owe is not."""
        return [refund for refund in self.all_refunds if refund.is_shown]

    @property
    def refunded_money(self) -> Money:
        return Money(self.amount_refunded, self.currency)

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
    def has_running_dispute(self) -> bool:
        """A dispute is open, or the end of its return is not recorded."""
        return self.dispute_open_since is not None or self.return_open_since is not None

    @property
    def differs_at(self) -> datetime | None:
        """The same for the order with its dispute, its complaint and its refunds, if they were read."""
        parts: list[Any] = [self.dispute, self.complaint]
        instants: list[datetime | None] = [self.next_change_at]
        instants += [part.differs_at for part in parts if part is not None and not part.is_final]
        refunds = self.all_refunds if self.dispute is None else [*self.all_refunds, *self.dispute.all_refunds]
        instants += [refund.differs_at for refund in refunds]
        return min((instant for instant in instants if instant is not None), default=None)

    def facts(self) -> OrderFacts:
        """Returns the order's facts before its first event."""
        return OrderFacts(kind=self.kind, buyer_id=self.buyer_id, supplier_id=self.supplier_id)
