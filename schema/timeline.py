"""What happened to an order or a case."""

from datetime import datetime
from typing import Any

import strawberry

from execution.sizes import AS_ASKED, SHORT_TEXT
from models.enums import Action
from schema.account import Account
from schema.connection import PageInfo, paged_field
from schema.lazy import CaseReference, OrderReference


@strawberry.type(description="One thing that happened.")
class TimelineEntry:
    at: datetime = strawberry.field(description="When it happened. What the order system tells later is dated by it.")
    by: Account | None = strawberry.field(description="Who did it. Null for the order system and for time itself.")
    action: Action | None = strawberry.field(description="The action, where it was one.")
    text: str = strawberry.field(description="What happened, in a sentence that can be read to a caller.")
    shown_note: str | None = strawberry.field(
        metadata=SHORT_TEXT, name="note", description="What the person added in their own words."
    )
    order: OrderReference | None = strawberry.field(description="The order it happened to.")
    related_case: CaseReference | None = strawberry.field(description="The case it happened to.")


@strawberry.type(description="An entry of a timeline, with its place.")
class TimelineEdge:
    cursor: str = strawberry.field(description="The entry's place: pass it as `after` or `before`.")
    node: TimelineEntry = strawberry.field(description="The entry.")


@strawberry.type(description="A page of a timeline, oldest first.")
class TimelineConnection:
    edges: list[TimelineEdge] = strawberry.field(metadata=AS_ASKED, description="The entries.")
    page_info: PageInfo = strawberry.field(description="Where the page lies.")


def timeline_field() -> Any:
    """The field `timeline`, the same on orders and on cases."""
    return paged_field(
        "timeline",
        TimelineConnection,
        "What happened, oldest first. The words are made when it is read and may change.",
    )
