"""Taking in what the order system knows: all of a batch or nothing, as events dated by the instants it names."""

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
from resolvers.write import events as history
from resolvers.write.events import PendingEvent
from resolvers.write.expiry import record_expirations

AT_ONCE = 500  # orders that are read and locked by one statement
INSTANTS = ("placed_at", "payment_submitted_at", "paid_at", "shipped_at", "completed_at", "cancelled_at")


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
    recorded_nanoseconds: int  # beyond the microseconds


@dataclass(slots=True)
class Stored:
    """What became of records: those that could not be taken, with why, and the numbers of those that are old news."""

    errors: list[UserError] = field(default_factory=list[UserError])
    refused: set[str] = field(default_factory=set[str])  # their paths
    ignored: list[str] = field(default_factory=list[str])

    def refuse(self, record: Checked, errors: list[UserError]) -> None:
        self.errors += errors
        self.refused.add(record.path)


async def store(
    context: Context,
    records: Sequence[Checked],
    seconds: float = TRANSACTION_SECONDS,
    *,
    skip_invalid: bool = False,
    shielded: bool = True,
) -> Stored:
    """Takes all the records or, where one cannot be, none, and says why. With `skip_invalid` it leaves those out."""

    async def work() -> Stored:
        stored = Stored()
        accounts = await _accounts(records)
        waiting: list[Checked] = sorted(records, key=_by_number_and_age)
        while waiting:
            # One record of each number at a time, always in order of number: two batches never wait for each other.
            firsts = {record.number: record for record in reversed(waiting)}
            batch = sorted(firsts.values(), key=lambda record: record.number)
            waiting = [record for record in waiting if firsts[record.number] is not record]
            for start in range(0, len(batch), AT_ONCE):
                part = batch[start : start + AT_ONCE]
                await _store(context, part, accounts, stored)
                if stored.errors and not skip_invalid:
                    raise ActionRefused(stored.errors)
        if ignored := set(stored.ignored):
            stored.ignored = [number for number in dict.fromkeys(r.number for r in records) if number in ignored]
        return stored

    for attempt in range(3):
        try:
            return await database.in_transaction(work, seconds, shielded=shielded)
        except ActionRefused as refused:
            return Stored(refused.errors)
        except (IntegrityError, database.Deadlock, _RecordedMeanwhile):
            # Somebody else recorded some of the same orders in between; they are old ones now.
            if attempt == 2:
                raise
    raise AssertionError


class _RecordedMeanwhile(Exception):
    """A twin has recorded some of the same orders since they were looked for."""


def _by_number_and_age(record: Checked) -> tuple[str, datetime, int]:
    return record.number, record.recorded_at, record.recorded_nanoseconds


Accounts = dict[tuple[str, Role], models.Account]


async def _accounts(records: Iterable[Checked]) -> Accounts:
    named = {(subject, role): name for record in records for role, (subject, name) in record.parties.items()}
    wanted = sorted(named)
    await account.insert([(subject, role, named[subject, role]) for subject, role in wanted])
    found: Accounts = {}
    for start in range(0, len(wanted), AT_ONCE):
        subjects = {subject for subject, _ in wanted[start : start + AT_ONCE]}
        await account.hold_names("subject", subjects)
        for each in await models.Account.filter(subject__in=subjects):
            found[each.subject, each.role] = each
    return found


async def _store(context: Context, records: Sequence[Checked], accounts: Accounts, stored: Stored) -> None:
    """Takes those of the records, each of another order, that can be; `stored` learns of the others."""
    numbers = [record.number for record in records]
    rows = await fetch(context, Select(Order, Where.among("number", numbers), order="number", lock=True))
    known = {row.number: row for row in rows}
    new = [record for record in records if record.number not in known]
    if new:
        others = await models.Order.filter(number__in=[record.number for record in new])
        if any(order.recorded_by_id == context.viewer.id for order in others):  # type: ignore[attr-defined]
            raise _RecordedMeanwhile
        if taken := {order.number for order in others}:
            message = "Another service has recorded an order with this number."
            for record in new:
                if record.number in taken:
                    stored.refuse(record, [invalid(f"{record.path}number", InputProblem.OTHER, message)])
            new = [record for record in new if record.number not in taken]
        if new:
            await _add(context, new, accounts)
    newer: list[tuple[Order, Checked]] = []
    finer = await _finer(known, records)
    for record in records:
        order = known.get(record.number)
        if order is None:
            continue
        if (record.recorded_at, record.recorded_nanoseconds) <= (order.recorded_at, finer.get(order.id, 0)):
            stored.ignored.append(record.number)
            continue
        if errors := _identity_errors(order, record, accounts):
            stored.refuse(record, errors)
        else:
            newer.append((order, record))
    kept = await _cancelled_here([order for order, _ in newer if order.cancelled_at is not None])
    for order, record in newer:
        await _replace(context, order, record, _search(record, accounts), order.id in kept)


async def _finer(known: dict[str, Order], records: Sequence[Checked]) -> dict[UUID, int]:
    """What the orders' recorded_at have beyond their microseconds, of those for which that decides."""
    alike = [known[r.number].id for r in records if r.number in known and known[r.number].recorded_at == r.recorded_at]
    if not alike:
        return {}
    found = models.Order.filter(id__in=alike).exclude(recorded_nanoseconds=0)
    return dict(await found.values_list("id", "recorded_nanoseconds"))  # type: ignore[arg-type]


