"""The `recordOrders` mutation: its input, and the checks of each record that need no database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from execution.lookahead import Selection
from models.enums import InputProblem, OrderKind, Reason, Role
from resolvers.context import Info
from resolvers.errors import UserError
from resolvers.instant import nanoseconds_of
from resolvers.language import gettext, gettext_noop
from resolvers.orders.ingest import INSTANTS, CheckedRecord, store_records
from resolvers.orders.item import MAX_ITEMS, MAX_QUANTITY, StoredItem, stored_item
from resolvers.orders.order import Order
from resolvers.policy.messages import MESSAGES
from resolvers.read.fetch import read
from resolvers.read.select import Select
from resolvers.read.sql import Where
from resolvers.write.checks import CLOCK_SKEW, Checks
from resolvers.write.inputs import PICTURE, Input, MoneyInput, input_field, input_type

MAX_ORDERS = 500


@input_type("A buyer or a supplier.")
class PartyInput(Input):
    subject: str = input_field(
        "The account's `sub` in its access token, exactly. Buyer and supplier have different ones.",
        max_length=255,
        exact=True,  # as the identity provider spells it: two that look alike are two people
    )
    name: str = input_field(
        "The name to display, until the account's own token has another.", max_length=200, one_line=True
    )


@input_type("A line of an order.")
class OrderItemInput(Input):
    title: str = input_field("What was ordered.", max_length=500, one_line=True)
    quantity: int = input_field("How many were ordered.", within=(1, MAX_QUANTITY))
    unit_price: MoneyInput = input_field(
        "The price of one, in the currency of the total. It may have up to 10 decimals, also if the currency has "
        "fewer, and be below 0 for a discount."
    )
    sku: str | None = input_field("The supplier's own code for it.", max_length=64, one_line=True)
    image_url: str | None = input_field("The https address of a picture of it.", form=PICTURE)


@input_type(
    "All that the order system knows about an order at an instant. A newer record replaces an older one, including its "
    "nulls."
)
class OrderRecord(Input):
    number: str = input_field(
        "The order number that buyer and supplier use. Spaces around it are removed. Never use it for another order.",
        max_length=64,
        one_line=True,
    )
    kind: OrderKind = input_field("How the order is paid. It never changes.")
    buyer: PartyInput = input_field("The buyer. It never changes.")
    supplier: PartyInput = input_field("The supplier. It never changes.")
    total: MoneyInput = input_field("The total price; 0 for a sample.")
    amount_paid: MoneyInput | None = input_field(
        "The amount that was paid, which may be more than the total; 0 if paidAt is not set. If left out, it is the "
        "total if paidAt is set, and else 0. It is at least what refunds have paid back."
    )
    items: list[OrderItemInput] = input_field(
        "The lines of the order.", max_items=MAX_ITEMS, items="items", not_empty=True
    )
    placed_at: datetime = input_field(
        f"When the order was placed. The instants below may be at most {CLOCK_SKEW // timedelta(minutes=1)} "
        f"minutes before it, because clocks differ."
    )
    payment_submitted_at: datetime | None = input_field("When a payment was submitted that may not be received yet.")
    paid_at: datetime | None = input_field("When the payment was received.")
    ship_by: datetime | None = input_field(
        "Until when the supplier promised to ship the order. If left out, nothing is promised."
    )
    shipped_at: datetime | None = input_field("When the order was shipped.")
    delivered_at: datetime | None = input_field("When the order was delivered.")
    completed_at: datetime | None = input_field("When the order was completed.")
    cancelled_at: datetime | None = input_field(
        "When the order was cancelled in the order system. A paid order then owes a refund. Null never reverts "
        "a cancellation that was made here."
    )
    recorded_at: datetime = input_field(
        "When the order system knew all this, to the nanosecond. A record that is not newer than the last one is "
        "ignored; one that is more than one day in the future is refused."
    )

    def __post_init__(self) -> None:
        self.recorded_nanoseconds = nanoseconds_of(self.recorded_at)
        super().__post_init__()


@input_type("Orders to record: all or none, or with skipInvalid all that are valid.")
class RecordOrders(Input):
    orders: list[OrderRecord] = input_field("The records of the orders.", max_items=MAX_ORDERS, items="orders")
    skip_invalid: bool | None = input_field(
        "True to record the valid orders and skip the others. userErrors says what is wrong with those.", default=False
    )


@dataclass(slots=True, kw_only=True)
class RecordOrdersPayload:
    orders: list[Order] | None
    ignored: list[str]
    user_errors: list[UserError]


_BEFORE_PLACED = gettext_noop("This is before the order was placed.")


def check_record(checks: Checks, record: OrderRecord, now: datetime) -> CheckedRecord:
    """Adds the record's problems to `checks`. The returned record is valid only if there are none."""
    path = checks.path
    parties = ((Role.BUYER, record.buyer), (Role.SUPPLIER, record.supplier))
    checks.declared("number", "buyer", "supplier")
    if record.supplier.subject == record.buyer.subject:
        message = gettext("The buyer and the supplier must be different; this is the buyer's subject.")
        checks.problem(f"{path}supplier.subject", InputProblem.OTHER, message)
    currency = record.total.currency_code
    total = checks.money(f"{path}total", record.total, minimum=0)
    amount_paid = _amount_paid(checks, record, path, total)
    for name, label in (
        ("payment_submitted_at", "paymentSubmittedAt"),
        ("paid_at", "paidAt"),
        ("ship_by", "shipBy"),
        ("shipped_at", "shippedAt"),
        ("delivered_at", "deliveredAt"),
        ("completed_at", "completedAt"),
        ("cancelled_at", "cancelledAt"),
    ):
        checks.not_before(f"{path}{label}", getattr(record, name), record.placed_at, _BEFORE_PLACED)
    checks.not_ahead(f"{path}recordedAt", record.recorded_at, now)
    items = _items(checks, record)
    return CheckedRecord(
        path=path,
        number=record.number,
        kind=record.kind,
        parties={role: (party.subject, party.name) for role, party in parties},
        facts={name: getattr(record, name) for name in (*INSTANTS, "ship_by")}
        | {"total": total, "amount_paid": amount_paid},
        columns={"currency": currency, "items": items},
        recorded_at=record.recorded_at,
        recorded_nanoseconds=record.recorded_nanoseconds,
    )


