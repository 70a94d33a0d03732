"""What the errors of a database mean: whether it is away, was too slow, or can be asked once more.

The one place that knows the drivers' classes. An error says one of these things, whichever layer wrapped it:

    a connection is lost, or none can be made             AWAY
    the database takes no writes (a standby, …)           READ_ONLY
    a statement was prepared before a migration           OUTDATED
    two transactions waited for each other                CONFLICT
    a statement, a lock or a transaction took too long    TOO_SLOW
    COMMIT was sent, and not answered                     UNKNOWN_OUTCOME
"""

import logging
import sqlite3
import time
from collections.abc import Callable
from enum import StrEnum

import asyncpg
from tortoise.exceptions import BaseORMException, DBConnectionError

_log = logging.getLogger(__name__)


class Failure(StrEnum):
    AWAY = "away"
    READ_ONLY = "read-only"
    OUTDATED = "outdated"
    CONFLICT = "conflict"
    TOO_SLOW = "too slow"
    UNKNOWN_OUTCOME = "unknown outcome"


class Unreachable(ConnectionError):
    """No connection to the database can be made, or the one that was made does not answer."""


class Deadlock(Exception):
    """Another transaction and this one waited for each other, twice; this one was rolled back."""


class UnknownOutcome(Exception):
    """COMMIT was sent, and not answered: the transaction may have been committed."""


_AWAY = (
    ConnectionError
    | DBConnectionError
    | asyncpg.InterfaceError
    | asyncpg.InternalClientError  # used between the server's last word and the end of the connection
    | asyncpg.PostgresConnectionError
    | asyncpg.exceptions.OperatorInterventionError
    | asyncpg.exceptions.TooManyConnectionsError
    | asyncpg.InvalidCatalogNameError
    | asyncpg.exceptions.IdleInTransactionSessionTimeoutError
)
_SQLITE = {
    sqlite3.SQLITE_BUSY: Failure.TOO_SLOW,
    sqlite3.SQLITE_LOCKED: Failure.TOO_SLOW,
    sqlite3.SQLITE_READONLY: Failure.READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: Failure.AWAY,
}


def of(error: BaseException) -> Failure | None:
    """What the error says about the database; None when it says nothing, or that a statement is wrong."""
    if isinstance(error, BaseORMException) and error.args and isinstance(error.args[0], Exception):
        error = error.args[0]  # as Tortoise wraps it
    match error:
        case UnknownOutcome():
            return Failure.UNKNOWN_OUTCOME
        case asyncpg.ReadOnlySQLTransactionError():
            return Failure.READ_ONLY
        case asyncpg.InvalidCachedStatementError() | asyncpg.OutdatedSchemaCacheError():
            return Failure.OUTDATED
        case Deadlock() | asyncpg.DeadlockDetectedError() | asyncpg.SerializationError():
            return Failure.CONFLICT
        case asyncpg.LockNotAvailableError() | asyncpg.QueryCanceledError() | TimeoutError():
            return Failure.TOO_SLOW
        case sqlite3.OperationalError():
            return _SQLITE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
        case ValueError():  # the driver's InterfaceError among them, where a value does not fit its column
            return None
        case _:
            return Failure.AWAY if isinstance(error, _AWAY) else None


def may_be_tried_again(error: BaseException) -> bool:
    """Whether a second try may succeed, provided that nothing can have been done by the first."""
    return of(error) in (Failure.AWAY, Failure.READ_ONLY, Failure.OUTDATED, Failure.CONFLICT)


def was_refused(error: BaseException) -> bool:
    """Whether a statement outside of a transaction has certainly not been done, and may be another time."""
    failure = of(error)
    unsent = isinstance(error, asyncpg.InterfaceError | Unreachable)
    return failure is Failure.READ_ONLY or (failure is Failure.AWAY and unsent)


class Availability:
    """Whether a database can be used, as far as is known. A change is logged once, however many requests notice it."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.lost_at: float | None = None

    def lose(self, error: BaseException) -> None:
        if self.lost_at is None:
            self.lost_at = time.monotonic()
            _log.warning("%s cannot be used: %s", self.what, type(error).__qualname__)

    def regain(self) -> None:
        if self.lost_at is not None:
            _log.warning("%s can be used again, after %.1f seconds", self.what, time.monotonic() - self.lost_at)
            self.lost_at = None


database = Availability("the database")


def noted(error: BaseException) -> bool:
    """Whether the error says that the database cannot be used. Then that is logged, if it is new."""
    if of(error) not in (Failure.AWAY, Failure.READ_ONLY):
        return False
    database.lose(error)
    return True


on_retry: list[Callable[[str, Failure], None]] = []  # called with what is tried again, and why


def note_retry(what: str, error: BaseException) -> None:
    failure = of(error)
    assert failure is not None
    _log.warning("a %s is tried again: %s (%s)", what, failure, type(error).__qualname__)
    for tell in on_retry:
        tell(what, failure)
