"""Rows of other people seem not to exist: by id, by number, nested, in every list and every mutation."""

from typing import Any

import pytest

from models.enums import Role
from resolvers.read.rows import Row
from resolvers.read.scopes import SCOPES
from tests.conftest import DAY, NOW, Person, World
from tests.support.actions import ON_COMPLAINTS, ON_DISPUTES, ON_ORDERS

ALL_LISTS = """{ viewer { orders { edges { node { id } } } feedback { edges { node { id } } }
  disputes { edges { node { id } } } complaints { edges { node { id } } }
  refunds { edges { node { id } } } } }"""


def lists(person: Person) -> dict[str, set[str]]:
    found = person.ask(ALL_LISTS)["viewer"]
    return {name: {edge["node"]["id"] for edge in found[name]["edges"]} for name in found}


@pytest.fixture
def everything(world: World) -> dict[str, str]:
    """One object of each type, by type name, with the numbers of the order and of the cases."""
    order = world.order("SECURE_PAYMENT", paidAt=9)
    cancellation = world.buyer.succeed(
        "requestCancellation", {"orderId": order, "reason": "OTHER"}, "cancellation { id number }"
    )["cancellation"]
    world.supplier.succeed("declineCancellation", {"orderId": order, "note": "No"})
    paid = world.order("TRADE_ASSURANCE", paidAt=9, completedAt=8)
    feedback = world.buyer.succeed(
        "leaveFeedback", {"orderId": paid, "ratings": {"overall": 5}}, "feedback { id } order { number }"
    )
    dispute = world.buyer.succeed("openDispute", {"orderId": paid} | ON_ORDERS["openDispute"], "dispute { id number }")
    offline = world.order("OFFLINE")
    complaint = world.buyer.succeed(
        "fileComplaint", {"orderId": offline} | ON_ORDERS["fileComplaint"], "complaint { id number }"
    )["complaint"]
    owing = "query($id: ID!) { node(id: $id) { ... on Order { refunds { id } } } }"
    [refund] = world.buyer.ask(owing, id=world.order(paidAt=9, cancelledAt=8))["node"]["refunds"]
    return {
        "Order": paid,
        "Feedback": feedback["feedback"]["id"],
        "Cancellation": cancellation["id"],
        "Dispute": dispute["dispute"]["id"],
        "Complaint": complaint["id"],
        "Refund": refund["id"],
        "Account": world.buyer.ask("{ viewer { account { id } } }")["viewer"]["account"]["id"],
        "Viewer": world.buyer.ask("{ viewer { id } }")["viewer"]["id"],
        "order number": feedback["order"]["number"],
        "K": cancellation["number"],
        "D": dispute["dispute"]["number"],
        "C": complaint["number"],
    }


SEES = {
    Role.BUYER: {"Order", "Feedback", "Cancellation", "Dispute", "Complaint", "Refund", "Account", "Viewer"},
    Role.SUPPLIER: {"Order", "Feedback", "Cancellation", "Dispute", "Refund", "Account"},
    Role.AGENT: {"Order", "Feedback", "Cancellation", "Dispute", "Complaint", "Refund", "Account"},
    Role.SERVICE: {"Order", "Feedback", "Cancellation", "Dispute", "Refund", "Account"},
}


def test_each_role_sees_its_own(world: World, everything: dict[str, str]) -> None:
    types = [name for name in everything if name[0].isupper() and len(name) > 1]
    ids = [everything[name] for name in types]
    asked = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
    for person in (world.buyer, world.supplier, world.agent, world.service):
        found = person.at(NOW + DAY).ask(asked, ids=ids)["nodes"]
        assert {node["__typename"] for node in found if node} == SEES[person.role]
        for number, kind in (("K", "Cancellation"), ("D", "Dispute"), ("C", "Complaint")):
            case = person.ask("query($n: String!) { caseByNumber(number: $n) { __typename } }", n=everything[number])[
                "caseByNumber"
            ]
            assert (case is not None) == (kind in SEES[person.role])


@pytest.mark.parametrize("role", [Role.BUYER, Role.SUPPLIER, Role.SERVICE])
def test_strangers_see_and_do_nothing(world: World, everything: dict[str, str], role: Role) -> None:
    stranger = world.person(role)
    for name, id in everything.items():
        if name[0].isupper() and len(name) > 1:
            assert stranger.ask("query($id: ID!) { node(id: $id) { id } }", id=id) == {"node": None}, name
    assert stranger.ask("query($n: String!) { order(number: $n) { id } }", n=everything["order number"]) == {
        "order": None
    }
    assert world.agent.ask("query($n: String!) { caseByNumber(number: $n) { id } }", n=everything["D"].lower())[
        "caseByNumber"
    ] == {"id": everything["Dispute"]}
    for number in ("K", "D", "C"):
        case = stranger.ask("query($n: String!) { caseByNumber(number: $n) { id } }", n=everything[number])
        assert case == {"caseByNumber": None}
    assert all(lists(world.buyer).values())
    assert lists(stranger) == {name: set() for name in lists(world.buyer)}
    for inputs, subject in (
        (ON_ORDERS, {"orderId": everything["Order"]}),
        (ON_DISPUTES, {"caseId": everything["Dispute"]}),
        (ON_COMPLAINTS, {"caseId": everything["Complaint"]}),
    ):
        _refused_to(stranger, inputs, subject)


def _refused_to(stranger: Person, inputs: dict[str, dict[str, Any]], subject: dict[str, str]) -> None:
    for mutation, input in inputs.items():
        payload = stranger.do(mutation, subject | input, "order { id }")
        assert [error["code"] for error in payload["userErrors"]] == ["NOT_FOUND"], mutation
        assert payload["order"] is None


def test_a_subject_in_another_role_is_somebody_else(world: World, everything: dict[str, str]) -> None:
    same_subject = Person(world.http, world.buyer.subject, Role.SUPPLIER)
    assert same_subject.ask("query($id: ID!) { node(id: $id) { id } }", id=everything["Order"]) == {"node": None}


def test_accounts_are_readable_by_those_who_share_an_order(world: World, everything: dict[str, str]) -> None:
    asked = "query($id: ID!) { node(id: $id) { ... on Account { name role } } }"
    assert world.supplier.ask(asked, id=everything["Account"])["node"]["role"] == "BUYER"
    other = world.person(Role.SUPPLIER)
    theirs = world.record(
        buyer={"subject": "another buyer", "name": "x"}, supplier={"subject": other.subject, "name": "y"}
    )
    world.service.succeed("recordOrders", {"orders": [theirs]})
    assert other.ask(asked, id=everything["Account"]) == {"node": None}


def test_what_has_no_scope_cannot_be_read() -> None:
    rows = [row for row in _subclasses(Row) if hasattr(row, "MODEL")]
    assert len(rows) >= 7
    for row in rows:
        assert set(SCOPES[row.MODEL._meta.db_table]) == set(Role)


def _subclasses(cls: type) -> list[Any]:
    return [found for child in cls.__subclasses__() for found in (child, *_subclasses(child))]
