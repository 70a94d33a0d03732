"""Checking the shape of what people send: every problem at once, each with its field. Nothing here reads a database."""

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

CLOCKS_DIFFER = timedelta(minutes=5)  # of the systems that one record has its instants from
LONG_TEXT, SHORT_TEXT = 4000, 2000  # characters: descriptions and comments, notes and replies

TOO_LARGE = "This is more than can be handled."

_AMOUNT = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,10})?")
_CURRENCY = re.compile(r"[A-Z]{3}")


class Input:
    """An input object. What was left out reads as None, like an explicit null. Texts are in their normal form, but for
    those in EXACT and for ids, which machines make."""

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
    """The names of the fields that hold what people write."""
    written = (str, str | None, AmountText, CurrencyCode)
    return frozenset(name for name, of in get_type_hints(cls).items() if of in written) - cls.EXACT


@dataclass(kw_only=True)
class MoneyInput(Input):
    amount: AmountText
    currency_code: CurrencyCode


class Checks:
    """Collects problems. Each check names the field by its dotted path and gives back what is to be stored."""

    def __init__(self) -> None:
        self.errors: list[UserError] = []

    def problem(self, field: str, problem: InputProblem, message: str) -> None:
        self.errors.append(invalid(field, problem, message))

    def text(self, field: str, text: str | None, longest: int, *, required: bool = False) -> str | None:
        """`longest` is in characters. An optional text may be left out, but not be empty."""
        if text is None:
            if required:
                self.problem(field, InputProblem.REQUIRED, "This cannot be left out.")
        elif "\0" in text:
            self.problem(field, InputProblem.OTHER, "This holds a NUL character, which cannot be stored.")
        elif is_blank(text):
            self.problem(
                field,
                InputProblem.REQUIRED,
                "This is empty; write something" + ("." if required else ", or leave it out."),
            )
        elif len(text) > longest:
            self.problem(field, InputProblem.TOO_LONG, f"This is longer than {longest:,} characters.")
        return text

    def line(self, field: str, text: str | None, longest: int, *, required: bool = False) -> str | None:
        """A name or a number: a text that stands in one line, and reads in the order in which it was written."""
        before = len(self.errors)
        self.text(field, text, longest, required=required)
        if text is not None and len(self.errors) == before and not is_one_line(text):
            message = "This contains a line break, a control character or a text direction override; remove it."
            self.problem(field, InputProblem.WRONG_FORM, message)
        return text

    def within(self, field: str, number: int, least: int, most: int) -> int:
        if not least <= number <= most:
            self.problem(field, InputProblem.OUT_OF_RANGE, f"This goes from {least:,} to {most:,}.")
        return number

    def money(self, field: str, money: MoneyInput | None, *, least: int = 1) -> int | None:
        """Minor units, at least `least` of them; None where there is none or it cannot be."""
        if money is None or (parts := self._money(field, money)) is None:
            return None
        amount, currency = parts
        path = f"{field}.amount"
        minor = to_minor(amount, currency)
        if minor is None:
            message = f"{currency} has {EXPONENTS[currency]} decimals; this has more."
            self.problem(path, InputProblem.WRONG_FORM, message)
        elif minor < least:
            self.problem(
                path,
                InputProblem.OUT_OF_RANGE,
                "This has to be more than nothing." if least else "This cannot be negative.",
            )
        elif minor > MAX_AMOUNT:
            self.problem(path, InputProblem.OUT_OF_RANGE, TOO_LARGE)
        else:
            return minor
        return None

    def unit_price(self, field: str, money: MoneyInput) -> StoredPrice | None:
        """The price of one: below zero for a discount, and as fine as it is written. None where it cannot be."""
        if (parts := self._money(field, money)) is None:
            return None
        price = to_unit_price(*parts)
        if abs(price[0]) > MAX_AMOUNT:
            self.problem(f"{field}.amount", InputProblem.OUT_OF_RANGE, TOO_LARGE)
            return None
        return price

    def _money(self, field: str, money: MoneyInput) -> tuple[Decimal, str] | None:
        amount = self._amount(f"{field}.amount", money.amount)
        currency = self._currency(f"{field}.currencyCode", money.currency_code)
        return None if amount is None or currency is None else (amount, currency)

    def _amount(self, field: str, text: str) -> Decimal | None:
        if not text:
            self.problem(field, InputProblem.REQUIRED, "This is empty; write an amount like 90.00.")
        elif not _AMOUNT.fullmatch(text):
            message = "Write an amount like 90.00: digits, with a point before the decimals."
            self.problem(field, InputProblem.WRONG_FORM, message)
        else:
            return Decimal(text)
        return None

    def _currency(self, field: str, text: str) -> str | None:
        if not text:
            self.problem(field, InputProblem.REQUIRED, "This is empty; write a currency code, like EUR.")
        elif not _CURRENCY.fullmatch(text):
            self.problem(
                field, InputProblem.WRONG_FORM, "Write a currency as its code of three capital letters, like EUR."
            )
        elif text not in EXPONENTS:
            self.problem(field, InputProblem.OTHER, "This is no currency that is paid in.")
        else:
            return text
        return None

    def email(self, field: str, text: str | None) -> str | None:
        return self._like(field, text, 254, normal_email, "This is no e-mail address; write one like name@example.com.")

    def phone(self, field: str, text: str | None) -> str | None:
        return self._like(
            field, text, 32, is_phone, "This is no phone number; write one with its country code, like +49 30 123456."
        )

    def url(self, field: str, text: str | None) -> str | None:
        return self._like(
            field, text, 2000, normal_page, "This is no address of a web page; write one like https://example.com/page."
        )

    def _like(
        self, field: str, text: str | None, longest: int, form: Callable[[str], object], message: str
    ) -> str | None:
        """`form` gives something where the text is what it should be. The text stays as it was written."""
        before = len(self.errors)
        self.text(field, text, longest)
        if text is not None and len(self.errors) == before and not form(text):
            self.problem(field, InputProblem.WRONG_FORM, message)
        return text

    def not_before(self, field: str, instant: datetime | None, start: datetime, what: str) -> datetime | None:
        """Clocks may differ by CLOCKS_DIFFER."""
        if instant is not None and instant < start - CLOCKS_DIFFER:
            self.problem(field, InputProblem.OUT_OF_RANGE, f"This lies before {what}.")
        return instant
