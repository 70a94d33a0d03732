"""Appeals: what an agent decided is decided anew, once. Until then nothing of the first decision is owed."""

from collections.abc import Callable
from typing import Any

import pytest

from models.enums import Role
from tests.conftest import DAY, MOMENT, Person, World, usd
from tests.support.disputes import Disputed, at, texts
from tests.support.uploads import PNG, announce

CAN_OPEN = """{ viewer { orders(filter: {can: OPEN_DISPUTE}) { edges { node { id } } } } }"""


def decided(world: World, resolution: str = "REFUND", amount: str | None = "60.00", **wish: Any) -> Disputed:
    return Disputed(world, **{"wanted": "REFUND"} | wish).escalated().decided(resolution, amount)


def returning(world: World) -> Disputed:
    return decided(world, "RETURN_AND_REFUND")


DECISIONS: dict[str, Callable[[World], Disputed]] = {
    "a refund": decided,
    "nothing": lambda world: decided(world, "NO_REFUND", None),
    "a replacement": lambda world: decided(world, "REPLACEMENT", None),
    "a return without an address yet": returning,
    "a return that was not sent yet": lambda world: returning(world).addressed(),
    "a return that was waived": lambda world: returning(world).after(6 * DAY),
    "a return that has expired": lambda world: returning(world).addressed().after(11 * DAY),
}
AGAIN = {"a return without an address yet", "a return that was not sent yet"}  # they begin anew


def money(dispute: Any) -> list[tuple[str, str]]:
    return [(refund["status"], refund["amount"]["amount"]) for refund in dispute["refunds"]]


@pytest.mark.parametrize("says", DECISIONS)
@pytest.mark.parametrize("role", ["buyer", "supplier"])
def test_a_decision_is_appealed_and_stands_again_when_the_buyer_withdraws(world: World, role: str, says: str) -> None:
    dispute = DECISIONS[says](world)
    before, order_before = dispute.seen(), dispute.order_seen()
    assert (before["status"], before["isFinal"], before["viewerState"]) == (
        "RESOLVED",
        False,
        {"a return that was not sent yet": "ACTION_REQUIRED", "a return without an address yet": "WAITING_FOR_OTHER_PARTY"}
        .get(says, "CLOSED"),
    )  # fmt: skip
    assert order_before["openDispute"]["reason"] == "DISPUTE_SETTLED"
    appealed = dispute.after(DAY).appealed(role).seen()
    assert (appealed["status"], appealed["isFinal"], appealed["closedAt"]) == ("UNDER_REVIEW", False, None)
    assert (appealed["outcome"], appealed["returnShipment"], appealed["refund"]) == (None, None, None)
    assert (appealed["respondBy"], appealed["escalatesAt"]) == (None, None)
    assert money(appealed) == [("VOID", amount) for _, amount in money(before)]
    assert appealed["appeal"] == {
        "by": {"role": role.upper()},
        "at": at(dispute.now),
        "text": "Look again.",
        "decision": before["outcome"],
    }
    assert [file["filename"] for file in appealed["evidence"]] == ["a.txt"]
    assert texts(appealed)[-1] == texts(dispute.order_seen())[-1] == "The decision was appealed."
    states = [dispute.seen(each)["viewerState"] for each in ("buyer", "supplier", "agent", "service")]
    assert states == ["UNDER_REVIEW", "UNDER_REVIEW", "ACTION_REQUIRED", "UNDER_REVIEW"]
    assert dispute.order_seen()["openDispute"] == {"allowed": False, "reason": "DISPUTE_OPEN", "opensAt": None}
    # What was decided about the time before reads the same.
    for instant, reason in ((dispute.now - MOMENT, None), (dispute.now, "NOT_DECIDED")):
        assert dispute.decision("APPEAL_DECISION", role, at=instant)["reason"] == reason
    shown = dispute.after(DAY).do("buyer", "withdrawDispute")
    same = ("status", "outcome", "closedAt", "viewerState", "escalatesAt", "respondBy", "proposal")
    if says in AGAIN:
        same = same[:3]
        again = dict.fromkeys(("address", "carrier", "trackingNumber", "shippedAt", "receivedAt", "note"))
        again |= {"status": "AWAITING_ADDRESS", "respondBy": at(dispute.now + 5 * DAY)}
        assert (shown["returnShipment"], shown["isFinal"]) == (again, False)
    else:
        assert (shown["returnShipment"], shown["isFinal"]) == (before["returnShipment"], True)
    assert {name: shown[name] for name in same} == {name: before[name] for name in same}
    assert shown["appeal"] == appealed["appeal"]
    assert money(shown) == money(appealed) + money(before)
    assert [refund["owedSince"] for refund in shown["refunds"][len(money(before)) :]] == [
        refund["owedSince"] for refund in before["refunds"]
    ]
    assert dispute.order_seen()["openDispute"] == order_before["openDispute"]
    again = {"text": "x", "attachments": [dispute.file(role)]}
    assert dispute.refused(role, "appealDecision", **again) == "ALREADY_APPEALED"


