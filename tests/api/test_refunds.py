"""Refunds: what an order owes, what the order system tells about it, and reports of refunds that did not arrive."""

import itertools
from datetime import datetime, timedelta
from typing import Any

import pytest

from schema.scalars import spell_instant
from tests.conftest import DAY, MOMENT, NOW, Person, Server, Statements, World, usd
from tests.support.subscriptions import ago, opened
from tests.support.uploads import bring

REFUND = """id status amount { amount } cause relatedCase { number } owedSince dueBy isOverdue settledAt reference
  reportedMissingAt"""
ORDER = f"""query($id: ID!) {{ node(id: $id) {{ ... on Order {{ number status amountRefunded {{ amount }}
  refunds {{ {REFUND} }} cancellation {{ id number status reason openedAt closedAt }}
  dispute {{ id number status refund {{ id }} refunds {{ {REFUND} }} }}
  availableActions {{ action }} timeline(first: 100) {{ edges {{ node {{ text relatedCase {{ number }} }} }} }} }} }} }}"""
MINUTE = timedelta(minutes=1)
_references = itertools.count(1)


class Trade:
    """An order of 100 dollars, and what is told about it. Each record is a minute newer than the one before."""

    def __init__(self, world: World, kind: str = "SECURE_PAYMENT", **facts: Any) -> None:
        self.world = world
        self.record = world.record(kind, **facts)
        self.known_at = NOW
        self.id = self._record()
        self.prefix = f"R{next(_references)}-{self.record['number']}-"

    def _record(self) -> str:
        self.record["recordedAt"] = spell_instant(self.known_at)
        payload = self.world.service.at(self.known_at).succeed(
            "recordOrders", {"orders": [self.record]}, "orders { id }"
        )
        return payload["orders"][0]["id"]

    def correct(self, **changes: Any) -> None:
        """Records the order anew."""
        self.known_at += MINUTE
        self.record |= changes
        self._record()

    def correct_problems(self, **changes: Any) -> set[tuple[str, str]]:
        newer = self.record | changes | {"recordedAt": spell_instant(self.known_at + MINUTE)}
        return self.world.service.problems("recordOrders", {"orders": [newer]})

    def shown(self, person: Person | None = None, at: datetime = NOW) -> Any:
        return (person or self.world.buyer).at(at).ask(ORDER, id=self.id)["node"]

    def refunds(self, at: datetime = NOW) -> list[tuple[str, str]]:
        return [(refund["status"], refund["amount"]["amount"]) for refund in self.shown(at=at)["refunds"]]

    @property
    def cancellation(self) -> str:
        return self.shown()["cancellation"]["number"]

    @property
    def dispute(self) -> str:
        return self.shown()["dispute"]["number"]

    def told(
        self, amount: str, status: str, reference: str = "1", case: str | None = None, **changes: Any
    ) -> dict[str, Any]:
        """Returns a record of a refund, a minute newer than the one before."""
        self.known_at += MINUTE
        return {
            "orderNumber": self.record["number"],
            "caseNumber": case,
            "amount": usd(amount),
            "status": status,
            "reference": self.prefix + reference,
            "recordedAt": spell_instant(self.known_at),
        } | changes

    def tell(self, *records: dict[str, Any]) -> list[dict[str, Any]]:
        payload = self.world.service.at(self.known_at).succeed(
            "recordRefunds", {"refunds": list(records)}, f"refunds {{ {REFUND} }}"
        )
        return payload["refunds"]

    def problems(self, *records: dict[str, Any]) -> set[tuple[str, str]]:
        """Returns the problems of records that are refused. Nothing may have changed."""
        before = self.shown()
        problems = self.world.service.at(self.known_at).problems("recordRefunds", {"refunds": list(records)})
        assert self.shown() == before
        return problems

    def agree(self, amount: str, resolution: str = "REFUND", reason: str = "DAMAGED", at: datetime = NOW) -> str:
        """Settles a dispute with this outcome. Returns its id."""
        wish = {"reason": reason, "description": "x", "wanted": resolution, "claim": usd(amount), "orderId": self.id}
        case = self.world.buyer.at(at).succeed("openDispute", wish, "dispute { id }")["dispute"]["id"]
        self.world.supplier.at(at).succeed("acceptProposal", {"caseId": case})
        return case

    def decide(self, amount: str, at: datetime = NOW) -> str:
        """Has an agent decide a dispute with a refund. Returns its id."""
        wish = {"reason": "DAMAGED", "description": "x", "wanted": "REFUND", "claim": usd(amount), "orderId": self.id}
        case = self.world.buyer.at(at - 4 * DAY).succeed("openDispute", wish, "dispute { id }")["dispute"]["id"]
        self.world.supplier.at(at).succeed("escalateDispute", {"caseId": case})
        decision = {"caseId": case, "resolution": "REFUND", "amount": usd(amount), "note": "So it is."}
        self.world.agent.at(at).succeed("resolveDispute", decision)
        return case


def paid_and_cancelled(world: World) -> Trade:
    return Trade(world, paidAt=5, cancelledAt=3)


def due(trade: Trade, at: datetime = NOW) -> list[tuple[str, str, str | None, str | None]]:
    """Returns amount, cause, owedSince and dueBy of what is owed."""
    refunds = [refund for refund in trade.shown(at=at)["refunds"] if refund["status"] == "DUE"]
    return [(r["amount"]["amount"], r["cause"], r["owedSince"], r["dueBy"]) for r in refunds]


def days(before: float) -> str:
    return spell_instant(NOW - before * DAY)


# ---------------------------------------------------------------- what is owed


def test_a_cancellation_owes_what_was_paid(world: World) -> None:
    trade = paid_and_cancelled(world)
    assert due(trade) == [("100.00", "CANCELLATION", days(3), days(-7))]
    shown = trade.shown()
    assert shown["cancellation"] | {"id": "", "number": ""} == {
        "id": "",
        "number": "",
        "status": "CANCELLED",
        "reason": "OTHER",
        "openedAt": days(3),
        "closedAt": days(3),
    }
    assert shown["refunds"][0]["relatedCase"] == {"number": shown["cancellation"]["number"]}
    assert [edge["node"]["relatedCase"] for edge in shown["timeline"]["edges"] if "cancel" in edge["node"]["text"]] == [
        {"number": shown["cancellation"]["number"]}
    ]


@pytest.mark.parametrize("told_later", [True, False])
def test_a_payment_after_the_cancellation_is_owed_from_the_payment(world: World, told_later: bool) -> None:
    trade = Trade(world, cancelledAt=5, **({} if told_later else {"paidAt": 2}))
    if told_later:
        assert due(trade) == []
        trade.correct(paidAt=days(2))
    assert due(trade) == [("100.00", "CANCELLATION", days(2), days(-8))]


