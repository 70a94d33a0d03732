"""The hand-written endpoint's answers for one order and for one dispute."""

import base64
from datetime import datetime
from typing import Any

import orjson

from bench.peers.handwritten.policy import (
    BY_ACTION,
    DISPUTE,
    RULES,
    Facts,
    bounds,
    is_final,
    lapsed,
    message_for,
    next_change_at,
    opens_by_time,
    reason_against,
    return_move,
    return_status,
)
from bench.peers.handwritten.shapes import (
    actions,
    deadline,
    feedback_row,
    instant,
    is_allowed,
    item,
    money,
    seconds,
    status,
)

_LABELS = {"LEAVE_FEEDBACK": "Leave feedback", "REVISE_FEEDBACK": "Revise feedback", "OPEN_DISPUTE": "Open dispute"}
_DONE = {
    "LEAVE_FEEDBACK": "The buyer left feedback.",
    "REVISE_FEEDBACK": "The buyer revised the feedback.",
    "REPLY_TO_FEEDBACK": "The supplier replied to the feedback.",
    "CANCEL_ORDER": "The buyer cancelled the order.",
    "REQUEST_CANCELLATION": "The buyer asked the supplier to cancel the order.",
    "WITHDRAW_CANCELLATION": "The buyer withdrew the cancellation request.",
    "ACCEPT_CANCELLATION": "The supplier accepted the cancellation request; the order is cancelled.",
    "DECLINE_CANCELLATION": "The supplier declined the cancellation request.",
    "OPEN_DISPUTE": "The buyer opened a dispute.",
    "PROPOSE_RESOLUTION": "A resolution was proposed.",
    "ACCEPT_PROPOSAL": "The proposal was accepted; the dispute is settled.",
    "REJECT_PROPOSAL": "The proposal was rejected.",
    "POST_DISPUTE_MESSAGE": "A message was written.",
    "ESCALATE_DISPUTE": "The dispute was handed to an agent.",
    "WITHDRAW_DISPUTE": "The buyer withdrew the dispute.",
    "REQUEST_EVIDENCE": "An agent asked for evidence.",
    "RESOLVE_DISPUTE": "An agent decided the dispute.",
    "CONCEDE_DISPUTE": "The supplier accepted the claim; the dispute is settled.",
    "REVISE_CLAIM": "The buyer changed the claim.",
    "APPEAL_DECISION": "The decision was appealed.",
    "PROVIDE_RETURN_ADDRESS": "The supplier gave the address for the return.",
    "CONFIRM_RETURN_SHIPPED": "The buyer sent the goods back.",
    "CONFIRM_RETURN_RECEIVED": "The supplier received the goods.",
    "REFUSE_RETURN": "The supplier refused the returned goods; an agent decides anew.",
    "REPORT_MISSING_REFUND": "The buyer reported that a refund has not arrived.",
    "FILE_COMPLAINT": "The buyer filed a complaint with the Complaint Center.",
    "POST_COMPLAINT_MESSAGE": "A message was written.",
    "WITHDRAW_COMPLAINT": "The buyer withdrew the complaint.",
    "TAKE_UP_COMPLAINT": "An agent took up the complaint.",
    "RESOLVE_COMPLAINT": "An agent decided the complaint.",
    "REJECT_COMPLAINT": "An agent rejected the complaint.",
}
_REFUNDS = {
    "DUE": "A refund is owed.",
    "VOID": "A refund is no longer owed.",
    "SENT": "A refund is on its way.",
    "SUCCEEDED": "A refund has arrived.",
    "FAILED": "A refund did not go through.",
}
_CHANGED = "The order's details were changed."
_STANDS_AGAIN = "The buyer withdrew the dispute; the earlier outcome stands again."
_DETERMINED = "What follows from earlier agreements and decisions was determined."
_HAPPENED = (
    ("placed_at", "The order was placed.", _CHANGED),
    ("paid_at", "The payment was received.", "The payment was taken back."),
    ("payment_submitted_at", "The buyer submitted a payment.", "The payment did not go through."),
    ("shipped_at", "The order was shipped.", "The shipment was taken back."),
    ("delivered_at", "The order was delivered.", "The delivery was taken back."),
    ("completed_at", "The order was completed.", "The completion was taken back."),
    ("cancelled_at", "The order was cancelled.", "The cancellation was taken back."),
    ("cancellation_pending_since", _CHANGED, "The cancellation request was superseded by a change of the order."),
    ("return_waived_at", "No return address came in time; the refund is owed without a return.", _CHANGED),
    ("return_expired_at", "The goods were not sent back in time; no refund is owed.", _CHANGED),
    ("return_received_at", "The supplier did not answer in time; the goods count as received.", _CHANGED),
    ("closed_as", "The requested evidence did not arrive in time; the dispute lapsed.", _CHANGED),
    ("waits_for", "Nobody answered in time; an agent reviews the dispute.", _CHANGED),
    ("return_began_at", _DETERMINED, _DETERMINED),
    ("replacement_agreed_at", _DETERMINED, _DETERMINED),
    ("cancellation_declined_at", _DETERMINED, _DETERMINED),
    ("answered_at", _DETERMINED, _DETERMINED),
    ("due_at", _DETERMINED, _DETERMINED),
    ("claimable", "The amount that can be claimed for the order changed.", _CHANGED),
)
PAGE = 10


