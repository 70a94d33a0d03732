from datetime import datetime

import strawberry

from schema.account import Account
from schema.node import Node


@strawberry.type(description="What a party or an agent wrote in a case.")
class Message(Node):
    by: Account = strawberry.field(description="Who wrote it.")
    at: datetime = strawberry.field(description="When.")
    text: str = strawberry.field(description="What.")