def test_a_cancellation_here_owes_too(world: World) -> None:
    trade = Trade(world, paidAt=5)
    world.buyer.succeed("requestCancellation", {"orderId": trade.id, "reason": "OTHER"})
    assert trade.refunds() == []
    world.supplier.at(NOW + DAY).succeed("acceptCancellation", {"orderId": trade.id})
    assert due(trade) == [("100.00", "CANCELLATION", days(-1), days(-11))]
    trade.correct(cancelledAt=None)  # the order system cannot undo it
    assert due(trade) == [("100.00", "CANCELLATION", days(-1), days(-11))]


def test_a_request_stays_superseded_when_the_order_system_cancels(world: World) -> None:
    trade = Trade(world, paidAt=5)
    request = world.buyer.at(NOW - DAY).succeed(
        "requestCancellation", {"orderId": trade.id, "reason": "OTHER"}, "cancellation { id number }"
    )["cancellation"]
    trade.correct(cancelledAt=days(0))
    asked = "query($id: ID!) { node(id: $id) { ... on Cancellation { status } } }"
    assert world.buyer.ask(asked, id=request["id"])["node"] == {"status": "SUPERSEDED"}
    assert trade.shown()["cancellation"]["status"] == "CANCELLED"
    assert trade.shown()["cancellation"]["number"] > request["number"]
    assert due(trade) == [("100.00", "CANCELLATION", days(0), days(-10))]


def test_a_cancellation_that_is_taken_back_owes_nothing(world: World) -> None:
    trade = paid_and_cancelled(world)
    first = trade.shown()["cancellation"]
    trade.correct(cancelledAt=days(4))
    assert due(trade) == [("100.00", "CANCELLATION", days(4), days(-6))]
    assert trade.shown()["cancellation"] | {"openedAt": "", "closedAt": ""} == first | {"openedAt": "", "closedAt": ""}
    trade.correct(cancelledAt=None)
    assert trade.refunds() == [("VOID", "100.00")]
    assert (trade.shown()["status"], trade.shown()["cancellation"]["status"]) == ("PAID", "SUPERSEDED")
    trade.correct(cancelledAt=days(1))
    assert due(trade) == [("100.00", "CANCELLATION", days(1), days(-9))]
    assert trade.shown()["cancellation"]["number"] > first["number"]


def test_an_outcome_owes_its_amount_and_a_cancellation_the_rest(world: World) -> None:
    trade = Trade(world, "TRADE_ASSURANCE", paidAt=9)
    trade.agree("60.00", at=NOW - 2 * DAY)
    assert due(trade) == [("60.00", "DISPUTE", days(2), days(-8))]
    trade.correct(cancelledAt=days(5))  # the record is late: it was cancelled before the outcome
    assert sorted(due(trade)) == [
        ("40.00", "CANCELLATION", days(5), days(-5)),
        ("60.00", "DISPUTE", days(2), days(-8)),
    ]


def test_a_running_return_will_owe_in_every_sum(world: World) -> None:
    trade = Trade(world, "TRADE_ASSURANCE", paidAt=9)
    case = trade.agree("60.00", "RETURN_AND_REFUND")
    assert trade.refunds() == []
    assert trade.shown()["dispute"]["refund"] is None
    trade.correct(cancelledAt=days(-1))
    assert trade.refunds() == [("DUE", "40.00")]
    assert trade.problems(trade.told("0.01", "SUCCEEDED")) == {("refunds.0.amount.amount", "OUT_OF_RANGE")}
    assert trade.problems(trade.told("60.00", "SUCCEEDED", case=trade.dispute)) == {
        ("refunds.0.amount.amount", "OUT_OF_RANGE")
    }
    world.supplier.at(NOW + DAY).succeed("provideReturnAddress", {"caseId": case, "address": "Hall 3"})
    shipment = {"caseId": case, "carrier": "DHL", "trackingNumber": "1"}
    world.buyer.at(NOW + 2 * DAY).succeed("confirmReturnShipped", shipment)
    world.supplier.at(NOW + 3 * DAY).succeed("confirmReturnReceived", {"caseId": case})
    assert sorted(due(trade)) == [
        ("40.00", "CANCELLATION", days(-1), days(-11)),
        ("60.00", "DISPUTE", days(-3), days(-13)),
    ]


def test_a_return_that_expires_leaves_all_to_the_cancellation(world: World) -> None:
    trade = Trade(world, "TRADE_ASSURANCE", paidAt=9)
    case = trade.agree("60.00", "RETURN_AND_REFUND")
    world.supplier.succeed("provideReturnAddress", {"caseId": case, "address": "Hall 3"})
    trade.known_at = NOW + 11 * DAY  # nothing was sent back in ten
    trade.correct(cancelledAt=days(-11))
    assert trade.refunds(at=trade.known_at) == [("DUE", "100.00")]


def test_an_outcome_owes_once_a_payment_is_known(world: World) -> None:
    trade = Trade(world, shippedAt=5)
    trade.agree("60.00", at=NOW - 2 * DAY)
    assert trade.refunds() == []
    trade.correct(paidAt=days(1), amountPaid=usd("50.00"))
    assert due(trade) == [("50.00", "DISPUTE", days(1), days(-9))]
    trade.correct(amountPaid=usd("120.00"))  # overpaid
    assert due(trade) == [("60.00", "DISPUTE", days(1), days(-9))]
    trade.correct(paidAt=None, amountPaid=None)  # taken back
    assert trade.refunds() == [("VOID", "60.00")]
    trade.correct(paidAt=days(0))
    assert due(trade) == [("60.00", "DISPUTE", days(0), days(-10))]


def test_what_was_overpaid_is_owed_too(world: World) -> None:
    trade = Trade(world, paidAt=5, cancelledAt=3, amountPaid=usd("120.00"))
    assert [amount for amount, *_ in due(trade)] == ["120.00"]


def test_less_paid_makes_the_latest_cause_owe_less(world: World) -> None:
    trade = Trade(world, "TRADE_ASSURANCE", paidAt=9)
    trade.agree("60.00")
    trade.correct(cancelledAt=days(0))
    for paid, owed in (("80.00", ["20.00", "60.00"]), ("60.00", ["60.00"]), ("50.00", ["50.00"])):
        trade.correct(amountPaid=usd(paid))
        assert sorted(amount for amount, *_ in due(trade)) == owed
    trade.correct(amountPaid=usd("100.00"))
    assert sorted(amount for amount, *_ in due(trade)) == ["40.00", "60.00"]


