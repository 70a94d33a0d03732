"""Light rows, their relations, and how both are made of a statement's records."""

# pyright: reportPrivateUsage=false

from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache, cached_property, lru_cache
from typing import Any, ClassVar, cast
from uuid import UUID

import orjson
from tortoise.fields import BooleanField, DatetimeField, JSONField, UUIDField
from tortoise.fields.data import CharEnumFieldInstance
from tortoise.models import Model

from execution.lookahead import SelectedField, Selection
from models.enums import CancellationStatus, ComplaintStatus, DisputeStatus, OrderKind, ResolutionKind, Role
from resolvers import ids
from resolvers.context import Context
from resolvers.policy import Bind


class Row:
    """One row of a table as a viewer sees it at an instant: `context` says who and when.

    The fields of a concrete row are the columns it reads, by the columns' names; whatever else it has is a slot
    that is not part of its constructor, filled by a relation.
    """

    __slots__ = ()
    MODEL: ClassVar[type[Model]]
    ALWAYS: ClassVar[tuple[str, ...]] = ()  # relations that the row's own fields need
    relations: ClassVar[tuple["RelationDeclaration", ...]] = ()
    relations_by_name: ClassVar[dict[str, "Relation"]]  # set by resolve_relations
    collections: Sequence[list[Any]]  # of rows with relations to many: the lists that were read with the row

    @property
    def global_id(self) -> str:
        row: Any = self
        return ids.encode(type(self).__name__, row.id)

    @classmethod
    def key_of(cls, global_id: str) -> UUID | None:
        """Returns the key in an id of this type; None for any other text."""
        return ids.key_of(cls.__name__, global_id)

    def __init_subclass__(cls) -> None:
        other = row_types.get(cls.__name__)
        if other is not None and (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__):
            raise TypeError(f"two row classes are named {cls.__name__}")
        row_types[cls.__name__] = cls  # a dataclass with slots is made twice; the second class stays


row_types: dict[str, type[Row]] = {}  # all of them, by name


Loader = Callable[[Context, Sequence[Any], SelectedField], Awaitable[None]]


@dataclass(frozen=True, slots=True, eq=False)
class ToOne:
    """How a relation to one is read by the statement that reads its rows.

    `on` says in SQL which row of the target it is, where {row} and {it} stand for the two, and {{me}} for the viewer's
    id. `back` are the attributes in which the target has the row. `known_to` is a role whose viewers need not read it:
    it is themselves.
    """

    attribute: str
    target: type[Row]
    on: str
    inverse: tuple[str, ...] = ()
    scoped: bool = True
    known_to: Role | None = None


@dataclass(frozen=True, slots=True)
class ListSlice:
    """Which rows of a relation to many, in which order."""

    order: str
    limit: int | None = None
    where: Callable[[Bind], str] = lambda _bind: "TRUE"


ReadRows = Callable[[], Awaitable[dict[UUID, list[Any]]]]  # by the ids of those that they belong to


@dataclass(frozen=True, slots=True, eq=False)
class ToMany:
    """A relation to many: the target's rows that name its own in `column`, or a `part` of them.

    `below` finds what is asked of them. `put` completes what was found by the plan and gives it to its rows; it is told
    whether that was read at one with the rows themselves.
    """

    target: type[Row]
    column: str
    attach: Callable[[Context, Sequence[Any], SelectedField, Any, ReadRows, bool], Awaitable[None]]
    part: Callable[[Mapping[str, Any]], ListSlice] = lambda _arguments: ListSlice("id")
    below: Callable[[Selection], Selection] = lambda asked: asked
    scoped: bool = True


def same_for_all_arguments(_arguments: dict[str, Any]) -> Hashable:
    return None


@dataclass(frozen=True, slots=True)
class Relation:
    """How a field that is not a column gets its value: `load` reads it for many rows at once. Where it is asked for
    twice with arguments of the same `key`, it is read once; so are relations of one `group`. It `needs` others of the
    same rows. It may also be read by the statement that reads the rows, as their `join`, or as `many`. Where it is
    `only_for` a role, it is not read for others."""

    load: "Loader"
    key: Callable[[dict[str, Any]], Hashable] = same_for_all_arguments
    join: ToOne | None = None
    many: ToMany | None = None
    group: str | None = None
    needs: tuple[str, ...] = ()
    only_for: Role | None = None


@dataclass(frozen=True, slots=True)
class RelationDeclaration:
    """A relation as a row class declares it. `resolve` returns it for the class, once all row classes are known."""

    names: tuple[str, ...]
    resolve: Callable[[type[Row]], Relation]


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


# What a value reads as that no member has, such as one that a newer release wrote: what promises least.
UNKNOWN: dict[type[StrEnum], StrEnum] = {
    Role: Role.SERVICE,
    OrderKind: OrderKind.OFFLINE,
    ResolutionKind: ResolutionKind.NO_REFUND,
    CancellationStatus: CancellationStatus.WITHDRAWN,
    DisputeStatus: DisputeStatus.WITHDRAWN,
    ComplaintStatus: ComplaintStatus.WITHDRAWN,
}


class EnumMembers(dict[str, StrEnum | None]):
    """An enum's members by their values. A value that it does not have reads as OTHER where there is such a member,
    else by UNKNOWN; an optional one, unless it tells how something ended, as nothing."""

    def __init__(self, enum: Any, *, nullable: bool) -> None:
        super().__init__((member.value, member) for member in enum)
        ends = enum in (CancellationStatus, DisputeStatus, ComplaintStatus)
        other = enum.__members__.get("OTHER", UNKNOWN.get(enum))
        self.unknown = None if nullable and not ends else other

    def __missing__(self, _value: str) -> StrEnum | None:
        return self.unknown


