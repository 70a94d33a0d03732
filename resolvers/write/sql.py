"""Writes: inserts and updates as values, sent together.

A handler collects writes and `send` sends them. On PostgreSQL, several writes are one statement, and so one round trip:

    insert(models.Feedback, [{"id": …, "order_id": …}])
    update(models.Order, {"id": …}, {"feedback_left_at": …})

    WITH w0 AS (INSERT INTO feedback (id, order_id) VALUES ($1, $2))
        UPDATE orders SET feedback_left_at = $3 WHERE id = $4

SQLite has no writes within a WITH; it gets one statement for each write. The SQL text depends only on the form of the
writes (table, columns, number of rows), so it is cached by that.
"""

# pyright: reportPrivateUsage=false

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import orjson
from tortoise.fields import JSONField
from tortoise.models import Model

from models import database

Columns = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Insert:
    """The form of an insert. Its values are those of the rows, one row after the other."""

    model: type[Model]
    columns: tuple[str, ...]
    rows: int

    def text(self, placeholders: Iterator[str]) -> str:
        rows = [f"({', '.join(next(placeholders) for _ in self.columns)})" for _ in range(self.rows)]
        return f"INSERT INTO {self.model._meta.db_table} ({', '.join(self.columns)}) VALUES {', '.join(rows)}"


@dataclass(frozen=True, slots=True)
class _Update:
    """The form of an update. Its values are the new ones, then those of the condition."""

    model: type[Model]
    columns: tuple[str, ...]
    where: tuple[str, ...]

    def text(self, placeholders: Iterator[str]) -> str:
        assignments = ", ".join(f"{name} = {next(placeholders)}" for name in self.columns)
        conditions = " AND ".join(f"{name} = {next(placeholders)}" for name in self.where)
        return f"UPDATE {self.model._meta.db_table} SET {assignments} WHERE {conditions}"


@dataclass(frozen=True, slots=True)
class Write:
    form: _Insert | _Update
    values: list[Any]

    @property
    def row(self) -> tuple[Any, ...]:
        """Identifies the updated rows."""
        return (self.form.model, *self.values[len(self.form.columns) :])


def _json(value: Any) -> Any:
    return None if value is None else orjson.dumps(value).decode()


@cache
def _encoders(model: type[Model], columns: tuple[str, ...]) -> list[tuple[str, Callable[[Any], Any] | None]]:
    """Returns the columns, each with the function that encodes its value for the driver; None where it needs none."""
    fields: dict[str, Any] = model._meta.fields_map  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return [(name, _json if isinstance(fields.get(name), JSONField) else None) for name in columns]


def _values(model: type[Model], columns: tuple[str, ...], row: Columns) -> list[Any]:
    return [row[name] if encode is None else encode(row[name]) for name, encode in _encoders(model, columns)]


def insert(model: type[Model], rows: Sequence[Columns]) -> Write:
    """Returns the insert of one or more rows, which all have the same columns."""
    columns = tuple(rows[0])
    return Write(_Insert(model, columns, len(rows)), [value for row in rows for value in _values(model, columns, row)])


def update(model: type[Model], where: Columns, columns: Columns) -> Write:
    """Returns the update of one or more columns in the rows that have the values of `where`, which are not null."""
    assigned, conditions = tuple(columns), tuple(where)
    values = _values(model, assigned, columns) + _values(model, conditions, where)
    return Write(_Update(model, assigned, conditions), values)


@lru_cache(1000)
def _text(sign: str, *forms: _Insert | _Update) -> str:
    placeholders = (f"{sign}{number}" for number in range(1, 2**16))
    *first, last = (form.text(placeholders) for form in forms)
    expressions = ", ".join(f"w{number} AS ({text})" for number, text in enumerate(first))
    return f"WITH {expressions} {last}" if expressions else last


async def send(*writes: Write) -> None:
    """Sends the writes, as one statement where the database can. Then no write sees what another one has written, so no
    row may be updated twice."""
    rows = [write.row for write in writes if type(write.form) is _Update]
    assert len(set(rows)) == len(rows)
    if database.dialect() == "postgres":
        values = [value for write in writes for value in write.values]
        await database.change(_text("$", *(write.form for write in writes)), values)
    else:
        for write in writes:
            await database.change(_text("?", write.form), write.values)
