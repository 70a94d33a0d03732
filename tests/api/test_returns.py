"""Returns: goods go back to the supplier, each step by an act or by time alone, and the refund follows."""

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.conftest import DAY, MOMENT, NOW, Server, World, usd
from tests.support.disputes import Disputed, at, texts
from tests.support.subscriptions import opened
from tests.support.uploads import PNG, announce

SECOND = timedelta(seconds=1)
ADDRESS = "Hall 3\nPort Road 1"
SENDING = {"carrier": "DHL", "trackingNumber": "00 123"}
ROLES = ("buyer", "supplier", "agent", "service")


CHANGES = """query($after: String) { changes(after: $after, first: 100) {
  edges { node { at text action relatedCase { number } } } pageInfo { endCursor } } }"""


def settled(world: World, **changes: Any) -> Disputed:
    return Disputed(world, **changes).agreed()


def states(dispute: Disputed) -> list[str]:
    """Returns where the dispute stands for the buyer, the supplier, an agent and the order system."""
    return [dispute.seen(role)["viewerState"] for role in ROLES]


WAITS_FOR_SUPPLIER = [
    "WAITING_FOR_OTHER_PARTY",
    "ACTION_REQUIRED",
    "WAITING_FOR_OTHER_PARTY",
    "WAITING_FOR_OTHER_PARTY",
]
WAITS_FOR_BUYER = ["ACTION_REQUIRED", *["WAITING_FOR_OTHER_PARTY"] * 3]
WAITS_FOR_AGENT = ["UNDER_REVIEW", "UNDER_REVIEW", "ACTION_REQUIRED", "UNDER_REVIEW"]
OVER = ["CLOSED"] * 4


def test_a_return_from_agreement_to_refund(world: World) -> None:
    dispute = settled(world)
    shown = dispute.seen()
    nothing = dict.fromkeys(("address", "carrier", "trackingNumber", "shippedAt", "receivedAt", "note"))
    expected = {"status": "AWAITING_ADDRESS", "respondBy": at(NOW + 5 * DAY)} | nothing
    assert (shown["status"], shown["closedAt"], shown["respondBy"]) == ("SETTLED", at(NOW), None)
    assert (shown["returnShipment"], states(dispute)) == (expected, WAITS_FOR_SUPPLIER)

    def check(after: Disputed, moves: list[str], **changes: Any) -> None:
        expected.update(changes)
        shown = after.seen()
        assert shown["returnShipment"] == expected
        assert states(after) == moves
        # Nothing is owed, and nothing is final, until the goods are back.
        assert (shown["isFinal"], shown["refund"], shown["refunds"]) == (False, None, [])
        assert after.order_seen()["refunds"] == []
        assert after.order_seen()["openDispute"] == {"allowed": False, "reason": "DISPUTE_SETTLED", "opensAt": None}

    check(dispute, WAITS_FOR_SUPPLIER)
    first = NOW + DAY
    check(
        dispute.addressed(),
        WAITS_FOR_BUYER,
        status="AWAITING_SHIPMENT",
        respondBy=at(first + 10 * DAY),
        address=ADDRESS,
    )
    second = NOW + 2 * DAY
    sent = {"carrier": "DHL", "trackingNumber": "00 123", "shippedAt": at(second)}
    check(dispute.sent_back(), WAITS_FOR_SUPPLIER, status="SHIPPED", respondBy=at(second + 20 * DAY), **sent)
    third = at(NOW + 3 * DAY)
    over = dispute.received().seen()
    assert over["returnShipment"] == expected | {"status": "RECEIVED", "respondBy": None, "receivedAt": third}
    assert (over["isFinal"], states(dispute), over["closedAt"]) == (True, OVER, at(NOW))
    owed = {"status": "DUE", "amount": {"amount": "60.00"}, "owedSince": third, "dueBy": at(NOW + 13 * DAY)}
    assert over["refund"] == {"id": over["refund"]["id"]} | owed
    assert [refund["id"] for refund in over["refunds"]] == [over["refund"]["id"]]
    paid = dispute.after(DAY).tell_refund("SUCCEEDED")
    assert paid["refunds"] == [{"id": over["refund"]["id"], "status": "SUCCEEDED"}]
    assert dispute.tell_refund("SUCCEEDED") == paid
    assert texts(dispute.seen())[1:] == [
        "The proposal was accepted; the dispute is settled.",
        "The supplier gave the address for the return.",
        "The buyer sent the goods back.",
        "The supplier received the goods.",
        "A refund has arrived.",
    ]


