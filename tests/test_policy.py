"""The help page as decision tables: every row of the policy, at the edge, and a moment after."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from models.enums import Action, OrderKind, OrderStatus, Reason, Role
from resolvers import policy
from resolvers.policy import DisputeFacts, OrderFacts
from tests.conftest import DAY, MOMENT, NOW

TA, SP, OFF = OrderKind.TRADE_ASSURANCE, OrderKind.SECURE_PAYMENT, OrderKind.OFFLINE
PARTIES: dict[Any, UUID] = {role: UUID(int=place) for place, role in enumerate(Role, 1)}
ALLOWED = None


@dataclass(frozen=True)
class Viewer:
    role: Role

    @property
    def id(self) -> UUID:
        return PARTIES[self.role]


BUYER, SUPPLIER = Viewer(Role.BUYER), Viewer(Role.SUPPLIER)


def order(kind: OrderKind, **days_ago: float) -> OrderFacts:
    """An order with facts so many days before NOW."""
    facts: dict[str, Any] = {
        (name if name.endswith("since") else f"{name}_at"): NOW - days * DAY for name, days in days_ago.items()
    }
    return OrderFacts(kind=kind, buyer_id=PARTIES[Role.BUYER], supplier_id=PARTIES[Role.SUPPLIER], **facts)


def decide(action: Action, facts: Any, viewer: Any = BUYER, now: datetime = NOW) -> policy.Decision:
    return policy.decide(action, facts, viewer, now)


@pytest.mark.parametrize(
    ("says", "action", "facts", "expected"),
    [
        # Feedback 1: Trade Assurance
        ("feedback once the order is complete", Action.LEAVE_FEEDBACK, order(TA, completed=0), ALLOWED),
        ("not before", Action.LEAVE_FEEDBACK, order(TA, paid=3, shipped=2), Reason.NOT_COMPLETED),
        ("for up to 60 days", Action.LEAVE_FEEDBACK, order(TA, completed=60), ALLOWED),
        ("one feedback", Action.LEAVE_FEEDBACK, order(TA, completed=1, feedback_left=0), Reason.FEEDBACK_ALREADY_LEFT),
        ("none if cancelled", Action.LEAVE_FEEDBACK, order(TA, completed=1, cancelled=0), Reason.ALREADY_CANCELLED),
        ("a completion dated tomorrow", Action.LEAVE_FEEDBACK, order(TA, completed=-1), Reason.WINDOW_NOT_OPEN),
        ("no revision without feedback", Action.REVISE_FEEDBACK, order(TA, completed=1), Reason.NO_FEEDBACK),
        (
            "revision waits for the supplier's reply",
            Action.REVISE_FEEDBACK,
            order(TA, completed=9, feedback_left=8),
            Reason.AWAITING_REPLY,
        ),
        (
            "30 days to revise it",
            Action.REVISE_FEEDBACK,
            order(TA, completed=99, feedback_left=40, feedback_replied=30),
            ALLOWED,
        ),
        (
            "which may end after the feedback window",
            Action.REVISE_FEEDBACK,
            order(TA, completed=85, feedback_left=26, feedback_replied=2),
            ALLOWED,
        ),
        (
            "only one opportunity",
            Action.REVISE_FEEDBACK,
            order(TA, completed=9, feedback_left=8, feedback_replied=7, feedback_revised=1),
            Reason.ALREADY_REVISED,
        ),
        # Feedback 2: Secure Payment
        ("feedback once complete", Action.LEAVE_FEEDBACK, order(SP, completed=0), ALLOWED),
        ("for up to 30 days", Action.LEAVE_FEEDBACK, order(SP, completed=30), ALLOWED),
        (
            "90 days to revise it",
            Action.REVISE_FEEDBACK,
            order(SP, completed=99, feedback_left=95, feedback_replied=90),
            ALLOWED,
        ),
        ("no feedback for offline trades", Action.LEAVE_FEEDBACK, order(OFF, completed=1), Reason.NOT_OFFERED),
        # Disputes 1: Trade Assurance
        ("not paid for yet: cancel", Action.CANCEL_ORDER, order(TA), ALLOWED),
        ("shipped unpaid: still", Action.CANCEL_ORDER, order(TA, shipped=1), ALLOWED),
        ("paid: no more", Action.CANCEL_ORDER, order(TA, paid=1), Reason.ALREADY_PAID),
        (
            "while the payment is on its way",
            Action.CANCEL_ORDER,
            order(TA, payment_submitted=1),
            Reason.PAYMENT_PROCESSING,
        ),
        ("complete: no more", Action.CANCEL_ORDER, order(TA, completed=1), Reason.ALREADY_COMPLETED),
        ("cancelled: no more", Action.CANCEL_ORDER, order(TA, cancelled=1), Reason.ALREADY_CANCELLED),
        ("cancelled comes before paid", Action.CANCEL_ORDER, order(TA, cancelled=1, paid=2), Reason.ALREADY_CANCELLED),
        ("not for Secure Payment", Action.CANCEL_ORDER, order(SP), Reason.NOT_OFFERED),
        ("paid and received: dispute", Action.OPEN_DISPUTE, order(TA, payment_submitted=2, paid=1), ALLOWED),
        ("complete: dispute", Action.OPEN_DISPUTE, order(TA, completed=1), ALLOWED),
        ("complete, whatever is on its way", Action.OPEN_DISPUTE, order(TA, completed=1, payment_submitted=2), ALLOWED),
        ("not received yet", Action.OPEN_DISPUTE, order(TA, payment_submitted=1), Reason.PAYMENT_PROCESSING),
        ("unpaid", Action.OPEN_DISPUTE, order(TA), Reason.NOT_PAID),
        ("paid and then cancelled: dispute", Action.OPEN_DISPUTE, order(TA, paid=2, cancelled=1), ALLOWED),
        ("one at a time", Action.OPEN_DISPUTE, order(TA, paid=2, dispute_open_since=1), Reason.DISPUTE_OPEN),
        ("none after a settled one", Action.OPEN_DISPUTE, order(TA, paid=2, dispute_settled=1), Reason.DISPUTE_SETTLED),
        ("feedback does not matter", Action.OPEN_DISPUTE, order(TA, completed=2, feedback_left=1), ALLOWED),
        # Disputes 2: Secure Payment
        ("not shipped: ask to cancel", Action.REQUEST_CANCELLATION, order(SP), ALLOWED),
        ("paid or not", Action.REQUEST_CANCELLATION, order(SP, paid=1), ALLOWED),
        ("shipped: no more", Action.REQUEST_CANCELLATION, order(SP, shipped=1), Reason.ALREADY_SHIPPED),
        ("complete: no more", Action.REQUEST_CANCELLATION, order(SP, completed=1), Reason.ALREADY_COMPLETED),
        (
            "one request at a time",
            Action.REQUEST_CANCELLATION,
            order(SP, cancellation_pending_since=1),
            Reason.CANCELLATION_PENDING,
        ),
        ("not for Trade Assurance", Action.REQUEST_CANCELLATION, order(TA), Reason.NOT_OFFERED),
        (
            "a pending one can be withdrawn",
            Action.WITHDRAW_CANCELLATION,
            order(SP, cancellation_pending_since=1),
            ALLOWED,
        ),
        ("none pending", Action.WITHDRAW_CANCELLATION, order(SP), Reason.NO_CANCELLATION_PENDING),
        ("shipped: dispute", Action.OPEN_DISPUTE, order(SP, shipped=1), ALLOWED),
        ("unpaid as well", Action.OPEN_DISPUTE, order(SP, shipped=1, payment_submitted=1), ALLOWED),
        ("not shipped", Action.OPEN_DISPUTE, order(SP, paid=1), Reason.NOT_SHIPPED),
        ("not after completion", Action.OPEN_DISPUTE, order(SP, shipped=9, completed=1), Reason.ALREADY_COMPLETED),
        ("completion comes before shipment", Action.OPEN_DISPUTE, order(SP, completed=1), Reason.ALREADY_COMPLETED),
        # Disputes 3: offline
        ("offline: complain", Action.FILE_COMPLAINT, order(OFF), ALLOWED),
        ("one at a time", Action.FILE_COMPLAINT, order(OFF, complaint_open_since=1), Reason.COMPLAINT_OPEN),
        ("not about an online order", Action.FILE_COMPLAINT, order(TA, paid=1), Reason.NOT_OFFERED),
        ("no dispute about an offline one", Action.OPEN_DISPUTE, order(OFF, paid=1), Reason.NOT_OFFERED),
    ],
)
def test_the_buyer(says: str, action: Action, facts: OrderFacts, expected: Reason | None) -> None:
    decision = decide(action, facts)
    assert (decision.reason, decision.allowed) == (expected, expected is None), says
    assert (decision.message is None) == decision.allowed


@pytest.mark.parametrize(
    ("says", "action", "facts", "expected"),
    [
        ("replies to feedback", Action.REPLY_TO_FEEDBACK, order(TA, completed=2, feedback_left=1), ALLOWED),
        ("of both online kinds", Action.REPLY_TO_FEEDBACK, order(SP, completed=2, feedback_left=1), ALLOWED),
        ("if there is any", Action.REPLY_TO_FEEDBACK, order(TA, completed=2), Reason.NO_FEEDBACK),
        (
            "once",
            Action.REPLY_TO_FEEDBACK,
            order(TA, completed=3, feedback_left=2, feedback_replied=1),
            Reason.ALREADY_REPLIED,
        ),
        ("accepts a request", Action.ACCEPT_CANCELLATION, order(SP, cancellation_pending_since=1), ALLOWED),
        ("declines a request", Action.DECLINE_CANCELLATION, order(SP, cancellation_pending_since=1), ALLOWED),
        ("if one is pending", Action.ACCEPT_CANCELLATION, order(SP), Reason.NO_CANCELLATION_PENDING),
        (
            "not once shipped",
            Action.ACCEPT_CANCELLATION,
            order(SP, cancellation_pending_since=2, shipped=1),
            Reason.ALREADY_SHIPPED,
        ),
        (
            "not once complete",
            Action.DECLINE_CANCELLATION,
            order(SP, cancellation_pending_since=2, completed=1),
            Reason.ALREADY_COMPLETED,
        ),
        ("does not leave feedback", Action.LEAVE_FEEDBACK, order(TA, completed=1), Reason.NOT_YOUR_ROLE),
        ("kind comes before role", Action.LEAVE_FEEDBACK, order(OFF, completed=1), Reason.NOT_OFFERED),
        ("role comes before conditions", Action.CANCEL_ORDER, order(TA, paid=1), Reason.NOT_YOUR_ROLE),
    ],
)
def test_the_supplier(says: str, action: Action, facts: OrderFacts, expected: Reason | None) -> None:
    assert decide(action, facts, SUPPLIER).reason == expected, says


WINDOWS = [
    (Action.LEAVE_FEEDBACK, TA, 60, {"completed": 0.0}),
    (Action.LEAVE_FEEDBACK, SP, 30, {"completed": 0.0}),
    (Action.REVISE_FEEDBACK, TA, 30, {"completed": 2.0, "feedback_left": 1.0, "feedback_replied": 0.0}),
    (Action.REVISE_FEEDBACK, SP, 90, {"completed": 2.0, "feedback_left": 1.0, "feedback_replied": 0.0}),
]


@pytest.mark.parametrize(("action", "kind", "days", "facts"), WINDOWS)
def test_the_last_instant_counts(action: Action, kind: OrderKind, days: int, facts: dict[str, float]) -> None:
    subject, end = order(kind, **facts), NOW + timedelta(days=days)
    at_start, at_end = decide(action, subject, now=NOW), decide(action, subject, now=end)
    assert at_start.allowed
    assert at_end.allowed
    assert (at_end.opens_at, at_end.closes_at) == (NOW, end)
    assert decide(action, subject, now=NOW - MOMENT).reason is Reason.WINDOW_NOT_OPEN
    closed = decide(action, subject, now=end + MOMENT)
    assert closed.reason is Reason.WINDOW_CLOSED
    assert closed.closes_at == end
    assert policy.deadline(action, subject, end + 9 * DAY) == end


@pytest.mark.parametrize(("action", "kind", "days", "facts"), WINDOWS)
def test_next_change_is_the_first_instant_that_differs(
    action: Action, kind: OrderKind, days: int, facts: dict[str, float]
) -> None:
    subject, end = order(kind, **facts), NOW + timedelta(days=days)
    assert policy.next_change_at(subject, BUYER, NOW - DAY) == NOW
    assert policy.next_change_at(subject, BUYER, NOW) == end + MOMENT
    assert policy.next_change_at(subject, BUYER, end) == end + MOMENT
    assert policy.next_change_at(subject, BUYER, end + MOMENT) is None
    assert policy.next_change_at(subject, SUPPLIER, NOW) is None


@pytest.mark.parametrize(
    ("action", "kind", "label"),
    [
        (Action.LEAVE_FEEDBACK, TA, "Feedback"),
        (Action.LEAVE_FEEDBACK, SP, "Leave Feedback"),
        (Action.LEAVE_FEEDBACK, OFF, "Leave feedback"),
        (Action.REVISE_FEEDBACK, TA, "Revise Feedback"),
        (Action.REVISE_FEEDBACK, SP, "Revise Feedback"),
        (Action.REPLY_TO_FEEDBACK, TA, "Reply"),
        (Action.REPLY_TO_FEEDBACK, SP, "Reply"),
        (Action.CANCEL_ORDER, TA, "Cancel Order"),
        (Action.CANCEL_ORDER, SP, "Cancel order"),
        (Action.OPEN_DISPUTE, TA, "Open a dispute"),
        (Action.OPEN_DISPUTE, SP, "Open Dispute"),
        (Action.REQUEST_CANCELLATION, SP, "Cancel Order Request"),
        (Action.ACCEPT_CANCELLATION, SP, "Accept"),
        (Action.DECLINE_CANCELLATION, SP, "Decline"),
        (Action.WITHDRAW_CANCELLATION, SP, "Withdraw Request"),
        (Action.FILE_COMPLAINT, OFF, "Offline Trade Dispute"),
        (Action.RESOLVE_DISPUTE, TA, "Resolve dispute"),
    ],
)
def test_labels(action: Action, kind: OrderKind, label: str) -> None:
    assert decide(action, order(kind)).label == label


def test_available_actions_come_in_the_tables_order() -> None:
    facts = order(TA, paid=9, completed=5, feedback_left=4, feedback_replied=3)
    actions = [decision.action for decision in policy.available_actions(facts, BUYER, NOW)]
    assert actions == [Action.REVISE_FEEDBACK, Action.OPEN_DISPUTE]


@pytest.mark.parametrize("viewer", [Viewer(Role.AGENT), Viewer(Role.SERVICE)])
@pytest.mark.parametrize("kind", list(OrderKind))
def test_agents_and_the_order_system_act_on_no_order(viewer: Viewer, kind: OrderKind) -> None:
    for action in Action:
        assert decide(action, order(kind, completed=1), viewer).reason in (Reason.NOT_YOUR_ROLE, Reason.NOT_OFFERED)


def test_actions_are_asked_of_their_own_subject() -> None:
    dispute = DisputeFacts(buyer_id=PARTIES[Role.BUYER], supplier_id=PARTIES[Role.SUPPLIER], opened_at=NOW)
    assert decide(Action.WITHDRAW_DISPUTE, dispute).allowed
    assert decide(Action.WITHDRAW_DISPUTE, order(TA, paid=1)).reason is Reason.NOT_OFFERED
    assert decide(Action.OPEN_DISPUTE, dispute).reason is Reason.NOT_OFFERED
    assert decide(Action.OPEN_DISPUTE, None).reason is Reason.NOT_FOUND
    dispute.closed_at = NOW
    assert decide(Action.WITHDRAW_DISPUTE, dispute).reason is Reason.CASE_CLOSED


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        (order(TA), OrderStatus.AWAITING_PAYMENT),
        (order(TA, payment_submitted=3), OrderStatus.PAYMENT_PROCESSING),
        (order(TA, payment_submitted=3, paid=2), OrderStatus.PAID),
        (order(TA, paid=2, shipped=1), OrderStatus.SHIPPED),
        (order(TA, shipped=1), OrderStatus.SHIPPED),
        (order(TA, shipped=1, completed=0), OrderStatus.COMPLETED),
        (order(TA, shipped=1, completed=0, cancelled=0), OrderStatus.CANCELLED),
    ],
)
def test_status_is_the_first_that_applies(facts: OrderFacts, status: OrderStatus) -> None:
    assert policy.status(facts, NOW) is status


def test_deadlines_are_null_where_there_is_nothing_to_wait_for() -> None:
    for facts in (order(TA), order(TA, completed=1, feedback_left=0), order(OFF, completed=1)):
        assert policy.deadline(Action.LEAVE_FEEDBACK, facts, NOW) is None
    for facts in (
        order(TA, completed=2, feedback_left=1),
        order(TA, completed=3, feedback_left=2, feedback_replied=1, feedback_revised=0),
    ):
        assert policy.deadline(Action.REVISE_FEEDBACK, facts, NOW) is None
