"""What cancellations, disputes and complaints share: the interface, messages and outcomes."""

from datetime import datetime

import strawberry

from execution.complexity import LONG_TEXT, SHORT_TEXT, sized
from models.enums import ResolutionKind, ViewerState
from schema.account import Account
from schema.files import Attachment
from schema.lazy import OrderReference
from schema.money import Money
from schema.node import Node
from schema.timeline import timeline_field


@strawberry.interface(description="A cancellation, a dispute or a complaint.")
class Case(Node):
    number: str = strawberry.field(description="The number for people and support calls, like D-2026-000123.")
    opened_at: datetime = strawberry.field(description="When the case was opened.")
    ended_at: datetime | None = strawberry.field(
        name="closedAt", description="When the case was closed. Null while it is open, also after an appeal."
    )
    is_final: bool = strawberry.field(
        description="True if nothing will change any more. A dispute is not final while it can be appealed, or its "
        "return runs; refunds do not matter."
    )
    viewer_state: ViewerState = strawberry.field(description="The state of the case for this viewer.")
    order: OrderReference | None = strawberry.field(
        description="The order that the case is about. Null for a complaint about a trade that is not on record."
    )
    timeline = timeline_field()


@strawberry.type(description="A message that a party or an agent wrote in a case.")
class Message(Node):
    by: Account = strawberry.field(description="The author.")
    at: datetime = strawberry.field(description="When the message was posted.")
    text: str = strawberry.field(metadata=LONG_TEXT, description="The text.")
    attachments: list[Attachment] = strawberry.field(metadata=sized(3), description="The files of the message.")


@strawberry.type(description="How a case ended.")
class Outcome:
    resolution: ResolutionKind = strawberry.field(description="The resolution that was agreed or decided.")
    amount: Money | None = strawberry.field(description="The amount to pay back. Null if nothing is paid back.")
    by: Account = strawberry.field(description="Who accepted or decided.")
    at: datetime = strawberry.field(description="When the case ended.")
    note: str | None = strawberry.field(
        metadata=SHORT_TEXT, description="What the person who accepted or decided wrote about it."
    )
