"""Subscriptions: a viewer gets an order or a case, or whatever is theirs, after each change, and whenever time alone
changes it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from execution.lookahead import Selection
from models.enums import CaseKind, Role
from resolvers.conflict import other_accounts_of
from resolvers.context import Context, Info
from resolvers.errors import NotFound
from resolvers.feed.feed import CommittedEvent
from resolvers.feed.hub import Change, News, Snapshot
from resolvers.orders.order import Order
from resolvers.read.fetch import by_id, read
from resolvers.read.rows import Row
from resolvers.read.scopes import sees_none
from resolvers.read.select import Select
from resolvers.read.sql import Where
from resolvers.time_changes import time_changes
from resolvers.timeline import CASES


async def order_changed(info: Info, order_id: strawberry.ID, initial: bool | None = False) -> AsyncIterator[Order]:
    return await _watch(info, [Order], order_id, initial)


async def case_changed(info: Info, case_id: strawberry.ID, initial: bool | None = False) -> AsyncIterator[Row]:
    return await _watch(info, CASES.values(), case_id, initial)


async def _watch(info: Info, row_types: Iterable[type[Row]], id: str, initial: bool | None) -> AsyncIterator[Any]:
    keys = ((row_type, row_type.key_of(id)) for row_type in row_types)
    row_type, key = next(((row_type, key) for row_type, key in keys if key is not None), (None, None))
    if row_type is None or key is None:
        raise NotFound
    context, selection = info.context, Selection.of(info)

    async def read_row(now: datetime) -> Snapshot | None:
        then = replace(context, now=now, arrived_at=now)
        # Time changes an order's dispute as well, even if the subscription does not select it.
        also = selection.empty_field("dispute") if row_type is Order else None
        row: Any = await by_id(then, row_type, id, selection, also)
        return None if row is None else Snapshot(row, row.differs_at)

    sees_complaints = not sees_none("complaints", context.viewer.role)

    def concerns(event: CommittedEvent) -> bool:
        return sees_complaints or event.case_kind is not CaseKind.COMPLAINT

    view = await _sharing_key(context, selection)
    return await context.hub.watch(key, view, read_row, concerns, initial=bool(initial))


@dataclass(slots=True)
class ViewerChange:
    """An order or a case of the viewer that changed, or both."""

    order: Order | None
    related_case: Any


async def viewer_changed(info: Info) -> AsyncIterator[ViewerChange]:
    context, selection = info.context, Selection.of(info)
    viewer = context.viewer

    async def read_news(changes: Sequence[Change], since: datetime, now: datetime) -> News:
        then = replace(context, now=now, arrived_at=now)
        by_time, differs_at = await time_changes(then, since)
        return News(await _read_changes(then, [*changes, *by_time], selection), differs_at)

    view = await _sharing_key(context, selection)
    topic = Role.AGENT if viewer.role is Role.AGENT else viewer.id
    return await context.hub.watch_viewer(topic, view, read_news)


async def _read_changes(context: Context, changes: Sequence[Change], selection: Selection) -> list[ViewerChange]:
    """Returns what the viewer sees of each change. Each table is read once, with what the subscription selects. A
    change of which the viewer sees nothing is left out."""
    fields = {occurrence.name for occurrence in selection.occurrences(ViewerChange.__name__)}
    reads_cases = "relatedCase" in fields
    reads_orders = "order" in fields or not reads_cases  # one of them, to know whether the viewer may see the change
    orders = {change.order_id for change in changes if reads_orders or change.case is None}
    cases = {change.case for change in changes if reads_cases or change.order_id is None}
    rows: dict[UUID, Any] = await _rows(context, Order, orders - {None}, selection.field("order"))
    for kind, row_type in CASES.items():
        keys = {case[1] for case in cases if case is not None and case[0] is kind}
        rows |= await _rows(context, row_type, keys, selection.field("relatedCase"))
    seen: list[ViewerChange] = []
    for change in changes:
        order = rows.get(change.order_id) if change.order_id is not None else None
        case = rows.get(change.case[1]) if change.case is not None else None
        if order is not None or case is not None:
            seen.append(ViewerChange(order, case))
    return seen


async def _rows(context: Context, row_type: type[Row], keys: set[Any], selection: Selection) -> dict[UUID, Any]:
    if not keys:
        return {}
    found: list[Any] = await read(context, Select(row_type, Where.among("id", sorted(keys))), selection)
    return {row.id: row for row in found}


async def _sharing_key(context: Context, selection: Selection) -> tuple[Any, ...]:
    """Returns the key by which subscriptions share one snapshot. All agents see the same, unless an agent may be a
    party as well."""
    viewer = context.viewer
    is_any_agent = viewer.role is Role.AGENT and not await other_accounts_of(viewer)
    # An equal document is the same object while the document cache or a subscription holds it.
    operation, variables = id(selection.info.operation), repr(selection.info.variable_values)
    return viewer.role if is_any_agent else viewer.id, context.origin, operation, variables
