"""Ends: until when a viewer can still do something, or must. Each one is a condition on a row and an instant of it.

The last chances are the windows of the table; the others are those that cases and refunds have. For example, a buyer
has these of a Trade Assurance order that was completed, and of a dispute whose goods are to be sent back:

    leave_feedback   LAST_CHANCE   the rule's conditions hold      completed_at + 60 days
    send_back        ANSWER_DUE    the return awaits shipment      due_at

An instant of the past is no end any more: what is overdue is not here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from models.enums import PARTIES, Action, AgendaKind, CaseKind, DisputeStatus, ReturnStatus, Role
from resolvers.policy.complaint import COMPLAINT_CLOSED, REPLY_WITHIN
from resolvers.policy.conditions import goods_to_return
from resolvers.policy.dispute import (
    DISPUTE_STATUSES,
    NOT_CLOSED,
    RETURN_FACTS,
    RETURN_MOVES,
    RETURN_STATUSES,
)
from resolvers.policy.expression import Equals, Expression, IsSet, all_of
from resolvers.policy.order import CANCELLATION_ANSWER_WITHIN
from resolvers.policy.refund import IS_OUTSTANDING, REFUND_SHOWN, UNSETTLED
from resolvers.policy.rule import Subject
from resolvers.policy.rules import TABLE
from resolvers.policy.status import status_is


@dataclass(frozen=True, slots=True, eq=False)
class End:
    """An end that rows of `table` have for viewers in `role`, while `condition` holds: at `fact` + `duration`.

    That of a window is none before the window opens, at `fact`. A list of ends must check that, and that the end has
    not passed: `condition` has nothing of it.

    `name` tells the ends of one row apart, and stays when the instant changes. `sentence` has the number of the order
    or the case, and the instant. `case_kind` is the case that it is about, `action` what is to be done, where that is
    one action.
    """

    name: str
    kind: AgendaKind
    role: Role
    table: str
    condition: Expression
    fact: str
    duration: timedelta
    sentence: str
    case_kind: CaseKind | None = None
    action: Action | None = None
    is_window: bool = False


LAST_CHANCES = {
    Action.LEAVE_FEEDBACK: "Leave feedback about order {number} by {at}.",
    Action.REVISE_FEEDBACK: "Revise your feedback about order {number} by {at}.",
    Action.REPLY_TO_FEEDBACK: "Reply to the feedback about order {number} by {at}.",
    Action.APPEAL_DECISION: "Appeal the decision on dispute {number} by {at}.",
}
ANSWER = "Answer dispute {number} by {at}."
EVIDENCE = "Send the evidence for dispute {number} by {at}."
RETURNS = {
    ReturnStatus.AWAITING_ADDRESS: "Give the return address for dispute {number} by {at}.",
    ReturnStatus.AWAITING_SHIPMENT: "Send the goods of dispute {number} back by {at}.",
    ReturnStatus.SHIPPED: "Confirm or refuse the returned goods of dispute {number} by {at}.",
}
CANCELLATION = "Answer the cancellation request for order {number} by {at}."
REPLY = "Answer complaint {number} by {at}."
REFUND = "The refund of {amount} for order {number} should arrive by {at}."

SENTENCES = (*LAST_CHANCES.values(), ANSWER, EVIDENCE, *RETURNS.values(), CANCELLATION, REPLY, REFUND)

_RETURN_ACTIONS = {  # for the goods that came back there are two
    ReturnStatus.AWAITING_ADDRESS: Action.PROVIDE_RETURN_ADDRESS,
    ReturnStatus.AWAITING_SHIPMENT: Action.CONFIRM_RETURN_SHIPPED,
}
_TURNS = {Role.BUYER: DisputeStatus.AWAITING_BUYER, Role.SUPPLIER: DisputeStatus.AWAITING_SUPPLIER}
_NO_TIME = timedelta(0)


def _of_windows() -> Iterator[End]:
    for rule in TABLE.values():
        window = rule.window
        if window is None or window.days is None or goods_to_return in rule.conditions:
            continue  # the steps of a return are turns in a case
        for role in rule.roles:
            is_order = rule.subject is Subject.ORDER
            yield End(
                name=rule.action.lower(),
                kind=AgendaKind.LAST_CHANCE,
                role=role,
                table="orders" if is_order else "disputes",
                condition=all_of(
                    [
                        *([Equals("kind", rule.kind)] if rule.kind else []),
                        *(condition.test for condition in rule.conditions),
                    ]
                ),
                fact=window.start,
                duration=timedelta(days=window.days),
                sentence=LAST_CHANCES[rule.action],
                case_kind=None if is_order else CaseKind.DISPUTE,
                action=rule.action,
                is_window=True,
            )


def _of_disputes() -> Iterator[End]:
    def end(name: str, role: Role, condition: Expression, sentence: str, action: Action | None = None) -> End:
        kind, case_kind = AgendaKind.ANSWER_DUE, CaseKind.DISPUTE
        return End(name, kind, role, "disputes", condition, "due_at", _NO_TIME, sentence, case_kind, action)

    for role in PARTIES:
        waits = NOT_CLOSED & Equals("waits_for", role)
        yield end("answer", role, waits & status_is(DISPUTE_STATUSES, {_TURNS[role]}), ANSWER)
        awaited = status_is(DISPUTE_STATUSES, {DisputeStatus.EVIDENCE_REQUESTED})
        evidence = waits & IsSet("evidence_asked_at") & awaited
        yield end("evidence", role, evidence, EVIDENCE, Action.POST_DISPUTE_MESSAGE)
    for status, role in RETURN_MOVES.items():
        condition = RETURN_FACTS[status] & status_is(RETURN_STATUSES, {status})
        yield end(status.lower(), role, condition, RETURNS[status], _RETURN_ACTIONS.get(status))


def _of_refunds() -> Iterator[End]:
    for role in (Role.BUYER, Role.SERVICE):
        for status in sorted(UNSETTLED):
            condition = Equals("status", status) & IS_OUTSTANDING & REFUND_SHOWN
            yield End("refund", AgendaKind.REFUND_DUE, role, "refunds", condition, "due_at", _NO_TIME, REFUND)


ENDS = (
    *_of_windows(),
    *_of_disputes(),
    End(
        "cancellation",
        AgendaKind.ANSWER_DUE,
        Role.SUPPLIER,
        "orders",
        IsSet("cancellation_pending_since"),
        "cancellation_pending_since",
        CANCELLATION_ANSWER_WITHIN,
        CANCELLATION,
        CaseKind.CANCELLATION,
    ),
    End(
        "reply",
        AgendaKind.REPLY_DUE,
        Role.AGENT,
        "complaints",
        ~COMPLAINT_CLOSED & ~IsSet("answered_at"),
        "opened_at",
        REPLY_WITHIN,
        REPLY,
        CaseKind.COMPLAINT,
    ),
    *_of_refunds(),
)
