"""Rows with values that this release does not know: each is shown, and none hides other rows."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Generator, Sequence
from typing import Any

import asyncpg
import httpx2
import pytest

from resolvers.money import EXPONENTS, HISTORIC, Money
from tests.conftest import DAY, DIALECT, MOMENT, NOW, World
from tests.support.actions import INPUTS
from tests.support.postgres import credentials
from tests.support.processes import serving

# ISO 4217 in 2026. If the library withdraws one of these, move it to HISTORIC.
TAKEN_IN_2026 = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY "
    "COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR "
    "IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD "
    "NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP "
    "SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}


@pytest.mark.parametrize("of_then", [TAKEN_IN_2026, HISTORIC], ids=["current", "historic"])
def test_a_currency_that_was_ever_taken_keeps_its_decimals(of_then: dict[int, str]) -> None:
    then = {code: decimals for decimals, codes in of_then.items() for code in codes.split()}
    assert {code: EXPONENTS.get(code) for code in then} == then
    assert len(then) == sum(len(codes.split()) for codes in of_then.values())


@pytest.mark.parametrize(
    ("currency", "amount", "spelled"),
    [
        ("BGN", "19.9", "19.90"),
        ("HRK", "100", "100.00"),
        ("DEM", "0.01", "0.01"),
        ("ITL", "90000", "90000"),
        ("BYR", "15", "15"),
        ("ZWL", "1.5", "1.50"),
        ("VEF", "1.50", "1.50"),
    ],
)
def test_orders_of_withdrawn_currencies_are_taken_and_shown(
    world: World, currency: str, amount: str, spelled: str
) -> None:
    money = {"amount": amount, "currencyCode": currency}
    made = world.record(total=money, items=[{"title": "Lamp", "quantity": 1, "unitPrice": money}])
    asked = "orders { total { amount currencyCode } items { unitPrice { amount } } }"
    [order] = world.service.succeed("recordOrders", {"orders": [made]}, asked)["orders"]
    assert order["total"] == {"amount": spelled, "currencyCode": currency}
    assert order["items"] == [{"unitPrice": {"amount": spelled}}]


@pytest.mark.parametrize("code", ["ABC", "XYZ", "QQQ", "XAU", "XXX", "XTS", "XDR", "XFO", "ZZZ"])
def test_a_code_that_never_was_is_refused(world: World, code: str) -> None:
    money = {"amount": "1", "currencyCode": code}
    assert world.service.problems("recordOrders", {"orders": [world.record(total=money)]}) >= {
        ("orders.0.total.currencyCode", "OTHER")
    }


@pytest.mark.parametrize("code", ["QQQ", "usd", "", "€"])
def test_an_amount_of_an_unknown_code_is_spelled(code: str) -> None:
    spelled = [Money(minor, code).amount for minor in (1234, 5, 0, -1234)]
    assert spelled == ["12.34", "0.05", "0.00", "-12.34"]


# ---------------------------------------------------------------- rows with unknown values

Write = Callable[..., None]


@pytest.fixture(scope="module")
def loose(
    migrated_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Generator[tuple[World, Write]]:
    """New people at a server, and a way to write values that the database's constraints refuse."""
    url = migrated_database()

    def write(*statements: str) -> None:
        if DIALECT == "sqlite":
            with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite://"))) as connection, connection:
                connection.execute("PRAGMA ignore_check_constraints = ON")
                for statement in statements:
                    assert connection.execute(statement).rowcount
        else:
            asyncio.run(written(statements))

    async def written(statements: Sequence[str]) -> None:
        connection: Any = await asyncpg.connect(**credentials(url))
        found = "SELECT conname AS name, conrelid::regclass::text AS of FROM pg_constraint WHERE contype = 'c'"
        for row in await connection.fetch(f"{found} AND connamespace = 'public'::regnamespace"):
            await connection.execute(f'ALTER TABLE {row["of"]} DROP CONSTRAINT "{row["name"]}"')
        for statement in statements:
            assert not (await connection.execute(statement)).endswith(" 0")
        await connection.close()

    with (
        serving(url, str(tmp_path_factory.mktemp("files")), 1) as [address],
        httpx2.Client(base_url=address, timeout=30) as http,
    ):
        world = World(http)
        two_of_everything(world)
        yield world, write


def two_of_everything(world: World) -> None:
    for _ in range(2):
        order = world.order(paidAt=9, shippedAt=8, completedAt=1)
        rated = {"orderId": order, "ratings": {"overall": 5}}
        world.buyer.succeed("leaveFeedback", rated | {"comment": "Good."})
        world.supplier.at(NOW + MOMENT).succeed("replyToFeedback", {"orderId": order, "text": "Thanks."})
        world.buyer.at(NOW + 2 * MOMENT).succeed("reviseFeedback", rated | {"comment": "Fine."})
        for moves in (1, 2):  # the newest is closed, the other open
            opening = INPUTS["openDispute"] | {"orderId": world.order(paidAt=9, shippedAt=8)}
            case = world.buyer.succeed("openDispute", opening, "dispute { id }")["dispute"]["id"]
            world.buyer.at(NOW + MOMENT).succeed("postDisputeMessage", {"caseId": case, "text": "Well?"})
            if moves == 2:
                world.buyer.at(NOW + 2 * MOMENT).succeed("withdrawDispute", {"caseId": case})
        cancelled = world.order("TRADE_ASSURANCE")
        world.buyer.succeed("cancelOrder", {"orderId": cancelled, "reason": "OTHER"})
        filing = INPUTS["fileComplaint"] | {"orderId": world.order("OFFLINE")}
        case = world.buyer.succeed("fileComplaint", filing, "complaint { id }")["complaint"]["id"]
        world.agent.at(NOW + MOMENT).succeed(
            "resolveComplaint", {"caseId": case, "resolution": "NO_REFUND", "note": "x"}
        )


