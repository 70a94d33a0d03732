"""Content types of files, by the signature of their content and never by their name. The type that a client declares is
a hint: browsers derive it from the file name, or leave it out."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import policy
from email.parser import BytesHeaderParser

import puremagic

from resolvers.language import gettext

UNKNOWN = "application/octet-stream"  # declared by clients that do not know
PLAIN, EMAIL, ZIP, PDF = "text/plain", "message/rfc822", "application/zip", "application/pdf"
MP4, MOV = "video/mp4", "video/quicktime"
VIDEOS = (MP4, MOV)
MAX_BYTES, MAX_VIDEO_BYTES = 20_000_000, 100_000_000  # bytes
OLD_OFFICE = "application/x-ole-storage"  # an old office format that nobody declares

_OOXML = "application/vnd.openxmlformats-officedocument"
_ODF = "application/vnd.oasis.opendocument"


@dataclass(frozen=True, slots=True)
class _Kind:
    """`extensions` are those of its file names, the usual one first; `proofs` are the types in its signature."""

    extensions: tuple[str, ...]
    proofs: frozenset[str]


def _kind(extensions: str, *proofs: str) -> _Kind:
    return _Kind(tuple(extensions.split()), frozenset(proofs))


_OLE = "application/msword"  # the signature of every old office format
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
    PDF: _kind(".pdf", PDF),
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
    MP4: _kind(".mp4 .m4v", MP4),
    MOV: _kind(".mov .qt", MOV),
    PLAIN: _kind(".txt .log .csv .tsv .md"),
    EMAIL: _kind(".eml"),
}
_ALIASES = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
    "image/heif": "image/heic",
    "application/x-pdf": PDF,
    "application/x-zip": ZIP,
    "application/x-zip-compressed": ZIP,
    "multipart/x-zip": ZIP,
    "text/rtf": "application/rtf",
    "application/csv": PLAIN,
    "application/mp4": MP4,
    "video/x-m4v": MP4,
    "video/m4v": MP4,
    "video/mpeg4": MP4,
    "video/3gpp": MP4,
    "video/x-quicktime": MOV,
}
# No accepted content is ever declared as one of these, so they are refused before the upload.
_NEVER_ACCEPTED = re.compile(
    r"(?:audio|font|model)/.*|video/(?!\*).*|text/html|text/(?:x-)?javascript|image/svg\+xml"
    r"|application/(?:xhtml\+xml|(?:x-)?javascript|x-ms(?:download|dos-program|i)|x-(?:executable|sh)|java-archive"
    r"|vnd\.microsoft\.portable-executable|vnd\.android\.package-archive)"
)
# Some apps send "image" or "*/*".
_NAME = re.compile(r"[a-z0-9!#$&^_.+*-]{1,100}(/[a-z0-9!#$&^_.+*-]{0,100})?")


_INVISIBLE = " \t\r\n\u00a0\u200b\u2060\ufeff"
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
_HEADERS = ("From", "To", "Subject", "Date", "Message-ID", "Received", "Return-Path", "Delivered-To")
_PDF = re.compile(rb"(?:\xef\xbb\xbf|\s)*%PDF-")
_IN_FRONT_OF_PDF = 1024  # bytes in which PDF readers look for the start
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"}
_MP4_BRANDS = {b"isom", *(b"iso%d" % n for n in range(2, 10)), b"mp41", b"mp42", b"avc1", b"M4V ", b"MSNV", b"mmp4"}
_OTHER_BRANDS = {
    b"avif",
    b"avis",
    b"mif1",
    b"msf1",
    b"M4A ",
    b"M4B ",
    b"M4P ",
    b"F4A ",
    b"F4B ",
    b"crx ",
}  # as first brand


def declared_type(content_type: str) -> str | None:
    """Returns the type that a client declares, without aliases. UNKNOWN if the content decides; None if it is never
    accepted."""
    name = content_type.split(";")[0].strip().lower()
    name = _ALIASES.get(name, name)
    if name in KINDS or not name:
        return name or UNKNOWN
    if _NEVER_ACCEPTED.fullmatch(name) or not _NAME.fullmatch(name):
        return None
    return PLAIN if name.startswith("text/") else UNKNOWN


def max_bytes(kind: str) -> int:
    """Returns the size limit of this type, in bytes."""
    return MAX_VIDEO_BYTES if kind in VIDEOS else MAX_BYTES


def may_be_large(declared: str) -> bool:
    """Whether a file that is declared so can be a video."""
    return declared in VIDEOS or declared == UNKNOWN


def sniff(sample: bytes, declared: str) -> str | None:
    """Returns the type of a content, from its first and last bytes; None if it is not accepted. The declared type
    decides only between types that the content can be."""
    proofs = set(_signatures(sample))
    matches = [name for name, kind in KINDS.items() if kind.proofs & proofs]
    if declared in matches:
        return declared
    if OLD_OFFICE in matches:
        return OLD_OFFICE
    if matches or not _is_text(sample):
        return matches[0] if matches else None
    return EMAIL if declared != PLAIN and _is_email(sample) else PLAIN


def with_extension(filename: str, content_type: str) -> str:
    """Returns the file name with an extension of this type, so that no computer opens it as another type."""
    extensions = KINDS[content_type].extensions
    return filename if filename.lower().endswith(extensions) else f"{filename}{extensions[0]}"


def _signatures(sample: bytes) -> Iterator[str]:
    """Yields the types that the content shows. puremagic knows signatures, but not what is inside a container."""
    if sample.startswith((b"PK\3\4", b"PK\5\6")):
        yield _inside_of_zip(sample)
    elif sample[4:8] == b"ftyp":
        if kind := _type_of_brands(sample[8 : int.from_bytes(sample[:4], "big")][:200]):
            yield kind
    elif _PDF.match(sample[:_IN_FRONT_OF_PDF]):
        yield PDF
    elif sample.startswith(b"RIFF"):
        if sample[8:12] == b"WEBP":
            yield "image/webp"
    else:
        try:
            for match in puremagic.magic_string(sample):  # pyright: ignore[reportUnknownMemberType]
                yield match.mime_type  # pyright: ignore[reportUnknownMemberType]
        except (puremagic.PureError, ValueError):
            return


def _type_of_brands(field: bytes) -> str | None:
    """Returns the type of a file of the ISO base media format. Its header lists the brands that it is compatible with.
    The first is its own, the second is a version."""
    brands = [field[start : start + 4] for start in range(0, len(field), 4)]
    if not _HEIC_BRANDS.isdisjoint(brands):
        return "image/heic"
    if not brands or brands[0] in _OTHER_BRANDS:
        return None
    if brands[0] != b"qt  " and not _MP4_BRANDS.isdisjoint(brands):
        return MP4
    return MOV if b"qt  " in brands else None


def _inside_of_zip(sample: bytes) -> str:
    if sample[30:38] == b"mimetype":
        name = sample[38:120].decode("ascii", "ignore")
        return next((kind for kind in _ODF_KINDS if name.startswith(kind)), ZIP)
    if b"[Content_Types].xml" in sample:
        return next((kind for folder, kind in _OOXML_KINDS.items() if folder in sample), ZIP)
    return ZIP


def _is_text(sample: bytes) -> bool:
    """Whether it is plain text. Markup is not, because a browser might render it."""
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        sample = sample[: len(sample) // 2 * 2].decode("utf-16", "ignore").encode()
    text = sample.decode("utf-8", "ignore").lstrip(_INVISIBLE)
    return not _CONTROL.search(sample) and not text.startswith("<")


def _is_email(sample: bytes) -> bool:
    headers = BytesHeaderParser(policy=policy.compat32).parsebytes(sample)
    return any(name in headers for name in _HEADERS)


def wrong_type() -> str:
    """Returns the sentence for a person whose file is of another type."""
    return gettext(
        "This file type is not accepted. Accepted types: JPEG, PNG, GIF, WebP, HEIC, PDF, office documents, plain "
        "text, e-mail, zip, and MP4 and MOV videos."
    )


def too_large() -> str:
    return gettext(
        "This file is too large. A video has at most {videos} bytes, any other file {others}.",
        videos=MAX_VIDEO_BYTES,
        others=MAX_BYTES,
    )
