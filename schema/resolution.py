from datetime import datetime

import strawberry

from execution.sizes import SHORT_TEXT
from models.enums import ResolutionKind
from schema.account import Account
from schema.money import Money


@strawberry.type(description="How a case ended.")
class Outcome:
    resolution: ResolutionKind = strawberry.field(description="How.")
    amount: Money | None = strawberry.field(description="How much is paid back, where it is.")
    by: Account = strawberry.field(description="Who accepted or decided.")
    at: datetime = strawberry.field(description="When.")
    note: str | None = strawberry.field(metadata=SHORT_TEXT, description="What they said about it.")
