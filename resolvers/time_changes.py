"""What time alone has changed for a viewer since an instant, and when it changes something next.

One statement, in the form of the agenda's (`resolvers.agenda`), reads the instants of the next hour. After an hour they
are read again. So a viewer who watches 100,000 orders costs a look into some indexes each hour, and at each instant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from models.enums import CaseKind, Role
from resolvers import policy
from resolvers.agenda import Part, as_id, parts_of, read_parts
from resolvers.context import Context
from resolvers.feed.hub import MAX_BACKLOG, Change
from resolvers.policy import TimeChange

HORIZON = timedelta(hours=1)
_PARTS: dict[Role, list[Part[TimeChange]]] = {
    role: parts_of(change for change in policy.TIME_CHANGES if change.role is role) for role in Role
}


async def time_changes(context: Context, since: datetime) -> tuple[Sequence[Change], datetime]:
    """Returns what time has changed after `since` and until now, and the instant at which to look again. Of more than a
    hundred rows that time changes since then it returns the first hundred."""
    now, parts = context.now, _PARTS[context.viewer.role]
    then = replace(context, now=since)
    found: list[tuple[datetime, Change]] = []
    for at, _key, number, (order_id, case_id, case_kind, *_) in await read_parts(
        then, parts, now + HORIZON - since, MAX_BACKLOG, is_short=True
    ):
        kind = parts[number].end.case_kind or (CaseKind(case_kind) if case_kind else None)
        case = None if kind is None or case_id is None else (kind, as_id(case_id))
        change = Change(None if order_id is None else as_id(order_id), case)
        found.append((at + policy.MOMENT, change))
    due = dict.fromkeys(change for at, change in found if at <= now)
    look_again = now if len(found) == MAX_BACKLOG else now + HORIZON  # there may be more
    return list(due), next((at for at, _ in found if at > now), look_again)
