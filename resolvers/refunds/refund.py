"""Refunds as a viewer sees them: what is owed, and what the order system told about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import models
from execution.lookahead import SelectedField
from models.enums import CaseKind, RefundCause
from resolvers import policy
from resolvers.context import Context
from resolvers.money import Money, money
from resolvers.orders.order import Order
from resolvers.policy import RefundFacts
from resolvers.read.fetch import read
from resolvers.read.relations import belongs_to, find_target
from resolvers.read.rows import Relation, RelationDeclaration, Row
from resolvers.read.select import Select
from resolvers.read.sql import Where

_CASE_ROWS = {CaseKind.CANCELLATION: "Cancellation", CaseKind.DISPUTE: "Dispute"}


def _names_case(name: str) -> RelationDeclaration:
    """Declares the relation to the case in the columns `case_kind` and `case_id`."""

    def resolve(owner: type[Row]) -> Relation:
        row_types = {kind: find_target(owner, name, target) for kind, target in _CASE_ROWS.items()}

        async def load(context: Context, rows: Sequence[Any], field: SelectedField) -> None:
            for kind, row_type in row_types.items():
                keys = {row.case_id for row in rows if row.case_kind is kind}
                if not keys:
                    continue
                cases: Any = await read(context, Select(row_type, Where.among("id", keys)), field.selection)
                by_key = {case.id: case for case in cases}
                for row in rows:
                    if row.case_kind is kind:
                        row.related_case = by_key.get(row.case_id)

        return Relation(load)

    return RelationDeclaration((name,), resolve)


@dataclass(slots=True, kw_only=True)
class Refund(RefundFacts, Row):
    MODEL = models.Refund
    relations = (belongs_to("order", "Order", column="order_id"), _names_case("relatedCase"))

    context: Context = field(repr=False)
    id: UUID
    order_id: UUID
    case_kind: CaseKind | None
    case_id: UUID | None
    currency: str
    since: datetime
    due_at: datetime
    reference: str | None
    settled_at: datetime | None

    order: Order | None = field(init=False, default=None)
    related_case: Row | None = field(init=False, default=None)

    @property
    def amount_money(self) -> Money:
        return Money(self.amount, self.currency)

    @property
    def outstanding_money(self) -> Money | None:
        return money(self.outstanding, self.currency)

    @property
    def cause(self) -> RefundCause:
        return RefundCause.OTHER if self.case_kind is None else RefundCause(self.case_kind.value)

    @property
    def due_by(self) -> datetime | None:
        return policy.due_by(self.owed_since)

    @property
    def is_shown(self) -> bool:
        return policy.REFUND_SHOWN.holds(self, self.context.viewer.role, self.context.now)

    @property
    def is_overdue(self) -> bool:
        return policy.REFUND_OVERDUE.holds(self, self.context.viewer.role, self.context.now)

    @property
    def differs_at(self) -> datetime | None:
        """The next instant at which time alone shows it, or makes it overdue."""
        due_by = self.due_by if self.outstanding is not None else None
        instants = (instant for instant in (self.hidden_until, due_by) if instant is not None)
        return min(
            (later for instant in instants if (later := instant + policy.MOMENT) > self.context.now), default=None
        )
