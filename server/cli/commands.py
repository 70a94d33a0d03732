"""The command line: `./recourse COMMAND`."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import click
import uvicorn
from tortoise.exceptions import BaseORMException

from models import database, migrating
from models.config import APPS, tortoise_config
from models.enums import Role
from resolvers.rules import markdown
from schema import SCHEMA
from server import file_store, logs, metrics, origins, rate_limits
from server.app import uvicorn_options
from server.auth.tokens import DEVELOPMENT_LIFETIME, LEEWAY_SECONDS, MAX_SUBJECT_LENGTH, development_token
from server.cli import demo as demonstration
from server.cli import generate as generated
from server.cli import record as imports
from server.graphql import persisted
from server.settings import HOME, Mode, Settings
from server.stopping import Workers

T = TypeVar("T")
MAX_LIFETIME_SECONDS = 100 * 365 * 24 * 3600  # of a development token
SHUTDOWN_TIMEOUT_SECONDS = 8  # for running requests to finish when the process stops; transactions have a moment more


def _settings(mode: Mode = Mode.DEVELOPMENT) -> Settings:
    """Returns the settings, with `mode` where none is set. Exits with a message where one is missing or not valid."""
    os.environ.setdefault("RECOURSE_MODE", mode.value)
    try:
        settings = Settings()
        tortoise_config(settings.database, settings.replica_url)
        rate_limits.RateLimiter(settings)
        origins.Origins(settings)
        file_store.open_store(settings)
        persisted.open_documents(settings)
    except ValueError as error:
        raise click.ClickException(f"The settings are not valid: {error}") from None
    if missing := settings.missing():
        raise click.ClickException(f"Production mode needs {', '.join(missing)} to be set.")
    return settings


def _run(work: Coroutine[Any, Any, T], what: str = "The database") -> T:
    """Runs `work`, which needs the database or `what`. Exits with a message where that cannot be used."""
    try:
        return asyncio.run(work)
    except (OSError, sqlite3.Error, asyncpg.PostgresError, BaseORMException) as error:
        message = str(error).partition("\nDETAIL:")[0]  # the detail quotes rows
        raise click.ClickException(f"{what} cannot be used: {message}") from None


def _subject(_context: click.Context, _parameter: click.Parameter, value: str | Sequence[str]) -> Any:
    for subject in [value] if isinstance(value, str) else value:
        if not 0 < len(subject) <= MAX_SUBJECT_LENGTH:
            raise click.BadParameter(f"a subject must have 1 to {MAX_SUBJECT_LENGTH} characters")
    return value


async def _migrate(settings: Settings, *, repeats: bool = False) -> None:
    def report(line: str) -> None:
        click.echo(line, err=True)

    async with database.connected(settings.database) as connection:
        await migrating.migrate(APPS, connection, report)
        if repeats:
            await migrating.repeat(APPS, connection, report)


def _serve(settings: Settings, host: str, port: int, workers: int, announce: Callable[[int], str]) -> None:
    """Serves until the process stops. Prints what `announce` returns for the port once it accepts connections."""
    os.environ["RECOURSE_DATABASE_URL"] = settings.database
    config = uvicorn.Config(
        "server.app:create",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        access_log=False,
        log_config=logs.configuration(settings),
        timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_SECONDS,
        **uvicorn_options(settings),
    )
    socket = config.bind_socket()
    socket.listen(2048)
    click.echo(announce(socket.getsockname()[1]))
    if workers > 1:
        with metrics.shared():
            Workers(config, [socket]).run()
    else:
        uvicorn.Server(config).run(sockets=[socket])


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Recourse, the after-sales service of a marketplace."""


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes that share the port.")
def serve(host: str, port: int, workers: int) -> None:
    """Serve the API, in production mode unless RECOURSE_MODE is set.

    In development mode, migrates the database first.
    """
    settings = _settings(Mode.PRODUCTION)
    if settings.mode is Mode.DEVELOPMENT:
        _run(_migrate(settings))
    _run(file_store.prepare_store(settings), "The store of files")
    _serve(
        settings,
        host,
        port,
        workers,
        lambda port: f"Recourse is served at http://{host}:{port}/graphql in {settings.mode} mode.",
    )


@main.command()
@click.option(
    "--repeat",
    "repeats",
    is_flag=True,
    help="Also fill the rows that servers of the release before have written since. Stop these servers first.",
)
def migrate(repeats: bool) -> None:
    """Migrate the database. It is safe to start several at once."""
    _run(_migrate(_settings(), repeats=repeats))
    click.echo("The database is up to date.", err=True)


@main.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
def demo(port: int) -> None:
    """Serve a new demonstration database, and print tokens and a query to try."""
    settings = demonstration.settings(_settings())
    _run(demonstration.fill_database(settings))
    _serve(settings, "127.0.0.1", port, 1, demonstration.introduction)