# ---------------------------------------------------------------- what time decides

BY_TIME = [
    # the way there, the days, the status then, whose act, the act, the status later, the fact's sentence, owed
    pytest.param(
        ("AWAITING_ADDRESS", "supplier", "PROVIDE_RETURN_ADDRESS", 5),
        ("WAIVED", "No return address came in time; the refund is owed without a return."),
        id="no address",
    ),
    pytest.param(
        ("AWAITING_SHIPMENT", "buyer", "CONFIRM_RETURN_SHIPPED", 10),
        ("EXPIRED", "The goods were not sent back in time; no refund is owed."),
        id="nothing sent",
    ),
    pytest.param(
        ("SHIPPED", "supplier", "REFUSE_RETURN", 20),
        ("RECEIVED", "The supplier did not answer in time; the goods count as received."),
        id="no answer",
    ),
]


def brought_to(dispute: Disputed, status: str) -> Disputed:
    """Brings an agreed return to this state."""
    if status != "AWAITING_ADDRESS":
        dispute.addressed()
    if status == "SHIPPED":
        dispute.sent_back()
    return dispute


@pytest.mark.parametrize(("before", "later"), BY_TIME)
def test_time_decides_after_the_last_instant(
    world: World, before: tuple[str, str, str, int], later: tuple[str, str]
) -> None:
    (status, mover, action, days), (status_later, sentence) = before, later
    dispute = brought_to(settled(world), status)
    began, last = dispute.now, dispute.now + days * DAY
    shown = dispute.seen(mover, last)
    assert shown["returnShipment"]["status"] == status
    assert (shown["returnShipment"]["respondBy"], shown["nextChangeAt"]) == (at(last), at(last + MOMENT))
    assert (shown["viewerState"], shown["isFinal"], shown["refunds"]) == ("ACTION_REQUIRED", False, [])
    assert action in {each["action"] for each in shown["availableActions"]}
    assert dispute.decision(action, mover, last) == {
        "allowed": True, "reason": None, "opensAt": at(began), "closesAt": at(last)
    }  # fmt: skip
    over = dispute.seen(mover, last + MOMENT)
    assert (over["returnShipment"]["status"], over["returnShipment"]["respondBy"]) == (status_later, None)
    assert (over["viewerState"], over["isFinal"], over["nextChangeAt"]) == ("CLOSED", True, None)
    assert over["availableActions"] == []
    # What was asked about that instant before says the same as what is decided then.
    asked = [dispute.decision(action, mover, at=instant)["reason"] for instant in (last, last + MOMENT)]
    assert asked == [None, "RETURN_CLOSED"]
    assert dispute.decision(action, mover, last + DAY, at=last)["allowed"]
    assert dispute.decision(action, mover, last + DAY)["reason"] == "RETURN_CLOSED"
    # The timelines of the case and of the order say it once, dated by the deadline.
    for timeline in (over, dispute.order_seen(now=last + MOMENT)):
        assert timeline["timeline"]["edges"][-1]["node"]["text"] == sentence
        assert timeline["timeline"]["edges"][-1]["node"]["at"] == at(last)
        assert texts(timeline).count(sentence) == 1
    assert sentence not in texts(shown)
    if status_later == "RECEIVED":
        assert over["returnShipment"]["receivedAt"] == at(last)
    owed = [] if status_later == "EXPIRED" else [("DUE", at(last))]
    listed = "{ viewer { refunds { edges { node { status owedSince isOverdue } } } } }"
    assert [(refund["status"], refund["owedSince"]) for refund in over["refunds"]] == owed
    for role in ("buyer", "supplier", "service"):
        edges = dispute.person(role, last + MOMENT).ask(listed)["viewer"]["refunds"]["edges"]
        assert [(edge["node"]["status"], edge["node"]["owedSince"]) for edge in edges] == owed
        assert dispute.person(role, last).ask(listed)["viewer"]["refunds"]["edges"] == []
        overdue = dispute.person(role, last + 10 * DAY + MOMENT).ask(listed)["viewer"]["refunds"]["edges"]
        assert [edge["node"]["isOverdue"] for edge in overdue] == [True] * len(owed)
    # The order tells when the buyer can report it, also before it is owed, as far as that is known.
    can_report = last + 10 * DAY + MOMENT
    seen_at = [dispute.order_seen(now=instant)["nextChangeAt"] for instant in (last, last + MOMENT)]
    report = {"orderId": dispute.order}
    if status_later == "EXPIRED":
        assert seen_at == [None, None]
        assert dispute.person("buyer", can_report).refused("reportMissingRefund", report) == "NO_REFUND_OVERDUE"
    else:
        assert seen_at == [at(can_report)] * 2
        early = dispute.person("buyer", can_report - MOMENT)
        assert early.refused("reportMissingRefund", report) == "NO_REFUND_OVERDUE"
        dispute.person("buyer", can_report).succeed("reportMissingRefund", report)


