"""The help page as decision tables: every row of the policy, at the last instant and a moment after it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from models.enums import Action, ComplaintStatus, DisputeReason, DisputeStatus, OrderKind, OrderStatus, Reason, Role
from resolvers import policy
from resolvers.policy import ComplaintFacts, DisputeFacts, OrderFacts
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


MOMENT_AGO = MOMENT / DAY  # in days


def order(kind: OrderKind, **days_ago: float) -> OrderFacts:
    """Returns an order whose facts are that many days before NOW."""
    facts: dict[str, Any] = {
        (name if name.endswith(("since", "by")) else f"{name}_at"): NOW - days * DAY for name, days in days_ago.items()
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
        (
            "a replacement that does not come: wait for 30 days",
            Action.OPEN_DISPUTE,
            order(TA, paid=40, dispute_settled=30, replacement_agreed=30),
            Reason.DISPUTE_SETTLED,
        ),
        (
            "and then dispute again",
            Action.OPEN_DISPUTE,
            order(TA, paid=40, dispute_settled=30 + MOMENT_AGO, replacement_agreed=30 + MOMENT_AGO),
            ALLOWED,
        ),
        (
            "one at a time then as well",
            Action.OPEN_DISPUTE,
            order(TA, paid=40, dispute_settled=31, replacement_agreed=31, dispute_open_since=1),
            Reason.DISPUTE_OPEN,
        ),
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
        ("on its last day to ship", Action.OPEN_DISPUTE, order(SP, paid=9, ship_by=0), Reason.NOT_SHIPPED),
        ("late", Action.OPEN_DISPUTE, order(SP, paid=9, ship_by=MOMENT_AGO), ALLOWED),
        ("late, but not paid", Action.OPEN_DISPUTE, order(SP, ship_by=9), Reason.NOT_SHIPPED),
        ("the supplier declined to cancel", Action.OPEN_DISPUTE, order(SP, cancellation_declined=0), ALLOWED),
        (
            "declined, and asked again",
            Action.OPEN_DISPUTE,
            order(SP, paid=9, cancellation_declined=3, cancellation_pending_since=1),
            ALLOWED,
        ),
        (
            "the supplier may still answer",
            Action.OPEN_DISPUTE,
            order(SP, paid=9, cancellation_pending_since=5),
            Reason.NOT_SHIPPED,
        ),
        ("did not answer", Action.OPEN_DISPUTE, order(SP, cancellation_pending_since=5 + MOMENT_AGO), ALLOWED),
        ("a request that was withdrawn", Action.OPEN_DISPUTE, order(SP, paid=9), Reason.NOT_SHIPPED),
        ("paid and then cancelled", Action.OPEN_DISPUTE, order(SP, paid=2, cancelled=1), ALLOWED),
        (
            "cancelled and never paid",
            Action.OPEN_DISPUTE,
            order(SP, cancellation_declined=3, cancelled=1),
            Reason.NOT_SHIPPED,
        ),
        ("late and complete", Action.OPEN_DISPUTE, order(SP, paid=9, ship_by=8, completed=1), Reason.ALREADY_COMPLETED),
        (
            "late, with a dispute open",
            Action.OPEN_DISPUTE,
            order(SP, paid=9, ship_by=8, dispute_open_since=1),
            Reason.DISPUTE_OPEN,
        ),
        (
            "late, and settled",
            Action.OPEN_DISPUTE,
            order(SP, paid=9, ship_by=8, dispute_settled=1),
            Reason.DISPUTE_SETTLED,
        ),
        (
            "late, and a replacement did not come either",
            Action.OPEN_DISPUTE,
            order(SP, paid=90, ship_by=80, dispute_settled=31, replacement_agreed=31),
            ALLOWED,
        ),
        ("not after completion", Action.OPEN_DISPUTE, order(SP, shipped=9, completed=1), Reason.ALREADY_COMPLETED),
        ("completion comes before shipment", Action.OPEN_DISPUTE, order(SP, completed=1), Reason.ALREADY_COMPLETED),
        # Disputes 3: offline
        ("offline: complain", Action.FILE_COMPLAINT, order(OFF), ALLOWED),
        ("one at a time", Action.FILE_COMPLAINT, order(OFF, complaint_open_since=1), Reason.COMPLAINT_OPEN),
        ("not about an online order", Action.FILE_COMPLAINT, order(TA, paid=1), Reason.NOT_OFFERED),
        ("no dispute about an offline one", Action.OPEN_DISPUTE, order(OFF, paid=1), Reason.NOT_OFFERED),
    ],
)
def test_the_rules_decide_what_a_buyer_may_do(
    says: str, action: Action, facts: OrderFacts, expected: Reason | None
) -> None:
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
def test_the_rules_decide_what_a_supplier_may_do(
    says: str, action: Action, facts: OrderFacts, expected: Reason | None
) -> None:
    assert decide(action, facts, SUPPLIER).reason == expected, says


WINDOWS = [
    (Action.LEAVE_FEEDBACK, TA, 60, {"completed": 0.0}),
    (Action.LEAVE_FEEDBACK, SP, 30, {"completed": 0.0}),
    (Action.REVISE_FEEDBACK, TA, 30, {"completed": 2.0, "feedback_left": 1.0, "feedback_replied": 0.0}),
    (Action.REVISE_FEEDBACK, SP, 90, {"completed": 2.0, "feedback_left": 1.0, "feedback_replied": 0.0}),
    (Action.REPLY_TO_FEEDBACK, TA, 30, {"completed": 1.0, "feedback_left": 0.0}),
    (Action.REPLY_TO_FEEDBACK, SP, 30, {"completed": 1.0, "feedback_left": 0.0}),
]


def parties_of(action: Action) -> tuple[Viewer, Viewer]:
    """Returns who may do it, and the other party."""
    return (SUPPLIER, BUYER) if action is Action.REPLY_TO_FEEDBACK else (BUYER, SUPPLIER)


@pytest.mark.parametrize(("action", "kind", "days", "facts"), WINDOWS)
def test_the_last_instant_counts(action: Action, kind: OrderKind, days: int, facts: dict[str, float]) -> None:
    subject, end, (who, _) = order(kind, **facts), NOW + timedelta(days=days), parties_of(action)
    at_start, at_end = decide(action, subject, who), decide(action, subject, who, end)
    assert at_start.allowed
    assert at_end.allowed
    assert (at_end.opens_at, at_end.closes_at) == (NOW, end)
    assert decide(action, subject, who, NOW - MOMENT).reason is Reason.WINDOW_NOT_OPEN
    closed = decide(action, subject, who, end + MOMENT)
    assert closed.reason is Reason.WINDOW_CLOSED
    assert closed.closes_at == end
    assert policy.deadline(action, subject, end + 9 * DAY) == end


@pytest.mark.parametrize(("action", "kind", "days", "facts"), WINDOWS)
def test_next_change_is_the_first_instant_that_differs(
    action: Action, kind: OrderKind, days: int, facts: dict[str, float]
) -> None:
    subject, end, (who, other) = order(kind, **facts), NOW + timedelta(days=days), parties_of(action)
    assert policy.next_change_at(subject, who, NOW - DAY) == NOW
    assert policy.next_change_at(subject, who, NOW) == end + MOMENT
    assert policy.next_change_at(subject, who, end) == end + MOMENT
    assert policy.next_change_at(subject, who, end + MOMENT) is None
    assert policy.next_change_at(subject, other, NOW) is None


NOON = "15 June 2026, 12:00 UTC"


@pytest.mark.parametrize(
    ("says", "facts", "opens_at", "message"),
    [
        (
            "late from the moment after the last instant to ship",
            order(SP, paid=9, ship_by=0),
            NOW + MOMENT,
            f"has not agreed to cancel it. This will be possible from {NOON}.",
        ),
        (
            "unanswered from the moment after the last instant to answer",
            order(SP, paid=9, cancellation_pending_since=5),
            NOW + MOMENT,
            f"has not agreed to cancel it. This will be possible from {NOON}.",
        ),
        (
            "whichever comes first",
            order(SP, paid=9, ship_by=-2, cancellation_pending_since=4),
            NOW + DAY + MOMENT,
            "This will be possible from 16 June 2026, 12:00 UTC.",
        ),
        (
            "the answer alone, where nothing is paid",
            order(SP, ship_by=-2, cancellation_pending_since=1),
            NOW + 4 * DAY + MOMENT,
            "This will be possible from 19 June 2026, 12:00 UTC.",
        ),
        (
            "30 days after a replacement",
            order(TA, paid=90, dispute_settled=30, replacement_agreed=30),
            NOW + MOMENT,
            f"already been settled or decided. This will be possible from {NOON}.",
        ),
        (
            "the latest of what all have to hold",
            order(SP, paid=90, ship_by=-9, dispute_settled=1, replacement_agreed=1),
            NOW + 29 * DAY + MOMENT,
            "This will be possible from 14 July 2026, 12:00 UTC.",
        ),
        (
            "once a dispute has lapsed",
            order(TA, paid=90, dispute_open_since=9, dispute_lapses=0),
            NOW + MOMENT,
            f"open at a time. This will be possible from {NOON}.",
        ),
        ("never by itself, without a promise to ship", order(SP, paid=9), None, "has not agreed to cancel it."),
        (
            "never by itself, once settled",
            order(TA, paid=9, dispute_settled=1),
            None,
            "already been settled or decided.",
        ),
        ("never, once complete", order(SP, paid=9, ship_by=-2, completed=0), None, "after the order is complete."),
        ("never while the payment is on its way", order(TA, payment_submitted=1), None, "when it has been received."),
    ],
)
def test_a_refusal_shows_from_when_time_allows_it(
    says: str, facts: OrderFacts, opens_at: datetime | None, message: str
) -> None:
    refused = decide(Action.OPEN_DISPUTE, facts)
    assert not refused.allowed
    assert (refused.opens_at, refused.closes_at) == (opens_at, None), says
    assert (refused.message or "").endswith(message)
    if opens_at is not None:
        assert policy.next_change_at(facts, BUYER, NOW) == opens_at
        assert not decide(Action.OPEN_DISPUTE, facts, now=opens_at - MOMENT).allowed
        opened = decide(Action.OPEN_DISPUTE, facts, now=opens_at)
        assert (opened.allowed, opened.opens_at, opened.message) == (True, None, None)
    assert decide(Action.OPEN_DISPUTE, facts, SUPPLIER).opens_at is None


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
        (Action.REPORT_MISSING_REFUND, TA, "Report missing refund"),
        (Action.REPORT_MISSING_REFUND, SP, "Report missing refund"),
        (Action.RESOLVE_DISPUTE, TA, "Resolve dispute"),
    ],
)
def test_an_action_is_labelled_by_the_kind_of_order(action: Action, kind: OrderKind, label: str) -> None:
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


def dispute(**facts: Any) -> DisputeFacts:
    """Returns a dispute that is open at NOW, by default opened a day ago. Instants are days before NOW."""
    opened, due = facts.pop("opened", 1), facts.pop("due", -6)
    return DisputeFacts(
        buyer_id=PARTIES[Role.BUYER],
        supplier_id=PARTIES[Role.SUPPLIER],
        opened_at=NOW - opened * DAY,
        due_at=NOW - due * DAY,
        **facts,
    )


def offer(offered: int | None, currency: str | None, claimable: int, claimable_currency: str) -> dict[str, Any]:
    names = ("offered", "offered_currency", "claimable", "claimable_currency")
    return dict(zip(names, (offered, currency, claimable, claimable_currency), strict=True))


def claim(amount: int, currency: str, claimable: int, claimable_currency: str) -> dict[str, Any]:
    names = ("claim", "currency", "claimable", "claimable_currency")
    return dict(zip(names, (amount, currency, claimable, claimable_currency), strict=True))


CLOSED = {"closed_at": NOW, "waits_for": None}
ANSWERED: dict[str, Any] = {"opened": 3, "proposed_at": NOW, "answered_at": NOW - 2 * DAY}


def decided(days_ago: float, **facts: Any) -> DisputeFacts:
    closed = {"closed_as": DisputeStatus.RESOLVED, "closed_at": NOW - days_ago * DAY}
    return dispute(opened=99, due=-9999, **closed, **facts)


DISPUTES: dict[str, tuple[DisputeFacts, DisputeStatus]] = {
    "asked the supplier": (dispute(waits_for=Role.SUPPLIER, proposed_at=NOW), DisputeStatus.AWAITING_SUPPLIER),
    "last instant": (
        dispute(waits_for=Role.SUPPLIER, proposed_at=NOW, opened=7, due=0),
        DisputeStatus.AWAITING_SUPPLIER,
    ),
    "asked the buyer": (dispute(waits_for=Role.BUYER, **ANSWERED), DisputeStatus.AWAITING_BUYER),
    "rejected": (dispute(waits_for=Role.BUYER, **ANSWERED | {"proposed_at": None}), DisputeStatus.AWAITING_BUYER),
    "asked again": (dispute(waits_for=Role.SUPPLIER, **ANSWERED), DisputeStatus.AWAITING_SUPPLIER),
    "30 days old": (
        dispute(waits_for=Role.SUPPLIER, due=0, **ANSWERED | {"opened": 30}),
        DisputeStatus.AWAITING_SUPPLIER,
    ),
    "older": (
        dispute(waits_for=Role.SUPPLIER, due=MOMENT_AGO, **ANSWERED | {"opened": 30 + MOMENT_AGO}),
        DisputeStatus.UNDER_REVIEW,
    ),
    "not possible": (
        dispute(waits_for=Role.BUYER, **ANSWERED, **offer(50, "USD", 49, "USD")),
        DisputeStatus.AWAITING_BUYER,
    ),
    "other currency": (
        dispute(waits_for=Role.BUYER, **ANSWERED, **offer(50, "USD", 90, "EUR")),
        DisputeStatus.AWAITING_BUYER,
    ),
    "taken back": (
        dispute(waits_for=Role.BUYER, **ANSWERED, **offer(1, "USD", 0, "USD")),
        DisputeStatus.AWAITING_BUYER,
    ),
    "just possible": (
        dispute(waits_for=Role.BUYER, **ANSWERED, **offer(50, "USD", 50, "USD")),
        DisputeStatus.AWAITING_BUYER,
    ),
    "without money": (
        dispute(waits_for=Role.BUYER, **ANSWERED, **offer(None, None, 0, "EUR")),
        DisputeStatus.AWAITING_BUYER,
    ),
    "claim too large": (
        dispute(waits_for=Role.SUPPLIER, proposed_at=NOW, **claim(50, "USD", 49, "USD")),
        DisputeStatus.AWAITING_SUPPLIER,
    ),
    "claim too large in review": (
        dispute(waits_for=Role.AGENT, due=0, **claim(50, "USD", 50, "EUR")),
        DisputeStatus.UNDER_REVIEW,
    ),
    "claim just possible": (
        dispute(waits_for=Role.SUPPLIER, proposed_at=NOW, **claim(50, "USD", 50, "USD")),
        DisputeStatus.AWAITING_SUPPLIER,
    ),
    "unanswered": (
        dispute(waits_for=Role.SUPPLIER, proposed_at=NOW, opened=8, due=MOMENT_AGO),
        DisputeStatus.UNDER_REVIEW,
    ),
    "escalated": (dispute(waits_for=Role.AGENT, opened=4, due=1), DisputeStatus.UNDER_REVIEW),
    "buyer's evidence": (
        dispute(waits_for=Role.BUYER, evidence_asked_at=NOW, opened=9),
        DisputeStatus.EVIDENCE_REQUESTED,
    ),
    "supplier's evidence": (
        dispute(waits_for=Role.SUPPLIER, evidence_asked_at=NOW, due=0),
        DisputeStatus.EVIDENCE_REQUESTED,
    ),
    "supplier silent": (
        dispute(waits_for=Role.SUPPLIER, evidence_asked_at=NOW, due=MOMENT_AGO),
        DisputeStatus.UNDER_REVIEW,
    ),
    "buyer silent": (dispute(waits_for=Role.BUYER, evidence_asked_at=NOW, due=MOMENT_AGO), DisputeStatus.LAPSED),
    "settled": (dispute(closed_as=DisputeStatus.SETTLED, **CLOSED), DisputeStatus.SETTLED),
    "resolved": (dispute(closed_as=DisputeStatus.RESOLVED, **CLOSED), DisputeStatus.RESOLVED),
    "withdrawn": (dispute(closed_as=DisputeStatus.WITHDRAWN, **CLOSED), DisputeStatus.WITHDRAWN),
    "lapsed": (dispute(closed_as=DisputeStatus.LAPSED, **CLOSED), DisputeStatus.LAPSED),
    "resolved 30 days ago": (decided(30), DisputeStatus.RESOLVED),
    "resolved before that": (decided(30 + MOMENT_AGO), DisputeStatus.RESOLVED),
    "resolved and paid": (decided(1, paid_back_at=NOW), DisputeStatus.RESOLVED),
    "appealed": (dispute(waits_for=Role.AGENT, opened=9, due=0, reopened_at=NOW), DisputeStatus.UNDER_REVIEW),
    "appealed, buyer's evidence": (
        dispute(waits_for=Role.BUYER, opened=9, due=0, evidence_asked_at=NOW, reopened_at=NOW),
        DisputeStatus.EVIDENCE_REQUESTED,
    ),
    "appealed, buyer silent": (
        dispute(waits_for=Role.BUYER, opened=9, due=MOMENT_AGO, evidence_asked_at=NOW, reopened_at=NOW),
        DisputeStatus.UNDER_REVIEW,
    ),
    "resolved again": (decided(1, reopened_at=NOW), DisputeStatus.RESOLVED),
    "settled after an appeal": (
        dispute(closed_as=DisputeStatus.SETTLED, reopened_at=NOW, **CLOSED),
        DisputeStatus.SETTLED,
    ),
}
CODES = {
    "yes": None,
    "role": Reason.NOT_YOUR_ROLE,
    "turn": Reason.NOT_YOUR_TURN,
    "none": Reason.NO_PROPOSAL,
    "less": Reason.OFFER_NOT_POSSIBLE,
    "early": Reason.WINDOW_NOT_OPEN,
    "review": Reason.ALREADY_UNDER_REVIEW,
    "not": Reason.NOT_UNDER_REVIEW,
    "closed": Reason.CASE_CLOSED,
    "answered": Reason.ALREADY_ANSWERED,
    "undecided": Reason.NOT_DECIDED,
    "once": Reason.ALREADY_APPEALED,
    "paid": Reason.REFUND_PAID,
    "late": Reason.WINDOW_CLOSED,
}
DISPUTE_ACTIONS = (
    Action.PROPOSE_RESOLUTION,
    Action.ACCEPT_PROPOSAL,
    Action.REJECT_PROPOSAL,
    Action.POST_DISPUTE_MESSAGE,
    Action.ESCALATE_DISPUTE,
    Action.WITHDRAW_DISPUTE,
    Action.REQUEST_EVIDENCE,
    Action.RESOLVE_DISPUTE,
    Action.CONCEDE_DISPUTE,
    Action.REVISE_CLAIM,
    Action.APPEAL_DECISION,
)
# Who may do what in which state, or the reason why not. "closed" stands for all five closed states.
DISPUTE_TABLE = """
state                      | who      | propose accept reject write  escalate withdraw evidence resolve concede revise   appeal
asked the supplier         | buyer    | turn    turn   turn   yes    early    yes      role     role    role    yes      undecided
asked the supplier         | supplier | yes     yes    yes    yes    early    role     role     role    yes     role     undecided
asked the supplier         | agent    | role    role   role   yes    role     role     not      not     role    role     role
last instant               | supplier | yes     yes    yes    yes    yes      role     role     role    yes     role     undecided
last instant               | buyer    | turn    turn   turn   yes    yes      yes      role     role    role    yes      undecided
asked the buyer            | buyer    | yes     yes    yes    yes    yes      yes      role     role    role    answered undecided
asked the buyer            | supplier | turn    turn   turn   yes    yes      role     role     role    yes     role     undecided
rejected                   | buyer    | yes     none   none   yes    yes      yes      role     role    role    answered undecided
rejected                   | supplier | turn    turn   turn   yes    yes      role     role     role    yes     role     undecided
asked again                | buyer    | turn    turn   turn   yes    yes      yes      role     role    role    answered undecided
asked again                | supplier | yes     yes    yes    yes    yes      role     role     role    yes     role     undecided
30 days old                | supplier | yes     yes    yes    yes    yes      role     role     role    yes     role     undecided
older                      | supplier | review  review review yes    review   role     role     role    yes     role     undecided
older                      | buyer    | review  review review yes    review   yes      role     role    role    review   undecided
older                      | agent    | role    role   role   yes    role     role     yes      yes     role    role     role
not possible               | buyer    | yes     less   yes    yes    yes      yes      role     role    role    answered undecided
not possible               | supplier | turn    turn   turn   yes    yes      role     role     role    yes     role     undecided
other currency             | buyer    | yes     less   yes    yes    yes      yes      role     role    role    answered undecided
taken back                 | buyer    | yes     less   yes    yes    yes      yes      role     role    role    answered undecided
just possible              | buyer    | yes     yes    yes    yes    yes      yes      role     role    role    answered undecided
without money              | buyer    | yes     yes    yes    yes    yes      yes      role     role    role    answered undecided
claim too large            | supplier | yes     yes    yes    yes    early    role     role     role    less    role     undecided
claim too large            | buyer    | turn    turn   turn   yes    early    yes      role     role    role    yes      undecided
claim too large in review  | supplier | review  review review yes    review   role     role     role    less    role     undecided
claim just possible        | supplier | yes     yes    yes    yes    early    role     role     role    yes     role     undecided
unanswered                 | buyer    | review  review review yes    review   yes      role     role    role    review   undecided
unanswered                 | supplier | review  review review yes    review   role     role     role    yes     role     undecided
unanswered                 | agent    | role    role   role   yes    role     role     yes      yes     role    role     role
escalated                  | buyer    | review  review review yes    review   yes      role     role    role    review   undecided
escalated                  | supplier | review  review review yes    review   role     role     role    yes     role     undecided
escalated                  | agent    | role    role   role   yes    role     role     yes      yes     role    role     role
buyer's evidence           | buyer    | review  review review yes    review   yes      role     role    role    review   undecided
buyer's evidence           | supplier | review  review review yes    review   role     role     role    yes     role     undecided
buyer's evidence           | agent    | role    role   role   yes    role     role     not      yes     role    role     role
supplier's evidence        | buyer    | review  review review yes    review   yes      role     role    role    review   undecided
supplier's evidence        | supplier | review  review review yes    review   role     role     role    yes     role     undecided
supplier's evidence        | agent    | role    role   role   yes    role     role     not      yes     role    role     role
supplier silent            | supplier | review  review review yes    review   role     role     role    yes     role     undecided
supplier silent            | agent    | role    role   role   yes    role     role     yes      yes     role    role     role
buyer silent               | buyer    | closed  closed closed closed closed   closed   role     role    role    closed   undecided
buyer silent               | supplier | closed  closed closed closed closed   role     role     role    closed  role     undecided
buyer silent               | agent    | role    role   role   closed role     role     closed   closed  role    role     role
settled                    | buyer    | closed  closed closed closed closed   closed   role     role    role    closed   undecided
settled                    | supplier | closed  closed closed closed closed   role     role     role    closed  role     undecided
resolved                   | buyer    | closed  closed closed closed closed   closed   role     role    role    closed   yes
resolved                   | supplier | closed  closed closed closed closed   role     role     role    closed  role     yes
resolved                   | agent    | role    role   role   closed role     role     closed   closed  role    role     role
withdrawn                  | buyer    | closed  closed closed closed closed   closed   role     role    role    closed   undecided
withdrawn                  | agent    | role    role   role   closed role     role     closed   closed  role    role     role
lapsed                     | buyer    | closed  closed closed closed closed   closed   role     role    role    closed   undecided
resolved 30 days ago       | buyer    | closed  closed closed closed closed   closed   role     role    role    closed   yes
resolved before that       | buyer    | closed  closed closed closed closed   closed   role     role    role    closed   late
resolved before that       | supplier | closed  closed closed closed closed   role     role     role    closed  role     late
resolved and paid          | buyer    | closed  closed closed closed closed   closed   role     role    role    closed   paid
resolved and paid          | supplier | closed  closed closed closed closed   role     role     role    closed  role     paid
appealed                   | buyer    | review  review review yes    review   yes      role     role    role    review   undecided
appealed                   | supplier | review  review review yes    review   role     role     role    yes     role     undecided
appealed                   | agent    | role    role   role   yes    role     role     yes      yes     role    role     role
appealed, buyer's evidence | buyer    | review  review review yes    review   yes      role     role    role    review   undecided
appealed, buyer's evidence | agent    | role    role   role   yes    role     role     not      yes     role    role     role
appealed, buyer silent     | buyer    | review  review review yes    review   yes      role     role    role    review   undecided
appealed, buyer silent     | supplier | review  review review yes    review   role     role     role    yes     role     undecided
appealed, buyer silent     | agent    | role    role   role   yes    role     role     yes      yes     role    role     role
resolved again             | buyer    | closed  closed closed closed closed   closed   role     role    role    closed   once
resolved again             | supplier | closed  closed closed closed closed   role     role     role    closed  role     once
settled after an appeal    | buyer    | closed  closed closed closed closed   closed   role     role    role    closed   undecided
"""


def rows(table: str) -> list[tuple[str, str, list[str]]]:
    lines = [line.split("|") for line in table.strip().splitlines()[1:]]
    return [(state.strip(), who.strip(), reasons.split()) for state, who, reasons in lines]


@pytest.mark.parametrize(("state", "who", "reasons"), rows(DISPUTE_TABLE))
def test_the_rules_decide_what_is_possible_in_a_dispute(state: str, who: str, reasons: list[str]) -> None:
    facts, status = DISPUTES[state]
    viewer = Viewer(Role[who.upper()])
    assert policy.status_at(policy.DISPUTE_STATUSES, facts, NOW) is status
    given = {action: decide(action, facts, viewer).reason for action in DISPUTE_ACTIONS}
    assert given == {action: CODES[code] for action, code in zip(DISPUTE_ACTIONS, reasons, strict=True)}


RETURN_ACTIONS = (
    Action.PROVIDE_RETURN_ADDRESS,
    Action.CONFIRM_RETURN_SHIPPED,
    Action.CONFIRM_RETURN_RECEIVED,
    Action.REFUSE_RETURN,
)


@pytest.mark.parametrize("state", DISPUTES)
def test_the_order_system_does_nothing_to_disputes(state: str) -> None:
    for action in (*DISPUTE_ACTIONS, *RETURN_ACTIONS):
        assert decide(action, DISPUTES[state][0], Viewer(Role.SERVICE)).reason is Reason.NOT_YOUR_ROLE


@pytest.mark.parametrize("state", DISPUTES)
def test_nothing_is_sent_back_where_no_outcome_says_so(state: str) -> None:
    for action in RETURN_ACTIONS:
        is_the_buyers = action is Action.CONFIRM_RETURN_SHIPPED
        for who, may in ((BUYER, is_the_buyers), (SUPPLIER, not is_the_buyers), (Viewer(Role.AGENT), False)):
            reason = decide(action, DISPUTES[state][0], who).reason
            assert reason is (Reason.NO_RETURN if may else Reason.NOT_YOUR_ROLE)


# Whose move it is, whether it is over, and until when it can be answered, in days from NOW.
STANDING: dict[str, tuple[Role | None, bool, float | None, float | None]] = {
    "asked the supplier": (Role.SUPPLIER, False, 6, 29),
    "last instant": (Role.SUPPLIER, False, 0, 23),
    "asked the buyer": (Role.BUYER, False, 6, 27),
    "30 days old": (Role.SUPPLIER, False, 0, 0),
    "older": (Role.AGENT, False, None, None),
    "unanswered": (Role.AGENT, False, None, None),
    "escalated": (Role.AGENT, False, None, None),
    "buyer's evidence": (Role.BUYER, False, 6, None),
    "supplier's evidence": (Role.SUPPLIER, False, 0, None),
    "supplier silent": (Role.AGENT, False, None, None),
    "buyer silent": (None, True, None, None),
    "settled": (None, True, None, None),
    "withdrawn": (None, True, None, None),
    "lapsed": (None, True, None, None),
    "resolved": (None, False, None, None),
    "resolved 30 days ago": (None, False, None, None),
    "resolved before that": (None, True, None, None),
    "resolved and paid": (None, True, None, None),
    "appealed": (Role.AGENT, False, None, None),
    "appealed, buyer's evidence": (Role.BUYER, False, 0, None),
    "appealed, buyer silent": (Role.AGENT, False, None, None),
    "resolved again": (None, True, None, None),
    "settled after an appeal": (None, True, None, None),
}


@pytest.mark.parametrize("state", STANDING)
def test_a_dispute_says_whose_move_it_is(state: str) -> None:
    facts, (mover, is_final, respond_by, escalates_at) = DISPUTES[state][0], STANDING[state]
    assert policy.waits_for(facts, NOW) is mover
    assert policy.DISPUTE_FINAL.holds(facts, Role.BUYER, NOW) == is_final
    assert policy.respond_by(facts, NOW) == (None if respond_by is None else NOW + respond_by * DAY)
    assert policy.escalates_at(facts, NOW) == (None if escalates_at is None else NOW + escalates_at * DAY)


def test_a_decision_can_be_appealed_for_30_days() -> None:
    for who in (BUYER, SUPPLIER):
        decision = decide(Action.APPEAL_DECISION, decided(30), who)
        assert (decision.allowed, decision.closes_at) == (True, NOW)
        assert policy.next_change_at(decided(30), who, NOW) == NOW + MOMENT
        late = decide(Action.APPEAL_DECISION, decided(30), who, NOW + MOMENT)
        assert (late.reason, late.closes_at) == (Reason.WINDOW_CLOSED, NOW)
        assert late.message == f"The decision could be appealed until {NOON}."


def test_a_silent_buyer_loses_nothing_after_an_appeal() -> None:
    silent = DISPUTES["appealed, buyer silent"][0]
    assert policy.expiration(silent, NOW) == (NOW - MOMENT, {"waits_for": Role.AGENT, "evidence_asked_at": None})
    lapsed = DISPUTES["buyer silent"][0]
    due_at, facts = policy.expiration(lapsed, NOW) or (None, {})
    assert (due_at, facts["closed_as"]) == (NOW - MOMENT, DisputeStatus.LAPSED)


def test_a_dispute_lapses_when_nobody_responds_in_time() -> None:
    seven_days = dispute(waits_for=Role.SUPPLIER, opened=0, due=-7)
    assert policy.respond_by(seven_days, NOW + 7 * DAY) == NOW + 7 * DAY
    assert policy.respond_by(seven_days, NOW + 7 * DAY + MOMENT) is None
    assert policy.expiration(seven_days, NOW + 7 * DAY) is None
    assert policy.expiration(seven_days, NOW + 9 * DAY) == (
        NOW + 7 * DAY,
        {"waits_for": Role.AGENT, "evidence_asked_at": None},
    )
    escalation = decide(Action.ESCALATE_DISPUTE, seven_days)
    assert (escalation.opens_at, escalation.closes_at) == (NOW + 3 * DAY, None)
    assert policy.next_change_at(seven_days, BUYER, NOW) == NOW + 3 * DAY
    assert policy.next_change_at(seven_days, BUYER, NOW + 3 * DAY) == NOW + 7 * DAY + MOMENT
    lapsing = dispute(waits_for=Role.BUYER, evidence_asked_at=NOW, due=-5)
    due, facts = policy.expiration(lapsing, NOW + 6 * DAY) or (None, {})
    assert (due, facts["closed_at"], facts["closed_as"]) == (NOW + 5 * DAY, NOW + 5 * DAY, DisputeStatus.LAPSED)


def test_a_lapsed_dispute_lets_another_be_opened() -> None:
    lapsing = order(TA, paid=9, dispute_open_since=8, dispute_lapses=0)
    assert decide(Action.OPEN_DISPUTE, lapsing).reason is Reason.DISPUTE_OPEN
    assert decide(Action.OPEN_DISPUTE, lapsing, now=NOW + MOMENT).allowed
    assert policy.next_change_at(lapsing, BUYER, NOW) == NOW + MOMENT


def complaint(**facts: Any) -> ComplaintFacts:
    return ComplaintFacts(complainant_id=PARTIES[Role.BUYER], opened_at=NOW - 5 * DAY, **facts)


COMPLAINTS: dict[str, tuple[ComplaintFacts, ComplaintStatus]] = {
    "filed": (complaint(waits_for=Role.AGENT), ComplaintStatus.SUBMITTED),
    "taken up": (complaint(waits_for=Role.AGENT, answered_at=NOW), ComplaintStatus.UNDER_REVIEW),
    "asked back": (complaint(waits_for=Role.BUYER, answered_at=NOW), ComplaintStatus.AWAITING_COMPLAINANT),
    "resolved": (complaint(closed_as=ComplaintStatus.RESOLVED, **CLOSED), ComplaintStatus.RESOLVED),
    "rejected": (complaint(closed_as=ComplaintStatus.REJECTED, **CLOSED), ComplaintStatus.REJECTED),
    "withdrawn": (complaint(closed_as=ComplaintStatus.WITHDRAWN, **CLOSED), ComplaintStatus.WITHDRAWN),
}
COMPLAINT_ACTIONS = (
    Action.POST_COMPLAINT_MESSAGE,
    Action.WITHDRAW_COMPLAINT,
    Action.TAKE_UP_COMPLAINT,
    Action.RESOLVE_COMPLAINT,
    Action.REJECT_COMPLAINT,
)
COMPLAINT_TABLE = """
state      | who   | write  withdraw take-up resolve reject
filed      | buyer | yes    yes      role    role    role
filed      | agent | yes    role     yes     yes     yes
taken up   | buyer | yes    yes      role    role    role
taken up   | agent | yes    role     review  yes     yes
asked back | buyer | yes    yes      role    role    role
asked back | agent | yes    role     review  yes     yes
resolved   | buyer | closed closed   role    role    role
resolved   | agent | closed role     closed  closed  closed
rejected   | buyer | closed closed   role    role    role
rejected   | agent | closed role     closed  closed  closed
withdrawn  | buyer | closed closed   role    role    role
withdrawn  | agent | closed role     closed  closed  closed
"""


@pytest.mark.parametrize(("state", "who", "reasons"), rows(COMPLAINT_TABLE))
def test_the_rules_decide_what_is_possible_in_a_complaint(state: str, who: str, reasons: list[str]) -> None:
    facts, status = COMPLAINTS[state]
    assert policy.status_at(policy.COMPLAINT_STATUSES, facts, NOW) is status
    given = {action: decide(action, facts, Viewer(Role[who.upper()])).reason for action in COMPLAINT_ACTIONS}
    assert given == {action: CODES[code] for action, code in zip(COMPLAINT_ACTIONS, reasons, strict=True)}


def test_actions_are_asked_of_their_own_subject() -> None:
    open_dispute = DISPUTES["asked the supplier"][0]
    assert decide(Action.WITHDRAW_DISPUTE, order(TA, paid=1)).reason is Reason.NOT_OFFERED
    assert decide(Action.OPEN_DISPUTE, open_dispute).reason is Reason.NOT_OFFERED
    assert decide(Action.WITHDRAW_COMPLAINT, open_dispute).reason is Reason.NOT_OFFERED
    assert decide(Action.OPEN_DISPUTE, None).reason is Reason.NOT_FOUND


@dataclass(frozen=True)
class Stranger(Viewer):
    @property
    def id(self) -> UUID:
        return UUID(int=99)


@pytest.mark.parametrize("role", [Role.BUYER, Role.SUPPLIER])
def test_another_partys_facts_are_not_found(role: Role) -> None:
    for facts in (order(TA, paid=1), DISPUTES["escalated"][0]):
        assert decide(Action.OPEN_DISPUTE, facts, Stranger(role)).reason is Reason.NOT_FOUND
        assert policy.available_actions(facts, Stranger(role), NOW) == []


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
    assert policy.status_at(policy.ORDER_STATUSES, facts, NOW) is status


def test_deadlines_are_null_where_there_is_nothing_to_wait_for() -> None:
    for facts in (order(TA), order(TA, completed=1, feedback_left=0), order(OFF, completed=1)):
        assert policy.deadline(Action.LEAVE_FEEDBACK, facts, NOW) is None
    for facts in (
        order(TA, completed=2, feedback_left=1),
        order(TA, completed=3, feedback_left=2, feedback_replied=1, feedback_revised=0),
    ):
        assert policy.deadline(Action.REVISE_FEEDBACK, facts, NOW) is None


PAID = {"paid_at": NOW, "amount_paid": 90}


@pytest.mark.parametrize(
    ("says", "facts", "most", "missing"),
    [
        ("what was paid", PAID, 90, 0),
        ("nothing of what cost nothing", {"paid_at": NOW, "amount_paid": 0}, 0, 0),
        ("all, where nothing was ever known to be paid", {}, 100, 0),
        ("nothing, where it was taken back", {"payment_reversed_at": NOW}, 0, 0),
        ("what was paid after that", {"payment_reversed_at": NOW, "paid_at": NOW, "amount_paid": 60}, 60, 0),
        ("more than the total, where more was paid", {"paid_at": NOW, "amount_paid": 130}, 130, 0),
        ("less what has arrived", PAID | {"amount_refunded": 20}, 70, 0),
        ("less what is on its way", PAID | {"amount_sent": 20}, 70, 0),
        ("less what is owed", PAID | {"amount_owed": 20}, 70, 20),
        ("less all of it", PAID | {"amount_refunded": 5, "amount_sent": 15, "amount_owed": 70}, 0, 70),
    ],
)
def test_the_claimable_amount_is_what_was_paid(says: str, facts: dict[str, Any], most: int, missing: int) -> None:
    known = OrderFacts(kind=TA, buyer_id=UUID(int=1), supplier_id=UUID(int=2), total=100, **facts)
    for reason in DisputeReason:
        limit = missing if reason is DisputeReason.REFUND_NOT_RECEIVED else most
        assert policy.claimable_amount(known, reason) == limit, says


@pytest.mark.parametrize("state", DISPUTES)
@pytest.mark.parametrize("who", [BUYER, SUPPLIER, Viewer(Role.AGENT)])
def test_what_is_listed_is_what_is_decided(state: str, who: Viewer) -> None:
    facts, _ = DISPUTES[state]
    listed = [each.action for each in policy.available_actions(facts, who, NOW)]
    assert listed == [action for action in DISPUTE_ACTIONS if decide(action, facts, who).allowed]
    assert listed == [action for action in DISPUTE_ACTIONS if policy.is_allowed(action, facts, who, NOW)]