@cache
def column_names(row_type: type[Row]) -> tuple[str, ...]:
    return tuple(item.name for item in fields(cast("Any", row_type)) if item.init and item.name != "context")


@cache
def _columns(row_type: type[Row], dialect: str) -> list[tuple[str, Callable[[Any], Any] | None]]:
    """The row's columns, and how each is read where the driver does not give it as it is."""
    known: dict[str, Any] = row_type.MODEL._meta.fields_map  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    columns: list[tuple[str, Callable[[Any], Any] | None]] = []
    for name in column_names(row_type):
        kind = known[name]
        read: Callable[[Any], Any] | None = None
        if isinstance(kind, CharEnumFieldInstance):
            read = EnumMembers(kind.enum_type, nullable=kind.null).__getitem__
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


MAX_LAYOUTS = 300  # that are kept, of all combinations of joins and lists that documents have asked for


class RowLayout:
    """What one statement gives: rows, with each those that are joined to it, and lists of those that name it."""

    def __init__(
        self,
        row_type: type[Row],
        joins: "tuple[tuple[ToOne, RowLayout], ...]",
        manys: "tuple[tuple[ToMany, RowLayout], ...]",
        dialect: str,
    ) -> None:
        self.row_type, self.to_one, self.to_many = row_type, joins, manys
        self.table: str = row_type.MODEL._meta.db_table
        self.columns = [name for name, _ in _columns(row_type, dialect)]
        self.names = ", ".join(self.columns)
        self.dialect = dialect

    @staticmethod
    @lru_cache(MAX_LAYOUTS)
    def of(
        row_type: type[Row],
        joins: "tuple[tuple[ToOne, RowLayout], ...]",
        manys: "tuple[tuple[ToMany, RowLayout], ...]",
        dialect: str,
    ) -> "RowLayout":
        return RowLayout(row_type, joins, manys, dialect)

    @cached_property
    def build_row(self) -> Callable[[Context, Iterable[Any]], Any]:
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

        def named() -> str:
            names.append(f"c{len(names)}")
            return names[-1]

        kind = constant(self.row_type)
        lines = [f"{this} = {constant(object.__new__)}({kind})", f"{this}.context = context"]
        for column, read in _columns(self.row_type, self.dialect):
            name = named()
            value = f"None if {name} is None else {constant(read)}({name})" if read else name
            lines.append(f"{this}.{column} = {value}")
        for item in fields(cast("Any", self.row_type)):
            if not item.init:
                made = item.default_factory is not MISSING
                value = f"{constant(item.default_factory)}()" if made else constant(item.default)
                lines.append(f"{this}.{item.name} = {value}")
        for join, shape in self.to_one:
            it, key = f"{this}_", f"c{len(names) + shape.columns.index('id')}"
            inner = shape._body(it, scope, names)
            inner += [f"{it}.{name} = {this}" for name in join.inverse]
            lines.append(f"if {key} is not None:")
            lines += [f"    {line}" for line in [*inner, f"{this}.{join.attribute} = {it}"]]
        if self.to_many:
            lists = [f"[{constant(shape.build_row)}(context, each) for each in {named()}]" for _, shape in self.to_many]
            lines.append(f"{this}.collections = [{', '.join(lists)}]")
        return lines

    def selected(self, alias: str, names: list[str], lists: list[str]) -> tuple[str, str]:
        """What is selected, and what is joined, for rows that stand as `alias`; `names` are the aliases so far, `lists`
        those of rows that are gathered. Left open in it are scopes, and in the place of a list's alias which of its
        rows they are, and in which order."""
        columns, joined = [f"{alias}.{name}" for name in self.columns], ""
        for join, shape in self.to_one:
            it = _another(names)
            table = shape.table
            source = f"(SELECT * FROM {table} WHERE {{{table}}})" if join.scoped else table
            below, more = shape.selected(it, names, lists)
            columns.append(below)
            joined += f" LEFT JOIN {source} AS {it} ON {join.on.format(row=alias, it=it)}{more}"
        for many, shape in self.to_many:
            it = _another(names)
            lists.append(it)
            rows = f"SELECT {shape.names} FROM {shape.table} WHERE {many.column} = {alias}.id AND {{{it}}}"
            below, more = shape.selected(it, names, lists)
            columns.append(f"ARRAY(SELECT ROW({below}) FROM ({rows}) AS {it}{more} ORDER BY {{{it}_order}})")
        return ", ".join(columns), joined

    @cached_property
    def wrap(self) -> tuple[str, str, list[str]]:
        """What stands before and behind a statement of bare rows, so that it gives all of them; with what is open in
        it, and the aliases of lists."""
        lists: list[str] = []
        columns, joined = self.selected("p", [], lists)
        return f"SELECT {columns} FROM (", f") AS p{joined}", lists

    @cached_property
    def names_viewer(self) -> bool:
        return any("{me}" in join.on or shape.names_viewer for join, shape in self.to_one) or any(
            shape.names_viewer for _, shape in self.to_many
        )

    @cached_property
    def scopes(self) -> set[str]:
        mine = {shape.table for join, shape in self.to_one if join.scoped}
        return mine.union(*(shape.scopes for _, shape in (*self.to_one, *self.to_many)))


def _another(names: list[str]) -> str:
    names.append(f"j{len(names)}")
    return names[-1]
