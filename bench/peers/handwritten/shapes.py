"""The formats of values, and the parts that several answers of the hand-written endpoint share."""

import base64
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from bench.peers.handwritten.policy import BY_ACTION, Facts, Rule, bounds, reason_against

EXPONENTS = {"USD": 2, "EUR": 2, "JPY": 0}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def instant(at: datetime | None) -> str | None:
    return at.isoformat(timespec="microseconds")[:-6] + "Z" if at is not None else None


def seconds(at: float) -> str:
    """Formats an instant given in seconds."""
    return datetime.fromtimestamp(round(at, 6), UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def money(minor: int | None, currency: str | None, *, typed: bool = False) -> dict[str, Any] | None:
    if minor is None or currency is None:
        return None
    decimals = EXPONENTS[currency]
    amount = f"{minor // 100}.{minor % 100:02}" if decimals else str(minor)
    made = {"amount": amount, "currencyCode": currency}
    return made | {"__typename": "Money"} if typed else made


def item(stored: list[Any], currency: str, *, typed: bool = False) -> dict[str, Any]:
    """Returns a line of an order. A price that has more decimals than its currency is stored with their number."""
    title, quantity, price, *more = stored
    unit_price = money(price, currency, typed=typed)
    if unit_price is not None and more and more[0] is not None:
        unit_price["amount"] = f"{Decimal(price).scaleb(-more[0]):f}"
    made = {"title": title, "quantity": quantity, "unitPrice": unit_price}
    return made | {"__typename": "OrderItem"} if typed else made


def cursor(at: datetime, key: Any) -> str:
    tail = key.hex if hasattr(key, "hex") else str(key)
    return base64.urlsafe_b64encode(f"{(at - _EPOCH) // _MICROSECOND}.{tail}".encode()).decode().rstrip("=")


def decode_cursor(text: str) -> tuple[datetime, UUID]:
    micros, _, key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().partition(".")
    return _EPOCH + int(micros) * _MICROSECOND, UUID(key)


def status(o: Facts) -> str:
    for fact, name in _STATUSES:
        if o[fact] is not None:
            return name
    return "AWAITING_PAYMENT"


_STATUSES = (
    ("cancelled_at", "CANCELLED"),
    ("completed_at", "COMPLETED"),
    ("shipped_at", "SHIPPED"),
    ("paid_at", "PAID"),
    ("payment_submitted_at", "PAYMENT_PROCESSING"),
)


def rating(row: Facts) -> str:
    if row["overall"] is not None:
        return f"{row['overall']}.0"
    given = row["product_as_agreed"] + row["communication"] + row["shipping_time"]
    tenths = (given * 20 + 3) // 6
    return f"{tenths // 10}.{tenths % 10}"


def areas(row: Facts, *, typed: bool) -> dict[str, Any] | None:
    if row["product_as_agreed"] is None:
        return None
    made = {
        "productAsAgreed": row["product_as_agreed"],
        "communication": row["communication"],
        "shippingTime": row["shipping_time"],
    }
    return made | {"__typename": "AreaRatings"} if typed else made


def feedback_row(row: Facts, *, whole: bool = False, typed: bool = True) -> dict[str, Any]:
    left_at = instant(row["feedback_left_at"])
    made = {
        "id": f"fbk_{row['feedback_id'].hex}",
        "rating": rating(row),
        "comment": row["comment"],
        "leftAt": left_at,
        "reply": row["reply"],
        "repliedAt": instant(row["feedback_replied_at"]),
        "revisedAt": instant(row["feedback_revised_at"]),
    }
    if typed:
        made["__typename"] = "Feedback"
    if whole:
        original = orjson.loads(row["original"]) if row["original"] else None
        made["areas"] = areas(row, typed=typed)
        before: dict[str, Any] | None = None
        if original is not None:
            before = {"rating": rating(original), "comment": original["comment"], "leftAt": left_at}
            if typed:
                before["__typename"] = "FeedbackVersion"
        made["original"] = before
    return made


def is_allowed(action: str, row: Facts, now: datetime) -> bool:
    rule = BY_ACTION.get((row["kind"], action))
    return rule is not None and reason_against(rule, row, now, *bounds(rule, row)) is None


def deadline(action: str, row: Facts, now: datetime) -> str | None:
    rule = BY_ACTION.get((row["kind"], action))
    if rule is None or rule.reason(row, now) is not None:
        return None
    return instant(bounds(rule, row)[1])


def actions(
    rules: tuple[Rule, ...], row: Facts, now: datetime, *, typed: bool = True, opens_too: bool = False
) -> list[dict[str, Any]]:
    allowed: list[dict[str, Any]] = []
    for rule in rules:
        opens, closes = bounds(rule, row)
        if reason_against(rule, row, now, opens, closes) is None:
            made: dict[str, Any] = {"action": rule.action, "label": rule.label, "closesAt": instant(closes)}
            if typed:
                made["__typename"] = "Decision"
            if opens_too:
                made["opensAt"] = instant(opens)
            allowed.append(made)
    return allowed
