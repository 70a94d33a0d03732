"""Declarations of rows' relations: to what they name, to the latest that names them, and to all that do."""

# pyright: reportPrivateUsage=false

from collections.abc import Callable, Hashable, Sequence
from typing import Any, cast
from uuid import UUID

from execution.lookahead import SelectedField
from resolvers.context import Context
from resolvers.read.fetch import fetch, load_relations, read
from resolvers.read.plan import Planned, plan
from resolvers.read.rows import ReadRows, Relation, Row, ToMany, ToOne, merges
from resolvers.read.scopes import WITH_THEIR_ORDER
from resolvers.read.sql import among


def belongs_to(owner: type[Row], relation: str, attribute: str, target: type[Row], type_name: str, column: str) -> None:
    """Declares the relation `relation` (its GraphQL name): the target whose id is in the owner's `column`."""

    async def load(context: Context, rows: Sequence[Any], asked: SelectedField) -> None:
        rows = [row for row in rows if getattr(row, attribute) is None and getattr(row, column) is not None]
        if not rows:
            return
        keys = {getattr(row, column) for row in rows}
        found = await read(context, target, type_name, lambda bind: among(bind, "id", keys), asked.below)
        by_key = {one.id: one for one in cast("list[Any]", found)}
        for row in rows:
            setattr(row, attribute, by_key.get(getattr(row, column)))

    owner.relations[relation] = Relation(
        load, join=ToOne(attribute, target, type_name, f"{{it}}.id = {{row}}.{column}")
    )


def has_latest(
    owner: type[Row],
    relation: str,
    attribute: str,
    target: type[Row],
    type_name: str,
    *,
    newest: str | None = None,
    only_with: str | None = None,
    back: tuple[str, ...] = ("of_order",),
) -> None:
    """Declares the relation `relation`: of the target's rows that name an order, the one with the greatest `newest`;
    without it there is one at most.

    With `only_with`, an order without that fact has none: the order was read first, and what it says holds.
    """
    table = target.MODEL._meta.db_table
    scoped = table not in WITH_THEIR_ORDER
    order = f"{newest} DESC, id DESC" if newest else "id"

    async def load(context: Context, rows: Sequence[Any], asked: SelectedField) -> None:
        by_key = {row.id: row for row in rows if only_with is None or getattr(row, only_with) is not None}
        if not by_key:
            return
        planned = plan(context, target, type_name, asked.below, back=back)
        found = await fetch(
            context,
            target,
            lambda bind: among(bind, "order_id", by_key),
            planned=planned,
            order=order,
            limit=1,
            per="order_id" if len(by_key) > 1 else None,
            scoped=scoped,
        )
        latest = {one.order_id: one for one in cast("list[Any]", found)}
        for key, one in latest.items():
            setattr(by_key[key], attribute, one)
            for name in back:
                setattr(one, name, by_key[key])
        await load_relations(context, list(latest.values()), planned)

    on = "{it}.order_id = {row}.id"
    if newest:
        on = f"{{it}}.id = (SELECT id FROM {table} WHERE order_id = {{row}}.id ORDER BY {order} LIMIT 1)"
    on += f" AND {{row}}.{only_with} IS NOT NULL" if only_with else ""
    join = None if scoped else ToOne(attribute, target, type_name, on, inverse=back, scoped=False)
    owner.relations[relation] = Relation(load, join=join)


def has_many(
    owner: type[Row],
    relation: str,
    many: ToMany,
    *,
    key: Callable[[dict[str, Any]], Hashable] = merges,
    group: str | None = None,
    needs: tuple[str, ...] = (),
) -> None:
    """Declares the relation `relation`, to many."""

    async def load(context: Context, rows: Sequence[Any], asked: SelectedField) -> None:
        part = many.part(asked.arguments)
        planned = plan(context, many.target, many.type_name, many.below(asked.below))

        async def found() -> dict[UUID, list[Any]]:
            of: dict[UUID, list[Any]] = {row.id: [] for row in rows}
            those = await fetch(
                context,
                many.target,
                lambda bind: f"{among(bind, many.column, of)} AND {part.where(bind)}",
                planned=planned,
                order=part.order,
                limit=part.limit,
                per=many.column if len(rows) > 1 else None,
                scoped=many.scoped,
            )
            for one in those:
                of[getattr(one, many.column)].append(one)
            return of

        await many.attach(context, rows, asked, planned, found, False)

    owner.relations[relation] = Relation(load, key, many=many, group=group, needs=needs)


def has_list(
    owner: type[Row],
    relations: Sequence[str],
    attribute: str,
    target: type[Row],
    type_name: str,
    column: str,
    *,
    scoped: bool = True,
) -> None:
    """Declares the `relations`, which are one: all rows of the target that name these in `column`, oldest first."""

    async def put(
        context: Context,
        rows: Sequence[Any],
        _asked: SelectedField,
        planned: Planned,
        found: ReadRows,
        _at_once: bool,
    ) -> None:
        of = await found()
        await load_relations(context, [one for those in of.values() for one in those], planned)
        for row in rows:
            setattr(row, attribute, of[row.id])

    many = ToMany(target, type_name, column, put, scoped=scoped)
    for relation in relations:
        has_many(owner, relation, many, group=attribute)