def test_what_was_paid_is_never_less_than_what_was_paid_back(world: World) -> None:
    trade = paid_and_cancelled(world)
    sent, arrived = (
        trade.told(amount, status, reference, trade.cancellation)
        for amount, status, reference in (("30.00", "SENT", "1"), ("20.00", "SUCCEEDED", "2"))
    )
    trade.tell(sent, arrived)
    wrong = {("orders.0.amountPaid", "OUT_OF_RANGE")}
    assert trade.correct_problems(amountPaid=usd("49.99")) == wrong
    assert trade.correct_problems(paidAt=None) == wrong
    euros = {"amount": "100.00", "currencyCode": "EUR"}
    items = [{"title": "Desk lamp", "quantity": 4, "unitPrice": euros}]
    assert trade.correct_problems(total=euros, items=items) == {("orders.0.total.currencyCode", "OTHER")}
    trade.correct(amountPaid=usd("50.00"))
    assert trade.refunds() == [("VOID", "50.00"), ("SENT", "30.00"), ("SUCCEEDED", "20.00")]


def test_an_offline_order_owes_nothing(world: World) -> None:
    trade = Trade(world, "OFFLINE", paidAt=5, cancelledAt=3)
    assert trade.refunds() == []
    trade.correct(cancelledAt=days(2))
    assert trade.refunds() == []
    assert trade.tell(trade.told("100.00", "SUCCEEDED"))[0]["cause"] == "OTHER"


def test_a_dispute_about_a_missing_refund_takes_the_place_of_the_debt(world: World) -> None:
    trade = paid_and_cancelled(world)
    trade.tell(trade.told("40.00", "SUCCEEDED", "1", trade.cancellation))
    wish = {"reason": "REFUND_NOT_RECEIVED", "description": "x", "wanted": "REFUND", "orderId": trade.id}
    too_much = wish | {"claim": usd("60.01")}
    assert world.buyer.problems("openDispute", too_much) == {("claim.amount", "OUT_OF_RANGE")}
    assert world.buyer.problems("openDispute", too_much | {"reason": "LATE"}) == {("claim.amount", "OUT_OF_RANGE")}
    case = world.buyer.succeed("openDispute", wish | {"claim": usd("60.00")}, "dispute { id }")["dispute"]["id"]
    assert [amount for amount, *_ in due(trade)] == ["60.00"]
    world.supplier.succeed(
        "proposeResolution", {"caseId": case, "resolution": "PARTIAL_REFUND", "amount": usd("50.00")}
    )
    world.buyer.succeed("acceptProposal", {"caseId": case})
    assert due(trade) == [("50.00", "DISPUTE", days(0), days(-10))]
    assert sorted(trade.refunds()) == [("DUE", "50.00"), ("SUCCEEDED", "40.00"), ("VOID", "60.00")]


def test_an_appealed_decision_owes_nothing_until_it_stands_again(world: World) -> None:
    now = Trade(world, "TRADE_ASSURANCE", paidAt=30)
    case = now.decide("60.00", at=NOW - 10 * DAY)
    [(amount, _, since, _)] = due(now)
    assert (amount, since) == ("60.00", days(10))
    failed = now.told("60.00", "FAILED", "1", now.dispute)
    now.tell(failed)
    file = bring(world.supplier.at(None))
    appeal = {"caseId": case, "text": "No.", "attachments": [file]}
    assert world.supplier.do("appealDecision", appeal)["userErrors"] == []
    assert now.refunds() == [("VOID", "60.00")]
    world.buyer.at(NOW + DAY).succeed("withdrawDispute", {"caseId": case})
    assert now.refunds() == [("VOID", "60.00"), ("DUE", "60.00")]
    assert due(now) == [("60.00", "DISPUTE", days(10), days(0))]


# ---------------------------------------------------------------- what the order system tells


def test_a_refund_that_is_paid_whole_keeps_its_id(world: World) -> None:
    trade = paid_and_cancelled(world)
    [owed] = trade.shown()["refunds"]
    [sent] = trade.tell(trade.told("100.00", "SENT", "1", trade.cancellation))
    assert (sent["id"], sent["status"], sent["owedSince"], sent["dueBy"]) == (owed["id"], "SENT", days(3), days(-7))
    [arrived] = trade.tell(trade.told("100.00", "SUCCEEDED", "1", trade.cancellation))
    assert (arrived["id"], arrived["status"]) == (owed["id"], "SUCCEEDED")
    assert arrived["settledAt"] == spell_instant(trade.known_at)
    assert trade.shown()["amountRefunded"] == {"amount": "100.00"}
    texts = [edge["node"] for edge in trade.shown()["timeline"]["edges"]][-2:]
    case = {"number": trade.cancellation}
    assert texts == [
        {"text": "A refund is on its way.", "relatedCase": case},
        {"text": "A refund has arrived.", "relatedCase": case},
    ]


# What is told of 100.00 that a cancellation owes, and what the refunds are then: reference, status, amount, still missing.
Step = tuple[str, str, str]
TOLD: list[tuple[str, list[Step], list[tuple[str | None, str, str, bool]]]] = [
    ("in part: the rest stays owed", [("1", "SUCCEEDED", "40.00")],
     [(None, "DUE", "60.00", True), ("1", "SUCCEEDED", "40.00", False)]),
    ("in two parts", [("1", "SUCCEEDED", "40.00"), ("2", "SUCCEEDED", "60.00")],
     [("2", "SUCCEEDED", "60.00", False), ("1", "SUCCEEDED", "40.00", False)]),
    ("failed whole", [("1", "FAILED", "100.00")], [("1", "FAILED", "100.00", True)]),
    ("failed in part", [("1", "FAILED", "40.00")], [(None, "DUE", "60.00", True), ("1", "FAILED", "40.00", True)]),
    ("failed and tried again", [("1", "FAILED", "100.00"), ("1", "SUCCEEDED", "100.00")],
     [("1", "SUCCEEDED", "100.00", False)]),
    ("failed and paid by another", [("1", "FAILED", "100.00"), ("2", "SUCCEEDED", "100.00")],
     [("1", "FAILED", "100.00", False), ("2", "SUCCEEDED", "100.00", False)]),
    ("failed and paid by another in part", [("1", "FAILED", "100.00"), ("2", "SUCCEEDED", "30.00")],
     [("1", "FAILED", "100.00", True), ("2", "SUCCEEDED", "30.00", False)]),
    ("failed twice: it is about the same money", [("1", "FAILED", "100.00"), ("2", "FAILED", "100.00")],
     [("1", "FAILED", "100.00", False), ("2", "FAILED", "100.00", True)]),
    ("sent and failed", [("1", "SENT", "100.00"), ("1", "FAILED", "100.00")], [("1", "FAILED", "100.00", True)]),
    ("arrived and failed", [("1", "SUCCEEDED", "100.00"), ("1", "FAILED", "100.00")], [("1", "FAILED", "100.00", True)]),
    ("sent, a smaller amount later", [("1", "SENT", "80.00"), ("1", "SENT", "50.00")],
     [(None, "DUE", "50.00", True), ("1", "SENT", "50.00", True)]),
    ("sent, all of it later", [("1", "SENT", "80.00"), ("1", "SUCCEEDED", "100.00")],
     [(None, "VOID", "20.00", False), ("1", "SUCCEEDED", "100.00", False)]),
    ("whole, a smaller amount later", [("1", "SENT", "100.00"), ("1", "SENT", "70.00")],
     [("1", "SENT", "70.00", True), (None, "DUE", "30.00", True)]),
]  # fmt: skip


