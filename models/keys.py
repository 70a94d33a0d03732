"""Primary keys, and the CHECKs that stand behind the enums."""

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
    """A UUID of version 7: rising with time, so that an index's new entries lie side by side."""
    derived = _derived.get()
    return next(derived) if derived is not None else uuid.UUID(bytes=uuid_utils.uuid7().bytes)


@contextmanager
def derived_ids(name: str) -> Generator[None]:
    """Makes the new ids of this task, and of those that it starts, the same each time: of the name, and rising."""
    token = _derived.set(_of(name))
    try:
        yield
    finally:
        _derived.reset(token)


def _of(name: str) -> Iterator[uuid.UUID]:
    for n in itertools.count(1):
        digest = hashlib.sha256(f"{name} {n}".encode()).hexdigest()
        yield uuid.UUID(f"{n:012x}8{digest[:3]}8{digest[3:18]}")  # of version 8: made as its maker likes


def one_of(table: str, column: str, values: Iterable[StrEnum]) -> CheckConstraint:
    """Keeps out what no enum member reads: one such value would fail every list that holds its row."""
    members = ", ".join(f"'{value}'" for value in sorted(values))
    return CheckConstraint(name=f"{table}_{column}_known", check=f"{column} IN ({members})")


def check(table: str, name: str, condition: str) -> CheckConstraint:
    return CheckConstraint(name=f"{table}_{name}", check=condition)
