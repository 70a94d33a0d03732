"""Opening, negotiating, deciding and withdrawing a dispute."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from schema.scalars import spell_instant
from tests.conftest import DAY, MOMENT, NOW, World, usd
from tests.support.actions import INPUTS
from tests.support.uploads import bring

SHOWN = """order { id dispute { number } availableActions { action } }
  dispute { id number status reason description wanted claim { amount currencyCode } respondBy openedAt closedAt
    viewerState isFinal availableActions { action label } order { number } }"""


def wish(order: str, **changes: Any) -> dict[str, Any]:
    return {
        "orderId": order,
        "reason": "DAMAGED",
        "description": "Two lamps are broken.",
        "wanted": "PARTIAL_REFUND",
        "claim": usd("50.00"),
    } | changes


def test_a_buyer_opens_a_dispute(world: World) -> None:
    order = world.order("TRADE_ASSURANCE", paidAt=2)
    payload = world.buyer.succeed("openDispute", wish(order), SHOWN)
    dispute = payload["dispute"]
    assert dispute["number"].startswith("D-2026-")
    assert payload["order"]["dispute"] == {"number": dispute["number"]}
    assert payload["order"]["availableActions"] == []
    assert (dispute["status"], dispute["viewerState"]) == ("AWAITING_SUPPLIER", "WAITING_FOR_OTHER_PARTY")
    assert dispute["claim"] == usd("50.00")
    assert dispute["respondBy"] == "2026-06-22T12:00:00.000000Z"
    assert dispute["availableActions"] == [
        {"action": "POST_DISPUTE_MESSAGE", "label": "Write"},
        {"action": "WITHDRAW_DISPUTE", "label": "Withdraw Dispute"},
        {"action": "REVISE_CLAIM", "label": "Edit claim"},
    ]
    assert world.buyer.refused("openDispute", wish(order)) == "DISPUTE_OPEN"


def test_the_supplier_has_seven_days(world: World) -> None:
    order = world.order("SECURE_PAYMENT", shippedAt=2)
    dispute = world.buyer.succeed("openDispute", wish(order, wanted="REPLACEMENT", claim=None), SHOWN)["dispute"]
    assert dispute["claim"] is None
    asked = "query($id: ID!) { node(id: $id) { ... on Dispute { status respondBy viewerState } } }"
    last = NOW + 7 * DAY
    assert world.supplier.at(last).ask(asked, id=dispute["id"])["node"] == {
        "status": "AWAITING_SUPPLIER",
        "respondBy": "2026-06-22T12:00:00.000000Z",
        "viewerState": "ACTION_REQUIRED",
    }
    assert world.supplier.at(last + MOMENT).ask(asked, id=dispute["id"])["node"] == {
        "status": "UNDER_REVIEW",
        "respondBy": None,
        "viewerState": "UNDER_REVIEW",
    }
    assert world.agent.at(last + MOMENT).ask(asked, id=dispute["id"])["node"]["viewerState"] == "ACTION_REQUIRED"


def test_after_a_withdrawn_one_another_may_be_opened(world: World) -> None:
    order = world.order("TRADE_ASSURANCE", paidAt=2)
    first = world.buyer.succeed("openDispute", wish(order), SHOWN)["dispute"]
    withdrawn = world.buyer.at(NOW + DAY).succeed("withdrawDispute", {"caseId": first["id"]}, SHOWN)
    assert (withdrawn["dispute"]["status"], withdrawn["dispute"]["isFinal"]) == ("WITHDRAWN", True)
    assert withdrawn["order"]["availableActions"] == [{"action": "OPEN_DISPUTE"}]
    assert world.buyer.at(NOW + DAY).refused("withdrawDispute", {"caseId": first["id"]}) == "CASE_CLOSED"
    second = world.buyer.at(NOW + 2 * DAY).succeed("openDispute", wish(order), SHOWN)
    assert second["dispute"]["number"] > first["number"]
    assert second["order"]["dispute"] == {"number": second["dispute"]["number"]}


def test_only_the_buyer_withdraws(world: World) -> None:
    order = world.order("TRADE_ASSURANCE", paidAt=2)
    dispute = world.buyer.succeed("openDispute", wish(order), SHOWN)["dispute"]
    assert world.supplier.refused("withdrawDispute", {"caseId": dispute["id"]}) == "NOT_YOUR_ROLE"
    assert world.agent.refused("withdrawDispute", {"caseId": dispute["id"]}) == "NOT_YOUR_ROLE"
    assert world.person(world.buyer.role).refused("withdrawDispute", {"caseId": dispute["id"]}) == "NOT_FOUND"
    assert world.buyer.refused("withdrawDispute", {"caseId": order}) == "NOT_FOUND"


@pytest.mark.parametrize(
    ("facts", "claim", "problem"),
    [
        ({"paidAt": 1}, usd("100.00"), None),
        ({"paidAt": 1}, usd("100.01"), ("claim.amount", "OUT_OF_RANGE")),
        ({"paidAt": 1, "amountPaid": usd("30.00")}, usd("30.00"), None),
        ({"paidAt": 1, "amountPaid": usd("30.00")}, usd("30.01"), ("claim.amount", "OUT_OF_RANGE")),
        ({"completedAt": 1}, usd("100.00"), None),  # no payment is known: up to the total
        ({"completedAt": 1}, usd("100.01"), ("claim.amount", "OUT_OF_RANGE")),
        ({"paidAt": 1}, {"amount": "1.00", "currencyCode": "EUR"}, ("claim.currencyCode", "WRONG_FORM")),
    ],
)
def test_a_claim_is_bounded_by_what_was_paid(
    world: World, facts: dict[str, Any], claim: dict[str, str], problem: tuple[str, str] | None
) -> None:
    order = world.order("TRADE_ASSURANCE", **facts)
    if problem:
        assert world.buyer.problems("openDispute", wish(order, claim=claim)) == {problem}
    else:
        world.buyer.succeed("openDispute", wish(order, claim=claim))


def test_disputes_are_listed_for_their_parties(world: World) -> None:
    orders = [world.order("TRADE_ASSURANCE", paidAt=2) for _ in range(3)]
    numbers = [
        world.buyer.at(NOW + place * DAY).succeed("openDispute", wish(order), SHOWN)["dispute"]["number"]
        for place, order in enumerate(orders)
    ]
    listed = "{ viewer { disputes { edges { node { number order { id } } } } } }"
    for person in (world.buyer, world.supplier, world.service):
        edges = person.at(NOW + 9 * DAY).ask(listed)["viewer"]["disputes"]["edges"]
        assert [edge["node"]["number"] for edge in edges] == numbers[::-1]
        assert [edge["node"]["order"]["id"] for edge in edges] == orders[::-1]
    assert world.person(world.supplier.role).ask(listed)["viewer"]["disputes"]["edges"] == []


LIFE = """order { id availableActions { action } } dispute { id status respondBy viewerState closedAt isFinal
  proposal { resolution amount { amount } by { role } accepted }
  proposals { resolution accepted by { role } } outcome { resolution amount { amount } by { role } at note }
  timeline { edges { node { at text note by { role } } } } messages { edges { node { id text by { role } at } } } }"""


def opened(world: World, **changes: Any) -> str:
    order = world.order("TRADE_ASSURANCE", paidAt=2)
    return world.buyer.succeed("openDispute", wish(order, **changes), "dispute { id }")["dispute"]["id"]


def texts(dispute: dict[str, Any]) -> list[str]:
    return [edge["node"]["text"] for edge in dispute["timeline"]["edges"]]


def test_the_parties_settle_a_dispute_between_them(world: World) -> None:
    case = {"caseId": opened(world)}
    offered = world.supplier.at(NOW + DAY).succeed(
        "proposeResolution",
        case | {"resolution": "RETURN_AND_REFUND", "amount": usd("50.00"), "note": "Send them back"},
        LIFE,
    )["dispute"]
    assert (offered["status"], offered["respondBy"]) == ("AWAITING_BUYER", "2026-06-23T12:00:00.000000Z")
    assert offered["proposals"] == [
        {"resolution": "PARTIAL_REFUND", "accepted": False, "by": {"role": "BUYER"}},
        {"resolution": "RETURN_AND_REFUND", "accepted": None, "by": {"role": "SUPPLIER"}},
    ]
    rejected = world.buyer.at(NOW + 2 * DAY).succeed("rejectProposal", case | {"note": "Too far"}, LIFE)["dispute"]
    assert (rejected["status"], rejected["proposal"]) == ("AWAITING_SUPPLIER", None)
    assert world.supplier.at(NOW + 2 * DAY).refused("acceptProposal", case) == "NO_PROPOSAL"
    world.supplier.at(NOW + 3 * DAY).succeed(
        "proposeResolution", case | {"resolution": "PARTIAL_REFUND", "amount": usd("40.00")}
    )
    settled = world.buyer.at(NOW + 4 * DAY).succeed("acceptProposal", case | {"note": "Fine"}, LIFE)
    dispute = settled["dispute"]
    assert (dispute["status"], dispute["isFinal"], dispute["viewerState"]) == ("SETTLED", True, "CLOSED")
    assert dispute["outcome"] == {
        "resolution": "PARTIAL_REFUND",
        "amount": {"amount": "40.00"},
        "by": {"role": "BUYER"},
        "at": "2026-06-19T12:00:00.000000Z",
        "note": "Fine",
    }
    assert [each["accepted"] for each in dispute["proposals"]] == [False, False, True]
    assert texts(dispute) == [
        "The buyer opened a dispute.",
        "A resolution was proposed.",
        "The proposal was rejected.",
        "A resolution was proposed.",
        "The proposal was accepted; the dispute is settled.",
    ]
    assert settled["order"]["availableActions"] == []
    order = {"orderId": settled["order"]["id"]}
    assert world.buyer.at(NOW + 5 * DAY).refused("openDispute", wish("") | order) == "DISPUTE_SETTLED"


def test_a_proposal_is_bounded_by_what_can_be_claimed(world: World) -> None:
    case = {"caseId": opened(world)}
    for amount, problem in (
        (usd("50.01"), ("amount.amount", "OUT_OF_RANGE")),
        ({"amount": "1.00", "currencyCode": "EUR"}, ("amount.currencyCode", "WRONG_FORM")),
    ):
        proposal = case | {"resolution": "REFUND", "amount": amount}
        assert world.supplier.problems("proposeResolution", proposal) == {problem}
    without_claim = {"caseId": opened(world, wanted="REPLACEMENT", claim=None)}
    most = without_claim | {"resolution": "REFUND", "amount": usd("100.01")}
    assert world.supplier.problems("proposeResolution", most) == {("amount.amount", "OUT_OF_RANGE")}
    world.supplier.succeed("proposeResolution", without_claim | {"resolution": "REFUND", "amount": usd("100.00")})


def test_nobody_answers(world: World) -> None:
    """Time alone takes the dispute to review. Reads show it at once; the next mutation records it, dated by the deadline."""
    case = opened(world)
    due = NOW + 7 * DAY
    asked = f"query($id: ID!) {{ node(id: $id) {{ ... on Dispute {{ {LIFE[LIFE.index('dispute {') + 9 :]} }} }}"
    assert world.agent.at(due).ask(asked, id=case)["node"]["viewerState"] == "WAITING_FOR_OTHER_PARTY"
    seen = world.agent.at(due + DAY).ask(asked, id=case)["node"]
    assert (seen["status"], seen["respondBy"], seen["viewerState"]) == ("UNDER_REVIEW", None, "ACTION_REQUIRED")
    assert texts(seen)[1:] == ["Nobody answered in time; an agent reviews the dispute."]
    assert seen["timeline"]["edges"][1]["node"]["at"] == "2026-06-22T12:00:00.000000Z"
    written = world.supplier.at(due + 2 * DAY).succeed(
        "postDisputeMessage", {"caseId": case, "text": "Sorry, I was away."}, LIFE
    )["dispute"]
    assert written["status"] == "UNDER_REVIEW"
    assert texts(written)[:2] == texts(seen)
    assert written["timeline"]["edges"][1]["node"] == seen["timeline"]["edges"][1]["node"]
    assert world.supplier.at(due + 2 * DAY).refused("acceptProposal", {"caseId": case}) == "ALREADY_UNDER_REVIEW"


def test_a_dispute_is_escalated_and_resolved_by_an_agent(world: World) -> None:
    case = {"caseId": opened(world)}
    third_day = NOW + 3 * DAY
    assert world.buyer.at(third_day - MOMENT).refused("escalateDispute", case) == "WINDOW_NOT_OPEN"
    escalated = world.buyer.at(third_day).succeed("escalateDispute", case | {"note": "No answer"}, LIFE)["dispute"]
    assert (escalated["status"], escalated["viewerState"]) == ("UNDER_REVIEW", "UNDER_REVIEW")
    decision = case | {"resolution": "REFUND", "amount": usd("50.01"), "note": "Broken on arrival."}
    later = world.agent.at(NOW + 4 * DAY)
    assert later.problems("resolveDispute", decision) == {("amount.amount", "OUT_OF_RANGE")}
    resolved = later.succeed("resolveDispute", decision | {"amount": usd("50.00")}, LIFE)["dispute"]
    assert (resolved["status"], resolved["outcome"]["by"]) == ("RESOLVED", {"role": "AGENT"})
    assert resolved["outcome"]["note"] == "Broken on arrival."
    assert later.refused("postDisputeMessage", case | {"text": "x"}) == "CASE_CLOSED"


@pytest.mark.parametrize("party", ["BUYER", "SUPPLIER"])
def test_evidence_is_asked_of_one_party(world: World, party: str) -> None:
    case = {"caseId": opened(world)}
    world.buyer.at(NOW + 3 * DAY).succeed("escalateDispute", case)
    asking = case | {"party": party, "text": "Photos of the lamps, please."}
    asked = world.agent.at(NOW + 4 * DAY).succeed("requestEvidence", asking, LIFE)["dispute"]
    assert (asked["status"], asked["respondBy"]) == ("EVIDENCE_REQUESTED", "2026-06-24T12:00:00.000000Z")
    assert asked["messages"]["edges"][0]["node"]["text"] == "Photos of the lamps, please."
    assert world.agent.at(NOW + 4 * DAY).refused("requestEvidence", asking) == "NOT_UNDER_REVIEW"
    one, other = (world.buyer, world.supplier) if party == "BUYER" else (world.supplier, world.buyer)
    last = NOW + 9 * DAY
    message = case | {"text": "Here they are."}
    theirs = other.at(last).succeed("postDisputeMessage", message, LIFE)["dispute"]
    assert (theirs["status"], theirs["viewerState"]) == ("EVIDENCE_REQUESTED", "WAITING_FOR_OTHER_PARTY")
    assert one.at(last).problems("postDisputeMessage", message) == {("attachments", "REQUIRED")}
    with_a_file = message | {"attachments": [bring(one)]}
    answered = one.at(last).succeed("postDisputeMessage", with_a_file, LIFE)["dispute"]
    assert (answered["status"], answered["respondBy"]) == ("UNDER_REVIEW", None)
    assert [edge["node"]["text"] for edge in answered["messages"]["edges"]][-1] == "Photos of the lamps, please."
    assert world.agent.at(last + 30 * DAY).ask(
        "query($id: ID!) { node(id: $id) { ... on Dispute { status } } }", id=case["caseId"]
    ) == {"node": {"status": "UNDER_REVIEW"}}


def test_a_silent_buyers_dispute_lapses(world: World) -> None:
    order = world.order("TRADE_ASSURANCE", paidAt=2)
    case = {"caseId": world.buyer.succeed("openDispute", wish(order), "dispute { id }")["dispute"]["id"]}
    world.supplier.at(NOW + 3 * DAY).succeed("escalateDispute", case)
    world.agent.at(NOW + 4 * DAY).succeed("requestEvidence", case | {"party": "BUYER", "text": "Photos?"})
    due = NOW + 9 * DAY
    asked = """query($id: ID!) { node(id: $id) { ... on Order { availableActions { action } nextChangeAt
      timeline(last: 1) { edges { node { text at } } } dispute { status closedAt isFinal viewerState } } } }"""
    assert world.buyer.at(due).ask(asked, id=order)["node"]["nextChangeAt"] == "2026-06-24T12:00:00.000001Z"
    seen = world.buyer.at(due + MOMENT).ask(asked, id=order)["node"]
    assert seen["availableActions"] == [{"action": "OPEN_DISPUTE"}]
    assert seen["dispute"] == {
        "status": "LAPSED",
        "closedAt": "2026-06-24T12:00:00.000000Z",
        "isFinal": True,
        "viewerState": "CLOSED",
    }
    assert seen["timeline"]["edges"][0]["node"] == {
        "text": "The requested evidence did not arrive in time; the dispute lapsed.",
        "at": "2026-06-24T12:00:00.000000Z",
    }
    # The next mutation works on the lapsed dispute, unique indexes included.
    again = world.buyer.at(due + DAY).succeed("openDispute", wish(order), "dispute { number status }")
    assert again["dispute"]["status"] == "AWAITING_SUPPLIER"


def test_the_order_system_reads_no_words_of_a_dispute(world: World) -> None:
    case = opened(world)
    world.supplier.succeed("postDisputeMessage", {"caseId": case, "text": "secret"})
    asked = """query($id: ID!) { node(id: $id) { ... on Dispute { status description
      messages { edges { node { text } } } timeline { edges { node { note text } } } } } }"""
    assert "secret" not in str(world.service.ask(asked, id=case))
    assert world.service.ask(asked, id=case)["node"]["description"] == ""
    message = world.buyer.ask(asked.replace("text } } } timeline", "id text } } } timeline"), id=case)["node"][
        "messages"
    ]
    id = message["edges"][0]["node"]["id"]
    found = "query($id: ID!) { node(id: $id) { ... on Message { text by { role } } } }"
    assert world.buyer.ask(found, id=id) == {"node": {"text": "secret", "by": {"role": "SUPPLIER"}}}
    for stranger in (world.service, world.person(world.buyer.role)):
        assert stranger.ask(found, id=id) == {"node": None}


def test_agents_list_disputes_in_the_order_in_which_they_are_due(world: World) -> None:
    """The order uses deadlines, also for changes that time alone has made."""
    first, second, third = (opened(world) for _ in range(3))
    world.supplier.at(NOW + DAY).succeed("rejectProposal", {"caseId": second})
    world.supplier.at(NOW + 3 * DAY).succeed("escalateDispute", {"caseId": third})
    withdrawn = opened(world)
    world.buyer.at(NOW + DAY).succeed("withdrawDispute", {"caseId": withdrawn})
    asked = """query($filter: DisputeFilter, $after: String) { viewer { disputes(first: 100, filter: $filter,
      orderBy: DUE_FIRST, after: $after) { edges { cursor node { id } } pageInfo { hasNextPage endCursor } } } }"""
    ours = {first: "first", second: "second", third: "third", withdrawn: "withdrawn"}

    def edges(at: Any, after: str | None = None, **filter: Any) -> dict[str, str]:
        """Returns this test's disputes in the order of the list, with their cursors. Other disputes lie between them."""
        found: dict[str, str] = {}
        more = True
        while more:
            page = world.agent.at(at).ask(asked, filter=filter or None, after=after)["viewer"]["disputes"]
            found |= {ours[e["node"]["id"]]: e["cursor"] for e in page["edges"] if e["node"]["id"] in ours}
            more, after = page["pageInfo"]["hasNextPage"], page["pageInfo"]["endCursor"]
        return found

    def listed(at: Any, **filter: Any) -> list[str]:
        return list(edges(at, **filter))

    assert listed(NOW + 4 * DAY) == ["third", "first", "second", "withdrawn"]
    assert listed(NOW + 4 * DAY, open=True) == ["third", "first", "second"]
    assert listed(NOW + 4 * DAY, open=False) == ["withdrawn"]
    assert listed(NOW + 4 * DAY, statuses=["UNDER_REVIEW"]) == ["third"]
    assert listed(NOW + 7 * DAY + MOMENT, statuses=["UNDER_REVIEW"]) == ["third", "first"]
    assert listed(NOW + 7 * DAY + MOMENT, statuses=["AWAITING_BUYER"]) == ["second"]
    assert listed(NOW + 7 * DAY + MOMENT, statuses=["AWAITING_SUPPLIER", "WITHDRAWN"]) == ["withdrawn"]
    world.agent.at(NOW + 4 * DAY).succeed("requestEvidence", {"caseId": third, "party": "BUYER", "text": "Photos?"})
    lapsed = NOW + 10 * DAY
    before = listed(lapsed)
    order = "query($id: ID!) { node(id: $id) { ... on Dispute { order { id } } } }"
    again = wish(world.buyer.ask(order, id=third)["node"]["order"]["id"])
    world.buyer.at(lapsed).succeed("openDispute", again)
    assert listed(lapsed) == before
    cursor = edges(NOW + 4 * DAY)["first"]
    assert list(edges(NOW + 4 * DAY, after=cursor)) == ["second", "third", "withdrawn"]


