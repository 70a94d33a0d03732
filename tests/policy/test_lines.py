"""The lines of an order, and those that a dispute is about: their ids, their form, and what they cost."""

# pyright: reportArgumentType=false

from typing import Any
from uuid import UUID

import pytest

from resolvers import ids
from resolvers.disputes.lines import (
    DisputeLineInput,
    check_lines,
    dispute_lines,
    limit_to_lines,
    lines_field,
    lines_to_store,
    price_of_lines,
)
from resolvers.errors import ActionRefused
from resolvers.money import MAX_AMOUNT, Money
from resolvers.orders.item import MAX_QUANTITY, order_item, stored_item
from resolvers.orders.order import Order
from resolvers.write.checks import Checks
from resolvers.write.inputs import Input, input_type

ORDER, OTHER = UUID(int=1), UUID(int=2)
PICTURE = "https://example.com/lamp.jpg"
ITEMS: list[Any] = [
    ["Lamp", 10, 900],
    ["Screw", 10_000, 125, 4],
    ["Vase", 2, 1500, None, "V-1", PICTURE],
    ["Discount", 1, -500],
    ["Sample", 1, 0],
    ["Bolt", 3, 5, 3, None, PICTURE],
]


@input_type("An input that names lines.")
class Named(Input):
    lines: list[DisputeLineInput] | None = lines_field()


def line(place: int | str, quantity: int = 1, *, order: UUID = ORDER) -> DisputeLineInput:
    return DisputeLineInput(
        item_id=place if isinstance(place, str) else ids.encode_line(order, place), quantity=quantity
    )


@pytest.fixture
def order() -> Any:
    """An order's id and lines are all that its disputed lines depend on."""
    row = Order.__new__(Order)
    row.id, row.items, row.currency = ORDER, ITEMS, "USD"
    return row


def test_a_lines_id_names_the_order_and_the_place() -> None:
    for place in (0, 1, 9, 10, 99):
        assert ids.decode_line(ids.encode_line(ORDER, place)) == (ORDER, place)
    assert ids.decode(ids.encode_line(ORDER, 0)) is None


HEX = ORDER.hex


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        f"lin_{HEX}",
        f"lin_{HEX}_",
        f"lin_{HEX}_-1",
        f"lin_{HEX}_+1",
        f"lin_{HEX}_01",
        f"lin_{HEX}_1 ",
        f"lin_{HEX}_1\n",
        f" lin_{HEX}_1",
        f"lin_{HEX}_1.0",
        f"lin_{HEX}_1_1",
        f"lin_{HEX}_\u0661",
        f"lin_{HEX}_{10**9}",
        f"lin_{HEX[:-1]}_1",
        f"lin_{HEX[:-1]}F_1",
        f"lin_{HEX[:-1]}g_1",
        f"LIN_{HEX}_1",
        f"ord_{HEX}_1",
        f"ord_{HEX}",
        f"lin_{UUID(HEX)}_1",
    ],
)
def test_a_lines_id_is_parsed_strictly(text: str, order: Any) -> None:
    assert ids.decode_line(text) is None
    with pytest.raises(ActionRefused) as refused:
        lines_to_store(order, [line(text)])
    assert [error.field for error in refused.value.errors] == [["lines", "0", "itemId"]]


@pytest.mark.parametrize(
    ("lines", "problems"),
    [
        (None, []),
        ([], []),
        ([line(0), line(1, 5)], []),
        ([line(0, MAX_QUANTITY)], []),
        ([line(0), line(1), line(0)], [("lines.2.itemId", "OTHER")]),
        ([line(0), line(0, 2), line(0)], [("lines.1.itemId", "OTHER"), ("lines.2.itemId", "OTHER")]),
        ([line("x"), line("x")], [("lines.1.itemId", "OTHER")]),
        ([line(0, 0)], [("lines.0.quantity", "OUT_OF_RANGE")]),
        ([line(0), line(1, -1)], [("lines.1.quantity", "OUT_OF_RANGE")]),
        ([line(0, MAX_QUANTITY + 1)], [("lines.0.quantity", "OUT_OF_RANGE")]),
        ([line(0, 0), line(0, 0)], [(f"lines.{place}.quantity", "OUT_OF_RANGE") for place in (0, 1)] + [("lines.1.itemId", "OTHER")]),
        ([line(place) for place in range(100)], []),
        ([line(place) for place in range(101)], [("lines", "TOO_MANY")]),
    ],
)  # fmt: skip
def test_the_form_of_lines(lines: list[DisputeLineInput] | None, problems: list[tuple[str, str]]) -> None:
    checks = Checks(Named(lines=lines))
    check_lines(checks)
    assert [(".".join(error.field or []), str(error.problem)) for error in checks.errors] == problems
    checks.declared()
    assert len(checks.errors) == len(problems)


@pytest.mark.parametrize(
    ("lines", "problems"),
    [
        ([line(0, order=OTHER)], [("lines.0.itemId", "OTHER")]),
        ([line(6)], [("lines.0.itemId", "OTHER")]),
        ([line(0, 10), line(0, 11)], [("lines.1.quantity", "OUT_OF_RANGE")]),
        ([line(3)], [("lines.0.itemId", "OTHER")]),
        ([line(3, 2)], [("lines.0.itemId", "OTHER")]),
        (
            [line(0), line(3), line(2, 3), line(99), line(1)],
            [("lines.1.itemId", "OTHER"), ("lines.2.quantity", "OUT_OF_RANGE"), ("lines.3.itemId", "OTHER")],
        ),
    ],
)
def test_lines_that_the_order_does_not_have_are_refused(
    order: Any, lines: list[DisputeLineInput], problems: list[tuple[str, str]]
) -> None:
    with pytest.raises(ActionRefused) as refused:
        lines_to_store(order, lines)
    errors = refused.value.errors
    assert [(".".join(error.field or []), str(error.problem)) for error in errors] == problems
    assert {error.code for error in errors} == {"INVALID_INPUT"}


