"""What a decision says of the time after its action. That it is then shown is held in the state machines."""

from dataclasses import dataclass, field, fields
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from models.enums import Action, DisputeStatus, RefundStatus, ResolutionKind, Role
from resolvers import policy
from resolvers.policy import DisputeFacts, OrderFacts, RefundFacts
from tests.conftest import DAY, NOW
from tests.policy.test_policy import ANSWERED, OFF, SP, TA, Viewer, complaint, decided, dispute, order

B, S, AG = Role.BUYER, Role.SUPPLIER, Role.AGENT
NOBODY, FINAL = None, True


@dataclass(slots=True, kw_only=True)
class OrderRow(OrderFacts):
    all_refunds: list[RefundFacts] = field(default_factory=list[RefundFacts])


@dataclass(slots=True, kw_only=True)
class DisputeRow(DisputeFacts):
    """A dispute's facts with what its row says besides."""

    wanted: ResolutionKind = ResolutionKind.REFUND
    offered_resolution: ResolutionKind | None = None
    outcome_resolution: ResolutionKind | None = None
    claimable_if_reopened: tuple[int, str] | None = None
    appeals: list[Any] = field(default_factory=list[Any])


def row(facts: Any, **more: Any) -> Any:
    """Returns the row of an order or a dispute that has these facts."""
    row_type: Any = OrderRow if isinstance(facts, OrderFacts) else DisputeRow
    return row_type(**{each.name: getattr(facts, each.name) for each in fields(facts)}, **more)


def returning(**facts: Any) -> Any:
    settled = {"opened": 9, "due": -9999, "closed_at": NOW - 2 * DAY, "closed_as": DisputeStatus.SETTLED}
    return dispute(**settled | {"return_began_at": NOW - 2 * DAY} | facts)


OVERDUE = RefundFacts(status=RefundStatus.DUE, amount=1, outstanding=1, owed_since=NOW - 11 * DAY)
TURN = dispute(waits_for=S, proposed_at=NOW)
REVIEW = dispute(waits_for=AG, opened=4, due=1)
ASKED = dispute(waits_for=B, evidence_asked_at=NOW, opened=9, due=-5)
AGAIN = {"waits_for": AG, "opened": 9, "due": 0, "reopened_at": NOW - DAY}
ADDRESSED = {"return_addressed_at": NOW - DAY}
SENT = ADDRESSED | {"return_shipped_at": NOW - DAY}
RETURN, REFUND, REPLACE = ResolutionKind.RETURN_AND_REFUND, ResolutionKind.REFUND, ResolutionKind.REPLACEMENT
NEGOTIATION = "PROPOSE_RESOLUTION ACCEPT_PROPOSAL REJECT_PROPOSAL"
OPEN = "POST_DISPUTE_MESSAGE WITHDRAW_DISPUTE"


def kept(**facts: Any) -> list[Any]:
    """What a reopening of a dispute with an outcome kept."""
    closed = {"closed_at": (NOW - 3 * DAY).isoformat(), "closed_as": "RESOLVED"}
    return [SimpleNamespace(facts=closed | facts, outcome_resolution=REFUND, closed_at=NOW - 3 * DAY)]


