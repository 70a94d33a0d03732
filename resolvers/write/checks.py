"""Checks of inputs: every problem at once, each with the path of its field. Nothing here reads a database.

Example: for `LeaveFeedback(order_id="…", ratings=RatingsInput(overall=6), comment=" ")`, `Checks(input).declared()`
reports OUT_OF_RANGE at "ratings.overall" and REQUIRED at "comment".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache, partial
from typing import Any, get_args, get_origin

from strawberry.utils.str_converters import to_camel_case

from models.enums import InputProblem
from models.text import is_blank, is_one_line
from resolvers.errors import UserError, invalid
from resolvers.language import gettext, gettext_noop
from resolvers.money import EXPONENTS, MAX_AMOUNT, StoredPrice, to_minor, to_unit_price
from resolvers.write.inputs import Declaration, Input, MoneyInput, declarations

CLOCK_SKEW = timedelta(minutes=5)  # between the systems whose instants one record holds
# How far ahead of now a record may be dated. While a record from the future stands, all true ones would be ignored.
MAX_AHEAD = timedelta(days=1)

_AMOUNT = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,10})?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_TOO_LARGE = gettext_noop("This amount is too large.")
_TOO_MANY = {  # by what the list has
    "entries": gettext_noop("At most {count} entries are accepted."),
    "files": gettext_noop("At most {count} files are accepted."),
    "items": gettext_noop("At most {count} items are accepted."),
    "lines": gettext_noop("At most {count} lines are accepted."),
    "orders": gettext_noop("At most {count} orders are accepted."),
    "refunds": gettext_noop("At most {count} refunds are accepted."),
}

Problem = tuple[InputProblem, str]


class Checks:
    """Collects the problems of an input. Paths are dotted, like "ratings.areas.communication"; `path` is the one of the
    input itself, and ends with a dot unless it is empty."""

    def __init__(self, input: Input, path: str = "") -> None:
        self.errors: list[UserError] = []
        self.path = path
        self._input = input
        self._checked: set[str] = set()

    def problem(self, field: str, problem: InputProblem, message: str) -> None:
        self.errors.append(invalid(field, problem, message))

    def declared(self, *names: str) -> None:
        """Checks the declared bounds of these fields and of the inputs in them; without names, of all fields that were
        not checked yet."""
        for step in _steps(type(self._input)):
            if step.name not in self._checked and (not names or step.name in names):
                self._checked.add(step.name)
                self._check(step, getattr(self._input, step.name), self.path)

    def bounds(self, name: str) -> bool:
        """Checks the bounds of this field, but not of the inputs in it. Returns True if it has no problem."""
        step = _step(type(self._input), name)
        self._checked.add(name)
        problem = step.problem(getattr(self._input, name)) if step.problem is not None else None
        if problem is not None:
            self.problem(f"{self.path}{step.label}", *problem)
        return problem is None

    def entries(self, name: str) -> Iterator[tuple[Any, str]]:
        """Checks a list of inputs entry by entry, and yields each with its path, which ends with a dot. The caller adds
        its own checks of the entry. Yields nothing if the list itself has a problem."""
        if self.bounds(name):
            label = _step(type(self._input), name).label
            for place, entry in enumerate(getattr(self._input, name) or ()):
                path = f"{self.path}{label}.{place}."
                self._check_all(entry, path)
                yield entry, path

    def _check_all(self, input: Input, path: str) -> None:
        for step in _steps(type(input)):
            self._check(step, getattr(input, step.name), path)

    def _check(self, step: _Step, value: Any, path: str) -> None:
        if step.problem is not None and (problem := step.problem(value)) is not None:
            self.problem(f"{path}{step.label}", *problem)
            return
        if not step.has_inputs or value is None:
            return
        if not step.is_list and value.at_least_one is not None and _is_empty(value):
            self.problem(f"{path}{step.label}", InputProblem.REQUIRED, gettext(value.at_least_one))
            return
        path = f"{path}{step.label}."
        if step.is_list:
            for place, entry in enumerate(value):
                self._check_all(entry, f"{path}{place}.")
        else:
            self._check_all(value, path)

    def within(self, field: str, number: int, minimum: int, maximum: int) -> None:
        if problem := _number_problem(minimum, maximum, number):
            self.problem(field, *problem)

    def money(self, field: str, money: MoneyInput | None, *, minimum: int = 1) -> int | None:
        """Returns minor units, at least `minimum`; None if there is no amount or it has a problem."""
        if money is None or (parts := self._money(field, money)) is None:
            return None
        amount, currency = parts
        path = f"{field}.amount"
        minor = to_minor(amount, currency)
        if minor is None:
            message = gettext(
                "This has too many decimals; {currency} has {count}.", currency=currency, count=EXPONENTS[currency]
            )
            self.problem(path, InputProblem.WRONG_FORM, message)
        elif minor < minimum:
            message = (
                gettext("The amount must be greater than zero.")
                if minimum
                else gettext("The amount cannot be negative.")
            )
            self.problem(path, InputProblem.OUT_OF_RANGE, message)
        elif minor > MAX_AMOUNT:
            self.problem(path, InputProblem.OUT_OF_RANGE, gettext(_TOO_LARGE))
        else:
            return minor
        return None

    def unit_price(self, field: str, money: MoneyInput) -> StoredPrice | None:
        """Returns the price of one, which is below zero for a discount and may be finer than the currency; None if it
        has a problem."""
        if (parts := self._money(field, money)) is None:
            return None
        price = to_unit_price(*parts)
        if abs(price[0]) > MAX_AMOUNT:
            self.problem(f"{field}.amount", InputProblem.OUT_OF_RANGE, gettext(_TOO_LARGE))
            return None
        return price

    def _money(self, field: str, money: MoneyInput) -> tuple[Decimal, str] | None:
        amount = self._amount(f"{field}.amount", money.amount)
        currency = self._currency(f"{field}.currencyCode", money.currency_code)
        return None if amount is None or currency is None else (amount, currency)

    def _amount(self, field: str, text: str) -> Decimal | None:
        if not text:
            self.problem(field, InputProblem.REQUIRED, gettext("This field is empty; write an amount like 90.00."))
        elif not _AMOUNT.fullmatch(text):
            message = gettext("This is not an amount; write digits, with a point before the decimals, like 90.00.")
            self.problem(field, InputProblem.WRONG_FORM, message)
        else:
            return Decimal(text)
        return None

    def _currency(self, field: str, text: str) -> str | None:
        if not text:
            self.problem(field, InputProblem.REQUIRED, gettext("This field is empty; write a currency code like EUR."))
        elif not _CURRENCY.fullmatch(text):
            message = gettext("This is not a currency code; write three capital letters, like EUR.")
            self.problem(field, InputProblem.WRONG_FORM, message)
        elif text not in EXPONENTS:
            self.problem(field, InputProblem.OTHER, gettext("This currency is not supported."))
        else:
            return text
        return None

    def not_before(self, field: str, instant: datetime | None, start: datetime, message: str) -> None:
        """Reports an instant that is before `start` by more than CLOCK_SKEW. `message` says what it is before."""
        if instant is not None and instant < start - CLOCK_SKEW:
            self.problem(field, InputProblem.OUT_OF_RANGE, gettext(message))

    def not_ahead(self, field: str, instant: datetime, now: datetime) -> None:
        """Reports an instant of the order system's knowledge that is after `now` by more than MAX_AHEAD."""
        if instant > now + MAX_AHEAD:
            message = gettext(
                "This is more than one day in the future; send the time at which the order system knew this."
            )
            self.problem(field, InputProblem.OUT_OF_RANGE, message)


