"""Complaints about offline trades, on record or not."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from models.enums import Role
from tests.conftest import DAY, MOMENT, NOW, World, usd
from tests.support.uploads import bring

SHOWN = """order { id } complaint { id number kind status viewerState replyExpectedBy replyOverdue description
  amount { amount currencyCode } contact { email phone } order { id }
  respondent { account { name } email memberId url } timeline { edges { node { text } } } }"""


def complaint(**changes: Any) -> dict[str, Any]:
    return {
        "kind": "GOODS_NOT_RECEIVED",
        "description": "Paid in spring, nothing came.",
        "contact": {"email": "ana@buyers.example"},
    } | changes


def test_a_complaint_about_a_recorded_order_names_the_order(world: World) -> None:
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


def test_a_complaint_may_be_about_a_trade_that_is_not_recorded(world: World) -> None:
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


def test_a_complaint_about_an_unknown_order_is_refused(world: World) -> None:
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


def test_a_complaint_is_filed_taken_up_and_resolved(world: World) -> None:
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


def test_agents_list_complaints_in_the_order_in_which_they_are_due(world: World) -> None:
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
        """Returns this test's complaints in the order of the list, which holds others as well."""
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


# ---------------------------------------------------------------- repeated taps


@pytest.mark.parametrize("keys", [[None] * 4, ["a", "b", "c", "d"], ["a", "a", None, "b"]], ids=str)
def test_four_taps_make_one_complaint(world: World, two_processes: list[str], keys: list[str | None]) -> None:
    """With any keys, at two processes at the same time."""
    filing = complaint(respondent={"memberId": "cn-1001"})

    def tap(place: int) -> Any:
        key = {"idempotencyKey": f"{world.buyer.subject} {keys[place]}"} if keys[place] else {}
        with world.buyer.elsewhere(two_processes[place % 2], NOW + place * MOMENT) as buyer:
            return buyer.succeed("fileComplaint", filing | key, "complaint { id number }")

    with ThreadPoolExecutor(len(keys)) as taps:
        answers = list(taps.map(tap, range(len(keys))))
    assert [answer["complaint"] for answer in answers] == [answers[0]["complaint"]] * 4
    assert [each["id"] for each in filed_by(world)] == [answers[0]["complaint"]["id"]]


def filed_by(world: World) -> list[Any]:
    shown = "{ viewer { complaints { edges { node { id timeline { edges { node { text } } } } } } } }"
    found = [edge["node"] for edge in world.buyer.ask(shown)["viewer"]["complaints"]["edges"]]
    assert all(len(each["timeline"]["edges"]) == 1 for each in found)
    return found


MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("says", "first", "second", "later", "count"),
    [
        ("a moment later", {}, {}, MOMENT, 1),
        ("earlier by the clock of another process", {}, {}, -MOMENT, 1),
        ("a minute later", {}, {}, MINUTE, 1),
        ("later than that", {}, {}, MINUTE + MOMENT, 2),
        ("of another kind", {}, {"kind": "OTHER"}, MOMENT, 1),
        ("with another contact", {}, {"contact": {"phone": "+34 600 000 000"}}, MOMENT, 1),
        ("spaces around the text", {}, {"description": " Paid in spring, nothing came.\n"}, MOMENT, 1),
        ("é in two spellings", {"description": "Café"}, {"description": "Cafe\u0301"}, MOMENT, 1),
        ("another text", {}, {"description": "Paid in spring, nothing came"}, MOMENT, 2),
        ("another case of the text", {}, {"description": "paid in spring, nothing came."}, MOMENT, 2),
        ("another respondent", {}, {"respondent": {"memberId": "y"}}, MOMENT, 2),
        ("a respondent named otherwise", {}, {"respondent": {"email": "x@x.example"}}, MOMENT, 2),
        (
            "the same page",
            {"respondent": {"url": "https://Shop.example/1"}},
            {"respondent": {"url": "shop.example/1"}},
            MOMENT,
            1,
        ),
        (
            "the same address",
            {"respondent": {"email": "x@Shop.example"}},
            {"respondent": {"email": "x@shop.example"}},
            MOMENT,
            1,
        ),
        (
            "another page of the same shop",
            {"respondent": {"url": "https://shop.example/1"}},
            {"respondent": {"url": "https://shop.example/2"}},
            MOMENT,
            2,
        ),
    ],
)
def test_the_same_complaint_within_a_moment_is_filed_once(
    world: World, says: str, first: dict[str, Any], second: dict[str, Any], later: timedelta, count: int
) -> None:
    filing = complaint(respondent={"memberId": "x"}) | first
    one = world.buyer.succeed("fileComplaint", filing, "complaint { id }")
    other = world.buyer.at(NOW + later).succeed("fileComplaint", filing | second, "complaint { id }")
    assert (one == other) == (count == 1), says
    assert len(filed_by(world)) == count


def test_other_people_file_the_same_words(world: World) -> None:
    filing = complaint(respondent={"memberId": "x"})
    world.buyer.succeed("fileComplaint", filing)
    world.person(Role.BUYER).succeed("fileComplaint", filing)
    assert len(filed_by(world)) == 1


def test_after_a_withdrawal_the_same_words_are_another_complaint(world: World) -> None:
    filing = complaint(respondent={"memberId": "x"})
    first = world.buyer.succeed("fileComplaint", filing, "complaint { id }")["complaint"]
    world.buyer.succeed("withdrawComplaint", {"caseId": first["id"]})
    assert world.buyer.succeed("fileComplaint", filing, "complaint { id }")["complaint"] != first


def test_a_complaint_on_record_is_no_twin_of_one_that_is_not(world: World) -> None:
    filing = complaint(respondent={"memberId": "x"})
    world.buyer.succeed("fileComplaint", filing | {"orderId": world.order("OFFLINE")})
    world.buyer.succeed("fileComplaint", filing)
    assert len(filed_by(world)) == 2


def test_a_later_tap_is_remembered_under_its_own_key(world: World) -> None:
    filing = complaint(respondent={"memberId": "x"})
    first = world.buyer.succeed("fileComplaint", filing, "complaint { id }")
    keyed = filing | {"idempotencyKey": world.buyer.subject}
    assert world.buyer.succeed("fileComplaint", keyed, "complaint { id }") == first
    assert world.buyer.at(NOW + DAY).succeed("fileComplaint", keyed, "complaint { id }") == first
    changed = keyed | {"description": "Another"}
    [error] = world.buyer.do("fileComplaint", changed)["userErrors"]
    assert error["code"] == "IDEMPOTENCY_KEY_REUSED"


def test_a_later_tap_with_the_same_file_answers_with_the_first(world: World) -> None:
    filing = complaint(respondent={"memberId": "x"}, evidence=[bring(world.buyer)])
    shown = "complaint { id evidence { id } }"
    assert world.buyer.succeed("fileComplaint", filing, shown) == world.buyer.succeed("fileComplaint", filing, shown)