def test_the_timeline_pages_around_what_only_time_has_done(world: World) -> None:
    case = opened(world)
    at = NOW + 8 * DAY
    asked = """query($id: ID!, $first: Int, $after: String, $last: Int, $before: String) { node(id: $id) { ... on Dispute {
      timeline(first: $first, after: $after, last: $last, before: $before) { edges { node { text } }
      pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } } } }"""

    def page(**variables: Any) -> tuple[list[str], dict[str, Any]]:
        found = world.buyer.at(at).ask(asked, id=case, **variables)["node"]["timeline"]
        return [edge["node"]["text"] for edge in found["edges"]], found["pageInfo"]

    everything, _ = page()
    last, info = page(last=1)
    assert (last, info["hasPreviousPage"]) == (everything[1:], True)
    assert page(last=1, before=info["startCursor"])[0] == everything[:1]
    assert page(after=info["endCursor"])[0] == []
    first, info = page(first=1)
    assert (first, info["hasNextPage"]) == (everything[:1], True)
    assert page(first=1, after=info["endCursor"])[0] == everything[1:]


def test_readers_see_times_step_once_while_it_is_written_down(world: World) -> None:
    at = NOW + 8 * DAY
    asked = """query($id: ID!) { node(id: $id) { ... on Dispute { timeline { edges { node { text } } }
      order { timeline { edges { node { text } } } } } } }"""
    for _ in range(6):
        case = opened(world)

        def read(_place: int, case: str = case) -> list[int]:
            found = world.agent.at(at).ask(asked, id=case)["node"]
            step = "Nobody answered in time; an agent reviews the dispute."
            return [texts(found).count(step), texts(found["order"]).count(step)]

        with ThreadPoolExecutor(8) as readers:
            reads = [readers.submit(read, place) for place in range(24)]
            world.supplier.at(at).succeed("postDisputeMessage", {"caseId": case, "text": "Sorry"})
            assert [each.result() for each in reads] == [[1, 1]] * 24


