"""The policy in plain functions, as the author of a hand-written endpoint would write it.

The same rules and messages as resolvers.policy, for a buyer's actions on orders and disputes. Facts are the columns of
a row.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

Facts = Mapping[str, Any]
MOMENT = timedelta(microseconds=1)
_FIVE_DAYS, _TEN_DAYS, _TWENTY_DAYS, _MONTH = (timedelta(days=days) for days in (5, 10, 20, 30))
TA, SP, OFF, DISPUTE = "TRADE_ASSURANCE", "SECURE_PAYMENT", "OFFLINE", "DISPUTE"


Limits = tuple[tuple[str, timedelta], ...]  # what changes with time: one moment after fact + duration


class Rule(NamedTuple):
    action: str
    label: str
    reason: Callable[[Facts, datetime], str | None]  # of a refusal, without the window
    start: str | None = None
    closes_after: timedelta | None = None
    opens_after: timedelta = timedelta(0)
    limits: Limits = ()  # of the reasons


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


def _passed(start: datetime | None, now: datetime, duration: timedelta = timedelta(0)) -> bool:
    return start is not None and now > start + duration


def _undisputed(o: Facts, now: datetime) -> str | None:
    if o["dispute_open_since"] is not None and not _passed(o["dispute_lapses_at"], now):
        return "DISPUTE_OPEN"
    if o["dispute_settled_at"] is not None and not _passed(o["replacement_agreed_at"], now, _MONTH):
        return "DISPUTE_SETTLED"
    return None


def _dispute_ta(o: Facts, now: datetime) -> str | None:
    if _paying(o) and o["completed_at"] is None:
        return "PAYMENT_PROCESSING"
    if o["paid_at"] is None and o["completed_at"] is None:
        return "NOT_PAID"
    return _undisputed(o, now)


def _dispute_sp(o: Facts, now: datetime) -> str | None:
    if o["completed_at"] is not None:
        return "ALREADY_COMPLETED"
    if not (o["shipped_at"] is not None or is_late(o, now) or not_cancelled_on_request(o, now) or _paid_in_vain(o)):
        return "NOT_SHIPPED"
    return _undisputed(o, now)


def is_late(o: Facts, now: datetime) -> bool:
    return o["paid_at"] is not None and _passed(o["ship_by"], now)


def not_cancelled_on_request(o: Facts, now: datetime) -> bool:
    if o["cancelled_at"] is not None:
        return False
    return o["cancellation_declined_at"] is not None or _passed(o["cancellation_pending_since"], now, _FIVE_DAYS)


def _paid_in_vain(o: Facts) -> bool:
    return o["paid_at"] is not None and o["cancelled_at"] is not None


def _report(o: Facts, now: datetime) -> str | None:
    if not _passed(o["refund_due_at"], now):
        return "NO_REFUND_OVERDUE"
    return None if _passed(o["refund_reportable_at"], now) else "ALREADY_REPORTED"


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
    within = d["offered_currency"] == d["claimable_currency"] and d["offered"] <= d["claimable"]
    return None if within else "OFFER_NOT_POSSIBLE"


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


def _confirm_shipment(d: Facts, now: datetime) -> str | None:
    if d["return_began_at"] is None:
        return "NO_RETURN"
    if return_move(d, now) is None:
        return "RETURN_CLOSED"
    if d["return_addressed_at"] is None:
        return "NO_RETURN_ADDRESS"
    return "RETURN_SHIPPED" if d["return_shipped_at"] is not None else None


def return_status(d: Facts, now: datetime) -> str | None:
    """Returns the state of the dispute's return; None if goods are not to be sent back."""
    if d["return_began_at"] is None:
        return None
    if d["return_refused_at"] is not None:
        return "REFUSED"
    if d["return_received_at"] is not None or _passed(d["return_shipped_at"], now, _TWENTY_DAYS):
        return "RECEIVED"
    if d["return_shipped_at"] is not None:
        return "SHIPPED"
    if d["return_expired_at"] is not None or _passed(d["return_addressed_at"], now, _TEN_DAYS):
        return "EXPIRED"
    if d["return_addressed_at"] is not None:
        return "AWAITING_SHIPMENT"
    if d["return_waived_at"] is not None or _passed(d["return_began_at"], now, _FIVE_DAYS):
        return "WAIVED"
    return "AWAITING_ADDRESS"


_RETURN_MOVES = {"AWAITING_ADDRESS": "SUPPLIER", "AWAITING_SHIPMENT": "BUYER", "SHIPPED": "SUPPLIER"}


def return_move(d: Facts, now: datetime) -> str | None:
    """Returns the role that takes the next step of the return; None if it does not run."""
    return _RETURN_MOVES.get(return_status(d, now) or "")


def is_final(d: Facts, now: datetime) -> bool:
    if _open(d, now) is None or return_move(d, now) is not None:
        return False
    return _appeal(d, now) is not None or _passed(d["closed_at"], now, _MONTH)


