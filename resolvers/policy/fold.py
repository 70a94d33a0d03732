"""Folding: the facts of a row are the result of applying its events in order."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

Fact = datetime | int | str | None
F = TypeVar("F")
_INSTANTS = ("_at", "_since", "_by")  # how the names of facts that are instants end


def fold(facts: F, changes: Iterable[Mapping[str, Any]], *, strict: bool = True) -> F:
    """Applies the changes of events, oldest first, and returns the same object.

    Writing a row and replaying its history both use this function. An unknown fact raises AttributeError, or is
    skipped if not `strict`: stored events may come from another release.
    """
    for change in changes:
        for name, value in change.items():
            is_instant = isinstance(value, str) and name.endswith(_INSTANTS)
            try:
                setattr(facts, name, datetime.fromisoformat(value) if is_instant else value)
            except AttributeError:
                if strict:
                    raise
    return facts
