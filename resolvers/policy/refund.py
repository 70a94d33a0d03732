"""The facts of a refund, and what an order owes: one function over its debts and its refunds.

An order owes nothing by itself. A debt is what one case makes it owe: a dispute by its outcome, a cancellation by all
that is paid and not owed yet. A refund is a payment of a debt, or what is left of it. For example, 100 are paid, a
dispute ends with 60, and the order system tells two payments of 40:

    debts     dispute 60
    refunds   40 SUCCEEDED, 20 DUE                 after the first one
    refused   40 is more than the 20 that are owed      the second one

`settle` says what the refunds should be; resolvers.write.refunds makes them so. It does not depend on the way that led
there: the same debts and the same payments leave the same rest.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar
from uuid import UUID

from models.enums import CaseKind, RefundStatus
from resolvers.policy.dispute import NEVER_DUE
from resolvers.policy.expression import IsSet, OlderThan

REFUND_WITHIN = timedelta(days=10)
REPORT_AGAIN_AFTER = timedelta(days=10)

PAID_BACK = frozenset({RefundStatus.SENT, RefundStatus.SUCCEEDED})  # SENT counts as refunded in every limit
UNSETTLED = frozenset({RefundStatus.DUE, RefundStatus.SENT, RefundStatus.FAILED})  # no other one is outstanding


@dataclass(slots=True, kw_only=True)
class RefundFacts:
    """The facts of one refund.

    `owed_since`: null for the order system's own refunds. `hidden_until`: a running return will owe it after this
    instant, if nothing else happens. `outstanding`: what neither arrived nor was paid by another refund.
    """

    status: RefundStatus
    amount: int
    outstanding: int | None = None
    owed_since: datetime | None = None
    hidden_until: datetime | None = None
    reported_missing_at: datetime | None = None


R = TypeVar("R", bound=RefundFacts)

IS_OUTSTANDING = IsSet("outstanding")
REFUND_SHOWN = ~IsSet("hidden_until") | OlderThan("hidden_until")
REFUND_OVERDUE = IS_OUTSTANDING & OlderThan("owed_since", REFUND_WITHIN)
REPORTED_MISSING = IS_OUTSTANDING & IsSet("reported_missing_at")


def due_by(owed_since: datetime | None) -> datetime | None:
    return None if owed_since is None else owed_since + REFUND_WITHIN


def reportable_after(refund: RefundFacts) -> datetime | None:
    """Returns the instant after which the refund can be reported as missing; None if it cannot."""
    due = due_by(refund.owed_since)
    if refund.outstanding is None or due is None:
        return None
    reported = refund.reported_missing_at
    return due if reported is None else max(due, reported + REPORT_AGAIN_AFTER)


def report(refunds: Iterable[R], now: datetime) -> list[R]:
    """Marks the refunds that can be reported as missing as reported now. Returns them."""
    reported = [refund for refund in refunds if (after := reportable_after(refund)) is not None and now > after]
    for refund in reported:
        refund.reported_missing_at = now
    return reported


def first_reportable_after(refunds: Iterable[RefundFacts]) -> datetime | None:
    """Returns the instant after which one of the refunds can be reported as missing; None if none can."""
    instants = [reportable_after(refund) for refund in refunds]
    return min((instant for instant in instants if instant is not None), default=None)


@dataclass(frozen=True, slots=True)
class Debt:
    """What a case makes its order owe. `amount` is at most that; None is all that is paid and not owed by others.

    While a return runs, `hidden_until` is the instant after which time alone makes it owed: NEVER_DUE where time alone
    does not.
    """

    case_kind: CaseKind
    case_id: UUID
    amount: int | None
    since: datetime
    hidden_until: datetime | None = None

    @property
    def owed_since(self) -> datetime | None:
        """None while it is not known that it will be owed at all."""
        return None if self.hidden_until == NEVER_DUE else self.hidden_until or self.since

    @property
    def is_owed(self) -> bool:
        """False while a running return will owe it."""
        return self.hidden_until is None


class Payment(Protocol):
    """A refund, as far as sums are concerned."""

    @property
    def case_id(self) -> UUID | None: ...
    @property
    def amount(self) -> int: ...
    @property
    def status(self) -> RefundStatus: ...


@dataclass(slots=True)
class Balance:
    """What one debt owes. `open` is not paid back. Of it, `due` is in no refund that the order system has told. The
    rest is in `failed` ones, by their position among the refunds."""

    debt: Debt
    open: int
    due: int
    failed: dict[int, int] = field(default_factory=dict[int, int])


def settle(amount_paid: int, debts: Sequence[Debt], refunds: Sequence[Payment]) -> list[Balance]:
    """Returns the balance of each debt. `debts` and `refunds` are ordered, the oldest first; a debt without an amount
    is the last.

    Money goes to the first debt first, so that the last owes less where too little is paid. A debt never falls below
    what was paid back for it. Two refunds of one debt that failed are about the same money as far as they exceed it;
    the later one stands for it. What is not owed yet is in no refund that failed.
    """
    paid_back = [refund for refund in refunds if refund.status in PAID_BACK]
    available = max(amount_paid - sum(refund.amount for refund in paid_back), 0)
    balances: list[Balance] = []
    for debt in debts:
        paid = sum(refund.amount for refund in paid_back if refund.case_id == debt.case_id)
        rest = available if debt.amount is None else min(max(debt.amount - paid, 0), available)
        available -= rest
        balance = Balance(debt, open=rest, due=rest)
        for place, refund in reversed(list(enumerate(refunds))):
            if debt.is_owed and refund.case_id == debt.case_id and refund.status is RefundStatus.FAILED:
                balance.failed[place] = min(refund.amount, balance.due)
                balance.due -= balance.failed[place]
        balances.append(balance)
    return balances


def refund_facts(balances: Sequence[Balance], refunds: Sequence[RefundFacts]) -> dict[str, Any]:
    """Returns the facts of the order about its refunds, which must agree with the balances."""
    due = [due_by(refund.owed_since) for refund in refunds if refund.outstanding is not None]
    return {
        "amount_refunded": sum(r.amount for r in refunds if r.status is RefundStatus.SUCCEEDED),
        "amount_sent": sum(r.amount for r in refunds if r.status is RefundStatus.SENT),
        "amount_owed": sum(balance.open for balance in balances),
        "refund_due_at": min((instant for instant in due if instant is not None), default=None),
        "refund_reportable_at": first_reportable_after(refunds),
    }
