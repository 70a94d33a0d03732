"""Input types: each field is declared once, with its type, its description and its bounds.

    @input_type("Feedback about an order.")
    class LeaveFeedback(OrderInput):
        ratings: RatingsInput = input_field("The stars.")
        comment: str | None = input_field("The comment.", max_length=LONG_TEXT)

From this come the GraphQL input `LeaveFeedbackInput`, in which `comment` is described as "The comment. Up to 4,000
characters; may be left out.", and the check of a comment that is too long (resolvers.write.checks). A field whose type
has None may be left out; it then reads as None.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, replace
from datetime import datetime
from functools import cache
from inspect import get_annotations
from typing import Any, TypeVar, dataclass_transform, get_args, get_type_hints

import strawberry
from strawberry import UNSET

from models.text import normal
from resolvers.contact import is_https_address, is_phone, normal_email, normal_page
from resolvers.instant import cut
from resolvers.language import gettext_noop
from resolvers.money import AmountText, CurrencyCode

LONG_TEXT, SHORT_TEXT = 4000, 2000  # characters: descriptions and comments, notes and replies

T = TypeVar("T")


class Input:
    """An input object. A field that was left out reads as None, like an explicit null. Texts are in their normal form,
    except those declared as exact and ids."""

    def __post_init__(self) -> None:
        for name, convert in _conversions(type(self)):
            value = getattr(self, name)
            if value is UNSET:
                setattr(self, name, None)
            elif convert is not None and value is not None:
                setattr(self, name, convert(value))


@dataclass(frozen=True, slots=True)
class Form:
    """A form that a text must have. `matches` returns something true if the text has it."""

    matches: Callable[[str], object]
    max_length: int  # characters
    message: str


EMAIL = Form(normal_email, 254, gettext_noop("This is not an e-mail address; write one like name@example.com."))
PHONE = Form(
    is_phone, 32, gettext_noop("This is not a phone number; write one with its country code, like +49 30 123456.")
)
WEB_PAGE = Form(
    normal_page, 2000, gettext_noop("This is not the address of a web page; write one like https://example.com/page.")
)
PICTURE = Form(
    is_https_address,
    2000,
    gettext_noop("This is not an https address; write one like https://example.com/picture.jpg."),
)


@dataclass(frozen=True, slots=True)
class Declaration:
    """What `input_field` declares. A bound that a field does not have is None or false."""

    description: str
    default: Any
    max_length: int | None
    one_line: bool
    form: Form | None
    within: tuple[int, int] | None
    max_items: int | None
    items: str
    not_empty: bool
    exact: bool
    checked_last: bool
    optional: bool = False  # set by input_type, which knows the field's type
    one_of: bool = False  # set by input_type: the field is one of several, of which exactly one is given

    @property
    def has_bounds(self) -> bool:
        return not self.max_length is self.within is self.max_items is None

    @property
    def text(self) -> str:
        """The description with the bounds: "The comment. Up to 4,000 characters; may be left out."."""
        if not self.has_bounds:
            return self.description
        if self.max_length is not None:
            bounds = f"Up to {self.max_length:,} characters" + (" in one line" if self.one_line else "")
        elif self.within is not None:
            bounds = f"From {self.within[0]:,} to {self.within[1]:,}"
        else:
            bounds = f"{'1 to' if self.not_empty else 'At most'} {self.max_items:,} {self.items}"
        return f"{self.description} {bounds}{'; may be left out.' if self.optional and not self.one_of else '.'}"


def input_field(
    description: str,
    *,
    default: Any = MISSING,
    max_length: int | None = None,
    one_line: bool = False,
    form: Form | None = None,
    within: tuple[int, int] | None = None,
    max_items: int | None = None,
    items: str = "entries",
    not_empty: bool = False,
    exact: bool = False,
    checked_last: bool = False,
) -> Any:
    """Declares a field of an input.

    `max_length` is in characters; a `form` has its own. `within` has the least and the largest number. `items` names
    the entries of a list, which is `not_empty` if it needs at least one. An `exact` text is kept as it was sent. The
    problems of a field that is `checked_last` are reported after those of all other fields.
    """
    max_length = form.max_length if form is not None else max_length
    return Declaration(
        description, default, max_length, one_line, form, within, max_items, items, not_empty, exact, checked_last
    )


@dataclass_transform(kw_only_default=True)
def input_type(description: str, *, one_of: bool = False) -> Callable[[type[T]], type[T]]:
    """Makes a class the GraphQL input `<class name>Input`, or `<class name>` if that ends with Input or Filter. Raises
    TypeError if a field is not declared with `input_field`."""

    def decorate(cls: type[T]) -> type[T]:
        hints = get_type_hints(cls)
        for name in get_annotations(cls):
            declared = cls.__dict__.get(name)
            if not isinstance(declared, Declaration):
                raise TypeError(f"{cls.__name__}.{name} is not declared with input_field().")
            optional = type(None) in get_args(hints[name])
            setattr(cls, name, _strawberry_field(replace(declared, optional=optional, one_of=one_of)))
        name = cls.__name__ if cls.__name__.endswith(("Input", "Filter")) else f"{cls.__name__}Input"
        return strawberry.input(cls, name=name, description=description, one_of=one_of or None)

    return decorate


_DECLARATION = "declaration"  # in a field's metadata


def _strawberry_field(declared: Declaration) -> Any:
    default = UNSET if declared.optional and declared.default is MISSING else declared.default
    return strawberry.field(description=declared.text, default=default, metadata={_DECLARATION: declared})


def declarations(cls: type[Input]) -> list[tuple[str, Any, Declaration]]:
    """Returns the name, the type and the declaration of each field, in the order in which fields are checked."""
    hints = get_type_hints(cls)
    declared = [(item.name, hints[item.name], item.metadata[_DECLARATION]) for item in fields(cls)]  # type: ignore[arg-type]
    return sorted(declared, key=lambda field: field[2].checked_last)


@cache
def _conversions(cls: type[Input]) -> tuple[tuple[str, Callable[[Any], Any] | None], ...]:
    """Returns each field's name with the function that makes its normal form."""
    return tuple((name, None if declared.exact else _conversion(hint)) for name, hint, declared in declarations(cls))


def _conversion(hint: Any) -> Callable[[Any], Any] | None:
    if hint in (str, str | None, AmountText, CurrencyCode):
        return normal
    return cut if hint in (datetime, datetime | None) else None


@input_type("An amount of money.")
class MoneyInput(Input):
    amount: AmountText = input_field("The amount, with no more decimals than the currency has.")
    currency_code: CurrencyCode = input_field("The currency.")