@pytest.mark.parametrize("recorded", ["by an action on the order", "by a record of the order", "by a refund"])
@pytest.mark.parametrize(("before", "later"), BY_TIME)
def test_what_time_decided_is_recorded_by_the_next_write(
    world: World, recorded: str, before: tuple[str, str, str, int], later: tuple[str, str]
) -> None:
    (status, _, _, days), (status_later, sentence) = before, later
    dispute = brought_to(settled(world, facts={"completedAt": 15}), status)
    last = dispute.now + days * DAY
    dispute.now = last + DAY
    shown, order = dispute.seen(), dispute.order_seen()
    after = dispute.person("service").ask(CHANGES)["changes"]["pageInfo"]["endCursor"]
    if recorded == "by an action on the order":
        feedback = {"orderId": dispute.order, "ratings": {"overall": 1}}
        dispute.person("buyer").succeed("leaveFeedback", feedback)
    elif recorded == "by a record of the order":
        dispute.record_again(deliveredAt=at(dispute.now - MOMENT))
    else:
        dispute.tell_refund("SUCCEEDED", "1.00", of_case=False)
    dispute.after(MOMENT)
    written = dispute.seen()
    same = ("status", "isFinal", "viewerState", "returnShipment", "refund", "refunds", "closedAt", "timeline")
    assert {name: written[name] for name in same} == {name: shown[name] for name in same}
    assert texts(dispute.order_seen()).count(sentence) == 1
    assert [refund for refund in dispute.order_seen()["refunds"] if refund in order["refunds"]] == order["refunds"]
    edges = dispute.person("service").ask(CHANGES, after=after)["changes"]["edges"]
    [told] = [edge["node"] for edge in edges if edge["node"]["text"] == sentence]
    assert (told["at"], told["relatedCase"], told["action"]) == (at(last), {"number": dispute.number}, None)
    dispute.after(DAY)
    if status_later == "EXPIRED":  # what the return would have owed is free again
        dispute.tell_refund("SUCCEEDED", "99.00", of_case=False)
    else:
        dispute.tell_refund("SUCCEEDED")
        assert dispute.seen()["refund"] | {"status": "DUE"} == shown["refund"]


def test_a_refused_action_records_nothing_and_reads_go_on(world: World) -> None:
    dispute = settled(world).after(6 * DAY)
    shown = dispute.seen()
    assert dispute.refused("supplier", "provideReturnAddress", address=ADDRESS) == "RETURN_CLOSED"
    assert dispute.seen() == shown
    assert (
        len(dispute.person("service").ask(CHANGES)["changes"]["edges"]) == 5
    )  # placed, paid, shipped, opened and settled