def test_the_newest_proposal_is_open_even_where_clocks_differ(world: World) -> None:
    case = {"caseId": opened(world)}
    proposal = case | {"resolution": "PARTIAL_REFUND", "amount": usd("1.00")}
    world.supplier.at(NOW + DAY).succeed("proposeResolution", proposal)
    behind = world.buyer.at(NOW + DAY - MOMENT).succeed("proposeResolution", proposal | {"amount": usd("2.00")}, LIFE)
    assert behind["dispute"]["proposal"]["amount"] == {"amount": "2.00"}
    assert [each["accepted"] for each in behind["dispute"]["proposals"]] == [False, False, None]
    withdrawn = world.buyer.at(NOW + 2 * DAY).succeed("withdrawDispute", case, LIFE)["dispute"]
    assert withdrawn["proposal"] is None


def test_amounts_keep_the_currency_in_which_they_were_said(world: World) -> None:
    record = world.record("TRADE_ASSURANCE", paidAt=2)
    [order] = world.service.succeed("recordOrders", {"orders": [record]}, "orders { id }")["orders"]
    without_claim = wish(order["id"], wanted="REPLACEMENT", claim=None)
    case = {"caseId": world.buyer.succeed("openDispute", without_claim, "dispute { id }")["dispute"]["id"]}
    yen = {"amount": "10000", "currencyCode": "JPY"}
    items = [{"title": "Desk lamp", "quantity": 1, "unitPrice": yen}]
    changed = record | {"total": yen, "items": items, "recordedAt": world.record(recordedAt=-1)["recordedAt"]}
    world.service.at(NOW + DAY).succeed("recordOrders", {"orders": [changed]})
    shown = "dispute { proposal { amount { amount currencyCode } } outcome { amount { amount currencyCode } } }"
    proposal = case | {"resolution": "REFUND", "amount": yen}
    offered = world.supplier.at(NOW + 2 * DAY).succeed("proposeResolution", proposal, shown)["dispute"]
    assert offered["proposal"] == {"amount": yen}
    accepted = world.buyer.at(NOW + 3 * DAY).succeed("acceptProposal", case, shown)["dispute"]
    assert accepted["outcome"] == {"amount": yen}


