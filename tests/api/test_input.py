"""The form of an input is checked first: all problems are reported at once, each with its field, and nothing is read."""

from typing import Any

import pytest

from tests.conftest import World, usd
from tests.support.actions import ON_COMPLAINTS, ON_DISPUTES

AREAS = {"productAsAgreed": 5, "communication": 5, "shippingTime": 5}


def feedback(**changes: Any) -> dict[str, Any]:
    return {"ratings": {"overall": 5}} | changes


def dispute(**changes: Any) -> dict[str, Any]:
    return {"reason": "LATE", "description": "Late.", "wanted": "REFUND", "claim": usd("1.00")} | changes


def complaint(**changes: Any) -> dict[str, Any]:
    return {
        "kind": "OTHER",
        "description": "Nothing came.",
        "respondent": {"memberId": "x"},
        "contact": {"phone": "+34 600 000 000"},
    } | changes


CASES: list[tuple[str, dict[str, Any], set[tuple[str, str]]]] = [
    ("leaveFeedback", feedback(ratings={"overall": 0}), {("ratings.overall", "OUT_OF_RANGE")}),
    ("leaveFeedback", feedback(ratings={"overall": 6}), {("ratings.overall", "OUT_OF_RANGE")}),
    (
        "leaveFeedback",
        feedback(ratings={"areas": AREAS | {"communication": 6, "shippingTime": -1}}, comment="x" * 4001),
        {
            ("ratings.areas.communication", "OUT_OF_RANGE"),
            ("ratings.areas.shippingTime", "OUT_OF_RANGE"),
            ("comment", "TOO_LONG"),
        },
    ),
    ("leaveFeedback", feedback(comment=""), {("comment", "REQUIRED")}),
    ("leaveFeedback", feedback(comment=" \n"), {("comment", "REQUIRED")}),
    ("leaveFeedback", feedback(comment="a\0b"), {("comment", "OTHER")}),
    ("reviseFeedback", feedback(ratings={"overall": 99}), {("ratings.overall", "OUT_OF_RANGE")}),
    ("replyToFeedback", {"text": ""}, {("text", "REQUIRED")}),
    ("replyToFeedback", {"text": "x" * 2001}, {("text", "TOO_LONG")}),
    ("cancelOrder", {"reason": "OTHER", "note": "x" * 2001}, {("note", "TOO_LONG")}),
    ("requestCancellation", {"reason": "OTHER", "note": ""}, {("note", "REQUIRED")}),
    ("withdrawCancellation", {"note": "\0"}, {("note", "OTHER")}),
    ("acceptCancellation", {"note": "x" * 2001}, {("note", "TOO_LONG")}),
    ("declineCancellation", {"note": "  "}, {("note", "REQUIRED")}),
    ("openDispute", dispute(description=""), {("description", "REQUIRED")}),
    ("openDispute", dispute(description="x" * 4001), {("description", "TOO_LONG")}),
    ("openDispute", dispute(wanted="NO_REFUND"), {("wanted", "WRONG_FORM")}),
    ("openDispute", dispute(claim=None), {("claim", "REQUIRED")}),
    ("openDispute", dispute(wanted="REPLACEMENT"), {("claim", "WRONG_FORM")}),
    ("openDispute", dispute(claim=usd("0")), {("claim.amount", "OUT_OF_RANGE")}),
    ("openDispute", dispute(claim=usd("-1.00")), {("claim.amount", "OUT_OF_RANGE")}),
    ("openDispute", dispute(claim=usd("1.001")), {("claim.amount", "WRONG_FORM")}),
    ("openDispute", dispute(claim={"amount": "1.5", "currencyCode": "JPY"}), {("claim.amount", "WRONG_FORM")}),
    ("openDispute", dispute(claim={"amount": "1", "currencyCode": "ZZZ"}), {("claim.currencyCode", "OTHER")}),
    ("openDispute", dispute(claim={"amount": "1", "currencyCode": "XAU"}), {("claim.currencyCode", "OTHER")}),
    ("withdrawDispute", {"note": "x" * 2001}, {("note", "TOO_LONG")}),
    ("proposeResolution", {"resolution": "REFUND"}, {("amount", "REQUIRED")}),
    ("proposeResolution", {"resolution": "NO_REFUND", "amount": usd("1.00")}, {("amount", "WRONG_FORM")}),
    (
        "proposeResolution",
        {"resolution": "REFUND", "amount": usd("0.00"), "note": ""},
        {("amount.amount", "OUT_OF_RANGE"), ("note", "REQUIRED")},
    ),
    ("acceptProposal", {"note": "x" * 2001}, {("note", "TOO_LONG")}),
    ("rejectProposal", {"note": "\0"}, {("note", "OTHER")}),
    ("postDisputeMessage", {"text": "x" * 4001}, {("text", "TOO_LONG")}),
    ("escalateDispute", {"note": " "}, {("note", "REQUIRED")}),
    ("requestEvidence", {"party": "AGENT", "text": ""}, {("party", "WRONG_FORM"), ("text", "REQUIRED")}),
    (
        "resolveDispute",
        {"resolution": "REPLACEMENT", "amount": usd("1.00"), "note": " "},
        {("amount", "WRONG_FORM"), ("note", "REQUIRED")},
    ),
    ("postComplaintMessage", {"text": ""}, {("text", "REQUIRED")}),
    ("withdrawComplaint", {"note": ""}, {("note", "REQUIRED")}),
    ("takeUpComplaint", {"note": "x" * 2001}, {("note", "TOO_LONG")}),
    ("resolveComplaint", {"resolution": "REFUND", "note": "x"}, {("amount", "REQUIRED")}),
    ("rejectComplaint", {"note": "x" * 2001}, {("note", "TOO_LONG")}),
    ("fileComplaint", complaint(description="x" * 4001), {("description", "TOO_LONG")}),
    ("fileComplaint", complaint(contact={}), {("contact", "REQUIRED")}),
    ("fileComplaint", complaint(contact={"email": "ana"}), {("contact.email", "WRONG_FORM")}),
    ("fileComplaint", complaint(contact={"email": "ana@localhost"}), {("contact.email", "WRONG_FORM")}),
    ("fileComplaint", complaint(contact={"email": "a b@x.example"}), {("contact.email", "WRONG_FORM")}),
    ("fileComplaint", complaint(contact={"email": "a" * 250 + "@x.example"}), {("contact.email", "TOO_LONG")}),
    ("fileComplaint", complaint(contact={"phone": "call me"}), {("contact.phone", "WRONG_FORM")}),
    ("fileComplaint", complaint(contact={"phone": "1"}), {("contact.phone", "WRONG_FORM")}),
    ("fileComplaint", complaint(contact={"phone": "1" + " " * 28 + "1"}), {("contact.phone", "WRONG_FORM")}),
    (
        "fileComplaint",
        complaint(contact={"email": "ana", "phone": "ana"}),
        {("contact.email", "WRONG_FORM"), ("contact.phone", "WRONG_FORM")},
    ),
    ("fileComplaint", complaint(respondent=None), {("respondent", "REQUIRED")}),
    ("fileComplaint", complaint(respondent={"url": "ftp://x.example/1"}), {("respondent.url", "WRONG_FORM")}),
    ("fileComplaint", complaint(respondent={"url": "javascript:alert(1)"}), {("respondent.url", "WRONG_FORM")}),
    ("fileComplaint", complaint(respondent={"memberId": ""}), {("respondent.memberId", "REQUIRED")}),
    ("fileComplaint", complaint(amount=usd("0.00")), {("amount.amount", "OUT_OF_RANGE")}),
    (
        "fileComplaint",
        complaint(description="", contact={"email": ""}, respondent={"email": "x"}, amount=usd("0.001")),
        {
            ("description", "REQUIRED"),
            ("contact.email", "REQUIRED"),
            ("respondent.email", "WRONG_FORM"),
            ("amount.amount", "WRONG_FORM"),
        },
    ),
]


