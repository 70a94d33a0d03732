"""Proposals: what a party of a dispute, or its buyer's first wish, offers as a settlement."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import models
from models.enums import ResolutionKind
from models.keys import new_id
from resolvers.account import Account, names_account
from resolvers.context import Context
from resolvers.money import Money, money
from resolvers.read.rows import Row
from resolvers.write.perform import UnitOfWork


@dataclass(slots=True, kw_only=True)
class Proposal(Row):
    MODEL = models.Proposal
    relations = (names_account("by"),)

    context: Context = field(repr=False)
    id: UUID
    dispute_id: UUID
    resolution: ResolutionKind
    amount: int | None
    currency: str | None
    by_id: UUID
    at: datetime
    accepted: bool | None

    by: Account | None = field(init=False, default=None)

    @property
    def amount_money(self) -> Money | None:
        return money(self.amount, self.currency)


def add_proposal(
    unit: UnitOfWork,
    dispute_id: UUID,
    resolution: ResolutionKind,
    amount: Money | None,
    *,
    accepted: bool | None = None,
) -> None:
    """Adds a proposal of the viewer: the current one, unless it is `accepted` at once."""
    columns = {
        "id": new_id(),
        "dispute_id": dispute_id,
        "resolution": resolution,
        "amount": amount.minor if amount else None,
        "currency": amount.currency_code if amount else None,
        "by_id": unit.context.viewer.id,
        "at": unit.now,
        "accepted": accepted,
    }
    unit.insert(models.Proposal, columns)
