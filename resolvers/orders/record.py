"""Orders come in: what the order system knows of them, as facts and as events dated by the instants it names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from strawberry import UNSET

from execution.lookahead import Selection
from models.enums import InputProblem, OrderKind, Reason, Role
from resolvers.context import Info
from resolvers.errors import UserError, invalid
from resolvers.instant import FinerInstant
from resolvers.orders.ingest import INSTANTS, Checked, store
from resolvers.orders.order import Order
from resolvers.policy.messages import MESSAGES
from resolvers.read.fetch import read
from resolvers.read.select import Select
from resolvers.read.sql import Where
from resolvers.write.inputs import Checks, Input, MoneyInput

MAX_ORDERS, MAX_ITEMS = 500, 100
MAX_QUANTITY = 1_000_000_000
AHEAD = timedelta(days=1)  # of now, that a record may be: a later one would keep out all the true ones until then


@dataclass(kw_only=True)
class PartyInput(Input):
    EXACT = frozenset({"subject"})  # as the identity provider spells it: two that look alike are two people

    subject: str
    name: str


@dataclass(kw_only=True)
class OrderItemInput(Input):
    title: str
    quantity: int
    unit_price: MoneyInput


@dataclass(kw_only=True)
class OrderRecord(Input):
    number: str
    kind: OrderKind
    buyer: PartyInput
    supplier: PartyInput
    total: MoneyInput
    amount_paid: MoneyInput | None = UNSET
    items: list[OrderItemInput]
    placed_at: datetime
    payment_submitted_at: datetime | None = UNSET
    paid_at: datetime | None = UNSET
    shipped_at: datetime | None = UNSET
    completed_at: datetime | None = UNSET
    cancelled_at: datetime | None = UNSET
    recorded_at: datetime

    def __post_init__(self) -> None:
        at = self.recorded_at
        self.recorded_nanoseconds = at.nanoseconds if isinstance(at, FinerInstant) else 0
        super().__post_init__()


@dataclass(kw_only=True)
class RecordOrders(Input):
    orders: list[OrderRecord]
    skip_invalid: bool | None = False


@dataclass(slots=True, kw_only=True)
class RecordOrdersPayload:
    orders: list[Order] | None
    ignored: list[str]
    user_errors: list[UserError]


Item = tuple[str, int, *tuple[int, ...]]  # title, quantity, and the price as StoredPrice


def check(checks: Checks, record: OrderRecord, path: str, now: datetime) -> Checked:
    """Adds what is wrong with the record to `checks`; what it gives back is of use only if nothing was.

    `path` ends with a dot, or is empty.
    """
    checks.line(f"{path}number", record.number, 64, required=True)
    parties = {Role.BUYER: record.buyer, Role.SUPPLIER: record.supplier}
    for role, party in parties.items():
        checks.text(f"{path}{role.lower()}.subject", party.subject, 255, required=True)
        checks.line(f"{path}{role.lower()}.name", party.name, 200, required=True)
    if record.supplier.subject == record.buyer.subject:
        message = "The buyer and the supplier must be different; this is the buyer's subject."
        checks.problem(f"{path}supplier.subject", InputProblem.OTHER, message)
    currency = record.total.currency_code
    total = checks.money(f"{path}total", record.total, minimum=0)
    paid = _amount_paid(checks, record, path, total)
    for name, label in (
        ("payment_submitted_at", "paymentSubmittedAt"),
        ("paid_at", "paidAt"),
        ("shipped_at", "shippedAt"),
        ("completed_at", "completedAt"),
        ("cancelled_at", "cancelledAt"),
    ):
        checks.not_before(f"{path}{label}", getattr(record, name), record.placed_at, "the order was placed")
    if record.recorded_at > now + AHEAD:
        message = "This is more than one day in the future; send the time at which the order system knew this."
        checks.problem(f"{path}recordedAt", InputProblem.OUT_OF_RANGE, message)
    items = _items(checks, record, path)
    return Checked(
        path=path,
        number=record.number,
        kind=record.kind,
        parties={role: (party.subject, party.name) for role, party in parties.items()},
        facts={name: getattr(record, name) for name in INSTANTS} | {"total": total, "amount_paid": paid},
        columns={"currency": currency, "items": items},
        recorded_at=record.recorded_at,
        recorded_nanoseconds=record.recorded_nanoseconds,
    )


def _amount_paid(checks: Checks, record: OrderRecord, path: str, total: int | None) -> int | None:
    """In minor units; left out it is the total when paid, else nothing. It may be more than the total."""
    field = f"{path}amountPaid"
    if record.amount_paid is None:
        return total if record.paid_at is not None else 0
    paid = checks.money(field, record.amount_paid, minimum=0)
    if record.amount_paid.currency_code != record.total.currency_code:
        checks.problem(f"{field}.currencyCode", InputProblem.WRONG_FORM, "This must be in the currency of the total.")
    if record.paid_at is None and paid:
        checks.problem(f"{field}.amount", InputProblem.OUT_OF_RANGE, "This must be 0 while paidAt is not set.")
    elif record.paid_at is not None and paid == 0 and total:
        message = "This must be greater than 0 if paidAt is set, unless the total is 0."
        checks.problem(f"{field}.amount", InputProblem.OUT_OF_RANGE, message)
    return paid


def _items(checks: Checks, record: OrderRecord, path: str) -> list[Item]:
    if not record.items:
        checks.problem(f"{path}items", InputProblem.REQUIRED, "An order must have at least one item.")
    if len(record.items) > MAX_ITEMS:
        checks.problem(f"{path}items", InputProblem.TOO_MANY, f"An order can have at most {MAX_ITEMS} items.")
        return []
    items: list[Item] = []
    for place, item in enumerate(record.items):
        field = f"{path}items.{place}"
        checks.line(f"{field}.title", item.title, 500, required=True)
        checks.within(f"{field}.quantity", item.quantity, 1, MAX_QUANTITY)
        price = checks.unit_price(f"{field}.unitPrice", item.unit_price)
        if item.unit_price.currency_code != record.total.currency_code:
            message = "This must be in the currency of the total."
            checks.problem(f"{field}.unitPrice.currencyCode", InputProblem.WRONG_FORM, message)
        items.append((item.title, item.quantity, *(price or ())))
    return items


async def record_orders(info: Info, input: RecordOrders) -> RecordOrdersPayload:
    context = info.context
    if context.viewer.role is not Role.SERVICE:
        reason = Reason.NOT_YOUR_ROLE
        return _none_taken([UserError(reason, MESSAGES[reason])])
    if len(input.orders) > MAX_ORDERS:
        message = f"At most {MAX_ORDERS} orders can be recorded at once; send them in several requests."
        return _none_taken([invalid("orders", InputProblem.TOO_MANY, message)])
    records: list[Checked] = []
    errors: list[UserError] = []
    for place, record in enumerate(input.orders):
        checks = Checks()
        checked = check(checks, record, f"orders.{place}.", context.now)
        errors += checks.errors
        if not checks.errors:
            records.append(checked)
    if errors and not input.skip_invalid:
        return _none_taken(errors)
    stored = await store(context, records, skip_invalid=bool(input.skip_invalid))
    errors += stored.errors
    if errors and not input.skip_invalid:
        return _none_taken(errors)
    numbers = [record.number for record in records if record.path not in stored.refused]
    asked = Selection.below(info).field("orders")
    rows = await read(context, Select(Order, Where.among("number", set(numbers))), asked)
    by_number = {row.number: row for row in rows}
    errors.sort(key=lambda error: int((error.field or ["orders", "0"])[1]))  # by their places
    return RecordOrdersPayload(
        orders=[by_number[number] for number in numbers], ignored=stored.ignored, user_errors=errors
    )


def _none_taken(errors: list[UserError]) -> RecordOrdersPayload:
    return RecordOrdersPayload(orders=None, ignored=[], user_errors=errors)
