"""The hand-written endpoint's checks and forms of what a buyer can do about an order.

Only allowed actions have them. So all conditions hold, and a check adds only the instant of the fact that decides it.
"""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Any

import orjson

from bench.peers.handwritten.policy import (
    OFF,
    RULES,
    SP,
    TA,
    Facts,
    bounds,
    is_late,
    not_cancelled_on_request,
    reason_against,
)
from bench.peers.handwritten.shapes import instant, item, money, status

Since = Callable[[Facts, datetime], datetime | None]
Check = tuple[str, Since]


def _fact(name: str) -> Since:
    fact = itemgetter(name)
    return lambda o, _now: fact(o)


def _since_payment(o: Facts, _now: datetime) -> datetime | None:
    if o["payment_submitted_at"] is None:
        return None
    return o["paid_at"] if o["paid_at"] is not None else o["completed_at"]


def _since_shipment(o: Facts, now: datetime) -> datetime | None:
    if o["shipped_at"] is not None:
        return o["shipped_at"]
    if is_late(o, now):
        return max(o["paid_at"], o["ship_by"])
    if not_cancelled_on_request(o, now):
        declined_at: datetime | None = o["cancellation_declined_at"]
        return declined_at if declined_at is not None else o["cancellation_pending_since"]
    return max(o["paid_at"], o["cancelled_at"])


def _since_dispute(o: Facts, _now: datetime) -> datetime | None:
    return o["dispute_lapses_at"] if o["dispute_open_since"] is not None else None


def _since_settlement(o: Facts, _now: datetime) -> datetime | None:
    return o["replacement_agreed_at"] if o["dispute_settled_at"] is not None else None


def _since_paid_or_complete(o: Facts, _now: datetime) -> datetime | None:
    return o["paid_at"] if o["paid_at"] is not None else o["completed_at"]


_NOT_CANCELLED: Check = ("the order is not cancelled", _fact("cancelled_at"))
_NOT_COMPLETE: Check = ("the order is not complete", _fact("completed_at"))
_NOT_SHIPPED: Check = ("the order has not shipped", _fact("shipped_at"))
_SHIPPED_LATE_OR_NOT_CANCELLED = (
    "the order has shipped, or is paid and past its shipping date, or the supplier declined to cancel it or did not "
    "answer within 5 days, or it was paid and then cancelled"
)
_UNDISPUTED: tuple[Check, ...] = (
    ("no dispute is open", _since_dispute),
    (
        "no dispute has been settled or resolved, unless with a replacement more than 30 days ago",
        _since_settlement,
    ),
)
_RATE: tuple[Check, ...] = (
    _NOT_CANCELLED,
    ("the order is complete", _fact("completed_at")),
    ("no feedback has been left", _fact("feedback_left_at")),
)
_REVISE: tuple[Check, ...] = (
    ("feedback has been left", _fact("feedback_left_at")),
    ("the supplier has replied", _fact("feedback_replied_at")),
    ("the feedback has not been revised", _fact("feedback_revised_at")),
)
_REPORT: tuple[Check, ...] = (
    ("a refund is overdue", _fact("refund_due_at")),
    ("an overdue refund was not reported in the last 10 days", _fact("refund_reportable_at")),
)


def _after(days: int, what: str, fact: str) -> Check:
    return f"no more than {days} days have passed since {what}", _fact(fact)


CHECKS: dict[tuple[str, str], tuple[Check, ...]] = {
    (TA, "LEAVE_FEEDBACK"): (*_RATE, _after(60, "the order's completion", "completed_at")),
    (TA, "REVISE_FEEDBACK"): (*_REVISE, _after(30, "the supplier's reply", "feedback_replied_at")),
    (TA, "CANCEL_ORDER"): (
        _NOT_CANCELLED,
        ("the order is not paid", _fact("paid_at")),
        ("no payment is being processed", _since_payment),
        _NOT_COMPLETE,
    ),
    (TA, "OPEN_DISPUTE"): (
        ("no payment is being processed, unless the order is complete", _since_payment),
        ("the order is paid or complete", _since_paid_or_complete),
        *_UNDISPUTED,
    ),
    (TA, "REPORT_MISSING_REFUND"): _REPORT,
    (SP, "LEAVE_FEEDBACK"): (*_RATE, _after(30, "the order's completion", "completed_at")),
    (SP, "REVISE_FEEDBACK"): (*_REVISE, _after(90, "the supplier's reply", "feedback_replied_at")),
    (SP, "REQUEST_CANCELLATION"): (
        _NOT_CANCELLED,
        _NOT_SHIPPED,
        _NOT_COMPLETE,
        ("no cancellation request is pending", _fact("cancellation_pending_since")),
    ),
    (SP, "WITHDRAW_CANCELLATION"): (
        ("a cancellation request is pending", _fact("cancellation_pending_since")),
        _NOT_SHIPPED,
        _NOT_COMPLETE,
    ),
    (SP, "OPEN_DISPUTE"): (
        _NOT_COMPLETE,
        (_SHIPPED_LATE_OR_NOT_CANCELLED, _since_shipment),
        *_UNDISPUTED,
    ),
    (SP, "REPORT_MISSING_REFUND"): _REPORT,
    (OFF, "FILE_COMPLAINT"): (("no complaint about the order is open", _fact("complaint_open_since")),),
}


def _checks(action: str, o: Facts, now: datetime) -> list[dict[str, Any]]:
    return [
        {"text": text, "holds": True, "reason": None, "since": instant(since(o, now))}
        for text, since in CHECKS[o["kind"], action]
    ]