def _decision(action: str, row: Facts, now: datetime) -> dict[str, Any]:
    rule = BY_ACTION.get((row["kind"], action))
    by_time = None
    if rule is None:
        label, reason, opens, closes = _LABELS[action], "NOT_OFFERED", None, None
    else:
        opens, closes = bounds(rule, row)
        label, reason = rule.label, reason_against(rule, row, now, opens, closes)
        if reason is not None and rule.start is None:
            opens = by_time = opens_by_time(rule, row, now)
    return {
        "action": action,
        "allowed": reason is None,
        "label": label,
        "reason": reason,
        "message": message_for(action, reason, closes, by_time) if reason else None,
        "opensAt": instant(opens),
        "closesAt": instant(closes),
    }


def _account(key: str, name: str, role: str | None = None) -> dict[str, Any]:
    made = {"id": f"acc_{key.replace('-', '')}", "name": name}
    return made | {"role": role} if role else made


def _proposals(rows: list[Any], *, settled: bool, ended: bool, roles: bool) -> dict[str, Any]:
    proposals = [
        {
            "resolution": resolution,
            "amount": money(amount, currency),
            "by": _account(by, name, *(role if roles else ())),
            "at": seconds(at),
            "accepted": accepted,
        }
        for resolution, amount, currency, by, name, at, accepted, *role in rows
    ]
    answered = True if settled else None
    standing = (each for each in reversed(proposals) if each["accepted"] is answered)
    return {"proposal": next(standing, None) if settled or not ended else None, "proposals": proposals}


def _dispute_status(d: Facts, now: datetime) -> tuple[str, str | None]:
    """Returns the status, and the role that must act next."""
    if d["closed_as"] is not None or lapsed(d, now):
        return d["closed_as"] or "LAPSED", None
    if d["evidence_asked_at"] is not None and now <= d["due_at"]:
        return "EVIDENCE_REQUESTED", d["waits_for"]
    if d["waits_for"] == "AGENT" or d["evidence_asked_at"] is not None or now > d["due_at"]:
        return "UNDER_REVIEW", "AGENT"
    return "AWAITING_SUPPLIER" if d["waits_for"] == "SUPPLIER" else "AWAITING_BUYER", d["waits_for"]


def _dispute(d: Facts, key: str, number: str, currency: str, now: datetime, *, roles: bool) -> dict[str, Any]:
    status, turn = _dispute_status(d, now)
    mover = return_move(d, now) or turn
    ended_at = d["due_at"] if d["closed_at"] is None and status == "LAPSED" else d["closed_at"]
    states = {None: "CLOSED", "BUYER": "ACTION_REQUIRED", "AGENT": "UNDER_REVIEW"}
    return {
        "id": f"dsp_{key}",
        "number": number,
        "status": status,
        "reason": d["reason"],
        "wanted": d["wanted"],
        "claim": money(d["claim"], currency),
        "openedAt": instant(d["opened_at"]),
        "closedAt": instant(ended_at),
        "isFinal": is_final(d, now),
        "viewerState": states.get(mover, "WAITING_FOR_OTHER_PARTY"),
        "respondBy": instant(d["due_at"]) if turn not in (None, "AGENT") else None,
    } | _proposals(orjson.loads(d["proposals"]), settled=status == "SETTLED", ended=ended_at is not None, roles=roles)


def words(action: str | None, facts: dict[str, Any], refund: str | None, *, by_somebody: bool) -> str:
    """Returns the sentence of a timeline entry. `refund` is the status that a refund has taken."""
    if action == "WITHDRAW_DISPUTE" and facts.get("closed_as") != "WITHDRAWN":
        return _STANDS_AGAIN
    if action is not None:
        return _DONE[action]
    if by_somebody:
        return _CHANGED
    if refund is not None:
        return _REFUNDS[refund]
    for fact, came, went in _HAPPENED:
        if fact in facts:
            return went if facts[fact] is None else came
    return _CHANGED


def _late(row: Facts, now: datetime) -> list[Any]:
    """Returns the change that time has made to the dispute and that is not recorded yet, as an event."""
    if row["dispute_open_since"] is None and row["return_open_since"] is None:
        return []
    if row["closed_at"] is not None:
        fact = _RETURN_ENDS.get(return_status(row, now) or "")
        facts = {fact: "now"} if fact is not None and row[fact] is None else None
    elif lapsed(row, now):
        facts = {"closed_as": "LAPSED"}
    else:
        facts = {"waits_for": "AGENT"} if row["waits_for"] != "AGENT" and now > row["due_at"] else None
    return [[2**63 - 1, row["due_at"].timestamp(), None, None, None, None, facts, None]] if facts else []