STEPS: list[tuple[str, list[tuple[str, str, dict[str, Any], str, int | None]]]] = [
    ("AWAITING_ADDRESS", [("supplier", "provideReturnAddress", {"address": ADDRESS}, "AWAITING_SHIPMENT", 10)]),
    ("AWAITING_SHIPMENT", [("buyer", "confirmReturnShipped", SENDING, "SHIPPED", 20)]),
    (
        "SHIPPED",
        [
            ("supplier", "confirmReturnReceived", {}, "RECEIVED", None),
            ("supplier", "refuseReturn", {"note": "Empty."}, "REFUSED", None),
        ],
    ),
]


@pytest.mark.parametrize(("status", "acts"), STEPS)
def test_a_step_can_be_taken_from_the_first_instant_to_the_last(world: World, status: str, acts: list[Any]) -> None:
    days = {"AWAITING_ADDRESS": 5, "AWAITING_SHIPMENT": 10, "SHIPPED": 20}[status]
    for role, mutation, input, then, next_days in acts:
        for span in (timedelta(0), days * DAY):
            dispute = brought_to(settled(world), status).after(span)
            shown = dispute.do(role, mutation, **input)["returnShipment"]
            assert shown["status"] == then
            assert shown["respondBy"] == (None if next_days is None else at(dispute.now + next_days * DAY))


def test_a_decided_return_runs_like_an_agreed_one(world: World) -> None:
    dispute = Disputed(world, wanted="REFUND").escalated().decided()
    decided_at = dispute.now
    assert dispute.seen()["returnShipment"]["respondBy"] == at(decided_at + 5 * DAY)
    shown = dispute.addressed().sent_back().received().seen()
    assert (shown["status"], shown["refund"]["owedSince"]) == ("RESOLVED", at(decided_at + 3 * DAY))
    assert shown["isFinal"]  # goods that were sent back cannot be appealed away


def test_disputes_that_wait_for_a_step_of_a_return_are_due_first(world: World) -> None:
    """A return's deadline is the dispute's. A dispute that a person closed comes last."""
    closed = Disputed(world, wanted="REFUND").agreed()
    later = settled(world).addressed()
    negotiated = Disputed(world, now=NOW)  # until the 7th day
    first = settled(world)  # until the 5th day; the address made it the 11th for `later`
    asked = "{ viewer { disputes(orderBy: DUE_FIRST) { edges { node { number } } } } }"
    for role in ("buyer", "supplier"):
        edges = world.__dict__[role].at(NOW + DAY).ask(asked)["viewer"]["disputes"]["edges"]
        assert [edge["node"]["number"] for edge in edges] == [
            each.number for each in (first, negotiated, later, closed)
        ]
    filtered = """query($open: Boolean, $states: [ViewerState!]) { viewer { disputes(
      filter: {open: $open, viewerStates: $states}) { edges { node { number } } } } }"""

    def numbers(role: str, **filter: Any) -> set[str]:
        edges = world.__dict__[role].at(NOW + DAY).ask(filtered, **filter)["viewer"]["disputes"]["edges"]
        return {edge["node"]["number"] for edge in edges}

    assert numbers("supplier", open=True) == {negotiated.number}
    assert numbers("supplier", states=["ACTION_REQUIRED"]) == {negotiated.number, first.number}
    assert numbers("buyer", states=["ACTION_REQUIRED"]) == {later.number}
    assert numbers("buyer", states=["CLOSED"]) == {closed.number}


# ---------------------------------------------------------------- refused goods


