"""What actions write, by SQL text: rows more, or columns of rows that are there."""

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
    """The form of one: the values come row by row."""

    model: type[Model]
    columns: tuple[str, ...]
    rows: int

    def text(self, place: Iterator[str]) -> str:
        rows = [f"({', '.join(next(place) for _ in self.columns)})" for _ in range(self.rows)]
        return f"INSERT INTO {self.model._meta.db_table} ({', '.join(self.columns)}) VALUES {', '.join(rows)}"


@dataclass(frozen=True, slots=True)
class _Update:
    """The form of one: the values are those that are set, and then those by which the rows are found."""

    model: type[Model]
    columns: tuple[str, ...]
    where: tuple[str, ...]

    def text(self, place: Iterator[str]) -> str:
        sets = ", ".join(f"{name} = {next(place)}" for name in self.columns)
        conditions = " AND ".join(f"{name} = {next(place)}" for name in self.where)
        return f"UPDATE {self.model._meta.db_table} SET {sets} WHERE {conditions}"


@dataclass(frozen=True, slots=True)
class Write:
    form: _Insert | _Update
    values: list[Any]

    @property
    def row(self) -> tuple[Any, ...]:
        """What tells which rows are updated."""
        return (self.form.model, *self.values[len(self.form.columns) :])


def _json(value: Any) -> Any:
    return None if value is None else orjson.dumps(value).decode()


@cache
def _spelled(model: type[Model], columns: tuple[str, ...]) -> list[tuple[str, Callable[[Any], Any] | None]]:
    """The columns, and how each is spelled where the driver would not take a value as it is."""
    fields: dict[str, Any] = model._meta.fields_map  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return [(name, _json if isinstance(fields.get(name), JSONField) else None) for name in columns]


def _values(model: type[Model], columns: tuple[str, ...], row: Columns) -> list[Any]:
    return [row[name] if spell is None else spell(row[name]) for name, spell in _spelled(model, columns)]


def insert(model: type[Model], rows: Sequence[Columns]) -> Write:
    """Adds rows, one at least, that all have the same columns."""
    columns = tuple(rows[0])
    return Write(_Insert(model, columns, len(rows)), [value for row in rows for value in _values(model, columns, row)])


def update(model: type[Model], where: Columns, columns: Columns) -> Write:
    """Sets columns, one at least, of the rows that have these values, none of them null."""
    sets, conditions = tuple(columns), tuple(where)
    values = _values(model, sets, columns) + _values(model, conditions, where)
    return Write(_Update(model, sets, conditions), values)


@lru_cache(1000)
def _text(sign: str, *forms: _Insert | _Update) -> str:
    place = (f"{sign}{number}" for number in range(1, 2**16))
    *others, last = (form.text(place) for form in forms)
    named = ", ".join(f"w{number} AS ({text})" for number, text in enumerate(others))
    return f"WITH {named} {last}" if named else last


async def send(*writes: Write) -> None:
    """As one statement, where the database takes it so: no write sees what another one has written, and no row may be
    updated twice."""
    rows = [write.row for write in writes if type(write.form) is _Update]
    assert len(set(rows)) == len(rows)
    if database.dialect() == "postgres":
        values = [value for write in writes for value in write.values]
        await database.change(_text("$", *(write.form for write in writes)), values)
    else:
        for write in writes:
            await database.change(_text("?", write.form), write.values)
