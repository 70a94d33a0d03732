"""What `afterwards` of a decision on a dispute needs beside the dispute's facts, read only where a query selects it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from execution.lookahead import SelectedField
from models.enums import Action, Role
from resolvers import policy
from resolvers.context import Context
from resolvers.orders.order import Order
from resolvers.read.fetch import fetch
from resolvers.read.relations import loaded_by
from resolvers.read.rows import RelationDeclaration, Row
from resolvers.read.select import Select
from resolvers.read.sql import Where
from resolvers.write.refunds import read_ledgers

_REOPENING = (Action.APPEAL_DECISION, Action.REFUSE_RETURN)


def needed_afterwards() -> RelationDeclaration:
    """Declares the relation `afterwards` of disputes: the proposal that can be accepted, the outcome that can stand
    again, and what could be claimed if the outcome did not stand."""
    return loaded_by("afterwards", _load, within=("availableActions", "decision"))


async def _load(context: Context, rows: Sequence[Any], field: SelectedField) -> None:
    def on(*actions: Action) -> list[Any]:
        """Returns the disputes on which the viewer may do one of these actions."""
        viewer, now = context.viewer, context.now
        return [row for row in rows if any(policy.is_allowed(action, row, viewer, now) for action in actions)]

    row_type: type[Row] = type(cast("Row", rows[0]))
    relations = row_type.relations_by_name
    if offered := [row for row in on(Action.ACCEPT_PROPOSAL) if row.proposals is None]:
        await relations["proposal"].load(context, offered, field.selection.empty_field("proposal"))
    if reopened := [row for row in on(Action.WITHDRAW_DISPUTE) if row.reopened_at is not None and not row.appeals]:
        await relations["appeal"].load(context, reopened, field.selection.empty_field("appeal"))
    if context.viewer.role is Role.SUPPLIER and (reopenable := on(*_REOPENING)):
        await _load_claimable(context, reopenable)


async def _load_claimable(context: Context, disputes: Sequence[Any]) -> None:
    orders = await fetch(context, Select(Order, Where.among("id", {dispute.order_id for dispute in disputes})))
    ledgers = await read_ledgers(context, orders)
    for dispute in disputes:
        ledger = ledgers[dispute.order_id]
        dispute.claimable_if_reopened = ledger.claimable_without(dispute.id, dispute.reason), ledger.order.currency
