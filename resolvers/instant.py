"""Instants with more precision than a datetime."""

from datetime import datetime
from typing import Self


class FinerInstant(datetime):
    """An instant that was sent with nanoseconds. Only inputs and arguments receive one; both cut it to microseconds."""

    nanoseconds: int  # beyond the microseconds, 1 to 999

    @classmethod
    def of(cls, instant: datetime, nanoseconds: int) -> Self:
        finer = cls.combine(instant.date(), instant.timetz())
        finer.nanoseconds = nanoseconds
        return finer


def nanoseconds_of(instant: datetime) -> int:
    """Returns the nanoseconds beyond the microseconds, 0 to 999."""
    return instant.nanoseconds if isinstance(instant, FinerInstant) else 0


def cut(instant: datetime) -> datetime:
    """Returns the instant without its nanoseconds."""
    return datetime.combine(instant.date(), instant.timetz()) if isinstance(instant, FinerInstant) else instant
