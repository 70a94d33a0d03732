"""The read path: rows by SQL text, each list with its relations to one in one statement, each relation to many in one
more."""

# pyright: reportPrivateUsage=false

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

from models import database
from resolvers import ids
from resolvers.policy import Bind
from resolvers.row import Join, Relation, Row, Shape
from resolvers.scope import SCOPES, WITH_THEIR_ORDER
from resolvers.selection import Asked, Selection
from resolvers.statement import Statement, Where, among

if TYPE_CHECKING:
    from resolvers.context import Context


R = TypeVar("R", bound=Row)


def scope(table: str, context: "Context", bind: Bind) -> str:
    condition = SCOPES[table][context.viewer.role]
    return condition.format(me=bind(context.viewer.id)) if "{me}" in condition else condition


@dataclass(slots=True)
class Plan:
    """What is asked of rows: with each the rows that are joined to it, and what is asked of those; and the relations
    that are read by statements of their own."""

    shape: Shape
    joined: "list[tuple[str, Plan]]"
    rest: list[Asked]


DEEPEST = 3  # joins within joins


def plan(
    context: "Context",
    row_type: type[Row],
    type_name: str,
    selection: Selection,
    also: Asked | None = None,
    *,
    joins: bool = True,
    back: str | None = None,
) -> Plan:
    """For the relations that the selection, and `also`, ask of such rows. Where they come from elsewhere, there are no
    `joins`. `back` is one that is known already.

    Rows are never shared between two places of an answer, so that what one place asks of a row is all there is on it.
    """
    return _plan(context, row_type, type_name, selection, also, DEEPEST if joins else 0, back)


def _plan(
    context: "Context",
    row_type: type[Row],
    type_name: str,
    selection: Selection,
    also: Asked | None,
    deep: int,
    back: str | None,
) -> Plan:
    relations = row_type.relations
    asked = [selection.bare(name) for name in row_type.ALWAYS if name != back]
    asked += selection.on(type_name, relations) if relations else []
    asked += [also] if also else []
    together: dict[Hashable, Asked] = {}
    for each in asked:
        relation = relations[each.name]
        key = relation.group or each.name, relation.key(each.arguments)
        if key in together:
            together[key].below.sets += each.below.sets
        else:
            together[key] = each
    joined: list[tuple[str, Plan]] = []
    shapes: list[tuple[Join, Shape]] = []
    rest: list[Asked] = []
    for each in together.values():
        join = relations[each.name].join
        if join is None or not deep or context.viewer.role is join.known_to:
            rest.append(each)
        else:
            below = _plan(context, join.target, join.type_name, each.below, None, deep - 1, join.back)
            joined.append((join.attribute, below))
            shapes.append((join, below.shape))
    shapes.sort(key=lambda pair: pair[0].attribute)  # alike, in whatever order they are asked for
    return Plan(Shape.of(row_type, tuple(shapes), database.dialect()), joined, rest)


async def fetch(
    context: "Context",
    row_type: type[R],
    where: Where | Sequence[Where],
    *,
    plan: Plan | None = None,
    order: str = "",
    limit: int | None = None,
    lock: bool = False,
    per: str | None = None,
    scoped: bool = True,
) -> list[R]:
    """The rows of `row_type` that the viewer may see and `where` holds for, with what the plan joins to them.

    Several `where` are parts of one list: no row fulfils two of them, and each may be answered by an index of its own.
    They need `order` and `limit`. With `per`, `limit` is for each value of that column. `lock` keeps others from
    changing the rows until the transaction ends. `scoped` is False only for what visible rows name.
    """
    statement = Statement()
    shape = plan.shape if plan else Shape.of(row_type, (), database.dialect())
    table = row_type.MODEL._meta.db_table
    names = ", ".join(shape.columns)

    def bare(where: Where) -> str:
        condition = where(statement.bind)
        if scoped:
            condition = f"({condition}) AND {scope(table, context, statement.bind)}"
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
    if shape.joins:
        before, behind = shape.around
        if shape.scopes:
            behind = behind.format_map({name: scope(name, context, statement.bind) for name in shape.scopes})
        text = f"{before}{text}{behind}"
        if order:
            text += f" ORDER BY {', '.join(f'p.{part}' for part in order.split(', '))}"
    make = shape.make
    return [make(context, record) for record in await statement.run(text)]


