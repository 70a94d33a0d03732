"""What a request carries to every resolver: who asks, and when."""

from dataclasses import dataclass
from datetime import datetime

import strawberry

from resolvers.account import Account


@dataclass(frozen=True, slots=True)
class Context:
    """`now` is taken once, when the request arrives; UTC."""

    viewer: Account
    now: datetime


Info = strawberry.Info[Context, None]
