"""Planning: look-ahead tells what an operation selects; the plan tells how to read it, before any row is read.

A buyer sends

    { viewer { orders(first: 2) { edges { node {
      number supplier { name } feedback { rating } timeline(first: 1) { edges { node { text } } } } } } } }

On PostgreSQL, the plan for these orders is

    joined    dispute, feedback, supplier     to one: joined to the statement of the orders
    lists     timeline                        to many: an array in the same statement
    separate  nothing                         relations that need a statement of their own

The dispute is there because the timeline needs it. `resolvers.read.fetch` shows the statement. SQLite has no arrays, so
there the timeline is separate: one statement for the timelines of all orders. No plan reads row by row (no N+1).
"""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

from graphql import GraphQLObjectType, GraphQLResolveInfo, get_named_type

from execution.lookahead import FieldOccurrence, SelectedField, Selection
from models import database
from resolvers.context import Context
from resolvers.read.rows import ListSlice, Relation, Row, RowLayout, ToMany, ToOne


@dataclass
class Plan:
    """How an operation reads the rows of one class.

    `layout` is what their statement reads. `joined` are the plans of joined rows, by attribute; `lists` the plans of
    lists in the statement. The fields in `separate` are relations read by statements of their own.
    """

    layout: RowLayout
    joined: "list[tuple[str, Plan]]"
    lists: "list[PlannedList]"
    separate: list[FieldOccurrence]
    is_constant: bool  # the same for all requests of the operation

    @cached_property
    def all_lists(self) -> "list[PlannedList]":
        """The lists of these rows and of joined rows, in the order of `RowLayout.lists`."""
        return [*(planned for _, plan in self.joined for planned in plan.all_lists), *self.lists]

    def slices(self, info: GraphQLResolveInfo[Any]) -> list[ListSlice]:
        return [planned.slice(info) for planned in self.all_lists]


@dataclass
class PlannedList:
    """A relation to many that is read by its owners' statement, and the plan for its targets."""

    field: FieldOccurrence
    many: ToMany
    plan: Plan

    @cached_property
    def _constant_slice(self) -> ListSlice:
        return self.many.slice(self.field.constants or {})

    def slice(self, info: GraphQLResolveInfo[Any]) -> ListSlice:
        if self.field.constants is None:
            return self.many.slice(self.field.selected_field(info).arguments)
        return self._constant_slice


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
    """Returns the plan for the relations in the selection and for `also`, a relation without arguments.

    Without `joins`, the rows come from elsewhere and all relations are read separately. The relations `inverse` are set
    already. Plans are cached with the operation.

    Two fields of an answer never share a row, so a row has what its own field selects and nothing else.
    """
    cache = selection.cache
    extra = (also.name, *map(id, also.selection.selection_sets)) if also else None
    key = ("plan", row_type, context.viewer.role, joins, inverse, extra, *map(id, selection.selection_sets))
    cached: Plan | None = cache.get(key)
    if cached is None:
        added_fields = (
            [FieldOccurrence(also.name, also.selection.selection_sets, {}, type=also.selection.type)] if also else []
        )
        cached = _plan(context, row_type, selection, added_fields, MAX_JOIN_DEPTH if joins else 0, inverse)
        if cached.is_constant:
            cache[key] = cached
    return Planned(cached, selection.info)


def _plan(
    context: Context,
    row_type: type[Row],
    selection: Selection,
    added: list[FieldOccurrence],
    depth: int,
    inverse: tuple[str, ...],
    *,
    may_have_lists: bool = True,
) -> Plan:
    info, relations, role = selection.info, row_type.relations_by_name, context.viewer.role
    selected = [FieldOccurrence(name, [], {}) for name in row_type.ALWAYS]
    selected += selection.occurrences(row_type.__name__, relations) if relations else []
    selected += _selected_within(row_type, selection)
    selected = [field for field in selected if field.name not in inverse]
    selected += added
    selected += [FieldOccurrence(name, [], {}) for field in selected for name in relations[field.name].needs]
    selected = [field for field in selected if relations[field.name].only_for in (None, role)]
    merged, is_constant = _merge(relations, selected, info)
    joined: list[tuple[ToOne, Plan]] = []
    lists: list[PlannedList] = []
    separate: list[FieldOccurrence] = []
    for field in merged:
        relation, below = relations[field.name], Selection(info, field.selection_sets, field.type)
        if (join := relation.join) is not None and depth and role is not join.known_to:
            target = _plan(context, join.target, below, [], depth - 1, join.inverse, may_have_lists=may_have_lists)
            joined.append((join, target))
        elif (many := relation.many) is not None and depth and may_have_lists and database.dialect() == "postgres":
            # No lists within lists: the driver does not read them.
            targets = _plan(context, many.target, many.below(below), [], depth - 1, (), may_have_lists=False)
            lists.append(PlannedList(field, many, targets))
        else:
            separate.append(field)
    joined.sort(key=lambda pair: pair[0].attribute)  # the same layout for any order of the fields
    plans = [*(target for _, target in joined), *(planned.plan for planned in lists)]
    layout = RowLayout.of(
        row_type,
        tuple((join, target.layout) for join, target in joined),
        tuple((planned.many, planned.plan.layout) for planned in lists),
        database.dialect(),
    )
    return Plan(
        layout,
        [(join.attribute, target) for join, target in joined],
        lists,
        separate,
        is_constant and all(plan.is_constant for plan in plans),
    )


def _selected_within(row_type: type[Row], selection: Selection) -> list[FieldOccurrence]:
    """Returns the relations that a selected field of the row needs for a field below it."""
    found: list[FieldOccurrence] = []
    for name, relation in row_type.relations_by_name.items():
        occurrences = selection.occurrences(row_type.__name__, relation.within) if relation.within else []
        below = (Selection(selection.info, field.selection_sets, field.type) for field in occurrences)
        if any(each.occurrences(cast("GraphQLObjectType", get_named_type(each.type)).name, (name,)) for each in below):
            found.append(FieldOccurrence(name, [], {}))
    return found


def _merge(
    relations: dict[str, Relation], selected: list[FieldOccurrence], info: GraphQLResolveInfo[Any]
) -> tuple[list[FieldOccurrence], bool]:
    """Merges fields that read the same rows. Returns the fields, and whether all requests merge the same ones."""
    names = [relations[field.name].group or field.name for field in selected]
    merged: dict[Hashable, FieldOccurrence] = {}
    is_constant = True
    for name, field in zip(names, selected, strict=True):
        key: Hashable = None
        if names.count(name) > 1:
            key = relations[field.name].key(field.selected_field(info).arguments)
            is_constant = is_constant and field.constants is not None
        first = merged.get((name, key))
        if first is None:
            merged[name, key] = field
        else:
            merged[name, key] = replace(
                first, selection_sets=[*first.selection_sets, *field.selection_sets], type=first.type or field.type
            )
    return list(merged.values()), is_constant
