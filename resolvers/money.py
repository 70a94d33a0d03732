"""Money: integer minor units with its currency; spelled with the currency's decimals."""

from dataclasses import dataclass
from decimal import Decimal
from typing import NewType

import iso4217

CurrencyCode = NewType("CurrencyCode", str)

LARGEST = 10**15  # minor units; well inside a BIGINT, with room for sums

# Codes without minor units are metals, funds and tests: nothing that an order is paid in.
EXPONENTS: dict[str, int] = {
    currency.code: currency.exponent for currency in iso4217.Currency if currency.exponent is not None
}


@dataclass(frozen=True, slots=True)
class Money:
    minor: int
    currency_code: str

    @property
    def amount(self) -> Decimal:
        return Decimal(self.minor).scaleb(-EXPONENTS[self.currency_code])


def money(minor: int | None, currency: str | None) -> Money | None:
    return None if minor is None or currency is None else Money(minor, currency)


def to_minor(amount: Decimal, currency: str) -> int | None:
    """Minor units, or None where the amount has more decimals than the currency."""
    scaled = amount.scaleb(EXPONENTS[currency])
    return int(scaled) if scaled == scaled.to_integral_value() else None
