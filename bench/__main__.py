"""The command `./recourse bench`."""

import sys
from collections.abc import Sequence

import click

from bench import data, growth, node
from bench.comparison import Plan, compare
from bench.contenders import CONTENDERS
from bench.workload import DOCUMENTS
from tests.support.node import NoRegistry

SECONDS, ROUNDS = 1.0, 12


def show_progress(text: str) -> None:
    """Shows the progress on standard error: in one line of a terminal, else in a line each."""
    if sys.stderr.isatty():
        click.echo(f"\r\033[K{text}", err=True, nl=False)
    elif text:
        click.echo(text, err=True)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--seconds",
    type=click.FloatRange(0.2),
    help=f"The length of a round. Default: {SECONDS}; with --growth, {growth.SECONDS}.",
)
@click.option(
    "--rounds",
    type=click.IntRange(1),
    help=f"Rounds for each contender and operation. Default: {ROUNDS}; with --growth, {growth.ROUNDS}.",
)
@click.option(
    "--warm-up",
    type=click.FloatRange(0.2),
    default=1.5,
    show_default=True,
    help="The length of the first round, which does not count.",
)
@click.option(
    "--orders",
    type=click.IntRange(1000),
    help=f"The number of orders. Default: {data.ORDERS}; with --growth, the larger number.",
)
@click.option(
    "--only",
    "keys",
    multiple=True,
    type=click.Choice([contender.key for contender in CONTENDERS]),
    help="Measure this contender only.",
)
@click.option(
    "--operation", "operations", multiple=True, type=click.Choice([path.stem for path in DOCUMENTS.iterdir()])
)
@click.option("--growth", "grows", is_flag=True, help="Measure Recourse alone, with small and with large tables.")
def main(
    seconds: float | None,
    rounds: int | None,
    warm_up: float,
    orders: int | None,
    keys: Sequence[str],
    operations: Sequence[str],
    grows: bool,
) -> None:
    """Measure Recourse against other implementations on the same tables, and write bench/results.md."""
    try:
        command = node.prepare_node()
        if grows:
            growth.grow(
                orders or growth.ORDERS, seconds or growth.SECONDS, rounds or growth.ROUNDS, command, show_progress
            )
            return
        chosen = [contender for contender in CONTENDERS if not keys or contender.key in keys]
        shape = data.Shape(orders=orders or data.ORDERS)
        compare(Plan(seconds or SECONDS, rounds or ROUNDS, warm_up, shape, chosen, operations), command, show_progress)
    except (NoRegistry, RuntimeError) as error:
        show_progress("")
        raise click.ClickException(str(error)) from None


main(prog_name="./recourse bench")
