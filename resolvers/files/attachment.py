"""Attachments: the files of a case, from the upload that a case takes to the address at which its parties read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import models
from models import database
from models.enums import CaseKind, InputProblem
from resolvers import ids
from resolvers.context import Context
from resolvers.errors import ActionRefused, UserError, invalid
from resolvers.files import content_type as filetype
from resolvers.read.fetch import fetch
from resolvers.read.rows import Row
from resolvers.read.scopes import Unscoped
from resolvers.read.select import Select
from resolvers.read.sql import Statement, Where
from resolvers.write.checks import Checks
from resolvers.write.inputs import input_field

if TYPE_CHECKING:
    from resolvers.write.perform import UnitOfWork

MAX_FILES_AT_ONCE = 10
MAX_FILES_IN_A_CASE, MAX_VIDEOS_IN_A_CASE = 200, 2
UNUSED_UPLOAD_RETENTION = timedelta(days=1)


@dataclass(slots=True, kw_only=True)
class Attachment(Row):
    MODEL = models.Attachment

    context: Context = field(repr=False)
    id: UUID
    case_id: UUID
    message_id: UUID | None
    filename: str
    content_type: str
    size: int

    @property
    def url(self) -> str:
        files, origin = self.context.files, self.context.origin
        return files.read_address(origin, self.id, self.filename, self.content_type, self.size)


@dataclass(slots=True, kw_only=True)
class _Upload(Row):
    MODEL = models.Attachment

    context: Context = field(repr=False)
    id: UUID
    filename: str
    content_type: str
    size: int
    created_at: datetime
    case_id: UUID | None


_VIEWERS_OWN = Unscoped("The condition names the viewer as the one who uploaded the file.")


class PendingUploads:
    """The uploads that an input names, examined before the case is locked, to be taken in by the case."""

    def __init__(self, uploads: Sequence[_Upload], kinds: dict[UUID, str], errors: list[UserError], name: str) -> None:
        self.uploads, self.kinds, self.errors, self.name = uploads, kinds, errors, name

    def __bool__(self) -> bool:
        return bool(self.uploads)

    async def attach_to(self, unit: UnitOfWork, kind: CaseKind, case_id: UUID, message_id: UUID | None = None) -> None:
        """Makes them attachments of the case, which is locked or new. Raises Refused, saying what is wrong."""
        if self.errors:
            raise ActionRefused(self.errors)
        if not self.uploads:
            return
        already = await models.Attachment.filter(case_id=case_id).count()
        if already + len(self.uploads) > MAX_FILES_IN_A_CASE:
            message = f"A case can have at most {MAX_FILES_IN_A_CASE} files; this one has {already}."
            raise ActionRefused([invalid(self.name, InputProblem.TOO_MANY, message)])
        if videos := sum(self.kinds[each.id] in filetype.VIDEOS for each in self.uploads):
            already = await models.Attachment.filter(case_id=case_id, content_type__in=filetype.VIDEOS).count()
            if already + videos > MAX_VIDEOS_IN_A_CASE:
                message = f"A case can have at most {MAX_VIDEOS_IN_A_CASE} videos; this one has {already}."
                raise ActionRefused([invalid(self.name, InputProblem.TOO_MANY, message)])
        statement = Statement()
        bind = statement.bind
        of_case = f"case_kind = {bind(kind.value)}, case_id = {bind(case_id)}, message_id = {bind(message_id)}"
        types = " ".join(f"WHEN {bind(each.id)} THEN {bind(self.kinds[each.id])}" for each in self.uploads)
        names = " ".join(
            f"WHEN {bind(each.id)} THEN {bind(filetype.with_extension(each.filename, self.kinds[each.id]))}"
            for each in self.uploads
        )
        taken = await database.change(
            f"UPDATE attachments SET {of_case}, content_type = CASE id {types} END, filename = CASE id {names} END"
            f" WHERE {statement.condition(Where.among('id', [each.id for each in self.uploads]))} AND case_id IS NULL",
            statement.values,
        )
        if taken < len(self.uploads):  # another request was faster
            raise ActionRefused([invalid(self.name, InputProblem.OTHER, _USED)])


_USED = "This file already belongs to a case; upload it again to use it twice."


def uploads_field(description: str) -> Any:
    """Declares a field of an input that takes the ids of uploads."""
    return input_field(description, max_items=MAX_FILES_AT_ONCE, items="files")


async def resolve_uploads(context: Context, checks: Checks, name: str, given: Sequence[str] | None) -> PendingUploads:
    """The uploads named in the input's field `name`. The list's shape is checked at once; what is wrong with the files
    is said only when they are to be taken in, after the decision. Changes nothing that anybody sees."""
    given = given or ()
    if checks.bounds(name) and len(set(given)) < len(given):
        checks.problem(name, InputProblem.OTHER, "A file is named twice; name each file once.")
    if checks.errors or not given:
        return PendingUploads([], {}, [], name)
    keys = [ids.key_of("Upload", text) for text in given]
    where = Where("by_id = {}", context.viewer.id) & Where.among("id", [key for key in keys if key])
    rows = await fetch(context, Select(_Upload, where, visibility=_VIEWERS_OWN))
    known = {row.id: row for row in rows}
    kinds: dict[UUID, str] = {}
    errors: list[UserError] = []
    for place, key in enumerate(keys):
        upload = known.get(key) if key else None
        try:
            kind = await _examine(context, upload)
        except ValueError as error:
            errors.append(invalid(f"{name}.{place}", InputProblem.OTHER, str(error)))
        else:
            assert upload is not None
            kinds[upload.id] = kind
    return PendingUploads([known[key] for key in keys if key and key in kinds], kinds, errors, name)


async def _examine(context: Context, upload: _Upload | None) -> str:
    """The kind of the content that came in. Raises ValueError with a sentence that says what is wrong."""
    if upload is None:
        raise ValueError("Upload not found; it may belong to another account.")
    if upload.case_id is not None:
        raise ValueError(_USED)
    if context.arrived_at > upload.created_at + UNUSED_UPLOAD_RETENTION:
        raise ValueError("This upload has expired; upload the file again.")
    sample = await context.files.take(upload.id, upload.size)
    if sample is None:
        raise ValueError("This file has not been uploaded yet; PUT it to the upload's URL first.")
    if sample.size != upload.size:
        raise ValueError(f"This file has {sample.size:,} bytes, but the upload was created for {upload.size:,}.")
    kind = filetype.sniff(sample.content, upload.content_type)
    if kind is None:
        raise ValueError(filetype.WRONG_TYPE)
    if sample.size > filetype.max_bytes(kind):
        raise ValueError(f"This file is too large. {filetype.SIZES}")
    return kind
