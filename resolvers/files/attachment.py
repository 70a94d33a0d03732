"""Attachments: uploads that belong to a case, and how a case takes them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

import models
from execution.lookahead import SelectedField
from models import database
from models.enums import CaseKind, FieldKind, InputProblem, Role, ThumbnailSize
from models.files import COPY, LARGE, ORIGINAL, SMALL
from resolvers import ids
from resolvers.actionable import selects_form
from resolvers.context import Context
from resolvers.errors import ActionRefused, UserError, invalid
from resolvers.files import content_type as filetype
from resolvers.files import pictures
from resolvers.form import FileKind, FormField
from resolvers.language import gettext, gettext_noop
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
    drawn: bool | None
    width: int | None
    height: int | None

    @property
    def url(self) -> str:
        return self._address(COPY if self.content_type in pictures.COPY_TYPES else None)

    @property
    def original_url(self) -> str | None:
        return self._address(ORIGINAL) if self.context.viewer.role is Role.AGENT else None

    def _address(self, variant: str | None) -> str:
        files, origin = self.context.files, self.context.origin
        filename, content_type = pictures.served_as(self.filename, self.content_type, variant or ORIGINAL)
        return files.read_address(origin, self.id, filename, content_type, self.size, variant)


def thumbnail_url(root: Any, size: ThumbnailSize = ThumbnailSize.SMALL) -> str | None:
    """Returns the URL of the thumbnail of an Attachment; None if it cannot be drawn."""
    if root.drawn is False or root.content_type not in pictures.DRAWN_TYPES:
        return None
    return root._address(LARGE if size is ThumbnailSize.LARGE else SMALL)  # pyright: ignore[reportPrivateUsage]


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


@dataclass(frozen=True, slots=True)
class TakenFiles:
    """How many files a case has, and how many of them are videos."""

    files: int = 0
    videos: int = 0

    @property
    def left(self) -> int:
        return MAX_FILES_IN_A_CASE - self.files

    @property
    def videos_left(self) -> int:
        return min(self.left, MAX_VIDEOS_IN_A_CASE - self.videos)


NO_FILES = TakenFiles()


class HasFiles:
    """A case. `taken_files` are counted where a query selects a form of it."""

    __slots__ = ()
    id: UUID
    taken_files: TakenFiles | None


async def count_files(case_ids: Collection[UUID]) -> dict[UUID, TakenFiles]:
    """Returns the number of files of each of these cases, by one statement."""
    statement = Statement()
    is_video = statement.condition(Where.among("content_type", filetype.VIDEOS))
    cases = statement.condition(Where.among("case_id", case_ids))
    text = (
        f"SELECT case_id, count(*), count(CASE WHEN {is_video} THEN 1 END) FROM attachments WHERE {cases}"
        " GROUP BY case_id"
    )
    records = await database.select(text, statement.values)
    counts = {UUID(str(case_id)): TakenFiles(files, videos) for case_id, files, videos in records}
    return {case_id: counts.get(case_id, NO_FILES) for case_id in case_ids}


async def count_for_forms(_context: Context, cases: Sequence[HasFiles], field: SelectedField) -> None:
    """Counts the files of the cases, if the decisions in this field show their forms."""
    uncounted = [case for case in cases if case.taken_files is None]
    if uncounted and selects_form(field):
        counts = await count_files([case.id for case in uncounted])
        for case in uncounted:
            case.taken_files = counts[case.id]


_VIEWERS_OWN = Unscoped("The condition names the viewer as the one who uploaded the file.")


class PendingUploads:
    """The uploads that an input field names. Their content is examined before the case is locked."""

    def __init__(self, uploads: Sequence[_Upload], types: dict[UUID, str], errors: list[UserError], field: str) -> None:
        self.uploads, self.types, self.errors, self.field = uploads, types, errors, field

    def __bool__(self) -> bool:
        return bool(self.uploads)

    async def attach_to(self, unit: UnitOfWork, kind: CaseKind, case_id: UUID, message_id: UUID | None = None) -> None:
        """Makes them attachments of the case, which is locked or new. Raises ActionRefused where they cannot be."""
        if self.errors:
            raise ActionRefused(self.errors)
        if not self.uploads:
            return
        taken = (await count_files([case_id]))[case_id]
        if len(self.uploads) > taken.left:
            message = gettext(
                "A case can have at most {most} files; this one has {count}.",
                most=MAX_FILES_IN_A_CASE,
                count=taken.files,
            )
            raise ActionRefused([invalid(self.field, InputProblem.TOO_MANY, message)])
        videos = sum(self.types[upload.id] in filetype.VIDEOS for upload in self.uploads)
        if videos > taken.videos_left:
            message = gettext(
                "A case can have at most {most} videos; this one has {count}.",
                most=MAX_VIDEOS_IN_A_CASE,
                count=taken.videos,
            )
            raise ActionRefused([invalid(self.field, InputProblem.TOO_MANY, message)])
        statement = Statement()
        bind = statement.bind
        case = f"case_kind = {bind(kind.value)}, case_id = {bind(case_id)}, message_id = {bind(message_id)}"
        types = " ".join(f"WHEN {bind(upload.id)} THEN {bind(self.types[upload.id])}" for upload in self.uploads)
        names = " ".join(
            f"WHEN {bind(upload.id)} THEN {bind(filetype.with_extension(upload.filename, self.types[upload.id]))}"
            for upload in self.uploads
        )
        uploads = statement.condition(Where.among("id", [upload.id for upload in self.uploads]))
        changed = await database.change(
            f"UPDATE attachments SET {case}, content_type = CASE id {types} END, filename = CASE id {names} END"
            f" WHERE {uploads} AND case_id IS NULL",
            statement.values,
        )
        if changed < len(self.uploads):  # another request was faster
            raise ActionRefused([invalid(self.field, InputProblem.OTHER, gettext(_USED))])


_USED = gettext_noop("This file already belongs to a case; upload it again to use it twice.")


def uploads_field(
    description: str,
    *,
    label: str,
    hint: str | None = None,
    not_empty: bool = False,
    required_if: Callable[[Any], bool] | None = None,
) -> Any:
    """Declares a field of an input that takes the ids of uploads. `required_if` tells for a case whether at least one
    is required; the mutation checks it."""

    def now(field: FormField, subject: Any) -> list[FormField]:
        taken = subject.taken_files if isinstance(subject, HasFiles) else NO_FILES
        if taken is None:
            raise LookupError("The files of the case were not counted before its form was made.")
        limits = _form_limits(min(MAX_FILES_AT_ONCE, taken.left), min(MAX_FILES_AT_ONCE, taken.videos_left))
        required = field.required or (required_if is not None and required_if(subject))
        return [replace(field, required=required, **limits)]

    return input_field(
        description,
        max_items=MAX_FILES_AT_ONCE,
        items="files",
        not_empty=not_empty,
        label=label,
        hint=hint,
        kind=FieldKind.FILES,
        now=now,
    )


@lru_cache(100)
def _form_limits(files: int, videos: int) -> dict[str, Any]:
    """Returns what a form says about so many files, of which so many may be videos."""
    kinds = tuple(
        [
            FileKind(name, filetype.max_bytes(name), min(files, videos) if name in filetype.VIDEOS else files)
            for name in filetype.KINDS
            if videos or name not in filetype.VIDEOS
        ]
    )
    return {
        "max_count": files,
        "max_bytes": max(kind.max_bytes for kind in kinds),
        "content_types": tuple([kind.content_type for kind in kinds]),
        "file_kinds": kinds,
    }


async def resolve_uploads(
    context: Context, checks: Checks, field: str, upload_ids: Sequence[str] | None
) -> PendingUploads:
    """Returns the uploads with these ids, which stand in the input's `field`. Adds problems of the list to `checks`.
    Problems of the files are raised by `attach_to`, after the policy's decision. Changes nothing that clients see."""
    upload_ids = upload_ids or ()
    if checks.bounds(field) and len(set(upload_ids)) < len(upload_ids):
        checks.problem(field, InputProblem.OTHER, gettext("A file is named twice; name each file once."))
    if checks.errors or not upload_ids:
        return PendingUploads([], {}, [], field)
    keys = [ids.key_of("Upload", text) for text in upload_ids]
    where = Where("by_id = {}", context.viewer.id) & Where.among("id", [key for key in keys if key])
    rows = await fetch(context, Select(_Upload, where, visibility=_VIEWERS_OWN))
    by_id = {row.id: row for row in rows}
    types: dict[UUID, str] = {}
    errors: list[UserError] = []
    for index, key in enumerate(keys):
        upload = by_id.get(key) if key else None
        try:
            content_type = await _examine(context, upload)
        except ValueError as error:
            errors.append(invalid(f"{field}.{index}", InputProblem.OTHER, str(error)))
        else:
            assert upload is not None
            types[upload.id] = content_type
    if not errors:
        await pictures.prepare(context.files, types)
    return PendingUploads([by_id[key] for key in keys if key and key in types], types, errors, field)


async def _examine(context: Context, upload: _Upload | None) -> str:
    """Returns the type of the uploaded content. Raises ValueError with a message for the person."""
    if upload is None:
        raise ValueError(gettext("Upload not found; it may belong to another account."))
    if upload.case_id is not None:
        raise ValueError(gettext(_USED))
    if context.arrived_at > upload.created_at + UNUSED_UPLOAD_RETENTION:
        raise ValueError(gettext("This upload has expired; upload the file again."))
    sample = await context.files.take(upload.id, upload.size)
    if sample is None:
        raise ValueError(gettext("This file has not been uploaded yet; PUT it to the upload's URL first."))
    if sample.size != upload.size:
        raise ValueError(
            gettext(
                "This file has {actual} bytes, but the upload was created for {declared}.",
                actual=sample.size,
                declared=upload.size,
            )
        )
    content_type = filetype.sniff(sample.content, upload.content_type)
    if content_type is None:
        raise ValueError(filetype.wrong_type())
    if sample.size > filetype.max_bytes(content_type):
        raise ValueError(filetype.too_large())
    return content_type
