"""Returns as decision tables: every state, by what people did and by what time did, at each limit and a moment after."""

from copy import copy
from datetime import datetime, timedelta
from typing import Any

import pytest

from models.enums import Action, DisputeStatus, Reason, ReturnStatus, Role
from resolvers import policy
from resolvers.policy import DisputeFacts
from tests.conftest import DAY, MOMENT, NOW
from tests.policy.test_policy import (
    BUYER,
    DISPUTE_ACTIONS,
    DISPUTES,
    MOMENT_AGO,
    RETURN_ACTIONS,
    SUPPLIER,
    Viewer,
    decide,
    dispute,
    rows,
)

AGENT = Viewer(Role.AGENT)
SETTLED, RESOLVED = DisputeStatus.SETTLED, DisputeStatus.RESOLVED
NEVER = (NOW - policy.NEVER_DUE) / DAY  # in days before NOW


def returned(closed_as: DisputeStatus | None = SETTLED, **days_ago: Any) -> DisputeFacts:
    """Returns a dispute whose outcome is a return. Instants are days before NOW; `due` follows from them if left out."""
    facts = {f"{name}_at": NOW - days * DAY for name, days in days_ago.items() if name != "due"}
    began = facts["return_began_at"]
    limit = policy.return_deadline(began, facts.get("return_addressed_at"), facts.get("return_shipped_at"))
    closed = {"closed_as": closed_as, "closed_at": began} if closed_as else {"waits_for": Role.AGENT}
    return dispute(opened=99, due=days_ago.get("due", (NOW - limit) / DAY), **closed | facts)


