"""Fetching: a `Select` becomes one statement, its records become rows, and the rows get their planned relations.

The plan in `resolvers.read.plan` becomes this statement. The rows of the page are found first, by an index in the
list's order; everything else is joined to that page alone.

    SELECT p.kind, ..., j0.id, ..., j1.id, ..., j2.id, ..., ARRAY(
      SELECT ROW(j3.id, ...) FROM (
        SELECT id, ... FROM events WHERE order_id = p.id AND TRUE AND (...) ORDER BY at ASC, id ASC LIMIT 2
      ) AS j3 ORDER BY j3.at ASC, j3.id ASC)
    FROM (
      SELECT kind, ... FROM orders WHERE (TRUE) AND buyer_id = $1 ORDER BY placed_at DESC, id DESC LIMIT 3
    ) AS p
    LEFT JOIN disputes AS j0
      ON j0.id = (SELECT id FROM disputes WHERE order_id = p.id ORDER BY opened_at DESC, id DESC LIMIT 1)
    LEFT JOIN feedback AS j1 ON j1.order_id = p.id AND p.feedback_left_at IS NOT NULL
    LEFT JOIN accounts AS j2 ON j2.id = p.supplier_id
    ORDER BY p.placed_at DESC, p.id DESC

Each limit is one more than the page, to know whether more follows.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, TypeVar, cast
from uuid import UUID

from execution.lookahead import SelectedField, Selection
from execution.yielding import ROWS, map_yielding
from models import database
from resolvers.context import Context
from resolvers.read.plan import Planned, plan
from resolvers.read.rows import Row, RowLayout
from resolvers.read.select import Select
from resolvers.read.sql import Where

R = TypeVar("R", bound=Row)

ROWS_WITH_LISTS = 30  # built in one piece; a row with lists takes as long as all of the rows in them


async def fetch(context: Context, select: Select[R], planned: Planned | None = None) -> list[R]:
    """Returns the rows, with the relations that the plan reads by the same statement."""
    if planned is None:
        layout = RowLayout.of(select.row_type, (), (), database.dialect())
        text, values = select.statement(context.viewer, layout)
    else:
        layout = planned.plan.layout
        text, values = select.statement(context.viewer, layout, planned.plan.slices(planned.info))
    records = await database.select(text, values, select.plan_mode)
    build_row, at_once = layout.build_row, ROWS_WITH_LISTS if layout.to_many else ROWS
    if len(records) <= at_once:
        return [build_row(context, record) for record in records]
    return await map_yielding(partial(build_row, context), records, at_once)


async def load_relations(context: Context, rows: Sequence[Row], planned: Planned) -> None:
    """Reads the other relations in the plan, for rows that `fetch` returned."""
    if not rows:
        return
    info, plan = planned.info, planned.plan
    relations = type(rows[0]).relations_by_name
    for field in plan.separate:
        await relations[field.name].load(context, rows, field.selected_field(info))
    for attribute, below in plan.joined:
        if below.separate or below.joined or below.lists:
            targets = [target for row in rows if (target := getattr(row, attribute)) is not None]
            await load_relations(context, targets, Planned(below, info))
    for number, planned_list in enumerate(plan.lists):

        async def read_rows(number: int = number) -> dict[UUID, list[Any]]:
            return {cast("Any", row).id: row.collections[number] for row in rows}

        field, below = planned_list.field.selected_field(info), Planned(planned_list.plan, info)
        await planned_list.many.attach(context, rows, field, below, read_rows, True)


async def read(context: Context, select: Select[R], selection: Selection, also: SelectedField | None = None) -> list[R]:
    """Returns the rows with all that the query selects of them."""
    planned = plan(context, select.row_type, selection, also)
    rows = await fetch(context, select, planned)
    await load_relations(context, rows, planned)
    return rows


async def by_id(
    context: Context,
    row_type: type[R],
    id: str,
    selection: Selection | None = None,
    also: SelectedField | None = None,
) -> R | None:
    """Returns the viewer's row of this id, with all that the query selects of it; None for malformed, absent and
    somebody else's, alike."""
    planned = plan(context, row_type, selection, also) if selection is not None else None
    key = row_type.key_of(id)
    if key is None:
        return None
    row = first(await fetch(context, Select(row_type, Where("id = {}", key)), planned))
    if row is not None and planned is not None:
        await load_relations(context, [row], planned)
    return row


def first(rows: Sequence[R]) -> R | None:
    return rows[0] if rows else None
