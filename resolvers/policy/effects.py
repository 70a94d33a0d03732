"""Effects: the facts that an action sets on its order and on its case, each written once.

The mutations' handlers write an effect, and `resolvers.policy.afterwards` asks the table what it would open and close.
For example, a supplier who accepts a cancellation request at 12:00:

    accept_cancellation(now)    order  {"cancellation_pending_since": None, "cancelled_at": 12:00}
                                case   {"closed_at": 12:00, "closed_as": ACCEPTED}

What an order owes follows from these facts (resolvers.policy.refund). Effects are applied to facts in which passed
deadlines are recorded.
"""

from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Protocol

from models.enums import CancellationStatus, ComplaintStatus, DisputeStatus, ResolutionKind, Role
from resolvers.policy.complaint import REPLY_WITHIN, ComplaintFacts
from resolvers.policy.dispute import (
    ANSWER_WITHIN,
    CLOSING,
    ESCALATES_AFTER,
    EVIDENCE_WITHIN,
    NEVER_DUE,
    NO_RETURN,
    DisputeFacts,
    claimable_facts,
    return_deadline,
)
from resolvers.policy.fold import fold

Facts = dict[str, Any]


class Amount(Protocol):
    @property
    def minor(self) -> int: ...
    @property
    def currency_code(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Effect:
    """The facts that an action sets on its order, and on the case that it opens or changes."""

    order: Facts = field(default_factory=dict[str, Any])
    case: Facts = field(default_factory=dict[str, Any])


def closing_facts(now: datetime, closed_as: DisputeStatus | ComplaintStatus) -> Facts:
    """Returns the facts that close a dispute or a complaint."""
    return {"closed_at": now, "closed_as": closed_as, **CLOSING}


# ---------------------------------------------------------------- feedback


def leave_feedback(now: datetime) -> Effect:
    return Effect({"feedback_left_at": now})


def reply_to_feedback(now: datetime) -> Effect:
    return Effect({"feedback_replied_at": now})


def revise_feedback(now: datetime) -> Effect:
    return Effect({"feedback_revised_at": now})


# ---------------------------------------------------------------- cancellations


def cancel_order(now: datetime) -> Effect:
    closed = {"closed_at": now, "closed_as": CancellationStatus.CANCELLED}
    return Effect({"cancelled_at": now}, {"opened_at": now} | closed)


def request_cancellation(now: datetime) -> Effect:
    return Effect({"cancellation_pending_since": now}, {"opened_at": now})


def withdraw_cancellation(now: datetime) -> Effect:
    return _end_request(now, CancellationStatus.WITHDRAWN)


def accept_cancellation(now: datetime) -> Effect:
    return _end_request(now, CancellationStatus.ACCEPTED, cancelled_at=now)


def decline_cancellation(now: datetime) -> Effect:
    return _end_request(now, CancellationStatus.DECLINED, cancellation_declined_at=now)


def _end_request(now: datetime, closed_as: CancellationStatus, **order: datetime) -> Effect:
    return Effect({"cancellation_pending_since": None, **order}, {"closed_at": now, "closed_as": closed_as})


# ---------------------------------------------------------------- disputes: negotiation


def open_dispute(now: datetime, claim: Amount | None, most: Amount) -> Effect:
    """`most` is the most that can be claimed of the order now."""
    facts: Facts = {"opened_at": now, "proposed_at": now}
    facts |= _turn(Role.SUPPLIER, now, now) | _offer(claim) | _claim(claim, most.currency_code)
    return Effect({"dispute_open_since": now}, facts | claimable_facts(most.minor, most.currency_code))


def propose_resolution(dispute: DisputeFacts, role: Role, now: datetime, amount: Amount | None) -> Effect:
    return _change(_answer(dispute, role, now) | {"proposed_at": now} | _offer(amount))


def reject_proposal(dispute: DisputeFacts, role: Role, now: datetime) -> Effect:
    return _change(_answer(dispute, role, now) | {"proposed_at": None} | _offer(None))


def revise_claim(dispute: DisputeFacts, now: datetime, claim: Amount | None, currency: str) -> Effect:
    """`currency` is the order's currency."""
    facts: Facts = _turn(Role.SUPPLIER, now, dispute.opened_at) | {"proposed_at": now}
    return _change(facts | _offer(claim) | _claim(claim, currency))


def post_dispute_message(dispute: DisputeFacts, role: Role, now: datetime) -> Effect:
    if is_asked_for_evidence(dispute, role):
        return _change(_review(now) | {"evidence_asked_at": None})
    return Effect()


def is_asked_for_evidence(dispute: DisputeFacts, role: Role) -> bool:
    return dispute.evidence_asked_at is not None and dispute.waits_for == role


def _answer(dispute: DisputeFacts, role: Role, now: datetime) -> Facts:
    """Returns the facts that pass the turn from this party to the other one."""
    if role is Role.BUYER:
        return _turn(Role.SUPPLIER, now, dispute.opened_at)
    return _turn(Role.BUYER, now, dispute.opened_at) | {"answered_at": dispute.answered_at or now}


def _turn(party: Role, now: datetime, opened_at: datetime | None) -> Facts:
    """Returns the facts of a turn of this party that begins now."""
    assert opened_at is not None
    return {"waits_for": party, "due_at": min(now + ANSWER_WITHIN, opened_at + ESCALATES_AFTER)}


def _offer(amount: Amount | None) -> Facts:
    """Returns the facts of what the current proposal offers."""
    return {"offered": amount.minor if amount else None, "offered_currency": amount.currency_code if amount else None}


def _claim(claim: Amount | None, currency: str) -> Facts:
    """Returns the facts of what the buyer claims, in the order's currency."""
    return {"claim": claim.minor if claim else None, "currency": currency}


def _change(case: Facts, **order: Any) -> Effect:
    """Returns the effect that sets these facts of a dispute, and the facts of its order that follow from them."""
    closed = {"dispute_open_since": None} if case.get("closed_at") is not None else {}
    return Effect({"dispute_lapses_at": None, **closed, **order}, case)


# ---------------------------------------------------------------- disputes: review


def escalate_dispute(now: datetime) -> Effect:
    return _change(_review(now))


def request_evidence(dispute: DisputeFacts, now: datetime, party: Role) -> Effect:
    due_at = now + EVIDENCE_WITHIN
    lapses_at = due_at if party is Role.BUYER and dispute.reopened_at is None else None
    facts = {"waits_for": party, "due_at": due_at, "evidence_asked_at": now}
    return _change(facts, dispute_lapses_at=lapses_at)


def _review(now: datetime) -> Facts:
    """Returns the facts of a review that begins now."""
    return {"waits_for": Role.AGENT, "due_at": now}


# ---------------------------------------------------------------- disputes: outcomes


def end_dispute(now: datetime, ended_as: DisputeStatus, resolution: ResolutionKind) -> Effect:
    """A settlement or a decision, and the return that it begins."""
    begins_return = resolution is ResolutionKind.RETURN_AND_REFUND
    facts = closing_facts(now, ended_as) | (_new_return(now) if begins_return else {})
    return _change(facts, **({"return_open_since": now} if begins_return else {}), **_standing(now, resolution))


def conceded_resolution(dispute: DisputeFacts, wanted: ResolutionKind) -> ResolutionKind:
    """Returns the resolution that accepting the claim leads to: goods that are back already are not sent again."""
    is_back = wanted is ResolutionKind.RETURN_AND_REFUND and dispute.return_shipped_at is not None
    return ResolutionKind.REFUND if is_back else wanted


def appeal_decision(now: datetime) -> Effect:
    return _reopen(now, NO_RETURN)


def _reopen(now: datetime, facts: Facts) -> Effect:
    """Puts the dispute under review again."""
    open_again: Facts = {"closed_at": None, "closed_as": None, "reopened_at": now, "evidence_asked_at": None}
    order = dict.fromkeys(("dispute_settled_at", "replacement_agreed_at", "return_open_since"))
    return _change(open_again | _review(now) | facts, dispute_open_since=now, **order)


class Reopening(Protocol):
    """What stood until a dispute was opened again: its facts, its resolution, and since when."""

    facts: Any  # by their names
    outcome_resolution: Any
    closed_at: Any


def taken_back(effect: Effect, dispute: DisputeFacts) -> Facts:
    """Returns the facts of what stood until this reopening. An appeal takes the facts of a return back as well."""
    of_return = NO_RETURN if "return_began_at" in effect.case else ()
    return {name: getattr(dispute, name) for name in ("closed_at", "closed_as", *of_return)}


def withdraw_dispute(now: datetime, reopening: Reopening | None) -> Effect:
    """Ends a dispute without an outcome. After a reopening, the outcome stands again that it took back; a return that
    was not over begins anew."""
    if reopening is None:
        return _change(closing_facts(now, DisputeStatus.WITHDRAWN))
    facts: Facts = vars(fold(SimpleNamespace(), [reopening.facts]))
    facts |= {"waits_for": None, "due_at": NEVER_DUE, "evidence_asked_at": None}
    ends = ("return_received_at", "return_waived_at", "return_expired_at")
    began_again: Facts = {}
    if facts.get("return_began_at") is not None and not any(facts[name] for name in ends):
        facts |= _new_return(now)
        began_again = {"return_open_since": now}
    return _change(facts, **began_again, **_standing(reopening.closed_at, reopening.outcome_resolution))


def _standing(since: datetime, resolution: ResolutionKind) -> Facts:
    """Returns the facts of an order for which an outcome stands."""
    is_replacement = resolution is ResolutionKind.REPLACEMENT
    return {"dispute_settled_at": since, "replacement_agreed_at": since if is_replacement else None}


# ---------------------------------------------------------------- disputes: returns


def _new_return(now: datetime) -> Facts:
    return NO_RETURN | {"return_began_at": now, "due_at": return_deadline(now, None, None)}


def provide_return_address(dispute: DisputeFacts, now: datetime) -> Effect:
    return _next_step(dispute, "return_addressed_at", now)


def confirm_return_shipped(dispute: DisputeFacts, now: datetime) -> Effect:
    return _next_step(dispute, "return_shipped_at", now)


def _next_step(dispute: DisputeFacts, fact: str, now: datetime) -> Effect:
    assert dispute.return_began_at is not None
    shipped_at = now if fact == "return_shipped_at" else None
    due_at = return_deadline(dispute.return_began_at, dispute.return_addressed_at or now, shipped_at)
    return _change({fact: now, "due_at": due_at})


def confirm_return_received(now: datetime) -> Effect:
    return _change({"return_received_at": now, "due_at": NEVER_DUE}, return_open_since=None)


def refuse_return(now: datetime) -> Effect:
    return _reopen(now, {"return_refused_at": now})


# ---------------------------------------------------------------- what time has done


def expire_dispute(facts: Facts) -> Effect:
    """What passing time has set on a dispute (`expiration`), and what follows for its order."""
    return _change(facts) if "waits_for" in facts else Effect({"return_open_since": None}, facts)


# ---------------------------------------------------------------- complaints


def file_complaint(now: datetime) -> Effect:
    facts = {"opened_at": now, "waits_for": Role.AGENT, "due_at": now + REPLY_WITHIN}
    return Effect({"complaint_open_since": now}, facts)


def take_up_complaint(now: datetime) -> Effect:
    return Effect(case={"answered_at": now, "waits_for": Role.AGENT, "due_at": now})


def post_complaint_message(complaint: ComplaintFacts, role: Role, now: datetime) -> Effect:
    if role is Role.AGENT:
        answered_at = complaint.answered_at or now
        return Effect(case={"answered_at": answered_at, "waits_for": Role.BUYER, "due_at": NEVER_DUE})
    if complaint.waits_for is Role.BUYER:
        return Effect(case={"waits_for": Role.AGENT, "due_at": now})
    return Effect()


def close_complaint(now: datetime, closed_as: ComplaintStatus) -> Effect:
    return Effect({"complaint_open_since": None}, closing_facts(now, closed_as))