def test_refused_goods_are_decided_anew_and_finally(world: World) -> None:
    dispute = settled(world).addressed().sent_back()
    dispute.after(DAY)
    photo = dispute.file("supplier")
    shown = dispute.do("supplier", "refuseReturn", note="Empty box.", attachments=[photo])
    assert (shown["status"], shown["outcome"], shown["proposal"], shown["closedAt"]) == (
        "UNDER_REVIEW",
        None,
        None,
        None,
    )
    assert (shown["isFinal"], shown["appeal"], shown["refunds"]) == (False, None, [])
    assert states(dispute) == WAITS_FOR_AGENT
    refused = shown["returnShipment"]
    assert (refused["status"], refused["respondBy"], refused["note"]) == ("REFUSED", None, "Empty box.")
    assert [file["filename"] for file in shown["evidence"]] == ["a.txt"]
    assert dispute.order_seen()["openDispute"]["reason"] == "DISPUTE_OPEN"
    assert dispute.refused("buyer", "appealDecision", text="x", attachments=[dispute.file("buyer")]) == "NOT_DECIDED"
    dispute.after(DAY)
    decision = {"resolution": "RETURN_AND_REFUND", "amount": usd("60.00"), "note": "Again."}
    assert dispute.problems("agent", "resolveDispute", **decision) == {("resolution", "WRONG_FORM")}
    decided = dispute.do("agent", "resolveDispute", **decision | {"resolution": "REFUND"})
    assert (decided["status"], decided["isFinal"], decided["refund"]["status"]) == ("RESOLVED", True, "DUE")
    assert (decided["refund"]["owedSince"], decided["proposal"]) == (at(dispute.now), None)
    assert decided["returnShipment"] == refused  # it stays
    assert dispute.order_seen()["openDispute"]["reason"] == "DISPUTE_SETTLED"
    again = {"text": "x", "attachments": [dispute.file("buyer")]}
    assert dispute.refused("buyer", "appealDecision", **again) == "ALREADY_APPEALED"


def test_goods_can_be_refused_without_a_file(world: World) -> None:
    for attachments in ({}, {"attachments": None}, {"attachments": []}):
        dispute = settled(world).addressed().sent_back()
        shown = dispute.do("supplier", "refuseReturn", note="Empty box.", **attachments)
        assert shown["returnShipment"]["status"] == "REFUSED"


def test_a_buyer_who_withdraws_after_refused_goods_gives_in(world: World) -> None:
    """The agreement stands again, with its return that was refused. So nothing is owed."""
    dispute = settled(world).addressed().sent_back()
    before = dispute.seen()
    shown = dispute.return_refused().do("buyer", "withdrawDispute")
    assert (shown["status"], shown["outcome"], shown["closedAt"]) == ("SETTLED", before["outcome"], before["closedAt"])
    assert shown["proposal"] == before["proposal"]
    assert (shown["returnShipment"]["status"], shown["refunds"], shown["isFinal"]) == ("REFUSED", [], True)
    assert dispute.order_seen()["openDispute"]["reason"] == "DISPUTE_SETTLED"
    assert dispute.refused("supplier", "confirmReturnReceived") == "RETURN_CLOSED"


def test_a_supplier_concedes_after_refusing_the_goods(world: World) -> None:
    """The goods are back already, so the wish to send them back is a refund."""
    shown = settled(world).addressed().sent_back().return_refused().do("supplier", "concedeDispute")
    assert (shown["status"], shown["outcome"]["resolution"]) == ("SETTLED", "REFUND")
    assert (shown["outcome"]["amount"], shown["refund"]["status"]) == ({"amount": "60.00"}, "DUE")
    assert (shown["proposal"]["resolution"], shown["proposal"]["accepted"]) == ("REFUND", True)
    assert (shown["returnShipment"]["status"], shown["isFinal"]) == ("REFUSED", True)


@pytest.mark.parametrize("party", ["BUYER", "SUPPLIER"])
def test_nobody_lapses_after_refused_goods(world: World, party: str) -> None:
    dispute = settled(world).addressed().sent_back().return_refused()
    shown = dispute.do("agent", "requestEvidence", party=party, text="Photos?")
    last = dispute.now + 5 * DAY
    assert (shown["status"], shown["respondBy"], shown["escalatesAt"]) == ("EVIDENCE_REQUESTED", at(last), None)
    silent = dispute.seen(now=last + MOMENT)
    assert (silent["status"], silent["closedAt"]) == ("UNDER_REVIEW", None)
    assert dispute.order_seen(now=last + MOMENT)["openDispute"]["reason"] == "DISPUTE_OPEN"
    dispute.now = last + DAY
    dispute.do("buyer", "postDisputeMessage", text="I was away.")
    assert dispute.decided("NO_REFUND", None).seen()["status"] == "RESOLVED"


