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


def test_about_an_order_that_is_none(world: World) -> None:
    for nothing in ("", "nonsense", "ord_" + "0" * 32):
        assert world.buyer.refused("fileComplaint", complaint(orderId=nothing)) == "NOT_FOUND"
        assert (
            world.buyer.refused("fileComplaint", complaint(orderId=nothing, respondent={"memberId": "x"}))
            == "NOT_FOUND"
        )


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


def test_from_filing_to_resolution(world: World) -> None:
    order = world.order("OFFLINE")
    case = {
        "caseId": world.buyer.succeed("fileComplaint", complaint(orderId=order, amount=usd("80.00")), SHOWN)[
            "complaint"
        ]["id"]
    }
    shown = """order { availableActions { action } } complaint { status viewerState replyOverdue closedAt isFinal
      outcome { resolution amount { amount } by { role } note } messages { edges { node { text } } }
      timeline { edges { node { text note } } } availableActions { action } }"""
    agent, late = world.agent.at(NOW + 6 * DAY), NOW + 7 * DAY
    asked = "query($id: ID!) { node(id: $id) { ... on Complaint { viewerState replyOverdue } } }"
    assert agent.ask(asked, id=case["caseId"])["node"] == {"viewerState": "ACTION_REQUIRED", "replyOverdue": True}
    taken = agent.succeed("takeUpComplaint", case | {"note": "On it"}, shown)["complaint"]
    assert (taken["status"], taken["replyOverdue"]) == ("UNDER_REVIEW", False)
    assert agent.refused("takeUpComplaint", case) == "ALREADY_UNDER_REVIEW"
    agent.succeed("postComplaintMessage", case | {"text": "Do you have a receipt?"})
    waiting = world.buyer.at(late).ask(asked, id=case["caseId"])["node"]
    assert waiting == {"viewerState": "ACTION_REQUIRED", "replyOverdue": False}
    answered = world.buyer.at(late).succeed("postComplaintMessage", case | {"text": "Yes"}, shown)["complaint"]
    assert (answered["status"], answered["viewerState"]) == ("UNDER_REVIEW", "UNDER_REVIEW")
    assert [edge["node"]["text"] for edge in answered["messages"]["edges"]] == ["Yes", "Do you have a receipt?"]
    decision = case | {"resolution": "REFUND", "amount": usd("80.01"), "note": "They pay back."}
    assert agent.at(late).problems("resolveComplaint", decision) == {("amount.amount", "OUT_OF_RANGE")}
    resolved = agent.at(late).succeed("resolveComplaint", decision | {"amount": usd("80.00")}, shown)
    assert resolved["complaint"]["outcome"] == {
        "resolution": "REFUND",
        "amount": {"amount": "80.00"},
        "by": {"role": "AGENT"},
        "note": "They pay back.",
    }
    assert (resolved["complaint"]["isFinal"], resolved["complaint"]["availableActions"]) == (True, [])
    assert [edge["node"]["text"] for edge in resolved["complaint"]["timeline"]["edges"]] == [
        "The buyer filed a complaint with the Complaint Center.",
        "An agent took up the complaint.",
        "A message was written.",
        "A message was written.",
        "An agent decided the complaint.",
    ]
    again = world.buyer.at(late + DAY).succeed("fileComplaint", complaint(orderId=order), SHOWN)["complaint"]
    assert again["status"] == "SUBMITTED"


def test_an_agents_message_is_an_answer(world: World) -> None:
    filed = world.buyer.succeed("fileComplaint", complaint(respondent={"memberId": "x"}), SHOWN)["complaint"]
    case = {"caseId": filed["id"]}
    more = world.buyer.at(NOW + DAY).succeed("postComplaintMessage", case | {"text": "More"}, "complaint { status }")
    assert more["complaint"]["status"] == "SUBMITTED"
    asked = world.agent.at(NOW + 5 * DAY).succeed(
        "postComplaintMessage", case | {"text": "Which shop?"}, "complaint { status viewerState replyOverdue }"
    )["complaint"]
    assert asked == {"status": "AWAITING_COMPLAINANT", "viewerState": "WAITING_FOR_OTHER_PARTY", "replyOverdue": False}
    rejected = world.agent.at(NOW + 9 * DAY).succeed(
        "rejectComplaint", case | {"note": "No such shop."}, "complaint { status outcome { note } closedAt }"
    )["complaint"]
    assert rejected == {"status": "REJECTED", "outcome": None, "closedAt": "2026-06-24T12:00:00.000000Z"}
    assert world.buyer.at(NOW + 9 * DAY).refused("withdrawComplaint", case) == "CASE_CLOSED"


def test_the_complaint_desk(world: World) -> None:
    filed = [
        world.buyer.at(NOW + place * DAY).succeed("fileComplaint", complaint(respondent={"memberId": "x"}), SHOWN)[
            "complaint"
        ]["id"]
        for place in range(3)
    ]
    world.agent.at(NOW + 2 * DAY).succeed("postComplaintMessage", {"caseId": filed[0], "text": "Which shop?"})
    world.buyer.at(NOW + 2 * DAY).succeed("withdrawComplaint", {"caseId": filed[2]})
    asked = """query($filter: ComplaintFilter, $after: String) { viewer {
      complaints(first: 100, after: $after, filter: $filter, orderBy: DUE_FIRST) {
        edges { node { id } } pageInfo { hasNextPage endCursor } } } }"""

    def listed(at: Any, **filter: Any) -> list[int]:
        """Among all the complaints that there are."""
        found: list[str] = []
        info: dict[str, Any] = {"hasNextPage": True, "endCursor": None}
        while info["hasNextPage"]:
            page = world.agent.at(at).ask(asked, filter=filter, after=info["endCursor"])["viewer"]["complaints"]
            found += [edge["node"]["id"] for edge in page["edges"]]
            info = page["pageInfo"]
        return [filed.index(id) for id in found if id in filed]

    assert listed(NOW + 3 * DAY)[0] == 1
    assert listed(NOW + 3 * DAY, open=True)[0] == 1
    assert set(listed(NOW + 3 * DAY, open=False)) == {2}
    assert listed(NOW + 6 * DAY, overdue=True) == []
    assert listed(NOW + 6 * DAY + MOMENT, overdue=True) == [1]
    assert set(listed(NOW + 6 * DAY + MOMENT, overdue=False)) == {0, 2}
    assert listed(NOW + 6 * DAY, statuses=["AWAITING_COMPLAINANT"]) == [0]


def test_those_who_acted_in_a_case_can_be_read(world: World) -> None:
    case = world.buyer.succeed("fileComplaint", complaint(respondent={"memberId": "x"}), SHOWN)["complaint"]["id"]
    world.agent.succeed("takeUpComplaint", {"caseId": case})
    agent = world.agent.ask("{ viewer { account { id } } }")["viewer"]["account"]["id"]
    asked = "query($id: ID!) { node(id: $id) { ... on Account { role } } }"
    assert world.buyer.ask(asked, id=agent) == {"node": {"role": "AGENT"}}
    assert world.supplier.ask(asked, id=agent) == {"node": None}
