"""Refunds follow: after each change that touches money, what an order owes is derived anew from its cases.

`follow_refunds` reads the order's outcomes, its cancellation and its refunds, asks the policy what is owed (`settle` in
resolvers.policy.refund), and writes what differs. Nothing else changes what is owed. For example, an order of 100 is
paid, and a dispute was settled with 60. When the order is cancelled:

    debts       dispute 60, cancellation: the rest
    refunds     60 DUE for the dispute
    written     INSERT INTO refunds … 40 DUE for the cancellation
    facts       {"amount_owed": 100, "refund_due_at": …, "refund_reportable_at": …} of the order
"""

from __future__ import annotations

from collections.abc import Sequence
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
    case_kind: CaseKind | None
    case_id: UUID | None
    currency: str
    since: datetime
    due_at: datetime
    reference: str | None
    recorded_at: datetime | None
    recorded_nanoseconds: int
    settled_at: datetime | None


@dataclass(slots=True, kw_only=True)
class _Dispute(DisputeFacts, Row):
    MODEL = models.Dispute

    context: Context
    id: UUID
    reason: DisputeReason
    outcome_resolution: ResolutionKind | None
    outcome_amount: int | None
    outcome_currency: str | None


_OF_A_VISIBLE_ORDER = Unscoped("The viewer may see the order, which is locked.")
_OWED_COLUMNS = ("amount", "outstanding", "status", "since", "owed_since", "due_at", "hidden_until")


async def known_refunds(context: Context, order_id: UUID) -> list[KnownRefund]:
    """Returns the refunds of a locked order, oldest first, also the hidden ones."""
    where = Where("order_id = {}", order_id)
    return await fetch(context, Select(KnownRefund, where, order="since, id", visibility=_OF_A_VISIBLE_ORDER))


async def balances(context: Context, order: LockedOrder, refunds: Sequence[KnownRefund]) -> list[Balance]:
    """Returns what each debt of the locked order owes."""
    return policy.settle(order.amount_paid, await _debts(order, await _disputes(context, order)), refunds)


async def follow_refunds(
    context: Context, order: LockedOrder, event: PendingEvent
) -> tuple[list[PendingEvent], list[Write]]:
    """Returns the events of other cases and the writes that follow from what is stored about the locked order.

    The facts of `event` must be set on the order. The order's facts about refunds are added to them.
    """
    disputes = await _disputes(context, order)
    refunds = await known_refunds(context, order.id)
    known_balances = policy.settle(order.amount_paid, await _debts(order, disputes), refunds)
    writes, facts = plan_refunds(order, known_balances, refunds, await _recorded_by(order, known_balances))
    facts = {name: value for name, value in facts.items() if getattr(order, name) != value}
    event.facts.update(facts)
    policy.fold(order, [facts])
    consequences: list[PendingEvent] = []
    for dispute in disputes:
        case_facts = _case_facts(order, dispute, refunds, context.now)
        if not case_facts:
            continue
        writes.append(update(models.Dispute, {"id": dispute.id}, case_facts))
        if event.case == (CaseKind.DISPUTE, dispute.id):
            event.case_facts = (event.case_facts or {}) | case_facts
        else:
            at = min(event.at, context.now)
            consequences.append(PendingEvent(at=at, case=(CaseKind.DISPUTE, dispute.id), case_facts=case_facts))
    return consequences, writes


async def _disputes(context: Context, order: LockedOrder) -> list[_Dispute]:
    """Returns the order's disputes that are open or owe something."""
    where = Where("order_id = {} AND (closed_at IS NULL OR outcome_resolution IS NOT NULL)", order.id)
    return await fetch(context, Select(_Dispute, where, order="opened_at, id", visibility=_OF_A_VISIBLE_ORDER))


async def _debts(order: LockedOrder, disputes: Sequence[_Dispute]) -> list[Debt]:
    """Returns the debts, oldest first. An order of which nothing is known to be paid owes nothing."""
    if order.paid_at is None or order.kind is OrderKind.OFFLINE:
        return []
    debts = [debt for dispute in disputes if (debt := _debt_of(dispute, order)) is not None]
    if order.cancelled_at is not None:
        ended = models.Cancellation.filter(
            order_id=order.id, closed_as__in=(CancellationStatus.CANCELLED, CancellationStatus.ACCEPTED)
        )
        cancellation = await ended.order_by("-opened_at", "-id").first()
        if cancellation is not None:
            debts.append(cancellation_debt(order, cancellation.id, _takes_its_place(disputes)))
    return sorted(debts, key=lambda debt: debt.since)


def cancellation_debt(order: Any, case_id: UUID, is_replaced: bool = False) -> Debt:
    """Returns what the cancellation of a paid order makes it owe."""
    since = max(order.cancelled_at, order.paid_at)
    return Debt(CaseKind.CANCELLATION, case_id, 0 if is_replaced else None, since)


def _takes_its_place(disputes: Sequence[_Dispute]) -> bool:
    """Returns whether a dispute about a refund that did not arrive has an outcome, which replaces that debt."""
    return any(d.reason is DisputeReason.REFUND_NOT_RECEIVED and d.outcome_resolution is not None for d in disputes)


def _debt_of(dispute: _Dispute, order: LockedOrder) -> Debt | None:
    assert order.paid_at is not None
    if dispute.outcome_amount is None or dispute.outcome_currency != order.currency or dispute.closed_at is None:
        return None
    since, hidden_until = dispute.closed_at, None
    if dispute.outcome_resolution is ResolutionKind.RETURN_AND_REFUND:
        match policy.return_status(dispute, dispute.context.now):
            case ReturnStatus.RECEIVED | ReturnStatus.WAIVED:
                since = dispute.return_received_at or dispute.return_waived_at or dispute.due_at
            case ReturnStatus.AWAITING_ADDRESS | ReturnStatus.SHIPPED:
                hidden_until = dispute.due_at
            case ReturnStatus.AWAITING_SHIPMENT:
                hidden_until = NEVER_DUE
            case _:
                return None
    since = max(since, order.paid_at)
    return Debt(CaseKind.DISPUTE, dispute.id, dispute.outcome_amount, since, hidden_until)


