"""What actions write, by SQL text: a row more, or columns of rows that are there."""

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


async def insert(model: type[Model], rows: Sequence[Columns]) -> None:
    """Adds rows that all have the same columns."""
    if not rows:
        return
    statement = Statement()
    values = [f"({', '.join(_bound(statement, model, name, row[name]) for name in rows[0])})" for row in rows]
    await database.change(
        f"INSERT INTO {model._meta.db_table} ({', '.join(rows[0])}) VALUES {', '.join(values)}", statement.values
    )


async def update(model: type[Model], where: Columns, columns: Columns) -> int:
    """Sets columns of the rows that have these values, none of them null; says of how many."""
    if not columns:
        return 0
    statement = Statement()
    sets = ", ".join(f"{name} = {_bound(statement, model, name, value)}" for name, value in columns.items())
    conditions = " AND ".join(f"{name} = {_bound(statement, model, name, value)}" for name, value in where.items())
    return await database.change(f"UPDATE {model._meta.db_table} SET {sets} WHERE {conditions}", statement.values)
