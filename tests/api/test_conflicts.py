"""Conflicts of interest: an agent who is a party to a case cannot act on it as an agent."""

from typing import Any

import pytest

from models.enums import Role
from schema.scalars import spell_instant
from tests.conftest import DAY, MOMENT, NOW, Person, Statements, World
from tests.support.actions import INPUTS, MUTATIONS, ON_COMPLAINTS, ON_DISPUTES

DISPUTE, COMPLAINT = "dispute", "complaint"
AGENTS: dict[str, list[str]] = {
    DISPUTE: ["postDisputeMessage", "requestEvidence", "resolveDispute"],
    COMPLAINT: ["postComplaintMessage", "takeUpComplaint", "resolveComplaint", "rejectComplaint"],
}
ACTIONS = {mutation: action for action, mutation in MUTATIONS.items()}
SEEN = """viewerState nextChangeAt availableActions { action } """ + " ".join(
    f"{mutation}: decision(action: {ACTIONS[mutation]}, at: $at) {{ allowed reason message }}"
    for mutations in AGENTS.values()
    for mutation in mutations
)
NODE = f"""query($id: ID!, $at: DateTime) {{ node(id: $id) {{ ... on Dispute {{ {SEEN} }} ... on Complaint {{ {SEEN} }} }} }}"""
# The cases that the agent cannot act on, among those of all other tests.
LISTED = f"""query($at: DateTime) {{ viewer {{
  disputes(first: 100, filter: {{viewerStates: [UNDER_REVIEW]}}) {{ edges {{ node {{ id {SEEN} }} }} }}
  complaints(first: 100, filter: {{viewerStates: [UNDER_REVIEW]}}) {{ edges {{ node {{ id {SEEN} }} }} }} }} }}"""
IN_ORDER = """query($id: ID!) { node(id: $id) { ... on Order {
  dispute { viewerState availableActions { action } } complaint { viewerState availableActions { action } } } } }"""
LATER = NOW + 4 * DAY


def as_agent(person: Person) -> Person:
    return Person(person.http, person.subject, Role.AGENT)


def disputed(world: World) -> tuple[str, str]:
    """Returns a dispute in review."""
    order = world.order("TRADE_ASSURANCE", paidAt=2)
    opened = world.buyer.succeed("openDispute", INPUTS["openDispute"] | {"orderId": order}, "dispute { id }")
    case = opened["dispute"]["id"]
    world.buyer.at(NOW + 3 * DAY).succeed("escalateDispute", {"caseId": case})
    return case, order


def complained(world: World, *, recorded: bool = True) -> tuple[str, str | None]:
    order = world.order("OFFLINE") if recorded else None
    about = {"orderId": order} if order else {"respondent": {"email": "lamps@example.com"}}
    filed = world.buyer.succeed("fileComplaint", INPUTS["fileComplaint"] | about, "complaint { id }")
    return filed["complaint"]["id"], order


CASES = {
    "a dispute of which they are the buyer": (DISPUTE, Role.BUYER, True),
    "a dispute of which they are the supplier": (DISPUTE, Role.SUPPLIER, True),
    "a complaint of theirs": (COMPLAINT, Role.BUYER, True),
    "a complaint of theirs about a trade that is not on record": (COMPLAINT, Role.BUYER, False),
    "a complaint about an order of theirs": (COMPLAINT, Role.SUPPLIER, True),
}


