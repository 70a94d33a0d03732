"""Messages: what parties and agents write to each other in a case."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

import models
from models.enums import CaseKind
from models.keys import new_id
from resolvers.account import Account, names_account
from resolvers.actions import CaseInput
from resolvers.context import Context, Info
from resolvers.files.attachment import Attachment, PendingUploads, resolve_uploads, uploads_field
from resolvers.read.pagination import Keyset, Paging
from resolvers.read.relations import has_list
from resolvers.read.rows import Row
from resolvers.write.checks import Checks
from resolvers.write.inputs import LONG_TEXT, input_field, input_type
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


@input_type("The input of a message in a case.")
class MessageInput(CaseInput):
    text: str = input_field("The text.", max_length=LONG_TEXT, label="Message")
    attachments: list[strawberry.ID] | None = uploads_field("The ids of uploads.", label="Files")


async def check_message(info: Info, input: MessageInput) -> tuple[Checks, PendingUploads]:
    checks = Checks(input)
    checks.declared("text")
    return checks, await resolve_uploads(info.context, checks, "attachments", input.attachments)


async def write_message(unit: UnitOfWork, kind: CaseKind, text: str, uploads: PendingUploads | None = None) -> None:
    """Adds a message of the viewer, with its attachments, to the case that is the subject."""
    id, case_id = new_id(), unit.subject.id
    columns = {
        "id": id,
        "case_kind": kind,
        "case_id": case_id,
        "by_id": unit.context.viewer.id,
        "at": unit.now,
        "text": text,
    }
    unit.insert(models.Message, columns)
    if uploads is not None:
        await uploads.attach_to(unit, kind, case_id, id)
    unit.event.case = (kind, case_id)
    unit.event.case_facts = {}