@pytest.mark.parametrize(("mutation", "input", "problems"), CASES)
def test_a_malformed_input_is_refused_before_anything_is_looked_up(
    world: World, mutation: str, input: dict[str, Any], problems: set[tuple[str, str]]
) -> None:
    subject: dict[str, str] = {} if mutation == "fileComplaint" else {"orderId": "nonsense"}
    if mutation in ON_DISPUTES or mutation in ON_COMPLAINTS:
        subject = {"caseId": "nonsense"}
    # The form is checked before anything is looked up.
    assert world.buyer.problems(mutation, subject | input) == problems


@pytest.mark.parametrize("length", [1, 4000])
def test_a_text_of_the_maximum_length_is_accepted(world: World, length: int) -> None:
    order = world.order(completedAt=1)
    text = "😀" * length
    payload = world.buyer.succeed(
        "leaveFeedback", {"orderId": order, "ratings": {"overall": 5}, "comment": text}, "feedback { comment }"
    )
    assert payload["feedback"]["comment"] == text


def test_the_order_is_shown_as_it_stands_also_then(world: World) -> None:
    order = world.order(completedAt=1)
    payload = world.buyer.do(
        "leaveFeedback", {"orderId": order} | feedback(comment=""), "order { id canLeaveFeedback }"
    )
    assert payload["order"] == {"id": order, "canLeaveFeedback": True}


