"""Rows: light objects with a table's columns, and the generated functions that build them from records.

The fields of a row class are the columns that it reads. A `RowLayout` says what the records of one statement hold: the
columns of the rows, those of joined rows, and lists. It generates the function that builds a row. For messages with
their author this is

    def build_row(context, record):
        (c0, c1, c2, c3, c4, c5, c6, c7, c8,) = record
        row = k1(k0)                  # object.__new__(Message)
        row.context = context
        row.id = c0
        row.case_id = c1
        ...
        row.by = k2                   # None
        if c5 is not None:            # the author's id
            row_ = k6(k5)             # object.__new__(Account)
            row_.context = context
            row_.id = c5
            row_.subject = c6
            row_.role = None if c7 is None else k7(c7)
            row_.name = c8
            row.by = row_
        return row

There is one layout, and so one function, for each combination of joins and lists.
"""

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
from resolvers.read.scopes import Unscoped, Visibility
from resolvers.read.sql import EVERY_ROW, Where


class Row:
    """One row of a table as a viewer sees it at an instant: `context` says who and when.

    The fields of a row class have the names of the columns that it reads. Its other attributes are slots that the
    constructor does not take; relations set them.
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
    def id_of(cls, key: UUID) -> str:
        """Returns the id of the row with this key, as clients see it."""
        return ids.encode(cls.__name__, key)

    @classmethod
    def key_of(cls, id: str) -> UUID | None:
        """Returns the key in an id of this type; None for any other text."""
        return ids.key_of(cls.__name__, id)

    def __init_subclass__(cls) -> None:
        other = row_types.get(cls.__name__)
        if other is not None and (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__):
            raise TypeError(f"two row classes are named {cls.__name__}")
        row_types[cls.__name__] = cls  # a dataclass with slots is made twice; the second class stays


row_types: dict[str, type[Row]] = {}  # all of them, by name


Loader = Callable[[Context, Sequence[Any], SelectedField], Awaitable[None]]
ReadRows = Callable[[], Awaitable[dict[UUID, list[Any]]]]  # returns the targets by the id of their owner


@dataclass(frozen=True, slots=True, eq=False)
class ToOne:
    """How a relation to one row is joined to the statement that reads its owners.

    `on` is the SQL condition of the join, where {row} and {it} stand for the owner and the target, and {{me}} for the
    viewer's id. The target's attributes `inverse` are set to the owner. For viewers in the role `known_to` it is not
    read, because it is their own account.
    """

    attribute: str
    target: type[Row]
    on: str
    inverse: tuple[str, ...] = ()
    visibility: Visibility | Unscoped = Visibility.NAMED
    known_to: Role | None = None


@dataclass(frozen=True, slots=True)
class ListSlice:
    """Selects rows of a relation to many, and their order."""

    order: str
    limit: int | None = None
    where: Where = EVERY_ROW


_WHOLE_LIST = ListSlice("id")


@dataclass(frozen=True, slots=True, eq=False)
class ToMany:
    """A relation to many rows: the targets that name their owner in `column`, or a slice of them.

    `below` returns what the query selects of the targets. `attach` gives owners their targets; its last argument says
    whether these were read by the owners' own statement.
    """

    target: type[Row]
    column: str
    attach: Callable[[Context, Sequence[Any], SelectedField, Any, ReadRows, bool], Awaitable[None]]
    slice: Callable[[Mapping[str, Any]], ListSlice] = lambda _arguments: _WHOLE_LIST
    below: Callable[[Selection], Selection] = lambda selection: selection
    visibility: Visibility | Unscoped = Visibility.NAMED


def same_for_all_arguments(_arguments: dict[str, Any]) -> Hashable:
    return None


@dataclass(frozen=True, slots=True)
class Relation:
    """How a field that is not a column gets its value.

    `load` reads it for many rows by a statement of its own. If it can be read by the rows' own statement, `join` or
    `many` says how. A query may select it twice: with arguments of the same `key` it is read once, and so are relations
    of one `group`. It `needs` other relations of the same rows. A relation that is `only_for` a role is not read for
    others. One that is `within` fields of its row is what a field of its name needs, in the type of those fields.
    """

    load: Loader
    key: Callable[[dict[str, Any]], Hashable] = same_for_all_arguments
    join: ToOne | None = None
    many: ToMany | None = None
    group: str | None = None
    needs: tuple[str, ...] = ()
    only_for: Role | None = None
    within: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RelationDeclaration:
    """A relation as a row class declares it. `resolve` returns it for the class, once all row classes are known."""

    names: tuple[str, ...]
    resolve: Callable[[type[Row]], Relation]


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


# The member for a value that the enum does not have, for example from a newer release: the one that promises least.
UNKNOWN: dict[type[StrEnum], StrEnum] = {
    Role: Role.SERVICE,
    OrderKind: OrderKind.OFFLINE,
    ResolutionKind: ResolutionKind.NO_REFUND,
    CancellationStatus: CancellationStatus.WITHDRAWN,
    DisputeStatus: DisputeStatus.WITHDRAWN,
    ComplaintStatus: ComplaintStatus.WITHDRAWN,
}


class EnumMembers(dict[str, StrEnum | None]):
    """An enum's members by their values. A value that the enum does not have reads as its member OTHER, or else as
    UNKNOWN says. In a column that may be null it reads as null, unless the column says how something ended."""

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
    """Returns the row's columns, each with the function that converts the driver's value, if it needs one."""
    fields_map: dict[str, Any] = row_type.MODEL._meta.fields_map  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    columns: list[tuple[str, Callable[[Any], Any] | None]] = []
    for name in column_names(row_type):
        kind = fields_map[name]
        convert: Callable[[Any], Any] | None = None
        if isinstance(kind, CharEnumFieldInstance):
            convert = EnumMembers(kind.enum_type, nullable=kind.null).__getitem__
        elif isinstance(kind, JSONField):
            convert = orjson.loads
        elif dialect == "sqlite" and isinstance(kind, BooleanField):
            convert = bool
        elif dialect == "sqlite" and isinstance(kind, UUIDField):
            convert = UUID
        elif dialect == "sqlite" and isinstance(kind, DatetimeField):
            convert = _instant
        columns.append((name, convert))
    return columns


MAX_LAYOUTS = 300  # that are cached, of the combinations of joins and lists in documents


class RowLayout:
    """What the records of one statement hold: a row's columns, those of the rows that are joined to it, and lists.

    There is one object for each combination, so its function and its texts are generated once.
    """

    def __init__(
        self,
        row_type: type[Row],
        to_one: "tuple[tuple[ToOne, RowLayout], ...]",
        to_many: "tuple[tuple[ToMany, RowLayout], ...]",
        dialect: str,
    ) -> None:
        self.row_type, self.to_one, self.to_many, self.dialect = row_type, to_one, to_many, dialect
        self.table: str = row_type.MODEL._meta.db_table
        self.columns = column_names(row_type)
        self.names = ", ".join(self.columns)

    @staticmethod
    @lru_cache(MAX_LAYOUTS)
    def of(
        row_type: type[Row],
        to_one: "tuple[tuple[ToOne, RowLayout], ...]",
        to_many: "tuple[tuple[ToMany, RowLayout], ...]",
        dialect: str,
    ) -> "RowLayout":
        return RowLayout(row_type, to_one, to_many, dialect)

    @cached_property
    def build_row(self) -> Callable[[Context, Iterable[Any]], Any]:
        """The function that makes a row of a record. It is generated, since a page has thousands of values."""
        scope: dict[str, Any] = {}
        names: list[str] = []
        body = self._body("row", scope, names)
        source = "\n    ".join([f"({', '.join(names)},) = record", *body, "return row"])
        exec(f"def build_row(context, record):\n    {source}", scope)  # noqa: S102 - made of our own names
        return scope["build_row"]

    def _body(self, row: str, scope: dict[str, Any], names: list[str]) -> list[str]:
        """Returns the lines that make the variable `row`. Adds constants to `scope`, and the record's columns to
        `names`."""

        def constant(value: object) -> str:
            name = f"k{len(scope)}"
            scope[name] = value
            return name

        def next_column() -> str:
            names.append(f"c{len(names)}")
            return names[-1]

        row_type = constant(self.row_type)
        lines = [f"{row} = {constant(object.__new__)}({row_type})", f"{row}.context = context"]
        for attribute, convert in _columns(self.row_type, self.dialect):
            column = next_column()
            value = f"None if {column} is None else {constant(convert)}({column})" if convert else column
            lines.append(f"{row}.{attribute} = {value}")
        for item in fields(cast("Any", self.row_type)):
            if not item.init:
                has_factory = item.default_factory is not MISSING
                value = f"{constant(item.default_factory)}()" if has_factory else constant(item.default)
                lines.append(f"{row}.{item.name} = {value}")
        for relation, layout in self.to_one:
            target, key = f"{row}_", f"c{len(names) + layout.columns.index('id')}"
            inner = layout._body(target, scope, names)
            inner += [f"{target}.{attribute} = {row}" for attribute in relation.inverse]
            lines.append(f"if {key} is not None:")
            lines += [f"    {line}" for line in [*inner, f"{row}.{relation.attribute} = {target}"]]
        if self.to_many:
            lists = [
                f"[{constant(layout.build_row)}(context, record) for record in {next_column()}]"
                for _, layout in self.to_many
            ]
            lines.append(f"{row}.collections = [{', '.join(lists)}]")
        return lines

    def _select(self, alias: str, aliases: list[str], list_aliases: list[str]) -> tuple[str, str]:
        """Returns the selected columns and the joins for the rows that are called `alias`. Adds the aliases that it
        gives. Both texts have holes: `{table}` for a scope, `{alias}` and `{alias_order}` for a list."""
        columns, joins = [f"{alias}.{name}" for name in self.columns], ""
        for relation, layout in self.to_one:
            target, table = _next_alias(aliases), layout.table
            unscoped = isinstance(relation.visibility, Unscoped)
            source = table if unscoped else f"(SELECT * FROM {table} WHERE {{{table}}})"
            target_columns, target_joins = layout._select(target, aliases, list_aliases)
            columns.append(target_columns)
            joins += f" LEFT JOIN {source} AS {target} ON {relation.on.format(row=alias, it=target)}{target_joins}"
        for relation, layout in self.to_many:
            target = _next_alias(aliases)
            list_aliases.append(target)
            rows = f"SELECT {layout.names} FROM {layout.table} WHERE {relation.column} = {alias}.id AND {{{target}}}"
            target_columns, target_joins = layout._select(target, aliases, list_aliases)
            record = f"SELECT ROW({target_columns}) FROM ({rows}) AS {target}{target_joins}"
            columns.append(f"ARRAY({record} ORDER BY {{{target}_order}})")
        return ", ".join(columns), joins

    @cached_property
    def wrap(self) -> tuple[str, str, list[str]]:
        """The texts before and behind the statement of the rows, which add their relations, and the aliases of the
        lists. The texts have the holes of `_select`, and `{me}` for the viewer's id."""
        list_aliases: list[str] = []
        columns, joins = self._select("p", [], list_aliases)
        return f"SELECT {columns} FROM (", f") AS p{joins}", list_aliases

    @cached_property
    def lists(self) -> "list[tuple[ToMany, RowLayout]]":
        """The lists in the order in which `wrap` selects them."""
        return [*(entry for _, layout in self.to_one for entry in layout.lists), *self.to_many]

    @cached_property
    def names_viewer(self) -> bool:
        return any("{me}" in relation.on or layout.names_viewer for relation, layout in self.to_one) or any(
            layout.names_viewer for _, layout in self.to_many
        )

    @cached_property
    def scopes(self) -> set[str]:
        """The tables that are joined under the condition about the viewer."""
        tables = {layout.table for relation, layout in self.to_one if not isinstance(relation.visibility, Unscoped)}
        return tables.union(*(layout.scopes for _, layout in (*self.to_one, *self.to_many)))


def _next_alias(aliases: list[str]) -> str:
    aliases.append(f"j{len(aliases)}")
    return aliases[-1]