@pytest.mark.parametrize(("says", "steps", "expected"), TOLD)
@pytest.mark.parametrize("at_once", [False, True])
def test_what_is_told(
    world: World, says: str, steps: list[Step], expected: list[tuple[str | None, str, str, bool]], at_once: bool
) -> None:
    trade = paid_and_cancelled(world)
    records = [trade.told(amount, status, reference, trade.cancellation) for reference, status, amount in steps]
    for batch in [records] if at_once else [[record] for record in records]:
        trade.tell(*batch)
    late = NOW + 7 * DAY + MOMENT
    refunds = trade.shown(at=late)["refunds"]
    found = [
        (
            r["reference"] and r["reference"].removeprefix(trade.prefix),
            r["status"],
            r["amount"]["amount"],
            r["isOverdue"],
        )
        for r in refunds
    ]
    assert found == expected, says
    assert {r["owedSince"] for r in refunds} == {days(3)}
    reportable = any(missing for *_, missing in expected)
    assert ({"action": "REPORT_MISSING_REFUND"} in trade.shown(at=late)["availableActions"]) == reportable
    arrived = sum(float(amount) for _, status, amount, _ in expected if status == "SUCCEEDED")
    assert float(trade.shown()["amountRefunded"]["amount"]) == arrived


def test_what_is_outstanding_has_not_arrived_and_no_other_refund_has_paid_it(world: World) -> None:
    trade = paid_and_cancelled(world)
    asked = "query($id: ID!) { node(id: $id) { ... on Order { refunds { status outstanding { amount } } } } }"

    def outstanding() -> list[tuple[str, str | None]]:
        refunds = world.buyer.ask(asked, id=trade.id)["node"]["refunds"]
        return [(each["status"], each["outstanding"] and each["outstanding"]["amount"]) for each in refunds]

    assert outstanding() == [("DUE", "100.00")]
    for status in ("SENT", "FAILED"):
        trade.tell(trade.told("100.00", status, "1", trade.cancellation))
        assert outstanding() == [(status, "100.00")]
    trade.tell(trade.told("30.00", "SENT", "2", trade.cancellation))
    assert outstanding() == [("FAILED", "70.00"), ("SENT", "30.00")]
    trade.tell(trade.told("30.00", "SUCCEEDED", "2", trade.cancellation))
    trade.tell(trade.told("70.00", "SUCCEEDED", "3", trade.cancellation))
    assert outstanding() == [("FAILED", None), ("SUCCEEDED", None), ("SUCCEEDED", None)]


def test_the_order_systems_own_refunds_are_owed_to_nothing(world: World) -> None:
    trade = Trade(world, "TRADE_ASSURANCE", paidAt=9)
    [sent] = trade.tell(trade.told("30.00", "SENT"))
    assert sent | {"id": "", "reference": ""} == {
        "id": "",
        "status": "SENT",
        "amount": {"amount": "30.00"},
        "cause": "OTHER",
        "relatedCase": None,
        "owedSince": None,
        "dueBy": None,
        "isOverdue": False,
        "settledAt": None,
        "reference": "",
        "reportedMissingAt": None,
    }
    assert trade.problems(trade.told("70.01", "SENT", "2")) == {("refunds.0.amount.amount", "OUT_OF_RANGE")}
    wish = {"orderId": trade.id, "reason": "DAMAGED", "description": "x", "wanted": "REFUND", "claim": usd("70.01")}
    assert world.buyer.problems("openDispute", wish) == {("claim.amount", "OUT_OF_RANGE")}
    trade.correct(cancelledAt=days(0))
    assert [amount for amount, *_ in due(trade)] == ["70.00"]
    assert trade.problems(trade.told("30.01", "SUCCEEDED")) == {("refunds.0.amount.amount", "OUT_OF_RANGE")}
    trade.tell(trade.told("30.00", "FAILED"))  # it owes nothing, and what was paid is owed by the cancellation
    assert sorted(trade.refunds()) == [("DUE", "100.00"), ("FAILED", "30.00")]
    assert [r["isOverdue"] for r in trade.shown(at=NOW + 20 * DAY)["refunds"] if r["status"] == "FAILED"] == [False]


def test_equal_and_older_records_are_ignored(world: World) -> None:
    trade = paid_and_cancelled(world)
    number = trade.cancellation
    instant = spell_instant(NOW + MINUTE).removesuffix("000Z")
    first = trade.told("40.00", "SENT", "1", number, recordedAt=f"{instant}000500Z")
    [stored] = trade.tell(first)
    other = Trade(world, paidAt=1)
    for ignored in (
        first,
        first | {"status": "FAILED"},
        first | {"status": "FAILED", "recordedAt": f"{instant}000499Z"},
        first | {"amount": usd("1000.00"), "caseNumber": None},
        first | {"orderNumber": other.record["number"], "amount": {"amount": "1", "currencyCode": "EUR"}},
        first | {"orderNumber": "nothing"},
    ):
        assert trade.tell(ignored) == [stored]
    assert sorted(trade.refunds()) == [("DUE", "60.00"), ("SENT", "40.00")]
    [newer] = trade.tell(first | {"status": "SUCCEEDED", "recordedAt": f"{instant}000501Z"})
    assert (newer["id"], newer["status"]) == (stored["id"], "SUCCEEDED")
    texts = [edge["node"]["text"] for edge in trade.shown()["timeline"]["edges"]]
    assert [text for text in texts if "refund" in text] == ["A refund is on its way.", "A refund has arrived."]


