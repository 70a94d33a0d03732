import strawberry

from execution.complexity import SHORT_TEXT
from models.enums import CancellationReason, CancellationStatus
from resolvers import cancellation
from resolvers.cancellation import (
    AcceptCancellation,
    CancelOrder,
    DeclineCancellation,
    RequestCancellation,
    WithdrawCancellation,
)
from schema.case import Case
from schema.declare import input_type, resolved
from schema.lazy import OrderReference
from schema.policy import Payload


@strawberry.type(description="A cancellation of an order, or a buyer's request for one.")
class Cancellation(Case):
    order: OrderReference = strawberry.field(description="The order.")  # pyright: ignore[reportIncompatibleVariableOverride]
    status: CancellationStatus = strawberry.field(description="The state of the cancellation.")
    reason: CancellationReason = strawberry.field(description="Why the buyer cancels the order.")
    shown_note: str | None = strawberry.field(
        metadata=SHORT_TEXT,
        name="note",
        description="What the buyer added. The supplier's answer is a note in the timeline.",
    )


for _input, _what in (
    (CancelOrder, "Which unpaid order to cancel, and why."),
    (RequestCancellation, "Which order the supplier is asked to cancel, and why."),
):
    input_type(
        _input,
        _what,
        order_id="The order's id.",
        reason="Why.",
        note="What else there is to say, up to 2,000 characters; may be left out.",
    )
_SEEN = (
    "The id of the request that the person saw. If another one is pending now, the answer is PROPOSAL_CHANGED. If left "
    "out, the pending request is meant."
)
for _input, _what, _note in (
    (WithdrawCancellation, "Which order's cancellation request to take back.", "may be left out"),
    (AcceptCancellation, "Which order's cancellation request to accept.", "may be left out"),
    (DeclineCancellation, "Which order's cancellation request to decline.", "why it is declined"),
):
    input_type(
        _input,
        _what,
        order_id="The order's id.",
        note=f"Up to 2,000 characters; {_note}.",
        cancellation_id=_SEEN,
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
