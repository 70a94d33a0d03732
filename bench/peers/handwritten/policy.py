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


def _older(at: datetime | None, days: int, now: datetime) -> bool:
    return at is not None and now > at + timedelta(days=days)


def _undisputed(o: Facts, now: datetime) -> str | None:
    if o["dispute_open_since"] is not None and not (o["dispute_lapses_at"] and now > o["dispute_lapses_at"]):
        return "DISPUTE_OPEN"
    if o["dispute_settled_at"] is None or _older(o["replacement_agreed_at"], 30, now):
        return None
    return "DISPUTE_SETTLED"


def _dispute_ta(o: Facts, now: datetime) -> str | None:
    if _paying(o) and o["completed_at"] is None:
        return "PAYMENT_PROCESSING"
    if o["paid_at"] is None and o["completed_at"] is None:
        return "NOT_PAID"
    return _undisputed(o, now)


def _dispute_sp(o: Facts, now: datetime) -> str | None:
    if o["completed_at"] is not None:
        return "ALREADY_COMPLETED"
    return _undisputed(o, now) if _shipped_late_or_not_cancelled(o, now) else "NOT_SHIPPED"


def _shipped_late_or_not_cancelled(o: Facts, now: datetime) -> bool:
    if o["shipped_at"] is not None:
        return True
    if o["paid_at"] is not None and (o["cancelled_at"] is not None or _older(o["ship_by"], 0, now)):
        return True
    declined = o["cancellation_declined_at"] is not None or _older(o["cancellation_pending_since"], 5, now)
    return o["cancelled_at"] is None and declined


def _report(o: Facts, now: datetime) -> str | None:
    if not _older(o["refund_due_at"], 0, now):
        return "NO_REFUND_OVERDUE"
    return None if _older(o["refund_reportable_at"], 0, now) else "ALREADY_REPORTED"


def _complain(o: Facts, _now: datetime) -> str | None:
    return "COMPLAINT_OPEN" if o["complaint_open_since"] is not None else None


def lapsed(d: Facts, now: datetime) -> bool:
    asked = d["evidence_asked_at"] is not None and d["waits_for"] == "BUYER"
    return asked and now > d["due_at"] and d["reopened_at"] is None


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


def _accept(d: Facts, now: datetime) -> str | None:
    if reason := _answer(d, now):
        return reason
    if d["offered"] is None or d["claimable"] is None:
        return None
    is_possible = d["offered_currency"] == d["claimable_currency"] and d["offered"] <= d["claimable"]
    return None if is_possible else "OFFER_NOT_POSSIBLE"


def _revise_claim(d: Facts, now: datetime) -> str | None:
    return _unreviewed(d, now) or ("ALREADY_ANSWERED" if d["answered_at"] is not None else None)


def _appeal(d: Facts, _now: datetime) -> str | None:
    if d["closed_as"] != "RESOLVED":
        return "NOT_DECIDED"
    if d["reopened_at"] is not None:
        return "ALREADY_APPEALED"
    if d["paid_back_at"] is not None:
        return "REFUND_PAID"
    return "RETURN_SHIPPED" if d["return_shipped_at"] is not None else None


def return_end(d: Facts, now: datetime) -> str | None:
    """Returns the fact that is set when the return has ended, "" while it runs, and None where there is none."""
    if d["return_began_at"] is None:
        return None
    if d["return_refused_at"] is not None:
        return "return_refused_at"
    if d["return_received_at"] is not None or _older(d["return_shipped_at"], 20, now):
        return "return_received_at"
    if d["return_shipped_at"] is not None:
        return ""
    if d["return_expired_at"] is not None or _older(d["return_addressed_at"], 10, now):
        return "return_expired_at"
    if d["return_addressed_at"] is not None:
        return ""
    waived = d["return_waived_at"] is not None or _older(d["return_began_at"], 5, now)
    return "return_waived_at" if waived else ""


def return_mover(d: Facts, now: datetime) -> str | None:
    if return_end(d, now) != "":
        return None
    return "BUYER" if d["return_addressed_at"] is not None and d["return_shipped_at"] is None else "SUPPLIER"


def _send_back(d: Facts, now: datetime) -> str | None:
    if d["return_began_at"] is None:
        return "NO_RETURN"
    if return_mover(d, now) is None:
        return "RETURN_CLOSED"
    if d["return_addressed_at"] is None:
        return "NO_RETURN_ADDRESS"
    return "RETURN_SHIPPED" if d["return_shipped_at"] is not None else None


