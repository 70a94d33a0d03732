"""The facts of a dispute that rules read, its statuses, and the changes that passing time makes to it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from models.enums import PARTIES, DisputeStatus, ReturnStatus, Role
from resolvers.policy.expression import TRUE, Comparison, Equals, Expression, IsSet, OlderThan, all_of
from resolvers.policy.rule import Subject
from resolvers.policy.status import StatusTable, status_at, status_is

ANSWER_WITHIN = timedelta(days=7)
EVIDENCE_WITHIN = timedelta(days=5)
ESCALATES_AFTER = timedelta(days=30)  # whatever turns are taken
APPEAL_DAYS = 30
RETURN_ADDRESS_DAYS, RETURN_SHIPMENT_DAYS, RETURN_ANSWER_DAYS = 5, 10, 20
NEVER_DUE = datetime(9000, 1, 1, tzinfo=UTC)  # the due date of a closed case; later than the API accepts


@dataclass(slots=True, kw_only=True)
class DisputeFacts:
    """The facts of one dispute.

    `waits_for`: the role that must act next, a party or AGENT; null when closed.
    `due_at`: the last instant at which a party can answer, or the instant at which agents got the dispute;
      NEVER_DUE after somebody closed it.
    `evidence_asked_at`: set while the party in `waits_for` is asked for evidence.
    `proposed_at`: set while a proposal waits for an answer; `offered` is its amount, if it has one.
    `claim`: what the buyer wants, if it is money.
    `claimable`: the largest amount that can be claimed for the order now; it changes with the order.
    `answered_at`: when the supplier first rejected or proposed something.
    `reopened_at`: when an appeal or a refused return last opened it again.
    `paid_back_at`: set while money that it owes was sent or has arrived.
    `return_began_at`: when goods were to be sent back, of the latest return; the other facts of it follow.
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
    claim: int | None = None
    currency: str | None = None
    claimable: int | None = None
    claimable_currency: str | None = None
    answered_at: datetime | None = None
    reopened_at: datetime | None = None
    paid_back_at: datetime | None = None
    return_began_at: datetime | None = None
    return_addressed_at: datetime | None = None
    return_shipped_at: datetime | None = None
    return_received_at: datetime | None = None
    return_refused_at: datetime | None = None
    return_waived_at: datetime | None = None
    return_expired_at: datetime | None = None
    closed_at: datetime | None = None
    closed_as: DisputeStatus | None = None

    def party(self, role: Role) -> UUID | None:
        return self.buyer_id if role is Role.BUYER else self.supplier_id if role is Role.SUPPLIER else None


_overdue = OlderThan("due_at")
_evidence_awaited = IsSet("evidence_asked_at") & ~OlderThan("due_at")
# A buyer who is asked for evidence and does not answer in time loses the dispute, unless an outcome stood before.
_lapsed = IsSet("evidence_asked_at") & Equals("waits_for", Role.BUYER) & OlderThan("due_at") & ~IsSet("reopened_at")
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


HAS_RETURN = IsSet("return_began_at")
# These follow from "it is the turn of a party" and from the states of a return. Indexes have them, so lists name them.
NOT_CLOSED = ~IsSet("closed_at")
_not_ended = all_of(~IsSet(f"return_{end}_at") for end in ("received", "refused", "waived", "expired"))
_addressed, _sent_back = IsSet("return_addressed_at"), IsSet("return_shipped_at")
RETURN_FACTS = {
    ReturnStatus.AWAITING_ADDRESS: HAS_RETURN & _not_ended & ~_addressed & ~_sent_back,
    ReturnStatus.AWAITING_SHIPMENT: _addressed & _not_ended & ~_sent_back,
    ReturnStatus.SHIPPED: _sent_back & _not_ended,
}
_address_missed = OlderThan("return_began_at", timedelta(days=RETURN_ADDRESS_DAYS))
_shipment_missed = OlderThan("return_addressed_at", timedelta(days=RETURN_SHIPMENT_DAYS))
_answer_missed = OlderThan("return_shipped_at", timedelta(days=RETURN_ANSWER_DAYS))

RETURN_STATUSES: StatusTable[ReturnStatus | None] = (
    (None, ~HAS_RETURN),
    (ReturnStatus.REFUSED, IsSet("return_refused_at")),
    (ReturnStatus.RECEIVED, IsSet("return_received_at") | _answer_missed),
    (ReturnStatus.SHIPPED, IsSet("return_shipped_at")),
    (ReturnStatus.EXPIRED, IsSet("return_expired_at") | _shipment_missed),
    (ReturnStatus.AWAITING_SHIPMENT, IsSet("return_addressed_at")),
    (ReturnStatus.WAIVED, IsSet("return_waived_at") | _address_missed),
    (ReturnStatus.AWAITING_ADDRESS, TRUE),
)
RETURN_MOVES = {
    ReturnStatus.AWAITING_ADDRESS: Role.SUPPLIER,
    ReturnStatus.AWAITING_SHIPMENT: Role.BUYER,
    ReturnStatus.SHIPPED: Role.SUPPLIER,
}
RETURN_RUNNING = status_is(RETURN_STATUSES, RETURN_MOVES)

