"""Orders, and the mutation with which the order system records them."""

from datetime import datetime

import strawberry

from execution.complexity import SIZED_BY_PARENT, sized
from models.enums import OrderKind, OrderStatus
from resolvers.orders import record
from schema.account import Account
from schema.cancellation import Cancellation
from schema.complaint import Complaint
from schema.declare import resolved
from schema.dispute import Dispute
from schema.feedback import Feedback
from schema.item import OrderItem
from schema.money import Money
from schema.node import Node
from schema.policy import Actionable, UserError
from schema.refund import Refund
from schema.timeline import timeline_field


@strawberry.type(description="An order, and what can still be done about it.")
class Order(Node, Actionable):
    number: str = strawberry.field(description="The order number that buyer and supplier use.")
    kind: OrderKind = strawberry.field(description="How the order is paid. This decides what its buyer can do.")
    status: OrderStatus = strawberry.field(description="The state of the order.")
    buyer: Account = strawberry.field(description="The buyer.")
    supplier: Account = strawberry.field(description="The supplier.")
    total_money: Money = strawberry.field(name="total", description="The total price.")
    paid_money: Money = strawberry.field(name="amountPaid", description="The amount that is known to be paid.")
    order_items: list[OrderItem] = strawberry.field(name="items", description="The lines of the order.")
    placed_at: datetime = strawberry.field(description="When the order was placed.")
    paid_at: datetime | None = strawberry.field(
        description="When the payment was received. Null if it was not received."
    )
    ship_by: datetime | None = strawberry.field(
        description="The instant until which the supplier promised to ship the order. A paid SECURE_PAYMENT order that "
        "has not shipped by then is late: its buyer can open a dispute. Null if nothing was promised."
    )
    shipped_at: datetime | None = strawberry.field(
        description="When the order was shipped. Null if it has not shipped."
    )
    delivered_at: datetime | None = strawberry.field(
        description="When the order was delivered. Null if no delivery is known."
    )
    completed_at: datetime | None = strawberry.field(
        description="When the order was completed. The time to leave feedback counts from here."
    )
    cancelled_at: datetime | None = strawberry.field(
        description="When the order was cancelled. Null if it was not cancelled."
    )
    can_leave_feedback: bool = strawberry.field(description="True if this viewer may leave feedback now.")
    feedback_deadline: datetime | None = strawberry.field(
        description="The last instant to leave feedback. Null until the order is complete, once feedback is left, and "
        "if orders of this kind take none."
    )
    revision_deadline: datetime | None = strawberry.field(
        description="The last instant to revise the feedback. Null until the supplier has replied, and once the "
        "feedback was revised."
    )
    refunds: list[Refund] = strawberry.field(
        metadata=sized(3), description="All refunds of the order, oldest first, also failed and void ones."
    )
    refunded_money: Money = strawberry.field(
        name="amountRefunded", description="The sum of the refunds that arrived (SUCCEEDED). 0 if there is none."
    )
    feedback: Feedback | None = strawberry.field(description="The buyer's feedback. Null if there is none.")
    cancellation: Cancellation | None = strawberry.field(
        description="The latest cancellation, or request for one. Null if there is none."
    )
    dispute: Dispute | None = strawberry.field(description="The latest dispute. Null if there is none.")
    complaint: Complaint | None = strawberry.field(
        description="The latest complaint about the order. Null if there is none, if the order is not OFFLINE, and for "
        "everybody but its complainant and agents."
    )
    timeline = timeline_field()


@strawberry.type(
    description="The result of recording orders: all were recorded or none. With skipInvalid, all valid ones were."
)
class RecordOrdersPayload:
    orders: list[Order] | None = strawberry.field(
        metadata=SIZED_BY_PARENT,
        description="The orders as they are now, in the order of the input, without those that skipInvalid skipped. "
        "Null if the records were refused.",
    )
    ignored: list[str] = strawberry.field(
        metadata=SIZED_BY_PARENT,
        description="The numbers of the orders whose record was not newer than the last one. Such a record changes "
        "nothing.",
    )
    user_errors: list[UserError] = strawberry.field(
        metadata=SIZED_BY_PARENT, description="All problems of the records."
    )


@strawberry.type
class RecordMutations:
    record_orders = resolved(
        record.record_orders,
        RecordOrdersPayload,
        "Records what the order system knows about orders, by their numbers. For the role SERVICE.",
        sized_by_argument=("input", "orders"),
    )
