"""What an allowed action leads to: its effect with a plain input on a copy of the facts, of which the table is asked.

For example, of a SECURE_PAYMENT order whose buyer asked for a cancellation, to its supplier:

    ACCEPT_CANCELLATION     closes ACCEPT_CANCELLATION and DECLINE_CANCELLATION; the request is final
    DECLINE_CANCELLATION    the same

A plain input is the least that the action's form takes. Amounts are no part of it: they change nothing that is said
here.
"""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from models.enums import Action, ComplaintStatus, DisputeStatus, ResolutionKind, Role
from resolvers.policy import effects
from resolvers.policy.cancellation import CancellationFacts
from resolvers.policy.complaint import ComplaintFacts, reply_due_at
from resolvers.policy.decide import Decision, changes, decide_as
from resolvers.policy.dispute import (
    DISPUTE_FINAL,
    DisputeFacts,
    claimable_facts,
    expiration,
    respond_by,
    return_respond_by,
    waits_for,
)
from resolvers.policy.effects import Effect
from resolvers.policy.expression import OlderThan
from resolvers.policy.fold import fold
from resolvers.policy.refund import first_reportable_after, report
from resolvers.policy.rule import Subject


@dataclass(frozen=True, slots=True)
class Afterwards:
    """`opens` are allowed then and not now, `closes` the other way round, as they are then. `until` is the last instant
    of the move that `waits_for` then has; both are null where nobody has one."""

    opens: list[Decision]
    closes: list[Decision]
    is_final: bool
    waits_for: Role | None
    until: datetime | None


def afterwards(root: Decision) -> Afterwards | None:
    """Returns what follows from the action if it is done at the instant of the decision.

    Returns None if it is not allowed, or if that depends on what the facts do not say: on the proposal that is
    accepted, for example. The row of an order or a case says that as well, if its relation `afterwards` was loaded.
    """
    if not root.allowed or root.basis is None:
        return None
    _, facts, role, now, _ = root.basis
    before = _with_expirations(facts, now)
    effect = _PLAIN[root.action](before, role, now)
    if effect is None:
        return None
    is_order = facts.subject is Subject.ORDER
    after = fold(copy(before), [effect.order if is_order else effect.case])
    if "reopened_at" in effect.case and hasattr(after, "appeals"):
        after.appeals = [_kept(effect, before)]
    opens, closes = changes(facts, after, role, now)
    return Afterwards(opens, closes, *_move(root.action, before, after, effect.case, now))


def _with_expirations(facts: Any, now: datetime) -> Any:
    """Returns the facts with what time has done. An action records that first."""
    if facts.subject is Subject.DISPUTE:
        change = expiration(facts, now)
        return fold(copy(facts), [change[1]]) if change is not None else facts
    if facts.subject is Subject.ORDER and _LAPSED.holds(facts, Role.AGENT, now):
        return fold(copy(facts), [effects.expire_dispute({"waits_for": None, "closed_at": now}).order])
    return facts


_LAPSED = OlderThan("dispute_lapses_at")


# ---------------------------------------------------------------- plain inputs
# Returns the effect on an order or case for a viewer's role and an instant; None where the facts do not suffice. Rows
# of disputes have `wanted` and, once loaded, `offered_resolution`, `appeals` and `claimable_if_reopened`.


@dataclass(frozen=True, slots=True)
class _Nothing:
    minor: int = 0
    currency_code: str = ""


def _accepting(dispute: Any, _role: Role, now: datetime) -> Effect | None:
    resolution = getattr(dispute, "offered_resolution", None)
    return None if resolution is None else effects.end_dispute(now, DisputeStatus.SETTLED, resolution)


def _conceding(dispute: Any, _role: Role, now: datetime) -> Effect | None:
    wanted = getattr(dispute, "wanted", None)
    if wanted is None:
        return None
    return effects.end_dispute(now, DisputeStatus.SETTLED, effects.conceded_resolution(dispute, wanted))


def _withdrawing(dispute: Any, _role: Role, now: datetime) -> Effect | None:
    if dispute.reopened_at is None:
        return effects.withdraw_dispute(now, None)
    appeals = getattr(dispute, "appeals", ())
    return effects.withdraw_dispute(now, appeals[-1]) if appeals else None


def _reopening(effect: Callable[[datetime], Effect]) -> "_Plain":
    def reopening(dispute: Any, role: Role, now: datetime) -> Effect | None:
        """A supplier may then accept the claim, if it can still be claimed."""
        reopened, claimable = effect(now), getattr(dispute, "claimable_if_reopened", None)
        if role is not Role.SUPPLIER:
            return reopened
        return None if claimable is None else Effect(reopened.order, reopened.case | claimable_facts(*claimable))

    return reopening


def _kept(effect: Effect, dispute: Any) -> Any:
    """Returns what the reopening keeps."""
    return SimpleNamespace(
        facts=effects.taken_back(effect, dispute),
        outcome_resolution=getattr(dispute, "outcome_resolution", None),
        closed_at=dispute.closed_at,
    )


def _reporting(order: Any, _role: Role, now: datetime) -> Effect | None:
    refunds = [copy(refund) for refund in getattr(order, "all_refunds", ())]
    if not report(refunds, now):
        return None
    return Effect({"refund_reportable_at": first_reportable_after(refunds)})


_Plain = Callable[[Any, Role, datetime], Effect | None]

