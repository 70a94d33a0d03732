"""Looks rows up by their id, or by the number that people use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import strawberry

from execution.lookahead import Selection
from models.enums import CaseKind
from models.text import normal, searchable
from resolvers import ids
from resolvers.account import Account
from resolvers.context import Info
from resolvers.errors import BadRequest
from resolvers.feedback import Feedback
from resolvers.files.attachment import Attachment
from resolvers.message import Message
from resolvers.orders.order import Order
from resolvers.read.fetch import first, read
from resolvers.read.pagination import MAX_PAGE_SIZE
from resolvers.read.rows import Row
from resolvers.read.select import Select
from resolvers.read.sql import Where
from resolvers.refunds.refund import Refund
from resolvers.timeline import CASES
from resolvers.viewer import Viewer
from resolvers.write.cases import NUMBER_PREFIXES

_ROWS: dict[str, type[Row]] = {
    row_type.__name__: row_type for row_type in (Account, Order, Feedback, Refund, Message, Attachment, *CASES.values())
}
_KINDS = {letter: kind for kind, letter in NUMBER_PREFIXES.items()}


async def nodes(info: Info, ids: list[strawberry.ID]) -> list[Any]:
    """Returns the rows in the order of the ids; None for each that does not exist for the viewer."""
    if len(ids) > MAX_PAGE_SIZE:
        raise BadRequest(f"At most {MAX_PAGE_SIZE} ids can be sent at once.")
    return await _by_ids(info, ids)


async def node(info: Info, id: strawberry.ID) -> Any:
    [row] = await _by_ids(info, [id])
    return row


async def _by_ids(info: Info, global_ids: Sequence[str]) -> list[Any]:
    decoded = [ids.decode(global_id) for global_id in global_ids]
    viewer, selection = info.context.viewer, Selection.of(info)
    rows: dict[tuple[str, UUID], Any] = {(Viewer.__name__, viewer.id): Viewer(viewer)}
    for type_name in sorted({name for name, _ in filter(None, decoded) if name in _ROWS}):
        keys = {key for name, key in filter(None, decoded) if name == type_name}
        type_rows = await read(info.context, Select(_ROWS[type_name], Where.among("id", keys)), selection)
        # A refund that a running return will owe is not there yet.
        there = (row for row in type_rows if not isinstance(row, Refund) or row.is_shown)
        rows |= {(type_name, row.id): row for row in there}  # type: ignore[attr-defined]
    return [rows.get(entry) if entry else None for entry in decoded]


async def order_by_number(info: Info, number: str) -> Order | None:
    number = normal(number)
    if "\0" in number:
        return None
    return first(await read(info.context, Select(Order, Where("number = {}", number)), Selection.of(info)))


async def case_by_number(info: Info, number: str) -> Row | None:
    number = searchable(number).upper()
    kind: CaseKind | None = _KINDS.get(number[:1])
    if kind is None or "\0" in number:
        return None
    select = Select(CASES[kind], Where("number = {}", number))
    return first(await read(info.context, select, Selection.of(info)))
