"""Money is written with its currency's own decimals, and read back unchanged."""

from decimal import Decimal

import pytest

from resolvers.money import MAX_AMOUNT, Money, to_minor


@pytest.mark.parametrize(
    ("minor", "currency", "spelled"),
    [
        (0, "USD", "0.00"),
        (5, "USD", "0.05"),
        (99, "USD", "0.99"),
        (100, "USD", "1.00"),
        (101, "USD", "1.01"),
        (12_345, "EUR", "123.45"),
        (-5, "USD", "-0.05"),
        (-12_345, "USD", "-123.45"),
        (MAX_AMOUNT, "USD", "10000000000000.00"),
        (0, "JPY", "0"),
        (123, "JPY", "123"),
        (5, "KWD", "0.005"),
        (1_234, "KWD", "1.234"),
    ],
)
def test_an_amount_is_spelled_and_read_with_its_currencys_decimals(minor: int, currency: str, spelled: str) -> None:
    assert Money(minor, currency).amount == spelled
    assert to_minor(Decimal(spelled), currency) == minor


@pytest.mark.parametrize(("amount", "currency"), [("0.005", "USD"), ("1.5", "JPY"), ("0.0001", "KWD")])
def test_an_amount_with_too_many_decimals_is_refused(amount: str, currency: str) -> None:
    assert to_minor(Decimal(amount), currency) is None
