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
from typing import Any
from uuid import UUID

from tortoise.exceptions import IntegrityError

import models
from execution.lookahead import Selection
from models import database
from models.enums import CaseKind, InputProblem, Reason, RefundStatus, Role
from models.keys import new_id
from resolvers import policy
from resolvers.context import Context, Info
from resolvers.errors import ActionRefused, UserError, invalid
from resolvers.instant import nanoseconds_of
from resolvers.money import Money
from resolvers.orders.order import Order
from resolvers.orders.record import MAX_AHEAD
from resolvers.policy import NEVER_DUE, Balance
from resolvers.policy.messages import MESSAGES
from resolvers.read.fetch import fetch, read
from resolvers.read.scopes import Unscoped
from resolvers.read.select import Select
from resolvers.read.sql import Where
from resolvers.refunds.refund import Refund
from resolvers.write import events
from resolvers.write.checks import Checks
from resolvers.write.events import PendingEvent
from resolvers.write.expiry import record_expirations
from resolvers.write.inputs import Input, MoneyInput, input_field, input_type
from resolvers.write.refunds import KnownRefund, balances, follow_refunds, known_refunds, owner_columns
from resolvers.write.sql import Write, insert, send, update

MAX_REFUNDS = 500
TOLD = (RefundStatus.SENT, RefundStatus.SUCCEEDED, RefundStatus.FAILED)


