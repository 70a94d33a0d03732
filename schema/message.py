from datetime import datetime

import strawberry

from execution.sizes import LONG_TEXT, sized
from schema.account import Account
from schema.attachment import Attachment
from schema.node import Node


@strawberry.type(description="What a party or an agent wrote in a case.")
class Message(Node):
    by: Account = strawberry.field(description="Who wrote it.")
    at: datetime = strawberry.field(description="When.")
    text: str = strawberry.field(metadata=LONG_TEXT, description="What.")
    attachments: list[Attachment] = strawberry.field(metadata=sized(3), description="The files that came with it.")
