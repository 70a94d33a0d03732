"""Input types: each field is declared once, with its type, its description and its bounds.

    @input_type("Feedback about an order.")
    class LeaveFeedback(OrderInput):
        ratings: RatingsInput = input_field("The stars.")
        comment: str | None = input_field("The comment.", max_length=LONG_TEXT)

From this come the GraphQL input `LeaveFeedbackInput`, in which `comment` is described as "The comment. Up to 4,000
characters; may be left out.", and the check of a comment that is too long (resolvers.write.checks). A field whose type
has None may be left out; it then reads as None.

A field with a `label` is also a field of the action's form (resolvers.write.form). What depends on the order or the
case is said by `now`, a function of the form's field and of that row:

    @input_type("Feedback about an order.", action=Action.LEAVE_FEEDBACK)
    class LeaveFeedback(OrderInput):
        ratings: RatingsInput = input_field("The stars.", label="Rating")
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from datetime import datetime
from functools import cache
from inspect import get_annotations
from typing import Any, ClassVar, TypeVar, dataclass_transform, get_args, get_type_hints

import strawberry
from strawberry import UNSET

from models.enums import Action, DescribedEnum, FieldKind
from models.text import normal
from resolvers.contact import is_https_address, is_phone, normal_email, normal_page
from resolvers.form import FormField
from resolvers.instant import cut
from resolvers.language import gettext_noop
from resolvers.money import AmountText, CurrencyCode

LONG_TEXT, SHORT_TEXT = 4000, 2000  # characters: descriptions and comments, notes and replies

T = TypeVar("T")


class Input:
    """An input object. A field that was left out reads as None, like an explicit null. Texts are in their normal form,
    except those declared as exact and ids."""

    at_least_one: ClassVar[str | None] = None  # the message where all fields are left out, if one of them is required

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
    kind: FieldKind


EMAIL = Form(
    normal_email,
    254,
    gettext_noop("This is not an e-mail address; write one like name@example.com."),
    FieldKind.EMAIL,
)
PHONE = Form(
    is_phone,
    32,
    gettext_noop("This is not a phone number; write one with its country code, like +49 30 123456."),
    FieldKind.PHONE,
)
WEB_PAGE = Form(
    normal_page,
    2000,
    gettext_noop("This is not the address of a web page; write one like https://example.com/page."),
    FieldKind.URL,
)
PICTURE = Form(
    is_https_address,
    2000,
    gettext_noop("This is not an https address; write one like https://example.com/picture.jpg."),
    FieldKind.URL,
)

# Returns the fields of the form as they are now, for a field without what depends on the order or case: the same one
# with its limits, none where it is not taken, or several where its limit depends on another field.
Now = Callable[[FormField, Any], Sequence[FormField]]
NOT_LIMITED: Mapping[Any, Any] = {}


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
    label: str | None  # None for a field of no form
    hint: str | None
    kind: FieldKind | None  # of the form's field; None where the type tells it
    not_accepted: Mapping[Any, str]  # values of an enum, and why
    only_with: tuple[str, frozenset[DescribedEnum]] | None  # the field that decides, and its values
    evidence: Mapping[Any, tuple[str, ...]]  # sentences, by the value of an enum
    now: Now | None
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
    label: str | None = None,
    hint: str | None = None,
    kind: FieldKind | None = None,
    not_accepted: Mapping[Any, str] = NOT_LIMITED,
    only_with: tuple[str, frozenset[Any]] | None = None,
    evidence: Mapping[Any, tuple[str, ...]] = NOT_LIMITED,
    now: Now | None = None,
) -> Any:
    """Declares a field of an input.

    `max_length` is in characters; a `form` has its own. `within` has the least and the largest number. `items` names
    the entries of a list, which is `not_empty` if it needs at least one. An `exact` text is kept as it was sent. The
    problems of a field that is `checked_last` are reported after those of all other fields.

    `label` and `hint` are English sentences of the form. `not_accepted` has the values of an enum that are refused,
    each with its message. A field `only_with` another one is taken, and required, where that one has one of these
    values; the mutation checks it. `evidence` says by a value of an enum what helps to prove it. `now` adds what
    depends on the order or case.
    """
    max_length = form.max_length if form is not None else max_length
    return Declaration(
        description,
        default,
        max_length,
        one_line,
        form,
        within,
        max_items,
        items,
        not_empty,
        exact,
        checked_last,
        label,
        hint,
        kind,
        not_accepted,
        only_with,
        evidence,
        now,
    )


input_types: dict[Action, type[Input]] = {}  # the inputs of all actions


@dataclass_transform(kw_only_default=True)
def input_type(
    description: str, *, one_of: bool = False, action: Action | None = None, at_least_one: str | None = None
) -> Callable[[type[T]], type[T]]:
    """Makes a class the GraphQL input `<class name>Input`, or `<class name>` if that ends with Input or Filter. Raises
    TypeError if a field is not declared with `input_field`.

    `action` is the one whose mutation takes it. `at_least_one` is the message where all of its fields are left out.
    """

    def decorate(cls: type[T]) -> type[T]:
        hints = get_type_hints(cls)
        for name in get_annotations(cls):
            declared = cls.__dict__.get(name)
            if not isinstance(declared, Declaration):
                raise TypeError(f"{cls.__name__}.{name} is not declared with input_field().")
            optional = type(None) in get_args(hints[name])
            setattr(cls, name, _strawberry_field(replace(declared, optional=optional, one_of=one_of)))
        name = cls.__name__ if cls.__name__.endswith(("Input", "Filter")) else f"{cls.__name__}Input"
        declared_type: Any = strawberry.input(cls, name=name, description=description, one_of=one_of or None)
        declared_type.at_least_one = at_least_one
        if action is not None:
            input_types[action] = declared_type
        return declared_type

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
