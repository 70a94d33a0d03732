"""The read path: light rows by SQL text, each list in one statement, each relation that is asked for in one more."""

# pyright: reportPrivateUsage=false

from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast
from uuid import UUID

import orjson
from tortoise.fields import BooleanField, DatetimeField, JSONField, UUIDField
from tortoise.fields.data import CharEnumFieldInstance
from tortoise.models import Model

from models import database
from resolvers import ids
from resolvers.policy import Bind
from resolvers.scope import SCOPES, WITH_THEIR_ORDER
from resolvers.selection import Asked, Selection

if TYPE_CHECKING:
    from resolvers.context import Context


class Row:
    """One row of a table as a viewer sees it at an instant: `context` says who and when.

    The fields of a concrete row are the columns it reads, by the columns' names; whatever else it has is a slot
    that is not part of its constructor, filled by a relation.
    """

    __slots__ = ()
    MODEL: ClassVar[type[Model]]
    ALWAYS: ClassVar[tuple[str, ...]] = ()  # relations that the row's own fields need
    relations: ClassVar[dict[str, "Relation"]]

    def __init_subclass__(cls) -> None:
        # Made once for a class, also where a dataclass with slots replaces it by its like.
        cls.relations = cls.__dict__.get("relations", {})


R = TypeVar("R", bound=Row)
Loader = Callable[["Context", Sequence[Any], Asked], Awaitable[None]]
Where = Callable[[Bind], str]


class Statement:
    """The values of a statement under construction, and their placeholders in the database's own spelling."""

    def __init__(self) -> None:
        self.values: list[object] = []
        self.sign = "$" if database.dialect() == "postgres" else "?"

    def bind(self, value: object) -> str:
        self.values.append(value)
        return f"{self.sign}{len(self.values)}"

    async def run(self, text: str) -> Sequence[Iterable[Any]]:
        return await database.select(text, self.values)


def among(bind: Bind, column: str, values: Iterable[object]) -> str:
    return f"{column} IN ({', '.join(map(bind, values)) or 'NULL'})"


def scope(table: str, context: "Context", bind: Bind) -> str:
    condition = SCOPES[table][context.viewer.role]
    return condition.format(me=bind(context.viewer.id)) if "{me}" in condition else condition


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@cache
def _columns(row_type: type[Row], dialect: str) -> list[tuple[str, Callable[[Any], Any] | None]]:
    """The row's columns, and how each is read where the driver does not give it as it is."""
    known: dict[str, Any] = row_type.MODEL._meta.fields_map  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    columns: list[tuple[str, Callable[[Any], Any] | None]] = []
    for name in (item.name for item in fields(cast("Any", row_type)) if item.init and item.name != "context"):
        kind = known[name]
        read: Callable[[Any], Any] | None = None
        if isinstance(kind, CharEnumFieldInstance):
            read = kind.enum_type
        elif isinstance(kind, JSONField):
            read = orjson.loads
        elif dialect == "sqlite" and isinstance(kind, BooleanField):
            read = bool
        elif dialect == "sqlite" and isinstance(kind, UUIDField):
            read = UUID
        elif dialect == "sqlite" and isinstance(kind, DatetimeField):
            read = _instant
        columns.append((name, read))
    return columns


async def fetch(
    context: "Context",
    row_type: type[R],
    where: Where,
    *,
    order: str = "",
    limit: int | None = None,
    lock: bool = False,
    per: str | None = None,
    scoped: bool = True,
) -> list[R]:
    """The rows of `row_type` that the viewer may see and `where` holds for.

    With `per`, `limit` is for each value of that column. `lock` keeps others from changing the rows until the
    transaction ends. `scoped` is False only for what visible rows name.
    """
    statement = Statement()
    columns = _columns(row_type, database.dialect())
    table = row_type.MODEL._meta.db_table
    names = ", ".join(name for name, _ in columns)
    condition = where(statement.bind)
    if scoped:
        condition = f"({condition}) AND {scope(table, context, statement.bind)}"
    text = f"SELECT {names} FROM {table} WHERE {condition}"
    if per and limit is not None:
        text = (
            f"SELECT {names} FROM (SELECT {names}, row_number() OVER (PARTITION BY {per} ORDER BY {order})"
            f" AS place FROM {table} WHERE {condition}) AS numbered WHERE place <= {limit}"
        )
    if order:
        text += f" ORDER BY {order}"
    if limit is not None and not per:
        text += f" LIMIT {limit}"
    if lock and statement.sign == "$":
        text += " FOR NO KEY UPDATE"
    construct: Any = row_type
    rows: list[R] = []
    for record in await statement.run(text):
        values = {
            name: read(value) if read and value is not None else value
            for (name, read), value in zip(columns, record, strict=True)
        }
        rows.append(construct(context=context, **values))
    return rows


