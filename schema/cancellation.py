"""Cancellations, and the mutations on them."""

from datetime import datetime

import strawberry

from execution.complexity import SHORT_TEXT
from models.enums import CancellationReason, CancellationStatus
from resolvers import cancellation
from schema.account import Account
from schema.case import Case
from schema.declare import resolved
from schema.lazy import OrderReference
from schema.policy import Payload


@strawberry.type(description="The supplier's answer to a cancellation request.")
class CancellationAnswer:
    by: Account = strawberry.field(description="Who answered.")
    at: datetime = strawberry.field(description="When.")
    shown_note: str | None = strawberry.field(
        metadata=SHORT_TEXT, name="note", description="What the supplier wrote. Null for the order system."
    )


@strawberry.type(description="A cancellation of an order, or a buyer's request for one.")
class Cancellation(Case):
    order: OrderReference = strawberry.field(description="The order.")  # pyright: ignore[reportIncompatibleVariableOverride]
    status: CancellationStatus = strawberry.field(description="The state of the cancellation.")
    reason: CancellationReason = strawberry.field(
        description="Why the buyer cancels the order. OTHER if the order system cancelled it."
    )
    respond_by: datetime | None = strawberry.field(
        description="The instant until which the supplier should answer the request: 5 days after it was made. After "
        "it, the supplier can still answer, and the buyer can open a dispute. Null once the cancellation is closed."
    )
    shown_note: str | None = strawberry.field(
        metadata=SHORT_TEXT,
        name="note",
        description="What the buyer added. The supplier's answer is a note in the timeline.",
    )
    answer: CancellationAnswer | None = strawberry.field(
        description="The supplier's answer. Null unless the request was accepted or declined."
    )


@strawberry.type(
    description="The result of an action on a cancellation. Either userErrors is empty, or nothing was done."
)
class CancellationPayload(Payload):
    cancellation: Cancellation | None = strawberry.field(description="The cancellation as it is now.")


@strawberry.type
class CancellationMutations:
    cancel_order = resolved(cancellation.cancel_order, CancellationPayload, "Cancels an unpaid order: CANCEL_ORDER.")
    request_cancellation = resolved(
        cancellation.request_cancellation,
        CancellationPayload,
        "Asks the supplier to cancel an order that has not shipped: REQUEST_CANCELLATION.",
    )
    withdraw_cancellation = resolved(
        cancellation.withdraw_cancellation, CancellationPayload, "Withdraws the request: WITHDRAW_CANCELLATION."
    )
    accept_cancellation = resolved(
        cancellation.accept_cancellation,
        CancellationPayload,
        "Accepts the request, as the supplier; the order is cancelled: ACCEPT_CANCELLATION.",
    )
    decline_cancellation = resolved(
        cancellation.decline_cancellation,
        CancellationPayload,
        "Declines the request, as the supplier; the buyer may ask again: DECLINE_CANCELLATION.",
    )
