"""Messages in disputes."""

from __future__ import annotations

import strawberry

from models.enums import Action, CaseKind, InputProblem
from resolvers.actions import act
from resolvers.context import Info
from resolvers.disputes.dispute import DISPUTE, Dispute, DisputePayload, review_facts, update_dispute
from resolvers.errors import ActionRefused, invalid
from resolvers.files.attachment import uploads_field
from resolvers.language import gettext
from resolvers.message import MessageInput, check_message, write_message
from resolvers.write.inputs import input_field, input_type
from resolvers.write.perform import UnitOfWork


@input_type("A message to post in a dispute.")
class PostDisputeMessage(MessageInput):
    case_id: strawberry.ID = input_field("The dispute's id.")
    attachments: list[strawberry.ID] | None = uploads_field(
        "The ids of uploads. A party that was asked for evidence has to add one."
    )


async def post_dispute_message(info: Info, input: PostDisputeMessage) -> DisputePayload:
    checks, uploads = await check_message(info, input)

    async def handler(unit: UnitOfWork) -> None:
        dispute: Dispute = unit.subject
        evidence_from = dispute.waits_for if dispute.evidence_asked_at is not None else None
        is_answer = evidence_from == unit.context.viewer.role
        if is_answer and not input.attachments:
            message = gettext("You were asked for evidence; add at least one file.")
            raise ActionRefused([invalid("attachments", InputProblem.REQUIRED, message)])
        await write_message(unit, CaseKind.DISPUTE, input.text, uploads)
        if is_answer:
            update_dispute(unit, review_facts(unit.now) | {"evidence_asked_at": None})

    return await act(info, Action.POST_DISPUTE_MESSAGE, DISPUTE, input, handler, checks)
