"""Messages: what parties and agents write to each other in a case."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import strawberry

import models
from models.enums import Action, CaseKind, Role
from resolvers import account, ids
from resolvers.account import Account
from resolvers.complaint import Complaint, ComplaintPayload, change_complaint, on_complaint
from resolvers.context import Context, Info
from resolvers.dispute import Dispute, DisputePayload, change_dispute, on_dispute
from resolvers.input import LONG_TEXT, Checks, Input
from resolvers.page import Keyset, has_pages
from resolvers.perform import Performing
from resolvers.policy import NEVER
from resolvers.reading import Row


@dataclass(slots=True, kw_only=True)
class Message(Row):
    MODEL = models.Message

    context: Context = field(repr=False)
    id: UUID
    case_id: UUID
    by_id: UUID
    at: datetime
    text: str

    by: Account | None = field(init=False, default=None)

    @property
    def global_id(self) -> str:
        return ids.encode("Message", self.id)


account.named_by(Message, "by", "by")
for _case in (Dispute, Complaint):
    has_pages(_case, "messages", Message, "Message", "case_id", Keyset("at"))


@dataclass(kw_only=True)
class PostDisputeMessage(Input):
    case_id: strawberry.ID
    text: str


@dataclass(kw_only=True)
class PostComplaintMessage(PostDisputeMessage):
    pass


async def write(performing: Performing, text: str) -> None:
    """Adds a message to the case that is acted on."""
    kind = CaseKind.DISPUTE if isinstance(performing.subject, Dispute) else CaseKind.COMPLAINT
    await models.Message.create(
        case_kind=kind,
        case_id=performing.subject.id,
        by_id=performing.context.viewer.id,
        at=performing.now,
        text=text,
    )
    performing.change.case = (kind, performing.subject.id)
    performing.change.case_facts = {}


async def post_dispute_message(info: Info, input: PostDisputeMessage) -> DisputePayload:
    async def effect(performing: Performing) -> None:
        dispute: Dispute = performing.subject
        await write(performing, input.text)
        if dispute.evidence_asked_at is not None and dispute.waits_for == performing.context.viewer.role:
            in_review = {"waits_for": Role.AGENT, "due_at": performing.now, "evidence_asked_at": None}
            await change_dispute(performing, in_review)

    return await on_dispute(info, Action.POST_DISPUTE_MESSAGE, input.case_id, effect, _checked(input))


async def post_complaint_message(info: Info, input: PostComplaintMessage) -> ComplaintPayload:
    async def effect(performing: Performing) -> None:
        complaint: Complaint = performing.subject
        await write(performing, input.text)
        if performing.context.viewer.role is Role.AGENT:
            answered = complaint.answered_at or performing.now
            await change_complaint(performing, {"answered_at": answered, "waits_for": Role.BUYER, "due_at": NEVER})
        elif complaint.waits_for is Role.BUYER:
            await change_complaint(performing, {"waits_for": Role.AGENT, "due_at": performing.now})

    return await on_complaint(info, Action.POST_COMPLAINT_MESSAGE, input.case_id, effect, _checked(input))


def _checked(input: PostDisputeMessage) -> Checks:
    checks = Checks()
    checks.text("text", input.text, LONG_TEXT, required=True)
    return checks
