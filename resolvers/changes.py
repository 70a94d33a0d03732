"""The changes feed: all events in one sequence, from which the order system reads what is new."""

from __future__ import annotations

from strawberry import UNSET

from models import database
from models.enums import Role
from resolvers.context import Info
from resolvers.errors import BadRequest
from resolvers.read.pagination import Connection, InSequence, Page, paginate
from resolvers.read.sql import Where
from resolvers.timeline import TimelineEntry

# Order systems keep these cursors without a time limit. They have no name, like those of the first release.
_AS_WRITTEN = InSequence("at", "", newest_first=False, id_type=int)


async def changes(info: Info, first: int | None = UNSET, after: str | None = UNSET) -> Connection[TimelineEntry]:
    """Returns all events in the order of their ids, up to the id below which no event can follow. Raises BadRequest for
    buyers and suppliers."""
    if info.context.viewer.role not in (Role.SERVICE, Role.AGENT):
        raise BadRequest("Only the roles SERVICE and AGENT can read `changes`. Other roles can read timelines.")
    page = Page.of(first, after, UNSET, UNSET)
    with database.allow_replica(False):  # a replica may lack events below the watermark
        watermark = await info.context.hub.feed.watermark.wait()
        return await paginate(
            info,
            TimelineEntry,
            Where("id <= {}", watermark),
            page,
            _AS_WRITTEN,
        )