@main.command()
@click.argument("subjects", nargs=-1, required=True, callback=_subject)
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--name", help="The display name; by default, the subject.")
@click.option(
    "--expires-in",
    type=click.IntRange(-MAX_LIFETIME_SECONDS, MAX_LIFETIME_SECONDS),
    default=int(DEVELOPMENT_LIFETIME.total_seconds()),
    show_default=True,
    metavar="SECONDS",
    help=f"How long the token is valid. Below -{LEEWAY_SECONDS}, it has expired.",
)
def token(subjects: Sequence[str], role: str, name: str | None, expires_in: int) -> None:
    """Print development tokens, one on each line."""
    if _settings().mode is Mode.PRODUCTION:
        raise click.ClickException("There are no development tokens in production mode.")
    for subject in subjects:
        click.echo(development_token(subject, Role(role), name, timedelta(seconds=expires_in)))


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--as",
    "service",
    default="order-system",
    show_default=True,
    callback=_subject,
    help="The service account's subject.",
)
@click.option(
    "--from-line", type=click.IntRange(1), default=1, show_default=True, help="Start with this line of the file."
)
@click.option(
    "--skip-invalid",
    is_flag=True,
    help="Import the valid lines, write the others to FILE.rejected.jsonl, and exit with status 3.",
)
def record(file: Path, service: str, from_line: int, skip_invalid: bool) -> None:
    """Import orders from FILE, which has one OrderRecordInput as JSON on each line.

    If a line is invalid, nothing is imported, unless such lines are skipped. The orders are imported 500 at a time. If
    the import stops, it prints the line to resume from. Importing an order twice does no harm.
    """
    settings = _settings()
    if settings.mode is Mode.DEVELOPMENT:
        _run(_migrate(settings))
    folder = file.parent if file.is_file() else Path()  # a pipe has no folder
    rejected = folder / f"{file.name}.rejected.jsonl"
    if skip_invalid and from_line == 1:
        rejected.unlink(missing_ok=True)  # from an earlier run
    imported, rejected_count = _run(
        imports.record(settings, file, service, from_line, rejected if skip_invalid else None)
    )
    click.echo(f"{imported} records imported.")
    if rejected_count:
        click.echo(f"{rejected_count} lines were rejected and written to {rejected}.", err=True)
        sys.exit(3)


@main.command()
def generate() -> None:
    """Write schema.graphql, docs/policy.md, and the tables of README.md and docs/operating.md."""
    for name in generated.generate(HOME):
        click.echo(f"{name} was written.", err=True)


@main.command()
def schema() -> None:
    """Print the API's schema as SDL."""
    click.echo(SCHEMA.as_str())


@main.command()
def rules() -> None:
    """Print the policy as Markdown."""
    click.echo(markdown(), nl=False)


_PASS_ON: dict[str, Any] = {"ignore_unknown_options": True, "help_option_names": []}


@main.command(context_settings={"ignore_unknown_options": True})
@click.option("--quick", is_flag=True, help="Run on SQLite only, without the tests marked slow.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[PYTEST ARGS]...")
def test(quick: bool, arguments: Sequence[str]) -> None:
    """Run the tests: those that use a database on SQLite and on PostgreSQL, the others once.

    Other options and arguments go to pytest: ./recourse test tests/api/test_feedback.py -k revised

    --quick leaves out PostgreSQL and the tests marked slow: state machines, fuzzing, graphql-core's own tests, load and
    fault runs, the command line, migrations of large databases, and clients in Node.

    Several workers share the work. With -n 0, as for a debugger, the tests run in one process on the database that
    RECOURSE_TEST_DIALECT names: sqlite, unless it says postgres.
    """
    run = [sys.executable, "-m", "pytest", "-n", "auto", *(["-m", "not slow"] if quick else []), *arguments]
    environment = os.environ | ({"RECOURSE_TEST_DIALECT": "sqlite"} if quick else {})
    sys.exit(subprocess.run(run, env=environment, cwd=HOME, check=False).returncode)  # noqa: S603


@main.command(context_settings=_PASS_ON)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def bench(arguments: Sequence[str]) -> None:
    """Measure Recourse against other implementations on the same tables. ARGS go to the benchmark; try -h."""
    run = [sys.executable, "-m", "bench", *arguments]
    sys.exit(subprocess.run(run, cwd=HOME, check=False).returncode)  # noqa: S603


@main.command()
def check() -> None:
    """Check style, types, imports, and that generated files are current."""
    bin = Path(sys.executable).parent
    steps: list[list[str]] = [
        [str(bin / "ruff"), "check", "."],
        [str(bin / "ruff"), "format", "--check", "."],
        [str(bin / "lint-imports"), "--no-cache"],
        [str(bin / "pyright")],
        [sys.executable, "-m", "pytest", "tests/test_current.py"],
    ]
    failed = 0
    for step in steps:
        click.echo(f"— {Path(step[0]).name} {' '.join(step[1:])}")
        failed |= subprocess.run(step, cwd=HOME, check=False).returncode  # noqa: S603
    sys.exit(1 if failed else 0)
