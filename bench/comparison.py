"""Compares Recourse with others: the same operations, answers and tables, in short rounds that take turns."""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import data, equality, report, statements, workload
from bench.contenders import (
    CONTENDERS,
    CORES,
    OTHER_CORE,
    RECOURSE,
    Contender,
    Environment,
    Server,
    on_core,
    start,
    start_contenders,
)
from bench.issuer import run_issuer
from bench.load import CONNECTIONS, memory_mb, run_load_generator
from bench.report import Measurement, Measures
from bench.workload import Operation, restore_feedback
from tests.support import postgres
from tests.support.node import Command
from tests.support.processes import address

DEFAULT = data.Shape()
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What to measure, and for how long."""

    seconds: float
    rounds: int
    warm_up: float
    shape: data.Shape = DEFAULT
    contenders: Sequence[Contender] = CONTENDERS
    operations: Sequence[str] = ()  # empty: all
    sample: int = 40  # how many answers of each operation are compared


def compare(plan: Plan, node: Command, tell: Progress) -> None:
    """Measures, prints and writes the results. Raises RuntimeError if answers differ or a request fails."""
    begun = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="recourse-bench-") as folder,
        on_core(OTHER_CORE),
        postgres.running() as url,
    ):
        asyncio.run(data.fill(url, plan.shape, lambda what: tell(f"making the data: {what}")))
        with run_issuer() as issuer, run_load_generator(place := Environment(url, issuer, node, Path(folder))) as load:
            tell("starting")
            start_times = _measure_start(place)
            with start_contenders(plan.contenders, place) as servers:
                operations = [
                    operation
                    for operation in asyncio.run(workload.operations(url, issuer))
                    if not plan.operations or operation.name in plan.operations
                ]
                asyncio.run(restore_feedback(url))
                for operation in operations:
                    tell(f"comparing answers: {operation.title}")
                    equality.check(operation, servers, url, plan.sample if not operation.fresh else 5)
                measures: Measures = {}
                for operation in operations:
                    _measure(plan, operation, servers, load.round, url, measures, tell)
                _count(operations, servers, url, measures, tell)
                memory = {server.contender.name: memory_mb(server.pid) for server in servers}
        version = asyncio.run(data.version(url))
    lines = _lines(plan, operations, measures, memory, start_times)
    report.write(report.COMPARISON, [*report.versions(node, version), *lines])
    tell("")
    sys.stdout.write(
        "\n".join(lines)
        + f"\n\nMeasured in {time.monotonic() - begun:.0f} s. The results are in {report.RESULTS.name}.\n"
    )


def _measure(
    plan: Plan,
    operation: Operation,
    servers: Sequence[Server],
    run: Callable[..., report.Round],
    url: str,
    measures: Measures,
    tell: Progress,
) -> None:
    for number in range(plan.rounds + 1):  # the first round warms up
        # The order changes, so no contender always runs first or always after the same one.
        ordered = [servers[(index + number) % len(servers)] for index in range(len(servers))][
            :: -1 if number % 2 else 1
        ]
        for server in ordered:
            tell(f"{operation.title}, round {number} of {plan.rounds}: {server.contender.name}")
            done = run(server, operation, plan.seconds if number else plan.warm_up)
            if operation.fresh:
                asyncio.run(restore_feedback(url))
            if number:
                measures.setdefault((operation.name, server.contender.key), Measurement()).rounds.append(done)


def _count(
    operations: Sequence[Operation], servers: Sequence[Server], url: str, measures: Measures, tell: Progress
) -> None:
    with statements.log_statements(url):
        for operation in operations:
            for server in servers:
                tell(f"counting statements: {operation.title}, {server.contender.name}")
                measures[operation.name, server.contender.key].count = statements.count(url, server, operation)
                if operation.fresh:
                    asyncio.run(restore_feedback(url))


def _measure_start(place: Environment) -> str:
    """Returns a sentence: how long `./recourse serve` takes to be ready, and the memory of each of two workers."""
    seconds: list[float] = []
    for _ in range(5):
        with start_contenders([RECOURSE], place) as [server]:
            seconds.append(server.seconds_to_start)
    process = start(RECOURSE, place, "--workers", "2")
    try:
        address(process)
        time.sleep(2 * max(seconds) + 1)  # workers start after their parent prints the address
        workers = [memory_mb(child) for child in _workers(process.pid)]
    finally:
        process.terminate()
        process.communicate()
    return (
        f"`./recourse serve` is ready after {min(seconds):.1f} to {max(seconds):.1f} s. With --workers 2, a worker uses"
        f" {statistics.mean(workers):.0f} MB before its first request."
    )


def _workers(parent: int) -> list[int]:
    pids: list[int] = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line, command = (entry / "stat").read_text(), (entry / "cmdline").read_bytes()
        except OSError:
            continue  # the process has ended
        if int(line.rpartition(")")[2].split()[1]) == parent and b"spawn_main" in command:
            pids.append(int(entry.name))
    return pids


def _lines(
    plan: Plan, operations: Sequence[Operation], measures: Measures, memory: dict[str, float], start_times: str
) -> list[str]:
    memory_text = ", ".join(f"{name} {megabytes:.0f} MB" for name, megabytes in memory.items())
    shape = plan.shape
    cores = "on its own core" if len(CORES) > 1 else "on the only core"
    return [
        "",
        f"{shape.orders:,} orders of {shape.buyers} buyers; {CONNECTIONS} connections. The figures are medians of",
        f"{plan.rounds} rounds of {plan.seconds:g} s, in which the contenders take turns. ± is the range from the",
        f"smallest to the largest value. Every server is one process {cores}, with ten connections to PostgreSQL.",
        "PostgreSQL and the load generator share the other core. If `core` is well below 100 %, they or other users of",
        "the machine were the limit: then compare the CPU time. Others can double a request's cost for seconds. So",
        "`best` is the mean of the quarter of rounds with the lowest cost, and the targets compare the best rounds.",
        "SQL counts the statements of a request, with BEGIN and COMMIT; resets by the connection pool are in brackets.",
        "Every document is sent as its full text. The answers were compared before, as JSON.",
        "",
        *report.table(operations, plan.contenders, measures),
        "",
        *report.targets(operations, measures),
        "",
        f"Memory after the rounds: {memory_text}.",
        start_times,
    ]