_DUE: Limits = (("due_at", timedelta(0)),)
_DISPUTED: Limits = (("dispute_lapses_at", timedelta(0)), ("replacement_agreed_at", _MONTH))
_NOT_SHIPPED: Limits = (("ship_by", timedelta(0)), ("cancellation_pending_since", _FIVE_DAYS))
_REFUND: Limits = (("refund_due_at", timedelta(0)), ("refund_reportable_at", timedelta(0)))
_days = timedelta
RULES: dict[str, tuple[Rule, ...]] = {
    TA: (
        Rule("LEAVE_FEEDBACK", "Feedback", _rate, "completed_at", _days(60)),
        Rule("REVISE_FEEDBACK", "Revise Feedback", _revise, "feedback_replied_at", _days(30)),
        Rule("CANCEL_ORDER", "Cancel Order", _cancel),
        Rule("OPEN_DISPUTE", "Open a dispute", _dispute_ta, limits=_DISPUTED),
        Rule("REPORT_MISSING_REFUND", "Report missing refund", _report, limits=_REFUND),
    ),
    SP: (
        Rule("LEAVE_FEEDBACK", "Leave Feedback", _rate, "completed_at", _days(30)),
        Rule("REVISE_FEEDBACK", "Revise Feedback", _revise, "feedback_replied_at", _days(90)),
        Rule("REQUEST_CANCELLATION", "Cancel Order Request", _request),
        Rule("WITHDRAW_CANCELLATION", "Withdraw Request", _withdraw_request),
        Rule("OPEN_DISPUTE", "Open Dispute", _dispute_sp, limits=_NOT_SHIPPED + _DISPUTED),
        Rule("REPORT_MISSING_REFUND", "Report missing refund", _report, limits=_REFUND),
    ),
    OFF: (Rule("FILE_COMPLAINT", "Offline Trade Dispute", _complain),),
    DISPUTE: (
        Rule("PROPOSE_RESOLUTION", "Propose", _on_turn, limits=_DUE),
        Rule("ACCEPT_PROPOSAL", "Accept", _accept, limits=_DUE),
        Rule("REJECT_PROPOSAL", "Reject", _answer, limits=_DUE),
        Rule("POST_DISPUTE_MESSAGE", "Write", _open, limits=_DUE),
        Rule("ESCALATE_DISPUTE", "Escalate", _unreviewed, "opened_at", None, _days(3), limits=_DUE),
        Rule("WITHDRAW_DISPUTE", "Withdraw Dispute", _open, limits=_DUE),
        Rule("REVISE_CLAIM", "Edit claim", _revise_claim, limits=_DUE),
        Rule("APPEAL_DECISION", "Appeal", _appeal, "closed_at", _MONTH),
        Rule("CONFIRM_RETURN_SHIPPED", "I have sent it back", _confirm_shipment, "return_addressed_at", _TEN_DAYS),
    ),
}
BY_ACTION = {(subject, rule.action): rule for subject, rules in RULES.items() for rule in rules}

MESSAGES = {
    "NOT_OFFERED": "This action is not available here.",
    "NOT_COMPLETED": "The order is not complete yet. Feedback can be left once it is.",
    "NOT_PAID": "The order has not been paid yet. A dispute can be opened once the payment has been received.",
    "NOT_SHIPPED": (
        "The order has not shipped yet. A dispute can be opened once it has shipped, is late, or the supplier has not "
        "agreed to cancel it."
    ),
    "PAYMENT_PROCESSING": "A payment is being processed. Try again when it has been received.",
    "ALREADY_COMPLETED": "A dispute cannot be opened after the order is complete.",
    "ALREADY_CANCELLED": "The order is already cancelled.",
    "FEEDBACK_ALREADY_LEFT": "Feedback has already been left for this order.",
    "NO_FEEDBACK": "No feedback has been left for this order yet.",
    "AWAITING_REPLY": "The supplier has not replied to the feedback yet. It can be revised after the reply.",
    "ALREADY_REVISED": "The feedback has already been revised. It can be revised only once.",
    "DISPUTE_OPEN": "A dispute about this order is already open. Only one can be open at a time.",
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


def message_for(action: str, reason: str, closes: datetime | None, opens: datetime | None = None) -> str:
    """Returns the message of a refusal. `opens` is the instant from which time alone allows the action."""
    if reason == "WINDOW_CLOSED" and closes is not None:
        what = "Feedback could be left" if action == "LEAVE_FEEDBACK" else "The feedback could be revised"
        return f"{what} until {_date(closes)}."
    return MESSAGES[reason] if opens is None else f"{MESSAGES[reason]} This will be possible from {_date(opens)}."


def _date(instant: datetime) -> str:
    return f"{instant.day} {instant:%B %Y, %H:%M} UTC"


def is_open(rule: Rule, facts: Facts, instant: datetime) -> bool:
    return reason_against(rule, facts, instant, *bounds(rule, facts)) is None


def _edges(rule: Rule, facts: Facts, now: datetime) -> list[datetime]:
    """Returns the instants after `now` at which time alone may change whether the rule allows its action."""
    opens, closes = bounds(rule, facts)
    edges = [start + duration + MOMENT for fact, duration in rule.limits if (start := facts[fact]) is not None]
    if rule.opens_after and opens is not None:
        edges.append(opens)
    if closes is not None:
        edges.append(closes + MOMENT)
    return [edge for edge in edges if edge > now]


def opens_by_time(rule: Rule, facts: Facts, now: datetime) -> datetime | None:
    """Returns the first instant after `now` from which time alone allows the action."""
    return next((edge for edge in sorted(_edges(rule, facts, now)) if is_open(rule, facts, edge)), None)


def next_change_at(rules: tuple[Rule, ...], facts: Facts, now: datetime) -> datetime | None:
    """Returns the first instant at which time alone changes what is allowed."""
    edges = sorted((edge, place) for place, rule in enumerate(rules) for edge in _edges(rule, facts, now))
    changes = (edge for edge, place in edges if is_open(rules[place], facts, edge) != is_open(rules[place], facts, now))
    return next(changes, None)
