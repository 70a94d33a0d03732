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
    "Refund": "rfd",
}
_TYPES = {prefix: name for name, prefix in PREFIXES.items()}
_FORM = re.compile(r"([a-z]{3})_([0-9a-f]{32})", re.ASCII)
# A line of an order has no row of its own: its id has the order's key and the line's place, counted from 0.
_LINE = re.compile(r"lin_([0-9a-f]{32})_(0|[1-9][0-9]{0,8})", re.ASCII)


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


def encode_line(order_key: UUID, place: int) -> str:
    return f"lin_{order_key.hex}_{place}"


def decode_line(text: str) -> tuple[UUID, int] | None:
    """Returns the order's key and the line's place; None for a text that `encode_line` never returns."""
    match = _LINE.fullmatch(text)
    return (UUID(hex=match[1]), int(match[2])) if match is not None else None
