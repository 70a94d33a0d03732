"""The facts of a complaint that rules read, and its statuses."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from models.enums import ComplaintStatus, Role
from resolvers.policy.dispute import NEVER_DUE
from resolvers.policy.expression import TRUE, Equals, IsSet, OlderThan
from resolvers.policy.rule import Subject
from resolvers.policy.status import StatusTable

REPLY_WITHIN = timedelta(days=5)  # the help page, Disputes 3: five calendar days


@dataclass(slots=True, kw_only=True)
class ComplaintFacts:
    """The facts of one complaint.

    `answered_at`: when an agent first took it up or wrote.
    `waits_for`: AGENT or BUYER; null when closed.
    `due_at`: when the agents' answer is due; NEVER_DUE while the complainant must answer and when closed.
    """

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


def reply_due_at(facts: ComplaintFacts) -> datetime | None:
    """Returns the instant until which agents should answer first; None once they did, and when closed."""
    if facts.opened_at is None or facts.answered_at is not None or facts.closed_at is not None:
        return None
    return facts.opened_at + REPLY_WITHIN


COMPLAINT_STATUSES: StatusTable[ComplaintStatus] = (
    (ComplaintStatus.RESOLVED, Equals("closed_as", ComplaintStatus.RESOLVED)),
    (ComplaintStatus.REJECTED, Equals("closed_as", ComplaintStatus.REJECTED)),
    (ComplaintStatus.WITHDRAWN, Equals("closed_as", ComplaintStatus.WITHDRAWN)),
    (ComplaintStatus.SUBMITTED, ~IsSet("answered_at")),
    (ComplaintStatus.AWAITING_COMPLAINANT, Equals("waits_for", Role.BUYER)),
    (ComplaintStatus.UNDER_REVIEW, TRUE),
)