def test_one_batch_takes_several_records_of_an_order_and_of_a_reference(world: World) -> None:
    trade, other = paid_and_cancelled(world), paid_and_cancelled(world)
    case = trade.cancellation
    sent, arrived = trade.told("40.00", "SENT", "1", case), trade.told("40.00", "SUCCEEDED", "1", case)
    another, elsewhere = trade.told("60.00", "SENT", "2", case), other.told("100.00", "SENT", "3", other.cancellation)
    stored = trade.tell(arrived, elsewhere, another, sent, arrived)
    assert [refund["status"] for refund in stored] == ["SUCCEEDED", "SENT", "SENT", "SUCCEEDED", "SUCCEEDED"]
    assert stored[0] == stored[3] == stored[4]
    assert sorted(trade.refunds()) == [("SENT", "60.00"), ("SUCCEEDED", "40.00")]
    assert other.refunds() == [("SENT", "100.00")]


def test_a_reference_stays_with_its_order_and_case(world: World) -> None:
    trade, other = Trade(world, "TRADE_ASSURANCE", paidAt=9), paid_and_cancelled(world)
    trade.agree("60.00")
    trade.correct(cancelledAt=days(0))
    dispute = trade.dispute
    trade.tell(trade.told("10.00", "SENT", "1", dispute))
    wrong_case = {("refunds.0.caseNumber", "OTHER")}
    assert trade.problems(trade.told("10.00", "SENT", "1", trade.cancellation)) == wrong_case
    assert trade.problems(trade.told("10.00", "SENT", "1")) == wrong_case
    elsewhere = trade.told("10.00", "SENT", "1", other.cancellation, orderNumber=other.record["number"])
    assert trade.problems(elsewhere) == {("refunds.0.orderNumber", "OTHER")}
    new = other.told("10.00", "SENT", "2", other.cancellation)
    moved = trade.told("10.00", "SENT", "2", dispute) | {"reference": new["reference"]}
    assert trade.problems(moved, new) == {("refunds.0.orderNumber", "OTHER")}


def test_another_order_system_may_use_the_same_reference(world: World) -> None:
    trade, theirs = paid_and_cancelled(world), World(world.http)
    other = paid_and_cancelled(theirs)
    first = trade.told("100.00", "SENT", "1", trade.cancellation)
    trade.tell(first)
    [second] = other.tell(other.told("50.00", "SENT", "1", other.cancellation) | {"reference": first["reference"]})
    assert second["amount"] == {"amount": "50.00"}
    foreign = trade.told("1.00", "SENT", "2", trade.cancellation)
    assert theirs.service.problems("recordRefunds", {"refunds": [foreign]}) == {("refunds.0.orderNumber", "OTHER")}


SHAPES: list[tuple[str, dict[str, Any], tuple[str, str]]] = [
    ("DUE is ours", {"status": "DUE"}, ("status", "WRONG_FORM")),
    ("VOID is ours", {"status": "VOID"}, ("status", "WRONG_FORM")),
    ("nothing", {"amount": usd("0.00")}, ("amount.amount", "OUT_OF_RANGE")),
    ("below nothing", {"amount": usd("-1.00")}, ("amount.amount", "OUT_OF_RANGE")),
    ("too many decimals", {"amount": usd("1.001")}, ("amount.amount", "WRONG_FORM")),
    ("no currency", {"amount": {"amount": "1", "currencyCode": "usd"}}, ("amount.currencyCode", "WRONG_FORM")),
    ("NUL", {"reference": "a\0b"}, ("reference", "OTHER")),
    ("blanks", {"reference": "  "}, ("reference", "REQUIRED")),
    ("a line break", {"reference": "a\nb"}, ("reference", "WRONG_FORM")),
    ("too long", {"reference": "x" * 101}, ("reference", "TOO_LONG")),
    ("an order with NUL", {"orderNumber": "a\0"}, ("orderNumber", "OTHER")),
    ("a blank order", {"orderNumber": " "}, ("orderNumber", "REQUIRED")),
    ("a blank case", {"caseNumber": " "}, ("caseNumber", "REQUIRED")),
    ("a case with a line break", {"caseNumber": "K\n1"}, ("caseNumber", "WRONG_FORM")),
    ("in two days", {"recordedAt": spell_instant(NOW + 2 * DAY)}, ("recordedAt", "OUT_OF_RANGE")),
]
MEANINGS: list[tuple[str, dict[str, Any], tuple[str, str]]] = [
    ("an unknown order", {"orderNumber": "nothing"}, ("orderNumber", "OTHER")),
    ("an unknown case", {"caseNumber": "K-2026-9999999"}, ("caseNumber", "OTHER")),
    ("another currency", {"amount": {"amount": "1.00", "currencyCode": "EUR"}}, ("amount.currencyCode", "WRONG_FORM")),
    ("more than is owed", {"amount": usd("100.01")}, ("amount.amount", "OUT_OF_RANGE")),
    ("more than is owed, failed", {"amount": usd("100.01"), "status": "FAILED"}, ("amount.amount", "OUT_OF_RANGE")),
    ("without a case", {"amount": usd("0.01"), "caseNumber": None}, ("amount.amount", "OUT_OF_RANGE")),
]


@pytest.mark.parametrize("wrong", [SHAPES, MEANINGS])
def test_all_problems_of_a_batch_come_at_once(world: World, wrong: list[Any]) -> None:
    """Those of form come first. Nothing is kept, of the right records neither."""
    trade = paid_and_cancelled(world)
    case, other = trade.cancellation, paid_and_cancelled(world)
    right = trade.told("1.00", "SENT", "0", case)
    records = [trade.told("1.00", "SENT", str(place), case) | changes for place, (_, changes, _) in enumerate(wrong, 1)]
    if wrong is MEANINGS:
        wrong = [*wrong, ("a case of another order", {}, ("caseNumber", "OTHER"))]
        records.append(trade.told("1.00", "SENT", "99", other.cancellation))
    expected = {(f"refunds.{place}.{field}", problem) for place, (_, _, (field, problem)) in enumerate(wrong, 1)}
    assert trade.problems(right, *records) == expected
    payload = world.service.at(trade.known_at).do(
        "recordRefunds", {"refunds": [*records[::-1], right]}, "refunds { id }"
    )
    assert payload["refunds"] is None
    assert [int(error["field"][1]) for error in payload["userErrors"]] == list(range(len(records)))


