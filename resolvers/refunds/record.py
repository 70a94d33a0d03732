"""The `recordRefunds` mutation: what the order system tells about refunds, all of it or nothing.

A record with a case number pays what that case owes. A dispute owes 100, and the order system tells a payment of 40:

    refunds before    100 DUE
    UPDATE refunds SET amount = 60 …            what is left keeps its id
    INSERT INTO refunds … 40 SUCCEEDED          the part
    UPDATE orders SET amount_refunded = 40, amount_owed = 60 …

A record without one is the order system's own refund.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from tortoise.exceptions import IntegrityError

import models
from execution.lookahead import Selection
from models import database
from models.enums import CaseKind, InputProblem, Reason, RefundStatus, Role
from resolvers import policy
from resolvers.context import Context, Info
from resolvers.errors import ActionRefused, UserError, invalid
from resolvers.instant import nanoseconds_of
from resolvers.language import gettext
from resolvers.money import Money
from resolvers.orders.order import Order
from resolvers.policy import Balance
from resolvers.policy.messages import MESSAGES
from resolvers.read.fetch import fetch, read
from resolvers.read.scopes import Unscoped
from resolvers.read.select import Select
from resolvers.read.sql import Where
from resolvers.refunds.refund import Refund
from resolvers.write import events
from resolvers.write.checks import Checks
from resolvers.write.events import LockedOrder, PendingEvent
from resolvers.write.expiry import record_expirations
from resolvers.write.inputs import Input, MoneyInput, input_field, input_type
from resolvers.write.refunds import KnownRefund, Ledger, read_ledgers, refund_writes

MAX_REFUNDS = 500
TOLD = (RefundStatus.SENT, RefundStatus.SUCCEEDED, RefundStatus.FAILED)


@input_type("What the order system knows about a refund at an instant.")
class RefundRecordInput(Input):
    order_number: str = input_field(
        "The number of the order. It never changes for a reference.", max_length=64, one_line=True
    )
    case_number: str | None = input_field(
        "The number of the cancellation or dispute that owes it. If left out, it is the order system's own refund. It "
        "never changes for a reference.",
        max_length=32,
        one_line=True,
    )
    amount: MoneyInput = input_field(
        "The amount, in the order's currency. At most what the case owes; if it is less, the rest stays owed. Without "
        "a case, at most what was paid and is not refunded or owed."
    )
    status: RefundStatus = input_field(
        "SENT, SUCCEEDED or FAILED. After FAILED the amount is owed again, and any reference may pay it."
    )
    reference: str = input_field(
        "The order system's own name of the refund, unique among the caller's.", max_length=100, one_line=True
    )
    recorded_at: datetime = input_field(
        "When the order system knew this, to the nanosecond. A newer record of the reference replaces an older one; an "
        "equal or older one is ignored; one that is more than one day in the future is refused."
    )

    def __post_init__(self) -> None:
        self.recorded_nanoseconds = nanoseconds_of(self.recorded_at)
        super().__post_init__()


@input_type("Refunds to record: all or none.")
class RecordRefunds(Input):
    refunds: list[RefundRecordInput] = input_field("The records.", max_items=MAX_REFUNDS, items="refunds")


@dataclass(slots=True, kw_only=True)
class RecordRefundsPayload:
    refunds: list[Refund] | None
    user_errors: list[UserError]


@dataclass(frozen=True, slots=True)
class _Record:
    """A record whose form is valid. `path` is its place in the input."""

    path: str
    input: RefundRecordInput
    amount: int

    @property
    def age(self) -> tuple[datetime, int]:
        return self.input.recorded_at, self.input.recorded_nanoseconds


async def record_refunds(info: Info, input: RecordRefunds) -> RecordRefundsPayload:
    context = info.context
    if context.viewer.role is not Role.SERVICE:
        reason = Reason.NOT_YOUR_ROLE
        return RecordRefundsPayload(refunds=None, user_errors=[UserError(reason, gettext(MESSAGES[reason]))])
    batch = Checks(input)
    records = [_check(batch, record, path, context.now) for record, path in batch.entries("refunds")]
    if batch.errors:
        return RecordRefundsPayload(refunds=None, user_errors=batch.errors)

    async def transaction() -> list[UUID]:
        return await _Batch(context, [record for record in records if record is not None]).store()

    try:
        keys = await _store(transaction)
    except ActionRefused as refusal:
        return RecordRefundsPayload(refunds=None, user_errors=refusal.errors)
    selection = Selection.of(info).field("refunds")
    rows = await read(context, Select(Refund, Where.among("id", set(keys))), selection)
    by_key = {row.id: row for row in rows}
    return RecordRefundsPayload(refunds=[by_key[key] for key in keys], user_errors=[])


async def _store(transaction: Callable[[], Awaitable[list[UUID]]]) -> list[UUID]:
    """Runs the transaction, again where another request has recorded one of the references in the meantime."""
    for _ in range(2):
        with contextlib.suppress(IntegrityError, database.Deadlock):
            return await database.in_transaction(transaction)
    return await database.in_transaction(transaction)


def _check(checks: Checks, record: RefundRecordInput, path: str, now: datetime) -> _Record | None:
    """Adds the problems of the record's form to `checks`."""
    amount = checks.money(f"{path}amount", record.amount)
    if record.status not in TOLD:
        message = gettext("Use SENT, SUCCEEDED or FAILED. DUE and VOID follow from what is owed; nobody records them.")
        checks.problem(f"{path}status", InputProblem.WRONG_FORM, message)
    checks.not_ahead(f"{path}recordedAt", record.recorded_at, now)
    return None if amount is None else _Record(path, record, amount)