async def by_id(context: "Context", row_type: type[R], type_name: str, id: str) -> R | None:
    """The viewer's row of this id; None for malformed, absent and somebody else's, alike."""
    key = ids.key_of(type_name, id)
    if key is None:
        return None
    return first(await fetch(context, row_type, lambda bind: f"id = {bind(key)}"))


def first(rows: Sequence[R]) -> R | None:
    return rows[0] if rows else None


async def complete(
    context: "Context",
    rows: Sequence[Row],
    type_name: str,
    selection: Selection,
    also: Asked | None = None,
) -> None:
    """Reads the relations that the selection, and `also`, ask of these rows, all of one type.

    Rows are never shared between two places of an answer, so that what one place asks of a row is all there is on it.
    """
    if not rows:
        return
    relations = type(rows[0]).relations
    asked = [selection.bare(name) for name in type(rows[0]).ALWAYS]
    asked += [each for each in selection.on(type_name) if each.name in relations]
    asked += [also] if also else []
    together: dict[Hashable, Asked] = {}
    for each in asked:
        key = each.name, relations[each.name].key(each.arguments)
        if key in together:
            together[key].below.sets += each.below.sets
        else:
            together[key] = each
    for each in together.values():
        await relations[each.name].load(context, rows, each)


def _alike(_arguments: dict[str, Any]) -> Hashable:
    return None


@dataclass(frozen=True, slots=True)
class Relation:
    """How a field that is not a column gets its value: `load` reads it for many rows at once. Where it is asked for
    twice with arguments of the same `key`, it is read once."""

    load: "Loader"
    key: Callable[[dict[str, Any]], Hashable] = _alike


def refers_to(owner: type[Row], relation: str, attribute: str, target: type[Row], type_name: str, column: str) -> None:
    """Declares the relation `relation` (its GraphQL name): the target whose id is in the owner's `column`."""

    async def load(context: "Context", rows: Sequence[Any], asked: Asked) -> None:
        rows = [row for row in rows if getattr(row, attribute) is None and getattr(row, column) is not None]
        if not rows:
            return
        keys = {getattr(row, column) for row in rows}
        found = cast("list[Any]", await fetch(context, target, lambda bind: among(bind, "id", keys)))
        await complete(context, found, type_name, asked.below)
        by_key = {one.id: one for one in found}
        for row in rows:
            setattr(row, attribute, by_key.get(getattr(row, column)))

    owner.relations[relation] = Relation(load)


def has_latest(
    owner: type[Row],
    relation: str,
    attribute: str,
    target: type[Row],
    type_name: str,
    *,
    newest: str,
    only_with: str | None = None,
) -> None:
    """Declares the relation `relation`: of the target's rows that name an order, the one with the greatest `newest`.

    With `only_with`, an order without that fact has none: the order was read first, and what it says holds.
    """

    async def load(context: "Context", rows: Sequence[Any], asked: Asked) -> None:
        by_key = {row.id: row for row in rows if only_with is None or getattr(row, only_with) is not None}
        if not by_key:
            return
        found = await fetch(
            context,
            target,
            lambda bind: among(bind, "order_id", by_key),
            order=f"{newest} DESC, id DESC" if newest != "id" else "id DESC",
            limit=1,
            per="order_id" if len(by_key) > 1 else None,
            scoped=target.MODEL._meta.db_table not in WITH_THEIR_ORDER,
        )
        latest = {one.order_id: one for one in cast("list[Any]", found)}
        for key, one in latest.items():
            setattr(by_key[key], attribute, one)
            one.of_order = by_key[key]
        await complete(context, list(latest.values()), type_name, asked.below)

    owner.relations[relation] = Relation(load)
