"""Facts follow from events."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

Fact = datetime | int | str | None
F = TypeVar("F")


def fold(facts: F, changes: Iterable[Mapping[str, Any]]) -> F:
    """Applies what events set, oldest first; the same for what is written to the row and for what is replayed."""
    for change in changes:
        for name, value in change.items():
            instant = isinstance(value, str) and name.endswith(("_at", "_since"))
            setattr(facts, name, datetime.fromisoformat(value) if instant else value)
    return facts