def test_only_the_order_system_records_refunds_and_not_too_many(world: World) -> None:
    trade = paid_and_cancelled(world)
    record = trade.told("1.00", "SENT")
    for person in (world.buyer, world.supplier, world.agent):
        payload = person.do("recordRefunds", {"refunds": [record]}, "refunds { id }")
        assert (payload["refunds"], [error["code"] for error in payload["userErrors"]]) == (None, ["NOT_YOUR_ROLE"])
    assert trade.problems(*[record] * 501) == {("refunds", "TOO_MANY")}
    assert trade.tell() == []


def test_a_batch_reads_all_of_its_orders_at_once(world: World, statements: Statements, dialect: str) -> None:
    reads: list[int] = []
    for count in (2, 20):
        trades = [paid_and_cancelled(world) for _ in range(count)]
        records = [trade.told("40.00", "SENT", "1", trade.cancellation) for trade in trades]
        statements.sent.clear()
        trades[0].tell(*records)
        kinds = [text.split()[0] for text, _ in statements.sent]
        reads.append(kinds.count("SELECT"))
        # PostgreSQL writes an order in one statement.
        assert len(kinds) - kinds.count("SELECT") == count * (1 if dialect == "postgres" else 4)
    assert reads[0] == reads[1]


# ---------------------------------------------------------------- reports


def test_a_missing_refund_is_reported(world: World) -> None:
    trade = paid_and_cancelled(world)
    input = {"orderId": trade.id, "note": "Nothing has come."}
    overdue = NOW + 7 * DAY + MOMENT
    buyer = world.buyer
    refused = buyer.at(overdue - MOMENT).do("reportMissingRefund", input)["userErrors"]
    assert [error["code"] for error in refused] == ["NO_REFUND_OVERDUE"]
    for person in (world.supplier, world.agent, world.service):
        assert person.at(overdue).refused("reportMissingRefund", input) == "NOT_YOUR_ROLE"
    assert world.person(buyer.role).at(overdue).refused("reportMissingRefund", input) == "NOT_FOUND"
    once = input | {"idempotencyKey": f"key-{trade.id}"}
    entry = "text note action relatedCase { number }"
    shown = f"order {{ refunds {{ {REFUND} }} timeline(last: 1) {{ edges {{ node {{ {entry} }} }} }} }}"
    reported = buyer.at(overdue).succeed("reportMissingRefund", once, shown)["order"]
    assert reported["refunds"][0]["reportedMissingAt"] == spell_instant(overdue)
    [edge] = reported["timeline"]["edges"]
    assert edge["node"]["action"] == "REPORT_MISSING_REFUND"
    assert (edge["node"]["note"], edge["node"]["relatedCase"]) == ("Nothing has come.", {"number": trade.cancellation})
    assert buyer.at(overdue + DAY).succeed("reportMissingRefund", once, shown)["order"] == reported
    again = overdue + 10 * DAY
    assert buyer.at(again).refused("reportMissingRefund", input) == "ALREADY_REPORTED"
    decision = (
        "query($id: ID!) { node(id: $id) { ... on Order { decision(action: REPORT_MISSING_REFUND) { opensAt } } } }"
    )
    opens_at = buyer.at(again).ask(decision, id=trade.id)["node"]["decision"]["opensAt"]
    assert opens_at == spell_instant(again + MOMENT)
    buyer.at(again + MOMENT).succeed("reportMissingRefund", input)
    assert trade.shown(at=again)["refunds"][0]["reportedMissingAt"] == spell_instant(again + MOMENT)


@pytest.mark.parametrize(("says", "ending"), [("it arrived", "SUCCEEDED"), ("it is not owed any more", "VOID")])
def test_a_report_ends_and_its_instant_stays(world: World, says: str, ending: str) -> None:
    trade = paid_and_cancelled(world)
    overdue = NOW + 8 * DAY
    world.buyer.at(overdue).succeed("reportMissingRefund", {"orderId": trade.id})
    listed = """{ viewer { refunds(filter: {reportedMissing: true}) { edges { node { id } } } } }"""
    assert len(world.buyer.at(overdue).ask(listed)["viewer"]["refunds"]["edges"]) == 1
    trade.known_at = overdue
    if ending == "VOID":
        trade.correct(cancelledAt=None)
    else:
        trade.tell(trade.told("100.00", "SENT", "1", trade.cancellation))
        assert len(world.buyer.at(overdue).ask(listed)["viewer"]["refunds"]["edges"]) == 1
        trade.tell(trade.told("100.00", "SUCCEEDED", "1", trade.cancellation))
    [refund] = trade.shown(at=overdue)["refunds"]
    assert (refund["status"], refund["reportedMissingAt"]) == (ending, spell_instant(overdue)), says
    assert world.buyer.at(overdue).ask(listed)["viewer"]["refunds"]["edges"] == []
    assert (
        world.buyer.at(overdue + 20 * DAY).refused("reportMissingRefund", {"orderId": trade.id}) == "NO_REFUND_OVERDUE"
    )


def test_each_overdue_refund_can_be_reported_at_its_time(world: World) -> None:
    trade = Trade(world, "TRADE_ASSURANCE", paidAt=20)
    trade.agree("60.00", at=NOW - 5 * DAY)
    trade.correct(cancelledAt=days(0))
    report = {"orderId": trade.id}
    first, second = NOW + 6 * DAY, NOW + 11 * DAY  # the dispute's is overdue after the fifth day, then the other one
    world.buyer.at(first).succeed("reportMissingRefund", report)
    assert world.buyer.at(first + DAY).refused("reportMissingRefund", report) == "ALREADY_REPORTED"
    world.buyer.at(second).succeed("reportMissingRefund", report)
    reported = {r["cause"]: r["reportedMissingAt"] for r in trade.shown(at=second)["refunds"]}
    assert reported == {"DISPUTE": spell_instant(first), "CANCELLATION": spell_instant(second)}
    both = second + 11 * DAY
    world.buyer.at(both).succeed("reportMissingRefund", report)
    assert {r["reportedMissingAt"] for r in trade.shown(at=both)["refunds"]} == {spell_instant(both)}


# ---------------------------------------------------------------- lists

LIST = """query($f: RefundFilter, $o: CaseOrder, $first: Int, $after: String, $last: Int, $before: String) {
  viewer { refunds(filter: $f, orderBy: $o, first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { id status amount { amount } order { id } } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"""


def listed(person: Person, at: datetime = NOW, **variables: Any) -> list[str]:
    """Returns status and amount of what is listed."""
    edges = person.at(at).ask(LIST, **variables)["viewer"]["refunds"]["edges"]
    return [f"{edge['node']['status']} {edge['node']['amount']['amount']}" for edge in edges]


