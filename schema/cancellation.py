from typing import TYPE_CHECKING, Annotated

import strawberry

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
from schema.decision import UserError
from schema.input import described

if TYPE_CHECKING:
    from schema.order import Order


@strawberry.type(description="A cancellation of an order, or a buyer's request for one.")
class Cancellation(Case):
    order: Annotated["Order", strawberry.lazy("schema.order")] = strawberry.field(description="The order.")
    status: CancellationStatus = strawberry.field(description="Where it stands.")
    reason: CancellationReason = strawberry.field(description="Why the buyer cancels.")
    note: str | None = strawberry.field(description="What the buyer added. Answers are notes in the timeline.")


for _input, _what in (
    (CancelOrder, "Which unpaid order to cancel, and why."),
    (RequestCancellation, "Which order the supplier is asked to cancel, and why."),
):
    described(
        _input,
        _what,
        order_id="The order's id.",
        reason="Why.",
        note="What else there is to say, up to 2,000 characters; may be left out.",
    )
for _input, _what, _note in (
    (WithdrawCancellation, "Which order's cancellation request to take back.", "may be left out"),
    (AcceptCancellation, "Which order's cancellation request to accept.", "may be left out"),
    (DeclineCancellation, "Which order's cancellation request to decline.", "why it is declined"),
):
    described(_input, _what, order_id="The order's id.", note=f"Up to 2,000 characters; {_note}.")


@strawberry.type(
    description="What became of an action on a cancellation. Either userErrors is empty, or nothing was done."
)
class CancellationPayload:
    order: Annotated["Order", strawberry.lazy("schema.order")] | None = strawberry.field(
        description="The order as it stands now, also after a refusal."
    )
    cancellation: Cancellation | None = strawberry.field(description="The cancellation as it stands now.")
    user_errors: list[UserError] = strawberry.field(
        description="Everything that speaks against it; empty when it was done."
    )


@strawberry.type
class CancellationMutations:
    cancel_order: CancellationPayload = strawberry.field(
        cancellation.cancel_order,
        graphql_type=CancellationPayload,
        description="Cancels an order that is not paid: CANCEL_ORDER.",
    )
    request_cancellation: CancellationPayload = strawberry.field(
        cancellation.request_cancellation,
        graphql_type=CancellationPayload,
        description="Asks the supplier to cancel an order that has not shipped: REQUEST_CANCELLATION.",
    )
    withdraw_cancellation: CancellationPayload = strawberry.field(
        cancellation.withdraw_cancellation,
        graphql_type=CancellationPayload,
        description="Takes the request back: WITHDRAW_CANCELLATION.",
    )
    accept_cancellation: CancellationPayload = strawberry.field(
        cancellation.accept_cancellation,
        graphql_type=CancellationPayload,
        description="Accepts the request, as the supplier; the order is cancelled: ACCEPT_CANCELLATION.",
    )
    decline_cancellation: CancellationPayload = strawberry.field(
        cancellation.decline_cancellation,
        graphql_type=CancellationPayload,
        description="Declines the request, as the supplier; the buyer may ask again: DECLINE_CANCELLATION.",
    )