@dataclass(frozen=True, slots=True)
class _Step:
    """A field to check: its own bounds, and the inputs in it. `problem` returns what is wrong with a value by the
    field's bounds; it is None if the field has none."""

    name: str
    label: str
    problem: Callable[[Any], Problem | None] | None
    has_inputs: bool
    is_list: bool


@cache
def _steps(cls: type[Input]) -> tuple[_Step, ...]:
    """Returns the fields that have bounds, or hold inputs with bounds, in the order of checking."""
    steps: list[_Step] = []
    for name, hint, declared in declarations(cls):
        problem, kinds = _bounds_check(declared), set(_kinds(hint))
        has_inputs = any(isinstance(kind, type) and issubclass(kind, Input) and _steps(kind) for kind in kinds)
        if problem is not None or has_inputs:
            steps.append(_Step(name, to_camel_case(name), problem, has_inputs, list in kinds))
    return tuple(steps)


@cache
def _step(cls: type[Input], name: str) -> _Step:
    [step] = (step for step in _steps(cls) if step.name == name)
    return step


def _kinds(hint: Any) -> Iterator[Any]:
    """Yields what a type is made of: list, X and None of `list[X] | None`."""
    yield get_origin(hint) or hint
    for part in get_args(hint):
        yield from _kinds(part)


def _is_empty(input: Input) -> bool:
    return all(getattr(input, name) is None for name, _, _ in declarations(type(input)))


def _bounds_check(declared: Declaration) -> Callable[[Any], Problem | None] | None:
    """Returns the function that finds what is wrong with a value; None if the field has no bounds."""
    if declared.max_length is not None:
        return partial(_text_problem, declared, declared.max_length)
    if declared.within is not None:
        return partial(_number_problem, *declared.within)
    if declared.max_items is not None:
        return partial(_list_problem, declared, declared.max_items)
    if declared.not_accepted:
        return partial(_choice_problem, declared)
    return None


def _text_problem(declared: Declaration, max_length: int, text: str | None) -> Problem | None:
    """An optional text may be left out, but not be empty."""
    if text is None:
        return None if declared.optional else (InputProblem.REQUIRED, gettext("This field is required."))
    if "\0" in text:
        return InputProblem.OTHER, gettext("This text contains a NUL character; remove it.")
    if is_blank(text):
        if declared.optional:
            return InputProblem.REQUIRED, gettext("This field is empty; write something or leave it out.")
        return InputProblem.REQUIRED, gettext("This field is empty; write something.")
    if len(text) > max_length:
        return InputProblem.TOO_LONG, gettext(
            "This text is longer than {count} characters; shorten it.", count=max_length
        )
    if declared.one_line and not is_one_line(text):
        message = gettext(
            "This text contains a line break, a control character or a text direction override; remove it."
        )
        return InputProblem.WRONG_FORM, message
    if declared.form is not None and not declared.form.matches(text):
        return InputProblem.WRONG_FORM, gettext(declared.form.message)
    return None


def _choice_problem(declared: Declaration, value: Any) -> Problem | None:
    message = declared.not_accepted.get(value)
    return None if message is None else (InputProblem.WRONG_FORM, gettext(message))


def _number_problem(minimum: int, maximum: int, number: int | None) -> Problem | None:
    if number is None or minimum <= number <= maximum:
        return None
    return InputProblem.OUT_OF_RANGE, gettext(
        "This must be between {minimum} and {maximum}.", minimum=minimum, maximum=maximum
    )


def _list_problem(declared: Declaration, max_items: int, entries: list[Any] | None) -> Problem | None:
    if entries is None:
        return None
    if len(entries) > max_items:
        return InputProblem.TOO_MANY, gettext(_TOO_MANY[declared.items], count=max_items)
    if declared.not_empty and not entries:
        return InputProblem.REQUIRED, gettext("This list is empty; add at least one entry.")
    return None
