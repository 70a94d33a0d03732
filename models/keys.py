"""Primary keys, and the CHECK constraints behind the enums."""

import hashlib
import itertools
import uuid
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum

import uuid_utils
from tortoise.migrations.constraints import CheckConstraint

_derived: ContextVar[Iterator[uuid.UUID] | None] = ContextVar("_derived", default=None)


def new_id() -> uuid.UUID:
    """Returns a UUID of version 7. They rise with time, so that new entries of an index are next to each other."""
    derived = _derived.get()
    return next(derived) if derived is not None else uuid.UUID(bytes=uuid_utils.uuid7().bytes)


@contextmanager
def derived_ids(name: str) -> Generator[None]:
    """Inside the block, makes ids that depend only on `name` and rise, in this task and the tasks that it starts."""
    token = _derived.set(_of(name))
    try:
        yield
    finally:
        _derived.reset(token)


def _of(name: str) -> Iterator[uuid.UUID]:
    for n in itertools.count(1):
        digest = hashlib.sha256(f"{name} {n}".encode()).hexdigest()
        yield uuid.UUID(f"{n:012x}8{digest[:3]}8{digest[3:18]}")  # version 8: a custom format


def one_of(table: str, column: str, values: Iterable[StrEnum]) -> CheckConstraint:
    """Returns a CHECK that allows only the enum's values."""
    members = ", ".join(f"'{value}'" for value in sorted(values))
    return CheckConstraint(name=f"{table}_{column}_known", check=f"{column} IN ({members})")


def check(table: str, name: str, condition: str) -> CheckConstraint:
    return CheckConstraint(name=f"{table}_{name}", check=condition)
