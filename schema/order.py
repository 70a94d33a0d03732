from datetime import datetime

import strawberry

from execution.sizes import SHORT_TEXT
from models.enums import OrderKind, OrderStatus
from schema.account import Account
from schema.cancellation import Cancellation
from schema.complaint import Complaint
from schema.decision import Actionable
from schema.dispute import Dispute
from schema.feedback import Feedback
from schema.money import Money
from schema.node import Node
from schema.timeline import timeline_field


@strawberry.type(description="A line of an order.")
class OrderItem:
    title: str = strawberry.field(metadata=SHORT_TEXT, description="What was ordered.")
    quantity: int = strawberry.field(description="How many.")
    unit_price: Money = strawberry.field(
        description="The price of one, in the decimals that it has, at least the currency's; below 0 for a discount."
    )


@strawberry.type(description="An order, and what can still be done about it.")
class Order(Node, Actionable):
    number: str = strawberry.field(description="The number that buyer and supplier know it by.")
    kind: OrderKind = strawberry.field(description="How it is paid, which decides what its buyer can do.")
    status: OrderStatus = strawberry.field(description="Where it stands.")
    buyer: Account = strawberry.field(description="Who ordered.")
    supplier: Account = strawberry.field(description="Who delivers.")
    total_money: Money = strawberry.field(name="total", description="What it costs in all.")
    paid_money: Money = strawberry.field(name="amountPaid", description="What is known to be paid.")
    order_items: list[OrderItem] = strawberry.field(name="items", description="What was ordered.")
    placed_at: datetime = strawberry.field(description="When it was placed.")
    paid_at: datetime | None = strawberry.field(description="When the payment was received.")
    shipped_at: datetime | None = strawberry.field(description="When it was shipped.")
    completed_at: datetime | None = strawberry.field(description="When it was completed; feedback counts from here.")
    cancelled_at: datetime | None = strawberry.field(description="When it was cancelled.")
    can_leave_feedback: bool = strawberry.field(description="Whether this viewer may leave feedback now.")
    feedback_deadline: datetime | None = strawberry.field(
        description="The last instant for leaving feedback. Null until the order is complete, once feedback is left, "
        "and where none is offered."
    )
    revision_deadline: datetime | None = strawberry.field(
        description="The last instant for revising the feedback. Null until the supplier has replied, and once the "
        "revision is used."
    )
    feedback: Feedback | None = strawberry.field(description="What the buyer said about it.")
    cancellation: Cancellation | None = strawberry.field(description="The latest cancellation, or request for one.")
    dispute: Dispute | None = strawberry.field(description="The latest dispute.")
    complaint: Complaint | None = strawberry.field(
        description="The latest complaint about it, for its complainant and for agents. OFFLINE orders only."
    )
    timeline = timeline_field()
