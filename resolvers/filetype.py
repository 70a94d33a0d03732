"""What a file is: told by its content's own signature, never by its name."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import policy
from email.parser import BytesHeaderParser

import puremagic

UNKNOWN = "application/octet-stream"  # announced by clients that cannot tell
PLAIN, EMAIL, ZIP = "text/plain", "message/rfc822", "application/zip"

_OOXML = "application/vnd.openxmlformats-officedocument"
_ODF = "application/vnd.oasis.opendocument"


@dataclass(frozen=True, slots=True)
class _Kind:
    """`extensions` are the endings of its names, the usual one first; `proofs` the names that its signature has."""

    extensions: tuple[str, ...]
    proofs: frozenset[str]


def _kind(extensions: str, *proofs: str) -> _Kind:
    return _Kind(tuple(extensions.split()), frozenset(proofs))


_OLE = "application/msword"  # what every document of the old office formats is known as
_ARCHIVE = "application/zip"
KINDS: dict[str, _Kind] = {
    "image/jpeg": _kind(".jpg .jpeg .jpe .jfif", "image/jpeg"),
    "image/png": _kind(".png", "image/png"),
    "image/gif": _kind(".gif", "image/gif"),
    "image/webp": _kind(".webp", "image/webp"),
    "image/heic": _kind(".heic .heif .hif", "image/heic", "image/heif"),
    "application/pdf": _kind(".pdf", "application/pdf"),
    ZIP: _kind(".zip", _ARCHIVE),
    f"{_OOXML}.wordprocessingml.document": _kind(".docx", _ARCHIVE),
    f"{_OOXML}.spreadsheetml.sheet": _kind(".xlsx", _ARCHIVE),
    f"{_OOXML}.presentationml.presentation": _kind(".pptx", _ARCHIVE),
    f"{_ODF}.text": _kind(".odt", _ARCHIVE),
    f"{_ODF}.spreadsheet": _kind(".ods", _ARCHIVE),
    f"{_ODF}.presentation": _kind(".odp", _ARCHIVE),
    "application/msword": _kind(".doc", _OLE),
    "application/vnd.ms-excel": _kind(".xls", _OLE),
    "application/vnd.ms-powerpoint": _kind(".ppt", _OLE),
    "application/vnd.ms-outlook": _kind(".msg", _OLE),
    "application/rtf": _kind(".rtf", "application/rtf"),
    PLAIN: _kind(".txt .log .csv .md"),
    EMAIL: _kind(".eml"),
}
_ALSO_CALLED = {
    "image/jpg": "image/jpeg",
    "image/heif": "image/heic",
    "application/x-zip-compressed": ZIP,
    "text/rtf": "application/rtf",
    "text/csv": PLAIN,
}
TAKEN = "JPEG, PNG, GIF, WebP, HEIC, PDF, office documents, plain text, e-mail and zip"  # for people

_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
_HEADERS = ("From", "Received", "Return-Path")


def announced(content_type: str) -> str | None:
    """The kind that a client names, in our spelling; None for one that is not taken."""
    name = content_type.split(";")[0].strip().lower()
    name = _ALSO_CALLED.get(name, name)
    return name if name in KINDS or name == UNKNOWN else None


def told_by(sample: bytes, announced: str) -> str | None:
    """The kind of a content, given the beginning and the end of it; None for one that is not taken.

    Among kinds of the same signature, which are all of them archives or old office documents, the announced one.
    """
    proofs = set(_signatures(sample))
    found = [name for name, kind in KINDS.items() if kind.proofs & proofs]
    if announced in found:
        return announced
    if found and _OLE not in KINDS[found[0]].proofs:
        return found[0]
    if found or announced not in (PLAIN, EMAIL, UNKNOWN) or not _is_text(sample):
        return None
    if announced == PLAIN:
        return PLAIN
    return EMAIL if _is_email(sample) else PLAIN if announced == UNKNOWN else None


def named(filename: str, content_type: str) -> str:
    """The name with an ending that fits the kind, so that nobody's computer takes it for something else."""
    extensions = KINDS[content_type].extensions
    return filename if filename.lower().endswith(extensions) else f"{filename}{extensions[0]}"


def _signatures(sample: bytes) -> Iterator[str]:
    if sample.startswith((b"PK\3\4", b"PK\5\6")):
        yield _ARCHIVE  # puremagic lists some of the formats that are made of one, and not always the archive itself
        return
    try:
        for match in puremagic.magic_string(sample):  # pyright: ignore[reportUnknownMemberType]
            yield match.mime_type  # pyright: ignore[reportUnknownMemberType]
    except (puremagic.PureError, ValueError):
        return


def _is_text(sample: bytes) -> bool:
    """Markup is not: a browser might show it."""
    return not _CONTROL.search(sample) and not sample.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")


def _is_email(sample: bytes) -> bool:
    headers = BytesHeaderParser(policy=policy.compat32).parsebytes(sample)
    return any(name in headers for name in _HEADERS)
