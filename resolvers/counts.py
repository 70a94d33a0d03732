"""Numbers for badges: how much waits for the viewer. All of them come from one statement, by indexes; for agents, one
more looks up their other accounts."""

from __future__ import annotations

from dataclasses import dataclass

from models.enums import Action, Role, ViewerState
from resolvers import policy
from resolvers.complaints.complaint import Complaint
from resolvers.context import Context, Info
from resolvers.disputes.dispute import Dispute
from resolvers.orders.order import Order
from resolvers.policy import Subject
from resolvers.read.pagination import count_text
from resolvers.read.rows import Row
from resolvers.read.sql import NO_ROW, Statement, Where
from resolvers.refunds.refund import Refund
from resolvers.viewer import (
    PENDING_CANCELLATION,
    OrderFilter,
    RefundFilter,
    accounts_in_conflict,
    in_viewer_states,
    order_parts,
    pending_cancellations,
    refund_parts,
)

MOST = 100  # a larger number is shown as this one

Counted = tuple[type[Row], Where | tuple[Where, ...]]


@dataclass(frozen=True, slots=True)
class Counts:
    action_required: int
    feedback_to_leave: int
    feedback_to_revise: int
    feedback_to_answer: int
    open_cancellations: int
    open_disputes: int
    open_complaints: int
    refunds_overdue: int


async def counts(info: Info) -> Counts:
    context = info.context
    role, now = context.viewer.role, context.now
    not_closed = Where.of(policy.NOT_CLOSED, role, now)  # an index has it
    open_dispute = not_closed & Where.of(~policy.DISPUTE_CLOSED, role, now)
    open_complaint = Where.of(~policy.COMPLAINT_CLOSED, role, now)
    overdue = refund_parts(context, RefundFilter(overdue=True))
    in_conflict = await accounts_in_conflict(context)
    disputes = Dispute, in_viewer_states(context, Subject.DISPUTE, [ViewerState.ACTION_REQUIRED], in_conflict)
    complaints = Complaint, in_viewer_states(context, Subject.COMPLAINT, [ViewerState.ACTION_REQUIRED], in_conflict)
    requests = Order, PENDING_CANCELLATION if role is Role.SUPPLIER else NO_ROW
    statement = Statement()

    def number(*counted: Counted) -> str:
        return " + ".join(count_text(statement, context, row_type, where, MOST) for row_type, where in counted)

    numbers = [
        number(disputes, complaints, requests),
        *(number((Order, _allowed(context, action))) for action in _FEEDBACK_ACTIONS),
        number((Order, pending_cancellations(role))),
        number((Dispute, open_dispute)),
        number((Complaint, open_complaint)),
        number((Refund, overdue)),
    ]
    [values] = await statement.run(f"SELECT {', '.join(numbers)}")
    return Counts(*(min(value, MOST) for value in values))


_FEEDBACK_ACTIONS = (Action.LEAVE_FEEDBACK, Action.REVISE_FEEDBACK, Action.REPLY_TO_FEEDBACK)


def _allowed(context: Context, action: Action) -> tuple[Where, ...]:
    """Returns the condition that the viewer may do the action on an order, in parts that indexes serve."""
    return tuple(order_parts(context, OrderFilter(can=action))) or (NO_ROW,)
