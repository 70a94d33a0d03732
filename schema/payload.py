import strawberry

from execution.sizes import sized
from schema.decision import UserError
from schema.lazy import OrderReference


@strawberry.type
class Payload:
    order: OrderReference | None = strawberry.field(
        description="The order as it stands now, also after a refusal. Null where there is none."
    )
    user_errors: list[UserError] = strawberry.field(
        metadata=sized(3), description="Everything that speaks against it; empty when it was done."
    )