@dataclass(frozen=True, slots=True)
class _Latest:
    """What is known of a reference: which refund it is, and how old its newest record is."""

    id: UUID
    order_id: UUID
    case_id: UUID | None
    age: tuple[datetime, int]


_Case = tuple[CaseKind, UUID]


@dataclass(slots=True)
class _Batch:
    """The records of one request, in one transaction. Orders are locked in order of number."""

    context: Context
    records: Sequence[_Record]
    errors: list[UserError] = field(default_factory=list[UserError])
    latest: dict[str, _Latest] = field(default_factory=dict[str, _Latest])  # by reference
    cases: dict[str, tuple[_Case, UUID]] = field(default_factory=dict[str, tuple[_Case, UUID]])  # and orders, by number

    async def store(self) -> list[UUID]:
        """Returns the ids of the refunds, in the order of the records. Raises ActionRefused where one is not valid."""
        context = self.context
        numbers = {record.input.order_number for record in self.records}
        orders = await fetch(context, Select(Order, Where.among("number", numbers), order="number", lock=True))
        await self._read_latest()
        await self._read_cases()
        newer = [record for record in self.records if self._is_newer(record)]
        changing = {record.input.order_number for record in newer}
        orders = [order for order in orders if order.number in changing]
        pending = {order.id: await record_expirations(context, order) for order in orders}
        ledgers = await read_ledgers(context, orders)
        by_number = {order.number: ledgers[order.id] for order in orders}
        for record in sorted(newer, key=lambda record: record.age):
            if not self._is_newer(record):  # than another record of the same batch
                continue
            ledger = by_number.get(record.input.order_number)
            if ledger is None:
                self._refuse(record, "orderNumber", "You have recorded no order with this number.")
            elif self._fits(ledger, record):
                pending[ledger.order.id] += self._store(ledger, record)
        if self.errors:
            self.errors.sort(key=lambda error: int((error.field or ["refunds", "0"])[1]))  # as in the input
            raise ActionRefused(self.errors)
        writes = await refund_writes(ledgers.values())
        for order in orders:
            await events.append(context, order, pending[order.id], writes[order.id])
        return [self.latest[record.input.reference].id for record in self.records]

    def _refuse(self, record: _Record, name: str, message: str, problem: InputProblem = InputProblem.OTHER) -> None:
        self.errors.append(invalid(f"{record.path}{name}", problem, message))

    def _is_newer(self, record: _Record) -> bool:
        latest = self.latest.get(record.input.reference)
        return latest is None or record.age > latest.age

    def _case_of(self, record: _Record) -> tuple[_Case, UUID] | None:
        number = record.input.case_number
        return None if number is None else self.cases.get(number)

    async def _read_latest(self) -> None:
        """Reads the caller's refunds with these references."""
        references = {record.input.reference for record in self.records}
        where = Where("recorded_by_id = {}", self.context.viewer.id) & Where.among("reference", references)
        for refund in await fetch(self.context, Select(KnownRefund, where, visibility=_CALLERS_OWN)):
            assert refund.reference is not None
            assert refund.recorded_at is not None
            age = (refund.recorded_at, refund.recorded_nanoseconds)
            self.latest[refund.reference] = _Latest(refund.id, refund.order_id, refund.case_id, age)

    async def _read_cases(self) -> None:
        """Reads the cases that the records name."""
        numbers = {record.input.case_number for record in self.records if record.input.case_number is not None}
        if not numbers:
            return
        for kind, model in ((CaseKind.CANCELLATION, models.Cancellation), (CaseKind.DISPUTE, models.Dispute)):
            rows = await model.filter(number__in=numbers).values_list("number", "id", "order_id")
            self.cases |= {number: ((kind, id), order_id) for number, id, order_id in rows}

    def _fits(self, ledger: Ledger, record: _Record) -> bool:
        """Returns whether order, case and currency of the record are right. Refuses it where they are not."""
        told, order, case = record.input, ledger.order, self._case_of(record)
        latest = self.latest.get(told.reference)
        if latest is not None and latest.order_id != order.id:
            self._refuse(record, "orderNumber", "This reference belongs to another order.")
        elif told.case_number is not None and (case is None or case[1] != order.id):
            self._refuse(record, "caseNumber", "The order has no cancellation or dispute with this number.")
        elif latest is not None and latest.case_id != (case[0][1] if case else None):
            self._refuse(record, "caseNumber", "This reference belongs to another case, or to none.")
        elif told.amount.currency_code != order.currency:
            message = gettext("The currency must be {currency}.", currency=order.currency)
            self._refuse(record, "amount.currencyCode", message, InputProblem.WRONG_FORM)
        else:
            return True
        return False

    def _store(self, ledger: Ledger, record: _Record) -> list[PendingEvent]:
        """Stores a record in the ledger. Returns the events, none where its amount is refused."""
        told, found = record.input, self._case_of(record)
        case = found[0] if found else None
        latest = self.latest.get(told.reference)
        refund = next((refund for refund in ledger.refunds if latest is not None and refund.id == latest.id), None)
        balance = next((b for b in ledger.balances() if case and b.debt.case_id == case[1]), None)
        limit = _limit(ledger, balance, case is not None, refund, told.status)
        if record.amount > limit:
            message = _too_much(limit, ledger.order, case is not None)
            self._refuse(record, "amount.amount", message, InputProblem.OUT_OF_RANGE)
            return []
        if refund is None and case is not None:
            # Where a debt is paid whole, the refund that is due keeps its id.
            due = (r for r in ledger.refunds if r.case_id == case[1] and r.status is RefundStatus.DUE)
            refund = next((due_refund for due_refund in due if due_refund.amount == record.amount), None)
        if refund is None:
            refund = ledger.new_refund(*(case or (None, None)))
            refund.since = self.context.now  # of one that no case owes
        refund.amount, refund.status = record.amount, told.status
        refund.reference, (refund.recorded_at, refund.recorded_nanoseconds) = told.reference, record.age
        refund.settled_at = told.recorded_at if told.status is RefundStatus.SUCCEEDED else None
        self.latest[told.reference] = _Latest(refund.id, ledger.order.id, refund.case_id, record.age)
        event = PendingEvent(
            at=told.recorded_at, case=case, case_facts={} if case else None, refund=(refund.id, told.status)
        )
        return [*ledger.follow([event]), event]


_CALLERS_OWN = Unscoped("The condition names the caller as the order system of the refund's order.")


def _limit(
    ledger: Ledger, balance: Balance | None, is_of_case: bool, known: KnownRefund | None, status: RefundStatus
) -> int:
    """Returns the largest amount that the record can have, in minor units."""
    if is_of_case:
        limit = balance.open if balance is not None and balance.debt.is_owed else 0
    else:
        order = ledger.order
        limit = order.amount_paid - order.amount_refunded - order.amount_sent - order.amount_owed
    if known is None:
        return limit
    if known.status in policy.PAID_BACK:
        return limit + known.amount  # what it counted as before is free again
    # One that failed settles nothing, so it takes nothing from others.
    return max(limit, known.amount) if status is RefundStatus.FAILED else limit


def _too_much(limit: int, order: LockedOrder, is_of_case: bool) -> str:
    most = Money(limit, order.currency)
    if not is_of_case:
        return gettext("At most {most} of what was paid is not refunded or owed.", most=most)
    if limit > 0:
        return gettext("At most {most} is owed for this case.", most=most)
    return gettext("Nothing is owed for this case.")