def _case_facts(order: LockedOrder, dispute: _Dispute, refunds: Sequence[KnownRefund], now: datetime) -> dict[str, Any]:
    """Returns the facts of the dispute that differ from what the order's money makes them."""
    facts: dict[str, Any] = {}
    paid_back = any(refund.case_id == dispute.id and refund.status in policy.PAID_BACK for refund in refunds)
    if paid_back != (dispute.paid_back_at is not None):
        facts["paid_back_at"] = now if paid_back else None
    if dispute.closed_at is None:
        facts |= policy.claimable_facts(policy.claimable_amount(order, dispute.reason), order.currency)  # type: ignore[arg-type]
    return {name: value for name, value in facts.items() if getattr(dispute, name) != value}


async def _recorded_by(order: LockedOrder, known_balances: Sequence[Balance]) -> dict[str, Any]:
    """Returns the columns of a new refund that are the order's; none where nothing can be new."""
    if not any(balance.due for balance in known_balances):
        return {}
    return await owner_columns(order.id)


async def owner_columns(order_id: UUID) -> dict[str, Any]:
    """Returns the columns of a refund that are those of its order."""
    columns = ("buyer_id", "supplier_id", "recorded_by_id")
    [values] = await models.Order.filter(id=order_id).values_list(*columns)
    return {"order_id": order_id, **dict(zip(columns, values, strict=True))}


def plan_refunds(
    order: Any, known_balances: Sequence[Balance], refunds: Sequence[KnownRefund], owner: dict[str, Any]
) -> tuple[list[Write], dict[str, Any]]:
    """Returns the writes that make the refunds agree with the balances, and the order's facts about refunds.

    `owner` are the columns of a new refund that are its order's.
    """
    by_case = {balance.debt.case_id: balance for balance in known_balances}
    outstanding_by_place = {place: amount for balance in known_balances for place, amount in balance.failed.items()}
    writes: list[Write] = []
    result: list[RefundFacts] = []
    in_due: set[UUID] = set()
    for place, refund in enumerate(refunds):
        balance = by_case.get(refund.case_id) if refund.case_id is not None else None
        columns: dict[str, Any] = {}
        if refund.status is RefundStatus.DUE:
            assert refund.case_id is not None
            columns = _due_columns(balance) if balance is not None and balance.due else _void_columns(refund)
            in_due.add(refund.case_id)
        elif refund.status is RefundStatus.FAILED and refund.case_id is not None and balance is None:
            columns = _void_columns(refund)
        elif refund.status is RefundStatus.FAILED:
            columns = {"outstanding": outstanding_by_place.get(place) or None}
        elif refund.status is RefundStatus.SENT:
            columns = {"outstanding": refund.amount}
        elif refund.outstanding is not None:
            columns = {"outstanding": None}
        columns = {name: value for name, value in columns.items() if getattr(refund, name) != value}
        if columns:
            writes.append(update(models.Refund, {"id": refund.id}, columns))
            for name, value in columns.items():
                setattr(refund, name, value)
        result.append(refund)
    for balance in known_balances:
        if balance.due and balance.debt.case_id not in in_due:
            columns = _due_columns(balance)
            debt = balance.debt
            case = {"case_kind": debt.case_kind, "case_id": debt.case_id}
            writes.append(
                insert(models.Refund, [{"id": new_id(), **owner, **case, "currency": order.currency, **columns}])
            )
            result.append(
                RefundFacts(
                    status=RefundStatus.DUE,
                    amount=balance.due,
                    outstanding=balance.due,
                    owed_since=columns["owed_since"],
                    hidden_until=columns["hidden_until"],
                )
            )
    return writes, _order_facts(known_balances, result)


def _due_columns(balance: Balance) -> dict[str, Any]:
    """Returns the columns of the refund that the order system has not told anything about."""
    owed_since = balance.debt.owed_since
    values = (
        balance.due,
        balance.due,
        RefundStatus.DUE,
        owed_since or NEVER_DUE,
        owed_since,
        policy.due_by(owed_since) or NEVER_DUE,
        balance.debt.hidden_until,
    )
    return dict(zip(_OWED_COLUMNS, values, strict=True))


def _void_columns(refund: KnownRefund) -> dict[str, Any]:
    """Returns the columns of a refund that is not owed any more. One that was never shown stays hidden."""
    is_hidden = not policy.REFUND_SHOWN.holds(refund, refund.context.viewer.role, refund.context.now)
    hidden_until = NEVER_DUE if is_hidden else refund.hidden_until
    return {"status": RefundStatus.VOID, "outstanding": None, "hidden_until": hidden_until}


def _order_facts(known_balances: Sequence[Balance], refunds: Sequence[RefundFacts]) -> dict[str, Any]:
    due = [policy.due_by(refund.owed_since) for refund in refunds if refund.outstanding is not None]
    reportable = [policy.reportable_after(refund) for refund in refunds]
    return {
        "amount_refunded": sum(r.amount for r in refunds if r.status is RefundStatus.SUCCEEDED),
        "amount_sent": sum(r.amount for r in refunds if r.status is RefundStatus.SENT),
        "amount_owed": sum(balance.open for balance in known_balances),
        "refund_due_at": min((instant for instant in due if instant is not None), default=None),
        "refund_reportable_at": min((instant for instant in reportable if instant is not None), default=None),
    }
