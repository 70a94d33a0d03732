"""Attachments: the files of a case, from the upload that a case takes to the address at which its parties read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import models
from models import database
from models.enums import CaseKind, InputProblem
from resolvers import ids
from resolvers.context import Context
from resolvers.errors import Refused, UserError, invalid
from resolvers.files import content_type as filetype
from resolvers.read.fetch import fetch
from resolvers.read.relations import has_list
from resolvers.read.rows import Row
from resolvers.read.sql import Statement, among
from resolvers.write.inputs import Checks

if TYPE_CHECKING:
    from resolvers.write.perform import Performing

MOST_AT_ONCE = 10
MOST_IN_A_CASE, MOST_VIDEOS_IN_A_CASE = 200, 2
KEPT_UNUSED = timedelta(days=1)


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
    def global_id(self) -> str:
        return ids.encode("Attachment", self.id)

    @property
    def url(self) -> str:
        files, origin = self.context.files, self.context.origin
        return files.read_address(origin, self.id, self.filename, self.content_type, self.size)


def has_files(owner: type[Row], relation: str, column: str) -> None:
    """Declares the relation `relation`, which is also the attribute: the attachments that name these rows in
    `column`, oldest first. Whoever sees the rows may see them; the order system sees none."""
    has_list(owner, (relation,), relation, Attachment, "Attachment", column)


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


class Brought:
    """The uploads that an input names, examined before the case is locked, to be taken in by the case."""

    def __init__(self, uploads: Sequence[_Upload], kinds: dict[UUID, str], errors: list[UserError], name: str) -> None:
        self.uploads, self.kinds, self.errors, self.name = uploads, kinds, errors, name

    def __bool__(self) -> bool:
        return bool(self.uploads)

    async def into(self, performing: Performing, kind: CaseKind, case_id: UUID, message_id: UUID | None = None) -> None:
        """Makes them attachments of the case, which is locked or new. Raises Refused, saying what is wrong."""
        if self.errors:
            raise Refused(self.errors)
        if not self.uploads:
            return
        already = await models.Attachment.filter(case_id=case_id).count()
        if already + len(self.uploads) > MOST_IN_A_CASE:
            message = f"A case holds at most {MOST_IN_A_CASE} files; this one has {already}."
            raise Refused([invalid(self.name, InputProblem.TOO_MANY, message)])
        if videos := sum(self.kinds[each.id] in filetype.VIDEOS for each in self.uploads):
            already = await models.Attachment.filter(case_id=case_id, content_type__in=filetype.VIDEOS).count()
            if already + videos > MOST_VIDEOS_IN_A_CASE:
                message = f"A case holds at most {MOST_VIDEOS_IN_A_CASE} videos; this one has {already}."
                raise Refused([invalid(self.name, InputProblem.TOO_MANY, message)])
        statement = Statement()
        bind = statement.bind
        of_case = f"case_kind = {bind(kind.value)}, case_id = {bind(case_id)}, message_id = {bind(message_id)}"
        types = " ".join(f"WHEN {bind(each.id)} THEN {bind(self.kinds[each.id])}" for each in self.uploads)
        names = " ".join(
            f"WHEN {bind(each.id)} THEN {bind(filetype.named(each.filename, self.kinds[each.id]))}"
            for each in self.uploads
        )
        taken = await database.change(
            f"UPDATE attachments SET {of_case}, content_type = CASE id {types} END, filename = CASE id {names} END"
            f" WHERE {among(bind, 'id', [each.id for each in self.uploads])} AND case_id IS NULL",
            statement.values,
        )
        if taken < len(self.uploads):  # another request was faster
            raise Refused([invalid(self.name, InputProblem.OTHER, _USED)])


_USED = "This file is part of a case already; upload it again to use it twice."


async def brought(context: Context, checks: Checks, name: str, given: Sequence[str] | None) -> Brought:
    """The uploads named in the input's field `name`. The list's shape is checked at once; what is wrong with the files
    is said only when they are to be taken in, after the decision. Changes nothing that anybody sees."""
    given = given or ()
    if len(given) > MOST_AT_ONCE:
        checks.problem(name, InputProblem.TOO_MANY, f"At most {MOST_AT_ONCE} files can be given at once.")
    elif len(set(given)) < len(given):
        checks.problem(name, InputProblem.OTHER, "The same file is named twice.")
    if checks.errors or not given:
        return Brought([], {}, [], name)
    keys = [ids.key_of("Upload", text) for text in given]
    rows = await fetch(
        context,
        _Upload,
        lambda bind: f"by_id = {bind(context.viewer.id)} AND {among(bind, 'id', [key for key in keys if key])}",
        scoped=False,  # an upload is its maker's, and nobody else's
    )
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
    return Brought([known[key] for key in keys if key and key in kinds], kinds, errors, name)


async def _examine(context: Context, upload: _Upload | None) -> str:
    """The kind of the content that came in. Raises ValueError with a sentence that says what is wrong."""
    if upload is None:
        raise ValueError("There is no such upload of yours.")
    if upload.case_id is not None:
        raise ValueError(_USED)
    if context.arrived_at > upload.created_at + KEPT_UNUSED:
        raise ValueError("This upload has expired; upload the file again.")
    sample = await context.files.take(upload.id, upload.size)
    if sample is None:
        raise ValueError("This file has not come in; PUT it to the upload's address first.")
    if sample.size != upload.size:
        raise ValueError(f"This file has {sample.size:,} bytes, but {upload.size:,} were announced.")
    kind = filetype.told_by(sample.content, upload.content_type)
    if kind is None:
        raise ValueError(f"This is none of the kinds of files that are taken: {filetype.TAKEN}.")
    if sample.size > filetype.largest(kind):
        raise ValueError(filetype.SIZES)
    return kind