def several(world: World) -> Trade:
    """Makes refunds of each status, and one that a running return will owe. Returns the last trade."""
    for amount, status, cancelled in (("10.00", "SENT", 9), ("20.00", "SUCCEEDED", 8), ("30.00", "FAILED", 7)):
        trade = Trade(world, paidAt=20, cancelledAt=cancelled, amountPaid=usd(amount))
        trade.tell(trade.told(amount, status, "1", trade.cancellation))
    taken_back = Trade(world, paidAt=20, cancelledAt=6, amountPaid=usd("40.00"))
    taken_back.correct(cancelledAt=None)
    Trade(world, paidAt=20, cancelledAt=11, amountPaid=usd("50.00"))
    own = Trade(world, paidAt=20)
    own.tell(own.told("60.00", "SENT"))
    returned = Trade(world, "TRADE_ASSURANCE", paidAt=20)
    returned.agree("70.00", "RETURN_AND_REFUND")
    return returned


def test_refunds_are_listed_for_everybody_who_may_see_them(world: World) -> None:
    several(world)
    newest = ["SENT 60.00", "VOID 40.00", "FAILED 30.00", "SUCCEEDED 20.00", "SENT 10.00", "DUE 50.00"]
    soonest = ["DUE 50.00", "SENT 10.00", "SUCCEEDED 20.00", "FAILED 30.00", "VOID 40.00", "SENT 60.00"]
    for person in (world.buyer, world.supplier, world.service):
        assert listed(person) == newest
        assert listed(person, o="NEWEST_FIRST") == newest
        assert listed(person, o="DUE_FIRST") == soonest
        assert listed(World(world.http).person(person.role)) == []
    # An agent sees everybody's.
    ours, found, after = listed_ids(world.buyer.ask(LIST)), list[str](), None
    while after is not None or not found:
        page = world.agent.ask(LIST, first=100, after=after)
        found += listed_ids(page)
        info = page["viewer"]["refunds"]["pageInfo"]
        after = info["endCursor"] if info["hasNextPage"] else None
    assert [id for id in found if id in ours] == ours


def listed_ids(answer: Any) -> list[str]:
    return [edge["node"]["id"] for edge in answer["viewer"]["refunds"]["edges"]]


FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({"statuses": ["DUE"]}, ["DUE 50.00"]),
    ({"statuses": ["SENT", "VOID"]}, ["SENT 60.00", "VOID 40.00", "SENT 10.00"]),
    ({"statuses": []}, []),
    ({"overdue": True}, ["SENT 10.00", "DUE 50.00"]),
    ({"overdue": False}, ["SENT 60.00", "VOID 40.00", "FAILED 30.00", "SUCCEEDED 20.00"]),
    ({"reportedMissing": True}, ["DUE 50.00"]),
    ({"reportedMissing": False, "statuses": ["DUE", "SENT"]}, ["SENT 60.00", "SENT 10.00"]),
    ({"overdue": True, "reportedMissing": False}, ["SENT 10.00"]),
    ({"overdue": None, "reportedMissing": None, "statuses": None},
     ["SENT 60.00", "VOID 40.00", "FAILED 30.00", "SUCCEEDED 20.00", "SENT 10.00", "DUE 50.00"]),
]  # fmt: skip


def test_refunds_are_filtered(world: World) -> None:
    several(world)
    at = NOW + 1.5 * DAY  # those that were owed 11 and 9 days ago are overdue
    [order] = [
        edge["node"]["order"]["id"]
        for edge in world.buyer.ask(LIST)["viewer"]["refunds"]["edges"]
        if edge["node"]["status"] == "DUE"
    ]
    world.buyer.at(at).succeed("reportMissingRefund", {"orderId": order})
    for filter, expected in FILTERS:
        assert listed(world.buyer, at, f=filter) == expected, filter


def test_a_refund_that_a_return_will_owe_is_on_no_page_until_it_is_owed(world: World) -> None:
    returned = several(world)
    last = NOW + 5 * DAY
    for order in ("NEWEST_FIRST", "DUE_FIRST"):
        for size in (1, 2, 6):
            first = world.buyer.at(last).ask(LIST, o=order, first=size)["viewer"]["refunds"]
            assert len(first["edges"]) == size
            assert first["pageInfo"]["hasNextPage"] == (size < 6)
        assert "DUE 70.00" not in listed(world.buyer, last, o=order)
        assert "DUE 70.00" in listed(world.buyer, last + MOMENT, o=order)
    assert listed(world.buyer, last + MOMENT)[0] == "DUE 70.00"
    assert returned.refunds(last) == []
    assert returned.refunds(last + MOMENT) == [("DUE", "70.00")]
    [refund] = returned.shown(at=last + MOMENT)["refunds"]
    for person in (world.buyer, world.supplier, world.agent, world.service):
        for at, shown in ((last, None), (last + MOMENT, {"id": refund["id"]})):
            found = person.at(at).ask(
                "query($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } }", id=refund["id"]
            )
            assert found == {"node": shown, "nodes": [shown]}
    assert listed(world.buyer, last + 10 * DAY, f={"overdue": True, "statuses": ["DUE"]}) == ["DUE 50.00"]
    overdue = last + 10 * DAY + MOMENT
    assert listed(world.buyer, overdue, f={"overdue": True, "statuses": ["DUE"]}) == ["DUE 70.00", "DUE 50.00"]
    assert {"action": "REPORT_MISSING_REFUND"} in returned.shown(at=overdue)["availableActions"]


@pytest.mark.parametrize("order", ["NEWEST_FIRST", "DUE_FIRST"])
def test_pages_of_refunds_have_no_gap_both_ways(world: World, order: str) -> None:
    for place in range(5):  # all of one instant
        Trade(world, paidAt=5, cancelledAt=3, amountPaid=usd(f"{place + 1}.00"))
    Trade(world, paidAt=5, cancelledAt=2, amountPaid=usd("9.00"))
    whole = listed(world.buyer, o=order)
    assert sorted(whole) == ["DUE 1.00", "DUE 2.00", "DUE 3.00", "DUE 4.00", "DUE 5.00", "DUE 9.00"]
    assert whole.index("DUE 9.00") == (0 if order == "NEWEST_FIRST" else 5)
    for way, cursor, edge in (("first", "after", "endCursor"), ("last", "before", "startCursor")):
        pages: list[list[str]] = []
        position: dict[str, str] = {}
        more = True
        while more:
            page = world.buyer.ask(LIST, o=order, **{way: 2}, **position)["viewer"]["refunds"]
            pages.append([f"{e['node']['status']} {e['node']['amount']['amount']}" for e in page["edges"]])
            more = page["pageInfo"]["hasNextPage" if way == "first" else "hasPreviousPage"]
            position = {cursor: page["pageInfo"][edge]}
        found = pages if way == "first" else pages[::-1]
        assert [each for page in found for each in page] == whole
    other = "DUE_FIRST" if order == "NEWEST_FIRST" else "NEWEST_FIRST"
    cursor = world.buyer.ask(LIST, o=order)["viewer"]["refunds"]["edges"][0]["cursor"]
    [error] = world.buyer.answer(LIST, o=other, after=cursor)["errors"]
    assert "cursor" in error["message"]


