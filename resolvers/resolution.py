"""Resolutions: how a dispute or a complaint can end, and the amount that is paid back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from models.enums import InputProblem, ResolutionKind, Role
from resolvers.account import Account
from resolvers.context import Context
from resolvers.errors import ActionRefused, invalid
from resolvers.form import Choice, FieldCondition, FormField
from resolvers.language import gettext
from resolvers.money import Money, money
from resolvers.write.checks import Checks
from resolvers.write.inputs import NOT_LIMITED, MoneyInput, Now, input_field

PAID_BACK = frozenset({ResolutionKind.REFUND, ResolutionKind.PARTIAL_REFUND, ResolutionKind.RETURN_AND_REFUND})


@dataclass(frozen=True, slots=True)
class Outcome:
    resolution: ResolutionKind
    amount: Money | None
    by: Account
    at: datetime
    note: str | None


class Decided:
    """A case with the columns of its outcome. They are set once the case is settled or resolved."""

    __slots__ = ()
    context: Context
    closed_at: datetime | None
    outcome_resolution: ResolutionKind | None
    outcome_amount: int | None
    outcome_currency: str | None
    outcome_by: Account | None
    outcome_note: str | None

    @property
    def outcome(self) -> Outcome | None:
        if self.outcome_resolution is None or self.outcome_by is None or self.closed_at is None:
            return None
        amount = money(self.outcome_amount, self.outcome_currency)
        # The order system does not read what people wrote in a case.
        note = None if self.context.viewer.role is Role.SERVICE else self.outcome_note
        return Outcome(self.outcome_resolution, amount, self.outcome_by, self.closed_at, note)


OUTCOME_COLUMNS = ("outcome_resolution", "outcome_amount", "outcome_currency", "outcome_by_id", "outcome_note")


def outcome_columns(resolution: ResolutionKind, amount: Money | None, by_id: UUID, note: str | None) -> dict[str, Any]:
    """Returns the columns that `Decided` reads."""
    minor, currency = (amount.minor, amount.currency_code) if amount else (None, None)
    return dict(zip(OUTCOME_COLUMNS, (resolution, minor, currency, by_id, note), strict=True))


def stored_outcome(row: Any) -> dict[str, Any]:
    """Returns these columns of a row that has them."""
    return {name: getattr(row, name) for name in OUTCOME_COLUMNS}


@dataclass(frozen=True, slots=True)
class Possible:
    """What can be chosen now. `most` is paid back at most, None is no limit. `refused` are the resolutions that cannot
    be chosen, each with its message. `claimed_in` is the currency of a claim that is not the order's any more: then
    nothing can be paid back."""

    most: Money | None
    refused: Mapping[ResolutionKind, str] = field(default_factory=dict[ResolutionKind, str])
    claimed_in: str | None = None

    @property
    def pays(self) -> bool:
        return self.claimed_in is None and (self.most is None or self.most.minor > 0)

    def allows(self, resolution: Any) -> bool:
        return resolution not in self.refused and (self.pays or resolution not in PAID_BACK)

    def without(self, refused: Mapping[ResolutionKind, str]) -> Possible:
        return replace(self, refused={**self.refused, **refused})

    def check(self, name: str, resolution: ResolutionKind, amount_name: str, amount: Money | None) -> None:
        """Raises ActionRefused where the resolution, or the amount, is not possible. The names are those of the input's
        fields."""
        if (message := self.refused.get(resolution)) is not None:
            raise ActionRefused([invalid(name, InputProblem.WRONG_FORM, gettext(message))])
        if amount is not None and self.most is not None and self.claimed_in is not None:
            message = gettext(
                "The order's currency changed from {before} to {after} after the claim; only an outcome without money "
                "is possible.",
                before=self.claimed_in,
                after=self.most.currency_code,
            )
            raise ActionRefused([invalid(f"{amount_name}.currencyCode", InputProblem.WRONG_FORM, message)])
        limit_amount(amount_name, amount, self.most)


# What is possible for an order or a case, by the value of the field that decides it.
Possibilities = Callable[[Any], Mapping[str, Possible]]


def always(possible: Callable[[Any], Possible]) -> Possibilities:
    """Returns what is possible where no other field decides it."""
    return lambda subject: {"": possible(subject)}


def resolution_field(
    description: str,
    *,
    label: str,
    possible: Possibilities,
    by: str = "",
    not_accepted: Mapping[ResolutionKind, str] = NOT_LIMITED,
) -> Any:
    """Declares the field of an input that chooses a resolution. `by` is the field that decides what is possible."""

    def now(field: FormField, subject: Any) -> list[FormField]:
        possible_by = possible(subject)
        choices: list[Choice] = []
        for choice in field.choices or ():
            values = [value for value, each in possible_by.items() if each.allows(choice.member)]
            if values:
                choices.append(replace(choice, only_with=_only_with(by, values, possible_by)))
        return [replace(field, choices=choices)]

    return input_field(description, label=label, not_accepted=not_accepted, now=now)


def amount_field(
    description: str,
    *,
    label: str,
    decided_by: str,
    possible: Possibilities,
    by: str = "",
    then: Now | None = None,
) -> Any:
    """Declares the field of an input with the amount of the resolution in `decided_by`. It is required where something
    is paid back. A form has a field for each limit; `then` adds more to it."""

    def now(field: FormField, subject: Any) -> list[FormField]:
        possible_by = possible(subject)
        limits: dict[int | None, list[str]] = {}
        for value, each in possible_by.items():
            if each.pays:
                limits.setdefault(None if each.most is None else each.most.minor, []).append(value)
        limited = [
            replace(
                field,
                max_amount=possible_by[values[0]].most,
                only_with=field.only_with + _only_with(by, values, possible_by),
            )
            for values in limits.values()
        ]
        return limited if then is None else [each for one in limited for each in then(one, subject)]

    return input_field(description, label=label, only_with=(decided_by, PAID_BACK), now=now)


def _only_with(by: str, values: Sequence[str], all_values: Collection[str]) -> tuple[FieldCondition, ...]:
    return (FieldCondition((by,), tuple(map(str, values))),) if len(values) < len(all_values) else ()


def check_amount(checks: Checks, field: str, resolution: ResolutionKind, amount: MoneyInput | None) -> Money | None:
    """Returns the amount to store. It is required where something is paid back, and refused otherwise."""
    if resolution in PAID_BACK and amount is None:
        checks.problem(
            field,
            InputProblem.REQUIRED,
            gettext("An amount is required for this resolution; say how much is paid back."),
        )
    if resolution not in PAID_BACK and amount is not None:
        checks.problem(
            field, InputProblem.WRONG_FORM, gettext("Nothing is paid back with this resolution; leave the amount out.")
        )
    minor = checks.money(field, amount)
    return Money(minor, amount.currency_code) if amount is not None and minor is not None else None


def limit_amount(field: str, amount: Money | None, limit: Money | None) -> None:
    """Raises ActionRefused where the amount is above the limit, or in another currency. None is no limit."""
    if amount is None or limit is None:
        return
    if amount.currency_code != limit.currency_code:
        message = gettext("The currency must be {currency}.", currency=limit.currency_code)
        raise ActionRefused([invalid(f"{field}.currencyCode", InputProblem.WRONG_FORM, message)])
    if limit.minor <= 0:
        message = gettext("Nothing can be paid back for this order now; choose a resolution without an amount.")
        raise ActionRefused([invalid(f"{field}.amount", InputProblem.OUT_OF_RANGE, message)])
    if amount.minor > limit.minor:
        message = gettext("The amount can be at most {limit}.", limit=limit)
        raise ActionRefused([invalid(f"{field}.amount", InputProblem.OUT_OF_RANGE, message)])
