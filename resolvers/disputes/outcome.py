"""How disputes end and are opened again: what an outcome leads to, and what stands when it is taken back."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import strawberry

import models
from models.enums import Action, CaseKind, DisputeStatus, Reason, ResolutionKind
from models.keys import new_id
from resolvers import policy
from resolvers.actions import act
from resolvers.context import Info
from resolvers.disputes.dispute import (
    DISPUTE,
    Dispute,
    DisputeInput,
    DisputePayload,
    review_facts,
    update_dispute,
)
from resolvers.errors import ActionRefused, UserError
from resolvers.files.attachment import resolve_uploads, uploads_field
from resolvers.money import Money
from resolvers.policy import NEVER_DUE
from resolvers.policy.messages import message_for
from resolvers.resolution import OUTCOME_COLUMNS, outcome_columns, stored_outcome
from resolvers.write.cases import closing_facts
from resolvers.write.checks import Checks
from resolvers.write.inputs import LONG_TEXT, SHORT_TEXT, input_field, input_type
from resolvers.write.perform import UnitOfWork

_NO_TEXTS = {"return_address": None, "return_carrier": None, "return_tracking_number": None, "return_note": None}


async def end_with_outcome(
    unit: UnitOfWork, ended_as: DisputeStatus, resolution: ResolutionKind, amount: Money | None, note: str | None
) -> None:
    """Closes the dispute with an outcome, and begins what follows from it: a return, or a refund."""
    facts = closing_facts(unit.now, ended_as)
    columns = outcome_columns(resolution, amount, unit.context.viewer.id, note)
    if resolution is ResolutionKind.RETURN_AND_REFUND:
        facts |= _new_return(unit)
        columns |= _NO_TEXTS
    update_dispute(unit, facts, **columns)
    _set_standing(unit, unit.now, resolution)
    await unit.follow_refunds()


def _new_return(unit: UnitOfWork) -> dict[str, Any]:
    """Returns the facts of a return that begins now, and tells the order."""
    unit.set(return_open_since=unit.now)
    due_at = policy.return_deadline(unit.now, None, None)
    return policy.NO_RETURN | {"return_began_at": unit.now, "due_at": due_at}


def _set_standing(unit: UnitOfWork, since: Any, resolution: ResolutionKind) -> None:
    """Tells the order that an outcome stands."""
    is_replacement = resolution is ResolutionKind.REPLACEMENT
    unit.set(dispute_settled_at=since, replacement_agreed_at=since if is_replacement else None)


# What a reopening keeps of the dispute, beside its outcome.
_ENDING = ("closed_at", "closed_as")


async def reopen(
    unit: UnitOfWork, facts: dict[str, Any], *, kept: tuple[str, ...], text: str | None = None, **columns: Any
) -> None:
    """Puts the dispute under review again. What stood until then is kept, with the facts named in `kept`."""
    dispute: Dispute = unit.subject
    unit.insert(
        models.Reopening,
        {
            "id": new_id(),
            "dispute_id": dispute.id,
            "by_id": unit.context.viewer.id,
            "at": unit.now,
            "text": text,
            **stored_outcome(dispute),
            "closed_at": dispute.closed_at,
            "facts": {name: getattr(dispute, name) for name in (*_ENDING, *kept)},
        },
    )
    open_again = {"closed_at": None, "closed_as": None, "reopened_at": unit.now, "evidence_asked_at": None}
    no_outcome: dict[str, Any] = dict.fromkeys(OUTCOME_COLUMNS)
    update_dispute(unit, open_again | review_facts(unit.now) | facts, **no_outcome, **columns)
    unit.set(dispute_open_since=unit.now, dispute_settled_at=None, replacement_agreed_at=None, return_open_since=None)
    await unit.follow_refunds()


@input_type("A decision to appeal, why, and what shows it.")
class AppealDecision(DisputeInput):
    text: str = input_field("What is wrong with the decision.", max_length=LONG_TEXT)
    attachments: list[strawberry.ID] = uploads_field("The ids of uploads: new evidence.", not_empty=True)


async def appeal_decision(info: Info, input: AppealDecision) -> DisputePayload:
    checks = Checks(input)
    checks.declared("text")
    uploads = await resolve_uploads(info.context, checks, "attachments", input.attachments)

    async def handler(unit: UnitOfWork) -> None:
        dispute: Dispute = unit.subject
        assert unit.order is not None
        if unit.order.dispute_open_since is not None:
            # After a replacement, another one can be opened as soon as this window has closed. A request that had to
            # wait for the order's lock is as old as its arrival, so both can be allowed.
            reason = Reason.DISPUTE_OPEN
            raise ActionRefused([UserError(reason, message_for(Action.APPEAL_DECISION, reason))])
        await uploads.attach_to(unit, CaseKind.DISPUTE, dispute.id)
        await reopen(unit, policy.NO_RETURN, kept=tuple(policy.NO_RETURN), text=input.text)

    return await act(info, Action.APPEAL_DECISION, DISPUTE, input, handler, checks)


@input_type("A dispute to withdraw.")
class WithdrawDispute(DisputeInput):
    note: str | None = input_field("Anything to add.", max_length=SHORT_TEXT)


async def withdraw_dispute(info: Info, input: WithdrawDispute) -> DisputePayload:
    async def handler(unit: UnitOfWork) -> None:
        dispute: Dispute = unit.subject
        if dispute.reopened_at is None:
            update_dispute(unit, closing_facts(unit.now, DisputeStatus.WITHDRAWN))
        else:
            await _restore(unit)

    return await act(info, Action.WITHDRAW_DISPUTE, DISPUTE, input, handler)


async def _restore(unit: UnitOfWork) -> None:
    """Lets the outcome stand again that an appeal or a refused return took back. A return that was not over begins
    anew."""
    kept: Any = await models.Reopening.filter(dispute_id=unit.subject.id).order_by("-at", "-id").first()
    assert kept is not None
    stood = policy.fold(SimpleNamespace(), [kept.facts])
    facts: dict[str, Any] = vars(stood) | {"waits_for": None, "due_at": NEVER_DUE, "evidence_asked_at": None}
    began_at = facts.get("return_began_at")
    ends = ("return_received_at", "return_waived_at", "return_expired_at")
    columns = stored_outcome(kept)
    if began_at is not None and not any(facts[name] for name in ends):
        facts |= _new_return(unit)
        columns |= _NO_TEXTS
    update_dispute(unit, facts, **columns)
    _set_standing(unit, kept.closed_at, kept.outcome_resolution)
    await unit.follow_refunds()
