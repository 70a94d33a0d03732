"""Planning: what an operation needs of rows, found out from its selection before anything is read."""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from graphql import GraphQLResolveInfo

from execution.lookahead import FieldOccurrence, SelectedField, Selection
from models import database
from resolvers.context import Context
from resolvers.read.rows import ListSlice, Relation, Row, RowLayout, ToMany, ToOne


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
    context: Context,
    row_type: type[Row],
    selection: Selection,
    also: SelectedField | None = None,
    *,
    joins: bool = True,
    inverse: tuple[str, ...] = (),
) -> Planned:
    """For the relations that the selection, and `also` (which has no arguments), ask of such rows. Where they come
    from elsewhere, there are no `joins`. The rows have their relations `inverse` already.

    Rows are never shared between two places of an answer, so that what one place asks of a row is all there is on it.
    """
    kept = selection.kept
    more = (also.name, *map(id, also.below.sets)) if also else None
    key = ("plan", row_type, context.viewer.role, joins, inverse, more, *map(id, selection.sets))
    found: Plan | None = kept.get(key)
    if found is None:
        extra = [FieldOccurrence(also.name, also.below.sets, {}, type=also.below.type)] if also else []
        found = _plan(context, row_type, selection, extra, MAX_JOIN_DEPTH if joins else 0, inverse)
        if found.is_fixed:
            kept[key] = found
    return Planned(found, selection.info)


def _plan(
    context: Context,
    row_type: type[Row],
    selection: Selection,
    extra: list[FieldOccurrence],
    deep: int,
    inverse: tuple[str, ...],
    *,
    has_lists: bool = True,
) -> Plan:
    info, relations = selection.info, row_type.relations_by_name
    places = [FieldOccurrence(name, [], {}) for name in row_type.ALWAYS]
    places += selection.places(row_type.__name__, relations) if relations else []
    places = [place for place in places if place.name not in inverse]
    places += extra
    places += [FieldOccurrence(name, [], {}) for place in places for name in relations[place.name].needs]
    places = [place for place in places if relations[place.name].only_for in (None, context.viewer.role)]
    together, is_fixed = _together(relations, places, info)
    joined: list[tuple[ToOne, Plan]] = []
    lists: list[PlannedList] = []
    rest: list[FieldOccurrence] = []
    for place in together:
        relation, below = relations[place.name], Selection(info, place.sets, place.type)
        if (join := relation.join) is not None and deep and context.viewer.role is not join.known_to:
            each = _plan(context, join.target, below, [], deep - 1, join.inverse, has_lists=has_lists)
            joined.append((join, each))
        elif (many := relation.many) is not None and deep and has_lists and database.dialect() == "postgres":
            # No lists within lists: the driver does not read them.
            asked = many.below(below)
            each = _plan(context, many.target, asked, [], deep - 1, (), has_lists=False)
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
        together[name, key] = replace(known or place, sets=sets, type=place.type or (known and known.type))
    return list(together.values()), is_fixed