def test_lines_are_kept_as_the_order_has_them(order: Any) -> None:
    assert lines_to_store(order, None) is None
    assert lines_to_store(order, []) is None
    stored = lines_to_store(order, [line(2), line(0, 10), line(5, 3), line(4)])
    assert stored == [
        (2, 1, ITEMS[2], "USD"),
        (0, 10, ITEMS[0], "USD"),
        (5, 3, ITEMS[5], "USD"),
        (4, 1, ITEMS[4], "USD"),
    ]
    vase, lamp, bolt, sample = dispute_lines(ORDER, stored)
    assert (vase.quantity, vase.item.quantity, vase.item.title) == (1, 2, "Vase")
    assert (vase.item.sku, vase.item.image_url, vase.item.unit_price.amount) == ("V-1", PICTURE, "15.00")
    assert vase.item.global_id == ids.encode_line(ORDER, 2)
    assert (lamp.quantity, lamp.item.sku, lamp.item.image_url) == (10, None, None)
    assert (bolt.item.unit_price.amount, bolt.item.sku, bolt.item.image_url) == ("0.005", None, PICTURE)
    assert sample.item.unit_price.amount == "0.00"
    assert dispute_lines(ORDER, None) == []


@pytest.mark.parametrize(
    ("currency", "lines", "most"),
    [
        ("USD", [(10, ["Lamp", 10, 900])], 9000),
        ("USD", [(3, ["Lamp", 10, 900]), (1, ["Vase", 2, 1500, None, "V-1", PICTURE])], 4200),
        ("USD", [(1, ["Sample", 1, 0])], 0),
        ("USD", [(1, ["Screw", 10_000, 125, 4])], 1),  # 0.0125
        ("USD", [(79, ["Screw", 10_000, 125, 4])], 98),  # 0.9875
        ("USD", [(80, ["Screw", 10_000, 125, 4])], 100),
        ("USD", [(1, ["Screw", 10, 5, 3]), (1, ["Bolt", 10, 5, 3, "B", None])], 1),  # rounded once: 0.005 and 0.005
        ("USD", [(9, ["Grain", 10**9, 1, 10])], 0),
        ("USD", [(10**9, ["Grain", 10**9, 1, 10])], 10),
        ("USD", [(MAX_QUANTITY, ["Gold", MAX_QUANTITY, MAX_AMOUNT])], 10**24),
        ("USD", [(MAX_QUANTITY, ["Gold", MAX_QUANTITY, MAX_AMOUNT - 1, 3])], 10**23 - 10**8),
        ("JPY", [(3, ["Pin", 10, 5, 1])], 1),  # 0.5 each
        ("KWD", [(3, ["Pin", 10, 1250]), (1, ["Pin", 10, 5, 4])], 3750),
        ("XQZ", [(3, ["Pin", 10, 5, 1])], 150),  # of a later release; see DEFAULT_EXPONENT
    ],
)
def test_the_price_of_lines_is_exact_and_rounded_down(
    currency: str, lines: list[tuple[int, list[Any]]], most: int
) -> None:
    stored: Any = [(0, quantity, item, currency) for quantity, item in lines]
    assert price_of_lines(stored) == Money(most, currency)


@pytest.mark.parametrize(
    ("lines", "most", "limit"),
    [
        (None, Money(9_999, "USD"), 9_999),
        ([], Money(9_999, "USD"), 9_999),
        ([(0, 3, ["Lamp", 10, 900], "USD")], Money(9_999, "USD"), 2_700),
        ([(0, 3, ["Lamp", 10, 900], "USD")], Money(2_699, "USD"), 2_699),
        ([(0, 3, ["Lamp", 10, 900], "USD")], Money(0, "USD"), 0),
        ([(0, 1, ["Sample", 1, 0], "USD")], Money(9_999, "USD"), 0),
        ([(0, 3, ["Lamp", 10, 900], "USD")], Money(9_999, "EUR"), 9_999),  # the order's currency has changed
    ],
)
def test_what_can_be_claimed_is_limited_by_the_price_of_the_lines(lines: Any, most: Money, limit: int) -> None:
    assert limit_to_lines(most, lines) == Money(limit, most.currency_code)


@pytest.mark.parametrize(
    ("price", "sku", "image_url", "stored"),
    [
        ((900,), None, None, ("Lamp", 4, 900)),
        ((125, 4), None, None, ("Lamp", 4, 125, 4)),
        ((900,), "L-1", None, ("Lamp", 4, 900, None, "L-1", None)),
        ((900,), None, PICTURE, ("Lamp", 4, 900, None, None, PICTURE)),
        ((125, 4), "L-1", PICTURE, ("Lamp", 4, 125, 4, "L-1", PICTURE)),
    ],
)
def test_a_line_is_stored_with_what_it_has(
    price: Any, sku: str | None, image_url: str | None, stored: tuple[Any, ...]
) -> None:
    assert stored_item("Lamp", 4, price, sku, image_url) == stored
    item = order_item(ORDER, 7, "USD", stored)
    assert (item.title, item.quantity, item.sku, item.image_url) == ("Lamp", 4, sku, image_url)
    assert item.unit_price.amount == ("9.00" if len(price) == 1 else "0.0125")
    assert item.global_id == ids.encode_line(ORDER, 7)
