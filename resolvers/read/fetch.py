"""The read path: rows by SQL text, all that is asked of them in one statement, where the database can give it so."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from graphql import GraphQLResolveInfo

from execution.lookahead import FieldOccurrence, SelectedField, Selection
from execution.turns import ROWS, in_turns
from models import database
from models.database import PlanMode
from resolvers import ids
from resolvers.policy import Bind
from resolvers.read.rows import ListSlice, Relation, Row, RowLayout, ToMany, ToOne
from resolvers.read.scopes import SCOPES
from resolvers.read.sql import Statement, Where

if TYPE_CHECKING:
    from resolvers.context import Context


R = TypeVar("R", bound=Row)


def scope(table: str, context: "Context", bind: Bind) -> str:
    condition = SCOPES[table][context.viewer.role]
    return condition.format(me=bind(context.viewer.id)) if "{me}" in condition else condition


@dataclass
class Plan:
    """What an operation asks of rows: of which shape they are, what is asked of those that are joined to them and of
    those in lists; and the relations that are read by statements of their own."""

    shape: RowLayout
    joined: "list[tuple[str, Plan]]"
    lists: "list[PlannedList]"
    rest: list[FieldOccurrence]
    is_fixed: bool  # alike for all requests

    @cached_property
    def all_lists(self) -> "list[PlannedList]":
        """In the order in which their rows are selected."""
        return [*(each for _, below in self.joined for each in below.all_lists), *self.lists]


@dataclass
class PlannedList:
    """A relation to many that is read with its rows, and what is asked of those in the list."""

    place: FieldOccurrence
    many: ToMany
    plan: Plan

    @cached_property
    def _fixed(self) -> ListSlice:
        return self.many.part(self.place.constants or {})

    def part(self, info: GraphQLResolveInfo[Any]) -> ListSlice:
        return self.many.part(self.place.asked(info).arguments) if self.place.constants is None else self._fixed


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, and the request that it is for."""

    plan: Plan
    info: GraphQLResolveInfo[Any]


MAX_JOIN_DEPTH = 3  # joins within joins


def plan(
    context: "Context",
    row_type: type[Row],
    type_name: str,
    selection: Selection,
    also: SelectedField | None = None,
    *,
    joins: bool = True,
    back: tuple[str, ...] = (),
) -> Planned:
    """For the relations that the selection, and `also` (which has no arguments), ask of such rows. Where they come
    from elsewhere, there are no `joins`. `back` are known already.

    Rows are never shared between two places of an answer, so that what one place asks of a row is all there is on it.
    """
    kept = selection.kept
    more = (also.name, *map(id, also.below.sets)) if also else None
    key = ("plan", row_type, context.viewer.role, joins, back, more, *map(id, selection.sets))
    found: Plan | None = kept.get(key)
    if found is None:
        extra = [FieldOccurrence(also.name, also.below.sets, {})] if also else []
        found = _plan(context, row_type, type_name, selection, extra, MAX_JOIN_DEPTH if joins else 0, back)
        if found.is_fixed:
            kept[key] = found
    return Planned(found, selection.info)