# ---------------------------------------------------------------- accepting only what was seen

TABLE = "dispute { status proposal { id } proposals { id accepted } }"


def changed(person: Any, mutation: str, input: dict[str, Any]) -> bool:
    """Whether the mutation is refused with PROPOSAL_CHANGED, which names no field and no decision."""
    errors = person.do(mutation, input)["userErrors"]
    refusal = {"code": "PROPOSAL_CHANGED", "problem": None, "field": None, "decision": None}
    return [{name: error[name] for name in refusal} for error in errors] == [refusal]


@pytest.mark.parametrize("mutation", ["acceptProposal", "rejectProposal"])
def test_only_the_proposal_that_was_seen_is_answered(world: World, mutation: str) -> None:
    case = {"caseId": opened(world)}
    half = case | {"resolution": "PARTIAL_REFUND", "amount": usd("25.00")}
    first = world.supplier.succeed("proposeResolution", half, TABLE)["dispute"]["proposal"]["id"]
    world.buyer.at(NOW + MOMENT).succeed("proposeResolution", half | {"amount": usd("40.00")})
    second = world.supplier.at(NOW + 2 * MOMENT).succeed("proposeResolution", half, TABLE)["dispute"]["proposal"]["id"]
    assert first.startswith("prp_")
    assert second != first
    buyer = world.buyer.at(NOW + DAY)
    assert changed(buyer, mutation, case | {"proposalId": first})
    answered = buyer.succeed(mutation, case | {"proposalId": second}, TABLE)["dispute"]
    assert [each["accepted"] for each in answered["proposals"]][-1] is (mutation == "acceptProposal")
    assert [each["id"] for each in answered["proposals"]].index(second) == 3


