"""Orders from a file: the same checks and the same code as the mutation recordOrders."""

import codecs
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson
from graphql import GraphQLError, GraphQLNonNull, coerce_input_value, validate_input_value  # pyright: ignore[reportUnknownVariableType]
from strawberry.types.arguments import convert_argument

from models import database
from models.enums import Role
from resolvers.account import sign_in
from resolvers.context import Context
from resolvers.errors import UserError
from resolvers.hub import Hub
from resolvers.input import Checks
from resolvers.record import OrderRecord, check
from resolvers.recording import Checked, store
from schema import SCHEMA
from server.files import opened
from server.settings import Settings

MOST_NAMED = 20  # bad lines; a file of another format would otherwise fill the screen
SECONDS_A_RECORD = 1  # far more than one takes; a whole file is one transaction


async def record(settings: Settings, file: Path, service: str) -> int:
    """Takes in the file's records and says how many. Raises ClickException, with nothing kept, where a line is bad."""
    async with database.connected(settings.database):
        now = datetime.now(UTC)
        context = Context(
            await sign_in(service, Role.SERVICE, service), now, now, await opened(settings), Hub(), settings.limits
        )
        records, problems = _read(file)
        if not problems and records:
            with click.progressbar(length=len(records), label="Recording", file=sys.stderr) as bar:
                errors = await store(
                    context, records, bar.update, seconds=60 + len(records) * SECONDS_A_RECORD, shielded=False
                )
            problems = [_said(error) for error in errors]
    if problems:
        more = [f"… and {len(problems) - MOST_NAMED} more"] if len(problems) > MOST_NAMED else []
        raise click.ClickException("\n".join(["Nothing was recorded.", *problems[:MOST_NAMED], *more]))
    return len(records)


def _said(error: UserError) -> str:
    line, *field = error.field or []
    return f"line {line}: {'.'.join(field)}: {error.message}"


def _read(file: Path) -> tuple[list[Checked], list[str]]:
    records: list[Checked] = []
    problems: list[str] = []
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            line = line.removeprefix(codecs.BOM_UTF8)
            if not line.strip():
                continue
            try:
                parsed = _parse(line)
            except ValueError as error:
                problems.append(f"line {number}: {error}")
                continue
            checks = Checks()
            records.append(check(checks, parsed, f"{number}."))
            problems += map(_said, checks.errors)
    return records, problems


def _parse(line: bytes) -> OrderRecord:
    """Raises ValueError, which names the field."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise ValueError("this is no JSON") from None
    problems: list[str] = []

    def note(error: GraphQLError, path: Sequence[str | int]) -> None:
        problems.append(f"{'.'.join(map(str, path)) or 'the record'}: {error.message}")

    input_type: Any = GraphQLNonNull(SCHEMA._schema.type_map["OrderRecordInput"])  # type: ignore[type-var]
    validate_input_value(value, input_type, note)
    if problems:
        raise ValueError("; ".join(problems))
    coerced = coerce_input_value(value, input_type)
    registry = SCHEMA.schema_converter.scalar_registry
    return convert_argument(coerced, OrderRecord, registry, SCHEMA.config)  # type: ignore[return-value]
