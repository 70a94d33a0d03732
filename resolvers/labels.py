"""What apps show beside data: the languages that the server speaks, and the names of enum values."""

from collections.abc import Sequence
from dataclasses import dataclass

from strawberry import UNSET

from models.enums import DescribedEnum
from resolvers.form import Choice
from resolvers.language import LANGUAGES, Language
from resolvers.names import NAMED


@dataclass(frozen=True, slots=True)
class EnumLabels:
    enum: str
    values: Sequence[Choice]


def _labels(enum: type[DescribedEnum]) -> EnumLabels:
    return EnumLabels(enum.__name__, [Choice(member.name, member) for member in enum])


_LABELS = {labels.enum: labels for labels in map(_labels, NAMED)}


def languages() -> list[Language]:
    return list(LANGUAGES.values())


def enum_labels(enums: list[str] | None = UNSET) -> list[EnumLabels]:
    """Returns the names of these enums' values, each enum once; an unknown one is left out."""
    if not enums:
        return [] if isinstance(enums, list) else list(_LABELS.values())
    return [labels for name, labels in _LABELS.items() if name in enums]