SENT_BACK = {"return_began": 9, "return_addressed": 8, "return_shipped": 7}
REFUSED = SENT_BACK | {"return_refused": 0, "reopened": 0, "due": 0}
# The states, with the role whose move it is, its last instant in days from NOW, and whether the dispute is final.
RETURNS: dict[str, tuple[DisputeFacts, ReturnStatus | None, Role | None, float | None, bool]] = {
    "agreed": (returned(return_began=0), ReturnStatus.AWAITING_ADDRESS, Role.SUPPLIER, 5, False),
    "decided": (returned(RESOLVED, return_began=0), ReturnStatus.AWAITING_ADDRESS, Role.SUPPLIER, 5, False),
    "5 days without an address": (
        returned(return_began=5),
        ReturnStatus.AWAITING_ADDRESS,
        Role.SUPPLIER,
        0,
        False,
    ),
    "waived by time": (returned(return_began=5 + MOMENT_AGO), ReturnStatus.WAIVED, None, None, True),
    "waived by time, decided": (
        returned(RESOLVED, return_began=5 + MOMENT_AGO),
        ReturnStatus.WAIVED,
        None,
        None,
        False,
    ),
    "waived": (returned(return_began=9, return_waived=4), ReturnStatus.WAIVED, None, None, True),
    "address given": (
        returned(return_began=5, return_addressed=0),
        ReturnStatus.AWAITING_SHIPMENT,
        Role.BUYER,
        10,
        False,
    ),
    "address given, decided": (
        returned(RESOLVED, return_began=5, return_addressed=0),
        ReturnStatus.AWAITING_SHIPMENT,
        Role.BUYER,
        10,
        False,
    ),
    "10 days unsent": (
        returned(return_began=15, return_addressed=10),
        ReturnStatus.AWAITING_SHIPMENT,
        Role.BUYER,
        0,
        False,
    ),
    "expired by time": (
        returned(return_began=15, return_addressed=10 + MOMENT_AGO),
        ReturnStatus.EXPIRED,
        None,
        None,
        True,
    ),
    "expired": (
        returned(return_began=19, return_addressed=14, return_expired=4),
        ReturnStatus.EXPIRED,
        None,
        None,
        True,
    ),
    "sent": (
        returned(return_began=15, return_addressed=10, return_shipped=0),
        ReturnStatus.SHIPPED,
        Role.SUPPLIER,
        20,
        False,
    ),
    "sent, decided": (returned(RESOLVED, **SENT_BACK), ReturnStatus.SHIPPED, Role.SUPPLIER, 13, False),
    "20 days unanswered": (
        returned(return_began=35, return_addressed=30, return_shipped=20),
        ReturnStatus.SHIPPED,
        Role.SUPPLIER,
        0,
        False,
    ),
    "received by time": (
        returned(return_began=35, return_addressed=30, return_shipped=20 + MOMENT_AGO),
        ReturnStatus.RECEIVED,
        None,
        None,
        True,
    ),
    "received": (returned(**SENT_BACK, return_received=0, due=NEVER), ReturnStatus.RECEIVED, None, None, True),
    "received, decided": (
        returned(RESOLVED, **SENT_BACK, return_received=0, due=NEVER),
        ReturnStatus.RECEIVED,
        None,
        None,
        True,
    ),
    "refused": (returned(None, **REFUSED), ReturnStatus.REFUSED, Role.AGENT, None, False),
    "refused, decided again": (
        returned(RESOLVED, **REFUSED | {"due": NEVER}),
        ReturnStatus.REFUSED,
        None,
        None,
        True,
    ),
    "refused, withdrawn": (returned(**REFUSED | {"due": NEVER}), ReturnStatus.REFUSED, None, None, True),
    "appealed": (DISPUTES["appealed"][0], None, Role.AGENT, None, False),
    "appealed, withdrawn": (
        returned(RESOLVED, return_began=0, reopened=1),
        ReturnStatus.AWAITING_ADDRESS,
        Role.SUPPLIER,
        5,
        False,
    ),
}
CODES = {
    "yes": None,
    "role": Reason.NOT_YOUR_ROLE,
    "none": Reason.NO_RETURN,
    "over": Reason.RETURN_CLOSED,
    "given": Reason.RETURN_ADDRESS_GIVEN,
    "where?": Reason.NO_RETURN_ADDRESS,
    "sent": Reason.RETURN_SHIPPED,
    "unsent": Reason.RETURN_NOT_SHIPPED,
    "undecided": Reason.NOT_DECIDED,
    "once": Reason.ALREADY_APPEALED,
}
# Who may do what in which state, or the reason why not.
RETURN_TABLE = """
state                     | who      | address shipped received refuse appeal
agreed                    | supplier | yes     role    unsent   unsent undecided
agreed                    | buyer    | role    where?  role     role   undecided
agreed                    | agent    | role    role    role     role   role
decided                   | supplier | yes     role    unsent   unsent yes
decided                   | buyer    | role    where?  role     role   yes
decided                   | agent    | role    role    role     role   role
5 days without an address | supplier | yes     role    unsent   unsent undecided
5 days without an address | buyer    | role    where?  role     role   undecided
waived by time            | supplier | over    role    over     over   undecided
waived by time            | buyer    | role    over    role     role   undecided
waived by time, decided   | supplier | over    role    over     over   yes
waived by time, decided   | buyer    | role    over    role     role   yes
waived                    | supplier | over    role    over     over   undecided
waived                    | buyer    | role    over    role     role   undecided
waived                    | agent    | role    role    role     role   role
address given             | supplier | given   role    unsent   unsent undecided
address given             | buyer    | role    yes     role     role   undecided
address given             | agent    | role    role    role     role   role
address given, decided    | supplier | given   role    unsent   unsent yes
address given, decided    | buyer    | role    yes     role     role   yes
10 days unsent            | supplier | given   role    unsent   unsent undecided
10 days unsent            | buyer    | role    yes     role     role   undecided
expired by time           | supplier | over    role    over     over   undecided
expired by time           | buyer    | role    over    role     role   undecided
expired                   | supplier | over    role    over     over   undecided
expired                   | buyer    | role    over    role     role   undecided
expired                   | agent    | role    role    role     role   role
sent                      | supplier | given   role    yes      yes    undecided
sent                      | buyer    | role    sent    role     role   undecided
sent                      | agent    | role    role    role     role   role
sent, decided             | supplier | given   role    yes      yes    sent
sent, decided             | buyer    | role    sent    role     role   sent
20 days unanswered        | supplier | given   role    yes      yes    undecided
20 days unanswered        | buyer    | role    sent    role     role   undecided
received by time          | supplier | over    role    over     over   undecided
received by time          | buyer    | role    over    role     role   undecided
received                  | supplier | over    role    over     over   undecided
received                  | buyer    | role    over    role     role   undecided
received                  | agent    | role    role    role     role   role
received, decided         | supplier | over    role    over     over   sent
received, decided         | buyer    | role    over    role     role   sent
refused                   | supplier | over    role    over     over   undecided
refused                   | buyer    | role    over    role     role   undecided
refused                   | agent    | role    role    role     role   role
refused, decided again    | supplier | over    role    over     over   once
refused, decided again    | buyer    | role    over    role     role   once
refused, withdrawn        | supplier | over    role    over     over   undecided
refused, withdrawn        | buyer    | role    over    role     role   undecided
appealed                  | supplier | none    role    none     none   undecided
appealed                  | buyer    | role    none    role     role   undecided
appealed, withdrawn       | supplier | yes     role    unsent   unsent once
appealed, withdrawn       | buyer    | role    where?  role     role   once
"""


@pytest.mark.parametrize(("state", "who", "reasons"), rows(RETURN_TABLE))
def test_the_rules_decide_what_is_possible_in_a_return(state: str, who: str, reasons: list[str]) -> None:
    facts, viewer = RETURNS[state][0], Viewer(Role[who.upper()])
    actions = (*RETURN_ACTIONS, Action.APPEAL_DECISION)
    given = {action: decide(action, facts, viewer).reason for action in actions}
    assert given == {action: CODES[code] for action, code in zip(actions, reasons, strict=True)}


