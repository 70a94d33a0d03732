"""The read path: rows by SQL text, all that is asked of them in one statement, where the database can give it so."""

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any, TypeVar, cast
from uuid import UUID

from execution.lookahead import SelectedField, Selection
from execution.turns import ROWS, in_turns
from models import database
from models.backends.pool import PlanMode
from resolvers.context import Context
from resolvers.read.plan import Planned, plan
from resolvers.read.rows import Row, RowLayout
from resolvers.read.scopes import scope
from resolvers.read.sql import Statement, Where

R = TypeVar("R", bound=Row)


async def fetch(
    context: Context,
    row_type: type[R],
    where: Where | Sequence[Where],
    *,
    planned: Planned | None = None,
    order: str = "",
    limit: int | None = None,
    lock: bool = False,
    per: str | None = None,
    scoped: bool = True,
    all_theirs: bool = False,
    plans: PlanMode = PlanMode.GENERIC,
) -> list[R]:
    """The rows of `row_type` that the viewer may see and `where` holds for, with what the plan reads with them.

    Several `where` are parts of one list: no row fulfils two of them, and each may be answered by an index of its own.
    They need `order` and `limit`. With `per`, `limit` is for each value of that column. `lock` keeps others from
    changing the rows until the transaction ends. `scoped` is False only for what visible rows name. `all_theirs`
    are rows of the viewer's that nothing names: an index may find them.
    """
    statement = Statement()
    shape = planned.plan.shape if planned else RowLayout.of(row_type, (), (), database.dialect())
    table, names = shape.table, shape.names

    def bare(where: Where) -> str:
        condition = where(statement.bind)
        if scoped:
            mine = scope(table, context, statement.bind)
            condition = f"({condition}) AND {mine if all_theirs else _looked_at(mine)}"
        return f"{table} WHERE {condition}"

    if not callable(where):
        parts = [
            f"SELECT * FROM (SELECT {names} FROM {bare(each)} ORDER BY {order} LIMIT {limit}) AS part" for each in where
        ]
        text = f"SELECT {names} FROM ({' UNION ALL '.join(parts)}) AS parts"
    elif per and limit is not None:
        text = (
            f"SELECT {names} FROM (SELECT {names}, row_number() OVER (PARTITION BY {per} ORDER BY {order})"
            f" AS place FROM {bare(where)}) AS numbered WHERE place <= {limit}"
        )
    else:
        text = f"SELECT {names} FROM {bare(where)}"
    if order:
        text += f" ORDER BY {order}"
    if limit is not None and not per:
        text += f" LIMIT {limit}"
    if lock and statement.sign == "$":
        text += " FOR NO KEY UPDATE"
    if planned and (shape.to_one or shape.to_many):
        before, behind, lists = shape.wrap
        open_in = {name: _looked_at(scope(name, context, statement.bind)) for name in shape.scopes}
        if shape.names_viewer:
            open_in["me"] = statement.bind(context.viewer.id)
        for alias, each in zip(lists, planned.plan.all_lists, strict=True):
            part = each.part(planned.info)
            condition = part.where(statement.bind)
            if each.many.scoped:
                condition += f" AND {scope(each.plan.shape.table, context, statement.bind)}"
            limited = "" if part.limit is None else f" LIMIT {part.limit}"
            open_in[alias] = f"{condition} ORDER BY {part.order}{limited}"
            open_in[f"{alias}_order"] = _of(alias, part.order)
        text = f"{before.format_map(open_in)}{text}{behind.format_map(open_in)}"
        if order:
            text += f" ORDER BY {_of('p', order)}"
    make, records = shape.build_row, await statement.run(text, plans)
    at_once = 30 if shape.to_many else ROWS  # a row with lists of others is as much work as all of them
    if len(records) <= at_once:
        return [make(context, record) for record in records]
    return await in_turns(partial(make, context), records, at_once)


def _looked_at(condition: str) -> str:
    """A condition by which no index is walked: rows that are named are not to be found among all of their party."""
    return f"({condition}) IS TRUE"


@lru_cache(1000)
def _of(alias: str, order: str) -> str:
    return ", ".join(f"{alias}.{part}" for part in order.split(", "))


async def by_id(context: Context, row_type: type[R], id: str, planned: Planned | None = None) -> R | None:
    """The viewer's row of this id; None for malformed, absent and somebody else's, alike."""
    key = row_type.key_of(id)
    if key is None:
        return None
    return first(await fetch(context, row_type, lambda bind: f"id = {bind(key)}", planned=planned))


def first(rows: Sequence[R]) -> R | None:
    return rows[0] if rows else None


async def load_relations(context: Context, rows: Sequence[Row], planned: Planned) -> None:
    """Reads what the plan leaves to statements of their own, of rows that were fetched by it."""
    if not rows:
        return
    info, plan = planned.info, planned.plan
    for place in plan.rest:
        await type(rows[0]).relations_by_name[place.name].load(context, rows, place.asked(info))
    for attribute, below in plan.joined:
        if below.rest or below.joined or below.lists:
            those = [it for row in rows if (it := getattr(row, attribute)) is not None]
            await load_relations(context, those, Planned(below, info))
    for number, each in enumerate(plan.lists):

        async def found(number: int = number) -> dict[UUID, list[Any]]:
            return {cast("Any", row).id: row.collections[number] for row in rows}

        await each.many.attach(context, rows, each.place.asked(info), Planned(each.plan, info), found, True)


async def read(
    context: Context,
    row_type: type[R],
    where: Where,
    selection: Selection,
    also: SelectedField | None = None,
    *,
    order: str = "",
    scoped: bool = True,
) -> list[R]:
    """The rows as `fetch` finds them, with all that is asked of them."""
    planned = plan(context, row_type, selection, also)
    rows = await fetch(context, row_type, where, planned=planned, order=order, scoped=scoped)
    await load_relations(context, rows, planned)
    return rows