@pytest.mark.parametrize(
    ("resolution", "amount", "owed"),
    [
        ("REFUND", "60.00", ["60.00"]),
        ("PARTIAL_REFUND", "0.01", ["0.01"]),
        ("NO_REFUND", None, []),
        ("REPLACEMENT", None, []),
    ],
)
def test_what_is_decided_after_an_appeal_is_final(
    world: World, resolution: str, amount: str | None, owed: list[str]
) -> None:
    dispute = decided(world, "PARTIAL_REFUND", "20.00").appealed("supplier")
    first = dispute.seen()["appeal"]["decision"]
    shown = dispute.decided(resolution, amount).seen()
    assert (shown["status"], shown["isFinal"], shown["viewerState"]) == ("RESOLVED", True, "CLOSED")
    assert (shown["outcome"]["resolution"], shown["closedAt"]) == (resolution, at(dispute.now))
    assert money(shown) == [("VOID", "20.00"), *(("DUE", amount) for amount in owed)]
    assert shown["refund"] == (None if not owed else shown["refund"] | {"status": "DUE"})
    assert shown["appeal"]["decision"] == first
    assert (
        dispute.refused("buyer", "appealDecision", text="x", attachments=[dispute.file("buyer")]) == "ALREADY_APPEALED"
    )
    assert dispute.refused("buyer", "withdrawDispute") == "CASE_CLOSED"


def test_a_return_that_is_decided_after_an_appeal_runs_and_can_be_refused(world: World) -> None:
    dispute = returning(world).addressed().appealed().decided()
    shown = dispute.seen()
    assert (shown["returnShipment"]["status"], shown["returnShipment"]["address"]) == ("AWAITING_ADDRESS", None)
    refused = dispute.addressed().sent_back().return_refused().seen()
    assert (refused["status"], refused["appeal"]["text"]) == ("UNDER_REVIEW", "Look again.")
    assert dispute.decided("REFUND").seen()["isFinal"]
    # The one who withdraws lets the latest outcome stand, not the first.
    dispute = decided(world, "NO_REFUND", None).appealed().decided().addressed().sent_back()
    before = dispute.seen()
    shown = dispute.return_refused().do("buyer", "withdrawDispute")
    assert (shown["outcome"], shown["closedAt"]) == (before["outcome"], before["closedAt"])


