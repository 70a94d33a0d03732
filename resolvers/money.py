"""Money: integer minor units with its currency; spelled with the currency's decimals."""

from dataclasses import dataclass
from decimal import Decimal
from typing import NewType

import iso4217

CurrencyCode = NewType("CurrencyCode", str)
AmountText = NewType("AmountText", str)  # an amount as somebody wrote it, until it is checked

LARGEST = 10**15  # minor units; well inside a BIGINT, with room for sums

# Codes without minor units are metals, funds and tests: nothing that an order is paid in.
EXPONENTS: dict[str, int] = {
    currency.code: currency.exponent for currency in iso4217.Currency if currency.exponent is not None
}


@dataclass(slots=True)  # not frozen, which would take thrice as long to make; a page holds a hundred
class Money:
    minor: int
    currency_code: str

    @property
    def amount(self) -> str:
        """In the currency's own decimals."""
        minor, exponent = self.minor, EXPONENTS[self.currency_code]
        if exponent == 2 and minor >= 100:  # nearly always
            digits = str(minor)
            return f"{digits[:-2]}.{digits[-2:]}"
        return str(Decimal(minor).scaleb(-exponent))


def money(minor: int | None, currency: str | None) -> Money | None:
    return None if minor is None or currency is None else Money(minor, currency)


def to_minor(amount: Decimal, currency: str) -> int | None:
    """Minor units, or None where the amount has more decimals than the currency."""
    scaled = amount.scaleb(EXPONENTS[currency])
    return int(scaled) if scaled == scaled.to_integral_value() else None
