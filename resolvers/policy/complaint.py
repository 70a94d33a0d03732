"""A complaint, as far as rules read it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from models.enums import ComplaintStatus, Role
from resolvers.policy.conditions import Equals, IsSet, OlderThan
from resolvers.policy.dispute import NEVER_DUE
from resolvers.policy.rule import Subject
from resolvers.policy.status import TRUE, Statuses

REPLY_WITHIN = timedelta(days=5)  # the help page, Disputes 3: five calendar days


@dataclass(slots=True, kw_only=True)
class ComplaintFacts:
    """`answered_at` is when an agent first took it up or wrote. `waits_for` is AGENT or BUYER, null once closed;
    `due_at` is when the agents' move is or was due, NEVER while it waits for the complainant and once closed."""

    subject: ClassVar[Subject] = Subject.COMPLAINT

    complainant_id: UUID
    opened_at: datetime | None = None
    answered_at: datetime | None = None
    waits_for: Role | None = None
    due_at: datetime = NEVER_DUE
    closed_at: datetime | None = None
    closed_as: ComplaintStatus | None = None

    def party(self, role: Role) -> UUID | None:
        return self.complainant_id if role is Role.BUYER else None


COMPLAINT_CLOSED = IsSet("closed_at")
REPLY_OVERDUE = ~COMPLAINT_CLOSED & ~IsSet("answered_at") & OlderThan("opened_at", REPLY_WITHIN)

COMPLAINT_STATUSES: Statuses[ComplaintStatus] = (
    (ComplaintStatus.RESOLVED, Equals("closed_as", ComplaintStatus.RESOLVED)),
    (ComplaintStatus.REJECTED, Equals("closed_as", ComplaintStatus.REJECTED)),
    (ComplaintStatus.WITHDRAWN, Equals("closed_as", ComplaintStatus.WITHDRAWN)),
    (ComplaintStatus.SUBMITTED, ~IsSet("answered_at")),
    (ComplaintStatus.AWAITING_COMPLAINANT, Equals("waits_for", Role.BUYER)),
    (ComplaintStatus.UNDER_REVIEW, TRUE),
)
