"""The agenda: every end that concerns the viewer from now until so many days on, soonest first.

The ends are those of `resolvers.policy.ends`. Each end of the viewer's role is a part of one statement, which an index
has in the order of the end. A buyer's first five entries of 30 days, shortened:

    SELECT * FROM (SELECT 0 AS part, completed_at AS since, id, … FROM orders WHERE buyer_id = $1 AND (kind = $2 AND …)
      AND completed_at >= $3 ORDER BY completed_at, id LIMIT 6) AS part0 WHERE since <= $4
    UNION ALL
    SELECT * FROM (SELECT 5 AS part, due_at AS since, id, … FROM disputes WHERE buyer_id = $1 AND (…)
      AND due_at >= $5 ORDER BY due_at, id LIMIT 6) AS part5 WHERE since <= $6

where $3 is now - 60 days, and $5 now. What a part compares with the time depends on the request by its instant alone,
so the texts are made once. The parts are merged here: databases have no instant to the microsecond plus some days in
common.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from operator import itemgetter
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

from strawberry import UNSET

from execution.lookahead import Selection
from models import database
from models.backends.pool import PlanMode
from models.enums import PARTIES, AgendaKind, CaseKind, Role
from resolvers import policy
from resolvers.context import Context, Info
from resolvers.errors import BadRequest
from resolvers.language import gettext
from resolvers.money import Money
from resolvers.orders.order import Order
from resolvers.policy import Decision, End, Subject, TimeChange
from resolvers.read.fetch import read
from resolvers.read.pagination import Connection, CursorPosition, Edge, Page, PageInfo, invalid_cursor
from resolvers.read.rows import Row
from resolvers.read.scopes import visible_rows
from resolvers.read.select import Select
from resolvers.read.sql import Where, number_values, placeholder_sign
from resolvers.timeline import CASES
from resolvers.viewer import accounts_in_conflict, without_conflict

E = TypeVar("E", bound=End | TimeChange)

DEFAULT_DAYS, MAX_DAYS = 30, 365
_LIST = "agenda"  # a cursor's list; behind a dot it has the number of the entry's end, since a row may have two


@dataclass(slots=True, kw_only=True, eq=False)
class AgendaEntry:
    """An end that a row has at an instant. `key` is the row's id, `case` the kind and id of the case that it is about.
    `subject` is what is decided on, if the query selects it."""

    context: Context = field(repr=False)
    end: End
    at: datetime
    key: UUID
    order_id: UUID | None
    case: tuple[CaseKind, UUID] | None
    number: str
    amount: Money | None

    order: Order | None = field(init=False, default=None)
    related_case: Any = field(init=False, default=None)
    subject: Any = field(init=False, default=None)

    @property
    def global_id(self) -> str:
        return f"agd_{self.key.hex}_{self.end.name}"

    @property
    def kind(self) -> AgendaKind:
        return self.end.kind

    @property
    def text(self) -> str:
        amount = {} if self.amount is None else {"amount": self.amount}
        return gettext(self.end.sentence, number=self.number, at=self.at, **amount)

    @property
    def decision(self) -> Decision | None:
        if self.end.action is None or self.subject is None:
            return None
        return policy.decide(self.end.action, self.subject, self.context.viewer, self.context.now)


async def agenda(
    info: Info, first: int | None = UNSET, after: str | None = UNSET, within: int | None = UNSET
) -> Connection[AgendaEntry]:
    """Returns one page. Raises BadRequest for a negative number of days, and for a cursor of another list."""
    days = DEFAULT_DAYS if within is None or within is UNSET else within
    if days < 0:
        raise BadRequest("`within` cannot be negative.")
    page = Page.of(first, after, UNSET, UNSET)
    entries = await find_entries(info.context, timedelta(days=min(days, MAX_DAYS)), page.size + 1, page.after)
    shown = entries[: page.size]
    await _load(Selection.of(info).field("edges", "node"), info.context, shown)
    numbers = {end: number for number, end in enumerate(_ends_of(info.context.viewer.role))}
    edges = [Edge(entry.at, entry.key, f"{_LIST}.{numbers[entry.end]:08x}", entry) for entry in shown]
    return Connection(edges, PageInfo(len(entries) > page.size, page.after is not None, edges))


async def find_entries(
    context: Context, within: timedelta, limit: int, after: CursorPosition | None = None
) -> list[AgendaEntry]:
    """Returns the first entries by their instants, at most `limit`, from now until so long on. `after` is the position
    of an entry; the entries follow it. Raises BadRequest where it is that of another list."""
    parts = _parts(context.viewer.role)
    cursor_number = _number(after) if after is not None else 0
    if not parts:
        return []
    in_conflict = await accounts_in_conflict(context)
    found = await read_parts(
        context, parts, within, limit, after=after, cursor_number=cursor_number, in_conflict=in_conflict
    )
    return [_entry(context, parts[number].end, at, key, *columns) for at, key, number, columns in found]


Found = tuple[datetime, UUID, int, list[Any]]  # the instant, the row's id, the number of its part, and its `_COLUMNS`


async def read_parts(
    context: Context,
    parts: Sequence[Part[Any]],
    within: timedelta,
    limit: int,
    *,
    after: CursorPosition | None = None,
    cursor_number: int = 0,
    in_conflict: Collection[UUID] = (),
    is_short: bool = False,
) -> list[Found]:
    """Returns what the parts find first, at most `limit`, from now until so long on. `after` is the position of an
    entry of the part with this number; what is found follows it. Complaints to which one of the accounts `in_conflict`
    is a party are left out. Where the time is short, indexes are bounded by its end as well."""
    texts: list[str] = []
    values: list[object] = []
    for number, part in enumerate(parts):
        where = visible_rows(part.table, context.viewer)
        if in_conflict and part.end.case_kind is CaseKind.COMPLAINT:
            where &= without_conflict(Subject.COMPLAINT, set(in_conflict))
        where &= Where(part.condition, *[make(context.now) for make in part.values])
        where &= part.since_where(context.now, after, comes_later=number > cursor_number)
        last = part.last(context.now, within)
        if is_short:
            where &= Where(f"{part.since} <= {{}}", last)
        rows = f"{part.select} WHERE {where.text} {part.order} LIMIT {limit}"
        texts.append(f"SELECT * FROM ({rows}) AS part{number} WHERE since <= {{}}")
        values += [*where.values, last]
    distinct, numbers = number_values(values)
    sign = placeholder_sign(database.dialect())
    text = " UNION ALL ".join(texts).format(*[f"{sign}{number}" for number in numbers])
    plan_mode = PlanMode.GENERIC if context.viewer.role in PARTIES else PlanMode.CUSTOM
    records = await database.select(text, distinct, plan_mode)
    found: list[Found] = []
    for record in records:
        part_number, since, key, *columns = cast("tuple[int, Any, Any, Any]", tuple(record))
        found.append((as_instant(since) + parts[part_number].end.duration, as_id(key), part_number, columns))
    found.sort(key=itemgetter(0, 1, 2))
    return found[:limit]


def _number(after: CursorPosition) -> int:
    name, _, number = after.list.partition(".")
    if name != _LIST or not isinstance(after.key, UUID):
        raise invalid_cursor()
    return int(number or "0", 16)


# ---------------------------------------------------------------- the parts of the statement

_NO_ID, _NO_TEXT, _NO_AMOUNT = "CAST(NULL AS uuid)", "CAST(NULL AS text)", "CAST(NULL AS bigint)"


# The order's id, the case's id and kind, the number, the amount and its currency.
_COLUMNS = {
    "orders": ("id", _NO_ID, _NO_TEXT, "number", _NO_AMOUNT, _NO_TEXT),
    "disputes": ("order_id", "id", _NO_TEXT, "number", _NO_AMOUNT, _NO_TEXT),
    "complaints": ("order_id", "id", _NO_TEXT, "number", _NO_AMOUNT, _NO_TEXT),
    "refunds": (
        "order_id",
        "case_id",
        "case_kind",
        "(SELECT number FROM orders WHERE orders.id = refunds.order_id)",
        "outstanding",
        "currency",
    ),
}
_PENDING_CASE = "(SELECT id FROM cancellations WHERE order_id = orders.id AND closed_at IS NULL)"


@dataclass(frozen=True, slots=True)
class Part(Generic[E]):
    """One end as a part of the statement. `values` make the condition's values of the request's instant."""

    end: E
    table: str
    select: str
    condition: str
    values: tuple[Callable[[datetime], object], ...]
    since: str

    @property
    def order(self) -> str:
        return f"ORDER BY {self.since}, id"

    def since_where(self, now: datetime, after: CursorPosition | None, *, comes_later: bool) -> Where:
        """Returns the condition that the end has not passed, and is behind the cursor. An end that `comes_later` than
        that of the cursor follows it for the same row."""
        first, since = now - self.end.duration, self.since
        if after is None:
            return Where(f"{since} >= {{}}", first)
        at = after.at - self.end.duration
        where = Where(f"{since} >= {{}}", max(first, at))
        return where & Where(f"({since} > {{}} OR id {'>=' if comes_later else '>'} {{}})", at, after.key)

    def last(self, now: datetime, within: timedelta) -> datetime:
        """Returns the last instant of the fact. A window that has not opened has no end yet."""
        last = now + within - self.end.duration
        return min(last, now) if self.end.is_window else last


@cache
def _ends_of(role: Role) -> list[End]:
    return [end for end in policy.ENDS if end.role is role]


@cache
def _parts(role: Role) -> list[Part[End]]:
    return parts_of(_ends_of(role))


def parts_of(ends: Iterable[E]) -> list[Part[E]]:
    return [_part(number, end) for number, end in enumerate(ends)]


_ANY_INSTANT = datetime(2000, 1, 1, tzinfo=UTC)  # conditions are written for it; their values are told apart from it


def _part(number: int, end: E) -> Part[E]:
    values: list[Callable[[datetime], object]] = []

    def bind(value: object) -> str:
        if isinstance(value, datetime):
            distance = value - _ANY_INSTANT
            values.append(lambda now: now + distance)
        else:
            values.append(lambda _now: value)
        return "{}"

    condition = end.condition.sql(bind, end.role, _ANY_INSTANT)
    order_id, case_id, *others = _COLUMNS[end.table]
    if end.case_kind is CaseKind.CANCELLATION:
        case_id = _PENDING_CASE
    since = end.fact
    if end.table == "orders":
        # In this form no list of orders finds the index, which has another order; nor does this one find theirs.
        since = f"coalesce({end.fact}, {end.fact})"
        condition = condition.replace(f"{end.fact} IS NOT NULL", f"{since} IS NOT NULL")
    columns = ", ".join(
        f"{column} AS {name}"
        for column, name in zip(
            (str(number), since, "id", order_id, case_id, *others),
            ("part", "since", "id", "order_id", "case_id", "case_kind", "number", "amount", "currency"),
            strict=True,
        )
    )
    return Part(end, end.table, f"SELECT {columns} FROM {end.table}", condition, tuple(values), since)


def _entry(
    context: Context,
    end: End,
    at: datetime,
    key: UUID,
    order_id: Any,
    case_id: Any,
    case_kind: str | None,
    number: str,
    amount: int | None,
    currency: str | None,
) -> AgendaEntry:
    kind = end.case_kind or (CaseKind(case_kind) if case_kind else None)
    return AgendaEntry(
        context=context,
        end=end,
        at=at,
        key=key,
        order_id=None if order_id is None else as_id(order_id),
        case=None if kind is None or case_id is None else (kind, as_id(case_id)),
        number=number,
        amount=Money(amount, currency) if amount is not None and currency is not None else None,
    )


def as_id(value: Any) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)


def as_instant(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value).astimezone(UTC)


# ---------------------------------------------------------------- what a query selects of the entries


async def _load(selection: Selection, context: Context, entries: Sequence[AgendaEntry]) -> None:
    """Reads orders and cases, by a statement for each table that the query needs."""
    decision, shows_order, shows_case = (
        bool(selection.occurrences(AgendaEntry.__name__, (name,))) for name in ("decision", "order", "relatedCase")
    )
    acting = {entry for entry in entries if decision and entry.end.action is not None}
    orders = {
        entry.order_id
        for entry in entries
        if entry.order_id is not None and (shows_order or (entry in acting and entry.case is None))
    }
    by_id = await _read(context, Order, orders, selection, "order")
    for entry in entries:
        entry.order = by_id.get(entry.order_id)
        if entry.case is None:
            entry.subject = entry.order
    for kind, row_type in CASES.items():
        of_kind = {entry: entry.case[1] for entry in entries if entry.case is not None and entry.case[0] is kind}
        keys = {key for entry, key in of_kind.items() if shows_case or entry in acting}
        by_id = await _read(context, row_type, keys, selection, "relatedCase")
        for entry, key in of_kind.items():
            entry.related_case = entry.subject = by_id.get(key)


async def _read(
    context: Context, row_type: type[Row], keys: set[UUID], selection: Selection, name: str
) -> dict[UUID | None, Any]:
    """Returns the rows by their ids, with what the query selects of them in the field `name`, and with what decisions
    on them need."""
    if not keys:
        return {}
    decision = selection.field("decision")
    decides = "decision" in row_type.relations_by_name and bool(decision.selection_sets)
    also = decision.as_field("decision") if decides else None
    rows: list[Any] = list(await read(context, Select(row_type, Where.among("id", keys)), selection.field(name), also))
    needed = row_type.relations_by_name.get("afterwards")  # not of complaints
    if rows and needed is not None and decides and decision.occurrences(Decision.__name__, ("afterwards",)):
        await needed.load(context, rows, decision.empty_field("afterwards"))
    return {row.id: row for row in rows}
