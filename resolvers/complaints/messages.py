"""Messages in complaints."""

from __future__ import annotations

import strawberry

from models.enums import Action, CaseKind
from resolvers.actions import act
from resolvers.complaints.complaint import COMPLAINT, Complaint, ComplaintPayload, update_complaint
from resolvers.context import Info
from resolvers.message import MessageInput, check_message, write_message
from resolvers.policy import effects
from resolvers.write.inputs import input_field, input_type
from resolvers.write.perform import UnitOfWork


@input_type("A message to post in a complaint.", action=Action.POST_COMPLAINT_MESSAGE)
class PostComplaintMessage(MessageInput):
    case_id: strawberry.ID = input_field("The complaint's id.")


async def post_complaint_message(info: Info, input: PostComplaintMessage) -> ComplaintPayload:
    checks, uploads = await check_message(info, input)

    async def handler(unit: UnitOfWork) -> None:
        complaint: Complaint = unit.subject
        await write_message(unit, CaseKind.COMPLAINT, input.text, uploads)
        update_complaint(unit, effects.post_complaint_message(complaint, unit.context.viewer.role, unit.now))

    return await act(info, Action.POST_COMPLAINT_MESSAGE, COMPLAINT, input, handler, checks)
