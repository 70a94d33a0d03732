"""Messages: what parties and agents write to each other in a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry
from strawberry import UNSET

import models
from models.enums import Action, CaseKind, Role
from models.keys import new_id
from resolvers.account import Account, names_account
from resolvers.actions import CaseInput
from resolvers.complaints.complaint import Complaint, ComplaintPayload, change_complaint, on_complaint
from resolvers.context import Context, Info
from resolvers.disputes.dispute import Dispute, DisputePayload, change_dispute, on_dispute
from resolvers.files.attachment import Attachment, PendingUploads, resolve_uploads
from resolvers.policy import NEVER_DUE
from resolvers.read.pagination import Keyset, Paging
from resolvers.read.relations import has_list
from resolvers.read.rows import Row
from resolvers.write.inputs import LONG_TEXT, Checks
from resolvers.write.perform import UnitOfWork


@dataclass(slots=True, kw_only=True)
class Message(Row):
    MODEL = models.Message
    paging = Paging(Keyset("at", "messages"))
    relations = (
        names_account("by"),
        has_list(("attachments",), "Attachment", attribute="attachments", column="message_id"),
    )

    context: Context = field(repr=False)
    id: UUID
    case_id: UUID
    by_id: UUID
    at: datetime
    text: str

    by: Account | None = field(init=False, default=None)
    attachments: list[Attachment] = field(init=False, default_factory=list[Attachment])
    collections: Sequence[list[Any]] = field(init=False, default=())


@dataclass(kw_only=True)
class PostDisputeMessage(CaseInput):
    text: str
    attachments: list[strawberry.ID] | None = UNSET


@dataclass(kw_only=True)
class PostComplaintMessage(PostDisputeMessage):
    pass


async def write(performing: UnitOfWork, text: str, files: PendingUploads | None = None) -> None:
    """Adds a message, with the files that were brought, to the case that is acted on."""
    kind = CaseKind.DISPUTE if isinstance(performing.subject, Dispute) else CaseKind.COMPLAINT
    id = new_id()
    message = {
        "id": id,
        "case_kind": kind,
        "case_id": performing.subject.id,
        "by_id": performing.context.viewer.id,
        "at": performing.now,
        "text": text,
    }
    performing.insert(models.Message, message)
    if files is not None:
        await files.attach_to(performing, kind, performing.subject.id, id)
    performing.change.case = (kind, performing.subject.id)
    performing.change.case_facts = {}


async def post_dispute_message(info: Info, input: PostDisputeMessage) -> DisputePayload:
    checks, files = await _checked(info, input)

    async def effect(performing: UnitOfWork) -> None:
        dispute: Dispute = performing.subject
        await write(performing, input.text, files)
        asked_of = dispute.waits_for if dispute.evidence_asked_at is not None else None
        if files and asked_of == performing.context.viewer.role:
            in_review = {"waits_for": Role.AGENT, "due_at": performing.now, "evidence_asked_at": None}
            change_dispute(performing, in_review)

    return await on_dispute(info, Action.POST_DISPUTE_MESSAGE, input, effect, checks)


async def post_complaint_message(info: Info, input: PostComplaintMessage) -> ComplaintPayload:
    checks, files = await _checked(info, input)

    async def effect(performing: UnitOfWork) -> None:
        complaint: Complaint = performing.subject
        await write(performing, input.text, files)
        if performing.context.viewer.role is Role.AGENT:
            answered = complaint.answered_at or performing.now
            change_complaint(performing, {"answered_at": answered, "waits_for": Role.BUYER, "due_at": NEVER_DUE})
        elif complaint.waits_for is Role.BUYER:
            change_complaint(performing, {"waits_for": Role.AGENT, "due_at": performing.now})

    return await on_complaint(info, Action.POST_COMPLAINT_MESSAGE, input, effect, checks)


async def _checked(info: Info, input: PostDisputeMessage) -> tuple[Checks, PendingUploads]:
    checks = Checks()
    checks.text("text", input.text, LONG_TEXT, required=True)
    return checks, await resolve_uploads(info.context, checks, "attachments", input.attachments)