def test_a_page_of_refunds_takes_few_statements(world: World, statements: Statements) -> None:
    several(world)
    asked = f"{{ viewer {{ refunds {{ edges {{ node {{ {REFUND} order {{ number buyer {{ name }} }} }} }} }} }} }}"
    world.buyer.ask(asked)
    statements.sent.clear()
    world.buyer.ask(asked)
    assert len(statements.sent) == 2  # the page with its orders and accounts, and the cancellations


# ---------------------------------------------------------------- who is told


def test_what_is_told_about_a_refund_is_told_to_who_watches(server: Server, world: World) -> None:
    real: Any = None
    number = world.record()["number"]
    order = world.order("TRADE_ASSURANCE", number=number, placedAt=ago(9 * DAY), paidAt=ago(8 * DAY))
    wish = {"reason": "DAMAGED", "description": "x", "wanted": "REFUND", "claim": usd("60.00"), "orderId": order}
    case = world.buyer.at(real).succeed("openDispute", wish, "dispute { id number }")["dispute"]
    world.supplier.at(real).succeed("acceptProposal", {"caseId": case["id"]})
    on_order = "subscription($id: ID!) { orderChanged(orderId: $id) { refunds { status } } }"
    on_case = "subscription($id: ID!) { caseChanged(caseId: $id) { ... on Dispute { refunds { status amount { amount } } } } }"
    with opened(server, world.buyer) as socket, opened(server, world.supplier) as other:
        socket.watch(on_order, id=order)
        other.watch(on_case, id=case["id"])
        record = {
            "orderNumber": number,
            "caseNumber": case["number"],
            "amount": usd("60.00"),
            "status": "SENT",
            "reference": f"R-{number}",
            "recordedAt": ago(DAY),
        }
        world.service.at(real).succeed("recordRefunds", {"refunds": [record]})
        assert socket.told() == {"refunds": [{"status": "SENT"}]}
        assert other.told() == {"refunds": [{"status": "SENT", "amount": {"amount": "60.00"}}]}
        newer = record | {"status": "FAILED", "recordedAt": ago(DAY / 2)}
        world.service.at(real).succeed("recordRefunds", {"refunds": [newer]})
        assert socket.told() == {"refunds": [{"status": "FAILED"}]}
        assert other.told() == {"refunds": [{"status": "FAILED", "amount": {"amount": "60.00"}}]}
        assert (socket.is_quiet(), other.is_quiet()) == (True, True)


def test_who_watches_a_case_is_told_when_a_payment_moves_what_it_owes(server: Server, world: World) -> None:
    real: Any = None
    record = world.record("SECURE_PAYMENT", placedAt=ago(9 * DAY), shippedAt=ago(8 * DAY), recordedAt=ago(7 * DAY))
    [order] = world.service.at(real).succeed("recordOrders", {"orders": [record]}, "orders { id }")["orders"]
    wish = {"reason": "DAMAGED", "description": "x", "wanted": "REFUND", "claim": usd("60.00"), "orderId": order["id"]}
    case = world.buyer.at(real).succeed("openDispute", wish, "dispute { id }")["dispute"]["id"]
    world.supplier.at(real).succeed("acceptProposal", {"caseId": case})
    on_case = """subscription($id: ID!) { caseChanged(caseId: $id) { ... on Dispute {
      refunds { amount { amount } } timeline(last: 1) { edges { node { text } } } } } }"""
    with opened(server, world.buyer) as socket:
        socket.watch(on_case, id=case)
        record |= {"paidAt": ago(6 * DAY), "recordedAt": ago(5 * DAY)}
        world.service.at(real).succeed("recordOrders", {"orders": [record]})
        told = socket.told()
        assert told["refunds"] == [{"amount": {"amount": "60.00"}}]


def test_an_overdue_refund_is_told_at_its_moment(server: Server, world: World) -> None:
    second = timedelta(seconds=1.5)
    case_asked = "subscription($id: ID!) { caseChanged(caseId: $id) { ... on Dispute { refunds { isOverdue } } } }"
    order_asked = "subscription($id: ID!) { orderChanged(orderId: $id) { refunds { isOverdue } } }"
    order = world.order("TRADE_ASSURANCE", placedAt=ago(30 * DAY), paidAt=ago(20 * DAY))
    now = datetime.now(NOW.tzinfo) - 10 * DAY + second
    wish = {"reason": "DAMAGED", "description": "x", "wanted": "REFUND", "claim": usd("60.00"), "orderId": order}
    case = world.buyer.at(now).succeed("openDispute", wish, "dispute { id }")["dispute"]["id"]
    world.supplier.at(now).succeed("acceptProposal", {"caseId": case})
    with opened(server, world.buyer) as socket, opened(server, world.supplier) as other:
        socket.watch(order_asked, id=order)
        other.watch(case_asked, id=case)
        assert socket.told() == {"refunds": [{"isOverdue": True}]}
        assert other.told() == {"refunds": [{"isOverdue": True}]}


def test_changes_tell_what_was_told_about_refunds(world: World) -> None:
    asked = """query($after: String) { changes(after: $after, first: 100) {
      edges { node { text action relatedCase { number } order { number } } } pageInfo { endCursor } } }"""
    trade = paid_and_cancelled(world)
    after = world.service.ask(asked)["changes"]["pageInfo"]["endCursor"]
    records = [trade.told("100.00", status, "1", trade.cancellation) for status in ("SENT", "FAILED", "SUCCEEDED")]
    trade.tell(*records)
    found = [edge["node"] for edge in world.service.ask(asked, after=after)["changes"]["edges"]]
    assert [entry["text"] for entry in found] == [
        "A refund is on its way.",
        "A refund did not go through.",
        "A refund has arrived.",
    ]
    for entry in found:
        assert (entry["action"], entry["relatedCase"]["number"]) == (None, trade.cancellation)
