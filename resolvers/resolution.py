"""How a dispute or a complaint can end, and what it may cost: for wishes, proposals and decisions alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from models.enums import InputProblem, ResolutionKind, Role
from resolvers.account import Account
from resolvers.context import Context
from resolvers.errors import ActionRefused, invalid
from resolvers.money import Money, money
from resolvers.write.inputs import Checks, MoneyInput

PAID_BACK = frozenset({ResolutionKind.REFUND, ResolutionKind.PARTIAL_REFUND, ResolutionKind.RETURN_AND_REFUND})


@dataclass(frozen=True, slots=True)
class Outcome:
    resolution: ResolutionKind
    amount: Money | None
    by: Account
    at: datetime
    note: str | None


class Decided:
    """A case with the columns of an outcome, which are set once it was settled or resolved."""

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
        # What people wrote in a case is not for the order system.
        note = None if self.context.viewer.role is Role.SERVICE else self.outcome_note
        return Outcome(self.outcome_resolution, amount, self.outcome_by, self.closed_at, note)


def outcome_columns(resolution: ResolutionKind, amount: Money | None, by_id: UUID, note: str | None) -> dict[str, Any]:
    """What `Decided` reads, to be stored."""
    return {
        "outcome_resolution": resolution,
        "outcome_amount": amount.minor if amount else None,
        "outcome_currency": amount.currency_code if amount else None,
        "outcome_by_id": by_id,
        "outcome_note": note,
    }


def check_amount(checks: Checks, field: str, resolution: ResolutionKind, amount: MoneyInput | None) -> Money | None:
    """The amount to store: needed where something is paid back, and not taken anywhere else."""
    if resolution in PAID_BACK and amount is None:
        checks.problem(field, InputProblem.REQUIRED, "Say how much is to be paid back.")
    if resolution not in PAID_BACK and amount is not None:
        checks.problem(field, InputProblem.WRONG_FORM, "Nothing is paid back this way, so it takes no amount.")
    minor = checks.money(field, amount)
    return Money(minor, amount.currency_code) if amount is not None and minor is not None else None


def limit_amount(field: str, amount: Money | None, most: Money | None) -> None:
    """Raises Refused where the amount is in another currency than `most`, or above it. `most` is None for no limit."""
    if amount is None or most is None:
        return
    if amount.currency_code != most.currency_code:
        message = f"This has to be in {most.currency_code}."
        raise ActionRefused([invalid(f"{field}.currencyCode", InputProblem.WRONG_FORM, message)])
    if most.minor <= 0:
        message = "Nothing can be paid back for this order now."
        raise ActionRefused([invalid(f"{field}.amount", InputProblem.OUT_OF_RANGE, message)])
    if amount.minor > most.minor:
        message = f"This can be {most.amount} {most.currency_code} at most."
        raise ActionRefused([invalid(f"{field}.amount", InputProblem.OUT_OF_RANGE, message)])
