"""Stores records of the order system, all of a batch or none, as events dated by the instants in the records.

A record holds everything that the order system knows of an order at `recorded_at`. Each difference from the order's
facts becomes an event. For example, an order was placed on June 1; a record of June 5 says that it was paid on June 3
and shipped on June 4. Two events are appended, and their facts set on the order:

    {at: June 3, facts: {"paid_at": June 3, "amount_paid": 9000}}
    {at: June 4, facts: {"shipped_at": June 4}}

The statements of a batch do not depend on how many of its orders are new. Each order that has changed adds one:

    INSERT INTO accounts … ON CONFLICT DO NOTHING     the parties that have no account yet
    SELECT … FROM orders WHERE number IN (…) ORDER BY number FOR UPDATE
    INSERT INTO orders … ; INSERT INTO events …      the new ones
    WITH w0 AS (INSERT INTO events …) UPDATE orders SET …    for each that has changed
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise.exceptions import IntegrityError

import models
from models import database
from models.config import TRANSACTION_SECONDS
from models.enums import Action, CancellationReason, CancellationStatus, CaseKind, InputProblem, OrderKind, Role
from models.keys import new_id
from models.text import order_search
from resolvers import account, policy
from resolvers.context import Context
from resolvers.errors import ActionRefused, UserError, invalid
from resolvers.language import gettext
from resolvers.money import Money
from resolvers.orders.order import Order
from resolvers.read.fetch import fetch
from resolvers.read.select import Select
from resolvers.read.sql import Where
from resolvers.write import events
from resolvers.write.cases import next_numbers
from resolvers.write.events import PendingEvent
from resolvers.write.expiry import record_expirations
from resolvers.write.refunds import Ledger, follow_refunds
from resolvers.write.sql import Write, insert, send, update

BATCH_SIZE = 500  # orders that one statement reads and locks
# The instants of what happened. The promise to ship by an instant is no such thing: nothing happens then.
INSTANTS = (
    "placed_at",
    "payment_submitted_at",
    "paid_at",
    "shipped_at",
    "delivered_at",
    "completed_at",
    "cancelled_at",
)


@dataclass(frozen=True, slots=True)
class CheckedRecord:
    """A record whose form is valid. `path` is its place in the input, for errors that are found later."""

    path: str
    number: str
    kind: OrderKind
    parties: dict[Role, tuple[str, str]]
    facts: dict[str, Any]
    columns: dict[str, Any]
    recorded_at: datetime
    recorded_nanoseconds: int  # beyond the microseconds


@dataclass(slots=True)
class StoreResult:
    """The records that were refused, with the errors, and the numbers of the orders whose records were too old."""

    errors: list[UserError] = field(default_factory=list[UserError])
    refused: set[str] = field(default_factory=set[str])  # the paths of these records
    ignored: list[str] = field(default_factory=list[str])

    def refuse(self, record: CheckedRecord, errors: list[UserError]) -> None:
        self.errors += errors
        self.refused.add(record.path)


async def store_records(
    context: Context,
    records: Sequence[CheckedRecord],
    seconds: float = TRANSACTION_SECONDS,
    *,
    skip_invalid: bool = False,
    shielded: bool = True,
) -> StoreResult:
    """Stores the records. If one is refused, stores none of them, or with `skip_invalid` all others."""

    async def transaction() -> StoreResult:
        result = StoreResult()
        accounts = await _add_accounts(records)
        waiting: list[CheckedRecord] = sorted(records, key=_by_number_and_age)
        while waiting:
            # One record of each number at a time, in order of number, so that two batches never wait for each other.
            oldest = {record.number: record for record in reversed(waiting)}
            round_ = sorted(oldest.values(), key=lambda record: record.number)
            waiting = [record for record in waiting if oldest[record.number] is not record]
            for start in range(0, len(round_), BATCH_SIZE):
                await _store_batch(context, round_[start : start + BATCH_SIZE], accounts, result)
                if result.errors and not skip_invalid:
                    raise ActionRefused(result.errors)
        if ignored := set(result.ignored):
            result.ignored = [number for number in dict.fromkeys(r.number for r in records) if number in ignored]
        return result

    for attempt in range(3):
        try:
            return await database.in_transaction(transaction, seconds, shielded=shielded)
        except ActionRefused as refusal:
            return StoreResult(refusal.errors)
        except (IntegrityError, database.Deadlock, _RecordedMeanwhile):
            # Another request has recorded some of these orders in the meantime. The next attempt finds them.
            if attempt == 2:
                raise
    raise AssertionError


class _RecordedMeanwhile(Exception):
    """Another request has recorded some of the new orders since they were looked up."""


def _by_number_and_age(record: CheckedRecord) -> tuple[str, datetime, int]:
    return record.number, record.recorded_at, record.recorded_nanoseconds


Accounts = dict[tuple[str, Role], models.Account]


async def _add_accounts(records: Iterable[CheckedRecord]) -> Accounts:
    """Adds accounts for parties that have none. Returns the accounts of all parties, whose names cannot change until
    the transaction ends."""
    names = {(subject, role): name for record in records for role, (subject, name) in record.parties.items()}
    parties = sorted(names)
    await account.insert_missing([(subject, role, names[subject, role]) for subject, role in parties])
    accounts: Accounts = {}
    for start in range(0, len(parties), BATCH_SIZE):
        subjects = {subject for subject, _ in parties[start : start + BATCH_SIZE]}
        await account.hold_names("subject", subjects)
        for party in await models.Account.filter(subject__in=subjects):
            accounts[party.subject, party.role] = party
    return accounts


async def _store_batch(
    context: Context, records: Sequence[CheckedRecord], accounts: Accounts, result: StoreResult
) -> None:
    """Stores records, each of a different order. Adds to `result` those that are refused or ignored."""
    numbers = [record.number for record in records]
    rows = await fetch(context, Select(Order, Where.among("number", numbers), order="number", lock=True))
    stored = {row.number: row for row in rows}
    new = [record for record in records if record.number not in stored]
    if new:
        foreign_orders = await models.Order.filter(number__in=[record.number for record in new])
        if any(order.recorded_by_id == context.viewer.id for order in foreign_orders):  # type: ignore[attr-defined]
            raise _RecordedMeanwhile
        if foreign := {order.number for order in foreign_orders}:
            message = gettext("Another service has recorded an order with this number.")
            for record in new:
                if record.number in foreign:
                    result.refuse(record, [invalid(f"{record.path}number", InputProblem.OTHER, message)])
            new = [record for record in new if record.number not in foreign]
        if new:
            await _insert_orders(context, new, accounts)
    updates: list[tuple[Order, CheckedRecord]] = []
    nanoseconds = await _nanoseconds(stored, records)
    for record in records:
        order = stored.get(record.number)
        if order is None:
            continue
        if (record.recorded_at, record.recorded_nanoseconds) <= (order.recorded_at, nanoseconds.get(order.id, 0)):
            result.ignored.append(record.number)
            continue
        if errors := _identity_errors(order, record, accounts) + _money_errors(order, record):
            result.refuse(record, errors)
        else:
            updates.append((order, record))
    cancelled_here = await _cancelled_here([order for order, _ in updates if order.cancelled_at is not None])
    for order, record in updates:
        await _update_order(context, order, record, _search_text(record, accounts), order.id in cancelled_here)


async def _nanoseconds(known: dict[str, Order], records: Sequence[CheckedRecord]) -> dict[UUID, int]:
    """Returns the nanoseconds of the orders' `recorded_at`, where the record is of the same microsecond."""
    same_microsecond = [
        known[r.number].id for r in records if r.number in known and known[r.number].recorded_at == r.recorded_at
    ]
    if not same_microsecond:
        return {}
    orders = models.Order.filter(id__in=same_microsecond).exclude(recorded_nanoseconds=0)
    return dict(await orders.values_list("id", "recorded_nanoseconds"))  # type: ignore[arg-type]


