"""Pagination by keyset: a cursor holds the position of a row in the list's order, not its number.

So pages skip no row and repeat none while rows are added. The cursor of an order in the list "orders",

    MTc5NTg2NzIwMDAwMDAwMC4wMTk5YzBkZTAwMDA3MDAwODAwMDAwMDAwMDAwMDAwNy5vcmRlcnM

is base64 of `1795867200000000.0199c0de000070008000000000000007.orders`: the instant in microseconds, the id, and the
name of the list with its order. A cursor of another list is refused. The page after it has the condition

    placed_at <= $1 AND (placed_at < $1 OR id < $2)    ORDER BY placed_at DESC, id DESC

`paginate` reads a page of a root list; `has_pages` declares a connection of rows, such as an order's timeline.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from functools import lru_cache
from operator import attrgetter
from typing import Any, Generic, NamedTuple, Protocol, TypeVar, cast
from uuid import UUID

from graphql import get_named_type
from strawberry import UNSET

from execution.lookahead import SelectedField, Selection
from models.backends.pool import PlanMode
from models.enums import PARTIES
from resolvers.context import Context, Info
from resolvers.errors import BadRequest
from resolvers.read.fetch import fetch, load_relations
from resolvers.read.plan import Planned, plan
from resolvers.read.relations import RelationError, find_target, require_attribute, require_column, to_many
from resolvers.read.rows import ListSlice, ReadRows, Relation, RelationDeclaration, Row, ToMany
from resolvers.read.scopes import Visibility, visible_rows
from resolvers.read.select import Select
from resolvers.read.sql import EVERY_ROW, Statement, Where

DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE = 20, 100
MAX_TOTAL = 1000  # rows that a list counts at most
MAX_INTEGER_KEY = 2**63 - 1

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_CURSOR = re.compile(r"(-?\d{1,18})\.([0-9a-f]{32}|\d{1,19})(?:\.([a-z]+(?:\.[0-9a-f]{8})?))?", re.ASCII)

T = TypeVar("T")
R = TypeVar("R", bound=Row)


class CursorPosition(NamedTuple):
    at: datetime
    key: UUID | int
    list: str  # the list's name; if each owner has such a list, with a dot and the last digits of the owner's id


def encode_cursor(at: datetime, key: UUID | int, list: str) -> str:
    tail = key.hex if isinstance(key, UUID) else str(key)
    since = at - _EPOCH
    text = f"{(since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds}.{tail}"
    if list:
        text += f".{list}"
    return binascii.b2a_base64(text.encode(), newline=False).decode().rstrip("=")  # never contains + or /


def _decode_cursor(cursor: str) -> CursorPosition:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
        match = _CURSOR.fullmatch(text)
        if match is not None:
            at = _EPOCH + int(match[1]) * _MICROSECOND
            key = UUID(hex=match[2]) if len(match[2]) == 32 else int(match[2])
            position = CursorPosition(at, key, match[3] or "")
            if encode_cursor(*position) == cursor and (isinstance(key, UUID) or key <= MAX_INTEGER_KEY):
                return position
    except (ValueError, OverflowError):
        pass
    raise invalid_cursor()


def invalid_cursor() -> BadRequest:
    return BadRequest("This cursor is not from this list.")


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list a query asks for. `Page.of` makes and checks it."""

    size: int
    backward: bool
    after: CursorPosition | None
    before: CursorPosition | None

    @staticmethod
    @lru_cache(1000)  # one request calls it three times
    def of(first: int | None, after: str | None, last: int | None, before: str | None) -> "Page":
        """Returns the page. UNSET means None. Raises BadRequest for a negative size, for `first` with `last`, and for
        text that is not a cursor."""
        first, last = (None if size is UNSET else size for size in (first, last))
        after, before = (None if cursor is UNSET else cursor for cursor in (after, before))
        if first is not None and last is not None:
            raise BadRequest("Use `first` or `last`, not both.")
        size = first if first is not None else last if last is not None else DEFAULT_PAGE_SIZE
        if size < 0:
            raise BadRequest("`first` and `last` cannot be negative.")
        return Page(
            size=min(size, MAX_PAGE_SIZE),
            backward=last is not None,
            after=_decode_cursor(after) if after is not None else None,
            before=_decode_cursor(before) if before is not None else None,
        )


