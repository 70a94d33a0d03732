"""Instants that are finer than a datetime."""

from datetime import datetime
from typing import Self


class FinerInstant(datetime):
    """An instant that was written with more than microseconds. Only `Input` and arguments meet it; both cut it."""

    nanoseconds: int  # beyond the microseconds, 1 to 999

    @classmethod
    def of(cls, instant: datetime, nanoseconds: int) -> Self:
        made = cls.combine(instant.date(), instant.timetz())
        made.nanoseconds = nanoseconds
        return made


def cut(instant: datetime) -> datetime:
    """In microseconds."""
    return datetime.combine(instant.date(), instant.timetz()) if isinstance(instant, FinerInstant) else instant
