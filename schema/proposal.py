from datetime import datetime

import strawberry

from models.enums import ResolutionKind
from schema.account import Account
from schema.money import Money


@strawberry.type(description="How a party would settle a dispute.")
class Proposal:
    global_id: strawberry.ID = strawberry.field(
        name="id", description="Opaque. Send it as proposalId to accept or reject this proposal and no other."
    )
    resolution: ResolutionKind = strawberry.field(description="How.")
    amount_money: Money | None = strawberry.field(name="amount", description="How much is paid back, where it is.")
    by: Account = strawberry.field(description="Whose proposal it is.")
    at: datetime = strawberry.field(description="When it was made.")
    accepted: bool | None = strawberry.field(
        description="Whether it was accepted; false once it was rejected or replaced, null while nobody has answered."
    )