MONEY = "{ amount currencyCode }"
ALL = f"""{{ viewer {{
  orders(first: 10) {{ edges {{ node {{
    number kind status total {MONEY} amountPaid {MONEY} items {{ title unitPrice {MONEY} }}
    buyer {{ name role }} supplier {{ role }} availableActions {{ action }} canLeaveFeedback
    cancellation {{ reason status }} complaint {{ complaintKind: kind status outcome {{ resolution }} }}
    dispute {{ reason wanted disputeStatus: status viewerState claim {MONEY} outcome {{ resolution amount {MONEY} }}
      proposals {{ resolution amount {MONEY} }} messages(first: 3) {{ edges {{ node {{ text }} }} }} }}
    decision(action: LEAVE_FEEDBACK, at: "2026-08-01T00:00:00Z") {{ allowed }}
    timeline(first: 6) {{ edges {{ node {{ text action by {{ role }} relatedCase {{ number }} }} }} }}
  }} }} }}
  disputes(first: 5) {{ edges {{ node {{ reason status claim {MONEY} }} }} }}
  feedback(first: 5) {{ edges {{ node {{ rating original {{ rating comment }} }} }} }}
}} }}"""

OTHERS = f"""{{ viewer {{ orders(first: 20) {{ edges {{ node {{
  number kind total {MONEY} buyer {{ role }} timeline(first: 6) {{ edges {{ node {{ text action }} }} }} }} }} }} }} }}"""
NEWEST = "(SELECT max(id) FROM {table})" if DIALECT == "sqlite" else "(SELECT id FROM {table} ORDER BY id DESC LIMIT 1)"


@pytest.mark.parametrize(
    ("table", "change", "reads"),
    [
        ("orders", "currency = 'QQQ'", '"QQQ"'),
        ("orders", "currency = 'BGN'", '"BGN"'),
        ("orders", "currency = ''", '"currencyCode":""'),
        ("orders", "kind = 'BARTER'", '"kind":"OFFLINE"'),
        ("disputes", "currency = 'QQQ'", '"QQQ"'),
        ("disputes", "reason = 'HAUNTED'", '"reason":"OTHER"'),
        ("disputes", "wanted = 'APOLOGY'", '"wanted":"NO_REFUND"'),
        ("disputes", "closed_as = 'FORGOTTEN'", '"disputeStatus":"WITHDRAWN"'),
        ("disputes", "waits_for = 'COURT' WHERE waits_for IS NOT NULL", '"viewerState"'),
        ("proposals", "resolution = 'APOLOGY'", '"resolution":"NO_REFUND"'),
        ("proposals", "currency = 'QQQ'", '"QQQ"'),
        ("cancellations", "reason = 'WEATHER'", '"reason":"OTHER"'),
        ("cancellations", "closed_as = 'FORGOTTEN'", '"status":"WITHDRAWN"'),
        ("complaints", "kind = 'NOISE'", '"complaintKind":"OTHER"'),
        ("complaints", "closed_as = 'FORGOTTEN'", '"status":"WITHDRAWN"'),
        ("complaints", "outcome_resolution = 'APOLOGY'", '"complaint"'),
        ("messages", "case_kind = 'PETITION'", '"text":"Well?"'),
        ("events", "action = 'APPLAUD'", "The order's details were changed."),
        ("events", "case_kind = 'PETITION'", '"relatedCase":null'),
        ("events", """facts = '{"won_at": "2026-01-01T00:00:00+00:00", "mood": 7}', action = NULL""", "were changed"),
        ("feedback", """original = '{"overall": 4, "comment": "Good.", "smell": 3}'""", '"original"'),
        ("feedback", """original = '{"overall": 4}'""", '"comment":null'),
        ("accounts", "role = 'WITNESS' WHERE role = 'AGENT'", '"role":"SERVICE"'),
    ],
)
def test_a_list_shows_whatever_a_row_holds(loose: tuple[World, Write], table: str, change: str, reads: str) -> None:
    world, write = loose
    where = "" if " WHERE " in change else f" WHERE id = {NEWEST.format(table=table)}"
    write(f"UPDATE {table} SET {change}{where}")
    answer = world.buyer.at(NOW + DAY).send({"query": ALL})
    assert "errors" not in answer.json(), answer.json()["errors"]
    assert reads in answer.text
    for person in (world.supplier, world.service, world.agent):
        assert "errors" not in person.at(NOW + DAY).answer(OTHERS)
