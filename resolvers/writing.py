"""What actions write, by SQL text: rows more, or columns of rows that are there."""

# pyright: reportPrivateUsage=false

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import orjson
from tortoise.fields import JSONField
from tortoise.models import Model

from models import database
from resolvers.statement import Statement

Columns = Mapping[str, Any]


@cache
def _spelled(model: type[Model], column: str) -> Callable[[Any], Any] | None:
    """How a value is spelled where the driver would not take it as it is."""
    fields: dict[str, Any] = model._meta.fields_map  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if isinstance(fields.get(column), JSONField):
        return lambda value: orjson.dumps(value).decode()
    return None


def _bound(statement: Statement, model: type[Model], column: str, value: Any) -> str:
    spell = _spelled(model, column)
    return statement.bind(value if spell is None or value is None else spell(value))


Write = Callable[[Statement], str]  # the text of one, with its values bound


def inserting(model: type[Model], rows: Sequence[Columns]) -> Write:
    """Adds rows, one at least, that all have the same columns."""

    def write(statement: Statement) -> str:
        values = [f"({', '.join(_bound(statement, model, name, row[name]) for name in rows[0])})" for row in rows]
        return f"INSERT INTO {model._meta.db_table} ({', '.join(rows[0])}) VALUES {', '.join(values)}"

    return write


def updating(model: type[Model], where: Columns, columns: Columns) -> Write:
    """Sets columns, one at least, of the rows that have these values, none of them null."""

    def write(statement: Statement) -> str:
        sets = ", ".join(f"{name} = {_bound(statement, model, name, value)}" for name, value in columns.items())
        conditions = " AND ".join(f"{name} = {_bound(statement, model, name, value)}" for name, value in where.items())
        return f"UPDATE {model._meta.db_table} SET {sets} WHERE {conditions}"

    return write


async def send(*writes: Write) -> None:
    """As one statement, where the database takes it so: no write sees what another one has written, and no row is
    written twice."""
    if database.dialect() != "postgres":
        for write in writes:
            statement = Statement()
            await database.change(write(statement), statement.values)
        return
    statement = Statement()
    *others, last = (write(statement) for write in writes)
    named = ", ".join(f"w{place} AS ({text})" for place, text in enumerate(others))
    await database.change(f"WITH {named} {last}" if named else last, statement.values)
