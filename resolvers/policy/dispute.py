"""The facts of a dispute that rules read, its statuses, and the changes that passing time makes to it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from models.enums import PARTIES, DisputeStatus, Role
from resolvers.policy.expression import TRUE, Comparison, Equals, Expression, IsSet, OlderThan
from resolvers.policy.rule import Subject
from resolvers.policy.status import StatusTable, status_at

ANSWER_WITHIN = timedelta(days=7)
EVIDENCE_WITHIN = timedelta(days=5)
NEVER_DUE = datetime(9000, 1, 1, tzinfo=UTC)  # the due date of a closed case; later than the API accepts


@dataclass(slots=True, kw_only=True)
class DisputeFacts:
    """The facts of one dispute.

    `waits_for`: the role that must act next, a party or AGENT; null when closed.
    `due_at`: the last instant at which a party can answer, or the instant at which agents got the dispute;
      NEVER_DUE after somebody closed it.
    `evidence_asked_at`: set while the party in `waits_for` is asked for evidence.
    `proposed_at`: set while a proposal waits for an answer; `offered` is its amount, if it has one.
    `claimable`: the largest amount that can be claimed for the order now; it changes with the order.
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
# A buyer who is asked for evidence and does not answer in time loses the dispute.
_lapsed = IsSet("evidence_asked_at") & Equals("waits_for", Role.BUYER) & OlderThan("due_at")
DISPUTE_CLOSED = IsSet("closed_at") | _lapsed
# An agent has the dispute, or asked a party for evidence, or gets it because nobody answered in time.
IN_REVIEW = Equals("waits_for", Role.AGENT) | IsSet("evidence_asked_at") | OlderThan("due_at")
UNDER_REVIEW = IN_REVIEW & ~_evidence_awaited  # and it is the agent's turn


def within_claimable(amount: str, currency: str) -> Expression:
    """Returns the expression "the amount in these two facts is unset, or can be claimed for the order now".

    Disputes that an earlier release opened have no claimable amount; their offers are not limited here.
    """
    within = Comparison(currency, "=", "claimable_currency") & Comparison(amount, "<=", "claimable")
    return ~IsSet(amount) | ~IsSet("claimable") | within


DISPUTE_STATUSES: StatusTable[DisputeStatus] = (
    (DisputeStatus.SETTLED, Equals("closed_as", DisputeStatus.SETTLED)),
    (DisputeStatus.RESOLVED, Equals("closed_as", DisputeStatus.RESOLVED)),
    (DisputeStatus.WITHDRAWN, Equals("closed_as", DisputeStatus.WITHDRAWN)),
    (DisputeStatus.LAPSED, Equals("closed_as", DisputeStatus.LAPSED) | _lapsed),
    (DisputeStatus.EVIDENCE_REQUESTED, _evidence_awaited),
    (DisputeStatus.UNDER_REVIEW, IN_REVIEW),
    (DisputeStatus.AWAITING_SUPPLIER, Equals("waits_for", Role.SUPPLIER)),
    (DisputeStatus.AWAITING_BUYER, TRUE),
)

_WAITS_FOR_A_PARTY = frozenset(
    {DisputeStatus.AWAITING_SUPPLIER, DisputeStatus.AWAITING_BUYER, DisputeStatus.EVIDENCE_REQUESTED}
)


def respond_by(facts: DisputeFacts, now: datetime) -> datetime | None:
    """Returns the last instant at which a party can answer; None in review and when closed."""
    return facts.due_at if status_at(DISPUTE_STATUSES, facts, now) in _WAITS_FOR_A_PARTY else None


def waits_for(facts: DisputeFacts, now: datetime) -> Role | None:
    """Returns the role that must act next; None when closed."""
    status = status_at(DISPUTE_STATUSES, facts, now)
    if status in _WAITS_FOR_A_PARTY:
        return facts.waits_for
    return Role.AGENT if status is DisputeStatus.UNDER_REVIEW else None


def claimable_facts(minor: int, currency: str) -> dict[str, Any]:
    """Returns the facts of what can be claimed of the order at most."""
    return {"claimable": minor, "claimable_currency": currency}


# What closing a case by hand also sets.
CLOSING: dict[str, Any] = {"waits_for": None, "due_at": NEVER_DUE}


def expiration(facts: DisputeFacts, now: datetime) -> tuple[datetime, dict[str, Any]] | None:
    """Returns the change that passing time has made and that is not recorded yet: its instant, and the new facts."""
    if _lapsed.holds(facts, Role.AGENT, now) and facts.closed_at is None:
        # `due_at` keeps its value, so recording the change does not move the dispute in any list.
        return facts.due_at, {"closed_at": facts.due_at, "closed_as": DisputeStatus.LAPSED, "waits_for": None}
    if facts.waits_for in PARTIES and _overdue.holds(facts, Role.AGENT, now):
        return facts.due_at, {"waits_for": Role.AGENT, "evidence_asked_at": None}
    return None
