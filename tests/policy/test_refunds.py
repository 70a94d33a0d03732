"""Refunds: what an order owes, as a table of sentences and as invariants; when one is overdue and can be reported."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.enums import Action, CaseKind, OrderKind, Reason, RefundStatus, Role
from resolvers import policy
from resolvers.policy import NEVER_DUE, Balance, Debt, OrderFacts, RefundFacts
from tests.conftest import DAY, MOMENT, NOW
from tests.policy.test_policy import BUYER, MOMENT_AGO, OFF, PARTIES, SP, SUPPLIER, TA, Viewer, decide

DUE, SENT, SUCCEEDED = RefundStatus.DUE, RefundStatus.SENT, RefundStatus.SUCCEEDED
FAILED, VOID = RefundStatus.FAILED, RefundStatus.VOID
CANCELLATION, DISPUTE, SECOND = UUID(int=1), UUID(int=2), UUID(int=3)


@dataclass(frozen=True)
class Payment:
    """What the order system told about a refund of a case, or about one of its own."""

    case_id: UUID | None
    amount: int
    status: RefundStatus = SUCCEEDED


def debt(amount: int | None, case_id: UUID = DISPUTE, hidden_until: datetime | None = None) -> Debt:
    kind = CaseKind.CANCELLATION if case_id == CANCELLATION else CaseKind.DISPUTE
    return Debt(kind, case_id, amount, NOW, hidden_until)


def rest(case_id: UUID = CANCELLATION) -> Debt:
    """What a cancellation owes: all that is left."""
    return debt(None, case_id)


# The last column has, for each debt: what is open, what of it no payment tells of, and what of it failed, by place.
Owed = tuple[int, int, dict[int, int]]
OWED: list[tuple[str, int, list[Debt], Sequence[Payment], list[Owed]]] = [
    ("an outcome owes its amount", 100, [debt(60)], [], [(60, 60, {})]),
    ("a cancellation owes all that was paid", 100, [rest()], [], [(100, 100, {})]),
    ("nothing, where nothing was paid", 0, [debt(60), rest()], [], [(0, 0, {}), (0, 0, {})]),
    ("a cancellation takes what an outcome leaves", 100, [debt(60), rest()], [], [(60, 60, {}), (40, 40, {})]),
    ("at most what was paid", 50, [debt(60)], [], [(50, 50, {})]),
    ("paid whole, nothing is owed", 100, [debt(60)], [Payment(DISPUTE, 60)], [(0, 0, {})]),
    ("on its way, neither", 100, [debt(60)], [Payment(DISPUTE, 60, SENT)], [(0, 0, {})]),
    ("paid in part, the rest is owed", 100, [debt(60)], [Payment(DISPUTE, 40)], [(20, 20, {})]),
    (
        "in parts",
        100,
        [debt(60)],
        [Payment(DISPUTE, 30), Payment(DISPUTE, 10, SENT), Payment(DISPUTE, 5)],
        [(15, 15, {})],
    ),
    ("what failed is still owed", 100, [debt(60)], [Payment(DISPUTE, 60, FAILED)], [(60, 0, {0: 60})]),
    ("a part that failed", 100, [debt(60)], [Payment(DISPUTE, 40, FAILED)], [(60, 20, {0: 40})]),
    (
        "a part that failed beside one that arrived",
        100,
        [debt(60)],
        [Payment(DISPUTE, 30), Payment(DISPUTE, 20, FAILED)],
        [(30, 10, {1: 20})],
    ),
    (
        "failed and paid by another",
        100,
        [debt(60)],
        [Payment(DISPUTE, 60, FAILED), Payment(DISPUTE, 60)],
        [(0, 0, {0: 0})],
    ),
    (
        "failed and paid in part by another",
        100,
        [debt(60)],
        [Payment(DISPUTE, 60, FAILED), Payment(DISPUTE, 45)],
        [(15, 0, {0: 15})],
    ),
    (
        "a second try that fails again is about the same money",
        100,
        [debt(60)],
        [Payment(DISPUTE, 60, FAILED), Payment(DISPUTE, 60, FAILED)],
        [(60, 0, {0: 0, 1: 60})],
    ),
    (
        "the later one stands for it",
        100,
        [debt(60)],
        [Payment(DISPUTE, 60, FAILED), Payment(DISPUTE, 20, FAILED)],
        [(60, 0, {0: 40, 1: 20})],
    ),
    (
        "two parts that failed are about different money",
        100,
        [debt(60)],
        [Payment(DISPUTE, 20, FAILED), Payment(DISPUTE, 30, FAILED)],
        [(60, 10, {0: 20, 1: 30})],
    ),
    ("what is void counts in no sum", 100, [debt(60)], [Payment(DISPUTE, 60, VOID)], [(60, 60, {})]),
    ("what is due is no payment", 100, [debt(60)], [Payment(DISPUTE, 60, DUE)], [(60, 60, {})]),
    # What was paid falls
    ("the latest cause owes less first", 70, [debt(60), rest()], [], [(60, 60, {}), (10, 10, {})]),
    ("then the one before", 50, [debt(60), rest()], [], [(50, 50, {}), (0, 0, {})]),
    (
        "of two outcomes as well",
        70,
        [debt(60), debt(40, SECOND)],
        [],
        [(60, 60, {}), (10, 10, {})],
    ),
    (
        "never below what was paid back: the earlier one owes less",
        70,
        [debt(60), rest()],
        [Payment(CANCELLATION, 40)],
        [(30, 30, {}), (0, 0, {})],
    ),
    ("all of it paid back", 60, [debt(60), rest()], [Payment(DISPUTE, 60)], [(0, 0, {}), (0, 0, {})]),
    (
        "what failed falls with it",
        30,
        [debt(60)],
        [Payment(DISPUTE, 40, FAILED)],
        [(30, 0, {0: 30})],
    ),
    ("less than was paid back owes nothing", 10, [debt(60), rest()], [Payment(DISPUTE, 40)], [(0, 0, {})] * 2),
    # The order system's own refunds
    ("its own leave less to a cancellation", 100, [rest()], [Payment(None, 30)], [(70, 70, {})]),
    ("and to an outcome, where too little is left", 100, [debt(60)], [Payment(None, 70)], [(30, 30, {})]),
    ("but nothing to an outcome that fits", 100, [debt(60)], [Payment(None, 40)], [(60, 60, {})]),
    ("its own on their way too", 100, [rest()], [Payment(None, 30, SENT)], [(70, 70, {})]),
    ("its own that failed owe nothing", 100, [rest()], [Payment(None, 30, FAILED)], [(100, 100, {})]),
    # Cases that take each other's place
    (
        "what was paid for a cancellation that no longer stands leaves less to others",
        100,
        [debt(80)],
        [Payment(CANCELLATION, 50)],
        [(50, 50, {})],
    ),
    (
        "a dispute about the refund that is missing: its own outcome alone is owed",
        100,
        [debt(80)],
        [Payment(CANCELLATION, 100, FAILED)],
        [(80, 80, {})],
    ),
    (
        "beside what had arrived of it",
        100,
        [debt(80)],
        [Payment(CANCELLATION, 20), Payment(CANCELLATION, 80, FAILED)],
        [(80, 80, {})],
    ),
    # Running returns
    (
        "what a return will owe counts as owed",
        100,
        [debt(60, hidden_until=NOW), rest()],
        [],
        [(60, 60, {}), (40, 40, {})],
    ),
    (
        "also where time alone does not make it owed",
        100,
        [debt(60, hidden_until=NEVER_DUE), rest()],
        [],
        [(60, 60, {}), (40, 40, {})],
    ),
    (
        "nothing of it has failed yet",
        100,
        [debt(60, hidden_until=NOW)],
        [Payment(DISPUTE, 60, FAILED)],
        [(60, 60, {})],
    ),
]


@pytest.mark.parametrize(("says", "paid", "debts", "payments", "owed"), OWED)
def test_what_an_order_owes(
    says: str, paid: int, debts: list[Debt], payments: Sequence[Payment], owed: list[Owed]
) -> None:
    balances = policy.settle(paid, debts, payments)
    assert [balance.debt for balance in balances] == debts
    assert [(balance.open, balance.due, balance.failed) for balance in balances] == owed, says


AMOUNTS = st.integers(min_value=0, max_value=12)
STATUSES = st.sampled_from([SENT, SUCCEEDED, FAILED, VOID, DUE])


@st.composite
def ledgers(draw: st.DrawFn) -> tuple[int, list[Debt], list[Payment]]:
    """Draws what was paid, at most two outcomes and a cancellation, and refunds of them, of no case, and of a case
    that owes nothing any more. What was paid back is at most what was paid."""
    hidden = st.sampled_from([None, None, NOW, NEVER_DUE])
    debts = [debt(draw(AMOUNTS), case_id, draw(hidden)) for case_id in (DISPUTE, SECOND) if draw(st.booleans())]
    debts += [rest()] if draw(st.booleans()) else []
    cases = st.sampled_from([DISPUTE, SECOND, CANCELLATION, UUID(int=9), None])
    payments = draw(st.lists(st.builds(Payment, cases, AMOUNTS.filter(bool), STATUSES), max_size=5))
    return paid_back(payments) + draw(AMOUNTS), debts, payments


def paid_back(payments: Sequence[Payment], case_id: UUID | None = None) -> int:
    counted = (p for p in payments if p.status in (SENT, SUCCEEDED) and case_id in (None, p.case_id))
    return sum(payment.amount for payment in counted)


def sums(balances: Sequence[Balance]) -> list[tuple[int, int]]:
    return [(balance.open, balance.due) for balance in balances]


@given(ledgers())
def test_refunded_sent_and_owed_is_at_most_what_was_paid(ledger: tuple[int, list[Debt], list[Payment]]) -> None:
    paid, debts, payments = ledger
    total = paid_back(payments) + sum(balance.open for balance in policy.settle(paid, debts, payments))
    assert total <= paid
    if any(each.amount is None for each in debts):
        assert total == paid


@given(ledgers())
def test_what_is_open_is_due_or_has_failed(ledger: tuple[int, list[Debt], list[Payment]]) -> None:
    paid, debts, payments = ledger
    for balance in policy.settle(paid, debts, payments):
        assert balance.open == balance.due + sum(balance.failed.values())
        assert min(balance.open, balance.due, *balance.failed.values(), 0) == 0
        assert all(amount <= payments[place].amount for place, amount in balance.failed.items())
        assert all(payments[place].status is FAILED for place in balance.failed)
        if balance.debt.amount is not None:
            assert balance.open <= max(balance.debt.amount - paid_back(payments, balance.debt.case_id), 0)


@given(ledgers())
def test_a_later_debt_is_owed_once_earlier_ones_are_owed_whole(ledger: tuple[int, list[Debt], list[Payment]]) -> None:
    paid, debts, payments = ledger
    is_short = False
    for balance in policy.settle(paid, debts, payments):
        assert not (is_short and balance.open)
        amount = balance.debt.amount
        is_short = is_short or amount is None or balance.open < amount - paid_back(payments, balance.debt.case_id)


@given(ledgers())
def test_what_is_owed_does_not_depend_on_the_order_of_payments(ledger: tuple[int, list[Debt], list[Payment]]) -> None:
    paid, debts, payments = ledger
    expected = sums(policy.settle(paid, debts, payments))
    for order in permutations(payments):
        assert sums(policy.settle(paid, debts, order)) == expected


@given(ledgers(), AMOUNTS)
def test_paying_more_owes_no_case_less(ledger: tuple[int, list[Debt], list[Payment]], more: int) -> None:
    paid, debts, payments = ledger
    before, after = policy.settle(paid, debts, payments), policy.settle(paid + more, debts, payments)
    assert all(b.open <= a.open <= b.open + more for b, a in zip(before, after, strict=True))


@given(ledgers(), st.data())
def test_a_payment_of_what_is_open_lowers_it_by_that_and_nothing_else(
    ledger: tuple[int, list[Debt], list[Payment]], data: st.DataObject
) -> None:
    paid, debts, payments = ledger
    before = policy.settle(paid, debts, payments)
    payable = [place for place, balance in enumerate(before) if balance.open]
    if not payable:
        return
    place = data.draw(st.sampled_from(payable))
    amount = data.draw(st.integers(1, before[place].open))
    after = policy.settle(paid, debts, [*payments, Payment(debts[place].case_id, amount)])
    expected = [balance.open - amount * (place == at) for at, balance in enumerate(before)]
    assert [balance.open for balance in after] == expected


# ---------------------------------------------------------------- overdue and reported


def refund(
    status: RefundStatus = DUE, *, owed: float | None = 0, reported: float | None = None, **facts: Any
) -> RefundFacts:
    """Returns a refund of 60 that is owed, and was reported, that many days before NOW."""
    is_outstanding = status in (DUE, SENT, FAILED)
    given = {"amount": 60, "outstanding": 60 if is_outstanding else None} | facts
    return RefundFacts(
        status=status,
        owed_since=None if owed is None else NOW - owed * DAY,
        reported_missing_at=None if reported is None else NOW - reported * DAY,
        **given,
    )


RETURNING = {"hidden_until": NOW}
# Of a refund: whether it is shown, overdue, reported; and in how many days after NOW it can be reported.
REFUNDS: dict[str, tuple[RefundFacts, bool, bool, bool, float | None]] = {
    "owed": (refund(), True, False, False, 10),
    "for 10 days": (refund(owed=10), True, False, False, 0),
    "for longer": (refund(owed=10 + MOMENT_AGO), True, True, False, -MOMENT_AGO),
    "on its way": (refund(SENT, owed=10), True, False, False, 0),
    "on its way for longer": (refund(SENT, owed=11), True, True, False, -1),
    "failed": (refund(FAILED, owed=11), True, True, False, -1),
    "failed and paid by another": (refund(FAILED, owed=11, outstanding=None), True, False, False, None),
    "arrived": (refund(SUCCEEDED, owed=11), True, False, False, None),
    "void": (refund(VOID, owed=11), True, False, False, None),
    "reported": (refund(owed=11, reported=0), True, True, True, 10),
    "reported 10 days ago": (refund(owed=21, reported=10), True, True, True, 0),
    "reported before that": (refund(owed=21, reported=10 + MOMENT_AGO), True, True, True, -MOMENT_AGO),
    "reported, then owed anew": (refund(owed=0, reported=20), True, False, True, 10),
    "reported and arrived": (refund(SUCCEEDED, owed=11, reported=1), True, False, False, None),
    "reported and void": (refund(VOID, owed=11, reported=1), True, False, False, None),
    "of the order system's own": (refund(SENT, owed=None), True, False, False, None),
    "of a return that runs": (refund(**RETURNING), False, False, False, 10),
    "of a return that just ended": (
        refund(owed=MOMENT_AGO, hidden_until=NOW - MOMENT),
        True,
        False,
        False,
        10 - MOMENT_AGO,
    ),
    "of a return that waits for the buyer": (refund(owed=None, hidden_until=NEVER_DUE), False, False, False, None),
}


@pytest.mark.parametrize("state", REFUNDS)
def test_a_refund_is_overdue_by_the_clock_alone(state: str) -> None:
    facts, is_shown, is_overdue, is_reported, reportable_in = REFUNDS[state]
    assert policy.REFUND_SHOWN.holds(facts, Role.BUYER, NOW) == is_shown
    assert policy.REFUND_OVERDUE.holds(facts, Role.BUYER, NOW) == is_overdue
    assert policy.REPORTED_MISSING.holds(facts, Role.BUYER, NOW) == is_reported
    assert policy.reportable_after(facts) == (None if reportable_in is None else NOW + reportable_in * DAY)
    assert policy.due_by(facts.owed_since) == (None if facts.owed_since is None else facts.owed_since + 10 * DAY)


def refunding(*refunds: str, kind: OrderKind = TA) -> OrderFacts:
    """Returns an order with these refunds."""
    return OrderFacts(
        kind=kind,
        buyer_id=PARTIES[Role.BUYER],
        supplier_id=PARTIES[Role.SUPPLIER],
        paid_at=NOW - 90 * DAY,
        amount_paid=600,
        **policy.refund_facts([], [REFUNDS[each][0] for each in refunds]),
    )


NO, AGAIN = Reason.NO_REFUND_OVERDUE, Reason.ALREADY_REPORTED


@pytest.mark.parametrize("kind", [TA, SP])
@pytest.mark.parametrize(
    ("refunds", "reason", "opens_in"),
    [
        ([], NO, None),
        (["owed"], NO, 10),
        (["for 10 days"], NO, 0),
        (["for longer"], None, None),
        (["on its way"], NO, 0),
        (["on its way for longer"], None, None),
        (["failed"], None, None),
        (["failed and paid by another"], NO, None),
        (["arrived"], NO, None),
        (["void"], NO, None),
        (["reported"], AGAIN, 10),
        (["reported 10 days ago"], AGAIN, 0),
        (["reported before that"], None, None),
        (["reported, then owed anew"], NO, 10),
        (["reported and arrived"], NO, None),
        (["of the order system's own"], NO, None),
        (["of a return that runs"], NO, 10),
        (["of a return that waits for the buyer"], NO, None),
        # Of several, one that can be reported is enough.
        (["owed", "for longer"], None, None),
        (["reported", "for longer"], None, None),
        (["reported", "for 10 days"], AGAIN, 0),
        (["reported", "owed"], AGAIN, 10),
        (["arrived", "reported", "void"], AGAIN, 10),
    ],
)
def test_a_missing_refund_can_be_reported(
    kind: OrderKind, refunds: list[str], reason: Reason | None, opens_in: float | None
) -> None:
    facts = refunding(*refunds, kind=kind)
    decision = decide(Action.REPORT_MISSING_REFUND, facts)
    opens_at = None if opens_in is None else NOW + opens_in * DAY + MOMENT
    assert (decision.reason, decision.opens_at, decision.closes_at) == (reason, opens_at, None)
    if opens_at is not None:
        assert decision.message is not None
        assert decision.message.endswith(
            f"This will be possible from {15 + 10 * (opens_in == 10)} June 2026, 12:00 UTC."
        )
        assert not decide(Action.REPORT_MISSING_REFUND, facts, now=opens_at - MOMENT).allowed
        assert decide(Action.REPORT_MISSING_REFUND, facts, now=opens_at).allowed
        assert policy.next_change_at(facts, BUYER, NOW) == opens_at
    for who in (SUPPLIER, Viewer(Role.AGENT), Viewer(Role.SERVICE)):
        assert decide(Action.REPORT_MISSING_REFUND, facts, who).reason is Reason.NOT_YOUR_ROLE


def test_offline_trades_owe_no_refund_here() -> None:
    assert decide(Action.REPORT_MISSING_REFUND, refunding("for longer", kind=OFF)).reason is Reason.NOT_OFFERED


def test_the_orders_sums_are_those_of_its_refunds() -> None:
    facts = refunding("owed", "on its way", "on its way for longer", "arrived", "failed", "void", "reported")
    assert (facts.amount_refunded, facts.amount_sent) == (60, 120)
    assert facts.refund_due_at == facts.refund_reportable_at == NOW - DAY
    balances = policy.settle(600, [debt(400), rest()], [Payment(DISPUTE, 60), Payment(DISPUTE, 50, SENT)])
    assert policy.refund_facts(balances, [])["amount_owed"] == 290 + 200
