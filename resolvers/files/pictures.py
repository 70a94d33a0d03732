"""Makes what people see of a picture or a PDF: a copy without metadata, and thumbnails.

They are made when a case takes the file, or when somebody first reads it, as with files of older releases. The variants
are stored first and the row says last that they are there, so a crash in between only repeats the work.
"""

import asyncio
import logging
from uuid import UUID

import models
from models.files import LARGE, ORIGINAL, SMALL, Away
from models.pictures import Interrupted, Unreadable
from resolvers import telemetry
from resolvers.files.content_type import PDF
from resolvers.signed_url import FileUrls

WEBP = "image/webp"
COPY_TYPES = {
    "image/jpeg": "image/jpeg",
    "image/png": "image/png",
    "image/gif": "image/gif",
    WEBP: WEBP,
    "image/heic": "image/jpeg",  # browsers do not show HEIC
}
DRAWN_TYPES = (*COPY_TYPES, PDF)
_EXTENSIONS = {"image/jpeg": ".jpg", WEBP: ".webp"}
PREPARE_SECONDS = 5  # that a mutation waits for pictures

_log = logging.getLogger(__name__)


def served_as(filename: str, content_type: str, variant: str) -> tuple[str, str]:
    """Returns the file name and the type of this variant of a file."""
    if variant == ORIGINAL:
        return filename, content_type
    served_type = WEBP if variant in (LARGE, SMALL) else COPY_TYPES[content_type]
    return (filename if served_type == content_type else filename + _EXTENSIONS[served_type]), served_type


async def prepare(files: FileUrls, types: dict[UUID, str]) -> None:
    """Makes the variants of these files. Returns after some seconds at most: what is not ready by then goes on in the
    background. What is interrupted is made when somebody reads it."""
    making = [_task(files, key, content_type) for key, content_type in types.items() if content_type in DRAWN_TYPES]
    if making:
        await asyncio.wait(making, timeout=PREPARE_SECONDS)


async def make(files: FileUrls, key: UUID) -> bool:
    """Makes the variants of this attachment. Returns whether they are there; False if it cannot be drawn. Raises
    Interrupted or Away if that is not known yet."""
    row = await models.Attachment.filter(id=key).first()
    if row is None or row.drawn is False or row.content_type not in DRAWN_TYPES:
        return False
    return await asyncio.shield(_task(files, key, row.content_type))


def _task(files: FileUrls, key: UUID, content_type: str) -> asyncio.Task[bool]:
    """Returns the task that makes the variants. All who want the same file at the same time share it."""
    tasks = files.pictures.tasks
    if key not in tasks:
        task = tasks[key] = asyncio.create_task(_make(files, key, content_type))

        def forget(done: asyncio.Task[bool]) -> None:
            del tasks[key]
            if not done.cancelled():
                done.exception()  # whoever awaits the task gets it; `_make` has logged it

        task.add_done_callback(forget)
    return tasks[key]


async def _make(files: FileUrls, key: UUID, content_type: str) -> bool:
    try:
        drawing = await files.pictures.draw(files.store.read(key), content_type)
        for variant, content in drawing.parts.items():
            await files.store.keep(key, variant, content)
    except Unreadable as error:
        telemetry.pictures.labels("unreadable").inc()
        _log.warning("the picture %s cannot be drawn: %s", key.hex, error)
        await models.Attachment.filter(id=key).update(drawn=False)
        return False
    except (Interrupted, Away, OSError) as error:
        telemetry.pictures.labels("interrupted").inc()
        _log.warning("the picture %s was not drawn, which is tried again: %s", key.hex, error)
        raise
    except Exception:
        telemetry.pictures.labels("interrupted").inc()
        _log.exception("the picture %s was not drawn, which is tried again", key.hex)
        raise
    await models.Attachment.filter(id=key).update(drawn=True, width=drawing.width, height=drawing.height)
    telemetry.pictures.labels("drawn").inc()
    return True
