"""Checking the shape of what people send: every problem at once, each with its field. Nothing here reads a database."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from strawberry import UNSET

from models.enums import InputProblem
from resolvers.errors import UserError, invalid
from resolvers.money import EXPONENTS, LARGEST, CurrencyCode, to_minor

LONG_TEXT, SHORT_TEXT = 4000, 2000  # characters: descriptions and comments, notes and replies

_EMAIL = re.compile(r"[^\s@<>()\[\],;:\\\"]{1,64}@(?:[\w](?:[\w-]{0,61}[\w])?\.)+[\w](?:[\w-]{0,61}[\w])", re.UNICODE)
_PHONE = re.compile(r"\+?(?:[ ()./-]{0,2}[0-9]){5,15}", re.ASCII)


class Input:
    """An input object. What was left out reads as None, like an explicit null."""

    def __post_init__(self) -> None:
        for item in fields(self):  # type: ignore[arg-type]
            if getattr(self, item.name) is UNSET:
                setattr(self, item.name, None)


@dataclass(kw_only=True)
class MoneyInput(Input):
    amount: Decimal
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
        elif not text.strip():
            self.problem(
                field,
                InputProblem.REQUIRED,
                "This is empty; write something" + ("." if required else ", or leave it out."),
            )
        elif len(text) > longest:
            self.problem(field, InputProblem.TOO_LONG, f"This is longer than {longest:,} characters.")
        return text

    def within(self, field: str, number: int, least: int, most: int) -> int:
        if not least <= number <= most:
            self.problem(field, InputProblem.OUT_OF_RANGE, f"This goes from {least:,} to {most:,}.")
        return number

    def money(self, field: str, money: MoneyInput | None, *, least: int = 1) -> int | None:
        """Minor units, at least `least` of them; None where there is none or it cannot be."""
        if money is None:
            return None
        if money.currency_code not in EXPONENTS:
            self.problem(f"{field}.currencyCode", InputProblem.OTHER, "This is no currency that is paid in.")
            return None
        minor = to_minor(money.amount, money.currency_code)
        path = f"{field}.amount"
        if minor is None:
            decimals = EXPONENTS[money.currency_code]
            self.problem(
                path,
                InputProblem.WRONG_FORM,
                f"{money.currency_code} has {decimals} decimals; this has more.",
            )
        elif minor < least:
            self.problem(
                path,
                InputProblem.OUT_OF_RANGE,
                "This has to be more than nothing." if least else "This cannot be negative.",
            )
        elif minor > LARGEST:
            self.problem(path, InputProblem.OUT_OF_RANGE, "This is more than can be handled.")
        else:
            return minor
        return None

    def email(self, field: str, text: str | None) -> str | None:
        return self._matching(field, text, 254, _EMAIL.fullmatch, "This is no e-mail address.")

    def phone(self, field: str, text: str | None) -> str | None:
        return self._matching(field, text, 32, _PHONE.fullmatch, "This is no phone number.")

    def url(self, field: str, text: str | None) -> str | None:
        form = re.compile(r"https?://[^\s/]+\.[^\s]+", re.IGNORECASE)
        return self._matching(field, text, 2000, form.fullmatch, "This is no address of a web page.")

    def _matching(
        self, field: str, text: str | None, longest: int, form: Callable[[str], Any], message: str
    ) -> str | None:
        if text is None:
            return None
        before = len(self.errors)
        self.text(field, text, longest)
        if len(self.errors) == before and not form(text):
            self.problem(field, InputProblem.WRONG_FORM, message)
        return text

    def not_before(self, field: str, instant: datetime | None, start: datetime, what: str) -> datetime | None:
        if instant is not None and instant < start:
            self.problem(field, InputProblem.OUT_OF_RANGE, f"This lies before {what}.")
        return instant