@input_type("What the order system knows about a refund at an instant.")
class RefundRecordInput(Input):
    order_number: str = input_field("The number of the order.", max_length=64, one_line=True)
    case_number: str | None = input_field(
        "The number of the cancellation or dispute that it settles. If left out, it is the order system's own refund.",
        max_length=32,
        one_line=True,
    )
    amount: MoneyInput = input_field(
        "The amount. At most what is owed for the case; of less, the rest stays owed. Without a case, at most what was "
        "paid and is not refunded or owed."
    )
    status: RefundStatus = input_field("SENT, SUCCEEDED or FAILED.")
    reference: str = input_field(
        "The order system's own name of the refund, unique among the caller's.", max_length=100, one_line=True
    )
    recorded_at: datetime = input_field(
        "When the order system knew this, to the nanosecond. A newer record of the reference replaces an older one; an "
        "equal or older one is ignored."
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
        return RecordRefundsPayload(refunds=None, user_errors=[UserError(reason, MESSAGES[reason])])
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
        message = "The order system tells SENT, SUCCEEDED or FAILED; the others follow from what is owed."
        checks.problem(f"{path}status", InputProblem.WRONG_FORM, message)
    if record.recorded_at > now + MAX_AHEAD:
        message = "This is more than one day in the future; send the time at which the order system knew this."
        checks.problem(f"{path}recordedAt", InputProblem.OUT_OF_RANGE, message)
    return None if amount is None else _Record(path, record, amount)


@dataclass(slots=True)
class _Batch:
    """The records of one request, in one transaction. Orders are locked in order of number."""

    context: Context
    records: Sequence[_Record]
    errors: list[UserError] = field(default_factory=list[UserError])
    keys: dict[str, UUID] = field(default_factory=dict[str, UUID])  # of the refunds, by reference

    async def store(self) -> list[UUID]:
        """Returns the ids of the refunds, in the order of the records. Raises ActionRefused where one is not valid."""
        numbers = {record.input.order_number for record in self.records}
        orders = await fetch(self.context, Select(Order, Where.among("number", numbers), order="number", lock=True))
        by_number = {order.number: order for order in orders}
        cases = await self._cases()
        known = await self._known()
        for record in sorted(self.records, key=lambda record: (record.input.order_number, record.age)):
            refund = known.get(record.input.reference)
            if refund is not None and record.age <= (refund.recorded_at, refund.recorded_nanoseconds):  # type: ignore[operator]
                self.keys[record.input.reference] = refund.id
                continue
            order = by_number.get(record.input.order_number)
            if order is None:
                self._refuse(record, "orderNumber", "You have recorded no order with this number.")
            else:
                stored = await self._store(order, record, cases.get(record.input.case_number or ""), refund)
                if stored is not None:
                    known[record.input.reference] = stored
                    self.keys[record.input.reference] = stored.id
        if self.errors:
            self.errors.sort(key=lambda error: int((error.field or ["refunds", "0"])[1]))  # as in the input
            raise ActionRefused(self.errors)
        return [self.keys[record.input.reference] for record in self.records]

    def _refuse(self, record: _Record, name: str, message: str, problem: InputProblem = InputProblem.OTHER) -> None:
        self.errors.append(invalid(f"{record.path}{name}", problem, message))

    async def _cases(self) -> dict[str, tuple[CaseKind, UUID, UUID]]:
        """Returns kind, id and order of the cases that the records name, by number."""
        numbers = {record.input.case_number for record in self.records if record.input.case_number is not None}
        cases: dict[str, tuple[CaseKind, UUID, UUID]] = {}
        if numbers:
            for kind, model in ((CaseKind.CANCELLATION, models.Cancellation), (CaseKind.DISPUTE, models.Dispute)):
                for number, id, order_id in await model.filter(number__in=numbers).values_list(
                    "number", "id", "order_id"
                ):
                    cases[number] = (kind, id, order_id)
        return cases

    async def _known(self) -> dict[str, KnownRefund]:
        """Returns the caller's refunds with these references."""
        references = {record.input.reference for record in self.records}
        where = Where("recorded_by_id = {}", self.context.viewer.id) & Where.among("reference", references)
        refunds = await fetch(self.context, Select(KnownRefund, where, visibility=_CALLERS_OWN))
        return {refund.reference: refund for refund in refunds if refund.reference is not None}

    async def _store(
        self, order: Order, record: _Record, case: tuple[CaseKind, UUID, UUID] | None, known: KnownRefund | None
    ) -> KnownRefund | None:
        """Stores a record that is newer than what is known of its reference; None where it is refused."""
        told, context = record.input, self.context
        if known is not None and known.order_id != order.id:
            self._refuse(record, "orderNumber", "This reference belongs to another order.")
            return None
        if told.case_number is not None and (case is None or case[2] != order.id):
            self._refuse(record, "caseNumber", "The order has no cancellation or dispute with this number.")
            return None
        if known is not None and known.case_id != (case[1] if case else None):
            self._refuse(record, "caseNumber", "This reference belongs to another case, or to none.")
            return None
        if told.amount.currency_code != order.currency:
            self._refuse(
                record, "amount.currencyCode", f"The currency must be {order.currency}.", InputProblem.WRONG_FORM
            )
            return None
        expired = await record_expirations(context, order)
        refunds = await known_refunds(context, order.id)
        known = next((refund for refund in refunds if known is not None and refund.id == known.id), None)
        owed_by = {balance.debt.case_id: balance for balance in await balances(context, order, refunds)}
        balance = owed_by.get(case[1]) if case else None
        limit = _limit(order, balance, case is not None, known, told.status)
        if record.amount > limit:
            self._refuse(record, "amount.amount", _too_much(limit, order, case is not None), InputProblem.OUT_OF_RANGE)
            return None
        write, id = await self._write(order, record, case, known, refunds, balance)
        await send(write)
        case_of_event = (case[0], case[1]) if case else None
        event = PendingEvent(
            at=told.recorded_at, case=case_of_event, case_facts={} if case else None, refund=(id, told.status)
        )
        consequences, writes = await follow_refunds(context, order, event)
        await events.append(context, order, [*expired, *consequences, event], writes)
        [stored] = (refund for refund in await known_refunds(context, order.id) if refund.id == id)
        return stored

    async def _write(
        self,
        order: Order,
        record: _Record,
        case: tuple[CaseKind, UUID, UUID] | None,
        known: KnownRefund | None,
        refunds: Sequence[KnownRefund],
        balance: Balance | None,
    ) -> tuple[Write, UUID]:
        """Returns the write for the refund of this reference, and its id. The rest of its debt is not written here."""
        told = record.input
        columns: dict[str, Any] = {
            "amount": record.amount,
            "status": told.status,
            "reference": told.reference,
            "recorded_at": told.recorded_at,
            "recorded_nanoseconds": told.recorded_nanoseconds,
            "settled_at": told.recorded_at if told.status is RefundStatus.SUCCEEDED else None,
            "outstanding": record.amount if told.status is RefundStatus.SENT else None,
        }
        due = next((r for r in refunds if case and r.case_id == case[1] and r.status is RefundStatus.DUE), None)
        if known is None and due is not None and due.amount == record.amount:
            known = due  # paid whole, it keeps its id
        if known is not None:
            return update(models.Refund, {"id": known.id}, columns), known.id
        id = new_id()
        owed_since = balance.debt.owed_since if balance is not None else None
        position = {
            "since": owed_since or self.context.now,
            "owed_since": owed_since,
            "due_at": policy.due_by(owed_since) or NEVER_DUE,
            "case_kind": case[0] if case else None,
            "case_id": case[1] if case else None,
            "currency": order.currency,
        }
        return insert(models.Refund, [{"id": id, **await owner_columns(order.id), **position, **columns}]), id


_CALLERS_OWN = Unscoped("The condition names the caller as the order system of the refund's order.")


def _limit(
    order: Order, balance: Balance | None, is_of_case: bool, known: KnownRefund | None, status: RefundStatus
) -> int:
    """Returns the largest amount that the record can have, in minor units."""
    if is_of_case:
        is_owed = balance is not None and balance.debt.hidden_until is None
        limit = balance.open if balance is not None and is_owed else 0
    else:
        limit = order.amount_paid - order.amount_refunded - order.amount_sent - order.amount_owed
    if known is not None and (known.status in policy.PAID_BACK or status is RefundStatus.FAILED):
        # What it counted as before is free again. One that failed settles nothing, so it takes nothing from others.
        limit = limit + known.amount if known.status in policy.PAID_BACK else max(limit, known.amount)
    return limit


def _too_much(limit: int, order: Order, is_of_case: bool) -> str:
    most = f"{Money(limit, order.currency).amount} {order.currency}"
    if is_of_case:
        return f"At most {most} is owed for this case." if limit > 0 else "Nothing is owed for this case."
    return f"At most {most} of what was paid is not refunded or owed."