@pytest.mark.parametrize("seen", ["", "x", "prp_", "prp_00000000000000000000000000000000", "PRP", "\0", "x" * 10_000])
def test_what_names_no_proposal_on_the_table_is_not_it(world: World, seen: str) -> None:
    case = {"caseId": opened(world)}
    assert changed(world.supplier, "acceptProposal", case | {"proposalId": seen})
    assert changed(world.supplier, "rejectProposal", case | {"proposalId": seen})


def test_a_proposal_of_another_case_or_the_case_itself_is_not_on_the_table(world: World) -> None:
    case, other = opened(world), opened(world)
    asked = "query($id: ID!) { node(id: $id) { ... on Dispute { proposal { id } } } }"
    [mine, theirs] = [world.supplier.ask(asked, id=id)["node"]["proposal"]["id"] for id in (case, other)]
    for seen in (theirs, case, mine.replace("prp", "dsp"), mine.upper()):
        assert changed(world.supplier, "acceptProposal", {"caseId": case, "proposalId": seen})
    world.supplier.succeed("acceptProposal", {"caseId": case, "proposalId": mine})
    assert world.supplier.ask("query($id: ID!) { node(id: $id) { id } }", id=mine) == {"node": None}


def test_a_proposal_that_was_seen_and_rejected_meanwhile_has_changed(world: World) -> None:
    """The policy's reasons come first, except those about the turn and the current proposal."""
    case = {"caseId": opened(world)}
    seen = world.supplier.succeed("proposeResolution", case | INPUTS["proposeResolution"], TABLE)["dispute"]
    seen_there = case | {"proposalId": seen["proposal"]["id"]}
    buyer, supplier = world.buyer.at(NOW + DAY), world.supplier.at(NOW + DAY)
    assert supplier.refused("acceptProposal", seen_there) == "NOT_YOUR_TURN"
    assert changed(
        supplier, "acceptProposal", case | {"proposalId": seen["proposals"][0]["id"]}
    )  # answered on another device
    buyer.succeed("rejectProposal", seen_there)
    assert changed(buyer, "acceptProposal", seen_there)
    assert buyer.refused("acceptProposal", case) == "NOT_YOUR_TURN"
    assert changed(supplier, "acceptProposal", seen_there)
    assert supplier.refused("acceptProposal", case | {"proposalId": None}) == "NO_PROPOSAL"
    buyer.succeed("withdrawDispute", case)
    assert supplier.refused("acceptProposal", seen_there) == "CASE_CLOSED"


