"""Money: integer minor units with a currency, written with the currency's decimals."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NewType

import iso4217

CurrencyCode = NewType("CurrencyCode", str)
AmountText = NewType("AmountText", str)  # an amount as it was sent, before it is checked

# Minor units. A price with more decimals than its currency has units of its last decimal, and its number of decimals.
StoredPrice = tuple[int] | tuple[int, int]

MAX_AMOUNT = 10**15  # minor units; well inside a BIGINT, with room for sums

# Currencies that ISO 4217 has withdrawn (its list three), by their number of decimals. The library does not have them,
# but old orders do.
HISTORIC = {
    0: "ADP BEC BEF BEL BYB BYR ESA ESB ESP GRD ITL LUC LUF LUL MGF PTE TPE TRL",
    2: "AFA ALK ANG AOK AON AOR ARA ARP ARY ATS AYM AZM BAD BGJ BGK BGL BGN BOP BRB BRC BRE BRN BRR BUK CHC CSD CSJ "
    "CSK CUC CYP DDM DEM ECS ECV EEK FIM FRF GEK GHC GHP GNE GNS GQE GWE GWP HRD HRK IEP ILP ILR ISJ LAJ LSM LTL "
    "LTT LVL LVR MLF MRO MTL MTP MVQ MXP MZE MZM NIC NLG PEH PEI PES PLZ RHD ROK ROL RUR SDD SDP SIT SKK SLL SRG "
    "STD SUR TJR TMM UAK UGS UGW USS UYN UYP VEB VEF VNC XEU YDD YUD YUM YUN ZAL ZMK ZRN ZRZ ZWC ZWD ZWL ZWN ZWR",
}
# Codes without minor units are metals, funds and tests; no order is paid in them.
EXPONENTS: dict[str, int] = {code: decimals for decimals, codes in HISTORIC.items() for code in codes.split()} | {
    currency.code: currency.exponent for currency in iso4217.Currency if currency.exponent is not None
}
DEFAULT_EXPONENT = 2  # for a code in a row that no table has


@dataclass(slots=True)  # not frozen, which takes three times as long to create; a page has a hundred
class Money:
    minor: int
    currency_code: str

    @property
    def amount(self) -> str:
        """The amount as a decimal number, with the currency's decimals."""
        minor = self.minor
        try:
            exponent = EXPONENTS[self.currency_code]
        except KeyError:
            exponent = DEFAULT_EXPONENT
        if exponent == 2 and minor >= 100:  # nearly every amount
            digits = str(minor)
            return f"{digits[:-2]}.{digits[-2:]}"
        return str(Decimal(minor).scaleb(-exponent))


@dataclass(slots=True)
class FinePrice(Money):
    """A price with more decimals than its currency: `minor` counts units of its last decimal."""

    decimals: int

    @property
    def amount(self) -> str:
        return f"{Decimal(self.minor).scaleb(-self.decimals):f}"


def unit_price(currency: str, minor: int, decimals: int | None = None) -> Money:
    return Money(minor, currency) if decimals is None else FinePrice(minor, currency, decimals)


def money(minor: int | None, currency: str | None) -> Money | None:
    return None if minor is None or currency is None else Money(minor, currency)


def to_minor(amount: Decimal, currency: str) -> int | None:
    """Returns minor units; None if the amount has more decimals than the currency."""
    scaled = amount.scaleb(EXPONENTS[currency])
    return int(scaled) if scaled == scaled.to_integral_value() else None


def to_unit_price(amount: Decimal, currency: str) -> StoredPrice:
    minor = to_minor(amount, currency)
    if minor is not None:
        return (minor,)
    exponent = int(amount.normalize().as_tuple().exponent)
    return int(amount.scaleb(-exponent)), -exponent


def total_price(currency: str, lines: Iterable[tuple[int, int, int | None]]) -> int:
    """Returns minor units, rounded down: the sum over lines of their quantity times their price. A line is its quantity
    and its price as `unit_price` takes it."""
    exponent = EXPONENTS.get(currency, DEFAULT_EXPONENT)
    total = Fraction(0)  # exact, where a price has 10 decimals and a quantity 10 digits
    for quantity, minor, decimals in lines:
        total += quantity * minor * Fraction(10) ** (0 if decimals is None else exponent - decimals)
    return math.floor(total)
