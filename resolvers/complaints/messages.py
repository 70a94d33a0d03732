"""Messages in complaints."""

from __future__ import annotations

import strawberry

from models.enums import Action, CaseKind, Role
from resolvers.actions import act
from resolvers.complaints.complaint import COMPLAINT, Complaint, ComplaintPayload, update_complaint
from resolvers.context import Info
from resolvers.message import MessageInput, check_message, write_message
from resolvers.policy import NEVER_DUE
from resolvers.write.inputs import input_field, input_type
from resolvers.write.perform import UnitOfWork


@input_type("A message to post in a complaint.")
class PostComplaintMessage(MessageInput):
    case_id: strawberry.ID = input_field("The complaint's id.")


async def post_complaint_message(info: Info, input: PostComplaintMessage) -> ComplaintPayload:
    checks, uploads = await check_message(info, input)

    async def handler(unit: UnitOfWork) -> None:
        complaint: Complaint = unit.subject
        await write_message(unit, CaseKind.COMPLAINT, input.text, uploads)
        if unit.context.viewer.role is Role.AGENT:
            answered_at = complaint.answered_at or unit.now
            update_complaint(unit, {"answered_at": answered_at, "waits_for": Role.BUYER, "due_at": NEVER_DUE})
        elif complaint.waits_for is Role.BUYER:
            update_complaint(unit, {"waits_for": Role.AGENT, "due_at": unit.now})

    return await act(info, Action.POST_COMPLAINT_MESSAGE, COMPLAINT, input, handler, checks)
