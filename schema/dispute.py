from datetime import datetime

import strawberry

from models.enums import DisputeReason, DisputeStatus, ResolutionKind
from resolvers import dispute
from resolvers.dispute import OpenDispute, WithdrawDispute
from schema.case import Case
from schema.decision import Actionable, UserError
from schema.described import input_type, resolved
from schema.money import Money
from schema.references import OrderReference


@strawberry.type(description="A buyer's dispute about an order.")
class Dispute(Case, Actionable):
    order: OrderReference = strawberry.field(description="The order.")  # pyright: ignore[reportIncompatibleVariableOverride]
    status: DisputeStatus = strawberry.field(description="Where it stands now; time alone moves it as well.")
    reason: DisputeReason = strawberry.field(description="What it is about.")
    description: str = strawberry.field(description="What happened, in the buyer's words.")
    wanted: ResolutionKind = strawberry.field(description="What the buyer wants.")
    claimed: Money | None = strawberry.field(
        name="claim", description="How much the buyer wants. None where only a replacement is wanted."
    )
    respond_by: datetime | None = strawberry.field(
        description="Until when the party whose turn it is can answer; past it the dispute is under review. Null in "
        "review and once closed."
    )


input_type(
    OpenDispute,
    "What a dispute is about, and what would settle it.",
    order_id="The order's id.",
    reason="What went wrong.",
    description="What happened, up to 4,000 characters.",
    wanted="What would settle it; any but NO_REFUND.",
    claim="How much: for all but REPLACEMENT, in the order's currency, at most what was paid, or the total where "
    "nothing is known to be paid.",
)
input_type(
    WithdrawDispute,
    "Which dispute to take back.",
    case_id="The dispute's id.",
    note="Up to 2,000 characters; may be left out.",
)


@strawberry.type(description="What became of an action on a dispute. Either userErrors is empty, or nothing was done.")
class DisputePayload:
    order: OrderReference | None = strawberry.field(description="The order as it stands now, also after a refusal.")
    dispute: Dispute | None = strawberry.field(description="The dispute as it stands now.")
    user_errors: list[UserError] = strawberry.field(
        description="Everything that speaks against it; empty when it was done."
    )


@strawberry.type
class DisputeMutations:
    open_dispute = resolved(dispute.open_dispute, DisputePayload, "Opens a dispute about an order: OPEN_DISPUTE.")
    withdraw_dispute = resolved(
        dispute.withdraw_dispute,
        DisputePayload,
        "Takes the dispute back; another may be opened later: WITHDRAW_DISPUTE.",
    )