def _amount_paid(checks: Checks, record: OrderRecord, path: str, total: int | None) -> int | None:
    """Returns minor units. If left out, it is the total if paidAt is set, and else 0. It may be more than the total."""
    path += "amountPaid"
    if record.amount_paid is None:
        return total if record.paid_at is not None else 0
    paid = checks.money(path, record.amount_paid, minimum=0)
    if record.amount_paid.currency_code != record.total.currency_code:
        checks.problem(
            f"{path}.currencyCode", InputProblem.WRONG_FORM, gettext("This must be in the currency of the total.")
        )
    if record.paid_at is None and paid:
        checks.problem(f"{path}.amount", InputProblem.OUT_OF_RANGE, gettext("This must be 0 while paidAt is not set."))
    elif record.paid_at is not None and paid == 0 and total:
        message = gettext("This must be greater than 0 if paidAt is set, unless the total is 0.")
        checks.problem(f"{path}.amount", InputProblem.OUT_OF_RANGE, message)
    return paid


def _items(checks: Checks, record: OrderRecord) -> list[StoredItem]:
    items: list[StoredItem] = []
    for item, path in checks.entries("items"):
        price = checks.unit_price(f"{path}unitPrice", item.unit_price)
        if item.unit_price.currency_code != record.total.currency_code:
            message = gettext("This must be in the currency of the total.")
            checks.problem(f"{path}unitPrice.currencyCode", InputProblem.WRONG_FORM, message)
        if price is not None:
            items.append(stored_item(item.title, item.quantity, price, item.sku, item.image_url))
    return items


async def record_orders(info: Info, input: RecordOrders) -> RecordOrdersPayload:
    context = info.context
    if context.viewer.role is not Role.SERVICE:
        reason = Reason.NOT_YOUR_ROLE
        return _nothing_recorded([UserError(reason, gettext(MESSAGES[reason]))])
    orders = Checks(input)
    if not orders.bounds("orders"):
        return _nothing_recorded(orders.errors)
    records: list[CheckedRecord] = []
    errors: list[UserError] = []
    for index, record in enumerate(input.orders):
        checks = Checks(record, f"orders.{index}.")
        checked = check_record(checks, record, context.now)
        errors += checks.errors
        if not checks.errors:
            records.append(checked)
    if errors and not input.skip_invalid:
        return _nothing_recorded(errors)
    result = await store_records(context, records, skip_invalid=bool(input.skip_invalid))
    errors += result.errors
    if errors and not input.skip_invalid:
        return _nothing_recorded(errors)
    numbers = [record.number for record in records if record.path not in result.refused]
    selection = Selection.of(info).field("orders")
    rows = await read(context, Select(Order, Where.among("number", set(numbers))), selection)
    by_number = {row.number: row for row in rows}
    errors.sort(key=lambda error: int((error.field or ["orders", "0"])[1]))  # in the order of the records
    return RecordOrdersPayload(
        orders=[by_number[number] for number in numbers], ignored=result.ignored, user_errors=errors
    )


def _nothing_recorded(errors: list[UserError]) -> RecordOrdersPayload:
    return RecordOrdersPayload(orders=None, ignored=[], user_errors=errors)
