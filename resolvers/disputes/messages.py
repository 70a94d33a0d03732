"""Messages in disputes."""

from __future__ import annotations

from dataclasses import dataclass

from models.enums import Action, CaseKind
from resolvers.actions import act
from resolvers.context import Info
from resolvers.disputes.dispute import DISPUTE, Dispute, DisputePayload, review_facts, update_dispute
from resolvers.message import MessageInput, check_message, write_message
from resolvers.write.perform import UnitOfWork


@dataclass(kw_only=True)
class PostDisputeMessage(MessageInput):
    pass


async def post_dispute_message(info: Info, input: PostDisputeMessage) -> DisputePayload:
    checks, uploads = await check_message(info, input)

    async def handler(unit: UnitOfWork) -> None:
        dispute: Dispute = unit.subject
        await write_message(unit, CaseKind.DISPUTE, input.text, uploads)
        evidence_from = dispute.waits_for if dispute.evidence_asked_at is not None else None
        if uploads and evidence_from == unit.context.viewer.role:
            update_dispute(unit, review_facts(unit.now) | {"evidence_asked_at": None})

    return await act(info, Action.POST_DISPUTE_MESSAGE, DISPUTE, input, handler, checks)
