"""Complaints about offline trades, on record or not."""

from typing import Any

from tests.conftest import DAY, MOMENT, NOW, World, usd

SHOWN = """order { id } complaint { id number kind status viewerState replyExpectedBy replyOverdue description
  amount { amount currencyCode } contact { email phone } order { id }
  respondent { account { name } email memberId url } timeline { edges { node { text } } } }"""


def complaint(**changes: Any) -> dict[str, Any]:
    return {
        "kind": "GOODS_NOT_RECEIVED",
        "description": "Paid in spring, nothing came.",
        "contact": {"email": "ana@buyers.example"},
    } | changes


def test_about_an_order_on_record(world: World) -> None:
    order = world.order("OFFLINE", paidAt=9)
    payload = world.buyer.succeed("fileComplaint", complaint(orderId=order, amount=usd("80.00")), SHOWN)
    filed = payload["complaint"]
    assert payload["order"] == filed["order"] == {"id": order}
    assert filed["number"].startswith("C-2026-")
    assert (filed["status"], filed["viewerState"]) == ("SUBMITTED", "UNDER_REVIEW")
    assert filed["respondent"]["account"] == {"name": "Lumen Lighting"}
    assert filed["amount"] == usd("80.00")
    assert [edge["node"]["text"] for edge in filed["timeline"]["edges"]] == [
        "The buyer filed a complaint with the Complaint Center."
    ]
    assert world.buyer.refused("fileComplaint", complaint(orderId=order)) == "COMPLAINT_OPEN"


def test_about_a_trade_that_is_not_on_record(world: World) -> None:
    for respondent in (
        {"email": "lamps@suppliers.example"},
        {"memberId": "cn-1001"},
        {"url": "https://shop.example/lamp?id=1"},
    ):
        payload = world.buyer.succeed("fileComplaint", complaint(respondent=respondent), SHOWN)
        assert payload["order"] is None
        filed = payload["complaint"]
        assert filed["respondent"] == {"account": None, "email": None, "memberId": None, "url": None} | respondent
        assert len(filed["timeline"]["edges"]) == 1


def test_a_reply_is_expected_within_five_days(world: World) -> None:
    payload = world.buyer.succeed("fileComplaint", complaint(respondent={"memberId": "x"}), SHOWN)
    assert payload["complaint"]["replyExpectedBy"] == "2026-06-20T12:00:00.000000Z"
    asked = "query($id: ID!) { node(id: $id) { ... on Complaint { replyOverdue } } }"
    for instant, overdue in ((NOW + 5 * DAY, False), (NOW + 5 * DAY + MOMENT, True)):
        assert world.buyer.at(instant).ask(asked, id=payload["complaint"]["id"])["node"] == {"replyOverdue": overdue}


def test_about_an_online_order_points_to_its_dispute(world: World) -> None:
    order = world.order("TRADE_ASSURANCE", paidAt=1)
    [error] = world.buyer.do("fileComplaint", complaint(orderId=order))["userErrors"]
    assert error["code"] == "NOT_OFFERED"
    assert "dispute" in error["message"]


def test_only_buyers_file(world: World) -> None:
    order = world.order("OFFLINE")
    for person in (world.supplier, world.agent, world.service):
        assert person.refused("fileComplaint", complaint(orderId=order)) == "NOT_YOUR_ROLE"
        assert person.refused("fileComplaint", complaint(respondent={"memberId": "x"})) == "NOT_YOUR_ROLE"


def test_complainant_and_agents_see_it_and_nobody_else(world: World) -> None:
    order = world.order("OFFLINE")
    filed = world.buyer.succeed("fileComplaint", complaint(orderId=order), SHOWN)["complaint"]
    asked = """query($order: ID!, $id: ID!, $number: String!) {
      order: node(id: $order) { ... on Order { complaint { id } timeline { edges { node { action } } } } }
      node(id: $id) { id } caseByNumber(number: $number) { id } }"""
    for person, sees in ((world.buyer, True), (world.agent, True), (world.supplier, False), (world.service, False)):
        data = person.ask(asked, order=order, id=filed["id"], number=filed["number"])
        this = {"id": filed["id"]} if sees else None
        assert (data["node"], data["caseByNumber"], data["order"]["complaint"]) == (this, this, this)
        actions = [edge["node"]["action"] for edge in data["order"]["timeline"]["edges"]]
        assert ("FILE_COMPLAINT" in actions) == sees
    listed = "{ viewer { complaints(first: 5) { edges { node { id } } } } }"
    assert world.buyer.ask(listed)["viewer"]["complaints"]["edges"] == [{"node": {"id": filed["id"]}}]
    assert world.supplier.ask(listed)["viewer"]["complaints"]["edges"] == []
