"""Appeals: a party asks for another decision, once. The outcome that stood until then is kept with the appeal."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import models
from models.enums import ResolutionKind, Role
from resolvers.account import Account, names_account
from resolvers.context import Context
from resolvers.read.rows import Row
from resolvers.resolution import Decided, Outcome


@dataclass(slots=True, kw_only=True)
class Appeal(Decided, Row):
    """An appeal, or a refused return, which has no text. Both opened the dispute again."""

    MODEL = models.Reopening
    relations = (names_account("by"), names_account("decision", attribute="outcome_by"))

    context: Context = field(repr=False)
    id: UUID
    dispute_id: UUID
    by_id: UUID
    at: datetime
    text: str | None
    outcome_resolution: ResolutionKind | None
    outcome_amount: int | None
    outcome_currency: str | None
    outcome_by_id: UUID
    outcome_note: str | None
    closed_at: datetime | None
    facts: dict[str, Any]

    by: Account | None = field(init=False, default=None)
    outcome_by: Account | None = field(init=False, default=None)

    @property
    def shown_text(self) -> str:
        """What people write in a case is not for the order system."""
        return "" if self.context.viewer.role is Role.SERVICE else self.text or ""

    @property
    def decision(self) -> Outcome | None:
        return self.outcome