def test_a_decision_can_be_appealed_for_thirty_days(world: World) -> None:
    for role in ("buyer", "supplier"):
        dispute = decided(world, "NO_REFUND", None)
        last = dispute.now + 30 * DAY
        shown = dispute.seen(role, last)
        assert (shown["isFinal"], shown["nextChangeAt"]) == (False, at(last + MOMENT))
        assert dispute.decision("APPEAL_DECISION", role, last) == {
            "allowed": True,
            "reason": None,
            "opensAt": at(dispute.now),
            "closesAt": at(last),
        }
        over = dispute.seen(role, last + MOMENT)
        assert (over["isFinal"], over["nextChangeAt"], over["availableActions"]) == (True, None, [])
        input = dispute.case | {"text": "No.", "attachments": [dispute.file(role)]}
        [error] = dispute.person(role, last + MOMENT).do("appealDecision", input)["userErrors"]
        assert (error["code"], error["message"]) == (
            "WINDOW_CLOSED",
            "The decision could be appealed until 19 July 2026, 12:00 UTC.",
        )
        assert dispute.after(30 * DAY).do(role, "appealDecision", **input)["status"] == "UNDER_REVIEW"


APPEALED: list[tuple[str, Callable[[World], Disputed], str | None]] = [
    ("nobody answered yet", lambda world: Disputed(world), "NOT_DECIDED"),
    ("the parties settled it", lambda world: Disputed(world).agreed(), "NOT_DECIDED"),
    ("an agent has it", lambda world: Disputed(world).escalated(), "NOT_DECIDED"),
    ("money is on its way", lambda world: told(decided(world), "SENT"), "REFUND_PAID"),
    ("money has arrived", lambda world: told(decided(world), "SUCCEEDED"), "REFUND_PAID"),
    ("a part of it has arrived", lambda world: told(decided(world), "SUCCEEDED", "0.01"), "REFUND_PAID"),
    ("the goods were sent back", lambda world: returning(world).addressed().sent_back(), "RETURN_SHIPPED"),
    ("they have arrived", lambda world: returning(world).addressed().sent_back().received(), "RETURN_SHIPPED"),
    (
        "they count as received",
        lambda world: returning(world).addressed().sent_back().after(21 * DAY),
        "RETURN_SHIPPED",
    ),
    (
        "they have arrived and were paid",
        lambda world: told(returning(world).addressed().sent_back().received(), "SENT"),
        "REFUND_PAID",
    ),
    ("the money did not go through", lambda world: told(decided(world), "FAILED"), None),
    ("other money was paid back", lambda world: told(decided(world), "SUCCEEDED", "1.00", of_case=False), None),
]


@pytest.mark.parametrize(("says", "brought", "reason"), APPEALED)
def test_when_a_decision_can_be_appealed(
    world: World, says: str, brought: Callable[[World], Disputed], reason: str | None
) -> None:
    dispute = brought(world)
    for role in ("buyer", "supplier"):
        assert dispute.decision("APPEAL_DECISION", role)["reason"] == reason, says
        listed = {each["action"] for each in dispute.seen(role)["availableActions"]}
        assert ("APPEAL_DECISION" in listed) == (reason is None)
    if reason is not None:
        input = {"text": "No.", "attachments": [dispute.file("buyer")]}
        assert dispute.refused("buyer", "appealDecision", **input) == reason
    else:
        assert {refund["status"] for refund in dispute.appealed().seen()["refunds"]} == {"VOID"}


def told(dispute: Disputed, status: str, amount: str = "60.00", *, of_case: bool = True) -> Disputed:
    dispute.tell_refund(status, amount, of_case=of_case)
    return dispute


def test_only_the_parties_appeal(world: World) -> None:
    dispute = decided(world)
    input = {"text": "No.", "attachments": [dispute.file("buyer")]}
    assert dispute.refused("agent", "appealDecision", **input) == "NOT_YOUR_ROLE"
    assert dispute.refused("service", "appealDecision", **input) == "NOT_YOUR_ROLE"
    stranger = world.person(Role.BUYER)
    assert stranger.refused("appealDecision", dispute.case | input) == "NOT_FOUND"


# ---------------------------------------------------------------- while it is reviewed again


