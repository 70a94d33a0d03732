"""The states of a dispute and its return: who can do what in each of them, and why the others cannot.

In the table, `+` allows the action for all its roles, `b` for the buyer and `s` for the supplier, whose turn it is.
Other words stand for the reason of the refusal; `s/none` is that of the supplier, whose turn it is. Whoever has no part
in an action is refused with NOT_YOUR_ROLE, whose turn it is not, with NOT_YOUR_TURN.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from models.enums import Action, DisputeStatus, ViewerState
from tests.conftest import DAY, MOMENT, World, usd
from tests.support.actions import MUTATIONS
from tests.support.disputes import Disputed, at

ROLES = {
    "PROPOSE_RESOLUTION": "buyer supplier",
    "ACCEPT_PROPOSAL": "buyer supplier",
    "REJECT_PROPOSAL": "buyer supplier",
    "POST_DISPUTE_MESSAGE": "buyer supplier agent",
    "ESCALATE_DISPUTE": "buyer supplier",
    "WITHDRAW_DISPUTE": "buyer",
    "REQUEST_EVIDENCE": "agent",
    "RESOLVE_DISPUTE": "agent",
    "CONCEDE_DISPUTE": "supplier",
    "REVISE_CLAIM": "buyer",
    "APPEAL_DECISION": "buyer supplier",
    "PROVIDE_RETURN_ADDRESS": "supplier",
    "CONFIRM_RETURN_SHIPPED": "buyer",
    "CONFIRM_RETURN_RECEIVED": "supplier",
    "REFUSE_RETURN": "supplier",
}
INPUTS: dict[str, dict[str, Any]] = {
    "PROPOSE_RESOLUTION": {"resolution": "NO_REFUND"},
    "POST_DISPUTE_MESSAGE": {"text": "x"},
    "REQUEST_EVIDENCE": {"party": "SUPPLIER", "text": "x"},
    "RESOLVE_DISPUTE": {"resolution": "NO_REFUND", "note": "x"},
    "REVISE_CLAIM": {"wanted": "REPLACEMENT"},
    "APPEAL_DECISION": {"text": "x", "attachments": ["x"]},
    "PROVIDE_RETURN_ADDRESS": {"address": "x"},
    "CONFIRM_RETURN_SHIPPED": {"carrier": "x", "trackingNumber": "x"},
    "REFUSE_RETURN": {"note": "x"},
}
REASONS = {
    "closed": "CASE_CLOSED",
    "review": "ALREADY_UNDER_REVIEW",
    "parties": "NOT_UNDER_REVIEW",
    "turn": "NOT_YOUR_TURN",
    "none": "NO_PROPOSAL",
    "gone": "OFFER_NOT_POSSIBLE",
    "early": "WINDOW_NOT_OPEN",
    "answered": "ALREADY_ANSWERED",
    "undecided": "NOT_DECIDED",
    "again": "ALREADY_APPEALED",
    "paid": "REFUND_PAID",
    "sent": "RETURN_SHIPPED",
    "late": "WINDOW_CLOSED",
    "goods": "NO_RETURN",
    "given": "RETURN_ADDRESS_GIVEN",
    "nowhere": "NO_RETURN_ADDRESS",
    "unsent": "RETURN_NOT_SHIPPED",
    "over": "RETURN_CLOSED",
}

# The columns are the actions in the order of ROLES: of negotiation, of everybody and agents, of the claim, an appeal,
# and the return.
_AT_FIRST = "s s s | + early + parties parties + + | undecided | goods goods goods goods"
_REVIEWED = "review review review | + review + + + + review | undecided | goods goods goods goods"
_AWAITED = "review review review | + review + parties + + review | undecided | goods goods goods goods"
_CLOSED = "closed closed closed | closed closed closed closed closed closed closed"
TABLE: dict[str, str] = {
    "opened": _AT_FIRST,
    "opened 3 days ago": _AT_FIRST.replace("early", "+"),
    "the supplier has rejected the claim": "b b/none b/none | + early + parties parties + answered | undecided | goods goods goods goods",
    "the supplier has proposed": "b b b | + early + parties parties + answered | undecided | goods goods goods goods",
    "the buyer has proposed": "s s s | + early + parties parties + answered | undecided | goods goods goods goods",
    "less was paid": "s s/gone s | + early + parties parties gone + | undecided | goods goods goods goods",
    "escalated": _REVIEWED,
    "nobody answered": _REVIEWED,
    "less was paid, and an agent has it": _REVIEWED.replace("+ + + + review", "+ + + gone review"),
    "evidence is asked of the buyer": _AWAITED,
    "evidence is asked of the supplier": _AWAITED,
    "the supplier sent no evidence": _REVIEWED,
    "the buyer sent no evidence": f"{_CLOSED} | undecided | goods goods goods goods",
    "withdrawn": f"{_CLOSED} | undecided | goods goods goods goods",
    "settled with a refund": f"{_CLOSED} | undecided | goods goods goods goods",
    "settled with a return": f"{_CLOSED} | undecided | + nowhere unsent unsent",
    "the return has an address": f"{_CLOSED} | undecided | given + unsent unsent",
    "the goods were sent back": f"{_CLOSED} | undecided | given sent + +",
    "the goods are back": f"{_CLOSED} | undecided | over over over over",
    "no address came": f"{_CLOSED} | undecided | over over over over",
    "nothing was sent back": f"{_CLOSED} | undecided | over over over over",
    "the goods count as received": f"{_CLOSED} | undecided | over over over over",
    "the goods were refused": _REVIEWED.replace("goods goods goods goods", "over over over over"),
    "the goods were refused, and an agent decided": f"{_CLOSED} | again | over over over over",
    "the goods were refused, and the buyer gave in": f"{_CLOSED} | undecided | over over over over",
    "decided": f"{_CLOSED} | + | goods goods goods goods",
    "decided 31 days ago": f"{_CLOSED} | late | goods goods goods goods",
    "decided and paid": f"{_CLOSED} | paid | goods goods goods goods",
    "decided with a return": f"{_CLOSED} | + | + nowhere unsent unsent",
    "the decided return has an address": f"{_CLOSED} | + | given + unsent unsent",
    "the goods of a decided return were sent back": f"{_CLOSED} | sent | given sent + +",
    "no address came for a decided return": f"{_CLOSED} | + | over over over over",
    "nothing of a decided return was sent back": f"{_CLOSED} | + | over over over over",
    "appealed": _REVIEWED,
    "a return was decided and appealed": _REVIEWED,
    "appealed, and the buyer sent no evidence": _REVIEWED,
    "appealed, and decided again": f"{_CLOSED} | again | goods goods goods goods",
    "appealed, and decided with a return": f"{_CLOSED} | again | + nowhere unsent unsent",
    "a return was appealed, and stands again": f"{_CLOSED} | again | + nowhere unsent unsent",
    "appealed, and conceded": f"{_CLOSED} | undecided | goods goods goods goods",
}


def _opened(world: World) -> Disputed:
    return Disputed(world, wanted="REFUND")


def _returning(world: World) -> Disputed:
    return Disputed(world).agreed()


def _return_decided(world: World) -> Disputed:
    return _opened(world).escalated().decided()


def _decided(world: World) -> Disputed:
    return _opened(world).escalated().decided("PARTIAL_REFUND", "20.00")


def _then(dispute: Disputed, role: str, mutation: str, **input: Any) -> Disputed:
    dispute.do(role, mutation, **input)
    return dispute


def _less_paid(dispute: Disputed) -> Disputed:
    dispute.record_again(amountPaid=usd("10.00"))
    return dispute


def _paid_back(dispute: Disputed) -> Disputed:
    dispute.tell_refund("SENT", "20.00")
    return dispute


def _proposed(dispute: Disputed, role: str) -> Disputed:
    return _then(dispute, role, "proposeResolution", resolution="PARTIAL_REFUND", amount=usd("10.00"))


def _asked(dispute: Disputed, party: str) -> Disputed:
    return _then(dispute, "agent", "requestEvidence", party=party, text="Photos?")


STATES: dict[str, Callable[[World], Disputed]] = {
    "opened": _opened,
    "opened 3 days ago": lambda world: _opened(world).after(3 * DAY),
    "the supplier has rejected the claim": lambda world: _then(_opened(world), "supplier", "rejectProposal"),
    "the supplier has proposed": lambda world: _proposed(_opened(world), "supplier"),
    "the buyer has proposed": lambda world: _proposed(_proposed(_opened(world), "supplier"), "buyer"),
    "less was paid": lambda world: _less_paid(_opened(world).after(DAY)),
    "escalated": lambda world: _opened(world).escalated(),
    "nobody answered": lambda world: _opened(world).after(8 * DAY),
    "less was paid, and an agent has it": lambda world: _less_paid(_opened(world).escalated().after(DAY)),
    "evidence is asked of the buyer": lambda world: _asked(_opened(world).escalated(), "BUYER"),
    "evidence is asked of the supplier": lambda world: _asked(_opened(world).escalated(), "SUPPLIER"),
    "the supplier sent no evidence": lambda world: _asked(_opened(world).escalated(), "SUPPLIER").after(6 * DAY),
    "the buyer sent no evidence": lambda world: _asked(_opened(world).escalated(), "BUYER").after(6 * DAY),
    "withdrawn": lambda world: _then(_opened(world), "buyer", "withdrawDispute"),
    "settled with a refund": lambda world: _opened(world).agreed(),
    "settled with a return": _returning,
    "the return has an address": lambda world: _returning(world).addressed(),
    "the goods were sent back": lambda world: _returning(world).addressed().sent_back(),
    "the goods are back": lambda world: _returning(world).addressed().sent_back().received(),
    "no address came": lambda world: _returning(world).after(6 * DAY),
    "nothing was sent back": lambda world: _returning(world).addressed().after(11 * DAY),
    "the goods count as received": lambda world: _returning(world).addressed().sent_back().after(21 * DAY),
    "the goods were refused": lambda world: _returning(world).addressed().sent_back().return_refused(),
    "the goods were refused, and an agent decided": lambda world: (
        _returning(world).addressed().sent_back().return_refused().decided("NO_REFUND", None)
    ),
    "the goods were refused, and the buyer gave in": lambda world: _then(
        _returning(world).addressed().sent_back().return_refused(), "buyer", "withdrawDispute"
    ),
    "decided": _decided,
    "decided 31 days ago": lambda world: _decided(world).after(31 * DAY),
    "decided and paid": lambda world: _paid_back(_decided(world)),
    "decided with a return": _return_decided,
    "the decided return has an address": lambda world: _return_decided(world).addressed(),
    "the goods of a decided return were sent back": lambda world: _return_decided(world).addressed().sent_back(),
    "no address came for a decided return": lambda world: _return_decided(world).after(6 * DAY),
    "nothing of a decided return was sent back": lambda world: _return_decided(world).addressed().after(11 * DAY),
    "appealed": lambda world: _decided(world).appealed(),
    "a return was decided and appealed": lambda world: _return_decided(world).addressed().appealed("supplier"),
    "appealed, and the buyer sent no evidence": lambda world: _asked(_decided(world).appealed(), "BUYER").after(
        6 * DAY
    ),
    "appealed, and decided again": lambda world: _decided(world).appealed().decided("REFUND"),
    "appealed, and decided with a return": lambda world: _decided(world).appealed().decided(),
    "a return was appealed, and stands again": lambda world: _then(
        _return_decided(world).addressed().appealed(), "buyer", "withdrawDispute"
    ),
    "appealed, and conceded": lambda world: _then(_decided(world).appealed(), "supplier", "concedeDispute"),
}


def expected(state: str, role: str) -> dict[str, str | None]:
    """Returns the reason for each action, None where it is allowed."""
    reasons: dict[str, str | None] = {}
    for (action, roles), cell in zip(ROLES.items(), TABLE[state].replace("|", "").split(), strict=True):
        turn, word = (cell[0], cell[2:] or "+") if cell[:1] in ("b", "s") and cell[1:2] in ("", "/") else ("", cell)
        if role not in roles.split():
            reasons[action] = "NOT_YOUR_ROLE"
        elif turn and turn != role[0]:
            reasons[action] = "NOT_YOUR_TURN"
        else:
            reasons[action] = None if word == "+" else REASONS[word]
    return reasons


DECISIONS = " ".join(f"{action}: decision(action: {action}) {{ reason }}" for action in ROLES)
ASKED = f"query($id: ID!) {{ node(id: $id) {{ ... on Dispute {{ availableActions {{ action }} {DECISIONS} }} }} }}"


def attempt(dispute: Disputed, role: str, actions: list[str]) -> dict[str, str]:
    """Does these actions in one request. Returns the code of each."""
    names = {action: MUTATIONS[Action[action]] for action in actions}
    types = {action: f"{name[0].upper()}{name[1:]}Input!" for action, name in names.items()}
    query = f"mutation({' '.join(f'${action}: {types[action]}' for action in actions)}) {{"
    query += " ".join(f"{a}: {names[a]}(input: ${a}) {{ userErrors {{ code }} }}" for a in actions) + "}"
    answers = dispute.person(role).ask(query, **{a: dispute.case | INPUTS.get(a, {}) for a in actions})
    return {action: ",".join(error["code"] for error in answers[action]["userErrors"]) for action in actions}


LISTS = ("status", "state", "open", "statuses", "states", "closed")
_VARIABLES = ", ".join(f"${name}: DisputeFilter" for name in LISTS)
_FIELDS = " ".join(f"{name}: disputes(filter: ${name}) {{ edges {{ node {{ id }} }} }}" for name in LISTS)
LISTED = f"query({_VARIABLES}) {{ viewer {{ {_FIELDS} }} }}"


def check_lists(dispute: Disputed, role: str) -> None:
    """Checks that the lists find it by what it shows, and by nothing else."""
    shown = dispute.seen(role)
    status, state, is_open = shown["status"], shown["viewerState"], shown["closedAt"] is None
    filters = {
        "status": {"statuses": [status]},
        "state": {"viewerStates": [state]},
        "open": {"open": is_open},
        "statuses": {"statuses": [each for each in DisputeStatus if each != status]},
        "states": {"viewerStates": [each for each in ViewerState if each != state]},
        "closed": {"open": not is_open},
    }
    viewer = dispute.person(role).ask(LISTED, **filters)["viewer"]
    found = {name: [edge["node"]["id"] for edge in viewer[name]["edges"]] for name in filters}
    assert found == {name: [dispute.id] if name in ("status", "state", "open") else [] for name in filters}


def test_the_table_has_every_state() -> None:
    assert TABLE.keys() == STATES.keys()


@pytest.mark.parametrize("state", TABLE)
def test_who_can_do_what(world: World, state: str) -> None:
    dispute = STATES[state](world)
    before = dispute.seen()
    for role in ("buyer", "supplier", "agent", "service"):
        reasons = expected(state, role)
        node = dispute.person(role).ask(ASKED, id=dispute.id)["node"]
        assert {action: node[action]["reason"] for action in ROLES} == reasons
        assert [each["action"] for each in node["availableActions"]] == [a for a in ROLES if reasons[a] is None]
        refused = {action: reason for action, reason in reasons.items() if reason is not None}
        assert attempt(dispute, role, list(refused)) == refused
        if role != "agent":  # whose lists have the disputes of all tests
            check_lists(dispute, role)
    assert dispute.seen() == before
    # One of the allowed actions is done, in each state another one.
    allowed = [
        (role, a) for role in ("buyer", "supplier", "agent") for a, r in expected(state, role).items() if r is None
    ]
    if allowed:
        role, action = allowed[list(TABLE).index(state) % len(allowed)]
        files = {"attachments": [dispute.file(role)]} if action in ("APPEAL_DECISION", "POST_DISPUTE_MESSAGE") else {}
        dispute.do(role, MUTATIONS[Action[action]], **INPUTS.get(action, {}) | files)


def test_what_could_be_done_reads_the_same_later(world: World) -> None:
    dispute = Disputed(world, wanted="REPLACEMENT", claim=None)
    noted: list[tuple[datetime, str, dict[str, Any]]] = []

    def note(span: timedelta = timedelta(0)) -> None:
        """Notes what everybody can do at that time after now."""
        for role in ("buyer", "supplier", "agent"):
            node = dispute.person(role, dispute.now + span).ask(ASKED, id=dispute.id)["node"]
            noted.append((dispute.now + span, role, {action: node[action] for action in ROLES}))

    def do(role: str, mutation: str, **input: Any) -> None:
        dispute.after(DAY).do(role, mutation, **input)
        note()

    note()
    do("buyer", "reviseClaim", wanted="RETURN_AND_REFUND", claim=usd("60.00"))
    dispute.after(DAY).record_again(amountPaid=usd("10.00"))
    note()
    dispute.after(DAY).record_again(amountPaid=usd("100.00"))
    note()
    do("supplier", "rejectProposal")
    note(7 * DAY)
    note(7 * DAY + MOMENT)
    dispute.after(8 * DAY)
    do("agent", "resolveDispute", resolution="RETURN_AND_REFUND", amount=usd("50.00"), note="x")
    do("supplier", "provideReturnAddress", address="x")
    note(10 * DAY)
    note(10 * DAY + MOMENT)
    dispute.after(11 * DAY)
    do("buyer", "appealDecision", text="x", attachments=[dispute.file("buyer")])
    do("agent", "requestEvidence", party="BUYER", text="x")
    note(5 * DAY + MOMENT)
    dispute.after(6 * DAY)
    do("buyer", "withdrawDispute")
    assert_same_later(dispute, noted)
    dispute, noted = Disputed(world), []
    do("supplier", "concedeDispute")
    do("supplier", "provideReturnAddress", address="x")
    do("buyer", "confirmReturnShipped", carrier="x", trackingNumber="x")
    do("supplier", "refuseReturn", note="x")
    do("buyer", "withdrawDispute")
    assert_same_later(dispute, noted)


def assert_same_later(dispute: Disputed, noted: list[tuple[datetime, str, dict[str, Any]]]) -> None:
    then = dispute.now + 400 * DAY
    fields = " ".join(f"{action}: decision(action: {action}, at: $at) {{ reason }}" for action in ROLES)
    query = f"query($id: ID!, $at: DateTime) {{ node(id: $id) {{ ... on Dispute {{ {fields} }} }} }}"
    for instant, role, decisions in noted:
        found = dispute.person(role, then).ask(query, id=dispute.id, at=at(instant))["node"]
        assert found == decisions, (instant, role)
