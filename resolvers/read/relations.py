"""Declarations of relations. A row class declares its own, and names each target by its class name.

    @dataclass(slots=True, kw_only=True)
    class Feedback(Row):
        MODEL = models.Feedback
        relations = (belongs_to("order", "Order", column="order_id"),)

        order_id: UUID
        order: Order | None = field(init=False, default=None)  # the attribute that the relation sets

`resolve_relations` looks all targets up once, when the schema is built. It fails there if a target, a column or an
attribute is missing. Orders name their cases, and cases name their order, without importing each other's files.

The planner (`resolvers.read.plan`) chooses how a relation is read: joined to the statement of its rows, as an array in
that statement, or by one more statement for all rows together. Never by a statement for each row (no N+1).
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, cast
from uuid import UUID

from execution.lookahead import SelectedField
from resolvers.context import Context
from resolvers.read.fetch import fetch, load_relations, read
from resolvers.read.plan import Planned, plan
from resolvers.read.rows import (
    ListSlice,
    Loader,
    ReadRows,
    Relation,
    RelationDeclaration,
    Row,
    ToMany,
    ToOne,
    column_names,
    row_types,
    same_for_all_arguments,
)
from resolvers.read.scopes import WITH_ITS_ORDER, Unscoped, Visibility
from resolvers.read.select import Select
from resolvers.read.sql import Where


class RelationError(Exception):
    """A declaration names something that does not exist."""


def resolve_relations(types: Iterable[type[Row]] | None = None) -> None:
    """Resolves the declarations of all row classes, or of `types`. Raises RelationError."""
    for row_type in row_types.values() if types is None else types:
        relations: dict[str, Relation] = {}
        for declaration in row_type.relations:
            relation = declaration.resolve(row_type)
            for name in declaration.names:
                if name in relations:
                    raise RelationError(f"{row_type.__name__} declares the relation {name!r} twice.")
                relations[name] = relation
        needed = (name for relation in relations.values() for name in relation.needs)
        for name in (*row_type.ALWAYS, *needed):
            if name not in relations:
                raise RelationError(f"{row_type.__name__} needs the relation {name!r}, but does not declare it.")
        row_type.relations_by_name = relations


def find_target(owner: type[Row], relation: str, target: str) -> type[Row]:
    """Returns the row class of this name. Raises RelationError."""
    if target not in row_types:
        raise RelationError(f"{owner.__name__}.{relation}: there is no row class named {target!r}.")
    return row_types[target]


def require_column(owner: type[Row], relation: str, row_type: type[Row], column: str) -> None:
    if column not in column_names(row_type):
        raise RelationError(f"{owner.__name__}.{relation}: {row_type.__name__} has no column {column!r}.")


def require_attribute(owner: type[Row], relation: str, row_type: type[Row], attribute: str) -> None:
    if not hasattr(row_type, attribute):
        raise RelationError(f"{owner.__name__}.{relation}: {row_type.__name__} has no attribute {attribute!r}.")


def belongs_to(name: str, target: str, *, column: str) -> RelationDeclaration:
    """Declares the relation `name`, which is also the attribute: the target whose id is in the owner's `column`."""

    def resolve(owner: type[Row]) -> Relation:
        target_type = find_target(owner, name, target)
        require_column(owner, name, owner, column)
        require_attribute(owner, name, owner, name)

        async def load(context: Context, rows: Sequence[Any], field: SelectedField) -> None:
            rows = [row for row in rows if getattr(row, name) is None and getattr(row, column) is not None]
            if not rows:
                return
            keys = {getattr(row, column) for row in rows}
            targets = await read(context, Select(target_type, Where.among("id", keys)), field.selection)
            by_key = {row.id: row for row in cast("list[Any]", targets)}
            for row in rows:
                setattr(row, name, by_key.get(getattr(row, column)))

        return Relation(load, join=ToOne(name, target_type, f"{{it}}.id = {{row}}.{column}"))

    return RelationDeclaration((name,), resolve)


