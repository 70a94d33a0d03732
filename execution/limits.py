"""How much one request may ask for."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Limits:
    """Of a document, with its fragments in their places. `cost` counts each field once, and what is asked of a list's
    entries as often as the list may be long."""

    levels: ClassVar[int] = 100  # of fields, and of fragments within fragments

    tokens: int
    depth: int
    fields: int
    aliases: int
    directives: int
    cost: int
    seconds: float  # of work; what is being written is finished all the same
    introspection: bool  # whether a document may ask what there is to be asked
