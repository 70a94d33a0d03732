"""Uploads: creating one, and deleting those that no case uses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import strawberry

import models
from models import database
from models.enums import InputProblem, Reason, Role
from models.keys import new_id
from resolvers import account, ids
from resolvers.context import Info
from resolvers.errors import UserError
from resolvers.files import content_type as filetype
from resolvers.files.attachment import UNUSED_UPLOAD_RETENTION
from resolvers.language import gettext
from resolvers.signed_url import UPLOAD_SECONDS, FileUrls
from resolvers.write.checks import Checks
from resolvers.write.inputs import Input, input_field, input_type

MAX_UNUSED, MAX_LARGE_UNUSED = 100, 4  # of one account; only videos can be large
_CLEARED_AFTER = UNUSED_UPLOAD_RETENTION + timedelta(hours=1)  # by then, no request that may still use one is running
_BATCH_SIZE = 500


@input_type("A file to upload.")
class CreateUpload(Input):
    filename: str = input_field("The name, without slashes.", max_length=200, one_line=True)
    content_type: str = input_field(
        "The media type as the client knows it. This is a hint; the content decides. Empty or application/octet-stream "
        "if the client cannot tell."
    )
    size: int = input_field(
        f"The exact size in bytes: up to {filetype.MAX_BYTES:,}, and up to {filetype.MAX_VIDEO_BYTES:,} for a video."
    )


@dataclass(frozen=True, slots=True)
class Header:
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Upload:
    id: strawberry.ID
    url: str
    method: str
    headers: list[Header]
    expires_at: datetime


@dataclass(slots=True, kw_only=True)
class CreateUploadPayload:
    upload: Upload | None
    user_errors: list[UserError]


async def create_upload(info: Info, input: CreateUpload) -> CreateUploadPayload:
    context = info.context
    checks = Checks(input)
    content_type = _check(checks, input)
    errors = checks.errors
    if context.viewer.role is Role.SERVICE:
        errors = [UserError(Reason.NOT_YOUR_ROLE, gettext("Only the parties to a case and agents can upload files."))]
    if errors or content_type is None:
        return CreateUploadPayload(upload=None, user_errors=errors)
    key = new_id()
    url = await context.files.upload_address(context.origin, key, content_type, input.size)

    async def transaction() -> str | None:
        # The lock keeps the account's other requests out, so the counts hold.
        await account.lock(context.viewer.id)
        if await _unused(info) >= MAX_UNUSED:
            return gettext(
                "You have {count} uploads that no case uses; use them or wait until they expire.", count=MAX_UNUSED
            )
        if input.size > filetype.MAX_BYTES and await _unused(info, size__gt=filetype.MAX_BYTES) >= MAX_LARGE_UNUSED:
            return gettext(
                "You have {count} videos that no case uses; use them or wait until they expire.", count=MAX_LARGE_UNUSED
            )
        await models.Attachment.create(
            id=key,
            by_id=context.viewer.id,
            filename=input.filename,
            content_type=content_type,
            size=input.size,
            created_at=context.arrived_at,
        )
        return None

    if message := await database.in_transaction(transaction):
        errors = [UserError(Reason.INVALID_INPUT, message, InputProblem.TOO_MANY)]
        return CreateUploadPayload(upload=None, user_errors=errors)
    upload = Upload(
        id=strawberry.ID(ids.encode("Upload", key)),
        url=url,
        method="PUT",
        headers=[Header("Content-Type", content_type)],
        expires_at=context.arrived_at + timedelta(seconds=UPLOAD_SECONDS),
    )
    return CreateUploadPayload(upload=upload, user_errors=[])


def _check(checks: Checks, input: CreateUpload) -> str | None:
    if checks.bounds("filename") and ("/" in input.filename or "\\" in input.filename):
        checks.problem("filename", InputProblem.WRONG_FORM, gettext("A file name cannot contain slashes; remove them."))
    content_type = filetype.declared_type(input.content_type)
    if content_type is None:
        checks.problem("contentType", InputProblem.WRONG_FORM, filetype.wrong_type())
    if content_type is not None and not filetype.may_be_large(content_type):
        checks.within("size", input.size, 1, filetype.MAX_BYTES)
    else:
        checks.within("size", input.size, 1, filetype.MAX_VIDEO_BYTES)
    return content_type


async def _unused(info: Info, **conditions: object) -> int:
    since = info.context.arrived_at - UNUSED_UPLOAD_RETENTION
    mine = models.Attachment.filter(by_id=info.context.viewer.id, case_id=None, created_at__gt=since, **conditions)
    return await mine.count()


async def clear_expired(files: FileUrls, now: datetime) -> None:
    """Deletes uploads that no case used in time, and what interrupted uploads left. `now` is the real time."""
    before = now - _CLEARED_AFTER
    while True:
        expired = models.Attachment.filter(case_id=None, created_at__lt=before).order_by("id").limit(_BATCH_SIZE)
        keys = await expired.values_list("id", flat=True)
        await files.store.remove(keys)  # type: ignore[arg-type]
        # The content first: a row without content is deleted next time; content without a row would stay.
        await models.Attachment.filter(id__in=keys, case_id=None).delete()
        if len(keys) < _BATCH_SIZE:
            break
    await files.store.tidy(before)
