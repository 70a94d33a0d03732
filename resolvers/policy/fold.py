"""Facts follow from events."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

Fact = datetime | int | str | None
F = TypeVar("F")


def fold(facts: F, changes: Iterable[Mapping[str, Any]], *, strict: bool = True) -> F:
    """Applies what events set, oldest first; the same for what is written to the row and for what is replayed.

    Raises AttributeError for facts that there are not; unless it is `strict`, it leaves them out, since what is stored
    may be of another release.
    """
    for change in changes:
        for name, value in change.items():
            instant = isinstance(value, str) and name.endswith(("_at", "_since"))
            try:
                setattr(facts, name, datetime.fromisoformat(value) if instant else value)
            except AttributeError:
                if strict:
                    raise
    return facts