_PLAIN: dict[Action, _Plain] = {
    Action.LEAVE_FEEDBACK: lambda _order, _role, now: effects.leave_feedback(now),
    Action.REVISE_FEEDBACK: lambda _order, _role, now: effects.revise_feedback(now),
    Action.REPLY_TO_FEEDBACK: lambda _order, _role, now: effects.reply_to_feedback(now),
    Action.CANCEL_ORDER: lambda _order, _role, now: effects.cancel_order(now),
    Action.REQUEST_CANCELLATION: lambda _order, _role, now: effects.request_cancellation(now),
    Action.WITHDRAW_CANCELLATION: lambda _order, _role, now: effects.withdraw_cancellation(now),
    Action.ACCEPT_CANCELLATION: lambda _order, _role, now: effects.accept_cancellation(now),
    Action.DECLINE_CANCELLATION: lambda _order, _role, now: effects.decline_cancellation(now),
    Action.OPEN_DISPUTE: lambda _order, _role, now: effects.open_dispute(now, None, _Nothing()),
    Action.REPORT_MISSING_REFUND: _reporting,
    Action.FILE_COMPLAINT: lambda _order, _role, now: effects.file_complaint(now),
    Action.PROPOSE_RESOLUTION: lambda dispute, role, now: effects.propose_resolution(dispute, role, now, None),
    Action.ACCEPT_PROPOSAL: _accepting,
    Action.REJECT_PROPOSAL: effects.reject_proposal,
    Action.POST_DISPUTE_MESSAGE: effects.post_dispute_message,
    Action.ESCALATE_DISPUTE: lambda _dispute, _role, now: effects.escalate_dispute(now),
    Action.WITHDRAW_DISPUTE: _withdrawing,
    Action.REQUEST_EVIDENCE: lambda dispute, _role, now: effects.request_evidence(dispute, now, Role.BUYER),
    Action.RESOLVE_DISPUTE: lambda _dispute, _role, now: effects.end_dispute(
        now, DisputeStatus.RESOLVED, ResolutionKind.REFUND
    ),
    Action.CONCEDE_DISPUTE: _conceding,
    Action.REVISE_CLAIM: lambda dispute, _role, now: effects.revise_claim(dispute, now, None, dispute.currency),
    Action.APPEAL_DECISION: _reopening(effects.appeal_decision),
    Action.PROVIDE_RETURN_ADDRESS: lambda dispute, _role, now: effects.provide_return_address(dispute, now),
    Action.CONFIRM_RETURN_SHIPPED: lambda dispute, _role, now: effects.confirm_return_shipped(dispute, now),
    Action.CONFIRM_RETURN_RECEIVED: lambda _dispute, _role, now: effects.confirm_return_received(now),
    Action.REFUSE_RETURN: _reopening(effects.refuse_return),
    Action.POST_COMPLAINT_MESSAGE: effects.post_complaint_message,
    Action.WITHDRAW_COMPLAINT: lambda _complaint, _role, now: effects.close_complaint(now, ComplaintStatus.WITHDRAWN),
    Action.TAKE_UP_COMPLAINT: lambda _complaint, _role, now: effects.take_up_complaint(now),
    Action.RESOLVE_COMPLAINT: lambda _complaint, _role, now: effects.close_complaint(now, ComplaintStatus.RESOLVED),
    Action.REJECT_COMPLAINT: lambda _complaint, _role, now: effects.close_complaint(now, ComplaintStatus.REJECTED),
}


# ---------------------------------------------------------------- whose move it is then

_Move = tuple[bool, Role | None, datetime | None]  # is_final, waits_for and until


def _move(action: Action, before: Any, after: Any, case: effects.Facts, now: datetime) -> _Move:
    """Returns whose move it is of the case that the action opens or changes, or of the feedback. `case` are its facts
    that the action sets."""
    match action:
        case Action.LEAVE_FEEDBACK | Action.REPLY_TO_FEEDBACK | Action.REVISE_FEEDBACK:
            return _move_of_feedback(after, now)
        case Action.REPORT_MISSING_REFUND:  # the money is still owed, but nobody here can send it
            return False, None, None
        case Action.OPEN_DISPUTE:
            return _move_of_dispute(DisputeFacts(buyer_id=after.buyer_id, supplier_id=after.supplier_id, **case), now)
        case Action.FILE_COMPLAINT:
            return _move_of_complaint(ComplaintFacts(complainant_id=after.buyer_id, **case))
        case _ if after.subject is Subject.DISPUTE:
            return _move_of_dispute(after, now)
        case _ if after.subject is Subject.COMPLAINT:
            return _move_of_complaint(after)
        case _:
            return _move_of_cancellation(CancellationFacts(**{"opened_at": before.cancellation_pending_since} | case))


def _move_of_feedback(order: Any, now: datetime) -> _Move:
    for action, role in ((Action.REPLY_TO_FEEDBACK, Role.SUPPLIER), (Action.REVISE_FEEDBACK, Role.BUYER)):
        decision = decide_as(role, action, order, now)
        if decision.allowed:
            return False, role, decision.closes_at
    return True, None, None


def _move_of_cancellation(cancellation: CancellationFacts) -> _Move:
    return cancellation.closed_at is not None, cancellation.waits_for, cancellation.respond_by


def _move_of_dispute(dispute: Any, now: datetime) -> _Move:
    until = return_respond_by(dispute, now) or respond_by(dispute, now)
    return DISPUTE_FINAL.holds(dispute, Role.AGENT, now), waits_for(dispute, now), until


def _move_of_complaint(complaint: ComplaintFacts) -> _Move:
    return complaint.closed_at is not None, complaint.waits_for, reply_due_at(complaint)
