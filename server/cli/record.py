"""Orders from a file: the same checks and the same code as the mutation recordOrders."""

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
from resolvers.orders.ingest import Checked, store
from resolvers.orders.record import OrderRecord, check
from resolvers.write.checks import Checks
from schema import SCHEMA
from server.file_store import file_urls
from server.settings import Settings

AT_ONCE = 500  # records a transaction; `changes` stands still while one is open
SECONDS = 60  # that such a transaction may take: far more than it needs
MOST_NAMED = 20  # bad lines; a file of another format would otherwise fill the screen
MOST_LINES = 20  # of progress, where there is no terminal

_FOUND = re.compile(r"[,;] found: .*", re.DOTALL)  # what graphql-core repeats of the input; it may hold names

Recording = Callable[[int, int], None]  # is told how many more records are done, and the number of the last line


class Recorded(NamedTuple):
    """How many records were taken in, and how many left out."""

    taken: int
    rejected: int


async def record(
    settings: Settings, file: Path, service: str, from_line: int = 1, rejected: Path | None = None
) -> Recorded:
    """Records the orders of a file, from a line on, in batches that are committed one by one.

    The whole file is checked first: nothing is recorded where a line is bad. With `rejected` the bad lines are written
    to the end of that file instead. Raises ClickException, which says where to go on.
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
    return Recorded(total - count, count)


async def _record(
    settings: Settings, account: Account, lines: Iterator[tuple[int, bytes]], total: int, rejected: Path | None
) -> int:
    """Returns how many lines were rejected."""
    files = file_urls(settings)
    go_on_with: int | None = None
    count = 0
    try:
        with _progress(total) as recorded:
            while batch := list(itertools.islice(lines, AT_ONCE)):
                now = datetime.now(UTC)
                checked = [(number, *_check(number, line, now)) for number, line in batch]
                bad = {number: problems for number, _, problems in checked if problems}
                if not bad or rejected is not None:
                    context = Context(account, now, now, files, Hub(), settings.limits)
                    records = [record for number, record, _ in checked if record is not None and number not in bad]
                    stored = await store(context, records, SECONDS, skip_invalid=rejected is not None, shielded=False)
                    for error in stored.errors:
                        bad.setdefault(_line_of(error), []).append(_said(error))
                if bad and rejected is None:
                    raise _stopped(go_on_with, [problem for problems in bad.values() for problem in problems])
                if bad and rejected is not None:
                    _reject(rejected, [line for number, line in batch if number in bad])
                    for number in sorted(bad):
                        click.echo("\n".join(bad[number]), err=True)
                    count += len(bad)
                go_on_with = batch[-1][0] + 1
                recorded(len(batch), batch[-1][0])
    except click.ClickException:
        raise
    except BaseException:  # told to stop, or without the database
        click.echo(_where(go_on_with), err=True)
        raise
    return count


def _reject(rejected: Path, lines: Iterable[bytes]) -> None:
    """Adds the lines to the file as they stand."""
    with rejected.open("ab") as file:
        file.writelines(line if line.endswith(b"\n") else line + b"\n" for line in lines)


@contextlib.contextmanager
def _rereadable(file: Path) -> Generator[IO[bytes]]:
    """The file's content, which can be read twice also where it comes through a pipe."""
    with file.open("rb") as lines:
        if lines.seekable():
            yield lines
            return
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(lines, copy)
            copy.seek(0)
            yield copy


def _lines(lines: Iterable[bytes], from_line: int) -> Iterator[tuple[int, bytes]]:
    """The lines that hold something, with their numbers in the file."""
    for number, line in enumerate(lines, 1):
        line = line.removeprefix(codecs.BOM_UTF8)
        if number >= from_line and line.strip():
            yield number, line


def _check(number: int, line: bytes, now: datetime) -> tuple[Checked | None, list[str]]:
    """What stands in that line, or what is wrong with it."""
    try:
        parsed = _parse(line)
    except ValueError as error:
        return None, [f"line {number}: {error}"]
    checks = Checks(parsed, f"{number}.")
    return check(checks, parsed, now), [*map(_said, checks.errors)]


def _line_of(error: UserError) -> int:
    return int((error.field or [""])[0])


def _said(error: UserError) -> str:
    line, *field = error.field or []
    return f"line {line}: {'.'.join(field)}: {error.message}"


def _where(go_on_with: int | None) -> str:
    """What was recorded, and how to go on."""
    if go_on_with is None:
        return "Nothing was recorded."
    return f"The lines before line {go_on_with} were recorded, the rest was not. Go on with --from-line {go_on_with}."


def _stopped(go_on_with: int | None, problems: list[str]) -> click.ClickException:
    more = [f"… and {len(problems) - MOST_NAMED} more"] if len(problems) > MOST_NAMED else []
    return click.ClickException("\n".join([_where(go_on_with), *problems[:MOST_NAMED], *more]))


@contextlib.contextmanager
def _progress(total: int) -> Generator[Recording]:
    """Shows a bar on a terminal, and elsewhere prints a line now and then."""
    if sys.stderr.isatty():
        with click.progressbar(length=total, label="Recording", file=sys.stderr) as bar:
            yield lambda count, _last: bar.update(count)
        return
    done, told = 0, 0

    def tell(count: int, last: int) -> None:
        nonlocal done, told
        done += count
        if done - told >= total / MOST_LINES or done == total:
            told = done
            click.echo(f"{done:,} of {total:,} records, up to line {last}", err=True)

    yield tell


def _parse(line: bytes) -> OrderRecord:
    """Raises ValueError, which names the field."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise ValueError("this is no JSON") from None
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