@pytest.mark.parametrize("state", RETURNS)
def test_a_return_says_whose_move_it_is_and_until_when(state: str) -> None:
    facts, status, mover, respond_by, is_final = RETURNS[state]
    assert policy.return_status(facts, NOW) is status
    assert policy.waits_for(facts, NOW) is mover
    assert policy.return_respond_by(facts, NOW) == (None if respond_by is None else NOW + respond_by * DAY)
    assert policy.DISPUTE_FINAL.holds(facts, Role.BUYER, NOW) == is_final
    assert policy.RETURN_RUNNING.holds(facts, Role.BUYER, NOW) == (respond_by is not None)


@pytest.mark.parametrize("state", RETURNS)
def test_a_return_leaves_all_else_as_it_is(state: str) -> None:
    """A dispute with a return is closed for everything else. One that was refused is reviewed as after an appeal."""
    facts = RETURNS[state][0]
    like = facts if facts.closed_at else DISPUTES["appealed"][0]
    others = [action for action in DISPUTE_ACTIONS if action is not Action.APPEAL_DECISION]
    for who in (BUYER, SUPPLIER, AGENT):
        for action in others:
            reason = decide(action, facts, who).reason
            assert reason is decide(action, like, who).reason
            assert facts.closed_at is None or reason in (Reason.CASE_CLOSED, Reason.NOT_YOUR_ROLE)
    for action in (*RETURN_ACTIONS, *DISPUTE_ACTIONS):
        assert decide(action, facts, Viewer(Role.SERVICE)).reason is Reason.NOT_YOUR_ROLE


@pytest.mark.parametrize("state", RETURNS)
@pytest.mark.parametrize("who", [BUYER, SUPPLIER, AGENT])
def test_what_is_listed_is_what_is_decided(state: str, who: Viewer) -> None:
    facts = RETURNS[state][0]
    listed = [each.action for each in policy.available_actions(facts, who, NOW)]
    assert listed == [action for action in (*DISPUTE_ACTIONS, *RETURN_ACTIONS) if decide(action, facts, who).allowed]


@pytest.mark.parametrize(
    ("actions", "who", "facts", "days", "ended_as", "fact"),
    [
        (
            [Action.PROVIDE_RETURN_ADDRESS],
            SUPPLIER,
            returned(return_began=0),
            5,
            ReturnStatus.WAIVED,
            "return_waived_at",
        ),
        (
            [Action.CONFIRM_RETURN_SHIPPED],
            BUYER,
            returned(return_began=4, return_addressed=0),
            10,
            ReturnStatus.EXPIRED,
            "return_expired_at",
        ),
        (
            [Action.CONFIRM_RETURN_RECEIVED, Action.REFUSE_RETURN],
            SUPPLIER,
            returned(return_began=9, return_addressed=4, return_shipped=0),
            20,
            ReturnStatus.RECEIVED,
            "return_received_at",
        ),
    ],
)
def test_past_its_limit_time_decides(
    actions: list[Action], who: Viewer, facts: DisputeFacts, days: int, ended_as: ReturnStatus, fact: str
) -> None:
    end = NOW + timedelta(days=days)
    running = policy.return_status(facts, NOW)
    for action in actions:
        for instant in (NOW, end - MOMENT, end):
            decision = decide(action, facts, who, instant)
            assert (decision.allowed, decision.opens_at, decision.closes_at) == (True, NOW, end)
        assert decide(action, facts, who, NOW - MOMENT).reason is Reason.WINDOW_NOT_OPEN
        late = decide(action, facts, who, end + MOMENT)
        assert (late.reason, late.message) == (
            Reason.RETURN_CLOSED,
            "The return is over. The dispute shows how it ended.",
        )
        assert (late.opens_at, late.closes_at) == (NOW, end)
    for instant in (NOW, end):
        assert policy.return_status(facts, instant) is running
        assert policy.next_change_at(facts, who, instant) == end + MOMENT
        assert policy.expiration(facts, instant) is None
    assert policy.return_status(facts, end + MOMENT) is ended_as
    assert policy.next_change_at(facts, who, end + MOMENT) is None
    assert policy.expiration(facts, end + MOMENT) == (end, {fact: end})
    assert policy.expiration(facts, end + 99 * DAY) == (end, {fact: end})


@pytest.mark.parametrize(
    "facts", [*(facts for facts, _ in DISPUTES.values()), *(facts for facts, *_ in RETURNS.values())]
)
def test_recording_what_time_did_changes_nothing_that_is_seen(facts: DisputeFacts) -> None:
    def seen(facts: DisputeFacts, now: datetime) -> Any:
        return (
            policy.status_at(policy.DISPUTE_STATUSES, facts, now),
            policy.return_status(facts, now),
            policy.waits_for(facts, now),
            policy.respond_by(facts, now),
            policy.return_respond_by(facts, now),
            bool(policy.DISPUTE_FINAL.holds(facts, Role.BUYER, now)),
            [(who, policy.available_actions(facts, who, now)) for who in (BUYER, SUPPLIER, AGENT)],
        )

    for now in (NOW, NOW + 400 * DAY):
        change = policy.expiration(facts, now)
        if change is not None:
            recorded = policy.fold(copy(facts), [change[1]])
            assert change[0] < now
            assert seen(recorded, now) == seen(facts, now)
            assert policy.expiration(recorded, now) is None
