"""Primary keys, and the CHECKs that stand behind the enums."""

import uuid
from collections.abc import Iterable
from enum import StrEnum

import uuid_utils
from tortoise.migrations.constraints import CheckConstraint


def new_id() -> uuid.UUID:
    """A UUID of version 7: rising with time, so that an index's new entries lie side by side."""
    return uuid.UUID(bytes=uuid_utils.uuid7().bytes)


def one_of(table: str, column: str, values: Iterable[StrEnum]) -> CheckConstraint:
    """Keeps out what no enum member reads: one such value would fail every list that holds its row."""
    members = ", ".join(f"'{value}'" for value in sorted(values))
    return CheckConstraint(name=f"{table}_{column}_known", check=f"{column} IN ({members})")


def check(table: str, name: str, condition: str) -> CheckConstraint:
    return CheckConstraint(name=f"{table}_{name}", check=condition)