def test_a_reopened_dispute_is_open_in_lists(world: World) -> None:
    dispute = decided(world)
    asked = """query($open: Boolean, $statuses: [DisputeStatus!]) { viewer { disputes(
      filter: {open: $open, statuses: $statuses}) { edges { node { number } } } } }"""

    def is_listed(role: str, **filter: Any) -> bool:
        edges = dispute.person(role).ask(asked, **filter)["viewer"]["disputes"]["edges"]
        return {"node": {"number": dispute.number}} in edges

    for now_open, status in ((False, "RESOLVED"), (True, "UNDER_REVIEW")):
        for role in ("buyer", "supplier", "service"):
            assert is_listed(role, open=now_open, statuses=[status])
            assert not is_listed(role, open=not now_open)
        if not now_open:
            dispute.appealed()
    dispute.do("buyer", "withdrawDispute")
    assert is_listed("buyer", open=False, statuses=["RESOLVED"])
    assert not is_listed("buyer", statuses=["WITHDRAWN", "UNDER_REVIEW"])


def test_parties_and_agents_write_and_send_files_while_it_is_reviewed_again(world: World) -> None:
    dispute = decided(world, "NO_REFUND", None)
    assert dispute.refused("buyer", "postDisputeMessage", text="But why?") == "CASE_CLOSED"
    dispute.appealed()
    dispute.do("supplier", "postDisputeMessage", text="We sent the right one.")
    dispute.do("agent", "postDisputeMessage", text="Thank you.")
    shown = dispute.do("buyer", "postDisputeMessage", text="Look.", attachments=[dispute.file("buyer")])
    assert len(shown["messages"]["edges"]) == 3
    assert len(shown["evidence"]) == 2  # with the one of the appeal
    for mutation, input in (
        ("proposeResolution", {"resolution": "NO_REFUND"}),
        ("acceptProposal", {}),
        ("rejectProposal", {}),
        ("escalateDispute", {}),
    ):
        assert dispute.refused("supplier", mutation, **input) == "ALREADY_UNDER_REVIEW"
    assert dispute.refused("buyer", "reviseClaim", wanted="REPLACEMENT") == "ALREADY_UNDER_REVIEW"


@pytest.mark.parametrize("party", ["BUYER", "SUPPLIER"])
def test_nobody_lapses_after_an_appeal(world: World, party: str) -> None:
    dispute = decided(world).appealed()
    shown = dispute.do("agent", "requestEvidence", party=party, text="Photos?")
    last = dispute.now + 5 * DAY
    assert (shown["status"], shown["respondBy"]) == ("EVIDENCE_REQUESTED", at(last))
    before = dispute.seen(now=last)
    assert (before["status"], before["nextChangeAt"]) == ("EVIDENCE_REQUESTED", None)
    again = dispute.decision("REQUEST_EVIDENCE", "agent", last)
    assert (again["reason"], again["opensAt"]) == ("NOT_UNDER_REVIEW", at(last + MOMENT))
    silent = dispute.seen(now=last + MOMENT)
    assert (silent["status"], silent["closedAt"], silent["isFinal"]) == ("UNDER_REVIEW", None, False)
    assert dispute.order_seen(now=last + MOMENT)["openDispute"]["reason"] == "DISPUTE_OPEN"
    assert dispute.order_seen(now=last)["nextChangeAt"] is None
    assert dispute.seen("agent", last + MOMENT)["viewerState"] == "ACTION_REQUIRED"
    dispute.now = last + DAY
    shown = dispute.do("supplier", "postDisputeMessage", text="Late.")
    assert (shown["status"], texts(shown)[-2]) == (
        "UNDER_REVIEW",
        "Nobody answered in time; an agent reviews the dispute.",
    )


def test_evidence_that_was_awaited_before_the_decision_is_not_awaited_after_an_appeal(world: World) -> None:
    dispute = Disputed(world, wanted="REFUND").escalated()
    dispute.do("agent", "requestEvidence", party="BUYER", text="Photos?")
    shown = dispute.decided("NO_REFUND", None).appealed().seen()
    assert (shown["status"], shown["respondBy"]) == ("UNDER_REVIEW", None)
    assert dispute.seen(now=dispute.now + 6 * DAY)["status"] == "UNDER_REVIEW"
    assert dispute.order_seen(now=dispute.now + 6 * DAY)["openDispute"]["reason"] == "DISPUTE_OPEN"
    dispute.do("buyer", "postDisputeMessage", text="No file is needed.")