_RETURN_ENDS = {"RECEIVED": "return_received_at", "EXPIRED": "return_expired_at", "WAIVED": "return_waived_at"}


def _place(at: float, key: str) -> str:
    """Returns a cursor."""
    return base64.urlsafe_b64encode(f"{round(at * 1000000)}.{key}".encode()).decode().rstrip("=")


def _timeline(row: Facts, now: datetime) -> dict[str, Any]:
    events = sorted([*orjson.loads(row["events"] or "[]"), *_late(row, now)], key=lambda event: (event[1], event[0]))
    edges: list[dict[str, Any]] = []
    for key, at, by, name, role, action, facts, refund in events[:PAGE]:
        node = {
            "at": seconds(at),
            "by": _account(by, name, role) if by else None,
            "action": action,
            "text": words(action, facts, refund, by_somebody=by is not None),
            "__typename": "TimelineEntry",
        }
        edges.append({"cursor": _place(at, str(key)), "node": node})
    info = {"hasNextPage": len(events) > PAGE, "endCursor": edges[-1]["cursor"] if edges else None}
    return {"edges": edges, "pageInfo": info}


def detail(row: Facts, now: datetime) -> dict[str, Any]:
    currency, rules = row["currency"], RULES[row["kind"]]
    dispute = None
    if row["dispute_id"] is not None:
        key, number = row["dispute_id"].hex, row["dispute_number"]
        dispute = _dispute(row, key, number, row["dispute_currency"], now, roles=False)
    return {
        "__typename": "Order",
        "id": f"ord_{row['id'].hex}",
        "number": row["number"],
        "kind": row["kind"],
        "status": status(row),
        "buyer": {"id": f"acc_{row['buyer_id'].hex}", "name": row["buyer_name"]},
        "supplier": {"id": f"acc_{row['supplier_id'].hex}", "name": row["supplier_name"]},
        "total": money(row["total"], currency),
        "amountPaid": money(row["amount_paid"], currency),
        "items": [item(stored, currency) for stored in orjson.loads(row["items"])],
        "placedAt": instant(row["placed_at"]),
        "paidAt": instant(row["paid_at"]),
        "shippedAt": instant(row["shipped_at"]),
        "completedAt": instant(row["completed_at"]),
        "cancelledAt": instant(row["cancelled_at"]),
        "canLeaveFeedback": is_allowed("LEAVE_FEEDBACK", row, now),
        "feedbackDeadline": deadline("LEAVE_FEEDBACK", row, now),
        "revisionDeadline": deadline("REVISE_FEEDBACK", row, now),
        "nextChangeAt": instant(next_change_at(rules, row, now)),
        "availableActions": actions(rules, row, now, typed=False),
        "leaving": _decision("LEAVE_FEEDBACK", row, now),
        "revising": _decision("REVISE_FEEDBACK", row, now),
        "disputing": _decision("OPEN_DISPUTE", row, now),
        "feedback": feedback_row(row, whole=True, typed=False) if row["feedback_id"] is not None else None,
        "dispute": dispute,
        "timeline": _timeline(row, now),
    }


def dispute_answer(row: Facts, now: datetime) -> dict[str, Any]:
    made = _dispute(row, row["id"].hex, row["number"], row["currency"], now, roles=True)
    messages = orjson.loads(row["messages"] or "[]")
    edges: list[dict[str, Any]] = []
    for key, by, name, role, at, text in messages[:PAGE]:
        hex = key.replace("-", "")
        node = {"id": f"msg_{hex}", "by": _account(by, name, role), "at": seconds(at), "text": text}
        edges.append({"cursor": _place(at, hex), "node": node | {"__typename": "Message"}})
    info = {"hasNextPage": len(messages) > PAGE, "endCursor": edges[-1]["cursor"] if edges else None}
    outcome = None
    if row["outcome_resolution"] is not None:
        outcome = {
            "resolution": row["outcome_resolution"],
            "amount": money(row["outcome_amount"], row["outcome_currency"]),
            "by": _account(row["outcome_by_id"].hex, row["outcome_by_name"], row["outcome_by_role"]),
            "at": instant(row["closed_at"]),
            "note": row["outcome_note"],
        }
    supplier = _account(row["supplier_id"].hex, row["supplier_name"], "SUPPLIER")
    order = {"id": f"ord_{row['order_id'].hex}", "number": row["order_number"], "status": status(row)}
    return made | {
        "__typename": "Dispute",
        "description": row["description"],
        "nextChangeAt": instant(next_change_at(RULES[DISPUTE], row, now)),
        "availableActions": actions(RULES[DISPUTE], row, now, typed=False, opens_too=True),
        "order": order | {"supplier": supplier},
        "outcome": outcome,
        "messages": {"edges": edges, "pageInfo": info},
    }
