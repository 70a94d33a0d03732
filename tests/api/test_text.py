"""Texts as people type and paste them: which are empty, what is trimmed, which are equal, and what is found."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import models
from models import database, migrating
from models.config import APPS
from models.enums import Role
from models.keys import new_id
from models.text import is_blank, normal, searchable
from resolvers import account
from tests.api.test_orders import numbers
from tests.conftest import Server, World, usd

INVISIBLE = {
    "zero width space": "\u200b",
    "zero width joiner": "\u200d",
    "soft hyphen": "\u00ad",
    "word joiner": "\u2060",
    "byte order mark": "\ufeff",
    "Hangul fillers": "\u115f\u1160\u3164\uffa0",
    "Braille blank": "\u2800",
    "tags": "\U000e0041\U000e007f",
    "variation selectors": "\ufe0f\U000e0100",
    "Mongolian vowel separator": "\u180e",
    "combining grapheme joiner": "\u034f",
    "marks of direction": "\u200e\u200f\u061c",
    "overrides of direction": "\u202e\u2066\u2069",
    "no-break spaces": "\u00a0\u202f\u3000",
    "control characters": "\x01\x1b\x7f",
}


@pytest.mark.parametrize("text", INVISIBLE.values(), ids=INVISIBLE)
def test_a_required_text_of_nothing_that_shows_is_missing(world: World, text: str) -> None:
    assert is_blank(text)
    assert world.buyer.problems("replyToFeedback", {"orderId": "x", "text": text}) == {("text", "REQUIRED")}
    assert world.buyer.problems("cancelOrder", {"orderId": "x", "reason": "OTHER", "note": f" {text}\n"}) == {
        ("note", "REQUIRED")
    }


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Ana \n", "Ana"),
        ("\ufeffAna\u200b", "Ana"),
        ("\u202aAna\u202c", "Ana"),
        ("\u200fعلي\u200f", "علي"),
        ("\u2800Ana\u3164", "Ana"),
        ("Ana\ufe0f", "Ana"),
        ("Ana\U000e0041", "Ana"),
        ("A\u200bna", "A\u200bna"),
        ("❤\ufe0f", "❤\ufe0f"),
        ("❤\ufe0f\ufe0f\u200d", "❤\ufe0f"),
        ("Top 1\ufe0f\u20e3", "Top 1\ufe0f\u20e3"),
        ("ℹ\ufe0f", "ℹ\ufe0f"),
        ("👩\u200d👩\u200d👧 ", "👩\u200d👩\u200d👧"),
        ("👍🏽\u200d", "👍🏽"),
        (
            "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f\u200b",
            "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        ),
        ("🏴\U000e0067", "🏴"),
        ("辻\U000e0100", "辻\U000e0100"),
        ("അവന്\u200d", "അവന്\u200d"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("Cafe\u0301", "Café"),
        ("\u200b \u3164", ""),
    ],
)
def test_what_does_not_show_is_trimmed_and_what_makes_a_sign_stays(typed: str, kept: str) -> None:
    assert normal(typed) == kept
    assert normal(kept) == kept


@given(
    st.text(
        st.sampled_from(
            "a 1é\u0301İıß❤\ufe0f\u20e3🏴\U000e0067\U000e007f\u200b\u200d\u00ad\u3164ﬃ辻\U000e0100\u0d4d\n"
        ),
        max_size=9,
    )
)
def test_what_was_brought_into_its_form_stays_as_it_is(text: str) -> None:
    assert normal(normal(text)) == normal(text)
    assert searchable(searchable(text)) == searchable(text)
    assert searchable(normal(text)) == searchable(text)
    assert is_blank(text) == (normal(text) == "")


def test_a_comment_is_kept_as_it_was_written_between_its_ends(world: World) -> None:
    order = world.order(completedAt=1)
    comment = "\u200b\n Très bien ❤\ufe0f\n\nMerci\u00a0! 👍🏽\ufeff "
    shown = world.buyer.succeed(
        "leaveFeedback", {"orderId": order, "ratings": {"overall": 5}, "comment": comment}, "feedback { comment }"
    )
    assert shown["feedback"]["comment"] == "Très bien ❤\ufe0f\n\nMerci\u00a0! 👍🏽"


NOT_IN_A_LINE = ["A\nB", "A\r\nB", "A\tB", "A\u2028B", "A\x1b[31mB", "A\x7fB", "A\x85B", "A\u202eB", "A\u2066B\u2069C"]


@pytest.mark.parametrize("text", NOT_IN_A_LINE)
def test_names_and_numbers_stand_in_one_line(world: World, text: str) -> None:
    record = world.record(
        number=text,
        supplier={"subject": world.supplier.subject, "name": text},
        items=[{"title": text, "quantity": 1, "unitPrice": usd("1.00")}],
    )
    assert world.service.problems("recordOrders", {"orders": [record]}) == {
        ("orders.0.number", "WRONG_FORM"),
        ("orders.0.supplier.name", "WRONG_FORM"),
        ("orders.0.items.0.title", "WRONG_FORM"),
    }
    upload = {"filename": f"{text}.png", "contentType": "image/png", "size": 1}
    assert world.buyer.problems("createUpload", upload) == {("filename", "WRONG_FORM")}


@pytest.mark.parametrize(
    "name", ["O\u2019Neill & Söhne", "שלום\u200e (2)", "می\u200cخواهم", "東京\u3000商店", "👩\u200d🔧 GmbH"]
)
def test_names_of_every_script_are_taken(world: World, name: str) -> None:
    record = world.record(supplier={"subject": world.supplier.subject, "name": name})
    shown = world.service.succeed("recordOrders", {"orders": [record]}, "orders { supplier { name } }")
    assert shown["orders"][0]["supplier"]["name"] == name


def number_of(world: World, number: str, person: Any = None) -> str | None:
    found = (person or world.buyer).ask("query($n: String!) { order(number: $n) { number } }", n=number)["order"]
    return found and found["number"]


def test_an_order_number_is_one_however_it_is_pasted(world: World) -> None:
    number = world.record()["number"] + "-Café"
    for place, typed in enumerate((f" {number}", f"{number}\u200b", number.replace("é", "e\u0301"))):
        record = world.record(number=typed, recordedAt=9 - place, placedAt=100)
        shown = world.service.succeed("recordOrders", {"orders": [record]}, "orders { number recordedAt: id }")
        assert shown["orders"][0]["number"] == number
    assert len(numbers(world.buyer)) == 1
    for typed in (f" {number} ", f"\ufeff{number}\n", number.replace("é", "e\u0301")):
        assert number_of(world, typed) == number
    assert number_of(world, number.upper()) is None
    assert number_of(world, "\u200b") is None


@pytest.mark.parametrize("spelled", ["  {}", "{}\u00a0", "\u200b{}\u202c"])
def test_a_case_number_is_found_however_it_is_typed(world: World, spelled: str) -> None:
    order = world.order("SECURE_PAYMENT")
    number = world.buyer.succeed(
        "requestCancellation", {"orderId": order, "reason": "OTHER"}, "cancellation { number }"
    )["cancellation"]["number"]
    full_width = "".join(chr(ord(sign) + 0xFEE0) for sign in number)
    asked = "query($n: String!) { caseByNumber(number: $n) { number } }"
    for each in (number, number.lower(), full_width):
        assert world.buyer.ask(asked, n=spelled.format(each)) == {"caseByNumber": {"number": number}}


SEARCHES = [
    ("Café au lait", "cafe\u0301 AU"),
    ("Cafe\u0301 crème", "CAFÉ CRE\u0300ME"),
    ("ＤＥＳＫ lamp", "desk"),
    ("Desk lamp", "ｄｅｓｋ"),
    ("İSTANBUL rug", "istanbul"),
    ("Istanbul rug", "İstanbul"),
    ("IĞDIR apricots", "ığdır"),
    ("Desk\u00a0lamp", "desk lamp"),
    ("Desk lamp", "desk\u202flamp"),
    ("Desk  lamp", "desk lamp"),
    ("Straßen\u00adlampe", "STRASSENLAMPE"),
    ("ΟΔΟΣ", "οδος"),
    ("Oﬃce chair", "office"),
    ("№ 5 perfume", "no 5"),
    ("Lamp\u200b shade", "lamp shade"),
    ("Cafe\u200b\u0301", "café"),
    ("ﾃﾞｽｸ", "デスク"),
    ("１２３ candles", "123"),
]


@pytest.mark.parametrize(("title", "typed"), SEARCHES)
def test_a_search_finds_what_reads_the_same(world: World, title: str, typed: str) -> None:
    record, other = (
        world.record(items=[{"title": each, "quantity": 1, "unitPrice": usd("1.00")}]) for each in (title, "Linen")
    )
    world.service.succeed("recordOrders", {"orders": [record, other]})
    assert numbers(world.buyer, search=typed) == [record["number"]]
    assert numbers(world.buyer, search=f"\ufeff{typed.upper()}\u00a0") == [record["number"]]


def test_a_search_never_goes_over_the_end_of_a_name(world: World) -> None:
    world.service.succeed("recordOrders", {"orders": [world.record()]})
    assert numbers(world.buyer, search="Lighting Desk") == []
    assert searchable("\u200b\u00ad") == ""
    assert len(numbers(world.buyer, search="\u200b\u00ad")) == 1


ORDERS_OF_THEN = {
    1: ("0044 ", "Lumen", "Desk lamp"),
    2: ("0044", "Lumen", "Desk lamp"),
    3: ("\u200b46", "Lumen", "Cafe\u0301 table"),
    4: ("47\u00a0", "Lumen", "ＤＥＳＫ\u00a0lamp"),
    5: ("48 A", "Old name", "Desk lamp"),
}


def test_what_was_stored_before_is_compared_and_found_as_well(new_database: Callable[[], str]) -> None:
    url = new_database()
    accounts = {"BUYER": "Ana\nRuiz", "SUPPLIER": "Lumen Licht ", "SERVICE": "Orders"}

    async def work() -> list[dict[str, Any]]:
        async with database.connected(url) as client:
            await migrating.migrate(APPS, client, to="0006_lists")
            ids = {role: str(new_id()) for role in accounts}
            for role, id in ids.items():
                await client.execute_query(
                    f"INSERT INTO accounts (id, subject, role, name) VALUES ('{id}', '{role}', '{role}', '{accounts[role]}')"
                )
            for number, supplier, title in ORDERS_OF_THEN.values():
                items, at = f'[["{title}", 1, 100]]', "2026-01-01 00:00:00.000000+00:00"
                search = "\n".join([number, "ana", supplier, title]).casefold()
                await client.execute_query(
                    "INSERT INTO orders (id, number, kind, buyer_id, supplier_id, recorded_by_id, currency, total, amount_paid,"
                    " items, placed_at, recorded_at, changed_at, search) VALUES"
                    f" ('{new_id()}', '{number}', 'OFFLINE', '{ids['BUYER']}', '{ids['SUPPLIER']}', '{ids['SERVICE']}',"
                    f" 'USD', 100, 0, '{items}', '{at}', '{at}', '{at}', '{search}')"
                )
            await migrating.migrate(APPS, client)
            names = await client.execute_query_dict("SELECT name FROM accounts ORDER BY role")
            assert [row["name"] for row in names] == ["Ana Ruiz", "Orders", "Lumen Licht"]
            return await client.execute_query_dict("SELECT number, search FROM orders ORDER BY id")

    rows = asyncio.run(work())
    # Two orders whose numbers look the same stay two orders.
    assert [row["number"] for row in rows] == ["0044 ", "0044", "46", "47", "48 A"]
    assert [row["search"] for row in rows] == [
        "0044\nana ruiz\nlumen licht\ndesk lamp",
        "0044\nana ruiz\nlumen licht\ndesk lamp",
        "46\nana ruiz\nlumen licht\ncafé table",
        "47\nana ruiz\nlumen licht\ndesk lamp",
        "48 a\nana ruiz\nlumen licht\ndesk lamp",
    ]


def renamed(server: Server, person: Any, name: str) -> None:
    server.run(lambda: account.sign_in(person.subject, person.role, name))


def test_the_name_that_is_shown_is_the_name_that_is_searched(server: Server, world: World) -> None:
    first, second = world.record(), world.record()
    world.service.succeed("recordOrders", {"orders": [first]})
    assert numbers(world.buyer, search="lumen lighting") == [first["number"]]
    renamed(server, world.supplier, "Lumen\u202e \nLicht GmbH ")
    world.service.succeed("recordOrders", {"orders": [second]})
    shown = "{ viewer { orders { edges { node { supplier { name } } } } } }"
    edges = world.buyer.ask(shown)["viewer"]["orders"]["edges"]
    assert [edge["node"]["supplier"]["name"] for edge in edges] == ["Lumen Licht GmbH"] * 2
    assert len(numbers(world.buyer, search="LICHT gmbh")) == 2
    assert numbers(world.buyer, search="lumen lighting") == []
    newer = second | {"recordedAt": "2026-06-15T13:00:00Z", "supplier": first["supplier"]}
    world.service.succeed("recordOrders", {"orders": [newer]})
    assert len(numbers(world.buyer, search="licht")) == 2


def test_a_large_partys_orders_are_found_by_its_new_name_after_a_while(
    server: Server, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "ORDERS_AT_ONCE", 2)
    world.service.succeed("recordOrders", {"orders": [world.record() for _ in range(5)]})
    numbers(world.buyer)  # this request sets the buyer's own name
    renamed(server, world.supplier, "Umbra Licht")
    assert len(numbers(world.buyer, search="umbra")) == 2

    async def waiting() -> list[Any]:
        await account.spread_names()
        return await models.Account.filter(is_renamed=True)

    assert server.run(waiting) == []
    assert len(numbers(world.buyer, search="umbra")) == 5


def test_subjects_are_taken_as_the_identity_provider_spells_them(world: World) -> None:
    """Accounts whose subjects look alike are different: a space does not turn one subject into another."""
    other = world.person(Role.BUYER)
    record = world.record(buyer={"subject": f"{other.subject} ", "name": "Ana"})
    world.service.succeed("recordOrders", {"orders": [record]})
    assert numbers(other) == []
    blank = world.record(buyer={"subject": "\u200b", "name": "Ana"})
    assert world.service.problems("recordOrders", {"orders": [blank]}) == {("orders.0.buyer.subject", "REQUIRED")}