def _plan(
    context: "Context",
    row_type: type[Row],
    type_name: str,
    selection: Selection,
    extra: list[FieldOccurrence],
    deep: int,
    back: tuple[str, ...],
    *,
    has_lists: bool = True,
) -> Plan:
    info, relations = selection.info, row_type.relations
    places = [FieldOccurrence(name, [], {}) for name in row_type.ALWAYS]
    places += selection.places(type_name, relations) if relations else []
    places = [place for place in places if place.name not in back]
    places += extra
    places += [FieldOccurrence(name, [], {}) for place in places for name in relations[place.name].needs]
    places = [place for place in places if relations[place.name].only_for in (None, context.viewer.role)]
    together, is_fixed = _together(relations, places, info)
    joined: list[tuple[ToOne, Plan]] = []
    lists: list[PlannedList] = []
    rest: list[FieldOccurrence] = []
    for place in together:
        relation, below = relations[place.name], Selection(info, place.sets)
        if (join := relation.join) is not None and deep and context.viewer.role is not join.known_to:
            each = _plan(context, join.target, join.type_name, below, [], deep - 1, join.inverse, has_lists=has_lists)
            joined.append((join, each))
        elif (many := relation.many) is not None and deep and has_lists and database.dialect() == "postgres":
            # No lists within lists: the driver does not read them.
            asked = many.below(below)
            each = _plan(context, many.target, many.type_name, asked, [], deep - 1, (), has_lists=False)
            lists.append(PlannedList(place, many, each))
        else:
            rest.append(place)
    joined.sort(key=lambda pair: pair[0].attribute)  # alike, in whatever order they are asked for
    plans = [*(plan for _, plan in joined), *(each.plan for each in lists)]
    shape = RowLayout.of(
        row_type,
        tuple((join, plan.shape) for join, plan in joined),
        tuple((each.many, each.plan.shape) for each in lists),
        database.dialect(),
    )
    return Plan(
        shape,
        [(join.attribute, plan) for join, plan in joined],
        lists,
        rest,
        is_fixed and all(plan.is_fixed for plan in plans),
    )


def _together(
    relations: dict[str, Relation], places: list[FieldOccurrence], info: GraphQLResolveInfo[Any]
) -> tuple[list[FieldOccurrence], bool]:
    """Places that ask for the same as one, and whether it is the same in all requests."""
    names = [relations[place.name].group or place.name for place in places]
    together: dict[Hashable, FieldOccurrence] = {}
    is_fixed = True
    for name, place in zip(names, places, strict=True):
        key: Hashable = None
        if names.count(name) > 1:
            key = relations[place.name].key(place.asked(info).arguments)
            is_fixed = is_fixed and place.constants is not None
        known = together.get((name, key))
        sets = [*known.sets, *place.sets] if known else place.sets
        together[name, key] = replace(known or place, sets=sets)
    return list(together.values()), is_fixed


async def fetch(
    context: "Context",
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


async def by_id(
    context: "Context", row_type: type[R], type_name: str, id: str, planned: Planned | None = None
) -> R | None:
    """The viewer's row of this id; None for malformed, absent and somebody else's, alike."""
    key = ids.key_of(type_name, id)
    if key is None:
        return None
    return first(await fetch(context, row_type, lambda bind: f"id = {bind(key)}", planned=planned))


def first(rows: Sequence[R]) -> R | None:
    return rows[0] if rows else None


async def load_relations(context: "Context", rows: Sequence[Row], planned: Planned) -> None:
    """Reads what the plan leaves to statements of their own, of rows that were fetched by it."""
    if not rows:
        return
    info, plan = planned.info, planned.plan
    for place in plan.rest:
        await type(rows[0]).relations[place.name].load(context, rows, place.asked(info))
    for attribute, below in plan.joined:
        if below.rest or below.joined or below.lists:
            those = [it for row in rows if (it := getattr(row, attribute)) is not None]
            await load_relations(context, those, Planned(below, info))
    for number, each in enumerate(plan.lists):

        async def found(number: int = number) -> dict[UUID, list[Any]]:
            return {cast("Any", row).id: row.collections[number] for row in rows}

        await each.many.attach(context, rows, each.place.asked(info), Planned(each.plan, info), found, True)


async def read(
    context: "Context",
    row_type: type[R],
    type_name: str,
    where: Where,
    selection: Selection,
    also: SelectedField | None = None,
    *,
    order: str = "",
    scoped: bool = True,
) -> list[R]:
    """The rows as `fetch` finds them, with all that is asked of them."""
    planned = plan(context, row_type, type_name, selection, also)
    rows = await fetch(context, row_type, where, planned=planned, order=order, scoped=scoped)
    await load_relations(context, rows, planned)
    return rows
