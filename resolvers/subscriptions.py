"""Subscriptions to an order or a case: its viewer gets it after each change, and whenever time alone changes it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

import strawberry

from execution.lookahead import Selection
from models.enums import CaseKind, Role
from resolvers.conflict import other_accounts_of
from resolvers.context import Context, Info
from resolvers.errors import NotFound
from resolvers.feed.feed import CommittedEvent
from resolvers.feed.hub import Snapshot
from resolvers.orders.order import Order
from resolvers.read.fetch import by_id
from resolvers.read.rows import Row
from resolvers.read.scopes import sees_none
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

    async def read(now: datetime) -> Snapshot | None:
        then = replace(context, now=now, arrived_at=now)
        # Time changes an order's dispute as well, even if the subscription does not select it.
        also = selection.empty_field("dispute") if row_type is Order else None
        row: Any = await by_id(then, row_type, id, selection, also)
        return None if row is None else Snapshot(row, row.differs_at)

    sees_complaints = not sees_none("complaints", context.viewer.role)

    def concerns(event: CommittedEvent) -> bool:
        return sees_complaints or event.case_kind is not CaseKind.COMPLAINT

    view = await _sharing_key(context, selection)
    return await context.hub.watch(key, view, read, concerns, initial=bool(initial))


async def _sharing_key(context: Context, selection: Selection) -> tuple[Any, ...]:
    """Returns the key by which subscriptions share one snapshot. All agents see the same, unless an agent may be a
    party as well."""
    viewer = context.viewer
    is_any_agent = viewer.role is Role.AGENT and not await other_accounts_of(viewer)
    # An equal document is the same object while the document cache or a subscription holds it.
    operation, variables = id(selection.info.operation), repr(selection.info.variable_values)
    return viewer.role if is_any_agent else viewer.id, context.origin, operation, variables
