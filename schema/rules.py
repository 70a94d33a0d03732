import strawberry

from execution.sizes import sized
from models.enums import Action, OrderKind, Role


@strawberry.type(description="A line of the policy table.")
class Rule:
    action: Action = strawberry.field(description="What may be done.")
    roles: list[Role] = strawberry.field(metadata=sized(3), description="By whom.")
    kind: OrderKind | None = strawberry.field(description="For which kind of order. Null: not about an order's kind.")
    label: str = strawberry.field(description="The text of the button.")
    conditions: list[str] = strawberry.field(
        metadata=sized(5), description="What must hold, all of it, in words, in the order of checking."
    )
    opens_after_days: int | None = strawberry.field(
        description="How many days after the start it opens. Null: at once."
    )
    window_days: int | None = strawberry.field(description="For how many days of 24 hours it is open. Null: no limit.")
    window_from: str | None = strawberry.field(description="What the days are counted from, in words.")
    source: str = strawberry.field(description="The help page's section, or the house decision.")