async def by_id(context: "Context", row_type: type[R], type_name: str, id: str, plan: Plan | None = None) -> R | None:
    """The viewer's row of this id; None for malformed, absent and somebody else's, alike."""
    key = ids.key_of(type_name, id)
    if key is None:
        return None
    return first(await fetch(context, row_type, lambda bind: f"id = {bind(key)}", plan=plan))


def first(rows: Sequence[R]) -> R | None:
    return rows[0] if rows else None


async def complete(context: "Context", rows: Sequence[Row], plan: Plan) -> None:
    """Reads what the plan leaves to statements of their own, of rows that were fetched by it."""
    if not rows:
        return
    for each in plan.rest:
        await type(rows[0]).relations[each.name].load(context, rows, each)
    for attribute, below in plan.joined:
        if below.rest or below.joined:
            await complete(context, [it for row in rows if (it := getattr(row, attribute)) is not None], below)


async def read(
    context: "Context",
    row_type: type[R],
    type_name: str,
    where: Where,
    selection: Selection,
    also: Asked | None = None,
    *,
    order: str = "",
    scoped: bool = True,
) -> list[R]:
    """The rows as `fetch` finds them, with all that is asked of them."""
    planned = plan(context, row_type, type_name, selection, also)
    rows = await fetch(context, row_type, where, plan=planned, order=order, scoped=scoped)
    await complete(context, rows, planned)
    return rows


def refers_to(owner: type[Row], relation: str, attribute: str, target: type[Row], type_name: str, column: str) -> None:
    """Declares the relation `relation` (its GraphQL name): the target whose id is in the owner's `column`."""

    async def load(context: "Context", rows: Sequence[Any], asked: Asked) -> None:
        rows = [row for row in rows if getattr(row, attribute) is None and getattr(row, column) is not None]
        if not rows:
            return
        keys = {getattr(row, column) for row in rows}
        found = await read(context, target, type_name, lambda bind: among(bind, "id", keys), asked.below)
        by_key = {one.id: one for one in cast("list[Any]", found)}
        for row in rows:
            setattr(row, attribute, by_key.get(getattr(row, column)))

    owner.relations[relation] = Relation(load, join=Join(attribute, target, type_name, f"{{it}}.id = {{row}}.{column}"))


def has_latest(
    owner: type[Row],
    relation: str,
    attribute: str,
    target: type[Row],
    type_name: str,
    *,
    newest: str | None = None,
    only_with: str | None = None,
) -> None:
    """Declares the relation `relation`: of the target's rows that name an order, the one with the greatest `newest`;
    without it there is one at most.

    With `only_with`, an order without that fact has none: the order was read first, and what it says holds.
    """
    table = target.MODEL._meta.db_table
    scoped = table not in WITH_THEIR_ORDER
    order = f"{newest} DESC, id DESC" if newest else "id"

    async def load(context: "Context", rows: Sequence[Any], asked: Asked) -> None:
        by_key = {row.id: row for row in rows if only_with is None or getattr(row, only_with) is not None}
        if not by_key:
            return
        planned = plan(context, target, type_name, asked.below, back="of_order")
        found = await fetch(
            context,
            target,
            lambda bind: among(bind, "order_id", by_key),
            plan=planned,
            order=order,
            limit=1,
            per="order_id" if len(by_key) > 1 else None,
            scoped=scoped,
        )
        latest = {one.order_id: one for one in cast("list[Any]", found)}
        for key, one in latest.items():
            setattr(by_key[key], attribute, one)
            one.of_order = by_key[key]
        await complete(context, list(latest.values()), planned)

    on = "{it}.order_id = {row}.id"
    if newest:
        on = f"{{it}}.id = (SELECT id FROM {table} WHERE order_id = {{row}}.id ORDER BY {order} LIMIT 1)"
    on += f" AND {{row}}.{only_with} IS NOT NULL" if only_with else ""
    join = None if scoped else Join(attribute, target, type_name, on, back="of_order", scoped=False)
    owner.relations[relation] = Relation(load, join=join)