@dataclass(frozen=True, slots=True)
class Keyset:
    """A list's order: by the instant in `column`, then by id. Its cursors contain its `name`: lower-case letters that
    no other list or order has. Without a name, they have the form that the first releases gave them."""

    column: str
    name: str
    newest_first: bool = True
    id_type: type[UUID] | type[int] = UUID

    def where(self, page: Page) -> Where:
        """Returns the condition that the page's cursors make."""
        bounds = [
            self._beyond(cursor, smaller)
            for cursor, smaller in ((page.after, self.newest_first), (page.before, not self.newest_first))
            if cursor is not None
        ]
        return bounds[0] & bounds[1] if len(bounds) == 2 else bounds[0] if bounds else EVERY_ROW

    def _beyond(self, cursor: CursorPosition, smaller: bool) -> Where:
        # Not a comparison of tuples: in this form both databases walk the index.
        at, key = self._own(cursor)
        sign = "<" if smaller else ">"
        column = self.column
        return Where(f"{column} {sign}= {{}} AND ({column} {sign} {{}} OR id {sign} {{}})", at, at, key)

    def _own(self, cursor: CursorPosition) -> tuple[datetime, UUID | int]:
        """Returns the instant and the key. Raises BadRequest for the cursor of another list."""
        at, key, list = cursor
        if list.partition(".")[0] != self.name or not isinstance(key, self.id_type):
            raise invalid_cursor()
        return at, key

    def merged(self, page: Page, rows: list[Any], derived: list[Any]) -> list[Any]:
        """Returns the page's rows together with those of the derived rows that belong on it."""

        def position(row: Any) -> Any:
            return getattr(row, self.column), row.id

        after, before = (page.before, page.after) if self.newest_first else (page.after, page.before)
        fitting = [
            row
            for row in derived
            if (after is None or position(row) > after[:2]) and (before is None or position(row) < before[:2])
        ]
        return sorted([*rows, *fitting], key=position, reverse=self.newest_first != page.backward)[: page.size + 1]

    def order(self, page: Page) -> str:
        direction = "DESC" if self.newest_first != page.backward else "ASC"
        return f"{self.column} {direction}, id {direction}"


class InSequence(Keyset):
    """A list in the order of its ids: numbers that rise as rows are written."""

    def _beyond(self, cursor: CursorPosition, smaller: bool) -> Where:
        _, key = self._own(cursor)
        return Where(f"id {'<' if smaller else '>'} {{}}", key)

    def order(self, page: Page) -> str:
        return "id DESC" if self.newest_first != page.backward else "id ASC"


@dataclass(slots=True)
class Edge(Generic[T]):
    at: datetime
    key: UUID | int
    list: str
    node: T

    @property
    def cursor(self) -> str:
        return encode_cursor(self.at, self.key, self.list)


@dataclass(slots=True)
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    edges: Sequence[Edge[Any]]

    @property
    def start_cursor(self) -> str | None:
        return self.edges[0].cursor if self.edges else None

    @property
    def end_cursor(self) -> str | None:
        return self.edges[-1].cursor if self.edges else None


@dataclass(frozen=True, slots=True)
class Connection(Generic[T]):
    edges: list[Edge[T]]
    page_info: PageInfo
    total_count: int | None = None  # counted where a query selects it; None for more than MAX_TOTAL


