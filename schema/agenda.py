"""The agenda: what ends next for the viewer."""

from datetime import datetime

import strawberry

from execution.complexity import SIZED_BY_PARENT
from models.enums import AgendaKind
from schema.connection import PageInfo
from schema.lazy import CaseReference, OrderReference
from schema.policy import Decision


@strawberry.type(description="An instant until which the viewer can do something, or must.")
class AgendaEntry:
    global_id: strawberry.ID = strawberry.field(
        name="id", description="An opaque id. It stays the same when the instant changes."
    )
    at: datetime = strawberry.field(description="The last instant.")
    kind: AgendaKind = strawberry.field(description="What ends then.")
    text: str = strawberry.field(description="What to do until when, in a sentence.")
    order: OrderReference | None = strawberry.field(
        description="The order. Null for a complaint about a trade that is not on record."
    )
    related_case: CaseReference | None = strawberry.field(description="The case that it is about. Null if it is none.")
    decision: Decision | None = strawberry.field(
        description="The decision about the action that is to be done, now. Null where several actions would do, or "
        "none."
    )


@strawberry.type(description="An entry of an agenda, with its cursor.")
class AgendaEdge:
    cursor: str = strawberry.field(description="The entry's position. Pass it as `after`.")
    node: AgendaEntry = strawberry.field(description="The entry.")


@strawberry.type(description="A page of an agenda, soonest first.")
class AgendaConnection:
    edges: list[AgendaEdge] = strawberry.field(metadata=SIZED_BY_PARENT, description="The entries of the page.")
    page_info: PageInfo = strawberry.field(description="The position of the page in the agenda.")
