"""Recourse against others: the same operations, answers and tables, in short rounds that take turns."""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import data, equality, report, statements, workload
from bench.contenders import CONTENDERS, CORES, OTHER_CORE, RECOURSE, Contender, Place, Server, on_core, running, start
from bench.issuer import issuing
from bench.load import CONNECTIONS, generating, memory_mb
from bench.report import Measured, Measures
from bench.workload import Operation, put_back
from tests.support import postgres
from tests.support.node import Command
from tests.support.processes import address

DEFAULT = data.Shape()
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """How long to measure, and what of it."""

    seconds: float
    rounds: int
    warm_up: float
    shape: data.Shape = DEFAULT
    contenders: Sequence[Contender] = CONTENDERS
    operations: Sequence[str] = ()  # all of them
    sample: int = 40  # answers of each operation that are compared


def compare(plan: Plan, node: Command, tell: Tell) -> None:
    """Measures, prints and writes down. Raises RuntimeError where answers differ or a request fails."""
    begun = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="recourse-bench-") as folder,
        on_core(OTHER_CORE),
        postgres.running() as url,
    ):
        asyncio.run(data.fill(url, plan.shape, lambda what: tell(f"making the data: {what}")))
        with issuing() as issuer, generating(place := Place(url, issuer, node, Path(folder))) as load:
            tell("starting")
            begins = _starts(place)
            with running(plan.contenders, place) as servers:
                operations = [
                    each
                    for each in asyncio.run(workload.operations(url, issuer))
                    if not plan.operations or each.name in plan.operations
                ]
                asyncio.run(put_back(url))
                for operation in operations:
                    tell(f"comparing answers: {operation.title}")
                    equality.check(operation, servers, url, plan.sample if not operation.fresh else 5)
                measures: Measures = {}
                for operation in operations:
                    _measure(plan, operation, servers, load.round, url, measures, tell)
                _count(operations, servers, url, measures, tell)
                memory = {server.contender.name: memory_mb(server.pid) for server in servers}
        version = asyncio.run(data.version(url))
    lines = _lines(plan, operations, measures, memory, begins)
    report.write(report.COMPARISON, [*report.versions(node, version), *lines])
    tell("")
    sys.stdout.write(
        "\n".join(lines) + f"\n\nIt took {time.monotonic() - begun:.0f} s; {report.RESULTS.name} has it.\n"
    )


def _measure(
    plan: Plan,
    operation: Operation,
    servers: Sequence[Server],
    run: Callable[..., report.Round],
    url: str,
    measures: Measures,
    tell: Tell,
) -> None:
    for number in range(plan.rounds + 1):  # the first one warms up
        # Nobody always goes first, or always after the same other.
        turned = [servers[(place + number) % len(servers)] for place in range(len(servers))][:: -1 if number % 2 else 1]
        for server in turned:
            tell(f"{operation.title}, round {number} of {plan.rounds}: {server.contender.name}")
            done = run(server, operation, plan.seconds if number else plan.warm_up)
            if operation.fresh:
                asyncio.run(put_back(url))
            if number:
                measures.setdefault((operation.name, server.contender.key), Measured()).rounds.append(done)


def _count(
    operations: Sequence[Operation], servers: Sequence[Server], url: str, measures: Measures, tell: Tell
) -> None:
    with statements.logged(url):
        for operation in operations:
            for server in servers:
                tell(f"counting statements: {operation.title}, {server.contender.name}")
                measures[operation.name, server.contender.key].count = statements.count(url, server, operation)
                if operation.fresh:
                    asyncio.run(put_back(url))


def _starts(place: Place) -> str:
    """How long `./recourse serve` takes until it is ready, and what each of two workers holds then."""
    seconds: list[float] = []
    for _ in range(5):
        with running([RECOURSE], place) as [server]:
            seconds.append(server.seconds_to_start)
    process = start(RECOURSE, place, "--workers", "2")
    try:
        address(process)
        time.sleep(2 * max(seconds) + 1)  # they begin after their parent has said where
        workers = [memory_mb(child) for child in _workers(process.pid)]
    finally:
        process.terminate()
        process.communicate()
    return (
        f"`./recourse serve` is ready after {min(seconds):.1f} to {max(seconds):.1f} s; with --workers 2 a worker holds"
        f" {statistics.mean(workers):.0f} MB before its first request."
    )


def _workers(parent: int) -> list[int]:
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line, command = (entry / "stat").read_text(), (entry / "cmdline").read_bytes()
        except OSError:
            continue  # it is gone
        if int(line.rpartition(")")[2].split()[1]) == parent and b"spawn_main" in command:
            found.append(int(entry.name))
    return found


def _lines(
    plan: Plan, operations: Sequence[Operation], measures: Measures, memory: dict[str, float], begins: str
) -> list[str]:
    held = ", ".join(f"{name} {megabytes:.0f} MB" for name, megabytes in memory.items())
    shape = plan.shape
    cores = "on a core of its own" if len(CORES) > 1 else "on the only core"
    return [
        "",
        f"{shape.orders:,} orders of {shape.buyers} buyers; {CONNECTIONS} connections; medians of {plan.rounds} rounds",
        f"of {plan.seconds:g} s, in which the contenders take turns; ± is from the least to the greatest.",
        f"Every server is one process {cores}, with ten connections to PostgreSQL, which shares the",
        "other core with the load generator. Where `core` is well below 100 %, these two were the limit, or others who",
        "use the machine: CPU ms is then what compares. They may make a request twice as dear for seconds, so `best`",
        "is the mean of the quarter of rounds that took the least; the targets are held against the best of both.",
        "SQL is statements per request, transactions' BEGIN and COMMIT among them, and a pool's resets beside them.",
        "Every document is sent as its whole text. Answers were compared before, as JSON.",
        "",
        *report.table(operations, plan.contenders, measures),
        "",
        *report.targets(operations, measures),
        "",
        f"Memory after the rounds: {held}.",
        begins,
    ]