def build_connection(
    rows: Sequence[R], page: Page, keyset: Keyset, name: str, node: Callable[[R], Any] = lambda row: row
) -> Connection[Any]:
    """Returns the connection for a page of the list `name`. `rows` are in the page's direction, and one more than its
    size if there are more."""
    more = len(rows) > page.size
    page_rows = list(rows[: page.size])
    if page.backward:
        page_rows.reverse()
    edges = [Edge(getattr(row, keyset.column), row.id, name, node(row)) for row in page_rows]  # type: ignore[attr-defined]
    return Connection(
        edges,
        PageInfo(
            has_next_page=page.before is not None if page.backward else more,
            has_previous_page=more if page.backward else page.after is not None,
            edges=edges,
        ),
    )


def page_of(arguments: Mapping[str, Any]) -> Page:
    return Page.of(*(arguments.get(name) for name in ("first", "after", "last", "before")))


class Derived(Protocol):
    """Entries of a list that are not stored yet: changes by the passing of time that no action has recorded."""

    async def read(self, context: Context, rows: Sequence[Any]) -> dict[UUID, list[Any]]:
        """Returns the entries by the ids of their owners."""
        ...

    async def owners_written(self, context: Context, derived: dict[UUID, list[Any]]) -> set[UUID]:
        """Returns the owners whose derived entries have been written in the meantime."""
        ...


@dataclass(frozen=True, slots=True)
class Paging:
    """How a row class is listed in the pages of its owners (`has_pages`): its order and its derived entries."""

    keyset: Keyset
    derived: Derived | None = None


def has_pages(name: str, target: str, *, column: str, needs: tuple[str, ...] = ()) -> RelationDeclaration:
    """Declares the connection `name`: pages of the targets that name the owner in `column`, as the target's `paging`
    says. Entries that are derived are made of the relations that the owner `needs`."""

    def resolve(owner: type[Row]) -> Relation:
        target_type = find_target(owner, name, target)
        require_column(owner, name, target_type, column)
        require_attribute(owner, name, owner, "pages")
        require_attribute(owner, name, owner, "collections")
        paging: Paging | None = getattr(target_type, "paging", None)
        if paging is None:
            raise RelationError(f"{owner.__name__}.{name}: {target} has no attribute 'paging'.")
        return _pages_of(owner, name, target_type, column, paging, needs)

    return RelationDeclaration((name,), resolve)


def _pages_of(
    owner: type[Row], name: str, target: type[Row], column: str, paging: "Paging", needs: tuple[str, ...]
) -> Relation:
    keyset = replace(paging.keyset, name=f"{owner.__name__}{paging.keyset.name}".lower())
    derived = paging.derived

    def list_name(row: Any) -> str:
        return f"{keyset.name}.{row.id.hex[-8:]}"

    def slice(arguments: Mapping[str, Any]) -> ListSlice:
        page = page_of(arguments)
        return ListSlice(keyset.order(page), page.size + 1, keyset.where(page))

    def below(selection: Selection) -> Selection:
        return selection.field("edges", "node")

    async def attach(
        context: Context, rows: Sequence[Any], field: SelectedField, planned: Planned, read_rows: ReadRows, joined: bool
    ) -> None:
        page = page_of(field.arguments)
        cursors = [cursor for cursor in (page.after, page.before) if cursor is not None]
        if any(cursor.list != list_name(row) for cursor in cursors for row in rows):
            raise invalid_cursor()
        # Derived entries are read first. If one has been written since, the table is read again.
        more = await derived.read(context, rows) if derived else {}
        entries = await read_rows()
        if derived and more and not joined and (written := await derived.owners_written(context, more)):
            more = {key: extra for key, extra in more.items() if key not in written}
            entries = await read_rows()
        for extra in more.values():
            await load_relations(context, extra, plan(context, target, below(field.selection), joins=False))
        await load_relations(context, [row for part in entries.values() for row in part[: page.size]], planned)
        for key, extra in more.items():
            entries[key] = keyset.merged(page, entries[key], extra)
        for row in rows:
            row.pages[name, page] = build_connection(entries[row.id], page, keyset, list_name(row))

    return to_many(ToMany(target, column, attach, slice, below), key=page_of, needs=needs)