def _search_text(record: CheckedRecord, accounts: Accounts) -> str:
    """Returns the text by which the order is found. It has the parties' names as shown, not as in the record."""
    names = {role: accounts[subject, role].name for role, (subject, _) in record.parties.items()}
    titles = (title for title, *_ in record.columns["items"])
    return order_search(record.number, names[Role.BUYER], names[Role.SUPPLIER], titles)


async def _insert_orders(context: Context, records: Sequence[CheckedRecord], accounts: Accounts) -> None:
    orders: list[models.Order] = []
    event_rows: list[dict[str, Any]] = []
    cancellations: list[dict[str, Any]] = []
    refunds: list[dict[str, Any]] = []
    known_at = context.known_at()
    cancelled = sum(record.facts["cancelled_at"] is not None for record in records)
    numbers = iter(await next_numbers(CaseKind.CANCELLATION, known_at, cancelled) if cancelled else ())
    for record in records:
        id = new_id()
        pending = _new_events({}, record)
        facts = {name: value for event in pending for name, value in event.facts.items()}
        orders.append(
            order := models.Order(
                id=id,
                number=record.number,
                kind=record.kind,
                **{f"{role.lower()}_id": accounts[subject, role].id for role, (subject, _) in record.parties.items()},
                recorded_by_id=context.viewer.id,
                recorded_at=record.recorded_at,
                recorded_nanoseconds=record.recorded_nanoseconds,
                changed_at=known_at,
                search=_search_text(record, accounts),
                **record.columns,
                **facts,
            )
        )
        if order.cancelled_at is not None:
            case = _own_cancellation(id, next(numbers), order.cancelled_at)
            cancellations.append(case)
            refunds += _cancelled_from_the_start(context, order, pending, case["id"])
        event_rows += events.event_rows(id, known_at, pending)
    await models.Order.bulk_create(orders)
    if cancellations:
        await send(insert(models.Cancellation, cancellations))
    if refunds:
        await send(insert(models.Refund, refunds))
    await models.Event.bulk_create(models.Event(**columns) for columns in event_rows)


