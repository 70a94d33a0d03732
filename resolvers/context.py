"""What a request carries to every resolver: who asks, when, and what all requests share."""

from dataclasses import dataclass
from datetime import UTC, datetime

import strawberry

from execution.limits import Limits
from resolvers.account import Account
from resolvers.feed.hub import Hub
from resolvers.signed_url import FileUrls


@dataclass(frozen=True, slots=True)
class Context:
    """`now` is taken once, when the request arrives; UTC. `arrived_at` is the real time of that, also where the clock
    was moved, in development mode. `origin` is the server's own address, like https://example.com."""

    viewer: Account
    now: datetime
    arrived_at: datetime
    files: FileUrls
    hub: Hub
    limits: Limits
    origin: str = ""

    def known_at(self) -> datetime:
        """When what is being written becomes known: as late as can be told before it is committed, since whoever
        asked before then was answered without it. A moved clock stands still."""
        return datetime.now(UTC) if self.now == self.arrived_at else self.now


Info = strawberry.Info[Context, None]
