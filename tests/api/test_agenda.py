"""The agenda: until when a viewer can still do something, or must."""

from collections.abc import Callable, Generator
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest

from models import database
from models.enums import Role
from schema.scalars import parse_instant, spell_instant
from tests.conftest import DAY, MOMENT, NOW, Person, Server, Statements, World, usd
from tests.support.actions import AREAS, INPUTS
from tests.support.filled import LATER, Filled

AGENDA = """query($first: Int, $after: String, $within: Int) { viewer { agenda(first: $first, after: $after,
  within: $within) { edges { cursor node { id at kind text order { id number } relatedCase { id number viewerState }
  decision { action allowed closesAt } } } pageInfo { hasNextPage hasPreviousPage endCursor } } } }"""


def agenda(person: Person, **arguments: Any) -> list[dict[str, Any]]:
    shown = person.ask(AGENDA, **({"first": 100} | arguments))["viewer"]["agenda"]
    return [edge["node"] for edge in shown["edges"]]


def ends(person: Person, **arguments: Any) -> list[tuple[str, float]]:
    """Returns the kinds, each with the days from NOW."""
    return [(entry["kind"], (parse_instant(entry["at"]) - NOW) / DAY) for entry in agenda(person, **arguments)]


# ---------------------------------------------------------------- what ends for whom

WISH = {"reason": "DAMAGED", "description": "x", "wanted": "RETURN_AND_REFUND", "claim": usd("60.00")}


def disputed(world: World) -> dict[str, str]:
    opening = WISH | {"orderId": world.order(paidAt=20)}
    return {"caseId": world.buyer.succeed("openDispute", opening, "dispute { id }")["dispute"]["id"]}


def settled(world: World, *steps: tuple[str, str]) -> None:
    case = disputed(world)
    for who, mutation in (("supplier", "acceptProposal"), *steps):
        getattr(world, who).succeed(mutation, INPUTS[mutation] | case)


def reviewed(world: World) -> dict[str, str]:
    case = disputed(world)
    world.buyer.at(NOW + 3 * DAY).succeed("escalateDispute", case)
    return case


def evidence_asked(world: World, party: str) -> None:
    then = world.agent.at(NOW + 3 * DAY)
    then.succeed("requestEvidence", reviewed(world) | {"party": party, "text": "Photos, please."})


def decided(world: World, resolution: dict[str, Any]) -> None:
    world.agent.at(NOW + 3 * DAY).succeed("resolveDispute", reviewed(world) | resolution | {"note": "x"})


def rated(world: World, *, replied: bool = False) -> None:
    order = world.order("SECURE_PAYMENT", completedAt=10)
    world.buyer.succeed("leaveFeedback", {"orderId": order, "ratings": AREAS})
    if replied:
        world.supplier.succeed("replyToFeedback", {"orderId": order, "text": "Thanks"})


def requested(world: World) -> dict[str, str]:
    order = {"orderId": world.order("SECURE_PAYMENT")}
    world.buyer.succeed("requestCancellation", order | {"reason": "OTHER"})
    return order


def complain(world: World) -> dict[str, str]:
    filing = INPUTS["fileComplaint"] | {"respondent": {"memberId": "x"}}
    return {"caseId": world.buyer.succeed("fileComplaint", filing, "complaint { id }")["complaint"]["id"]}


ADDRESS, SEND = ("supplier", "provideReturnAddress"), ("buyer", "confirmReturnShipped")
RETURN = {"resolution": "RETURN_AND_REFUND", "amount": usd("60.00")}