def _cancelled_from_the_start(
    context: Context, order: Any, pending: Sequence[PendingEvent], case_id: UUID
) -> list[dict[str, Any]]:
    """Returns the columns of the refund that a new order owes if it is paid and cancelled. Sets the order's facts, also
    those of its events."""
    event = next(event for event in pending if "cancelled_at" in event.facts)
    event.case, event.case_facts = (CaseKind.CANCELLATION, case_id), _own_cancellation_facts(order.cancelled_at)
    ledger = Ledger(context, order)
    ledger.cancellation_id = case_id
    ledger.follow(pending)
    return ledger.new_rows({name: getattr(order, name) for name in ("buyer_id", "supplier_id", "recorded_by_id")})


def _identity_errors(order: Order, record: CheckedRecord, accounts: Accounts) -> list[UserError]:
    """Returns errors where the record has another kind or other parties than its order, which never change."""
    errors: list[UserError] = []
    if record.kind is not order.kind:
        errors.append(invalid(f"{record.path}kind", InputProblem.OTHER, gettext("The kind of an order cannot change.")))
    for role, (subject, _) in record.parties.items():
        party: UUID = order.buyer_id if role is Role.BUYER else order.supplier_id
        if accounts[subject, role].id != party:
            path = f"{record.path}{role.lower()}.subject"
            errors.append(invalid(path, InputProblem.OTHER, gettext("The parties of an order cannot change.")))
    return errors


def _money_errors(order: Order, record: CheckedRecord) -> list[UserError]:
    """Returns errors where the record contradicts what was paid back, or is owed."""
    errors: list[UserError] = []
    paid_back = order.amount_refunded + order.amount_sent
    if record.facts["amount_paid"] < paid_back:
        amount = Money(paid_back, order.currency)
        message = gettext("{amount} were paid back, so at least that was paid.", amount=amount)
        errors.append(invalid(f"{record.path}amountPaid", InputProblem.OUT_OF_RANGE, message))
    if record.columns["currency"] != order.currency and paid_back + order.amount_owed:
        message = gettext("The currency cannot change after money was paid back or is owed.")
        errors.append(invalid(f"{record.path}total.currencyCode", InputProblem.OTHER, message))
    return errors


async def _cancelled_here(orders: Sequence[Order]) -> set[UUID]:
    """Returns the ids of the orders that were cancelled by an action here. The order system cannot undo that."""
    if not orders:
        return set()
    by_action = models.Event.filter(order_id__in=[order.id for order in orders], action__in=_CANCELLING)
    return set(await by_action.values_list("order_id", flat=True))  # type: ignore[arg-type]


_CANCELLING = (Action.CANCEL_ORDER, Action.ACCEPT_CANCELLATION)


async def _update_order(
    context: Context, order: Order, record: CheckedRecord, search: str, cancelled_here: bool
) -> None:
    """Replaces what the order system knew of the locked order by the record."""
    kept_facts: dict[str, Any] = {"cancelled_at": order.cancelled_at} if cancelled_here else {}
    kept_facts["payment_reversed_at"] = _payment_reversed_at(order, record)
    if record.facts["paid_at"] and record.facts["payment_submitted_at"] is None:
        # The payment was received, so it did not fail, even if the record leaves out when it was submitted.
        kept_facts["payment_submitted_at"] = order.payment_submitted_at
    record = replace(record, facts=record.facts | kept_facts)
    expired = await record_expirations(context, order)
    pending = _new_events({name: getattr(order, name) for name in record.facts}, record)
    items = [list(item) for item in record.columns["items"]]
    if not pending and (order.items, order.currency) != (items, record.columns["currency"]):
        pending.append(PendingEvent(at=record.recorded_at))
    supersedes = any(record.facts[name] for name in ("shipped_at", "completed_at", "cancelled_at"))
    if order.cancellation_pending_since is not None and supersedes:
        pending.append(await _supersede_cancellation(order, context.now))
    await _follow_cancellation(order, pending, context.now)
    moves_money = (
        any(_MONEY.intersection(event.facts) for event in pending) or order.currency != record.columns["currency"]
    )
    policy.fold(order, [event.facts for event in pending])
    order.currency = record.columns["currency"]
    consequences: list[PendingEvent] = []
    writes: list[Write] = []
    if moves_money and (
        order.dispute_open_since or order.dispute_settled_at or order.cancelled_at or order.amount_owed
    ):
        consequences, writes = await follow_refunds(context, order, pending)
    await events.append(
        context,
        order,
        [*expired, *consequences, *pending],
        writes,
        recorded_at=record.recorded_at,
        recorded_nanoseconds=record.recorded_nanoseconds,
        search=search,
        **record.columns,
    )