def is_final(d: Facts, now: datetime) -> bool:
    if d["closed_at"] is None and not lapsed(d, now):
        return False
    if return_mover(d, now) is not None:
        return False
    return _appeal(d, now) is not None or _older(d["closed_at"], 30, now)


_days = timedelta
RULES: dict[str, tuple[Rule, ...]] = {
    TA: (
        Rule("LEAVE_FEEDBACK", "Feedback", _rate, "completed_at", _days(60)),
        Rule("REVISE_FEEDBACK", "Revise Feedback", _revise, "feedback_replied_at", _days(30)),
        Rule("CANCEL_ORDER", "Cancel Order", _cancel),
        Rule("OPEN_DISPUTE", "Open a dispute", _dispute_ta),
        Rule("REPORT_MISSING_REFUND", "Report missing refund", _report),
    ),
    SP: (
        Rule("LEAVE_FEEDBACK", "Leave Feedback", _rate, "completed_at", _days(30)),
        Rule("REVISE_FEEDBACK", "Revise Feedback", _revise, "feedback_replied_at", _days(90)),
        Rule("REQUEST_CANCELLATION", "Cancel Order Request", _request),
        Rule("WITHDRAW_CANCELLATION", "Withdraw Request", _withdraw_request),
        Rule("OPEN_DISPUTE", "Open Dispute", _dispute_sp),
        Rule("REPORT_MISSING_REFUND", "Report missing refund", _report),
    ),
    OFF: (Rule("FILE_COMPLAINT", "Offline Trade Dispute", _complain),),
    DISPUTE: (
        Rule("PROPOSE_RESOLUTION", "Propose", _on_turn),
        Rule("ACCEPT_PROPOSAL", "Accept", _accept),
        Rule("REJECT_PROPOSAL", "Reject", _answer),
        Rule("POST_DISPUTE_MESSAGE", "Write", _open),
        Rule("ESCALATE_DISPUTE", "Escalate", _unreviewed, "opened_at", None, _days(3)),
        Rule("WITHDRAW_DISPUTE", "Withdraw Dispute", _open),
        Rule("REVISE_CLAIM", "Edit claim", _revise_claim),
        Rule("APPEAL_DECISION", "Appeal", _appeal, "closed_at", _days(30)),
        Rule("CONFIRM_RETURN_SHIPPED", "I have sent it back", _send_back, "return_addressed_at", _days(10)),
    ),
}
BY_ACTION = {(subject, rule.action): rule for subject, rules in RULES.items() for rule in rules}

MESSAGES = {
    "NOT_OFFERED": "This action is not available here.",
    "NOT_COMPLETED": "The order is not complete yet.",
    "NOT_PAID": "The order has not been paid yet.",
    "NOT_SHIPPED": "The order has not shipped yet. A dispute can be opened once it has shipped, is late, or the "
    "supplier has not agreed to cancel it.",
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


_ORDER_LIMITS = (
    ("dispute_lapses_at", 0),
    ("ship_by", 0),
    ("cancellation_pending_since", 5),
    ("replacement_agreed_at", 30),
    ("refund_due_at", 0),
    ("refund_reportable_at", 0),
)
_DISPUTE_LIMITS = (("due_at", 0), ("return_began_at", 5), ("return_addressed_at", 10), ("return_shipped_at", 20))


def _edges(rules: tuple[Rule, ...], facts: Facts) -> list[datetime]:
    """Returns the instants after the ends of what holds for a time only, apart from windows."""
    limits = _DISPUTE_LIMITS if rules is RULES[DISPUTE] else _ORDER_LIMITS
    return [facts[name] + timedelta(days=days) + MOMENT for name, days in limits if facts[name] is not None]


def opens_by_time(rule: Rule, facts: Facts, now: datetime) -> datetime | None:
    """Returns the first instant from which time alone allows a refused action."""
    edges = sorted(edge for edge in _edges(RULES[facts["kind"]], facts) if edge > now)
    return next((edge for edge in edges if rule.reason(facts, edge) is None), None)


def next_change_at(rules: tuple[Rule, ...], facts: Facts, now: datetime) -> datetime | None:
    """Returns the first instant at which time alone changes what is allowed."""
    edges = _edges(rules, facts)
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