# What happens, and the ends of each role, in days from NOW, as they are 3 days after NOW.
Ends = dict[str, list[tuple[str, float]]]
FACTS: dict[str, tuple[Callable[[World], Any], Ends]] = {
    "a completed Trade Assurance order": (lambda world: world.order(completedAt=40), {"buyer": [("LAST_CHANCE", 20)]}),
    "a completed Secure Payment order": (
        lambda world: world.order("SECURE_PAYMENT", completedAt=20),
        {"buyer": [("LAST_CHANCE", 10)]},
    ),
    "one that was completed too long ago": (lambda world: world.order("SECURE_PAYMENT", completedAt=30), {}),
    "one that is not complete": (lambda world: world.order(paidAt=20, shipBy=-20), {}),
    "one that was cancelled": (lambda world: world.order(cancelledAt=9, completedAt=10), {}),
    "feedback": (rated, {"supplier": [("LAST_CHANCE", 30)]}),
    "a reply": (lambda world: rated(world, replied=True), {"buyer": [("LAST_CHANCE", 90)]}),
    "a dispute": (disputed, {"supplier": [("ANSWER_DUE", 7)]}),
    "a dispute in review": (reviewed, {}),
    "a request for the buyer's evidence": (
        lambda world: evidence_asked(world, "BUYER"),
        {"buyer": [("ANSWER_DUE", 8)]},
    ),
    "a request for the supplier's evidence": (
        lambda world: evidence_asked(world, "SUPPLIER"),
        {"supplier": [("ANSWER_DUE", 8)]},
    ),
    "a settlement with a return": (settled, {"supplier": [("ANSWER_DUE", 5)]}),
    "an address for it": (lambda world: settled(world, ADDRESS), {"buyer": [("ANSWER_DUE", 10)]}),
    "goods that were sent back": (lambda world: settled(world, ADDRESS, SEND), {"supplier": [("ANSWER_DUE", 20)]}),
    "a decision": (
        lambda world: decided(world, {"resolution": "NO_REFUND"}),
        {"buyer": [("LAST_CHANCE", 33)], "supplier": [("LAST_CHANCE", 33)]},
    ),
    "a decision with a refund": (
        lambda world: decided(world, {"resolution": "REFUND", "amount": usd("60.00")}),
        {
            "buyer": [("REFUND_DUE", 13), ("LAST_CHANCE", 33)],
            "supplier": [("LAST_CHANCE", 33)],
            "service": [("REFUND_DUE", 13)],
        },
    ),
    "a decision with a return": (
        lambda world: decided(world, RETURN),
        {"buyer": [("LAST_CHANCE", 33)], "supplier": [("ANSWER_DUE", 8), ("LAST_CHANCE", 33)]},
    ),
    "a request to cancel": (requested, {"supplier": [("ANSWER_DUE", 5)]}),
    "a cancelled order that was paid": (
        lambda world: world.order(paidAt=20, cancelledAt=6),
        {"buyer": [("REFUND_DUE", 4)], "service": [("REFUND_DUE", 4)]},
    ),
    "a refund that is overdue": (lambda world: world.order(paidAt=20, cancelledAt=8), {}),
    "a complaint": (complain, {"agent": [("REPLY_DUE", 5)]}),
    "a complaint that was taken up": (
        lambda world: world.agent.succeed("takeUpComplaint", complain(world)),
        {},
    ),
}


@pytest.mark.parametrize("fact", FACTS)
def test_each_fact_has_its_ends(world: World, fact: str) -> None:
    happen, expected = FACTS[fact]
    others = {entry["id"] for entry in agenda(world.agent.at(NOW + 3 * DAY), within=365)}  # of other tests
    happen(world)
    for role in ("buyer", "supplier", "service", "agent"):
        person = getattr(world, role).at(NOW + 3 * DAY)
        shown = [entry for entry in agenda(person, within=365) if entry["id"] not in others]
        found = [(entry["kind"], (parse_instant(entry["at"]) - NOW) / DAY) for entry in shown]
        assert found == expected.get(role, []), role
    for stranger in (world.person(Role.BUYER), world.person(Role.SUPPLIER), world.person(Role.SERVICE)):
        assert agenda(stranger.at(NOW + 3 * DAY), within=365) == []


# ---------------------------------------------------------------- from now until then


