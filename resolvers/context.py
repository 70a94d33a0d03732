"""What a request carries to every resolver: who asks, and when."""

from dataclasses import dataclass
from datetime import UTC, datetime

import strawberry

from resolvers.account import Account


@dataclass(frozen=True, slots=True)
class Context:
    """`now` is taken once, when the request arrives; UTC."""

    viewer: Account
    now: datetime
    moved: bool = False  # whether `now` was asked for, in development mode, and is not the real time

    def known_at(self) -> datetime:
        """When what is being written becomes known: as late as can be told before it is committed, since whoever
        asked before then was answered without it. A moved clock stands still."""
        return self.now if self.moved else datetime.now(UTC)


Info = strawberry.Info[Context, None]
