"""The policy in plain functions, as the author of a hand-written endpoint would write it.

The same rules and messages as resolvers.policy, for a buyer's actions on orders and disputes. Facts are the columns of
a row.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

Facts = Mapping[str, Any]
MOMENT = timedelta(microseconds=1)
TA, SP, OFF, DISPUTE = "TRADE_ASSURANCE", "SECURE_PAYMENT", "OFFLINE", "DISPUTE"


class Rule(NamedTuple):
    action: str
    label: str
    reason: Callable[[Facts, datetime], str | None]  # of a refusal, without the window
    start: str | None = None
    closes_after: timedelta | None = None
    opens_after: timedelta = timedelta(0)


def _rate(o: Facts, _now: datetime) -> str | None:
    if o["cancelled_at"] is not None:
        return "ALREADY_CANCELLED"
    if o["completed_at"] is None:
        return "NOT_COMPLETED"
    return "FEEDBACK_ALREADY_LEFT" if o["feedback_left_at"] is not None else None


def _revise(o: Facts, _now: datetime) -> str | None:
    if o["feedback_left_at"] is None:
        return "NO_FEEDBACK"
    if o["feedback_replied_at"] is None:
        return "AWAITING_REPLY"
    return "ALREADY_REVISED" if o["feedback_revised_at"] is not None else None


def _paying(o: Facts) -> bool:
    return o["payment_submitted_at"] is not None and o["paid_at"] is None


def _cancel(o: Facts, _now: datetime) -> str | None:
    if o["cancelled_at"] is not None:
        return "ALREADY_CANCELLED"
    if o["paid_at"] is not None:
        return "ALREADY_PAID"
    if _paying(o):
        return "PAYMENT_PROCESSING"
    return "ALREADY_COMPLETED" if o["completed_at"] is not None else None


def _request(o: Facts, _now: datetime) -> str | None:
    if o["cancelled_at"] is not None:
        return "ALREADY_CANCELLED"
    if o["shipped_at"] is not None:
        return "ALREADY_SHIPPED"
    if o["completed_at"] is not None:
        return "ALREADY_COMPLETED"
    return "CANCELLATION_PENDING" if o["cancellation_pending_since"] is not None else None


def _withdraw_request(o: Facts, _now: datetime) -> str | None:
    if o["cancellation_pending_since"] is None:
        return "NO_CANCELLATION_PENDING"
    if o["shipped_at"] is not None:
        return "ALREADY_SHIPPED"
    return "ALREADY_COMPLETED" if o["completed_at"] is not None else None


def _undisputed(o: Facts, now: datetime) -> str | None:
    if o["dispute_open_since"] is not None and not (o["dispute_lapses_at"] and now > o["dispute_lapses_at"]):
        return "DISPUTE_OPEN"
    return "DISPUTE_SETTLED" if o["dispute_settled_at"] is not None else None


def _dispute_ta(o: Facts, now: datetime) -> str | None:
    if _paying(o) and o["completed_at"] is None:
        return "PAYMENT_PROCESSING"
    if o["paid_at"] is None and o["completed_at"] is None:
        return "NOT_PAID"
    return _undisputed(o, now)


def _dispute_sp(o: Facts, now: datetime) -> str | None:
    if o["completed_at"] is not None:
        return "ALREADY_COMPLETED"
    return "NOT_SHIPPED" if o["shipped_at"] is None else _undisputed(o, now)


def _complain(o: Facts, _now: datetime) -> str | None:
    return "COMPLAINT_OPEN" if o["complaint_open_since"] is not None else None


def lapsed(d: Facts, now: datetime) -> bool:
    return d["evidence_asked_at"] is not None and d["waits_for"] == "BUYER" and now > d["due_at"]


def _in_review(d: Facts, now: datetime) -> bool:
    return d["waits_for"] == "AGENT" or d["evidence_asked_at"] is not None or now > d["due_at"]


def _open(d: Facts, now: datetime) -> str | None:
    return "CASE_CLOSED" if d["closed_at"] is not None or lapsed(d, now) else None


def _unreviewed(d: Facts, now: datetime) -> str | None:
    return _open(d, now) or ("ALREADY_UNDER_REVIEW" if _in_review(d, now) else None)


def _on_turn(d: Facts, now: datetime) -> str | None:
    return _unreviewed(d, now) or ("NOT_YOUR_TURN" if d["waits_for"] != "BUYER" else None)


def _answer(d: Facts, now: datetime) -> str | None:
    return _on_turn(d, now) or ("NO_PROPOSAL" if d["proposed_at"] is None else None)


_days = timedelta
RULES: dict[str, tuple[Rule, ...]] = {
    TA: (
        Rule("LEAVE_FEEDBACK", "Feedback", _rate, "completed_at", _days(60)),
        Rule("REVISE_FEEDBACK", "Revise Feedback", _revise, "feedback_replied_at", _days(30)),
        Rule("CANCEL_ORDER", "Cancel Order", _cancel),
        Rule("OPEN_DISPUTE", "Open a dispute", _dispute_ta),
    ),
    SP: (
        Rule("LEAVE_FEEDBACK", "Leave Feedback", _rate, "completed_at", _days(30)),
        Rule("REVISE_FEEDBACK", "Revise Feedback", _revise, "feedback_replied_at", _days(90)),
        Rule("REQUEST_CANCELLATION", "Cancel Order Request", _request),
        Rule("WITHDRAW_CANCELLATION", "Withdraw Request", _withdraw_request),
        Rule("OPEN_DISPUTE", "Open Dispute", _dispute_sp),
    ),
    OFF: (Rule("FILE_COMPLAINT", "Offline Trade Dispute", _complain),),
    DISPUTE: (
        Rule("PROPOSE_RESOLUTION", "Propose", _on_turn),
        Rule("ACCEPT_PROPOSAL", "Accept", _answer),
        Rule("REJECT_PROPOSAL", "Reject", _answer),
        Rule("POST_DISPUTE_MESSAGE", "Write", _open),
        Rule("ESCALATE_DISPUTE", "Escalate", _unreviewed, "opened_at", None, _days(3)),
        Rule("WITHDRAW_DISPUTE", "Withdraw Dispute", _open),
    ),
}
BY_ACTION = {(subject, rule.action): rule for subject, rules in RULES.items() for rule in rules}

MESSAGES = {
    "NOT_OFFERED": "This action is not available here.",
    "NOT_COMPLETED": "The order is not complete yet.",
    "NOT_PAID": "The order has not been paid yet.",
    "NOT_SHIPPED": "The order has not shipped yet.",
    "PAYMENT_PROCESSING": "A payment is being processed. Try again when it has been received.",
    "ALREADY_COMPLETED": "A dispute cannot be opened after the order is complete.",
    "ALREADY_CANCELLED": "The order is already cancelled.",
    "FEEDBACK_ALREADY_LEFT": "Feedback has already been left for this order.",
    "NO_FEEDBACK": "No feedback has been left for this order yet.",
    "AWAITING_REPLY": "The supplier has not replied to the feedback yet.",
    "ALREADY_REVISED": "The feedback has already been revised. It can be revised only once.",
    "DISPUTE_OPEN": "A dispute about this order is already open.",
    "DISPUTE_SETTLED": "A dispute about this order has already been settled or decided.",
}  # for the actions whose decisions the operations select: LEAVE_FEEDBACK, REVISE_FEEDBACK, OPEN_DISPUTE


def bounds(rule: Rule, facts: Facts) -> tuple[datetime | None, datetime | None]:
    start = facts[rule.start] if rule.start else None
    if start is None:
        return None, None
    return start + rule.opens_after, start + rule.closes_after if rule.closes_after is not None else None


def reason_against(
    rule: Rule, facts: Facts, now: datetime, opens: datetime | None, closes: datetime | None
) -> str | None:
    if reason := rule.reason(facts, now):
        return reason
    if opens is not None and now < opens:
        return "WINDOW_NOT_OPEN"
    return "WINDOW_CLOSED" if closes is not None and now > closes else None


def message_for(action: str, reason: str, closes: datetime | None) -> str:
    if reason == "WINDOW_CLOSED" and closes is not None:
        what = "Feedback could be left" if action == "LEAVE_FEEDBACK" else "The feedback could be revised"
        return f"{what} until {closes.day} {closes:%B %Y, %H:%M} UTC."
    return MESSAGES[reason]


def next_change_at(rules: tuple[Rule, ...], facts: Facts, now: datetime, *limits: datetime | None) -> datetime | None:
    """Returns the first instant at which time alone changes what is allowed. `limits` are other last instants."""
    edges = [limit + MOMENT for limit in limits if limit is not None]
    for rule in rules:
        opens, closes = bounds(rule, facts)
        if rule.opens_after and opens is not None:
            edges.append(opens)
        if closes is not None:
            edges.append(closes + MOMENT)
    edges = sorted(edge for edge in edges if edge > now)
    if not edges:
        return None

    def hold_at(instant: datetime) -> list[bool]:
        return [reason_against(rule, facts, instant, *bounds(rule, facts)) is None for rule in rules]

    today = hold_at(now)
    return next((edge for edge in edges if hold_at(edge) != today), None)