# who, does what, to what; what opens and what closes for them; whether it is final, whose move it is, for how many days
TABLE: list[tuple[Role, Action, Any, str, str, bool, Role | None, float | None]] = [
    (B, Action.LEAVE_FEEDBACK, order(SP, completed=1), "", "LEAVE_FEEDBACK", False, S, 30),
    (S, Action.REPLY_TO_FEEDBACK, order(TA, completed=9, feedback_left=9), "", "REPLY_TO_FEEDBACK", False, B, 30),
    (S, Action.REPLY_TO_FEEDBACK, order(SP, completed=9, feedback_left=9), "", "REPLY_TO_FEEDBACK", False, B, 90),
    (
        B,
        Action.REVISE_FEEDBACK,
        order(TA, completed=9, feedback_left=9, feedback_replied=1),
        "",
        "REVISE_FEEDBACK",
        FINAL,
        NOBODY,
        None,
    ),
    (B, Action.CANCEL_ORDER, order(TA), "", "CANCEL_ORDER", FINAL, NOBODY, None),
    (B, Action.REQUEST_CANCELLATION, order(SP), "WITHDRAW_CANCELLATION", "REQUEST_CANCELLATION", False, S, 5),
    (
        B,
        Action.WITHDRAW_CANCELLATION,
        order(SP, cancellation_pending_since=6),
        "REQUEST_CANCELLATION",
        "WITHDRAW_CANCELLATION OPEN_DISPUTE",
        FINAL,
        NOBODY,
        None,
    ),
    *(
        (
            S,
            action,
            order(SP, cancellation_pending_since=1),
            "",
            "ACCEPT_CANCELLATION DECLINE_CANCELLATION",
            FINAL,
            None,
            None,
        )
        for action in (Action.ACCEPT_CANCELLATION, Action.DECLINE_CANCELLATION)
    ),
    (B, Action.OPEN_DISPUTE, order(TA, paid=1), "", "OPEN_DISPUTE", False, S, 7),
    # The dispute before lapsed, which is recorded first.
    (
        B,
        Action.OPEN_DISPUTE,
        order(TA, paid=9, dispute_open_since=8, dispute_lapses=1),
        "",
        "OPEN_DISPUTE",
        False,
        S,
        7,
    ),
    (B, Action.FILE_COMPLAINT, order(OFF), "", "FILE_COMPLAINT", False, AG, 5),
    (
        B,
        Action.REPORT_MISSING_REFUND,
        row(order(SP, paid=20, cancelled=11, refund_due=1, refund_reportable=1), all_refunds=[OVERDUE]),
        "",
        "REPORT_MISSING_REFUND",
        False,
        NOBODY,
        None,
    ),
    (S, Action.PROPOSE_RESOLUTION, TURN, "", NEGOTIATION, False, B, 7),
    (S, Action.REJECT_PROPOSAL, TURN, "", NEGOTIATION, False, B, 7),
    (B, Action.PROPOSE_RESOLUTION, dispute(waits_for=B, **ANSWERED | {"opened": 26}), "", NEGOTIATION, False, S, 4),
    (
        S,
        Action.ACCEPT_PROPOSAL,
        row(TURN, offered_resolution=REFUND),
        "",
        f"{NEGOTIATION} POST_DISPUTE_MESSAGE CONCEDE_DISPUTE",
        FINAL,
        NOBODY,
        None,
    ),
    (
        S,
        Action.ACCEPT_PROPOSAL,
        row(TURN, offered_resolution=RETURN),
        "PROVIDE_RETURN_ADDRESS",
        f"{NEGOTIATION} POST_DISPUTE_MESSAGE CONCEDE_DISPUTE",
        False,
        S,
        5,
    ),
    (S, Action.CONCEDE_DISPUTE, row(REVIEW), "", "POST_DISPUTE_MESSAGE CONCEDE_DISPUTE", FINAL, NOBODY, None),
    (
        S,
        Action.CONCEDE_DISPUTE,
        row(REVIEW, wanted=RETURN),
        "PROVIDE_RETURN_ADDRESS",
        "POST_DISPUTE_MESSAGE CONCEDE_DISPUTE",
        False,
        S,
        5,
    ),
    # The goods are back already.
    (
        S,
        Action.CONCEDE_DISPUTE,
        row(dispute(**AGAIN, **SENT, return_began_at=NOW, return_refused_at=NOW), wanted=RETURN),
        "",
        "POST_DISPUTE_MESSAGE CONCEDE_DISPUTE",
        FINAL,
        NOBODY,
        None,
    ),
    (B, Action.REVISE_CLAIM, TURN, "", "", False, S, 7),
    (B, Action.ESCALATE_DISPUTE, dispute(waits_for=S, opened=3), "", "ESCALATE_DISPUTE REVISE_CLAIM", False, AG, None),
    (B, Action.POST_DISPUTE_MESSAGE, TURN, "", "", False, S, 6),
    (B, Action.POST_DISPUTE_MESSAGE, ASKED, "", "", False, AG, None),  # with the file that it needs
    (B, Action.WITHDRAW_DISPUTE, REVIEW, "", OPEN, FINAL, NOBODY, None),
    (B, Action.WITHDRAW_DISPUTE, row(dispute(**AGAIN), appeals=kept()), "", OPEN, FINAL, NOBODY, None),
    # A return that was not over begins anew.
    (
        B,
        Action.WITHDRAW_DISPUTE,
        row(
            dispute(**AGAIN),
            appeals=kept(
                return_began_at=NOW.isoformat(), return_received_at=None, return_waived_at=None, return_expired_at=None
            ),
        ),
        "",
        OPEN,
        False,
        S,
        5,
    ),
    (AG, Action.REQUEST_EVIDENCE, REVIEW, "", "REQUEST_EVIDENCE", False, B, 5),
    (
        AG,
        Action.RESOLVE_DISPUTE,
        REVIEW,
        "",
        "POST_DISPUTE_MESSAGE REQUEST_EVIDENCE RESOLVE_DISPUTE",
        False,  # it can be appealed
        NOBODY,
        None,
    ),
    (
        AG,
        Action.RESOLVE_DISPUTE,
        dispute(**AGAIN),
        "",
        "POST_DISPUTE_MESSAGE REQUEST_EVIDENCE RESOLVE_DISPUTE",
        FINAL,
        NOBODY,
        None,
    ),
    (B, Action.APPEAL_DECISION, decided(1), OPEN, "APPEAL_DECISION", False, AG, None),
    (
        S,
        Action.APPEAL_DECISION,
        row(decided(1, claim=50, currency="USD"), claimable_if_reopened=(50, "USD")),
        "POST_DISPUTE_MESSAGE CONCEDE_DISPUTE",
        "APPEAL_DECISION",
        False,
        AG,
        None,
    ),
    (
        S,
        Action.APPEAL_DECISION,
        row(decided(1, claim=50, currency="USD"), claimable_if_reopened=(49, "USD")),
        "POST_DISPUTE_MESSAGE",
        "APPEAL_DECISION",
        False,
        AG,
        None,
    ),
    (S, Action.PROVIDE_RETURN_ADDRESS, returning(), "", "PROVIDE_RETURN_ADDRESS", False, B, 10),
    (B, Action.CONFIRM_RETURN_SHIPPED, returning(**ADDRESSED), "", "CONFIRM_RETURN_SHIPPED", False, S, 20),
    (
        S,
        Action.CONFIRM_RETURN_RECEIVED,
        returning(**SENT),
        "",
        "CONFIRM_RETURN_RECEIVED REFUSE_RETURN",
        FINAL,
        NOBODY,
        None,
    ),
    (
        S,
        Action.REFUSE_RETURN,
        row(returning(**SENT), claimable_if_reopened=(1, "USD")),
        "POST_DISPUTE_MESSAGE CONCEDE_DISPUTE",
        "CONFIRM_RETURN_RECEIVED REFUSE_RETURN",
        False,
        AG,
        None,
    ),
    (B, Action.POST_COMPLAINT_MESSAGE, complaint(waits_for=AG), "", "", False, AG, 0),
    (
        AG,
        Action.POST_COMPLAINT_MESSAGE,
        complaint(waits_for=AG),
        "",
        "TAKE_UP_COMPLAINT",
        False,
        B,
        None,
    ),
    (B, Action.POST_COMPLAINT_MESSAGE, complaint(waits_for=B, answered_at=NOW), "", "", False, AG, None),
    (AG, Action.TAKE_UP_COMPLAINT, complaint(waits_for=AG), "", "TAKE_UP_COMPLAINT", False, AG, None),
    (
        B,
        Action.WITHDRAW_COMPLAINT,
        complaint(waits_for=AG),
        "",
        "POST_COMPLAINT_MESSAGE WITHDRAW_COMPLAINT",
        FINAL,
        NOBODY,
        None,
    ),
    *(
        (
            AG,
            action,
            complaint(waits_for=B, answered_at=NOW),
            "",
            "POST_COMPLAINT_MESSAGE RESOLVE_COMPLAINT REJECT_COMPLAINT",
            FINAL,
            NOBODY,
            None,
        )
        for action in (Action.RESOLVE_COMPLAINT, Action.REJECT_COMPLAINT)
    ),
]