@pytest.mark.parametrize(
    ("type_name", "value"),
    [
        ("DateTime", "2026"),
        ("DateTime", "2026-06-15"),
        ("DateTime", "2026-06-15T12:00:00"),
        ("DateTime", "2026-06-15 12:00:00Z"),
        ("DateTime", "2026-02-30T12:00:00Z"),
        ("DateTime", "2026-06-15T24:00:01Z"),
        ("DateTime", "2026-06-15T12:00:00+25:00"),
        ("DateTime", "0001-01-01T00:00:00+01:00"),
        ("DateTime", "9999-12-31T23:59:59Z"),
        ("DateTime", "２026-06-15T12:00:00Z"),
        ("DateTime", 1781524800),
        ("DateTime", True),
        ("Decimal", 1),
        ("Decimal", 1.5),
        ("Decimal", "1" * 101),
        ("CurrencyCode", "U" * 101),
        ("CurrencyCode", 840),
    ],
)
def test_scalars_are_strict(world: World, type_name: str, value: Any) -> None:
    if type_name == "DateTime":
        answer = world.buyer.answer(
            """query($at: DateTime) { nodes(ids: []) { ... on Order { decision(action: CANCEL_ORDER, at: $at)
            { allowed } } } }""",
            at=value,
        )
    else:
        field = "amount" if type_name == "Decimal" else "currencyCode"
        claim = usd("1.00") | {field: value}
        answer = world.buyer.answer(
            "mutation($input: OpenDisputeInput!) { openDispute(input: $input) { userErrors { code } } }",
            input=dispute(claim=claim, orderId="x"),
        )
    assert "data" not in answer
    assert answer["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


AMOUNTS = [
    ("90,00", "WRONG_FORM"),
    ("1,200.00", "WRONG_FORM"),
    ("1 200.00", "WRONG_FORM"),
    (".5", "WRONG_FORM"),
    ("90.", "WRONG_FORM"),
    ("+90.00", "WRONG_FORM"),
    ("90.00 USD", "WRONG_FORM"),
    ("$90", "WRONG_FORM"),
    ("90.00.00", "WRONG_FORM"),
    ("９０.００", "WRONG_FORM"),
    ("٩٠", "WRONG_FORM"),
    ("ninety", "WRONG_FORM"),
    ("1e5", "WRONG_FORM"),
    ("NaN", "WRONG_FORM"),
    ("Infinity", "WRONG_FORM"),
    ("9" * 31, "WRONG_FORM"),
    ("1.00000000001", "WRONG_FORM"),
    ("9" * 30, "OUT_OF_RANGE"),
    ("-0.00", "OUT_OF_RANGE"),
    ("", "REQUIRED"),
    (" \u200b", "REQUIRED"),
]
CURRENCIES = [
    ("usd", "WRONG_FORM"),
    ("Usd", "WRONG_FORM"),
    ("US", "WRONG_FORM"),
    ("US$", "WRONG_FORM"),
    ("USDX", "WRONG_FORM"),
    ("€", "WRONG_FORM"),
    ("Euro", "WRONG_FORM"),
    ("ＵＳＤ", "WRONG_FORM"),
    ("U\u200bSD", "WRONG_FORM"),
    ("840", "WRONG_FORM"),
    ("ZZZ", "OTHER"),
    ("", "REQUIRED"),
    ("\u00a0", "REQUIRED"),
]


@pytest.mark.parametrize(("amount", "problem"), AMOUNTS)
def test_a_mistyped_amount_is_named_with_its_field(world: World, amount: str, problem: str) -> None:
    input = {"orderId": "x"} | dispute(claim=usd(amount))
    assert world.buyer.problems("openDispute", input) == {("claim.amount", problem)}


@pytest.mark.parametrize(("currency", "problem"), CURRENCIES)
def test_a_mistyped_currency_is_named_with_its_field(world: World, currency: str, problem: str) -> None:
    input = {"orderId": "x"} | dispute(claim={"amount": "1.00", "currencyCode": currency})
    assert world.buyer.problems("openDispute", input) == {("claim.currencyCode", problem)}


def test_amount_and_currency_are_refused_together_wherever_there_is_money(world: World) -> None:
    wrong = {"amount": "90,00", "currencyCode": "usd"}
    both = {("amount.amount", "WRONG_FORM"), ("amount.currencyCode", "WRONG_FORM")}
    assert world.buyer.problems("fileComplaint", complaint(amount=wrong)) == both
    for mutation in ("proposeResolution", "resolveDispute", "resolveComplaint"):
        decided = {"caseId": "x", "resolution": "REFUND", "amount": wrong, "note": "x"}
        assert world.agent.problems(mutation, decided) == both
    literal = """mutation { openDispute(input: { orderId: "x", reason: LATE, description: "x", wanted: REFUND,
      claim: { amount: "90,00", currencyCode: "usd" } }) { userErrors { field } } }"""
    errors = world.buyer.ask(literal)["openDispute"]["userErrors"]
    assert [error["field"] for error in errors] == [["claim", "amount"], ["claim", "currencyCode"]]


@pytest.mark.parametrize("space", [" ", "\t", "\n", "\u00a0", "\u202f", "\u3000", "\u200b", "\ufeff", "\u202a"])
def test_spaces_around_a_number_are_no_mistake(world: World, space: str) -> None:
    amount = {"amount": f"{space}90.00{space}", "currencyCode": f"{space}USD{space}"}
    shown = "complaint { amount { amount currencyCode } }"
    filed = world.buyer.succeed("fileComplaint", complaint(amount=amount), shown)
    assert filed["complaint"]["amount"] == usd("90.00")


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("2026-06-15T12:00:00Z", "2026-06-15T12:00:00.000000Z"),
        ("2026-06-15t12:00:00z", "2026-06-15T12:00:00.000000Z"),
        ("2026-06-15T12:00:00.5Z", "2026-06-15T12:00:00.500000Z"),
        ("2026-06-15T12:00:00.123456789Z", "2026-06-15T12:00:00.123456Z"),
        ("2026-06-15T14:30:00+02:30", "2026-06-15T12:00:00.000000Z"),
        ("2026-06-15T11:00:00-01:00", "2026-06-15T12:00:00.000000Z"),
    ],
)
def test_instants_are_taken_with_any_offset(world: World, given: str, read: str) -> None:
    answer = world.buyer.at(None).send({"query": "{ serverTime }"}, **{"X-Recourse-Now": given})
    assert answer.json()["data"] == {"serverTime": read}


@pytest.mark.parametrize("literal", ["12", "1.5", "true", "[1]", "{a: 1}", "ENUM"])
def test_literals_are_as_strict_as_variables(world: World, literal: str) -> None:
    query = f'{{ node(id: "x") {{ ... on Order {{ decision(action: CANCEL_ORDER, at: {literal}) {{ allowed }} }} }} }}'
    assert "errors" in world.buyer.answer(query)
