"""Whether something outside of the process can be used: the database, its replica, the store of files."""

import logging
import time

_log = logging.getLogger(__name__)


class Availability:
    """Keeps whether `name` can be used, and logs each change once, however many requests notice it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._lost_at: float | None = None

    @property
    def is_lost(self) -> bool:
        return self._lost_at is not None

    def lose(self, error: BaseException, reason: str = "") -> None:
        """Notes a failure. Logs `reason`, or else only the error's type: its message may quote what people wrote."""
        if self._lost_at is None:
            self._lost_at = time.monotonic()
            _log.warning("%s cannot be used: %s", self.name, reason or type(error).__qualname__)

    def regain(self) -> None:
        """Notes a success."""
        if self._lost_at is not None:
            _log.warning("%s can be used again, after %.1f seconds", self.name, time.monotonic() - self._lost_at)
            self._lost_at = None


class ReplicaAvailability(Availability):
    """Whether queries read the replica.

    After a failure no query tries it for `rest_seconds`. Then one query at a time does, while all others read the
    primary, until one succeeds.
    """

    def __init__(self, name: str, rest_seconds: float) -> None:
        super().__init__(name)
        self.rest_seconds = rest_seconds
        self.is_being_tried = False
        self._rests_until = 0.0

    @property
    def allows_reading(self) -> bool:
        return not self.is_lost or (not self.is_being_tried and time.monotonic() >= self._rests_until)

    def lose(self, error: BaseException, reason: str = "") -> None:
        super().lose(error, reason)
        self._rests_until = time.monotonic() + self.rest_seconds

    def regain(self) -> None:
        """Does nothing: the server answers the pulse, but only a query shows whether it can be read."""

    def confirm(self) -> None:
        """Notes that a query has read the replica."""
        super().regain()