@pytest.mark.parametrize(("who", "action", "facts", "opens", "closes", "is_final", "waits_for", "days"), TABLE)
def test_a_decision_says_what_follows(
    who: Role,
    action: Action,
    facts: Any,
    opens: str,
    closes: str,
    is_final: bool,
    waits_for: Role | None,
    days: float | None,
) -> None:
    decision = policy.decide(action, facts, Viewer(who), NOW)
    assert decision.allowed
    said = policy.afterwards(decision)
    assert said is not None
    assert {each.action for each in said.opens} == set(opens.split())
    assert {each.action for each in said.closes} == set(closes.split())
    assert all(each.allowed for each in said.opens)
    assert all(not each.allowed and each.reason is not None for each in said.closes)
    until = None if days is None else NOW + timedelta(days=days)
    assert (said.is_final, said.waits_for, said.until) == (is_final, waits_for, until)


def test_every_action_of_the_table_is_in_this_one() -> None:
    assert {action for _, action, *_ in TABLE} == set(Action)


def test_nothing_follows_from_what_is_not_allowed() -> None:
    assert policy.afterwards(policy.decide(Action.LEAVE_FEEDBACK, order(TA), Viewer(B), NOW)) is None
    assert policy.afterwards(policy.decide(Action.CANCEL_ORDER, order(SP), Viewer(B), NOW)) is None


