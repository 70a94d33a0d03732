"""Forms: what the mutation of an action takes now, so that an app can show its fields without knowing them.

What does not depend on the order or the case is kept for all requests. So a field keeps English sentences, and its
label is made when it is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.enums import DescribedEnum, FieldKind
from resolvers.language import gettext
from resolvers.money import Money
from resolvers.names import CHOICES, name_of

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FieldCondition:
    """The field at `path` has one of `values`."""

    path: Path
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileKind:
    content_type: str
    max_bytes: int
    max_count: int


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of an enum, or an order's line, whose label is its title. `evidence` are sentences for people."""

    value: str
    member: DescribedEnum | None = None
    title: str = ""
    evidence: tuple[str, ...] = ()
    only_with: tuple[FieldCondition, ...] = ()
    max_quantity: int | None = None
    price: Money | None = None

    @property
    def label(self) -> str:
        return self.title if self.member is None else name_of(self.member)

    @property
    def description(self) -> str | None:
        return gettext(self.member.description) if isinstance(self.member, CHOICES) else None

    @property
    def recommended_evidence(self) -> list[str]:
        return [gettext(sentence) for sentence in self.evidence]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """A field of an input, as it can be filled now. A bound that it does not have is None."""

    path: Path
    kind: FieldKind
    english_label: str
    english_hint: str | None = None
    required: bool = False
    max_length: int | None = None
    one_line: bool | None = None
    min: int | None = None
    max: int | None = None
    max_amount: Money | None = None
    at_most_items_at: Path | None = None
    max_count: int | None = None
    max_bytes: int | None = None
    content_types: Sequence[str] | None = None
    file_kinds: Sequence[FileKind] | None = None
    choices: Sequence[Choice] | None = None
    only_with: tuple[FieldCondition, ...] = ()

    @property
    def label(self) -> str:
        return gettext(self.english_label)

    @property
    def hint(self) -> str | None:
        return None if self.english_hint is None else gettext(self.english_hint)


@dataclass(frozen=True, slots=True)
class FieldGroup:
    """Fields of which at least one is required, or exactly one."""

    paths: tuple[Path, ...]
    exactly_one: bool


@dataclass(frozen=True, slots=True)
class ActionForm:
    fields: Sequence[FormField]
    groups: Sequence[FieldGroup]
