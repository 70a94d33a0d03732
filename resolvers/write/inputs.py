"""Checks of input: all problems are found together, each with its field. Nothing here reads the database."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import ClassVar, get_type_hints

from strawberry import UNSET

from models.enums import InputProblem
from models.text import is_blank, is_one_line, normal
from resolvers.contact import is_phone, normal_email, normal_page
from resolvers.errors import UserError, invalid
from resolvers.instant import FinerInstant, cut
from resolvers.money import EXPONENTS, MAX_AMOUNT, AmountText, CurrencyCode, StoredPrice, to_minor, to_unit_price

CLOCK_SKEW = timedelta(minutes=5)  # between the systems whose instants one record holds
LONG_TEXT, SHORT_TEXT = 4000, 2000  # characters: descriptions and comments, notes and replies

_TOO_LARGE = "This amount is too large."

_AMOUNT = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,10})?")
_CURRENCY = re.compile(r"[A-Z]{3}")


class Input:
    """An input object. A field that was left out is None, like an explicit null. Texts are in their normal form, but
    for the fields in EXACT and for ids, which machines make."""

    EXACT: ClassVar[frozenset[str]] = frozenset()

    def __post_init__(self) -> None:
        texts = _texts(type(self))
        for item in fields(self):  # type: ignore[arg-type]
            value = getattr(self, item.name)
            if value is UNSET:
                setattr(self, item.name, None)
            elif item.name in texts and value is not None:
                setattr(self, item.name, normal(value))
            elif isinstance(value, FinerInstant):
                setattr(self, item.name, cut(value))


@cache
def _texts(cls: type[Input]) -> frozenset[str]:
    """Returns the names of the fields that hold what people write."""
    text_types = (str, str | None, AmountText, CurrencyCode)
    return frozenset(name for name, type_ in get_type_hints(cls).items() if type_ in text_types) - cls.EXACT


@dataclass(kw_only=True)
class MoneyInput(Input):
    amount: AmountText
    currency_code: CurrencyCode


class Checks:
    """Collects problems. Each check takes the field's dotted path, and returns the value to store."""

    def __init__(self) -> None:
        self.errors: list[UserError] = []

    def problem(self, field: str, problem: InputProblem, message: str) -> None:
        self.errors.append(invalid(field, problem, message))

    def text(self, field: str, text: str | None, max_length: int, *, required: bool = False) -> str | None:
        """`max_length` is in characters. An optional text may be left out, but it cannot be empty."""
        if text is None:
            if required:
                self.problem(field, InputProblem.REQUIRED, "This field is required.")
        elif "\0" in text:
            self.problem(field, InputProblem.OTHER, "This text contains a NUL character; remove it.")
        elif is_blank(text):
            self.problem(
                field,
                InputProblem.REQUIRED,
                "This field is empty; " + ("write something." if required else "write something or leave it out."),
            )
        elif len(text) > max_length:
            self.problem(
                field, InputProblem.TOO_LONG, f"This text is longer than {max_length:,} characters; shorten it."
            )
        return text

    def line(self, field: str, text: str | None, max_length: int, *, required: bool = False) -> str | None:
        """Checks a name or a number: a text on one line, without a text direction override."""
        before = len(self.errors)
        self.text(field, text, max_length, required=required)
        if text is not None and len(self.errors) == before and not is_one_line(text):
            message = "This text contains a line break, a control character or a text direction override; remove it."
            self.problem(field, InputProblem.WRONG_FORM, message)
        return text

    def within(self, field: str, number: int, minimum: int, maximum: int) -> int:
        if not minimum <= number <= maximum:
            self.problem(field, InputProblem.OUT_OF_RANGE, f"This must be between {minimum:,} and {maximum:,}.")
        return number

    def money(self, field: str, money: MoneyInput | None, *, minimum: int = 1) -> int | None:
        """Returns minor units, at least `minimum`; None without an amount, or where it has a problem."""
        if money is None or (parts := self._money(field, money)) is None:
            return None
        amount, currency = parts
        path = f"{field}.amount"
        minor = to_minor(amount, currency)
        if minor is None:
            message = f"This has too many decimals; {currency} has {EXPONENTS[currency]}."
            self.problem(path, InputProblem.WRONG_FORM, message)
        elif minor < minimum:
            self.problem(
                path,
                InputProblem.OUT_OF_RANGE,
                "The amount must be greater than zero." if minimum else "The amount cannot be negative.",
            )
        elif minor > MAX_AMOUNT:
            self.problem(path, InputProblem.OUT_OF_RANGE, _TOO_LARGE)
        else:
            return minor
        return None

    def unit_price(self, field: str, money: MoneyInput) -> StoredPrice | None:
        """Returns the price of one item, with all its decimals; it is negative for a discount. None where it has a
        problem."""
        if (parts := self._money(field, money)) is None:
            return None
        price = to_unit_price(*parts)
        if abs(price[0]) > MAX_AMOUNT:
            self.problem(f"{field}.amount", InputProblem.OUT_OF_RANGE, _TOO_LARGE)
            return None
        return price

    def _money(self, field: str, money: MoneyInput) -> tuple[Decimal, str] | None:
        amount = self._amount(f"{field}.amount", money.amount)
        currency = self._currency(f"{field}.currencyCode", money.currency_code)
        return None if amount is None or currency is None else (amount, currency)

    def _amount(self, field: str, text: str) -> Decimal | None:
        if not text:
            self.problem(field, InputProblem.REQUIRED, "This field is empty; write an amount like 90.00.")
        elif not _AMOUNT.fullmatch(text):
            message = "This is not an amount; write digits, with a point before the decimals, like 90.00."
            self.problem(field, InputProblem.WRONG_FORM, message)
        else:
            return Decimal(text)
        return None

    def _currency(self, field: str, text: str) -> str | None:
        if not text:
            self.problem(field, InputProblem.REQUIRED, "This field is empty; write a currency code like EUR.")
        elif not _CURRENCY.fullmatch(text):
            self.problem(
                field, InputProblem.WRONG_FORM, "This is not a currency code; write three capital letters, like EUR."
            )
        elif text not in EXPONENTS:
            self.problem(field, InputProblem.OTHER, "This currency is not supported.")
        else:
            return text
        return None

    def email(self, field: str, text: str | None) -> str | None:
        return self._matching(
            field, text, 254, normal_email, "This is not an e-mail address; write one like name@example.com."
        )

    def phone(self, field: str, text: str | None) -> str | None:
        return self._matching(
            field,
            text,
            32,
            is_phone,
            "This is not a phone number; write one with its country code, like +49 30 123456.",
        )

    def url(self, field: str, text: str | None) -> str | None:
        return self._matching(
            field,
            text,
            2000,
            normal_page,
            "This is not the address of a web page; write one like https://example.com/page.",
        )

    def _matching(
        self, field: str, text: str | None, max_length: int, is_valid: Callable[[str], object], message: str
    ) -> str | None:
        """`is_valid` returns a true value for a valid text. The text is stored as it was written."""
        before = len(self.errors)
        self.text(field, text, max_length)
        if text is not None and len(self.errors) == before and not is_valid(text):
            self.problem(field, InputProblem.WRONG_FORM, message)
        return text

    def not_before(self, field: str, instant: datetime | None, start: datetime, event: str) -> datetime | None:
        """Checks that the instant is not before `start`, called `event`. Clocks may differ by CLOCK_SKEW."""
        if instant is not None and instant < start - CLOCK_SKEW:
            self.problem(field, InputProblem.OUT_OF_RANGE, f"This is before {event}.")
        return instant
