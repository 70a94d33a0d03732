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


@strawberry.type(description="Money that goes back to the buyer of an order.")
class Refund(Node):
    order: OrderReference = strawberry.field(description="The order.")
    amount_money: Money = strawberry.field(name="amount", description="The amount.")
    status: RefundStatus = strawberry.field(description="The state of the refund.")
    cause: RefundCause = strawberry.field(description="What the refund follows from.")
    related_case: Case | None = strawberry.field(
        description="The cancellation or dispute that owes it. Null if the cause is OTHER."
    )
    owed_since: datetime | None = strawberry.field(description="When it became owed. Null if the cause is OTHER.")
    due_by: datetime | None = strawberry.field(
        description="When it must have arrived: 10 days after it became owed. Null if the cause is OTHER."
    )
    is_overdue: bool = strawberry.field(
        description="True if it is past dueBy, and neither arrived nor was paid by another refund."
    )
    settled_at: datetime | None = strawberry.field(
        description="When it arrived, as the order system told. Null if it has not."
    )
    reference: str | None = strawberry.field(
        description="The order system's own name of it. Null until the order system has told about it."
    )
    reported_missing_at: datetime | None = strawberry.field(
        description="When the buyer last reported it as missing. Null if never."
    )


@strawberry.type(description="The result of an action on an order. Either userErrors is empty, or nothing was done.")
class OrderPayload(Payload):
    pass


@strawberry.type(description="The result of recording refunds: all were recorded or none.")
class RecordRefundsPayload:
    refunds: list[Refund] | None = strawberry.field(
        metadata=SIZED_BY_PARENT,
        description="The refunds as they are now, in the order of the input. Null if the records were refused.",
    )
    user_errors: list[UserError] = strawberry.field(
        metadata=SIZED_BY_PARENT, description="All problems of the records."
    )


@strawberry.type
class RefundMutations:
    report_missing_refund = resolved(
        report.report_missing_refund,
        OrderPayload,
        "Reports that an overdue refund has not arrived: REPORT_MISSING_REFUND.",
    )
    record_refunds = resolved(
        record.record_refunds,
        RecordRefundsPayload,
        "Records what the order system knows about refunds, by their references. For the role SERVICE.",
        sized_by_argument=("input", "refunds"),
    )
