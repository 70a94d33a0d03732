"""Classifies the errors of a database: is it away, was it too slow, can the statement be tried again?

Only this module knows the drivers' classes. An error means one of these things, whichever layer wrapped it:

    a connection is lost, or none can be made             AWAY
    the database takes no writes (a standby, …)           READ_ONLY
    a statement was prepared before a migration           OUTDATED
    two transactions waited for each other                CONFLICT
    a statement, a lock or a transaction took too long    TOO_SLOW
    COMMIT was sent, and not answered                     UNKNOWN_OUTCOME
"""

import sqlite3
from enum import StrEnum

import asyncpg
from tortoise.exceptions import BaseORMException, DBConnectionError


class Failure(StrEnum):
    """What an error of the database means."""

    AWAY = "away"
    READ_ONLY = "read-only"
    OUTDATED = "outdated"
    CONFLICT = "conflict"
    TOO_SLOW = "too slow"
    UNKNOWN_OUTCOME = "unknown outcome"


class Unreachable(ConnectionError):
    """No connection to the database can be made, or a connection does not answer."""


class Deadlock(Exception):
    """This transaction and another one waited for each other, twice. This one was rolled back."""


class UnknownOutcome(Exception):
    """COMMIT was sent and not answered. The transaction may have been committed."""


_AWAY = (
    ConnectionError
    | DBConnectionError
    | asyncpg.InterfaceError
    | asyncpg.InternalClientError  # the connection was used after the server's last message, before it was closed
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
    """Returns what the error means for the database; None when it means nothing, or that a statement is wrong."""
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
        case ValueError():  # includes the driver's InterfaceError for a value that does not fit its column
            return None
        case _:
            return Failure.AWAY if isinstance(error, _AWAY) else None


def may_be_tried_again(error: BaseException) -> bool:
    """Whether a second try may succeed, provided that the first cannot have done anything."""
    return of(error) in (Failure.AWAY, Failure.READ_ONLY, Failure.OUTDATED, Failure.CONFLICT)


def was_not_executed(error: BaseException) -> bool:
    """Whether a statement outside of a transaction has certainly not been executed, and can be tried again."""
    failure = of(error)
    unsent = isinstance(error, asyncpg.InterfaceError | Unreachable)
    return failure is Failure.READ_ONLY or (failure is Failure.AWAY and unsent)
