"""Refunds follow: after each change that touches money, what an order owes is derived anew from its cases.

A `Ledger` holds the outcomes, the cancellation and the refunds of a locked order. `follow` asks the policy what is owed
(`settle` in resolvers.policy.refund) and makes the refunds agree with it; `writes` are what differs from the database.
Nothing else changes what is owed. For example, an order of 100 is paid, and a dispute was settled with 60. When the
order is cancelled:

    debts       dispute 60, cancellation: the rest
    refunds     60 DUE for the dispute
    written     INSERT INTO refunds … 40 DUE for the cancellation
    facts       {"amount_owed": 100, "refund_due_at": …, "refund_reportable_at": …} of the order
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import models
from models.enums import (
    CancellationStatus,
    CaseKind,
    DisputeReason,
    OrderKind,
    RefundStatus,
    ResolutionKind,
    ReturnStatus,
)
from models.keys import new_id
from resolvers import policy
from resolvers.context import Context
from resolvers.policy import NEVER_DUE, Balance, Debt, DisputeFacts, RefundFacts
from resolvers.read.fetch import fetch
from resolvers.read.rows import Row
from resolvers.read.scopes import Unscoped
from resolvers.read.select import Select
from resolvers.read.sql import Where
from resolvers.write.events import LockedOrder, PendingEvent
from resolvers.write.sql import Write, insert, update


@dataclass(slots=True, kw_only=True)
class KnownRefund(RefundFacts, Row):
    """A refund of a locked order."""

    MODEL = models.Refund

    context: Context = field(repr=False)
    id: UUID
    order_id: UUID
    case_kind: CaseKind | None = None
    case_id: UUID | None = None
    currency: str
    since: datetime = NEVER_DUE
    due_at: datetime = NEVER_DUE
    reference: str | None = None
    recorded_at: datetime | None = None
    recorded_nanoseconds: int = 0
    settled_at: datetime | None = None

    @property
    def is_shown(self) -> bool:
        return policy.REFUND_SHOWN.holds(self, self.context.viewer.role, self.context.now)


_NAMING = ("id", "order_id", "case_kind", "case_id", "currency")  # columns that never change
_CHANGING = (
    "amount",
    "outstanding",
    "status",
    "since",
    "owed_since",
    "due_at",
    "hidden_until",
    "reference",
    "recorded_at",
    "recorded_nanoseconds",
    "settled_at",
    "reported_missing_at",
)


@dataclass(slots=True, kw_only=True)
class _OwingDispute(DisputeFacts, Row):
    MODEL = models.Dispute

    context: Context
    id: UUID
    order_id: UUID
    reason: DisputeReason
    outcome_resolution: ResolutionKind | None
    outcome_amount: int | None
    outcome_currency: str | None


_OF_A_VISIBLE_ORDER = Unscoped("The viewer may see the order, which is locked.")
_STANDING = (CancellationStatus.CANCELLED, CancellationStatus.ACCEPTED)


async def known_refunds(context: Context, orders: Iterable[LockedOrder]) -> list[KnownRefund]:
    """Returns the refunds of locked orders, oldest first, also the hidden ones."""
    where = Where.among("order_id", [order.id for order in orders])
    return await fetch(context, Select(KnownRefund, where, order="since, id", visibility=_OF_A_VISIBLE_ORDER))


async def read_ledgers(context: Context, orders: Sequence[LockedOrder]) -> dict[UUID, Ledger]:
    """Returns the ledgers of locked orders by the orders' ids."""
    ledgers = {order.id: Ledger(context, order) for order in orders}
    where = Where.among("order_id", ledgers) & Where("closed_at IS NULL OR outcome_resolution IS NOT NULL")
    select = Select(_OwingDispute, where, order="opened_at, id", visibility=_OF_A_VISIBLE_ORDER)
    for dispute in await fetch(context, select):
        ledgers[dispute.order_id].disputes.append(dispute)
    for refund in await known_refunds(context, orders):
        ledgers[refund.order_id].add(refund)
    if cancelled := [order.id for order in orders if order.cancelled_at is not None]:
        standing = models.Cancellation.filter(order_id__in=cancelled, closed_as__in=_STANDING)
        for order_id, id in await standing.order_by("opened_at", "id").values_list("order_id", "id"):
            ledgers[order_id].cancellation_id = id
    return ledgers


async def refund_writes(ledgers: Iterable[Ledger]) -> dict[UUID, list[Write]]:
    """Returns the writes of each ledger by the id of its order."""
    ledgers = list(ledgers)
    owners: dict[UUID, dict[str, Any]] = {}
    if inserting := [ledger.order.id for ledger in ledgers if ledger.has_new_refunds]:
        columns = ("buyer_id", "supplier_id", "recorded_by_id")
        for id, *values in await models.Order.filter(id__in=inserting).values_list("id", *columns):
            owners[id] = dict(zip(columns, values, strict=True))
    return {ledger.order.id: ledger.writes(owners.get(ledger.order.id, {})) for ledger in ledgers}


