"""Messages in disputes."""

from __future__ import annotations

import strawberry

from models.enums import Action, CaseKind, DisputeStatus, InputProblem
from resolvers.actions import act
from resolvers.context import Info
from resolvers.disputes.dispute import DISPUTE, Dispute, DisputePayload, update_dispute
from resolvers.errors import ActionRefused, invalid
from resolvers.files.attachment import uploads_field
from resolvers.language import gettext
from resolvers.message import MessageInput, check_message, write_message
from resolvers.policy import effects
from resolvers.write.inputs import input_field, input_type
from resolvers.write.perform import UnitOfWork


def gives_evidence(dispute: Dispute) -> bool:
    """Returns whether an agent has asked the viewer for evidence, which the next message has to bring."""
    is_asked = effects.is_asked_for_evidence(dispute, dispute.context.viewer.role)
    return is_asked and dispute.status is DisputeStatus.EVIDENCE_REQUESTED  # the time to answer has not passed


@input_type("A message to post in a dispute.", action=Action.POST_DISPUTE_MESSAGE)
class PostDisputeMessage(MessageInput):
    case_id: strawberry.ID = input_field("The dispute's id.")
    attachments: list[strawberry.ID] | None = uploads_field(
        "The ids of uploads. A party that was asked for evidence has to add one.",
        label="Files",
        required_if=gives_evidence,
    )


async def post_dispute_message(info: Info, input: PostDisputeMessage) -> DisputePayload:
    checks, uploads = await check_message(info, input)

    async def handler(unit: UnitOfWork) -> None:
        dispute: Dispute = unit.subject
        role = unit.context.viewer.role
        if gives_evidence(dispute) and not input.attachments:
            message = gettext("You were asked for evidence; add at least one file.")
            raise ActionRefused([invalid("attachments", InputProblem.REQUIRED, message)])
        await write_message(unit, CaseKind.DISPUTE, input.text, uploads)
        update_dispute(unit, effects.post_dispute_message(dispute, role, unit.now))

    return await act(info, Action.POST_DISPUTE_MESSAGE, DISPUTE, input, handler, checks)