def test_what_was_seen_is_part_of_what_a_key_stands_for(world: World) -> None:
    case = {"caseId": opened(world)}
    asked = "query($id: ID!) { node(id: $id) { ... on Dispute { proposal { id } } } }"
    seen = world.supplier.ask(asked, id=case["caseId"])["node"]["proposal"]["id"]
    keyed = case | {"proposalId": seen, "idempotencyKey": "seen"}
    assert changed(world.supplier, "acceptProposal", case | {"proposalId": "x", "idempotencyKey": "seen"})
    for _ in range(2):  # a refused action does not use up its key
        world.supplier.succeed("acceptProposal", keyed)
    [error] = world.supplier.do("acceptProposal", keyed | {"proposalId": None})["userErrors"]
    assert error["code"] == "IDEMPOTENCY_KEY_REUSED"


# ---------------------------------------------------------------- limits use the current facts

EUR = {"amount": "200.00", "currencyCode": "EUR"}
OFFERED = """query($id: ID!, $at: DateTime) { node(id: $id) { ... on Dispute { availableActions { action }
  accept: decision(action: ACCEPT_PROPOSAL, at: $at) { allowed reason message }
  timeline { edges { node { text at } } } } } }"""


def amounts(total: dict[str, str], paid: dict[str, str] | None = None) -> dict[str, Any]:
    """Returns the amounts of a record."""
    items = [{"title": "Desk lamp", "quantity": 1, "unitPrice": total}]
    return {"total": total, "items": items} | ({"amountPaid": paid} if paid else {})


