"""What a file is: told by its content's own signature, never by its name."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import policy
from email.parser import BytesHeaderParser

import puremagic

UNKNOWN = "application/octet-stream"  # announced by clients that cannot tell
PLAIN, EMAIL, ZIP = "text/plain", "message/rfc822", "application/zip"
OLD_OFFICE = "application/x-ole-storage"  # one of the old office formats, when nobody says which

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
_DOCX, _XLSX, _PPTX = (
    f"{_OOXML}.{name}" for name in ("wordprocessingml.document", "spreadsheetml.sheet", "presentationml.presentation")
)
_OOXML_KINDS = {b"word/": _DOCX, b"xl/": _XLSX, b"ppt/": _PPTX}
_ODF_KINDS = tuple(f"{_ODF}.{name}" for name in ("text", "spreadsheet", "presentation"))
KINDS: dict[str, _Kind] = {
    "image/jpeg": _kind(".jpg .jpeg .jpe .jfif", "image/jpeg"),
    "image/png": _kind(".png", "image/png"),
    "image/gif": _kind(".gif", "image/gif"),
    "image/webp": _kind(".webp", "image/webp"),
    "image/heic": _kind(".heic .heif .hif", "image/heic"),
    "application/pdf": _kind(".pdf", "application/pdf"),
    ZIP: _kind(".zip", ZIP),
    _DOCX: _kind(".docx", _DOCX),
    _XLSX: _kind(".xlsx", _XLSX),
    _PPTX: _kind(".pptx", _PPTX),
    **{kind: _kind(ending, kind) for kind, ending in zip(_ODF_KINDS, (".odt", ".ods", ".odp"), strict=True)},
    "application/msword": _kind(".doc", _OLE),
    "application/vnd.ms-excel": _kind(".xls", _OLE),
    "application/vnd.ms-powerpoint": _kind(".ppt", _OLE),
    "application/vnd.ms-outlook": _kind(".msg", _OLE),
    OLD_OFFICE: _kind(".doc .xls .ppt .msg", _OLE),
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

_INVISIBLE = " \t\r\n\u00a0\u200b\u2060\ufeff"
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
_HEADERS = ("From", "To", "Subject", "Date", "Message-ID", "Received", "Return-Path", "Delivered-To")
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"}


def announced(content_type: str) -> str | None:
    """The kind that a client names, in our spelling; None for one that is not taken."""
    name = content_type.split(";")[0].strip().lower()
    name = _ALSO_CALLED.get(name, name)
    return name if name in KINDS or name == UNKNOWN else None


def told_by(sample: bytes, announced: str) -> str | None:
    """The kind of a content, given the beginning and the end of it; None for one that is not taken.

    Among the old office formats, which all have the same signature, the announced one.
    """
    proofs = set(_signatures(sample))
    found = [name for name, kind in KINDS.items() if kind.proofs & proofs]
    if announced in found:
        return announced
    if OLD_OFFICE in found:
        return OLD_OFFICE if announced == UNKNOWN else None
    if found or announced not in (PLAIN, EMAIL, UNKNOWN) or not _is_text(sample):
        return found[0] if found else None
    if announced == PLAIN:
        return PLAIN
    return EMAIL if _is_email(sample) else PLAIN if announced == UNKNOWN else None


def named(filename: str, content_type: str) -> str:
    """The name with an ending that fits the kind, so that nobody's computer takes it for something else."""
    extensions = KINDS[content_type].extensions
    return filename if filename.lower().endswith(extensions) else f"{filename}{extensions[0]}"


def _signatures(sample: bytes) -> Iterator[str]:
    """Names of kinds that the content proves. puremagic knows signatures, but not what is inside of containers."""
    if sample.startswith((b"PK\3\4", b"PK\5\6")):
        yield _inside_of_zip(sample)
    elif sample[4:8] == b"ftyp":
        brands = sample[8 : int.from_bytes(sample[:4], "big")][:200]
        if any(brands[place : place + 4] in _HEIC_BRANDS for place in range(0, len(brands), 4)):
            yield "image/heic"
    elif sample.startswith(b"RIFF"):
        if sample[8:12] == b"WEBP":
            yield "image/webp"
    else:
        try:
            for match in puremagic.magic_string(sample):  # pyright: ignore[reportUnknownMemberType]
                yield match.mime_type  # pyright: ignore[reportUnknownMemberType]
        except (puremagic.PureError, ValueError):
            return


def _inside_of_zip(sample: bytes) -> str:
    if sample[30:38] == b"mimetype":
        name = sample[38:120].decode("ascii", "ignore")
        return next((kind for kind in _ODF_KINDS if name.startswith(kind)), ZIP)
    if b"[Content_Types].xml" in sample:
        return next((kind for folder, kind in _OOXML_KINDS.items() if folder in sample), ZIP)
    return ZIP


def _is_text(sample: bytes) -> bool:
    """Markup is not: a browser might show it."""
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        sample = sample[: len(sample) // 2 * 2].decode("utf-16", "ignore").encode()
    begins = sample.decode("utf-8", "ignore").lstrip(_INVISIBLE)
    return not _CONTROL.search(sample) and not begins.startswith("<")


def _is_email(sample: bytes) -> bool:
    headers = BytesHeaderParser(policy=policy.compat32).parsebytes(sample)
    return any(name in headers for name in _HEADERS)