@pytest.mark.parametrize("says", CASES)
def test_an_agent_has_no_action_on(world: World, says: str) -> None:
    """The subject decides, whether or not the server knows its other account already."""
    kind, side, recorded = CASES[says]
    party = world.buyer if side is Role.BUYER else world.supplier
    involved, other = as_agent(party).at(LATER), world.agent.at(LATER)
    involved.ask("{ serverTime }")  # the server knows this subject only as an agent
    case, order = disputed(world) if kind == DISPUTE else complained(world, recorded=recorded)

    for at in (None, spell_instant(LATER), spell_instant(LATER + 90 * DAY)):
        seen = involved.ask(NODE, id=case, at=at)["node"]
        assert (seen["viewerState"], seen["nextChangeAt"], seen["availableActions"]) == ("UNDER_REVIEW", None, [])
        for mutation in AGENTS[kind]:
            assert seen[mutation]["reason"] == "CONFLICT_OF_INTEREST", mutation
            assert seen[mutation]["message"] == "You are a party to this case. Another agent must handle it."
    usual = other.ask(NODE, id=case)["node"]
    assert usual["viewerState"] == "ACTION_REQUIRED"
    assert {each["action"] for each in usual["availableActions"]} == {ACTIONS[each] for each in AGENTS[kind]}

    seen = involved.ask(NODE, id=case)["node"]
    listed = involved.ask(LISTED)["viewer"]
    found = {edge["node"].pop("id"): edge["node"] for name in listed for edge in listed[name]["edges"]}
    assert found[case] == seen
    if order is not None:
        assert involved.ask(IN_ORDER, id=order)["node"][kind] == {"viewerState": "UNDER_REVIEW", "availableActions": []}

    for mutation in AGENTS[kind]:
        assert involved.refused(mutation, INPUTS[mutation] | {"caseId": case}) == "CONFLICT_OF_INTEREST", mutation
    for mutation in (ON_DISPUTES if kind == DISPUTE else ON_COMPLAINTS).keys() - set(AGENTS[kind]):
        assert involved.refused(mutation, INPUTS[mutation] | {"caseId": case}) == "NOT_YOUR_ROLE", mutation
    other.succeed(AGENTS[kind][0], INPUTS[AGENTS[kind][0]] | {"caseId": case})


@pytest.mark.parametrize("kind", [DISPUTE, COMPLAINT])
def test_whoever_is_a_party_elsewhere_acts_here(world: World, kind: str) -> None:
    elsewhere = World(world.http)
    disputed(elsewhere)
    case, _ = disputed(world) if kind == DISPUTE else complained(world)
    for party in (elsewhere.buyer, elsewhere.supplier):
        agent = as_agent(party).at(LATER)
        assert agent.ask(NODE, id=case)["node"][AGENTS[kind][0]]["allowed"]
        agent.succeed(AGENTS[kind][0], INPUTS[AGENTS[kind][0]] | {"caseId": case})


def test_the_parties_themselves_act_as_ever(world: World) -> None:
    case, _ = disputed(world)
    as_agent(world.buyer).ask("{ serverTime }")
    world.buyer.at(LATER).succeed("postDisputeMessage", {"caseId": case, "text": "Still broken."})
    world.buyer.at(LATER).succeed("withdrawDispute", {"caseId": case})


def test_a_closed_case_stays_closed_to_them(world: World) -> None:
    case, _ = disputed(world)
    world.buyer.at(LATER).succeed("withdrawDispute", {"caseId": case})
    involved = as_agent(world.supplier).at(LATER + MOMENT)
    assert involved.ask(NODE, id=case)["node"]["viewerState"] == "CLOSED"
    assert involved.refused("resolveDispute", INPUTS["resolveDispute"] | {"caseId": case}) == "CONFLICT_OF_INTEREST"


def test_the_rules_say_that_an_agent_may_not_be_a_party(world: World) -> None:
    rules = world.agent.ask("{ rules { action roles conditions } }")["rules"]
    said = {rule["action"] for rule in rules if rule["conditions"][0] == "the agent is not a party to the case"}
    assert said == {ACTIONS[mutation] for mutations in AGENTS.values() for mutation in mutations}
    assert said == {rule["action"] for rule in rules if "AGENT" in rule["roles"]}


def test_a_page_is_as_many_statements_as_before(world: World, statements: Statements) -> None:
    disputed(world)
    complained(world)
    shapes = [f"{{ viewer {{ {name} {{ edges {{ node {{ {{}} }} }} }} }} }}" for name in ("disputes", "complaints")]
    agent = world.agent.at(LATER)
    agent.ask("{ serverTime }")
    for shape in shapes:
        counts = list[int]()
        for fields in ("number", "number viewerState nextChangeAt availableActions { action }"):
            statements.sent.clear()
            agent.ask(shape.replace("{}", fields))
            counts.append(len(statements.sent))
        assert counts == [1, 1], statements.sent


@pytest.mark.parametrize("same", ["one", "a@b.example", "ünï", "x" * 255])
def test_buyer_and_supplier_of_one_subject_are_refused(world: World, same: str) -> None:
    both: dict[str, Any] = {side: {"subject": same, "name": f"A {side}"} for side in ("buyer", "supplier")}
    payload = world.service.do("recordOrders", {"orders": [world.record(), world.record(**both)]}, "orders { id }")
    assert payload["orders"] is None
    [error] = payload["userErrors"]
    assert (error["code"], error["problem"]) == ("INVALID_INPUT", "OTHER")
    assert error["field"] == ["orders", "1", "supplier", "subject"]