async def follow_refunds(
    context: Context, order: LockedOrder, events: Sequence[PendingEvent]
) -> tuple[list[PendingEvent], list[Write]]:
    """Returns the events of other cases and the writes that follow from what is stored about the locked order.

    The facts of `events` must be set on the order. The order's facts about refunds are added to those of the last.
    """
    [ledger] = (await read_ledgers(context, [order])).values()
    consequences = ledger.follow(events)
    [writes] = (await refund_writes([ledger])).values()
    return consequences, writes


class Ledger:
    """What one locked order owes and has paid back. `refunds` are the oldest first."""

    def __init__(self, context: Context, order: LockedOrder) -> None:
        self.context = context
        self.order = order
        self.disputes: list[_OwingDispute] = []
        self.cancellation_id: UUID | None = None
        self.refunds: list[KnownRefund] = []
        self._stored: dict[UUID, dict[str, Any]] = {}  # columns of the refunds that the database has
        self._case_facts: dict[UUID, dict[str, Any]] = {}  # to write, by dispute

    def add(self, refund: KnownRefund) -> None:
        """Adds a refund that the database has."""
        self.refunds.append(refund)
        self._stored[refund.id] = _columns(refund, _CHANGING)

    def new_refund(self, case_kind: CaseKind | None, case_id: UUID | None) -> KnownRefund:
        """Returns a new refund of the order, which the caller fills."""
        order, status = self.order, RefundStatus.DUE
        refund = KnownRefund(
            context=self.context,
            id=new_id(),
            order_id=order.id,
            currency=order.currency,
            case_kind=case_kind,
            case_id=case_id,
            status=status,
            amount=0,
        )
        self.refunds.append(refund)
        return refund

    @property
    def has_new_refunds(self) -> bool:
        return len(self.refunds) > len(self._stored)

    def balances(self) -> list[Balance]:
        """Returns what each debt owes."""
        return policy.settle(self.order.amount_paid, self._debts(self.disputes), self.refunds)

    def claimable_without(self, dispute_id: UUID, reason: DisputeReason) -> int:
        """Returns the largest amount that could be claimed if this dispute's outcome did not stand."""
        others = [dispute for dispute in self.disputes if dispute.id != dispute_id]
        order: Any = copy(self.order)
        order.amount_owed = sum(b.open for b in policy.settle(order.amount_paid, self._debts(others), self.refunds))
        return policy.claimable_amount(order, reason)

    def follow(self, events: Sequence[PendingEvent]) -> list[PendingEvent]:
        """Makes the refunds agree with what is owed. Adds the order's facts about refunds to those of the last event.
        Returns the events of other cases."""
        *_, last = events
        balances = self.balances()
        changed = self._settle(balances)
        facts = policy.refund_facts(balances, self.refunds)
        facts = {name: value for name, value in facts.items() if getattr(self.order, name) != value}
        last.facts.update(facts)
        policy.fold(self.order, [facts])
        own = {event.case: event for event in events if event.case is not None}
        at = min(last.at, self.context.now)
        consequences: list[PendingEvent] = []
        for dispute in self.disputes:
            case_facts = self._follow_dispute(dispute)
            if not case_facts:
                continue
            policy.fold(dispute, [case_facts])
            self._case_facts[dispute.id] = self._case_facts.get(dispute.id, {}) | case_facts
            case = (CaseKind.DISPUTE, dispute.id)
            if case in own:
                own[case].case_facts = (own[case].case_facts or {}) | case_facts
            else:
                consequences.append(PendingEvent(at=at, case=case, case_facts=case_facts))
        for refund in changed:
            assert refund.case_kind is not None
            assert refund.case_id is not None
            case = (refund.case_kind, refund.case_id)
            if case not in own:
                told = (refund.id, refund.status)
                consequences.append(PendingEvent(at=at, case=case, case_facts={}, refund=told))
        return consequences

    def writes(self, owner: dict[str, Any]) -> list[Write]:
        """Returns the writes that store the refunds and the facts of disputes. `owner` are the columns of a new refund
        that are its order's."""
        writes: list[Write] = []
        if rows := self.new_rows(owner):
            writes.append(insert(models.Refund, rows))
        for refund in self.refunds:
            stored = self._stored.get(refund.id)
            if stored is None:
                continue
            columns = {name: value for name, value in _columns(refund, _CHANGING).items() if stored[name] != value}
            if columns:
                writes.append(update(models.Refund, {"id": refund.id}, columns))
        writes += [update(models.Dispute, {"id": id}, facts) for id, facts in self._case_facts.items()]
        return writes

    def new_rows(self, owner: dict[str, Any]) -> list[dict[str, Any]]:
        """Returns the columns of the refunds that the database does not have."""
        new = (refund for refund in self.refunds if refund.id not in self._stored)
        return [owner | _columns(refund, (*_NAMING, *_CHANGING)) for refund in new]

    def _debts(self, disputes: Sequence[_OwingDispute]) -> list[Debt]:
        """Returns the debts, oldest first. A cancellation owes what is left, so it is the last. An order of which
        nothing is known to be paid owes nothing."""
        order = self.order
        if order.paid_at is None or order.kind is OrderKind.OFFLINE:
            return []
        ended = sorted((d for d in disputes if d.closed_at is not None), key=lambda d: (d.closed_at, d.id))
        debts = [debt for dispute in ended if (debt := self._debt_of(dispute, order.paid_at)) is not None]
        if order.cancelled_at is None or self.cancellation_id is None:
            return debts
        if not any(_takes_its_place(dispute, order.cancelled_at) for dispute in ended):
            since = max(order.cancelled_at, order.paid_at)
            debts.append(Debt(CaseKind.CANCELLATION, self.cancellation_id, None, since))
        return debts

    def _debt_of(self, dispute: _OwingDispute, paid_at: datetime) -> Debt | None:
        if dispute.outcome_amount is None or dispute.outcome_currency != self.order.currency:
            return None
        assert dispute.closed_at is not None
        since, hidden_until = dispute.closed_at, None
        if dispute.outcome_resolution is ResolutionKind.RETURN_AND_REFUND:
            match policy.return_status(dispute, self.context.now):
                case ReturnStatus.RECEIVED | ReturnStatus.WAIVED:
                    since = dispute.return_received_at or dispute.return_waived_at or dispute.due_at
                case ReturnStatus.AWAITING_ADDRESS | ReturnStatus.SHIPPED:
                    hidden_until = dispute.due_at
                case ReturnStatus.AWAITING_SHIPMENT:
                    hidden_until = NEVER_DUE
                case _:
                    return None
        return Debt(CaseKind.DISPUTE, dispute.id, dispute.outcome_amount, max(since, paid_at), hidden_until)

    def _settle(self, balances: Sequence[Balance]) -> list[KnownRefund]:
        """Makes the refunds agree with the balances. Returns those that became owed, are owed in another amount, or are
        not owed any more, as far as they are shown."""
        by_case = {balance.debt.case_id: balance for balance in balances}
        failed = {place: amount for balance in balances for place, amount in balance.failed.items()}
        changed: list[KnownRefund] = []
        due: set[UUID] = set()
        for place, refund in enumerate(self.refunds):
            if refund.case_id is None:
                refund.outstanding = refund.amount if refund.status is RefundStatus.SENT else None
                continue
            balance, before = by_case.get(refund.case_id), (refund.amount, refund.status)
            if refund.status is RefundStatus.DUE:
                due.add(refund.case_id)
                if balance is not None and balance.due:
                    refund.amount = refund.outstanding = balance.due
                    refund.hidden_until = balance.debt.hidden_until
                else:
                    _void(refund)
            elif refund.status is RefundStatus.FAILED and (balance is None or not balance.debt.is_owed):
                _void(refund)
            elif refund.status is RefundStatus.FAILED:
                refund.outstanding = failed.get(place) or None
            else:
                refund.outstanding = refund.amount if refund.status is RefundStatus.SENT else None
            if balance is not None and refund.status is not RefundStatus.VOID:
                _date(refund, balance.debt)
            if (refund.amount, refund.status) != before and refund.is_shown:
                changed.append(refund)
        for balance in balances:
            if balance.due and balance.debt.case_id not in due:
                refund = self.new_refund(balance.debt.case_kind, balance.debt.case_id)
                refund.amount = refund.outstanding = balance.due
                refund.hidden_until = balance.debt.hidden_until
                _date(refund, balance.debt)
                if refund.is_shown:
                    changed.append(refund)
        return changed

    def _follow_dispute(self, dispute: _OwingDispute) -> dict[str, Any]:
        """Returns the facts of the dispute that differ from what the order's money makes them."""
        facts: dict[str, Any] = {}
        paid_back = any(r.case_id == dispute.id and r.status in policy.PAID_BACK for r in self.refunds)
        if paid_back != (dispute.paid_back_at is not None):
            facts["paid_back_at"] = self.context.now if paid_back else None
        if dispute.closed_at is None:
            order: Any = self.order
            facts |= policy.claimable_facts(policy.claimable_amount(order, dispute.reason), order.currency)
        return {name: value for name, value in facts.items() if getattr(dispute, name) != value}


def _columns(refund: KnownRefund, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(refund, name) for name in names}


def _takes_its_place(dispute: _OwingDispute, cancelled_at: datetime) -> bool:
    """Returns whether the outcome replaces what the cancellation owed: the dispute is about that refund, which did not
    arrive."""
    assert dispute.closed_at is not None
    is_about_it = dispute.reason is DisputeReason.REFUND_NOT_RECEIVED and dispute.closed_at >= cancelled_at
    return is_about_it and dispute.outcome_resolution is not None


def _date(refund: KnownRefund, debt: Debt) -> None:
    """Dates the refund by its debt, which a newer record of the order may have moved."""
    owed_since = debt.owed_since
    refund.owed_since = owed_since
    refund.since, refund.due_at = owed_since or NEVER_DUE, policy.due_by(owed_since) or NEVER_DUE


def _void(refund: KnownRefund) -> None:
    """Marks a refund as not owed any more. One that was never shown stays hidden."""
    if not refund.is_shown:
        refund.hidden_until = NEVER_DUE
    refund.status, refund.outstanding = RefundStatus.VOID, None
