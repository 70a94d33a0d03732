"""The return of a dispute as clients see it. Its state follows from the dispute's facts and the time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models.enums import ResolutionKind, ReturnStatus, Role
from resolvers import policy
from resolvers.context import Context


@dataclass(slots=True)
class ReturnShipment:
    status: ReturnStatus
    respond_by: datetime | None
    address: str | None
    carrier: str | None
    tracking_number: str | None
    shipped_at: datetime | None
    received_at: datetime | None
    note: str | None


class Returning:
    """A dispute with the facts and texts of its latest return."""

    __slots__ = ()
    context: Context
    due_at: datetime
    return_shipped_at: datetime | None
    return_received_at: datetime | None
    outcome_resolution: ResolutionKind | None
    return_address: str | None
    return_carrier: str | None
    return_tracking_number: str | None
    return_note: str | None

    @property
    def return_shipment(self) -> ReturnShipment | None:
        """The latest return; None where the outcome needs none. A refused one stays."""
        dispute: Any = self
        now = self.context.now
        status = policy.return_status(dispute, now)
        is_return = self.outcome_resolution is ResolutionKind.RETURN_AND_REFUND
        if status is None or not (is_return or status is ReturnStatus.REFUSED):
            return None
        received_at = self.return_received_at
        if status is ReturnStatus.RECEIVED and received_at is None:
            received_at = self.due_at  # the last instant to refuse the goods
        # The order system does not read where people live, nor what they write.
        is_service = self.context.viewer.role is Role.SERVICE
        return ReturnShipment(
            status=status,
            respond_by=policy.return_respond_by(dispute, now),
            address=None if is_service else self.return_address,
            carrier=self.return_carrier,
            tracking_number=self.return_tracking_number,
            shipped_at=self.return_shipped_at,
            received_at=received_at,
            note=None if is_service else self.return_note,
        )