class Corrected:
    """A dispute whose current proposal is a claim of 200.00, and the record of its order."""

    def __init__(self, world: World, paid: bool = True, **changes: Any) -> None:
        facts: dict[str, Any] = {"paidAt": 2} if paid else {"completedAt": 2}
        self.world, self.at = world, NOW + DAY
        self.record = world.record("TRADE_ASSURANCE", **facts, **amounts(usd("200.00")))
        [self.order] = world.service.succeed("recordOrders", {"orders": [self.record]}, "orders { id }")["orders"]
        wanted = wish(self.order["id"]) | {"wanted": "REFUND", "claim": usd("200.00")} | changes
        self.case = {"caseId": world.buyer.succeed("openDispute", wanted, "dispute { id }")["dispute"]["id"]}

    def by(self, **changes: Any) -> "Corrected":
        self.record |= changes | {"recordedAt": spell_instant(self.at)}
        self.world.service.at(self.at).succeed("recordOrders", {"orders": [self.record]})
        self.at += MOMENT
        return self

    def accept(self) -> str | None:
        """Returns the reason of the refusal, on which the mutation, the decision and the list must agree."""
        supplier = self.world.supplier.at(self.at)
        shown = supplier.ask(OFFERED, id=self.case["caseId"])["node"]
        [reason, *_] = [error["code"] for error in supplier.do("acceptProposal", self.case)["userErrors"]] or [None]
        assert (shown["accept"]["reason"], shown["accept"]["allowed"]) == (reason, reason is None)
        listed = {each["action"] for each in shown["availableActions"]}
        assert ("ACCEPT_PROPOSAL" in listed) == (reason is None)
        assert {"PROPOSE_RESOLUTION", "REJECT_PROPOSAL"} <= listed  # the dispute can still go on
        return reason

    def in_review(self) -> "Corrected":
        self.at = max(self.at, NOW + 3 * DAY)
        self.world.buyer.at(self.at).succeed("escalateDispute", self.case)
        self.at += MOMENT
        return self

    def resolve(self, resolution: str, amount: dict[str, str] | None = None) -> str | None:
        """Returns the field that was refused, if any. Otherwise checks that the outcome is what was decided."""
        decision = self.case | {"resolution": resolution, "amount": amount, "note": "Decided."}
        shown = "dispute { outcome { resolution amount { amount currencyCode } } }"
        payload = self.world.agent.at(self.at).do("resolveDispute", decision, shown)
        if payload["userErrors"]:
            [error] = payload["userErrors"]
            assert error["code"] == "INVALID_INPUT"
            return ".".join(error["field"])
        assert payload["dispute"]["outcome"] == {"resolution": resolution, "amount": amount}
        return None


LESS, GONE, OTHER = amounts(usd("200.00"), usd("20.00")), {"paidAt": None}, amounts(EUR)


@pytest.mark.parametrize(
    ("says", "corrections", "reason"),
    [
        ("less was paid", [LESS], "OFFER_NOT_POSSIBLE"),
        ("a cent less was paid", [amounts(usd("200.00"), usd("199.99"))], "OFFER_NOT_POSSIBLE"),
        ("the payment was taken back", [GONE], "OFFER_NOT_POSSIBLE"),
        ("it is in another currency", [OTHER], "OFFER_NOT_POSSIBLE"),
        ("in another currency, and enough of it", [amounts(EUR | {"amount": "900.00"})], "OFFER_NOT_POSSIBLE"),
        ("taken back, and the total is corrected", [GONE, amounts(usd("300.00"))], "OFFER_NOT_POSSIBLE"),
        ("the total is less, and with it what was paid", [amounts(usd("150.00"))], "OFFER_NOT_POSSIBLE"),
        ("paid again, whole", [GONE, {"paidAt": spell_instant(NOW)}], None),
        ("paid again, in part", [GONE, {"paidAt": spell_instant(NOW)} | LESS], "OFFER_NOT_POSSIBLE"),
        ("less, and then all of it after all", [LESS, amounts(usd("200.00"), usd("200.00"))], None),
        ("another currency, and back", [OTHER, amounts(usd("200.00"))], None),
        ("more was paid", [amounts(usd("300.00"), usd("300.00"))], None),
        ("exactly what is claimed was paid", [amounts(usd("300.00"), usd("200.00"))], None),
        ("other things of the order changed", [{"shippedAt": spell_instant(NOW)}], None),
        ("it was cancelled, and so owes all of it", [{"cancelledAt": spell_instant(NOW)}], "OFFER_NOT_POSSIBLE"),
    ],
)
def test_what_is_accepted_is_possible_then(
    world: World, says: str, corrections: list[dict[str, Any]], reason: str | None
) -> None:
    corrected = Corrected(world)
    for changes in corrections:
        corrected.by(**changes)
    assert corrected.accept() == reason, says


@pytest.mark.parametrize("corrections", [LESS, GONE, OTHER])
def test_what_takes_no_money_is_possible_whatever_was_paid(world: World, corrections: dict[str, Any]) -> None:
    assert Corrected(world, wanted="REPLACEMENT", claim=None).by(**corrections).accept() is None


@pytest.mark.parametrize(
    ("corrections", "reason"),
    [(amounts(usd("200.00")), None), (amounts(usd("150.00")), "OFFER_NOT_POSSIBLE"), (OTHER, "OFFER_NOT_POSSIBLE")],
)
def test_an_order_never_known_to_be_paid_keeps_its_total(
    world: World, corrections: dict[str, Any], reason: str | None
) -> None:
    assert Corrected(world, paid=False).by(**corrections).accept() == reason


@pytest.mark.parametrize(
    ("says", "corrections", "resolution", "amount", "field"),
    [
        ("the claim, of which less was paid", LESS, "REFUND", usd("200.00"), "amount.amount"),
        ("a cent more than was paid", LESS, "PARTIAL_REFUND", usd("20.01"), "amount.amount"),
        ("all that was paid", LESS, "REFUND", usd("20.00"), None),
        ("money that was taken back", GONE, "RETURN_AND_REFUND", usd("0.01"), "amount.amount"),
        ("nothing of what was taken back", GONE, "NO_REFUND", None, None),
        ("in the currency of then", OTHER, "REFUND", usd("1.00"), "amount.currencyCode"),
        ("in the currency of now, in which nobody asked", OTHER, "REFUND", EUR, "amount.currencyCode"),
        ("without money", OTHER, "REPLACEMENT", None, None),
        ("the claim, of more that was paid", amounts(usd("300.00")), "REFUND", usd("200.00"), None),
        ("more than the claim", amounts(usd("300.00")), "REFUND", usd("200.01"), "amount.amount"),
    ],
)
def test_what_is_decided_is_possible_then(
    world: World, says: str, corrections: dict[str, Any], resolution: str, amount: Any, field: str | None
) -> None:
    assert Corrected(world).by(**corrections).in_review().resolve(resolution, amount) == field, says