# ---------------------------------------------------------------- who is told


def test_who_watches_is_told_what_time_decides_at_its_moment(server: Server, world: World) -> None:
    soon = datetime.now(UTC) + 3 * SECOND
    spans = {"AWAITING_ADDRESS": 5 * DAY, "AWAITING_SHIPMENT": 11 * DAY, "SHIPPED": 22 * DAY}
    disputes = [brought_to(settled(world, now=soon - span), status) for status, span in spans.items()]
    of_case = """subscription($id: ID!) { caseChanged(caseId: $id) { viewerState isFinal
      ... on Dispute { returnShipment { status } refund { owedSince } } } }"""
    of_order = """subscription($id: ID!) { orderChanged(orderId: $id) { refunds { owedSince } dispute { isFinal } } }"""
    plain = "subscription($id: ID!) { orderChanged(orderId: $id) { number } }"
    with ExitStack() as stack:

        def watching(query: str, id: str) -> Any:
            return stack.enter_context(opened(server, world.buyer)).watch(query, id=id)

        cases = [watching(of_case, each.id) for each in disputes]
        orders = [watching(of_order, each.order) for each in disputes]
        plain_orders = [watching(plain, each.order) for each in disputes]
        assert datetime.now(UTC) < soon
        told = [socket.told() for socket in cases]
        assert timedelta(0) < datetime.now(UTC) - soon < 5 * SECOND
        assert [each["returnShipment"]["status"] for each in told] == ["WAIVED", "EXPIRED", "RECEIVED"]
        assert [each["refund"] for each in told] == [{"owedSince": at(soon)}, None, {"owedSince": at(soon)}]
        assert {(each["viewerState"], each["isFinal"]) for each in told} == {("CLOSED", True)}
        in_orders = [(each["refunds"], each["dispute"]["isFinal"]) for each in (socket.told() for socket in orders)]
        assert in_orders == [([{"owedSince": at(soon)}], True), ([], True), ([{"owedSince": at(soon)}], True)]
        assert all(socket.told()["number"] for socket in plain_orders)
        assert all(socket.is_quiet(0.05) for socket in (*cases, *orders, *plain_orders))


def test_the_order_system_reads_neither_the_address_nor_notes(world: World) -> None:
    dispute = settled(world).addressed().sent_back().return_refused()
    for role in ("buyer", "supplier", "agent"):
        shown = dispute.seen(role)["returnShipment"]
        assert (shown["address"], shown["note"], shown["trackingNumber"]) == (ADDRESS, "Empty box.", "00 123")
    shown = dispute.seen("service")
    assert (shown["returnShipment"]["address"], shown["returnShipment"]["note"]) == (None, None)
    assert shown["returnShipment"]["status"] == "REFUSED"
    assert "Empty box." not in str(shown)
    assert "Port Road" not in str(shown)
    asked = "query($id: ID!) { node(id: $id) { id } }"
    assert dispute.person("buyer").at(NOW).ask(asked, id=dispute.id)["node"] == {"id": dispute.id}
    assert world.person(world.buyer.role).ask(asked, id=dispute.id)["node"] is None


# ---------------------------------------------------------------- texts

LONG_ADDRESS = "é" * 249 + "\n\n" + "x" * 249  # of 500 characters