def _payment_reversed_at(order: Order, record: CheckedRecord) -> datetime | None:
    """Returns when the order system said that a received payment had been taken back. None if it was not, or if another
    payment has been received since."""
    if record.facts["paid_at"] is not None:
        return None
    return order.payment_reversed_at if order.paid_at is None else record.recorded_at


def _new_events(old: dict[str, Any], record: CheckedRecord) -> list[PendingEvent]:
    """Returns what the record changes in the `old` facts: an event for each new instant, dated by that instant. What
    the record takes back, and amounts and promises that change alone, are dated by the record."""
    new = {name: value for name, value in record.facts.items() if old.get(name) != value}
    if not old:
        new["amount_paid"] = record.facts["amount_paid"]
    events_by_name: dict[str, PendingEvent] = {}
    for name in INSTANTS:
        if name in new:
            events_by_name[name] = PendingEvent(at=new[name] or record.recorded_at, facts={name: new[name]})
    for name, companion in (
        ("total", "placed_at"),
        ("amount_paid", "paid_at"),
        ("payment_reversed_at", "paid_at"),
        ("ship_by", "placed_at"),
    ):
        if name in new:
            event = events_by_name.get(companion) or events_by_name.get("placed_at")
            if event is None:
                event = events_by_name.setdefault("others", PendingEvent(at=record.recorded_at))
            event.facts[name] = new[name]
    return sorted(events_by_name.values(), key=lambda event: event.at)


# The facts that an order's debts, and what can be claimed for it, depend on.
_MONEY = frozenset({"total", "amount_paid", "paid_at", "payment_reversed_at", "cancelled_at"})


def _own_cancellation(order_id: UUID, number: str, cancelled_at: datetime) -> dict[str, Any]:
    """Returns the columns of the cancellation that the order system tells: a case of its own."""
    return {
        "id": new_id(),
        "number": number,
        "order_id": order_id,
        "reason": CancellationReason.OTHER,
        **_own_cancellation_facts(cancelled_at),
    }


def _own_cancellation_facts(cancelled_at: datetime) -> dict[str, Any]:
    return {"opened_at": cancelled_at, "closed_at": cancelled_at, "closed_as": CancellationStatus.CANCELLED}


async def _follow_cancellation(order: Order, pending: Sequence[PendingEvent], now: datetime) -> None:
    """Opens a case for a cancellation that the order system tells, or changes it where a newer record differs. The
    event about the cancellation is about the case too."""
    event = next((event for event in pending if "cancelled_at" in event.facts), None)
    if event is None:
        return
    cancelled_at: Any = event.facts["cancelled_at"]
    if order.cancelled_at is None:
        [number] = await next_numbers(CaseKind.CANCELLATION, now)
        columns = _own_cancellation(order.id, number, cancelled_at)
        await send(insert(models.Cancellation, [columns]))
        event.case, event.case_facts = (CaseKind.CANCELLATION, columns["id"]), _own_cancellation_facts(cancelled_at)
        return
    stands = models.Cancellation.filter(order_id=order.id, closed_as=CancellationStatus.CANCELLED)
    cancellation = await stands.order_by("-opened_at", "-id").first()
    if cancellation is None:  # from before cancellations by the order system were cases
        return
    facts: dict[str, Any] = {"closed_as": CancellationStatus.SUPERSEDED}
    if cancelled_at is not None:
        facts = _own_cancellation_facts(cancelled_at)
    await send(update(models.Cancellation, {"id": cancellation.id}, facts))
    event.case, event.case_facts = (CaseKind.CANCELLATION, cancellation.id), facts


async def _supersede_cancellation(order: Order, now: datetime) -> PendingEvent:
    """Closes the order's pending cancellation request. Returns the event for it."""
    cancellation = await models.Cancellation.get(order_id=order.id, closed_at=None)
    facts: dict[str, Any] = {"closed_at": now, "closed_as": CancellationStatus.SUPERSEDED}
    await models.Cancellation.filter(id=cancellation.id).update(**facts)
    return PendingEvent(
        at=now,
        facts={"cancellation_pending_since": None},
        case=(CaseKind.CANCELLATION, cancellation.id),
        case_facts=facts,
    )
