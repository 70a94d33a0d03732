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
from models.enums import CancellationStatus, CaseKind, InputProblem, OrderKind, Role
from models.keys import new_id
from models.text import order_search
from resolvers import account, policy
from resolvers.context import Context
from resolvers.errors import ActionRefused, UserError, invalid
from resolvers.money import Money
from resolvers.orders.order import Order
from resolvers.read.fetch import fetch
from resolvers.read.select import Select
from resolvers.read.sql import Where
from resolvers.write import events
from resolvers.write.events import PendingEvent
from resolvers.write.expiry import record_expirations

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
            message = "Another service has recorded an order with this number."
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
        if errors := _identity_errors(order, record, accounts):
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
    known_at = context.known_at()
    for record in records:
        id = new_id()
        pending = _new_events({}, record)
        facts = {name: value for event in pending for name, value in event.facts.items()}
        orders.append(
            models.Order(
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
        event_rows += events.event_rows(id, known_at, pending)
    await models.Order.bulk_create(orders)
    await models.Event.bulk_create(models.Event(**columns) for columns in event_rows)


def _identity_errors(order: Order, record: CheckedRecord, accounts: Accounts) -> list[UserError]:
    """Returns errors where the record has another kind or other parties than its order, which never change."""
    errors: list[UserError] = []
    if record.kind is not order.kind:
        errors.append(invalid(f"{record.path}kind", InputProblem.OTHER, "The kind of an order cannot change."))
    for role, (subject, _) in record.parties.items():
        party: UUID = order.buyer_id if role is Role.BUYER else order.supplier_id
        if accounts[subject, role].id != party:
            path = f"{record.path}{role.lower()}.subject"
            errors.append(invalid(path, InputProblem.OTHER, "The parties of an order cannot change."))
    return errors


async def _cancelled_here(orders: Sequence[Order]) -> set[UUID]:
    """Returns the ids of the orders that were cancelled by an action here. The order system cannot undo that."""
    if not orders:
        return set()
    statuses = (CancellationStatus.CANCELLED, CancellationStatus.ACCEPTED)
    cancellations = models.Cancellation.filter(order_id__in=[order.id for order in orders], closed_as__in=statuses)
    return set(await cancellations.values_list("order_id", flat=True))  # type: ignore[arg-type]


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
    claimable_before = order.most_claimable
    policy.fold(order, [event.facts for event in pending])
    claimable = Money(policy.claimable_amount(order), record.columns["currency"])
    if order.dispute_open_since is not None and claimable != claimable_before:
        pending.append(await _limit_dispute(order, claimable, context.now))
    await events.append(
        context,
        order,
        [*expired, *pending],
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


async def _limit_dispute(order: Order, claimable: Money, now: datetime) -> PendingEvent:
    """Sets on the order's open dispute what can be claimed now. Returns the event for it."""
    dispute = await models.Dispute.get(order_id=order.id, closed_at=None)
    facts = policy.claimable_facts(claimable.minor, claimable.currency_code)
    await models.Dispute.filter(id=dispute.id).update(**facts)
    return PendingEvent(at=now, case=(CaseKind.DISPUTE, dispute.id), case_facts=facts)


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
