"""Resolutions: how a dispute or a complaint can end, and the amount that is paid back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from models.enums import InputProblem, ResolutionKind, Role
from resolvers.account import Account
from resolvers.context import Context
from resolvers.errors import ActionRefused, invalid
from resolvers.language import gettext
from resolvers.money import Money, money
from resolvers.write.checks import Checks
from resolvers.write.inputs import MoneyInput

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
