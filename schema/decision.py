from datetime import datetime

import strawberry

from execution.sizes import sized
from models.enums import Action, InputProblem, Reason
from resolvers import actionable
from schema.declare import resolved


@strawberry.type(
    description="The policy's answer for one action, one viewer and one instant. The mutation of the same name asks "
    "the same question, so what is allowed here succeeds there."
)
class Decision:
    action: Action = strawberry.field(description="What was asked.")
    allowed: bool = strawberry.field(description="Whether the viewer may do it at that instant.")
    label: str = strawberry.field(description="The text of the button, as the help page has it for this kind of order.")
    reason: Reason | None = strawberry.field(description="The first reason why not. Null when allowed.")
    message: str | None = strawberry.field(description="The same for people, in one sentence. Null when allowed.")
    opens_at: datetime | None = strawberry.field(
        description="The first instant of the window. Null where none is known."
    )
    closes_at: datetime | None = strawberry.field(
        description="The last instant at which it is, or was, allowed. Null where no limit is known."
    )


@strawberry.interface(description="What a viewer can do something with.")
class Actionable:
    available_actions: list[Decision] = strawberry.field(
        metadata=sized(5),
        description="What this viewer may do now, in the order in which to show it. Nothing else will succeed.",
    )
    next_change_at: datetime | None = strawberry.field(
        description="When to ask again: the first instant at which availableActions differs by the clock alone. Null "
        "where time alone changes nothing."
    )

    decision = resolved(
        actionable.decision,
        Decision,
        "One action, also where it is not available, and why not. With `at` in the past it is what was decided then, "
        "with what was known then; with `at` ahead it is what will be if nothing else happens.",
        at="The instant to decide for; now unless given.",
    )


@strawberry.type(description="A problem that the person can see and do something about. Nothing was done.")
class UserError:
    code: Reason = strawberry.field(description="Why it was refused.")
    message: str = strawberry.field(description="One sentence for people.")
    problem: InputProblem | None = strawberry.field(
        description="What is wrong with the field; null where it was not the input that was refused."
    )
    field: list[str] | None = strawberry.field(
        metadata=sized(3),
        description='The path in the input, like ["ratings", "areas", "communication"]; null where it is not one '
        "field.",
    )
    decision: Decision | None = strawberry.field(description="The decision that refused it, where one did.")
