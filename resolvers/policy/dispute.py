"""A dispute, as far as rules read it, and what time alone makes of it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from models.enums import PARTIES, DisputeStatus, Role
from resolvers.policy.conditions import Compared, Equals, Expression, IsSet, OlderThan, Viewpoint
from resolvers.policy.rule import Subject
from resolvers.policy.status import TRUE, Statuses, status_at

ANSWER_WITHIN = timedelta(days=7)
EVIDENCE_WITHIN = timedelta(days=5)
NEVER_DUE = datetime(9000, 1, 1, tzinfo=UTC)  # when a closed case is due; beyond any instant that the API takes


@dataclass(slots=True, kw_only=True)
class DisputeFacts:
    """Whom it waits for, and until when.

    `waits_for` is a party or AGENT, and null once closed. `due_at` is the last instant at which the party can answer,
    or since when the agents have had it; NEVER once somebody closed it. `evidence_asked_at` is set while evidence is
    awaited, of the party in `waits_for`. `proposed_at` is set while a proposal is on the table; `offered` is the amount
    that it offers, if any. `claimable` is what can be claimed of the order at most now, and changes with the order.
    """

    subject: ClassVar[Subject] = Subject.DISPUTE

    buyer_id: UUID
    supplier_id: UUID
    opened_at: datetime | None = None
    waits_for: Role | None = None
    due_at: datetime = NEVER_DUE
    evidence_asked_at: datetime | None = None
    proposed_at: datetime | None = None
    offered: int | None = None
    offered_currency: str | None = None
    claimable: int | None = None
    claimable_currency: str | None = None
    closed_at: datetime | None = None
    closed_as: DisputeStatus | None = None

    def party(self, role: Role) -> UUID | None:
        return self.buyer_id if role is Role.BUYER else self.supplier_id if role is Role.SUPPLIER else None


_overdue = OlderThan("due_at")
_evidence_awaited = IsSet("evidence_asked_at") & ~OlderThan("due_at")
lapsed = IsSet("evidence_asked_at") & Equals("waits_for", Role.BUYER) & OlderThan("due_at")
DISPUTE_CLOSED = IsSet("closed_at") | lapsed
in_review = Equals("waits_for", Role.AGENT) | IsSet("evidence_asked_at") | OlderThan("due_at")
under_review = in_review & ~_evidence_awaited


def is_possible(amount: str, currency: str) -> Expression:
    """That the dispute can end now with what these facts say: an amount that can be claimed of the order, or none. What
    can be claimed is unknown of disputes that a release before opened."""
    within = Compared(currency, "=", "claimable_currency") & Compared(amount, "<=", "claimable")
    return ~IsSet(amount) | ~IsSet("claimable") | within


DISPUTE_STATUSES: Statuses[DisputeStatus] = (
    (DisputeStatus.SETTLED, Equals("closed_as", DisputeStatus.SETTLED)),
    (DisputeStatus.RESOLVED, Equals("closed_as", DisputeStatus.RESOLVED)),
    (DisputeStatus.WITHDRAWN, Equals("closed_as", DisputeStatus.WITHDRAWN)),
    (DisputeStatus.LAPSED, Equals("closed_as", DisputeStatus.LAPSED) | lapsed),
    (DisputeStatus.EVIDENCE_REQUESTED, _evidence_awaited),
    (DisputeStatus.UNDER_REVIEW, in_review),
    (DisputeStatus.AWAITING_SUPPLIER, Equals("waits_for", Role.SUPPLIER)),
    (DisputeStatus.AWAITING_BUYER, TRUE),
)

_WAITS_FOR_A_PARTY = frozenset(
    {DisputeStatus.AWAITING_SUPPLIER, DisputeStatus.AWAITING_BUYER, DisputeStatus.EVIDENCE_REQUESTED}
)


def respond_by(facts: DisputeFacts, now: datetime) -> datetime | None:
    """Until when the party that it waits for can answer; null in review and once closed."""
    return facts.due_at if status_at(DISPUTE_STATUSES, facts, now) in _WAITS_FOR_A_PARTY else None


def waits_for(facts: DisputeFacts, now: datetime) -> Role | None:
    """Whose move it is; null once closed."""
    status = status_at(DISPUTE_STATUSES, facts, now)
    if status in _WAITS_FOR_A_PARTY:
        return facts.waits_for
    return Role.AGENT if status is DisputeStatus.UNDER_REVIEW else None


CLOSING: dict[str, Any] = {"waits_for": None, "due_at": NEVER_DUE}


def done_by_time(facts: DisputeFacts, now: datetime) -> tuple[datetime, dict[str, Any]] | None:
    """What time has done to the dispute that nobody has written down yet: when it was due, and the facts."""
    asked = Viewpoint(Role.AGENT, now)
    if lapsed.holds(facts, asked) and facts.closed_at is None:
        # Its `due_at` stays, so that writing this down moves it in no list.
        return facts.due_at, {"closed_at": facts.due_at, "closed_as": DisputeStatus.LAPSED, "waits_for": None}
    if facts.waits_for in PARTIES and _overdue.holds(facts, asked):
        return facts.due_at, {"waits_for": Role.AGENT, "evidence_asked_at": None}
    return None