def test_who_withdraws_while_evidence_is_awaited_lets_the_decision_stand(world: World) -> None:
    dispute = decided(world).appealed("supplier")
    dispute.do("agent", "requestEvidence", party="BUYER", text="Photos?")
    for instant in (dispute.now, dispute.now + 6 * DAY):
        assert dispute.decision("WITHDRAW_DISPUTE", "buyer", instant)["allowed"]
    shown = dispute.after(6 * DAY).do("buyer", "withdrawDispute")
    assert (shown["status"], shown["refund"]["status"], shown["isFinal"]) == ("RESOLVED", "DUE", True)


def test_a_supplier_concedes_after_an_appeal(world: World) -> None:
    dispute = decided(world, "PARTIAL_REFUND", "20.00").appealed()
    shown = dispute.after(DAY).do("supplier", "concedeDispute", note="You are right.")
    assert (shown["status"], shown["outcome"]["resolution"], shown["isFinal"]) == ("SETTLED", "REFUND", True)
    assert (money(shown), shown["outcome"]["note"]) == ([("VOID", "20.00"), ("DUE", "60.00")], "You are right.")
    assert shown["appeal"]["decision"]["amount"] == {"amount": "20.00"}
    assert (shown["proposal"]["accepted"], shown["proposal"]["amount"]) == (True, {"amount": "60.00"})


def test_the_proposal_on_the_table_is_shown_while_it_is_open(world: World) -> None:
    dispute = Disputed(world, wanted="REFUND")
    dispute.do("supplier", "proposeResolution", resolution="PARTIAL_REFUND", amount=usd("10.00"))
    offer = dispute.escalated().seen()["proposal"]
    assert (offer["amount"], offer["accepted"]) == ({"amount": "10.00"}, None)
    assert dispute.decided("NO_REFUND", None).seen()["proposal"] is None
    assert dispute.appealed().seen()["proposal"] == offer
    assert dispute.do("buyer", "withdrawDispute")["proposal"] is None


def test_an_agent_who_is_a_party_decides_no_appeal(world: World) -> None:
    dispute = decided(world).appealed()
    for party in (world.buyer, world.supplier):
        involved = Person(world.http, party.subject, Role.AGENT, dispute.now)
        asked = "query($id: ID!) { node(id: $id) { ... on Dispute { viewerState availableActions { action } } } }"
        assert involved.ask(asked, id=dispute.id)["node"] == {"viewerState": "UNDER_REVIEW", "availableActions": []}
        for mutation, input in (
            ("resolveDispute", {"resolution": "NO_REFUND", "note": "x"}),
            ("requestEvidence", {"party": "BUYER", "text": "x"}),
            ("postDisputeMessage", {"text": "x"}),
        ):
            assert involved.refused(mutation, dispute.case | input) == "CONFLICT_OF_INTEREST"
        assert involved.refused("concedeDispute", dispute.case) == "NOT_YOUR_ROLE"
    dispute.decided("NO_REFUND", None)


# ---------------------------------------------------------------- what else hangs on it


def is_offered(dispute: Disputed) -> bool:
    """Returns whether a dispute can be opened now, on which the list, the decision and the mutation agree."""
    edges = dispute.person("buyer").ask(CAN_OPEN)["viewer"]["orders"]["edges"]
    is_listed = {"node": {"id": dispute.order}} in edges
    assert dispute.order_seen()["openDispute"]["allowed"] == is_listed
    return is_listed


