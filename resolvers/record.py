"""Orders come in: what the order system knows of them, as facts and as events dated by the instants it names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from strawberry import UNSET
from tortoise.exceptions import IntegrityError

import models
from models import database
from models.enums import CancellationStatus, CaseKind, InputProblem, OrderKind, Reason, Role
from models.keys import new_id
from resolvers import account, history
from resolvers.context import Context, Info
from resolvers.errors import Refused, UserError, invalid
from resolvers.history import Change
from resolvers.input import Checks, Input, MoneyInput
from resolvers.order import Order
from resolvers.policy.words import SENTENCES
from resolvers.reading import among, complete, fetch
from resolvers.selection import Selection

MOST_ORDERS, MOST_ITEMS = 500, 100
MOST_PIECES = 1_000_000_000

INSTANTS = ("placed_at", "payment_submitted_at", "paid_at", "shipped_at", "completed_at", "cancelled_at")


@dataclass(kw_only=True)
class PartyInput(Input):
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


@dataclass(kw_only=True)
class RecordOrders(Input):
    orders: list[OrderRecord]


@dataclass(slots=True, kw_only=True)
class RecordOrdersPayload:
    orders: list[Order] | None
    user_errors: list[UserError]


@dataclass(frozen=True, slots=True)
class Checked:
    """A record whose shape is right. `path` says where it stands in the input, for errors found later."""

    path: str
    number: str
    kind: OrderKind
    parties: dict[Role, tuple[str, str]]
    facts: dict[str, Any]
    columns: dict[str, Any]
    recorded_at: datetime


def check(checks: Checks, record: OrderRecord, path: str) -> Checked:
    """Adds what is wrong with the record to `checks`; what it gives back is of use only if nothing was.

    `path` ends with a dot, or is empty.
    """
    checks.text(f"{path}number", record.number, 64, required=True)
    parties = {Role.BUYER: record.buyer, Role.SUPPLIER: record.supplier}
    for role, party in parties.items():
        checks.text(f"{path}{role.lower()}.subject", party.subject, 255, required=True)
        checks.text(f"{path}{role.lower()}.name", party.name, 200, required=True)
    currency = record.total.currency_code
    total = checks.money(f"{path}total", record.total)
    paid = _amount_paid(checks, record, path, total)
    for name, label in (
        ("payment_submitted_at", "paymentSubmittedAt"),
        ("paid_at", "paidAt"),
        ("shipped_at", "shippedAt"),
        ("completed_at", "completedAt"),
        ("cancelled_at", "cancelledAt"),
    ):
        checks.not_before(f"{path}{label}", getattr(record, name), record.placed_at, "the order was placed")
    items = _items(checks, record, path)
    words = [record.number, record.buyer.name, record.supplier.name, *(item.title for item in record.items)]
    return Checked(
        path=path,
        number=record.number,
        kind=record.kind,
        parties={role: (party.subject, party.name) for role, party in parties.items()},
        facts={name: getattr(record, name) for name in INSTANTS} | {"total": total, "amount_paid": paid},
        columns={"currency": currency, "items": items, "search": "\n".join(words).casefold()},
        recorded_at=record.recorded_at,
    )


def _amount_paid(checks: Checks, record: OrderRecord, path: str, total: int | None) -> int | None:
    """In minor units; left out it is the total when paid, else nothing."""
    field = f"{path}amountPaid"
    if record.amount_paid is None:
        return total if record.paid_at is not None else 0
    paid = checks.money(field, record.amount_paid, least=0)
    if record.amount_paid.currency_code != record.total.currency_code:
        checks.problem(f"{field}.currencyCode", InputProblem.WRONG_FORM, "An order has one currency: its total's.")
    elif paid is not None and total is not None and paid > total:
        checks.problem(f"{field}.amount", InputProblem.OUT_OF_RANGE, "This is more than the total.")
    if paid is not None and (paid > 0) != (record.paid_at is not None):
        message = "Something is paid exactly when paidAt is set."
        checks.problem(f"{field}.amount", InputProblem.OUT_OF_RANGE, message)
    return paid


def _items(checks: Checks, record: OrderRecord, path: str) -> list[tuple[str, int, int | None]]:
    if not record.items:
        checks.problem(f"{path}items", InputProblem.REQUIRED, "An order has at least one item.")
    if len(record.items) > MOST_ITEMS:
        checks.problem(f"{path}items", InputProblem.TOO_MANY, f"An order has at most {MOST_ITEMS} items.")
        return []
    items: list[tuple[str, int, int | None]] = []
    for place, item in enumerate(record.items):
        field = f"{path}items.{place}"
        checks.text(f"{field}.title", item.title, 500, required=True)
        checks.within(f"{field}.quantity", item.quantity, 1, MOST_PIECES)
        price = checks.money(f"{field}.unitPrice", item.unit_price, least=0)
        if item.unit_price.currency_code != record.total.currency_code:
            message = "An order has one currency: its total's."
            checks.problem(f"{field}.unitPrice.currencyCode", InputProblem.WRONG_FORM, message)
        items.append((item.title, item.quantity, price))
    return items


async def record_orders(info: Info, input: RecordOrders) -> RecordOrdersPayload:
    context = info.context
    if context.viewer.role is not Role.SERVICE:
        reason = Reason.NOT_YOUR_ROLE
        return RecordOrdersPayload(orders=None, user_errors=[UserError(reason, SENTENCES[reason])])
    checks = Checks()
    records: list[Checked] = []
    if len(input.orders) > MOST_ORDERS:
        checks.problem("orders", InputProblem.TOO_MANY, f"At most {MOST_ORDERS} orders can be recorded at once.")
    else:
        records = [check(checks, record, f"orders.{place}.") for place, record in enumerate(input.orders)]
    errors = checks.errors or await store(context, records)
    if errors:
        return RecordOrdersPayload(orders=None, user_errors=errors)
    numbers = [record.number for record in records]
    rows = await fetch(context, Order, lambda bind: among(bind, "number", set(numbers)))
    asked = Selection.below(info).field("RecordOrdersPayload", "orders")
    await complete(context, rows, "Order", asked)
    by_number = {row.number: row for row in rows}
    return RecordOrdersPayload(orders=[by_number[number] for number in numbers], user_errors=[])


async def store(
    context: Context,
    records: Sequence[Checked],
    progress: Callable[[int], None] = lambda _: None,
    seconds: float = database.TRANSACTION_SECONDS,
) -> list[UserError]:
    """Takes all the records or, where one cannot be, none, and says why. `progress` hears how many more are done."""

    async def work() -> None:
        accounts = await _accounts(records)
        waiting: list[Checked] = sorted(records, key=_by_number_and_age)
        while waiting:
            # One record of each number at a time, always in order of number: two batches never wait for each other.
            firsts = {record.number: record for record in reversed(waiting)}
            batch = sorted(firsts.values(), key=lambda record: record.number)
            waiting = [record for record in waiting if firsts[record.number] is not record]
            for start in range(0, len(batch), MOST_ORDERS):
                part = batch[start : start + MOST_ORDERS]
                await _store(context, part, accounts)
                progress(len(part))

    for attempt in range(3):
        try:
            await database.in_transaction(work, seconds)
        except Refused as refused:
            return refused.errors
        except IntegrityError:
            # Somebody else recorded one of the new numbers in between; it is an old one now.
            if attempt == 2:
                raise
        else:
            break
    return []


def _by_number_and_age(record: Checked) -> tuple[str, datetime]:
    return record.number, record.recorded_at


Accounts = dict[tuple[str, Role], models.Account]


async def _accounts(records: Iterable[Checked]) -> Accounts:
    named = {(subject, role): name for record in records for role, (subject, name) in record.parties.items()}
    wanted = sorted(named)
    await account.insert([(subject, role, named[subject, role]) for subject, role in wanted])
    found: Accounts = {}
    for start in range(0, len(wanted), MOST_ORDERS):
        subjects = {subject for subject, _ in wanted[start : start + MOST_ORDERS]}
        for each in await models.Account.filter(subject__in=subjects):
            found[each.subject, each.role] = each
    return found


async def _store(context: Context, records: Sequence[Checked], accounts: Accounts) -> None:
    numbers = [record.number for record in records]
    rows = await fetch(context, Order, lambda bind: among(bind, "number", numbers), order="number", lock=True)
    known = {row.number: row for row in rows}
    new = [record for record in records if record.number not in known]
    if new:
        others = await models.Order.filter(number__in=[record.number for record in new]).only("number")
        if taken := {order.number for order in others}:
            message = "This number belongs to an order that another service recorded."
            raise Refused([invalid(f"{r.path}number", InputProblem.OTHER, message) for r in new if r.number in taken])
        await _add(context, new, accounts)
    unchangeable = Checks()
    for record in records:
        if record.number in known:
            _check_identity(unchangeable, known[record.number], record, accounts)
    if unchangeable.errors:
        raise Refused(unchangeable.errors)
    newer = [
        (known[record.number], record)
        for record in records
        if record.number in known and record.recorded_at > known[record.number].recorded_at
    ]
    kept = await _cancelled_here([order for order, _ in newer if order.cancelled_at is not None])
    for order, record in newer:
        await _replace(context, order, record, order.id in kept)
        await _rename(record, accounts)


async def _add(context: Context, records: Sequence[Checked], accounts: Accounts) -> None:
    orders: list[models.Order] = []
    events: list[models.Event] = []
    for record in records:
        id = new_id()
        orders.append(
            models.Order(
                id=id,
                number=record.number,
                kind=record.kind,
                **{f"{role.lower()}_id": accounts[subject, role].id for role, (subject, _) in record.parties.items()},
                recorded_by_id=context.viewer.id,
                recorded_at=record.recorded_at,
                changed_at=context.now,
                **record.columns,
                **record.facts,
            )
        )
        events += history.events(id, context.now, _changes({}, record))
    await models.Order.bulk_create(orders)
    await models.Event.bulk_create(events)


def _check_identity(checks: Checks, order: Order, record: Checked, accounts: Accounts) -> None:
    if record.kind is not order.kind:
        checks.problem(f"{record.path}kind", InputProblem.OTHER, "An order's kind never changes.")
    for role, (subject, _) in record.parties.items():
        party: UUID = order.buyer_id if role is Role.BUYER else order.supplier_id
        if accounts[subject, role].id != party:
            message = "An order's parties never change."
            checks.problem(f"{record.path}{role.lower()}.subject", InputProblem.OTHER, message)


async def _cancelled_here(orders: Sequence[Order]) -> set[UUID]:
    """Those that were cancelled by an action here, which the order system cannot take back."""
    if not orders:
        return set()
    ways = (CancellationStatus.CANCELLED, CancellationStatus.ACCEPTED)
    found = models.Cancellation.filter(order_id__in=[order.id for order in orders], closed_as__in=ways)
    return set(await found.values_list("order_id", flat=True))  # type: ignore[arg-type]


async def _replace(context: Context, order: Order, record: Checked, cancelled_here: bool) -> None:
    if cancelled_here:
        record = replace(record, facts=record.facts | {"cancelled_at": order.cancelled_at})
    changes = _changes({name: getattr(order, name) for name in record.facts}, record)
    items = [list(item) for item in record.columns["items"]]
    if not changes and (order.items, order.currency) != (items, record.columns["currency"]):
        changes.append(Change(at=record.recorded_at))
    overtaken = any(record.facts[name] for name in ("shipped_at", "completed_at", "cancelled_at"))
    if order.cancellation_pending_since is not None and overtaken:
        changes.append(await _supersede(order, context.now))
    await history.append(order, context.now, changes, recorded_at=record.recorded_at, **record.columns)


def _changes(old: dict[str, Any], record: Checked) -> list[Change]:
    """What the record says anew, as one change for each instant it names, dated by it; what it takes back, and new
    amounts, dated by the record."""
    new = {name: value for name, value in record.facts.items() if old.get(name) != value}
    if not old:
        new["amount_paid"] = record.facts["amount_paid"]
    changes: dict[str, Change] = {}
    for name in INSTANTS:
        if name in new:
            changes[name] = Change(at=new[name] or record.recorded_at, facts={name: new[name]})
    # A payment that was received is no longer on its way: that is one change, not a failed payment.
    if "paid_at" in changes and new["paid_at"] and new.get("payment_submitted_at", "") is None:
        del changes["payment_submitted_at"]
        changes["paid_at"].facts["payment_submitted_at"] = None
    for name, along_with in (("total", "placed_at"), ("amount_paid", "paid_at")):
        if name in new:
            carrier = changes.get(along_with) or changes.get("placed_at")
            if carrier is None:
                carrier = changes.setdefault(name, Change(at=record.recorded_at))
            carrier.facts[name] = new[name]
    return sorted(changes.values(), key=lambda change: change.at)


async def _supersede(order: Order, now: datetime) -> Change:
    pending = await models.Cancellation.get(order_id=order.id, closed_at=None)
    facts: dict[str, Any] = {"closed_at": now, "closed_as": CancellationStatus.SUPERSEDED}
    await models.Cancellation.filter(id=pending.id).update(**facts)
    return Change(
        at=now,
        facts={"cancellation_pending_since": None},
        case=(CaseKind.CANCELLATION, pending.id),
        case_facts=facts,
    )


async def _rename(record: Checked, accounts: Accounts) -> None:
    for role, (subject, name) in record.parties.items():
        if accounts[subject, role].name != name:
            await models.Account.filter(id=accounts[subject, role].id).update(name=name)
            accounts[subject, role].name = name
