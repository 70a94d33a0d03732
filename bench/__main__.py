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


def _tell(what: str) -> None:
    """Progress, on one line of a terminal and otherwise on one each."""
    if sys.stderr.isatty():
        click.echo(f"\r\033[K{what}", err=True, nl=False)
    elif what:
        click.echo(what, err=True)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--seconds",
    type=click.FloatRange(0.2),
    help=f"How long a round is: {SECONDS} unless given; with --growth, {growth.SECONDS}.",
)
@click.option(
    "--rounds",
    type=click.IntRange(1),
    help=f"Of each contender and operation: {ROUNDS} unless given; with --growth, {growth.ROUNDS}.",
)
@click.option(
    "--warm-up", type=click.FloatRange(0.2), default=1.5, show_default=True, help="Seconds of the round before."
)
@click.option(
    "--orders", type=click.IntRange(1000), help=f"{data.ORDERS} unless given; with --growth, the greater number."
)
@click.option(
    "--only", "keys", multiple=True, type=click.Choice([each.key for each in CONTENDERS]), help="A contender."
)
@click.option(
    "--operation", "operations", multiple=True, type=click.Choice([each.stem for each in DOCUMENTS.iterdir()])
)
@click.option("--growth", "grows", is_flag=True, help="Measure Recourse alone, as its tables grow.")
def main(
    seconds: float | None,
    rounds: int | None,
    warm_up: float,
    orders: int | None,
    keys: Sequence[str],
    operations: Sequence[str],
    grows: bool,
) -> None:
    """Measure Recourse against others on the same tables, and write bench/results.md."""
    try:
        command = node.prepared()
        if grows:
            growth.grow(orders or growth.ORDERS, seconds or growth.SECONDS, rounds or growth.ROUNDS, command, _tell)
            return
        chosen = [each for each in CONTENDERS if not keys or each.key in keys]
        shape = data.Shape(orders=orders or data.ORDERS)
        compare(Plan(seconds or SECONDS, rounds or ROUNDS, warm_up, shape, chosen, operations), command, _tell)
    except (NoRegistry, RuntimeError) as error:
        _tell("")
        raise click.ClickException(str(error)) from None


main(prog_name="./recourse bench")
