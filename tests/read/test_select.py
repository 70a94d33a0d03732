"""A query is a value: the SQL text depends on its structure alone, and the values are bound apart from it."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from models.enums import Role
from resolvers.account import Account
from resolvers.orders.order import Order
from resolvers.read.rows import RowLayout
from resolvers.read.scopes import Unscoped, Visibility
from resolvers.read.select import Select, cached_text
from resolvers.read.sql import EVERY_ROW, NO_ROW, Where

ME = UUID(int=1)
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


def statement(select: Select[Any], role: Role = Role.BUYER, dialect: str = "postgres") -> tuple[str, list[object]]:
    viewer = Account(id=ME, subject="x", role=role, name="x")
    text, values = select.statement(viewer, RowLayout.of(select.row_type, (), (), dialect))
    return text.replace(RowLayout.of(select.row_type, (), (), dialect).names, "…"), values


def test_values_differ_and_the_text_is_the_same() -> None:
    one, other = (Select(Order, Where("number = {}", number), limit=1) for number in ("A", "B"))
    assert statement(one) == ("SELECT … FROM orders WHERE (number = $1) AND (buyer_id = $2) IS TRUE LIMIT 1", ["A", ME])
    assert statement(other) == (statement(one)[0], ["B", ME])
    assert statement(one, dialect="sqlite")[0].count("?") == 2


def test_only_the_viewer_of_a_role_that_needs_it_is_bound() -> None:
    select = Select(Order, Where("number = {}", "A"))
    assert statement(select, Role.SUPPLIER) == (
        "SELECT … FROM orders WHERE (number = $1) AND (supplier_id = $2) IS TRUE",
        ["A", ME],
    )
    assert statement(select, Role.AGENT) == ("SELECT … FROM orders WHERE (number = $1) AND (TRUE) IS TRUE", ["A"])


def test_rows_without_a_scope_say_why() -> None:
    select = Select(Order, Where("id = {}", ME), visibility=Unscoped("The test names them."))
    assert statement(select) == ("SELECT … FROM orders WHERE id = $1", [ME])


def test_equal_instants_and_ids_share_a_placeholder_and_equal_texts_do_not() -> None:
    parts = tuple(Where("placed_at < {} AND kind = {}", NOON, kind) for kind in ("X", "X"))
    text, values = statement(Select(Order, parts, "id", 5, visibility=Visibility.LISTED))
    assert values == [NOON, "X", "X", ME]
    part = "SELECT * FROM (SELECT … FROM orders WHERE (placed_at < $1 AND kind = {}) AND buyer_id = $4 ORDER BY id LIMIT 5) AS part"
    assert text == (f"SELECT … FROM ({part.format('$2')} UNION ALL {part.format('$3')}) AS parts ORDER BY id LIMIT 5")


@pytest.mark.parametrize(
    ("where", "text", "values"),
    [
        (EVERY_ROW & Where("a = {}", 1), "a = {}", (1,)),
        (Where("a = {}", 1) & EVERY_ROW, "a = {}", (1,)),
        (Where("a = {}", 1) & NO_ROW, "(a = {}) AND (FALSE)", (1,)),
        (Where("a = {} OR b", 1) & Where("c = {}", 2), "(a = {} OR b) AND (c = {})", (1, 2)),
        (Where.among("a", {3}), "a IN ({})", (3,)),
        (Where.among("a", []), "a IN (NULL)", ()),
    ],
)
def test_conditions_are_combined_with_their_values(where: Where, text: str, values: tuple[object, ...]) -> None:
    assert (where.text, where.values) == (text, values)


def test_texts_as_long_as_clients_make_them_are_not_kept() -> None:
    cached_text.cache_clear()
    for values in (3, 2000):
        where = Where.among("kind", ["OFFLINE"] * values)
        text, bound = statement(Select(Order, where))
        assert text.endswith(f"${values})) AND (buyer_id = ${values + 1}) IS TRUE")
        assert bound == ["OFFLINE"] * values + [ME]
    assert cached_text.cache_info().currsize == 1
