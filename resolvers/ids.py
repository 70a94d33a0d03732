"""Ids as clients see them: opaque, unique across all types, and parsed strictly."""

import re
from uuid import UUID

PREFIXES = {
    "Account": "acc",
    "Viewer": "viw",
    "Order": "ord",
    "Feedback": "fbk",
    "Cancellation": "can",
    "Dispute": "dsp",
    "Complaint": "cmp",
    "Proposal": "prp",
    "Message": "msg",
    "Attachment": "att",
    "Upload": "upl",
}
_TYPES = {prefix: name for name, prefix in PREFIXES.items()}
_FORM = re.compile(r"([a-z]{3})_([0-9a-f]{32})", re.ASCII)


def encode(type_name: str, key: UUID) -> str:
    return f"{PREFIXES[type_name]}_{key.hex}"


def decode(text: str) -> tuple[str, UUID] | None:
    """Returns the type's name and the key; None for a text that `encode` never returns."""
    match = _FORM.fullmatch(text)
    if match is None or match[1] not in _TYPES:
        return None
    return _TYPES[match[1]], UUID(hex=match[2])


def key_of(type_name: str, text: str) -> UUID | None:
    """Returns the key; None if the text is not an id of this type."""
    decoded = decode(text)
    return decoded[1] if decoded and decoded[0] == type_name else None