DECIDED = Equals("closed_as", DisputeStatus.RESOLVED)
APPEALABLE = (
    DECIDED
    & ~IsSet("reopened_at")
    & ~IsSet("paid_back_at")
    & ~IsSet("return_shipped_at")
    & ~OlderThan("closed_at", timedelta(days=APPEAL_DAYS))
)
DISPUTE_FINAL = DISPUTE_CLOSED & ~RETURN_RUNNING & ~APPEALABLE

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

_TURNS = frozenset({DisputeStatus.AWAITING_SUPPLIER, DisputeStatus.AWAITING_BUYER})
_WAITS_FOR_A_PARTY = _TURNS | {DisputeStatus.EVIDENCE_REQUESTED}


def respond_by(facts: DisputeFacts, now: datetime) -> datetime | None:
    """Returns the last instant at which a party can answer; None in review and when closed."""
    return facts.due_at if status_at(DISPUTE_STATUSES, facts, now) in _WAITS_FOR_A_PARTY else None


def escalates_at(facts: DisputeFacts, now: datetime) -> datetime | None:
    """Returns the instant after which an agent has it, whatever turns are taken; None in review and when closed."""
    is_turn = status_at(DISPUTE_STATUSES, facts, now) in _TURNS
    return facts.opened_at + ESCALATES_AFTER if is_turn and facts.opened_at is not None else None


def waits_for(facts: DisputeFacts, now: datetime) -> Role | None:
    """Returns the role that must act next, also in a running return; None if nobody must."""
    returning = RETURN_MOVES.get(return_status(facts, now))  # type: ignore[arg-type]
    if returning is not None:
        return returning
    status = status_at(DISPUTE_STATUSES, facts, now)
    if status in _WAITS_FOR_A_PARTY:
        return facts.waits_for
    return Role.AGENT if status is DisputeStatus.UNDER_REVIEW else None


def claimable_facts(minor: int, currency: str) -> dict[str, Any]:
    """Returns the facts of what can be claimed of the order at most."""
    return {"claimable": minor, "claimable_currency": currency}


def return_status(facts: DisputeFacts, now: datetime) -> ReturnStatus | None:
    """Returns the state of the latest return; None if goods are not to be sent back."""
    return status_at(RETURN_STATUSES, facts, now) if facts.return_began_at is not None else None


def return_respond_by(facts: DisputeFacts, now: datetime) -> datetime | None:
    """Returns the last instant at which the party whose move the return is can make it; None once it is over."""
    return facts.due_at if return_status(facts, now) in RETURN_MOVES else None


def return_deadline(began_at: datetime, addressed_at: datetime | None, shipped_at: datetime | None) -> datetime:
    """Returns the last instant for the next step of a return."""
    if shipped_at is not None:
        return shipped_at + timedelta(days=RETURN_ANSWER_DAYS)
    if addressed_at is not None:
        return addressed_at + timedelta(days=RETURN_SHIPMENT_DAYS)
    return began_at + timedelta(days=RETURN_ADDRESS_DAYS)


NO_RETURN: dict[str, Any] = {
    "return_began_at": None,
    "return_addressed_at": None,
    "return_shipped_at": None,
    "return_received_at": None,
    "return_refused_at": None,
    "return_waived_at": None,
    "return_expired_at": None,
}


# What closing a case by hand also sets.
CLOSING: dict[str, Any] = {"waits_for": None, "due_at": NEVER_DUE}


def expiration(facts: DisputeFacts, now: datetime) -> tuple[datetime, dict[str, Any]] | None:
    """Returns the change that passing time has made and that is not recorded yet: its instant, and the new facts."""
    if _lapsed.holds(facts, Role.AGENT, now) and facts.closed_at is None:
        # `due_at` keeps its value, so recording the change does not move the dispute in any list.
        return facts.due_at, {"closed_at": facts.due_at, "closed_as": DisputeStatus.LAPSED, "waits_for": None}
    if facts.waits_for in PARTIES and _overdue.holds(facts, Role.AGENT, now):
        return facts.due_at, {"waits_for": Role.AGENT, "evidence_asked_at": None}
    fact = _RETURN_ENDS.get(return_status(facts, now))  # type: ignore[arg-type]
    if fact is not None and getattr(facts, fact) is None:
        return facts.due_at, {fact: facts.due_at}
    return None


# The fact that is set when time has ended a return.
_RETURN_ENDS = {
    ReturnStatus.RECEIVED: "return_received_at",
    ReturnStatus.EXPIRED: "return_expired_at",
    ReturnStatus.WAIVED: "return_waived_at",
}
