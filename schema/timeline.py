"""Timelines: what happened to an order or a case."""

from datetime import datetime
from typing import Any

import strawberry

from execution.complexity import SHORT_TEXT, SIZED_BY_PARENT
from models.enums import Action, ChangeKind
from schema.account import Account
from schema.connection import PageInfo, paged_field
from schema.lazy import CaseReference, OrderReference, RefundReference


@strawberry.type(description="Something that happened.")
class TimelineEntry:
    global_id: strawberry.ID = strawberry.field(
        name="id",
        description="An opaque id. An entry that a time limit makes gets another one when it is recorded, together "
        "with the next change.",
    )
    kind: ChangeKind = strawberry.field(description="What kind of change it is.")
    at: datetime = strawberry.field(
        description="When it happened. If the order system reported it later, this is the time that it reported."
    )
    by: Account | None = strawberry.field(
        description="Who did it. Null if the order system reported it or a time limit passed."
    )
    action: Action | None = strawberry.field(description="The action. Null if it was not an action.")
    text: str = strawberry.field(description="What happened, in a sentence that can be read to a caller.")
    shown_note: str | None = strawberry.field(
        metadata=SHORT_TEXT, name="note", description="What the person added in their own words."
    )
    order: OrderReference | None = strawberry.field(description="The order that it happened to.")
    refund: RefundReference | None = strawberry.field(
        description="The refund that the order system told about, or that became owed or void. Null for others."
    )
    related_case: CaseReference | None = strawberry.field(description="The case that it happened to.")


@strawberry.type(description="An entry of a timeline, with its cursor.")
class TimelineEdge:
    cursor: str = strawberry.field(description="The entry's position. Pass it as `after` or `before`.")
    node: TimelineEntry = strawberry.field(description="The entry.")


@strawberry.type(description="A page of a timeline, oldest first.")
class TimelineConnection:
    edges: list[TimelineEdge] = strawberry.field(metadata=SIZED_BY_PARENT, description="The entries of the page.")
    page_info: PageInfo = strawberry.field(description="The position of the page in the timeline.")


def timeline_field() -> Any:
    """Returns the field `timeline` of orders and cases."""
    return paged_field(
        "timeline",
        TimelineConnection,
        "What happened, oldest first. The texts are composed for each request, so their wording may change.",
    )
