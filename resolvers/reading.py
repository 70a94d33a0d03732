"""The read path: light rows by SQL text, each list in one statement, each relation that is asked for in one more."""

# pyright: reportPrivateUsage=false

from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from dataclasses import MISSING, dataclass, fields
from datetime import UTC, datetime
from functools import cache, cached_property, lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast
from uuid import UUID

import orjson
from tortoise.fields import BooleanField, DatetimeField, JSONField, UUIDField
from tortoise.fields.data import CharEnumFieldInstance
from tortoise.models import Model

from models import database
from models.enums import Role
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
        self._places: dict[datetime | UUID, str] = {}
        self.sign = "$" if database.dialect() == "postgres" else "?"

    def bind(self, value: object) -> str:
        # A value that returns has one placeholder, so that parts of one statement read alike to the planner.
        if isinstance(value, datetime | UUID) and (place := self._places.get(value)) is not None:
            return place
        self.values.append(value)
        place = f"{self.sign}{len(self.values)}"
        if isinstance(value, datetime | UUID):
            self._places[value] = place
        return place

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
            read = {member.value: member for member in kind.enum_type}.__getitem__
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


@dataclass(frozen=True, slots=True, eq=False)
class Join:
    """How a relation to one is read by the statement that reads its rows.

    `on` says in SQL which row of the target it is, where {row} and {it} stand for the two. `back` is the attribute in
    which the target has the row. `known_to` is a role whose viewers need not read it: it is themselves.
    """

    attribute: str
    target: type[Row]
    type_name: str
    on: str
    back: str | None = None
    scoped: bool = True
    known_to: Role | None = None


MOST_SHAPES = 300  # that are kept, of all combinations of joins that documents have asked for


class Shape:
    """What one statement gives: rows, and with each of them those that are joined to it."""

    def __init__(self, row_type: type[Row], joins: "tuple[tuple[Join, Shape], ...]", dialect: str) -> None:
        self.row_type, self.joins = row_type, joins
        self.columns = [name for name, _ in _columns(row_type, dialect)]
        self.dialect = dialect

    @staticmethod
    @lru_cache(MOST_SHAPES)
    def of(row_type: type[Row], joins: "tuple[tuple[Join, Shape], ...]", dialect: str) -> "Shape":
        return Shape(row_type, joins, dialect)

    @cached_property
    def make(self) -> Callable[["Context", Iterable[Any]], Any]:
        """Makes a row of a record. Written out, since a page asks it for a thousand values."""
        scope: dict[str, Any] = {}
        names: list[str] = []
        body = self._body("row", scope, names)
        source = "\n    ".join([f"({', '.join(names)},) = record", *body, "return row"])
        exec(f"def make(context, record):\n    {source}", scope)  # noqa: S102 - made of our own names
        return scope["make"]

    def _body(self, this: str, scope: dict[str, Any], names: list[str]) -> list[str]:
        def constant(value: object) -> str:
            name = f"k{len(scope)}"
            scope[name] = value
            return name

        kind = constant(self.row_type)
        lines = [f"{this} = {constant(object.__new__)}({kind})", f"{this}.context = context"]
        for column, read in _columns(self.row_type, self.dialect):
            name = f"c{len(names)}"
            names.append(name)
            value = f"None if {name} is None else {constant(read)}({name})" if read else name
            lines.append(f"{this}.{column} = {value}")
        for item in fields(cast("Any", self.row_type)):
            if not item.init:
                made = item.default_factory is not MISSING
                value = f"{constant(item.default_factory)}()" if made else constant(item.default)
                lines.append(f"{this}.{item.name} = {value}")
        for join, shape in self.joins:
            it, key = f"{this}_", f"c{len(names) + shape.columns.index('id')}"
            inner = shape._body(it, scope, names)
            inner += [f"{it}.{join.back} = {this}"] if join.back else []
            lines.append(f"if {key} is not None:")
            lines += [f"    {line}" for line in [*inner, f"{this}.{join.attribute} = {it}"]]
        return lines

    def selected(self, alias: str, names: "list[str]") -> tuple[str, str]:
        """What is selected, and what is joined, for rows that stand as `alias`; `names` are the aliases so far. Scopes
        are left open in it."""
        columns, joined = [f"{alias}.{name}" for name in self.columns], ""
        for join, shape in self.joins:
            it = f"j{len(names)}"
            names.append(it)
            table = join.target.MODEL._meta.db_table
            source = f"(SELECT * FROM {table} WHERE {{{table}}})" if join.scoped else table
            below, more = shape.selected(it, names)
            columns.append(below)
            joined += f" LEFT JOIN {source} AS {it} ON {join.on.format(row=alias, it=it)}{more}"
        return ", ".join(columns), joined

    @cached_property
    def around(self) -> tuple[str, str]:
        """What stands before and behind a statement of bare rows, so that it gives all of them; with open scopes."""
        columns, joined = self.selected("p", [])
        return f"SELECT {columns} FROM (", f") AS p{joined}"

    @cached_property
    def scopes(self) -> set[str]:
        mine = {join.target.MODEL._meta.db_table for join, _ in self.joins if join.scoped}
        return mine.union(*(shape.scopes for _, shape in self.joins))


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


def _alike(_arguments: dict[str, Any]) -> Hashable:
    return None


@dataclass(frozen=True, slots=True)
class Relation:
    """How a field that is not a column gets its value: `load` reads it for many rows at once. Where it is asked for
    twice with arguments of the same `key`, it is read once; so are relations of one `group`."""

    load: "Loader"
    key: Callable[[dict[str, Any]], Hashable] = _alike
    join: Join | None = None
    group: str | None = None


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