@pytest.mark.parametrize("amount", [usd("1.00"), EUR, EUR | {"amount": "0.01"}])
def test_after_a_change_of_currency_a_claim_is_settled_without_money_alone(
    world: World, amount: dict[str, str]
) -> None:
    corrected = Corrected(world).by(**OTHER)
    supplier = world.supplier.at(corrected.at)
    proposal = corrected.case | {"resolution": "PARTIAL_REFUND", "amount": amount}
    assert supplier.problems("proposeResolution", proposal) == {("amount.currencyCode", "WRONG_FORM")}
    supplier.succeed("proposeResolution", corrected.case | {"resolution": "REPLACEMENT"})
    world.buyer.at(corrected.at + MOMENT).succeed("acceptProposal", corrected.case)


def test_after_a_change_of_currency_the_buyer_can_open_another_dispute_with_a_claim_in_it(world: World) -> None:
    corrected = Corrected(world).by(**OTHER)
    buyer = world.buyer.at(corrected.at)
    buyer.succeed("withdrawDispute", corrected.case)
    buyer.succeed("openDispute", wish(corrected.order["id"]) | {"wanted": "REFUND", "claim": EUR})


def test_a_dispute_without_a_claim_takes_amounts_in_the_new_currency(world: World) -> None:
    corrected = Corrected(world, wanted="REPLACEMENT", claim=None).by(**OTHER)
    assert corrected.in_review().resolve("REFUND", EUR) is None


def test_what_is_seen_and_not_possible_is_said_so_and_something_else_has_changed(world: World) -> None:
    corrected = Corrected(world)
    seen = world.supplier.ask(
        "query($id: ID!) { node(id: $id) { ... on Dispute { proposal { id } } } }", id=corrected.case["caseId"]
    )["node"]["proposal"]["id"]
    supplier = world.supplier.at(corrected.by(**LESS).at)
    assert supplier.refused("acceptProposal", corrected.case | {"proposalId": seen}) == "OFFER_NOT_POSSIBLE"
    assert changed(supplier, "acceptProposal", corrected.case | {"proposalId": "prp_" + "0" * 32})
    supplier.succeed("rejectProposal", corrected.case | {"proposalId": seen})


def test_what_was_decided_of_an_offer_reads_the_same_later(world: World) -> None:
    corrected = Corrected(world).by(**LESS)
    corrected.at += DAY
    corrected.by(**amounts(usd("200.00"), usd("200.00")))
    case, supplier = corrected.case["caseId"], world.supplier.at(corrected.at + DAY)
    at = [NOW, NOW + DAY - MOMENT, NOW + DAY, corrected.at - 2 * MOMENT, corrected.at, corrected.at + 2 * DAY]
    asked = [supplier.ask(OFFERED, id=case, at=spell_instant(each))["node"]["accept"]["allowed"] for each in at]
    assert asked == [True, True, False, False, True, True]
    shown = supplier.ask(OFFERED, id=case)["node"]["timeline"]["edges"]
    said = "The amount that can be claimed for the order changed."
    assert [edge["node"]["text"] for edge in shown][1:] == [said, said]
    assert shown[1]["node"]["at"] == spell_instant(NOW + DAY)


def test_a_claim_is_of_what_is_still_paid(world: World) -> None:
    """The order is complete, so it can be disputed, but its payment was taken back."""
    record = world.record("TRADE_ASSURANCE", paidAt=3, completedAt=2)
    [order] = world.service.succeed("recordOrders", {"orders": [record]}, "orders { id }")["orders"]
    taken_back = record | {"paidAt": None, "recordedAt": spell_instant(NOW + MOMENT)}
    world.service.at(NOW + MOMENT).succeed("recordOrders", {"orders": [taken_back]})
    buyer = world.buyer.at(NOW + DAY)
    assert buyer.problems("openDispute", wish(order["id"])) == {("claim.amount", "OUT_OF_RANGE")}
    buyer.succeed("openDispute", wish(order["id"], wanted="REPLACEMENT", claim=None))


@pytest.mark.parametrize(
    ("corrections", "amount", "problem"),
    [
        (LESS, "20.01", {("amount.amount", "OUT_OF_RANGE")}),
        (LESS, "20.00", None),
        (GONE, "0.01", {("amount.amount", "OUT_OF_RANGE")}),
        (amounts(usd("300.00")), "200.01", {("amount.amount", "OUT_OF_RANGE")}),  # the claim is still a limit
    ],
)
def test_what_is_proposed_is_possible_then(
    world: World, corrections: dict[str, Any], amount: str, problem: set[tuple[str, str]] | None
) -> None:
    corrected = Corrected(world).by(**corrections)
    proposal = corrected.case | {"resolution": "PARTIAL_REFUND", "amount": usd(amount)}
    supplier = world.supplier.at(corrected.at)
    if problem:
        assert supplier.problems("proposeResolution", proposal) == problem
    else:
        supplier.succeed("proposeResolution", proposal)
        world.buyer.at(corrected.at).succeed("acceptProposal", corrected.case)
