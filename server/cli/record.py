"""Imports orders from a file, with the checks and the code of the mutation recordOrders."""

import codecs
import contextlib
import itertools
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, NamedTuple

import click
import orjson
from graphql import GraphQLError, GraphQLNonNull, coerce_input_value, validate_input_value  # pyright: ignore[reportUnknownVariableType]
from strawberry.types.arguments import convert_argument

from models import database
from models.enums import Role
from resolvers.account import Account, sign_in
from resolvers.context import Context
from resolvers.errors import UserError
from resolvers.feed.hub import Hub
from resolvers.orders.ingest import CheckedRecord, store_records
from resolvers.orders.record import OrderRecord, check_record
from resolvers.write.checks import Checks
from schema import SCHEMA
from server.file_store import file_urls
from server.settings import Settings

BATCH = 500  # lines in one transaction; `changes` stands still while it is open
BATCH_SECONDS = 60  # for a transaction, far more than it needs
MAX_PROBLEMS = 20  # that are printed; a file of another format would fill the screen
MAX_PROGRESS_LINES = 20  # where stderr is not a terminal

_FOUND = re.compile(r"[,;] found: .*", re.DOTALL)  # graphql-core repeats the input, which may hold names

Progress = Callable[[int, int], None]  # gets how many more lines are done, and the number of the last one


class Imported(NamedTuple):
    """How many records were imported, and how many lines rejected."""

    imported: int
    rejected: int


async def record(
    settings: Settings, file: Path, service: str, from_line: int = 1, rejected: Path | None = None
) -> Imported:
    """Imports the orders of a file, from a line on, in batches that are committed one by one.

    Checks the whole file first. If a line is invalid, imports nothing; with `rejected`, appends the invalid lines to
    that file instead. Raises ClickException, which says where to go on.
    """
    with _rereadable(file) as lines:
        total = 0
        problems: list[str] = []
        now = datetime.now(UTC)
        for number, line in _lines(lines, from_line):
            total += 1
            if rejected is None:
                problems += _check(number, line, now)[1]
        if problems:
            raise _stopped(None, problems)
        lines.seek(0)
        async with database.connected(settings.database):
            account = await sign_in(service, Role.SERVICE, service)
            count = await _record(settings, account, _lines(lines, from_line), total, rejected)
    return Imported(total - count, count)


async def _record(
    settings: Settings, account: Account, lines: Iterator[tuple[int, bytes]], total: int, rejected: Path | None
) -> int:
    """Returns how many lines were rejected."""
    files = file_urls(settings)
    go_on_with: int | None = None
    count = 0
    try:
        with _progress(total) as report:
            while batch := list(itertools.islice(lines, BATCH)):
                now = datetime.now(UTC)
                checked = [(number, *_check(number, line, now)) for number, line in batch]
                invalid = {number: problems for number, _, problems in checked if problems}
                if not invalid or rejected is not None:
                    context = Context(account, now, now, files, Hub(), settings.limits)
                    records = [record for number, record, _ in checked if record is not None and number not in invalid]
                    stored = await store_records(
                        context, records, BATCH_SECONDS, skip_invalid=rejected is not None, shielded=False
                    )
                    for error in stored.errors:
                        invalid.setdefault(_line_of(error), []).append(_describe(error))
                if invalid and rejected is None:
                    raise _stopped(go_on_with, [problem for problems in invalid.values() for problem in problems])
                if invalid and rejected is not None:
                    _reject(rejected, [line for number, line in batch if number in invalid])
                    for number in sorted(invalid):
                        click.echo("\n".join(invalid[number]), err=True)
                    count += len(invalid)
                go_on_with = batch[-1][0] + 1
                report(len(batch), batch[-1][0])
    except click.ClickException:
        raise
    except BaseException:  # Ctrl-C, or the database is away
        click.echo(_where(go_on_with), err=True)
        raise
    return count


def _reject(rejected: Path, lines: Iterable[bytes]) -> None:
    """Appends the lines to the file, unchanged."""
    with rejected.open("ab") as file:
        file.writelines(line if line.endswith(b"\n") else line + b"\n" for line in lines)


@contextlib.contextmanager
def _rereadable(file: Path) -> Generator[IO[bytes]]:
    """Yields the file, or a copy of a pipe, so that it can be read twice."""
    with file.open("rb") as lines:
        if lines.seekable():
            yield lines
            return
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(lines, copy)
            copy.seek(0)
            yield copy


def _lines(lines: Iterable[bytes], from_line: int) -> Iterator[tuple[int, bytes]]:
    """Yields the lines that are not blank, with their numbers in the file."""
    for number, line in enumerate(lines, 1):
        line = line.removeprefix(codecs.BOM_UTF8)
        if number >= from_line and line.strip():
            yield number, line


def _check(number: int, line: bytes, now: datetime) -> tuple[CheckedRecord | None, list[str]]:
    """Returns the record in the line, or what is wrong with it."""
    try:
        parsed = _parse(line)
    except ValueError as error:
        return None, [f"line {number}: {error}"]
    checks = Checks(parsed, f"{number}.")
    return check_record(checks, parsed, now), [*map(_describe, checks.errors)]


def _line_of(error: UserError) -> int:
    return int((error.field or [""])[0])


def _describe(error: UserError) -> str:
    line, *field = error.field or []
    return f"line {line}: {'.'.join(field)}: {error.message}"


def _where(go_on_with: int | None) -> str:
    """Returns a sentence that says what was imported and how to go on."""
    if go_on_with is None:
        return "Nothing was imported."
    return f"The lines before line {go_on_with} were imported, the rest was not. Go on with --from-line {go_on_with}."


def _stopped(go_on_with: int | None, problems: list[str]) -> click.ClickException:
    more = [f"… and {len(problems) - MAX_PROBLEMS} more"] if len(problems) > MAX_PROBLEMS else []
    return click.ClickException("\n".join([_where(go_on_with), *problems[:MAX_PROBLEMS], *more]))


@contextlib.contextmanager
def _progress(total: int) -> Generator[Progress]:
    """Shows a progress bar on a terminal. Elsewhere, prints a line now and then."""
    if sys.stderr.isatty():
        with click.progressbar(length=total, label="Importing", file=sys.stderr) as bar:
            yield lambda count, _last: bar.update(count)
        return
    done_count, reported = 0, 0

    def report(count: int, last: int) -> None:
        nonlocal done_count, reported
        done_count += count
        if done_count - reported >= total / MAX_PROGRESS_LINES or done_count == total:
            reported = done_count
            click.echo(f"{done_count:,} of {total:,} records, up to line {last}", err=True)

    yield report


def _parse(line: bytes) -> OrderRecord:
    """Raises ValueError, which names the field."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise ValueError("this is not JSON") from None
    problems: list[str] = []

    def note(error: GraphQLError, path: Sequence[str | int]) -> None:
        message = _FOUND.sub(".", error.message)
        problems.append(f"{'.'.join(map(str, path)) or 'the record'}: {message}")

    input_type: Any = GraphQLNonNull(SCHEMA._schema.type_map["OrderRecordInput"])  # type: ignore[type-var]
    validate_input_value(value, input_type, note)
    if problems:
        raise ValueError("; ".join(problems))
    coerced = coerce_input_value(value, input_type)
    registry = SCHEMA.schema_converter.scalar_registry
    return convert_argument(coerced, OrderRecord, registry, SCHEMA.config)  # type: ignore[return-value]