@pytest.mark.parametrize("by", ["agreement", "decision"])
def test_another_dispute_can_be_opened_thirty_days_after_a_replacement(world: World, by: str) -> None:
    if by == "agreement":
        dispute = Disputed(world, wanted="REPLACEMENT", claim=None).agreed()
    else:
        dispute = decided(world, "REPLACEMENT", None)
    last = dispute.now + 30 * DAY
    opened = {"orderId": dispute.order, "reason": "NOT_RECEIVED", "description": "It did not come.", "wanted": "REFUND"}
    opened |= {"claim": usd("100.00")}
    assert dispute.order_seen()["openDispute"]["opensAt"] == at(last + MOMENT)
    assert dispute.order_seen(now=last)["nextChangeAt"] == at(last + MOMENT)
    dispute.now = last
    assert not is_offered(dispute)
    assert dispute.person("buyer").refused("openDispute", opened) == "DISPUTE_SETTLED"
    dispute.now = last + MOMENT
    assert is_offered(dispute)
    second = dispute.person("buyer").succeed("openDispute", opened, "dispute { id number }")["dispute"]
    assert dispute.order_seen()["dispute"] == {"number": second["number"]}
    assert not is_offered(dispute)
    expected = "NOT_DECIDED" if by == "agreement" else "WINDOW_CLOSED"
    assert dispute.decision("APPEAL_DECISION", "buyer")["reason"] == expected
    shown = dispute.person("supplier").succeed("acceptProposal", {"caseId": second["id"]}, "dispute { status }")
    assert shown["dispute"] == {"status": "SETTLED"}
    dispute.after(99 * DAY)
    assert not is_offered(dispute)
    assert dispute.order_seen()["openDispute"] == {"allowed": False, "reason": "DISPUTE_SETTLED", "opensAt": None}


def test_an_appealed_replacement_is_no_reason_for_another_dispute_until_it_stands(world: World) -> None:
    dispute = decided(world, "REPLACEMENT", None).after(30 * DAY).appealed()
    dispute.after(10 * DAY)
    assert not is_offered(dispute)
    assert dispute.order_seen()["openDispute"]["reason"] == "DISPUTE_OPEN"
    dispute.do("buyer", "withdrawDispute")
    assert is_offered(dispute)  # more than 30 days have passed since the decision
    dispute = decided(world, "REPLACEMENT", None).appealed().decided("NO_REFUND", None).after(99 * DAY)
    assert not is_offered(dispute)


def test_a_dispute_that_was_opened_meanwhile_keeps_the_first_one_closed(world: World) -> None:
    """The appeal was sent at its last instant, and had to wait until the other dispute was opened."""
    dispute = decided(world, "REPLACEMENT", None)
    last = dispute.now + 30 * DAY
    opening = {"orderId": dispute.order, "reason": "NOT_RECEIVED", "description": "x", "wanted": "REPLACEMENT"}
    dispute.person("buyer", last + MOMENT).succeed("openDispute", opening)
    appeal = dispute.case | {"text": "No.", "attachments": [dispute.file("supplier")]}
    before = dispute.seen(now=last + DAY)
    [error] = dispute.person("supplier", last).do("appealDecision", appeal)["userErrors"]
    assert (error["code"], error["message"]) == ("DISPUTE_OPEN", "Another dispute about this order is already open.")
    assert dispute.seen(now=last + DAY) == before


def test_an_appeal_brings_back_the_debt_of_which_the_decision_took_the_place(world: World) -> None:
    """A dispute about a refund that did not arrive replaces what the cancellation owes."""
    dispute = Disputed(
        world,
        facts={"cancelledAt": 15, "shippedAt": None},
        reason="REFUND_NOT_RECEIVED",
        wanted="REFUND",
        claim=usd("100.00"),
    )

    def owed() -> list[tuple[str, str]]:
        return sorted((r["status"], r["amount"]["amount"]) for r in dispute.order_seen()["refunds"])

    assert owed() == [("DUE", "100.00")]
    dispute.escalated().decided("PARTIAL_REFUND", "70.00")
    assert owed() == [("DUE", "70.00"), ("VOID", "100.00")]
    dispute.appealed("supplier")
    assert owed() == [("DUE", "100.00"), ("VOID", "100.00"), ("VOID", "70.00")]
    dispute.do("buyer", "withdrawDispute")
    assert [each for each in owed() if each[0] == "DUE"] == [("DUE", "70.00")]


