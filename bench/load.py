"""Load, by autocannon in a process of its own, and what it costs the server."""

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.contenders import OTHER_CORE, PEERS, Place, Server, on_core
from bench.workload import Operation

CONNECTIONS = 16
IDLE_SECONDS = 0.02  # in which a process does next to nothing
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Round:
    """What was measured of one contender in one round. Times in milliseconds; `busy` is the share of a core. `cpu` is
    that of one request, counted with those that were still under way when the round ended."""

    requests: int
    per_second: float
    p50: float
    p99: float
    cpu: float
    busy: float


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, of all its threads."""
    exact = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):  # it has ended
            exact += int((thread / "schedstat").read_text().split()[0])
    if exact:
        return exact / 1e9
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _once_idle(pid: int) -> float:
    """The CPU time of a process once it has done what it was asked last."""
    spent, before = cpu_seconds(pid), 0.0
    while spent - before > 0.05 * IDLE_SECONDS:
        before = spent
        time.sleep(IDLE_SECONDS)
        spent = cpu_seconds(pid)
    return spent


def memory_mb(pid: int) -> float:
    """What the process holds in memory, pages that it shares counted in part."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the system does not tell the process's memory")


class Load:
    def __init__(self, process: "subprocess.Popen[str]", folder: Path) -> None:
        self.process, self.folder = process, folder

    def _done(self, job: dict[str, Any]) -> Any:
        """What came of the job; of a longer one where a busy machine has answered nothing so far."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the load generator ended")
        done = json.loads(line)
        return done if done["requests"] or done["failed"] else self._done(job | {"seconds": 2 * job["seconds"]})

    def round(self, server: Server, operation: Operation, seconds: float, connections: int = CONNECTIONS) -> Round:
        """Asks for so long, or what is fresh once each at most. Raises RuntimeError where an answer is an error."""
        prepared = self.folder / f"{server.contender.key}-{operation.name}.json"
        if not prepared.exists():
            prepared.write_text(json.dumps([operation.request(server, each) for each in operation.asked]))
        job: dict[str, Any] = {"url": server.url, "requests": str(prepared), "connections": connections}
        before = cpu_seconds(server.pid)
        done = self._done(job | {"seconds": seconds, "once": operation.fresh})
        busy = cpu_seconds(server.pid) - before
        spent = _once_idle(server.pid) - before
        if done["failed"]:
            raise RuntimeError(f"{server.contender.name}, {operation.name}: {done}")
        return Round(
            requests=done["requests"],
            per_second=done["requests"] / done["seconds"],
            p50=done["p50"],
            p99=done["p99"],
            cpu=spent * 1000 / done["sent"],
            busy=busy / done["seconds"],
        )


@contextlib.contextmanager
def generating(place: Place) -> Generator[Load]:
    with on_core(OTHER_CORE):
        process = subprocess.Popen(
            [*place.node, str(PEERS / "load.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
    try:
        yield Load(process, place.folder)
    finally:
        process.kill()
        process.communicate()
