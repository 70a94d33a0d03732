"""A decision explained: its checks say what the decision says, condition by condition."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.enums import Action, OrderKind, Reason, Role
from resolvers import policy
from resolvers.policy import DisputeFacts, OrderFacts
from tests.conftest import DAY, MOMENT, NOW
from tests.policy.test_policy import PARTIES, Viewer

BUYER, SUPPLIER = PARTIES[Role.BUYER], PARTIES[Role.SUPPLIER]
INSTANTS = st.one_of(
    st.none(),
    st.sampled_from([NOW - n * DAY + m * MOMENT for n in (0, 3, 5, 7, 10, 20, 30, 60, 90) for m in (-1, 0, 1)]),
)


def instants(facts: type[Any]) -> list[str]:
    endings = ("_at", "_since", "_by")
    return [name for name in facts.__dataclass_fields__ if name.endswith(endings) and name != "due_at"]


@pytest.mark.parametrize("role", Role)
@given(
    kind=st.sampled_from(OrderKind),
    facts=st.fixed_dictionaries(dict.fromkeys(instants(OrderFacts), INSTANTS)),
    action=st.sampled_from(Action),
    conflict=st.booleans(),
)
def test_the_checks_of_an_order_are_its_decision(
    role: Role, kind: OrderKind, facts: dict[str, Any], action: Action, conflict: bool
) -> None:
    order = OrderFacts(kind=kind, buyer_id=BUYER, supplier_id=SUPPLIER, **facts)
    hold_together(policy.decide(action, order, Viewer(role), NOW, conflict=conflict and role is Role.AGENT))


@pytest.mark.parametrize("role", Role)
@given(
    facts=st.fixed_dictionaries(dict.fromkeys(instants(DisputeFacts), INSTANTS)),
    action=st.sampled_from(Action),
    waits_for=st.sampled_from([None, Role.BUYER, Role.SUPPLIER, Role.AGENT]),
    conflict=st.booleans(),
)
def test_the_checks_of_a_dispute_are_its_decision(
    role: Role, facts: dict[str, Any], action: Action, waits_for: Role | None, conflict: bool
) -> None:
    dispute = DisputeFacts(
        buyer_id=BUYER,
        supplier_id=SUPPLIER,
        waits_for=waits_for,
        due_at=NOW + timedelta(days=1),
        **facts | {"opened_at": facts["opened_at"] or NOW},
    )
    hold_together(policy.decide(action, dispute, Viewer(role), NOW, conflict=conflict and role is Role.AGENT))


def hold_together(decision: policy.Decision) -> None:
    checks = decision.checks
    if decision.reason in (Reason.NOT_OFFERED, Reason.NOT_YOUR_ROLE):
        assert checks == []
        return
    assert decision.allowed == all(check.holds for check in checks)
    assert all(check.holds == (check.reason is None) for check in checks)
    assert decision.reason == next((check.reason for check in checks if not check.holds), None)


@pytest.mark.parametrize(
    ("says", "facts", "action", "since"),
    [
        ("when it became complete", {"completed_at": NOW - DAY}, Action.LEAVE_FEEDBACK, [None, 1, None, 1]),
        ("when it was cancelled", {"cancelled_at": NOW - 2 * DAY}, Action.LEAVE_FEEDBACK, [2, None, None, None]),
        ("when it was paid, or complete", {"paid_at": NOW - 3 * DAY}, Action.OPEN_DISPUTE, [None, 3, None, None]),
        (
            "when it was paid, the first that suffices",
            {"paid_at": NOW - 3 * DAY, "completed_at": NOW - DAY},
            Action.OPEN_DISPUTE,
            [None, 3, None, None],
        ),
    ],
)
def test_a_check_says_since_when(says: str, facts: dict[str, Any], action: Action, since: list[int | None]) -> None:
    order = OrderFacts(kind=OrderKind.TRADE_ASSURANCE, buyer_id=BUYER, supplier_id=SUPPLIER, **facts)
    checks = policy.decide(action, order, Viewer(Role.BUYER), NOW).checks
    assert [check.since for check in checks] == [days and NOW - days * DAY for days in since], says