_STORED = orjson.loads((Path(__file__).parent.parent / "forms.json").read_bytes())
_BOUNDS = ("hint", "maxLength", "oneLine", "min", "max", "maxAmount", "atMostItemsAt", "maxCount", "maxBytes")
_EMPTY: dict[str, Any] = dict.fromkeys((*_BOUNDS, "contentTypes", "fileKinds", "choices"))
_FILES: dict[str, Any] = {
    "maxCount": _STORED["files"]["maxCount"],
    "maxBytes": max(size for _, size, _ in _STORED["files"]["kinds"]),
    "contentTypes": [name for name, _, _ in _STORED["files"]["kinds"]],
    "fileKinds": [
        {"contentType": name, "maxBytes": size, "maxCount": count} for name, size, count in _STORED["files"]["kinds"]
    ],
}


def _field(stored: dict[str, Any]) -> dict[str, Any]:
    made = _EMPTY | {"onlyWith": []} | stored
    if stored["kind"] == "FILES":
        made |= _FILES
    if "choices" in stored:
        made["choices"] = [
            {"value": value, "label": label, "onlyWith": [], "maxQuantity": None, "price": None}
            for value, label in stored["choices"].items()
        ]
    return made


FORMS: dict[str, dict[str, Any]] = {
    name: {"fields": [_field(field) for field in form["fields"]], "groups": form["groups"]}
    for name, form in _STORED["forms"].items()
}
_DISPUTE = {".".join(field["path"]): field for field in FORMS["OPEN_DISPUTE"]["fields"]}
REASONS = [choice["value"] for choice in _DISPUTE["reason"]["choices"]]
OWED = "REFUND_NOT_RECEIVED"  # the reason with a limit of its own
OTHERS = [reason for reason in REASONS if reason != OWED]
_WITHOUT_GOODS = ("NOT_RECEIVED", "NOT_SHIPPED")


def only_with(reasons: list[str]) -> list[dict[str, Any]]:
    """Returns the condition on the reason of the dispute; none if all reasons are good."""
    return [{"path": ["reason"], "values": reasons}] if len(reasons) < len(REASONS) else []


@cache
def reasons_for(wish: str, pays: bool, pays_owed: bool) -> list[str]:
    """Returns the reasons with which the wish can be chosen. `pays` and `pays_owed`: something is left to claim."""
    if wish == "REPLACEMENT":
        return REASONS
    reasons = [reason for reason in REASONS if (pays_owed if reason == OWED else pays)]
    return [reason for reason in reasons if wish != "RETURN_AND_REFUND" or reason not in _WITHOUT_GOODS]


@cache
def _wanted(pays: bool, pays_owed: bool) -> dict[str, Any]:
    choices = [
        choice | {"onlyWith": only_with(reasons)}
        for choice in _DISPUTE["wanted"]["choices"]
        if (reasons := reasons_for(choice["value"], pays, pays_owed))
    ]
    return _DISPUTE["wanted"] | {"choices": choices}


def limits(o: Facts) -> list[tuple[int, list[str]]]:
    """Returns the amounts that can be claimed, each with the reasons for it, where something is left."""
    if o["paid_at"] is not None:
        most = o["amount_paid"] - o["amount_refunded"] - o["amount_sent"] - o["amount_owed"]
    else:
        most = o["total"] if o["payment_reversed_at"] is None else 0
    owed = o["amount_owed"]
    found = [(most, REASONS)] if most == owed else [(most, OTHERS), (owed, [OWED])]
    return [(amount, reasons) for amount, reasons in found if amount > 0]


def _lines(o: Facts) -> list[dict[str, Any]]:
    order, choices = o["id"].hex, []
    for place, stored in enumerate(orjson.loads(o["items"])):
        if stored[2] >= 0:  # no discount
            line = item(stored, o["currency"])
            choice = {"value": f"lin_{order}_{place}", "label": line["title"], "onlyWith": []}
            choices.append(choice | {"maxQuantity": line["quantity"], "price": line["unitPrice"]})
    return choices


def _dispute_form(o: Facts) -> dict[str, Any]:
    lines, possible = _lines(o), limits(o)
    reasons = [reason for _, reasons in possible for reason in reasons]
    fields = [_DISPUTE["reason"], _DISPUTE["description"]]
    if lines:
        fields.append(_DISPUTE["lines"] | {"choices": lines, "maxCount": len(lines)})
    fields.append(_wanted(OTHERS[0] in reasons, OWED in reasons))
    for amount, with_reasons in possible:
        limit = {"maxAmount": money(amount, o["currency"]), "atMostItemsAt": ["lines"] if lines else None}
        conditions = _DISPUTE["claim"]["onlyWith"] + only_with(with_reasons)
        fields.append(_DISPUTE["claim"] | limit | {"onlyWith": conditions})
    fields.append(_DISPUTE["evidence"])
    return {"fields": fields, "groups": []}


def _form(action: str, o: Facts) -> dict[str, Any]:
    if action == "OPEN_DISPUTE":
        return _dispute_form(o)
    return FORMS.get(action) or FORMS[f"{action} {o['kind']}"]


def forms_answer(o: Facts, now: datetime) -> dict[str, Any]:
    allowed: list[dict[str, Any]] = []
    for rule in RULES[o["kind"]]:
        opens, closes = bounds(rule, o)
        if reason_against(rule, o, now, opens, closes) is None:
            made = {"action": rule.action, "label": rule.label, "closesAt": instant(closes)}
            allowed.append(made | {"checks": _checks(rule.action, o, now), "form": _form(rule.action, o)})
    return {
        "__typename": "Order",
        "id": f"ord_{o['id'].hex}",
        "number": o["number"],
        "status": status(o),
        "availableActions": allowed,
    }
