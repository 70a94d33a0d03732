"""How much one request may ask for."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a document. A fragment counts everywhere it is spread. `cost` counts each field once, and the
    fields of a list's entries once for each entry that the list can have."""

    levels: ClassVar[int] = 100  # of fields, and of fragments within fragments

    tokens: int
    depth: int
    fields: int
    aliases: int
    directives: int
    cost: int
    seconds: float  # how long one request may run; a write that has begun is still finished
    introspection: bool  # whether a document may ask for the schema
    default_page_size: int  # of a list with `first` that gives neither `first` nor `last`
    max_page_size: int
