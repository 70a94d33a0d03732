"""Writes the measurements as Markdown: medians, ranges, ratios, and whether the targets are reached."""

import os
import platform
import re
import statistics
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.contenders import HANDWRITTEN, IDIOMATIC, LOADERS, ONE_SQL, PEERS, RECOURSE, Contender
from bench.load import Round
from bench.statements import Count
from bench.workload import Operation
from tests.support.node import Command

RESULTS = Path(__file__).parent / "results.md"


@dataclass
class Measurement:
    """All rounds of one contender and one operation."""

    rounds: list[Round] = field(default_factory=list[Round])
    count: Count | None = None

    def median(self, what: str) -> float:
        return statistics.median(getattr(each, what) for each in self.rounds)

    def spread(self, what: str) -> float:
        """Returns the range from the smallest to the largest value, as a share of the median."""
        values = [getattr(each, what) for each in self.rounds]
        return (max(values) - min(values)) / statistics.median(values)

    def best(self, what: str) -> float:
        """Returns the mean of the best quarter of the rounds."""
        values = sorted((getattr(each, what) for each in self.rounds), reverse=what == "per_second")
        return statistics.mean(values[: max(1, len(values) // 4)])


Measures = dict[tuple[str, str], Measurement]  # by operation and contender


@dataclass(frozen=True)
class Target:
    operation: str
    against: Contender
    what: str  # "cpu" or "per_second"
    bound: float
    stretch: float | None = None


_READS = ("AllOrders", "OrderDetail", "FeedbackManagement", "DisputeMessages", "CanLeaveFeedback")
_BOTH = ("AllOrders", "OrderDetail")
TARGETS = (
    Target("AllOrders", LOADERS, "cpu", 1.0),
    Target("AllOrders", LOADERS, "per_second", 1.0),
    Target("OrderDetail", LOADERS, "cpu", 0.8),
    Target("OrderDetail", LOADERS, "per_second", 1.2),
    *(Target(operation, ONE_SQL, "cpu", 1.4, 1.0) for operation in _BOTH),
    *(Target(operation, HANDWRITTEN, "cpu", 1.7) for operation in _BOTH),
    Target("LeaveFeedback", HANDWRITTEN, "cpu", 2.0),
    *(Target(operation, IDIOMATIC, "cpu", 0.1) for operation in _READS),
)


def markdown_table(rows: Iterable[Sequence[str]]) -> list[str]:
    """Returns the lines of a Markdown table, aligned for terminals. The first row is the head."""
    table = [list(row) for row in rows]
    widths = [max(len(row[place]) for row in table) for place in range(len(table[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in table
    ]
    return [lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]]


def table(operations: Sequence[Operation], contenders: Sequence[Contender], measures: Measures) -> list[str]:
    head = [
        "operation",
        "contender",
        "requests/s",
        "±",
        "p50 ms",
        "p99 ms",
        "CPU ms",
        "±",
        "best",
        "core",
        "SQL",
        "CPU, Recourse / other",
        "best rounds",
    ]
    rows = [head]
    for operation in operations:
        ours = measures.get((operation.name, RECOURSE.key))
        for contender in contenders:
            it = measures[operation.name, contender.key]
            count = it.count or Count(0, 0)
            resets = f" (+{count.resets:.0f})" if count.resets >= 0.5 else ""
            rows.append(
                [
                    operation.title,
                    contender.name,
                    f"{it.median('per_second'):.0f}",
                    f"{it.spread('per_second'):.0%}",
                    f"{it.median('p50'):.1f}",
                    f"{it.median('p99'):.1f}",
                    f"{it.median('cpu'):.2f}",
                    f"{it.spread('cpu'):.0%}",
                    f"{it.best('cpu'):.2f}",
                    f"{it.median('busy'):.0%}",
                    f"{count.statements:.1f}{resets}".replace(".0", "") if it.count else "–",
                    f"{ours.median('cpu') / it.median('cpu'):.2f}" if ours else "–",
                    f"{ours.best('cpu') / it.best('cpu'):.2f}" if ours else "–",
                ]
            )
    return markdown_table(rows)


def targets(operations: Sequence[Operation], measures: Measures) -> list[str]:
    titles = {operation.name: operation.title for operation in operations}
    words = {"cpu": "CPU per request", "per_second": "requests per second"}
    rows = [["operation", "Recourse against", "what", "target", "by medians", "by best rounds", "reached"]]
    for target in TARGETS:
        ours = measures.get((target.operation, RECOURSE.key))
        theirs = measures.get((target.operation, target.against.key))
        if ours is None or theirs is None:
            continue
        usual = ours.median(target.what) / theirs.median(target.what)
        ratio = ours.best(target.what) / theirs.best(target.what)
        at_most = target.what == "cpu"
        reached = ratio <= target.bound if at_most else ratio >= target.bound
        dream = f" (ideally {target.stretch})" if target.stretch else ""
        rows.append(
            [
                titles[target.operation],
                target.against.name,
                words[target.what],
                f"at {'most' if at_most else 'least'} {target.bound}{dream}",
                f"{usual:.2f}",
                f"{ratio:.2f}",
                "yes" if reached else "no",
            ]
        )
    return markdown_table(rows)


def versions(node: Command, postgres: str) -> list[str]:
    """Returns the machine and the versions of the software."""
    python = ("strawberry-graphql", "graphql-core", "tortoise-orm", "asyncpg", "starlette", "uvicorn", "orjson")
    packages = ("mercurius", "fastify", "graphql", "postgres", "graphql-yoga", "pg", "autocannon")
    lock = (PEERS / "package-lock.json").read_text()
    locked = {name: re.search(rf'"node_modules/{name}": {{\s*"version": "([^"]+)"', lock) for name in packages}
    node_version = subprocess.run([*node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return [
        f"- {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {_processor()}, {os.cpu_count()} cores",
        f"- Python {platform.python_version()}: {', '.join(f'{name} {version(name)}' for name in python)}",
        f"- Node {node_version}: {', '.join(f'{name} {match[1]}' for name, match in locked.items() if match)}",
        f"- PostgreSQL {postgres}",
    ]


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    match = re.search(r"model name\s*: (.+)", info.read_text()) if info.exists() else None
    return match[1] if match else platform.machine()


def write(section: str, lines: Sequence[str]) -> None:
    """Replaces the section of this name in results.md. A section starts with a `# ` heading."""
    text = RESULTS.read_text() if RESULTS.exists() else ""
    kept = [part for part in re.split(r"(?m)^(?=# )", text) if part.strip() and not part.startswith(f"# {section}\n")]
    new = f"# {section}\n\n" + "\n".join(lines) + "\n\n"
    parts = [new, *kept] if section == COMPARISON else [*kept, new]
    RESULTS.write_text("".join(part.rstrip("\n") + "\n\n" for part in parts).rstrip("\n") + "\n")


COMPARISON, GROWTH = "Recourse and others", "Growth"