@pytest.mark.parametrize(
    ("now", "within", "is_there"),
    [
        (NOW, None, True),  # 30 days
        (NOW - MOMENT, None, False),
        (NOW + 20 * DAY, 10, True),
        (NOW + 20 * DAY, 9, False),
        (NOW + 30 * DAY, 0, True),  # both ends are inside
        (NOW + 30 * DAY + MOMENT, 365, False),
        (NOW - 29 * DAY, 365, False),  # the window is not open yet
    ],
)
def test_both_ends_of_the_period_are_inside(world: World, now: datetime, within: int | None, is_there: bool) -> None:
    world.order("SECURE_PAYMENT", completedAt=0)
    assert bool(agenda(world.buyer.at(now), within=within)) == is_there


def test_a_period_longer_than_a_year_is_a_year(world: World) -> None:
    rated(world, replied=True)
    for within in (365, 366, 2**31 - 1):
        assert ends(world.buyer, within=within) == [("LAST_CHANCE", 90)]
    assert agenda(world.buyer, within=89) == []


@pytest.mark.parametrize("within", ["-1", "1.5", '"30"', "99999999999"])
def test_a_period_that_makes_no_sense_is_refused(world: World, within: str) -> None:
    answer = world.buyer.answer(f"{{ viewer {{ agenda(within: {within}) {{ edges {{ cursor }} }} }} }}")
    assert answer["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


# ---------------------------------------------------------------- an entry


def test_an_entry_says_what_to_do_about_what(world: World) -> None:
    order = world.order("SECURE_PAYMENT", completedAt=20)
    case = disputed(world)
    request = requested(world)
    [feedback] = agenda(world.buyer)
    assert feedback["text"] == f"Leave feedback about order {feedback['order']['number']} by 25 June 2026, 12:00 UTC."
    assert (feedback["order"]["id"], feedback["relatedCase"]) == (order, None)
    assert feedback["decision"] == {"action": "LEAVE_FEEDBACK", "allowed": True, "closesAt": feedback["at"]}
    cancellation, dispute = agenda(world.supplier)
    assert cancellation["order"]["id"] == request["orderId"]
    assert cancellation["relatedCase"]["number"].startswith("K-")
    assert dispute["relatedCase"]["id"] == case["caseId"]
    assert dispute["decision"] is None  # there are several ways to answer
    assert dispute["text"] == f"Answer dispute {dispute['relatedCase']['number']} by 22 June 2026, 12:00 UTC."


def test_a_decision_is_that_of_its_order_or_case(world: World) -> None:
    """With its form and what follows, which need more than the facts."""
    world.order("SECURE_PAYMENT", completedAt=20)
    decided(world, {"resolution": "NO_REFUND"})
    settled(world, ADDRESS)
    then = world.buyer.at(NOW + 3 * DAY)
    shape = """label closesAt checks { text holds } form { fields { path label required choices { value } } }
      afterwards { opens { action } closes { action } isFinal waitsFor until }"""
    shown = then.ask(
        f"""{{ viewer {{ agenda(within: 365) {{ edges {{ node {{ id order {{ id }} relatedCase {{ id }}
          decision {{ action {shape} }} }} }} }} }} }}"""
    )["viewer"]["agenda"]["edges"]
    entries = [edge["node"] for edge in shown]
    assert len(entries) == 3
    for entry in entries:
        subject, decision = entry["relatedCase"] or entry["order"], entry["decision"]
        own = f"... on Actionable {{ decision(action: {decision.pop('action')}) {{ {shape} }} }}"
        node = then.ask(f"query($id: ID!) {{ node(id: $id) {{ {own} }} }}", id=subject["id"])["node"]
        assert node["decision"] == decision


def test_an_entry_about_a_complaint_has_no_decision(world: World) -> None:
    case = complain(world)["caseId"]
    shown = "relatedCase { id } decision { form { fields { path } } afterwards { isFinal } }"
    asked = f"{{ viewer {{ agenda(within: 365, first: 100) {{ edges {{ node {{ {shown} }} }} }} }} }}"
    entries = world.agent.ask(asked)["viewer"]["agenda"]["edges"]
    assert {"node": {"relatedCase": {"id": case}, "decision": None}} in entries


def test_a_refund_that_is_due_says_how_much_it_is(world: World) -> None:
    world.order(paidAt=20, cancelledAt=6)
    [refund] = agenda(world.buyer)
    assert refund["text"] == (
        f"The refund of US$100.00 for order {refund['order']['number']} should arrive by 19 June 2026, 12:00 UTC."
    )
    assert refund["relatedCase"]["number"].startswith("K-")


def test_an_end_that_changes_keeps_its_id(world: World) -> None:
    record = world.record(completedAt=10)
    world.service.succeed("recordOrders", {"orders": [record]})
    [before] = agenda(world.buyer, within=365)
    later = record | {"completedAt": spell_instant(NOW - 5 * DAY), "recordedAt": spell_instant(NOW + MOMENT)}
    world.service.at(NOW + DAY).succeed("recordOrders", {"orders": [later]})
    [after] = agenda(world.buyer.at(NOW + DAY), within=365)
    assert after["id"] == before["id"]
    assert after["at"] > before["at"]


def test_an_agent_who_is_a_party_need_not_reply(world: World) -> None:
    case = complain(world)["caseId"]
    party = type(world.agent)(world.http, world.buyer.subject, Role.AGENT)
    assert case in {entry["relatedCase"]["id"] for entry in agenda(world.agent)}
    assert case not in {entry["relatedCase"]["id"] for entry in agenda(party)}


# ---------------------------------------------------------------- pages


def test_pages_follow_each_other_without_gaps(world: World) -> None:
    for days in (1, 1, 1, 4, 6):
        world.order("SECURE_PAYMENT", completedAt=days)
        world.order(completedAt=days + 30)  # ends at the same instants
    decided(world, RETURN)
    then = world.buyer.at(NOW + 3 * DAY)
    whole = agenda(then, within=365)
    assert len(whole) == 11
    assert [entry["at"] for entry in whole] == sorted(entry["at"] for entry in whole)
    for size in (1, 4):
        pages: list[dict[str, Any]] = []
        after, more = None, True
        while more:
            shown = then.ask(AGENDA, first=size, after=after, within=365)["viewer"]["agenda"]
            assert shown["pageInfo"]["hasPreviousPage"] == (after is not None)
            pages += [edge["node"] for edge in shown["edges"]]
            after, more = shown["pageInfo"]["endCursor"], shown["pageInfo"]["hasNextPage"]
        assert pages == whole


def test_two_ends_of_one_dispute_at_one_instant_are_two_entries(world: World, server: Server) -> None:
    """Such as an earlier release may have left: the decision's window closes when the return's step is due."""
    decided(world, RETURN)
    then = world.supplier.at(NOW + 3 * DAY)
    step, appeal = agenda(then, within=365)
    ahead = parse_instant(step["at"]) - timedelta(days=30)

    async def move() -> None:
        sign = "$1" if database.dialect() == "postgres" else "?"
        key = step["id"].split("_")[1]
        id = key if database.dialect() == "postgres" else f"{key[:8]}-{key[8:12]}-{key[12:16]}-{key[16:20]}-{key[20:]}"
        await database.change(f"UPDATE disputes SET closed_at = {sign} WHERE id = '{id}'", [ahead])

    server.run(move)
    first = then.ask(AGENDA, first=1, within=365)["viewer"]["agenda"]
    second = then.ask(AGENDA, first=1, within=365, after=first["pageInfo"]["endCursor"])["viewer"]["agenda"]
    both = [first["edges"][0]["node"], second["edges"][0]["node"]]
    assert {entry["id"] for entry in both} == {step["id"], appeal["id"]}
    assert {entry["at"] for entry in both} == {step["at"]}
    assert not second["pageInfo"]["hasNextPage"]


@pytest.mark.parametrize(
    ("shape", "count"),
    [
        ("id at kind text", 1),
        ("text order { number }", 2),
        ("text order { number supplier { name } } decision { allowed }", 3),
        ("decision { allowed }", 3),  # of orders and of disputes
        ("relatedCase { number } decision { allowed } order { number }", 4),  # and requests to cancel
    ],
)
def test_a_page_is_a_bounded_number_of_statements(world: World, statements: Statements, shape: str, count: int) -> None:
    for _ in range(3):
        rated(world)
        requested(world)
        decided(world, {"resolution": "NO_REFUND"})
    then = world.supplier.at(NOW + 3 * DAY)
    text = f"{{ viewer {{ agenda(within: 365) {{ edges {{ node {{ {shape} }} }} }} }} }}"
    assert len(then.ask(text)["viewer"]["agenda"]["edges"]) == 9
    statements.sent.clear()
    then.ask(text)
    assert len(statements.sent) == count, statements.sent


# ---------------------------------------------------------------- it agrees with everything else


@pytest.fixture(scope="module")
def filled(server: Server) -> Generator[Filled]:
    with httpx2.Client(base_url=server.url, timeout=60) as http:
        yield Filled(http)


EVERYTHING = """{ viewer {
  orders(first: 100) { edges { node { id availableActions { action closesAt }
    cancellation { id viewerState ... on Cancellation { respondBy } } } } }
  disputes(first: 100) { edges { node { id viewerState respondBy returnShipment { respondBy }
    availableActions { action closesAt } } } }
  refunds(first: 100) { edges { node { id dueBy outstanding { amount } } } } } }"""
RETURN_STEPS = {"PROVIDE_RETURN_ADDRESS", "CONFIRM_RETURN_SHIPPED", "CONFIRM_RETURN_RECEIVED", "REFUSE_RETURN"}
INSTANTS = [NOW + DAY, LATER, *(LATER + days * DAY for days in (1, 4, 6, 9, 13, 29, 60))]


@pytest.mark.parametrize("role", ["buyer", "supplier", "service"])
def test_the_agenda_is_what_the_lists_say(filled: Filled, role: str) -> None:
    kinds: set[str] = set()
    for now in INSTANTS:
        person = getattr(filled, role).at(now)
        shown = person.ask(EVERYTHING)["viewer"]
        orders, disputes, refunds = (
            [edge["node"] for edge in shown[name]["edges"]] for name in ("orders", "disputes", "refunds")
        )
        chances = {
            (node["id"], decision["action"], decision["closesAt"])
            for node in orders + disputes
            for decision in node["availableActions"]
            if decision["closesAt"] is not None and decision["action"] not in RETURN_STEPS
        }
        turns = {
            (node["id"], node["respondBy"] or (node.get("returnShipment") or {}).get("respondBy"))
            for node in disputes + [order["cancellation"] for order in orders if order["cancellation"]]
            if node["viewerState"] == "ACTION_REQUIRED"
        }
        owed = {node["dueBy"] for node in refunds if node["outstanding"] and role != "supplier"}
        for within in (365, 5):
            last = spell_instant(now + within * DAY)
            found: dict[str, set[Any]] = {"LAST_CHANCE": set(), "ANSWER_DUE": set(), "REFUND_DUE": set()}
            for entry in agenda(person, within=within):
                subject, at = entry["relatedCase"] or entry["order"], entry["at"]
                facts = {"LAST_CHANCE": (subject["id"], (entry["decision"] or {}).get("action"), at)}
                facts |= {"ANSWER_DUE": (subject["id"], at), "REFUND_DUE": at}
                found[entry["kind"]].add(facts[entry["kind"]])
                kinds.add(entry["kind"])
            assert found["LAST_CHANCE"] == {chance for chance in chances if chance[2] <= last}, now
            assert found["ANSWER_DUE"] == {
                turn for turn in turns if turn[1] is not None and spell_instant(now) <= turn[1] <= last
            }, now
            assert found["REFUND_DUE"] == {due for due in owed if due and spell_instant(now) <= due <= last}, now
    assert (
        kinds
        == {
            "buyer": {"LAST_CHANCE", "ANSWER_DUE", "REFUND_DUE"},
            "supplier": {"LAST_CHANCE", "ANSWER_DUE"},
            "service": {"REFUND_DUE"},
        }[role]
    )
