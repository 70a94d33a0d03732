"""Forms from declarations: each limit is a field, and a choice says with what it is offered."""

from collections.abc import Sequence
from typing import Any

import pytest

from models.enums import FieldKind, ResolutionKind
from resolvers.form import Choice, FieldCondition, FormField
from resolvers.money import Money
from resolvers.resolution import PAID_BACK, Possible, amount_field, resolution_field
from resolvers.write.inputs import Declaration

KINDS = [Choice(kind.value, kind) for kind in ResolutionKind]
RESOLUTION = FormField(path=("wanted",), kind=FieldKind.CHOICE, english_label="Wish", choices=KINDS)
WANTED = FieldCondition(("wanted",), tuple([kind.value for kind in ResolutionKind if kind in PAID_BACK]))
AMOUNT = FormField(path=("claim",), kind=FieldKind.MONEY, english_label="Claim", only_with=(WANTED,))


def now(declared: Any, field: FormField, subject: Any) -> Sequence[FormField]:
    assert isinstance(declared, Declaration)
    assert declared.now is not None
    return declared.now(field, subject)


def usd(minor: int) -> Possible:
    return Possible(Money(minor, "USD"))


@pytest.mark.parametrize(
    ("limits", "fields"),
    [
        ({"LATE": 100, "OTHER": 100}, [(100, None)]),
        ({"LATE": 100, "OTHER": 100, "LOST": 40}, [(100, ("LATE", "OTHER")), (40, ("LOST",))]),
        ({"LATE": 0, "OTHER": 100}, [(100, ("OTHER",))]),
        ({"LATE": 0, "OTHER": 0}, []),
    ],
)
def test_each_limit_of_an_amount_is_a_field(
    limits: dict[str, int], fields: list[tuple[int, tuple[str, ...] | None]]
) -> None:
    declared = amount_field(
        "…",
        label="Claim",
        decided_by="wanted",
        possible=lambda _: {reason: usd(minor) for reason, minor in limits.items()},
        by="reason",
    )
    amounts = now(declared, AMOUNT, None)
    assert [(field.max_amount and field.max_amount.minor, field.only_with[1:]) for field in amounts] == [
        (most, (FieldCondition(("reason",), reasons),) if reasons else ()) for most, reasons in fields
    ]
    assert all(field.only_with[0] is WANTED for field in amounts)


def test_a_resolution_is_offered_with_the_values_that_allow_it() -> None:
    possible = {
        "LATE": usd(100),
        "LOST": Possible(Money(100, "USD"), {ResolutionKind.RETURN_AND_REFUND: "…"}),
        "PAID": usd(0),
    }
    declared = resolution_field("…", label="Wish", possible=lambda _: possible, by="reason")
    [field] = now(declared, RESOLUTION, None)
    assert {choice.value: choice.only_with for choice in field.choices or ()} == {
        "REFUND": (FieldCondition(("reason",), ("LATE", "LOST")),),
        "PARTIAL_REFUND": (FieldCondition(("reason",), ("LATE", "LOST")),),
        "RETURN_AND_REFUND": (FieldCondition(("reason",), ("LATE",)),),
        "REPLACEMENT": (),
        "NO_REFUND": (),
    }


@pytest.mark.parametrize(
    ("possible", "pays"),
    [
        (Possible(None), True),
        (usd(1), True),
        (usd(0), False),
        (Possible(Money(-1, "USD")), False),
        (Possible(Money(1, "USD"), claimed_in="EUR"), False),
    ],
)
def test_what_pays_is_offered_where_something_is_left_in_one_currency(possible: Possible, pays: bool) -> None:
    assert possible.pays == pays
    assert {kind for kind in ResolutionKind if possible.allows(kind)} == set(ResolutionKind) - (
        set() if pays else PAID_BACK
    )
