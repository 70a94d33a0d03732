"""What a request carries to every resolver: the viewer, the instant, and what all requests share."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

import strawberry

from execution.limits import Limits
from models.enums import Role
from resolvers.feed.hub import Hub
from resolvers.signed_url import FileUrls


class ViewerAccount(Protocol):
    """The account that makes the request. It is a `resolvers.account.Account`, which is built on this module."""

    @property
    def id(self) -> UUID: ...

    @property
    def subject(self) -> str: ...

    @property
    def role(self) -> Role: ...


@dataclass(frozen=True, slots=True)
class Context:
    """`now` is taken once, when the request arrives; UTC. `arrived_at` is the real time of that, also where the clock
    was moved, in development mode. `origin` is the server's own address, like https://example.com."""

    viewer: ViewerAccount
    now: datetime
    arrived_at: datetime
    files: FileUrls
    hub: Hub
    limits: Limits
    origin: str = ""

    def known_at(self) -> datetime:
        """Returns the instant at which an event that is written now becomes known: as late as possible before the
        commit, because earlier answers did not include it. A moved clock stands still."""
        return datetime.now(UTC) if self.now == self.arrived_at else self.now


Info = strawberry.Info[Context, None]