# ---------------------------------------------------------------- texts and files


def test_an_appeal_needs_a_text_and_a_file(world: World) -> None:
    dispute = decided(world)
    files = [dispute.file("buyer") for _ in range(3)]
    good: dict[str, Any] = {"text": "No.", "attachments": files[:1]}
    foreign, unsent = dispute.file("supplier"), announce(dispute.person("buyer"), PNG)["id"]
    for input, problem in (
        ({"attachments": []}, ("attachments", "REQUIRED")),
        ({"attachments": [files[0], files[0]]}, ("attachments", "OTHER")),
        ({"attachments": [str(n) for n in range(11)]}, ("attachments", "TOO_MANY")),
        ({"attachments": [files[0], foreign]}, ("attachments.1", "OTHER")),
        ({"attachments": [unsent, files[0]]}, ("attachments.0", "OTHER")),
        ({"attachments": ["x"]}, ("attachments.0", "OTHER")),
        ({"text": ""}, ("text", "REQUIRED")),
        ({"text": " \n"}, ("text", "REQUIRED")),
        ({"text": "x" * 4001}, ("text", "TOO_LONG")),
        ({"text": "a\0"}, ("text", "OTHER")),
    ):
        assert dispute.problems("buyer", "appealDecision", **good | input) == {problem}, input
    both = good | {"text": "", "attachments": []}
    assert dispute.problems("buyer", "appealDecision", **both) == {("text", "REQUIRED"), ("attachments", "REQUIRED")}
    query = "mutation($input: AppealDecisionInput!) { appealDecision(input: $input) { userErrors { code } } }"
    for missing in ({"caseId": dispute.id, "text": "x"}, dispute.case | {"text": "x", "attachments": None}):
        [error] = dispute.person("buyer").answer(query, input=missing)["errors"]
        assert error["extensions"]["code"] == "BAD_REQUEST"
    shown = dispute.seen()
    assert (shown["status"], shown["evidence"], shown["appeal"]) == ("RESOLVED", [], None)
    # The files of the refused ones can be used, and a long text of several lines is kept as it is.
    text = "é" * 3990 + "\n\nSo it is"
    shown = dispute.do("buyer", "appealDecision", text=text, attachments=files)
    assert (len(shown["evidence"]), shown["appeal"]["text"]) == (3, text)


def test_a_file_stays_free_where_the_policy_refuses_the_appeal(world: World) -> None:
    dispute = decided(world)
    photo = dispute.file("buyer")
    late = dispute.person("buyer", dispute.now + 31 * DAY)
    assert late.refused("appealDecision", dispute.case | {"text": "No.", "attachments": [photo]}) == "WINDOW_CLOSED"
    input = {"text": "No.", "attachments": [photo]}
    assert len(dispute.do("buyer", "appealDecision", **input)["evidence"]) == 1
    other = decided(world)
    assert other.problems("buyer", "appealDecision", **input) == {("attachments.0", "OTHER")}
    assert other.seen()["status"] == "RESOLVED"


def test_the_same_key_appeals_once(world: World) -> None:
    dispute = decided(world)
    input = {"text": "No.", "attachments": [dispute.file("buyer")], "idempotencyKey": "a"}
    first = dispute.do("buyer", "appealDecision", **input)
    assert dispute.do("buyer", "appealDecision", **input) == first
    assert len(first["evidence"]) == 1


def test_the_order_system_reads_no_appeal(world: World) -> None:
    dispute = decided(world).appealed()
    shown = dispute.seen("service")
    assert (shown["appeal"]["text"], shown["appeal"]["decision"]["note"]) == ("", None)
    assert (shown["appeal"]["by"], shown["evidence"]) == ({"role": "BUYER"}, [])
    assert "Look again." not in str(shown)