@pytest.mark.parametrize(
    ("who", "action", "facts"),
    [
        (S, Action.ACCEPT_PROPOSAL, TURN),  # which proposal?
        (S, Action.CONCEDE_DISPUTE, TURN),  # what did the buyer want?
        (B, Action.WITHDRAW_DISPUTE, dispute(**AGAIN)),  # which outcome stood?
        (S, Action.APPEAL_DECISION, decided(1)),  # how much could be claimed?
        (B, Action.REPORT_MISSING_REFUND, order(SP, paid=20, cancelled=11, refund_due=1, refund_reportable=1)),
    ],
)
def test_what_facts_do_not_say_is_not_guessed(who: Role, action: Action, facts: Any) -> None:
    decision = policy.decide(action, facts, Viewer(who), NOW)
    assert decision.allowed
    assert policy.afterwards(decision) is None


def test_what_follows_leaves_the_facts_as_they_are() -> None:
    facts = order(SP)
    assert policy.afterwards(policy.decide(Action.REQUEST_CANCELLATION, facts, Viewer(B), NOW)) is not None
    assert facts == order(SP)


def test_what_opens_says_what_follows_from_it() -> None:
    """An appeal that is withdrawn again lets the outcome stand."""
    facts = row(decided(1), outcome_resolution=REFUND)
    appeal = policy.afterwards(policy.decide(Action.APPEAL_DECISION, facts, Viewer(B), NOW))
    assert appeal is not None
    [withdrawal] = [each for each in appeal.opens if each.action is Action.WITHDRAW_DISPUTE]
    said = policy.afterwards(withdrawal)
    assert said is not None
    assert (said.opens, said.is_final) == ([], True)
