"""The facts of a cancellation, and until when the supplier is expected to answer a request."""

from dataclasses import dataclass
from datetime import datetime

from models.enums import CancellationStatus, Role
from resolvers.policy.order import CANCELLATION_ANSWER_WITHIN


@dataclass(slots=True, kw_only=True)
class CancellationFacts:
    """The facts of one cancellation: a request that waits for the supplier, unless it is closed."""

    opened_at: datetime
    closed_at: datetime | None = None
    closed_as: CancellationStatus | None = None

    @property
    def waits_for(self) -> Role | None:
        return Role.SUPPLIER if self.closed_at is None else None

    @property
    def respond_by(self) -> datetime | None:
        return self.opened_at + CANCELLATION_ANSWER_WITHIN if self.closed_at is None else None
