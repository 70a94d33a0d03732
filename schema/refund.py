"""Refunds, and the mutations about them."""

from datetime import datetime

import strawberry

from execution.complexity import SIZED_BY_PARENT
from models.enums import RefundCause, RefundStatus
from resolvers.refunds import record, report
from schema.case import Case
from schema.declare import resolved
from schema.lazy import OrderReference
from schema.money import Money
from schema.node import Node
from schema.policy import Payload, UserError


@strawberry.type(
    description="Money that goes back to the buyer of an order, or is owed to them. The order system pays it and tells "
    "what became of it. Both parties and agents see it; the order system sees those of orders that it recorded."
)
class Refund(Node):
    order: OrderReference = strawberry.field(description="The order.")
    amount_money: Money = strawberry.field(
        name="amount",
        description="The amount, in the order's currency. Of a DUE refund, what is still owed: each "
        "part that is paid is a refund of its own, and the DUE one is the rest.",
    )
    status: RefundStatus = strawberry.field(description="The state of the refund.")
    outstanding_money: Money | None = strawberry.field(
        name="outstanding",
        description="What of the amount has still to arrive: all of it while it is DUE or SENT, and after it FAILED "
        "what no other refund has paid since. Null if that is nothing.",
    )
    cause: RefundCause = strawberry.field(description="What the refund follows from.")
    related_case: Case | None = strawberry.field(
        description="The cancellation or dispute that owes it. Null if the cause is OTHER."
    )
    owed_since: datetime | None = strawberry.field(
        description="When it became owed: the instant of the cancellation, of the outcome or of the return's end, or "
        "of the payment if that came later. Null if the cause is OTHER."
    )
    due_by: datetime | None = strawberry.field(
        description="The instant until which it should arrive: 10 days after owedSince. Null if the cause is OTHER."
    )
    is_overdue: bool = strawberry.field(
        description="True if dueBy has passed, and the amount has neither arrived nor was paid by another refund. Then "
        "the buyer can report it: REPORT_MISSING_REFUND."
    )
    settled_at: datetime | None = strawberry.field(
        description="When it arrived: the recordedAt of the order system's record that it SUCCEEDED. Null if it has "
        "not arrived."
    )
    reference: str | None = strawberry.field(
        description="The order system's own name of it, unique among its refunds. Null while it is DUE."
    )
    reported_missing_at: datetime | None = strawberry.field(
        description="When the buyer last reported it as missing. It stays after the refund has arrived. Null if never."
    )


@strawberry.type(description="The result of an action on an order. Either userErrors is empty, or nothing was done.")
class OrderPayload(Payload):
    pass


@strawberry.type(description="The result of recording refunds: all were recorded or none.")
class RecordRefundsPayload:
    refunds: list[Refund] | None = strawberry.field(
        metadata=SIZED_BY_PARENT,
        description="The refunds as they are now, in the order of the input, also those whose record was ignored. Null "
        "if the records were refused.",
    )
    user_errors: list[UserError] = strawberry.field(
        metadata=SIZED_BY_PARENT, description="All problems of the records."
    )


@strawberry.type
class RefundMutations:
    report_missing_refund = resolved(
        report.report_missing_refund,
        OrderPayload,
        "Reports the overdue refunds of an order to the marketplace's agents, as the buyer: REPORT_MISSING_REFUND.",
    )
    record_refunds = resolved(
        record.record_refunds,
        RecordRefundsPayload,
        "Records what the order system knows about refunds, by their references: all or none. It is safe to send a "
        "record again. For the role SERVICE.",
        sized_by_argument=("input", "refunds"),
    )
