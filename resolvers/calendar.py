"""The agenda as a calendar: its signed address, and its text as iCalendar (RFC 5545)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from icalendar import Calendar, Event

from models import database
from resolvers.agenda import MAX_DAYS, AgendaEntry, as_id, as_instant, find_entries
from resolvers.context import Context, Info
from resolvers.language import current, gettext
from resolvers.read.sql import Statement, Where

MAX_ENTRIES = 500  # of one calendar: the first ones
REFRESH = timedelta(hours=1)  # how often calendar applications should read it again
_FIRST_CHANGE = datetime(2020, 1, 1, tzinfo=UTC)  # from which SEQUENCE counts seconds; it has 31 bits


@dataclass(slots=True, kw_only=True)
class ResetCalendarPayload:
    calendar_url: str


async def calendar_url(info: Info) -> str:
    """Returns the address of the viewer's calendar, in the language and the zone of this request. Raises
    FilesUnavailable while the secret that signs it cannot be read."""
    statement = Statement()
    which = statement.condition(Where("id = {}", info.context.viewer.id))
    with database.allow_replica(False):  # which may not know of the latest reset
        [[resets]] = await statement.run(f"SELECT calendar_resets FROM accounts WHERE {which}")
    return _address(info.context, resets)


async def reset_calendar(info: Info) -> ResetCalendarPayload:
    """Gives the viewer's calendar a new address. Those before are not good any more."""
    statement = Statement()
    which = statement.condition(Where("id = {}", info.context.viewer.id))

    async def reset() -> int:
        text = f"UPDATE accounts SET calendar_resets = calendar_resets + 1 WHERE {which} RETURNING calendar_resets"
        [row] = await database.returning(text, statement.values)
        return row["calendar_resets"]

    return ResetCalendarPayload(calendar_url=_address(info.context, await database.in_transaction(reset)))


def _address(context: Context, resets: int) -> str:
    wording = current.get()
    zone = getattr(wording.zone, "key", "UTC")
    return context.files.calendar_address(context.origin, context.viewer.id, resets, wording.language.tag, zone)


async def read_calendar(context: Context) -> tuple[Sequence[AgendaEntry], Mapping[UUID, datetime]]:
    """Returns what the viewer's calendar holds: the entries, and when their orders last changed, by the orders' ids."""
    entries = await find_entries(context, timedelta(days=MAX_DAYS), MAX_ENTRIES)
    orders = {entry.order_id for entry in entries if entry.order_id is not None}
    if not orders:
        return entries, {}
    statement = Statement()
    which = statement.condition(Where.among("id", orders))
    rows = await statement.run(f"SELECT id, changed_at FROM orders WHERE {which}")
    return entries, {as_id(id): as_instant(changed_at) for id, changed_at in rows}


def write_calendar(entries: Sequence[AgendaEntry], changes: Mapping[UUID, datetime]) -> bytes:
    """Returns the calendar, in the language and the zone of the context. The same entries give the same bytes."""
    calendar: Any = Calendar()
    calendar.add("prodid", "-//Recourse//Agenda//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    name = gettext("Deadlines of your orders")
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    for entry in entries:
        calendar.add_component(_event(entry, _changed(entry, changes)))
    return calendar.to_ical()


def _changed(entry: AgendaEntry, changes: Mapping[UUID, datetime]) -> datetime:
    """Returns when the entry last changed. One without an order is as it was from the start of its period."""
    changed = changes.get(entry.order_id) if entry.order_id is not None else None
    return (changed or entry.at - entry.end.duration).replace(microsecond=0)


def _event(entry: AgendaEntry, changed: datetime) -> Any:
    event: Any = Event()
    event.add("uid", entry.global_id)
    event.add("dtstamp", changed)
    event.add("last-modified", changed)
    event.add("sequence", max(0, int((changed - _FIRST_CHANGE).total_seconds())))
    event.add("dtstart", entry.at.replace(microsecond=0))
    event.add("summary", entry.text)
    event.add("transp", "TRANSPARENT")  # it takes no time
    return event
