from datetime import datetime

import strawberry

from models.enums import ViewerState
from schema.lazy import OrderReference
from schema.node import Node
from schema.timeline import timeline_field


@strawberry.interface(description="What people may call about: a cancellation, a dispute or a complaint.")
class Case(Node):
    number: str = strawberry.field(description="For people and support calls, like D-2026-000123.")
    opened_at: datetime = strawberry.field(description="When it was opened.")
    ended_at: datetime | None = strawberry.field(
        name="closedAt", description="When it was closed. Null while it is open."
    )
    is_final: bool = strawberry.field(description="Whether nothing will change any more.")
    viewer_state: ViewerState = strawberry.field(description="The case from where this viewer stands.")
    order: OrderReference | None = strawberry.field(
        description="The order it is about. None for a complaint about a trade that is not on record."
    )
    timeline = timeline_field()