@dataclass(frozen=True, slots=True)
class NodeRelation:
    """A relation to one target, which a list shows instead of its rows. `inverse` is the target's relation back to the
    row; `with_inverse` is the relation `name` with the inverse set."""

    name: str
    inverse: str
    with_inverse: str


class Lookup(Enum):
    """How the database finds the rows of a page."""

    INDEX = auto()  # for buyers and suppliers, an index has each part of the list in its order
    SORT = auto()  # no index has that order
    KEYS = auto()  # the condition names the rows of the page itself, cursors included


async def paginate(
    info: Info,
    row_type: type[R],
    where: Where | tuple[Where, ...],
    page: Page,
    keyset: Keyset,
    *,
    lookup: Lookup = Lookup.SORT,
    node: NodeRelation | None = None,
    total_where: Where | tuple[Where, ...] | None = None,
) -> Connection[Any]:
    """Returns one page of a list, or of one that has several parts (see `Select`), with all that the query selects of
    its nodes. The nodes are the rows, or their relation `node`. The total is that of `total_where`, where the condition
    of the page names fewer rows."""
    context: Context = info.context
    selection = Selection.of(info).field("edges", "node")
    if node is None:
        planned = plan(context, row_type, selection)
    else:
        inverse = selection.field(node.inverse)
        # The node's inverse is the row itself, unless the query selects the node of the inverse too.
        is_once = not inverse.occurrences(row_type.__name__, (node.name,))
        also = selection.as_field(node.with_inverse if is_once else node.name)
        planned = plan(context, row_type, inverse if is_once else Selection(selection.info), also)
    counted = where
    if lookup is not Lookup.KEYS:
        bounds = keyset.where(page)
        where = tuple([part & bounds for part in where]) if isinstance(where, tuple) else where & bounds
    is_planned_once = lookup is not Lookup.SORT and context.viewer.role in PARTIES
    select = Select(
        row_type,
        where,
        keyset.order(page),
        page.size + 1,
        visibility=Visibility.NAMED if lookup is Lookup.KEYS else Visibility.LISTED,
        plan_mode=PlanMode.GENERIC if is_planned_once else PlanMode.CUSTOM,
    )
    rows = await fetch(context, select, planned)
    await load_relations(context, rows[: page.size], planned)
    connection = build_connection(rows, page, keyset, keyset.name, attrgetter(node.name) if node else lambda row: row)
    if not selects_total(info):
        return connection
    total = await count(context, row_type, counted if total_where is None else total_where, MAX_TOTAL + 1)
    return replace(connection, total_count=total if total <= MAX_TOTAL else None)


def selects_total(info: Info) -> bool:
    """Returns whether the query selects the total of the connection that is being resolved."""
    selection = Selection.of(info)
    type_name: str = cast("Any", get_named_type(selection.type)).name
    return bool(selection.occurrences(type_name, ("totalCount",)))


async def count(context: Context, row_type: type[Row], where: Where | tuple[Where, ...], most: int) -> int:
    """Returns how many of these rows the viewer may see, at most `most`."""
    statement = Statement()
    [[total]] = await statement.run(f"SELECT {count_text(statement, context, row_type, where, most)}", PlanMode.CUSTOM)
    return total


def count_text(
    statement: Statement, context: Context, row_type: type[Row], where: Where | tuple[Where, ...], most: int
) -> str:
    """Returns the SQL expression for the number of these rows, at most `most`. Adds its values to the statement."""
    table = row_type.MODEL._meta.db_table  # pyright: ignore[reportPrivateUsage]
    visible = visible_rows(table, context.viewer)
    parts = where if isinstance(where, tuple) else (where,)
    rows = " UNION ALL ".join(
        f"SELECT 1 FROM (SELECT 1 FROM {table} WHERE {statement.condition(visible & part)} LIMIT {most}) AS part"
        for part in parts
    )
    return f"(SELECT count(*) FROM (SELECT 1 FROM ({rows}) AS parts LIMIT {most}) AS counted)"
