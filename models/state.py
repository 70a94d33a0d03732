"""The state of the database connection in this process.

The state lives as long as `models.database.connected` keeps the database open. It is also Tortoise's context, so
any task that can reach the connections can reach it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any

from tortoise.context import TortoiseContext, get_current_context

from models import failures
from models.availability import Availability, ReplicaAvailability
from models.failures import Failure
from models.pulse import Pulse

REPLICA_REST_SECONDS = 5.0  # without reading the replica, after it failed

AfterCommit = Callable[[], None]
OnRetry = Callable[[str, Failure], None]

_log = logging.getLogger(__name__)


class DatabaseState(TortoiseContext):
    def __init__(self, after_commit: Iterable[AfterCommit] = (), on_retry: Iterable[OnRetry] = ()) -> None:
        super().__init__()
        self.after_commit = list(after_commit)  # called after each commit of `database.in_transaction`
        self.on_retry = list(on_retry)  # called with what is tried again ("read", "transaction", …), and why
        self.availability = Availability("the database")
        self.replica = ReplicaAvailability("the replica", REPLICA_REST_SECONDS)
        self.pulses: dict[str, Pulse] = {}  # of `default` and, where there is a replica, of `reader`; none on SQLite
        self.transactions: set[asyncio.Task[Any]] = set()  # under way
        self.migrated_at: float | None = None  # when it was last seen to have all migrations; see models.readiness

    def __enter__(self) -> DatabaseState:
        super().__enter__()
        return self


def current() -> DatabaseState | None:
    """Returns the state of the connected database; None where none is connected."""
    context = get_current_context()
    return context if isinstance(context, DatabaseState) else None


def note_failure(error: BaseException) -> bool:
    """Whether the error says that the database cannot be used. If so, this is logged unless it is known already."""
    if failures.of(error) not in (Failure.AWAY, Failure.READ_ONLY):
        return False
    if (state := current()) is not None:
        state.availability.lose(error)
    return True


def note_retry(what: str, error: BaseException) -> None:
    """Logs and counts that `what` is tried again because of the error."""
    failure = failures.of(error)
    assert failure is not None
    _log.warning("a %s is tried again: %s (%s)", what, failure, type(error).__qualname__)
    if (state := current()) is not None:
        for hook in state.on_retry:
            hook(what, failure)