def _search(record: Checked, accounts: Accounts) -> str:
    """By the names that are shown, which the parties may have changed since."""
    names = {role: accounts[subject, role].name for role, (subject, _) in record.parties.items()}
    titles = (title for title, *_ in record.columns["items"])
    return order_search(record.number, names[Role.BUYER], names[Role.SUPPLIER], titles)


async def _add(context: Context, records: Sequence[Checked], accounts: Accounts) -> None:
    orders: list[models.Order] = []
    events: list[dict[str, Any]] = []
    known_at = context.known_at()
    for record in records:
        id = new_id()
        changes = _changes({}, record)
        facts = {name: value for change in changes for name, value in change.facts.items()}
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
                search=_search(record, accounts),
                **record.columns,
                **facts,
            )
        )
        events += history.event_rows(id, known_at, changes)
    await models.Order.bulk_create(orders)
    await models.Event.bulk_create(models.Event(**columns) for columns in events)


def _identity_errors(order: Order, record: Checked, accounts: Accounts) -> list[UserError]:
    """Reports where a record has another kind or other parties than its order, which never change."""
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
    """Those that were cancelled by an action here, which the order system cannot take back."""
    if not orders:
        return set()
    ways = (CancellationStatus.CANCELLED, CancellationStatus.ACCEPTED)
    found = models.Cancellation.filter(order_id__in=[order.id for order in orders], closed_as__in=ways)
    return set(await found.values_list("order_id", flat=True))  # type: ignore[arg-type]


async def _replace(context: Context, order: Order, record: Checked, search: str, cancelled_here: bool) -> None:
    kept: dict[str, Any] = {"cancelled_at": order.cancelled_at} if cancelled_here else {}
    kept["payment_reversed_at"] = _reversed_at(order, record)
    if record.facts["paid_at"] and record.facts["payment_submitted_at"] is None:
        # A payment that was received did not fail, only because nobody mentions any more that it was on its way.
        kept["payment_submitted_at"] = order.payment_submitted_at
    record = replace(record, facts=record.facts | kept)
    settled = await record_expirations(context, order)
    changes = _changes({name: getattr(order, name) for name in record.facts}, record)
    items = [list(item) for item in record.columns["items"]]
    if not changes and (order.items, order.currency) != (items, record.columns["currency"]):
        changes.append(PendingEvent(at=record.recorded_at))
    overtaken = any(record.facts[name] for name in ("shipped_at", "completed_at", "cancelled_at"))
    if order.cancellation_pending_since is not None and overtaken:
        changes.append(await _supersede(order, context.now))
    before = order.most_claimable
    policy.fold(order, [change.facts for change in changes])
    most = Money(policy.claimable_amount(order), record.columns["currency"])
    if order.dispute_open_since is not None and most != before:
        changes.append(await _limit_dispute(order, most, context.now))
    await history.append(
        context,
        order,
        [*settled, *changes],
        recorded_at=record.recorded_at,
        recorded_nanoseconds=record.recorded_nanoseconds,
        search=search,
        **record.columns,
    )


def _reversed_at(order: Order, record: Checked) -> datetime | None:
    """When the order system told that a payment which was received had been taken back; None while it has not been, and
    once another one was received."""
    if record.facts["paid_at"] is not None:
        return None
    return order.payment_reversed_at if order.paid_at is None else record.recorded_at


def _changes(old: dict[str, Any], record: Checked) -> list[PendingEvent]:
    """What the record says anew, as one change for each instant it names, dated by it; what it takes back, and new
    amounts, dated by the record."""
    new = {name: value for name, value in record.facts.items() if old.get(name) != value}
    if not old:
        new["amount_paid"] = record.facts["amount_paid"]
    changes: dict[str, PendingEvent] = {}
    for name in INSTANTS:
        if name in new:
            changes[name] = PendingEvent(at=new[name] or record.recorded_at, facts={name: new[name]})
    for name, along_with in (("total", "placed_at"), ("amount_paid", "paid_at"), ("payment_reversed_at", "paid_at")):
        if name in new:
            carrier = changes.get(along_with) or changes.get("placed_at")
            if carrier is None:
                carrier = changes.setdefault("amounts", PendingEvent(at=record.recorded_at))
            carrier.facts[name] = new[name]
    return sorted(changes.values(), key=lambda change: change.at)


async def _limit_dispute(order: Order, most: Money, now: datetime) -> PendingEvent:
    """What the order's open dispute can end with has changed."""
    open_one = await models.Dispute.get(order_id=order.id, closed_at=None)
    facts = policy.claimable_facts(most.minor, most.currency_code)
    await models.Dispute.filter(id=open_one.id).update(**facts)
    return PendingEvent(at=now, case=(CaseKind.DISPUTE, open_one.id), case_facts=facts)


async def _supersede(order: Order, now: datetime) -> PendingEvent:
    pending = await models.Cancellation.get(order_id=order.id, closed_at=None)
    facts: dict[str, Any] = {"closed_at": now, "closed_as": CancellationStatus.SUPERSEDED}
    await models.Cancellation.filter(id=pending.id).update(**facts)
    return PendingEvent(
        at=now,
        facts={"cancellation_pending_since": None},
        case=(CaseKind.CANCELLATION, pending.id),
        case_facts=facts,
    )
