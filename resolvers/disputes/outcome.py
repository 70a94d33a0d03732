"""How disputes end and are opened again: what an outcome leads to, and what stands when it is taken back."""

from __future__ import annotations

from typing import Any

import strawberry

import models
from models.enums import Action, CaseKind, DisputeStatus, Reason, ResolutionKind
from models.keys import new_id
from resolvers.actions import act
from resolvers.context import Info
from resolvers.disputes.dispute import (
    DISPUTE,
    Dispute,
    DisputeInput,
    DisputePayload,
    update_dispute,
)
from resolvers.errors import ActionRefused, UserError
from resolvers.files.attachment import resolve_uploads, uploads_field
from resolvers.money import Money
from resolvers.policy import Effect, effects
from resolvers.policy.messages import message_for
from resolvers.resolution import OUTCOME_COLUMNS, outcome_columns, stored_outcome
from resolvers.write.checks import Checks
from resolvers.write.inputs import LONG_TEXT, SHORT_TEXT, input_field, input_type
from resolvers.write.perform import UnitOfWork

_NO_TEXTS = {"return_address": None, "return_carrier": None, "return_tracking_number": None, "return_note": None}


async def end_with_outcome(
    unit: UnitOfWork, ended_as: DisputeStatus, resolution: ResolutionKind, amount: Money | None, note: str | None
) -> None:
    """Closes the dispute with an outcome, and begins what follows from it: a return, or a refund."""
    columns = outcome_columns(resolution, amount, unit.context.viewer.id, note)
    await _stand(unit, effects.end_dispute(unit.now, ended_as, resolution), columns)


async def _stand(unit: UnitOfWork, effect: Effect, outcome: dict[str, Any]) -> None:
    """Lets an outcome stand, and begins what follows from it: a return, or a refund."""
    texts = _NO_TEXTS if effect.order.get("return_open_since") is not None else {}
    update_dispute(unit, effect, **outcome, **texts)
    await unit.follow_refunds()


async def reopen(unit: UnitOfWork, effect: Effect, text: str | None = None, **columns: Any) -> None:
    """Puts the dispute under review again. What stood until then is kept."""
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
            "facts": effects.taken_back(effect, dispute),
        },
    )
    update_dispute(unit, effect, **dict.fromkeys(OUTCOME_COLUMNS), **columns)
    await unit.follow_refunds()


@input_type("A decision to appeal, why, and what shows it.", action=Action.APPEAL_DECISION)
class AppealDecision(DisputeInput):
    text: str = input_field(
        "What is wrong with the decision.", max_length=LONG_TEXT, label="What is wrong with the decision"
    )
    attachments: list[strawberry.ID] = uploads_field(
        "The ids of uploads: new evidence.",
        not_empty=True,
        label="New evidence",
        hint="An appeal needs evidence that the agent has not seen yet.",
    )


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
        await reopen(unit, effects.appeal_decision(unit.now), text=input.text)

    return await act(info, Action.APPEAL_DECISION, DISPUTE, input, handler, checks)


@input_type("A dispute to withdraw.", action=Action.WITHDRAW_DISPUTE)
class WithdrawDispute(DisputeInput):
    note: str | None = input_field("Anything to add.", max_length=SHORT_TEXT, label="Note")


async def withdraw_dispute(info: Info, input: WithdrawDispute) -> DisputePayload:
    async def handler(unit: UnitOfWork) -> None:
        dispute: Dispute = unit.subject
        if dispute.reopened_at is None:
            update_dispute(unit, effects.withdraw_dispute(unit.now, None))
        else:
            await _restore(unit)

    return await act(info, Action.WITHDRAW_DISPUTE, DISPUTE, input, handler)


async def _restore(unit: UnitOfWork) -> None:
    """Lets the outcome stand again that an appeal or a refused return took back. A return that was not over begins
    anew."""
    kept: Any = await models.Reopening.filter(dispute_id=unit.subject.id).order_by("-at", "-id").first()
    assert kept is not None
    await _stand(unit, effects.withdraw_dispute(unit.now, kept), stored_outcome(kept))