def has_latest(
    name: str,
    target: str,
    *,
    attribute: str | None = None,
    newest: str | None = None,
    only_with: str | None = None,
    inverse: tuple[str, ...] = ("of_order",),
) -> RelationDeclaration:
    """Declares the relation `name` of orders: the target that names the order, with the greatest `newest`. Without
    `newest` there is at most one. The target's attributes `inverse` are set to the order.

    With `only_with`, an order whose fact of this name is not set has no target. The order was read first, so the answer
    is consistent.
    """
    attribute = attribute or name

    def resolve(owner: type[Row]) -> Relation:
        target_type = find_target(owner, name, target)
        require_column(owner, name, target_type, "order_id")
        require_attribute(owner, name, owner, attribute)
        if only_with:
            require_column(owner, name, owner, only_with)
        if newest:
            require_column(owner, name, target_type, newest)
        for inverse_attribute in inverse:
            require_attribute(owner, name, target_type, inverse_attribute)
        table = target_type.MODEL._meta.db_table  # pyright: ignore[reportPrivateUsage]
        visibility = Unscoped(WITH_ITS_ORDER[table]) if table in WITH_ITS_ORDER else Visibility.NAMED
        order = f"{newest} DESC, id DESC" if newest else "id"

        async def load(context: Context, rows: Sequence[Any], field: SelectedField) -> None:
            by_key = {row.id: row for row in rows if only_with is None or getattr(row, only_with) is not None}
            if not by_key:
                return
            planned = plan(context, target_type, field.selection, inverse=inverse)
            select = Select(
                target_type,
                Where.among("order_id", by_key),
                order,
                limit=1,
                per="order_id" if len(by_key) > 1 else None,
                visibility=visibility,
            )
            targets = await fetch(context, select, planned)
            latest = {row.order_id: row for row in cast("list[Any]", targets)}
            for key, row in latest.items():
                setattr(by_key[key], attribute, row)
                for inverse_attribute in inverse:
                    setattr(row, inverse_attribute, by_key[key])
            await load_relations(context, list(latest.values()), planned)

        on = "{it}.order_id = {row}.id"
        if newest:
            on = f"{{it}}.id = (SELECT id FROM {table} WHERE order_id = {{row}}.id ORDER BY {order} LIMIT 1)"
        on += f" AND {{row}}.{only_with} IS NOT NULL" if only_with else ""
        scoped = visibility is Visibility.NAMED
        join = None if scoped else ToOne(attribute, target_type, on, inverse=inverse, visibility=visibility)
        return Relation(load, join=join)

    return RelationDeclaration((name,), resolve)


def has_list(
    names: tuple[str, ...],
    target: str,
    *,
    attribute: str,
    column: str,
    visibility: Visibility | Unscoped = Visibility.NAMED,
    order: str = "id",
) -> RelationDeclaration:
    """Declares a relation that has several `names`: all targets that name the owner in their `column`, in this order.
    Ids rise, so by `id` the oldest is first."""

    async def attach(
        context: Context,
        rows: Sequence[Any],
        _field: SelectedField,
        planned: Planned,
        read_rows: ReadRows,
        _joined: bool,
    ) -> None:
        by_owner = await read_rows()
        await load_relations(context, [row for targets in by_owner.values() for row in targets], planned)
        for row in rows:
            setattr(row, attribute, by_owner[row.id])

    def resolve(owner: type[Row]) -> Relation:
        target_type = find_target(owner, attribute, target)
        require_column(owner, attribute, target_type, column)
        require_attribute(owner, attribute, owner, attribute)
        require_attribute(owner, attribute, owner, "collections")
        whole = ListSlice(order)
        many = ToMany(target_type, column, attach, lambda _arguments: whole, visibility=visibility)
        return to_many(many, group=attribute)

    return RelationDeclaration(names, resolve)


def loaded_by(
    name: str,
    load: Loader,
    *,
    key: Callable[[dict[str, Any]], Hashable] = same_for_all_arguments,
    needs: tuple[str, ...] = (),
    within: tuple[str, ...] = (),
) -> RelationDeclaration:
    """Declares the relation `name` that `load` reads by statements of its own. It is a field of the owner, or of the
    type of the owner's fields `within`."""
    return RelationDeclaration((name,), lambda _owner: Relation(load, key, needs=needs, within=within))


def to_many(
    many: ToMany,
    *,
    key: Callable[[dict[str, Any]], Hashable] = same_for_all_arguments,
    group: str | None = None,
    needs: tuple[str, ...] = (),
) -> Relation:
    """Returns the relation that reads `many`, for its owners or by a statement for all of them."""

    async def load(context: Context, rows: Sequence[Any], field: SelectedField) -> None:
        part = many.slice(field.arguments)
        planned = plan(context, many.target, many.below(field.selection))

        async def read_rows() -> dict[UUID, list[Any]]:
            by_owner: dict[UUID, list[Any]] = {row.id: [] for row in rows}
            select = Select(
                many.target,
                Where.among(many.column, by_owner) & part.where,
                part.order,
                part.limit,
                per=many.column if len(rows) > 1 else None,
                visibility=many.visibility,
            )
            for target in await fetch(context, select, planned):
                by_owner[getattr(target, many.column)].append(target)
            return by_owner

        await many.attach(context, rows, field, planned, read_rows, False)

    return Relation(load, key, many=many, group=group, needs=needs)
