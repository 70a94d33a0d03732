"""The policy as clients see it: decisions, what can be acted on, refusals, and the rules themselves."""

from datetime import datetime

import strawberry

from execution.complexity import sized
from models.enums import Action, InputProblem, OrderKind, Reason, Role
from resolvers import actionable, policy
from resolvers.write import form
from schema.declare import resolved
from schema.form import ActionForm
from schema.lazy import OrderReference


@strawberry.type(description="A condition of an action, and whether it holds.")
class Check:
    text: str = strawberry.field(description='The condition: it completes the sentence "Allowed when …".')
    holds: bool = strawberry.field(description="True if it holds.")
    reason: Reason | None = strawberry.field(description="Why the action is refused. Null if it holds.")
    since: datetime | None = strawberry.field(
        description="The instant of the fact that decides it. Null if no instant does. For a window, its start."
    )


@strawberry.type(
    description="What follows if an action is done at the instant of its decision, with the least input that it takes: "
    "files only if they are required, REFUND as a decision, and the buyer as the party to ask for evidence."
)
class Afterwards:
    opens: list["Decision"] = strawberry.field(
        metadata=sized(3),
        description="The actions on the same order or case that this viewer may do then and not now.",
    )
    closes: list["Decision"] = strawberry.field(
        metadata=sized(3),
        description="The actions on the same order or case that this viewer may do now and not then, as they are then.",
    )
    is_final: bool = strawberry.field(
        description="True if nothing is left to do for anybody about the case that the action opens or changes, or "
        "about the feedback, not even an appeal. False for REPORT_MISSING_REFUND: the money is still owed."
    )
    waits_for: Role | None = strawberry.field(
        description="The role that must act next in that case, or that can act next on the feedback. Null if nobody "
        "must."
    )
    until: datetime | None = strawberry.field(
        description="The last instant for that move, or the instant by which agents should answer a complaint. Null if "
        "no limit is known."
    )


@strawberry.type(
    description="The policy's answer for one action, one viewer and one instant. The mutation of the same name asks "
    "the policy in the same way, so what is allowed here succeeds there."
)
class Decision:
    action: Action = strawberry.field(description="The action that was decided on.")
    allowed: bool = strawberry.field(description="True if the viewer may do it at that instant.")
    label: str = strawberry.field(description="The text of the button, from the help page for this kind of order.")
    reason: Reason | None = strawberry.field(description="The first reason why not. Null if allowed.")
    message: str | None = strawberry.field(description="The reason for people, in one sentence. Null if allowed.")
    opens_at: datetime | None = strawberry.field(
        description="The first instant of the window. If the action is refused and has no window: the instant from "
        "which time alone allows it. Null if none is known."
    )
    closes_at: datetime | None = strawberry.field(
        description="The last instant at which the action is, or was, allowed. Null if no limit is known."
    )
    checks: list[Check] = strawberry.field(
        metadata=sized(5),
        description="Every condition, then the window, in the order of checking. Empty if the action is not offered "
        "for orders of this kind, or not to this role.",
    )
    form = resolved(
        form.form,
        ActionForm | None,
        "What the mutation takes now. Null if the action is not allowed, and for a decision with `at`.",
    )
    afterwards = resolved(
        policy.afterwards,
        Afterwards | None,
        "What follows if the action is done. Null if it is not allowed. For a decision on a dispute with `at`, null as "
        "well for actions that depend on a proposal, on the wish or on an outcome before.",
    )


@strawberry.type(description="What time alone changes next about the actions of something.")
class NextChange:
    at: datetime = strawberry.field(description="The instant of the change: nextChangeAt.")
    opens: list[Action] = strawberry.field(
        metadata=sized(3), description="The actions that are available from then on."
    )
    closes: list[Action] = strawberry.field(metadata=sized(3), description="The actions that are no longer available.")


@strawberry.interface(description="Something that a viewer can act on.")
class Actionable:
    available_actions: list[Decision] = strawberry.field(
        metadata=sized(3),
        description="The actions that this viewer may do now, in the order in which to show them. No other action "
        "succeeds.",
    )
    next_change_at: datetime | None = strawberry.field(
        description="The first instant at which availableActions changes if nothing else happens: fetch it again then. "
        "Null if time alone changes nothing."
    )
    next_change: NextChange | None = strawberry.field(
        description="What changes at nextChangeAt. Null if time alone changes nothing."
    )

    decision = resolved(
        actionable.decision,
        Decision,
        "The decision on one action, also if it is not available, with the reason. With `at` in the past, what was "
        "decided then with what was known then. With `at` in the future, what will be decided if nothing else happens.",
        at="The instant to decide for. Default: now.",
    )


@strawberry.type(description="A problem that the person can see and do something about. Nothing was done.")
class UserError:
    code: Reason = strawberry.field(description="Why the action was refused.")
    message: str = strawberry.field(description="One sentence for people.")
    problem: InputProblem | None = strawberry.field(
        description="What is wrong with the field. Null if the refusal is not about the input."
    )
    field: list[str] | None = strawberry.field(
        metadata=sized(3),
        description='The path of the field in the input, like ["ratings", "areas", "communication"]. Null if the '
        "problem is not one field.",
    )
    decision: Decision | None = strawberry.field(
        description="The decision that refused the action. Null if the refusal was not a decision."
    )


@strawberry.type
class Payload:
    order: OrderReference | None = strawberry.field(
        description="The order as it is now, also after a refusal. Null if there is none."
    )
    user_errors: list[UserError] = strawberry.field(
        metadata=sized(3), description="All reasons why nothing was done. Empty if it was done."
    )


@strawberry.type(description="A row of the policy table.")
class Rule:
    action: Action = strawberry.field(description="The action that the rule allows.")
    roles: list[Role] = strawberry.field(metadata=sized(3), description="The roles that may do it.")
    kind: OrderKind | None = strawberry.field(
        description="The kind of order. Null if the rule does not depend on the order's kind."
    )
    label: str = strawberry.field(description="The text of the button.")
    conditions: list[str] = strawberry.field(
        metadata=sized(5), description="The conditions in words, in the order of checking. All must hold."
    )
    opens_after_days: int | None = strawberry.field(
        description="How many days after the start the window opens. Null if it opens at once."
    )
    window_days: int | None = strawberry.field(
        description="How long the window is open, in days of 24 hours. Null if there is no limit."
    )
    window_from: str | None = strawberry.field(description="The event from which the days are counted, in words.")
    source: str = strawberry.field(description="The section of the help page, or the house decision.")