@pytest.mark.parametrize(
    ("mutation", "good", "bad"),
    [
        (
            "provideReturnAddress",
            [{"address": "Hall 3\r\nPort Road 1\n"}, {"address": LONG_ADDRESS}, {"address": "x"}],
            [
                ({"address": ""}, ("address", "REQUIRED")),
                ({"address": " \n\t "}, ("address", "REQUIRED")),
                ({"address": LONG_ADDRESS + "x"}, ("address", "TOO_LONG")),
                ({"address": "a\0b"}, ("address", "OTHER")),
            ],
        ),
        (
            "confirmReturnShipped",
            [SENDING, {"carrier": "c" * 100, "trackingNumber": "t" * 100}],
            [
                (SENDING | {"trackingNumber": "   "}, ("trackingNumber", "REQUIRED")),
                (SENDING | {"trackingNumber": ""}, ("trackingNumber", "REQUIRED")),
                (SENDING | {"trackingNumber": "t" * 101}, ("trackingNumber", "TOO_LONG")),
                (SENDING | {"trackingNumber": "1\n2"}, ("trackingNumber", "WRONG_FORM")),
                (SENDING | {"trackingNumber": "1\0"}, ("trackingNumber", "OTHER")),
                (SENDING | {"carrier": "\u00a0\u2003"}, ("carrier", "REQUIRED")),
                (SENDING | {"carrier": "c" * 101}, ("carrier", "TOO_LONG")),
                (SENDING | {"carrier": "D\rHL"}, ("carrier", "WRONG_FORM")),
            ],
        ),
        (
            "confirmReturnReceived",
            [{}, {"note": None}, {"note": "n" * 2000}],
            [({"note": "n" * 2001}, ("note", "TOO_LONG")), ({"note": "\0"}, ("note", "OTHER"))],
        ),
        (
            "refuseReturn",
            [{"note": "n" * 2000}],
            [
                ({"note": " "}, ("note", "REQUIRED")),
                ({"note": "n" * 2001}, ("note", "TOO_LONG")),
                ({"note": "x", "attachments": ["x"]}, ("attachments.0", "OTHER")),
                ({"note": "x", "attachments": ["x", "x"]}, ("attachments", "OTHER")),
                ({"note": "x", "attachments": [str(n) for n in range(11)]}, ("attachments", "TOO_MANY")),
            ],
        ),
    ],
)
def test_texts_of_a_return_have_their_form(
    world: World, mutation: str, good: list[dict[str, Any]], bad: list[tuple[dict[str, Any], tuple[str, str]]]
) -> None:
    status = {"provideReturnAddress": "AWAITING_ADDRESS", "confirmReturnShipped": "AWAITING_SHIPMENT"}
    role = "buyer" if mutation == "confirmReturnShipped" else "supplier"
    dispute = brought_to(settled(world), status.get(mutation, "SHIPPED"))
    before = dispute.seen(role)
    for input, problem in bad:
        assert dispute.problems(role, mutation, **input) == {problem}
    assert dispute.seen(role) == before
    dispute.do(role, mutation, **good[0])
    for input in good[1:]:
        shown = brought_to(settled(world), status.get(mutation, "SHIPPED")).do(role, mutation, **input)
        for name in ("address", "carrier", "trackingNumber"):
            assert name not in input or shown["returnShipment"][name] == input[name]


def test_an_upload_can_be_used_after_its_action_was_refused(world: World) -> None:
    dispute = settled(world).addressed().sent_back()
    photo, unsent = dispute.file("supplier"), announce(dispute.person("supplier"), PNG)["id"]
    refusal = {"note": "Empty.", "attachments": [photo, unsent]}
    assert dispute.problems("supplier", "refuseReturn", **refusal) == {("attachments.1", "OTHER")}
    assert dispute.refused("buyer", "refuseReturn", note="x", attachments=[photo]) == "NOT_YOUR_ROLE"
    later = dispute.now + 21 * DAY
    late = dispute.person("supplier", later).refused("refuseReturn", dispute.case | refusal | {"attachments": [photo]})
    assert late == "RETURN_CLOSED"
    assert dispute.seen()["evidence"] == []
    shown = dispute.do("supplier", "refuseReturn", note="Empty.", attachments=[photo])
    assert [file["filename"] for file in shown["evidence"]] == ["a.txt"]
