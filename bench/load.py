"""Generates load with autocannon, in a process of its own, and measures the CPU time of the server."""

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.contenders import OTHER_CORE, PEERS, Environment, Server, on_core
from bench.workload import Operation

CONNECTIONS = 16
IDLE_SECONDS = 0.02  # a process is idle if it uses almost no CPU for this long
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Round:
    """The measurements of one contender in one round. Times are in milliseconds.

    `cpu` is the CPU time of one request, including requests that were still running when the round ended. `busy` is the
    share of a core that the server used.
    """

    requests: int
    per_second: float
    p50: float
    p99: float
    cpu: float
    busy: float


def cpu_seconds(pid: int) -> float:
    """Returns the user and system time of all threads of a process."""
    exact = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):  # the thread has ended
            exact += int((thread / "schedstat").read_text().split()[0])
    if exact:
        return exact / 1e9
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def cpu_seconds_when_idle(pid: int) -> float:
    """Returns the CPU time of a process after it has become idle."""
    spent, before = cpu_seconds(pid), 0.0
    while spent - before > 0.05 * IDLE_SECONDS:
        before = spent
        time.sleep(IDLE_SECONDS)
        spent = cpu_seconds(pid)
    return spent


def memory_mb(pid: int) -> float:
    """Returns the process's memory; a page shared by n processes counts as 1/n."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the system does not report the memory of a process")


class Load:
    def __init__(self, process: "subprocess.Popen[str]", folder: Path) -> None:
        self.process, self.folder = process, folder

    def submit(self, job: dict[str, Any]) -> Any:
        """Runs a job and returns its result. Doubles its time if a busy machine answered no request."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the load generator ended")
        done = json.loads(line)
        return done if done["requests"] or done["failed"] else self.submit(job | {"seconds": 2 * job["seconds"]})

    def round(self, server: Server, operation: Operation, seconds: float, connections: int = CONNECTIONS) -> Round:
        """Sends requests for `seconds`, of a fresh operation once each. Raises RuntimeError if a request fails."""
        request_file = self.folder / f"{server.contender.key}-{operation.name}.json"
        if not request_file.exists():
            request_file.write_text(
                json.dumps([operation.http_request(server, request) for request in operation.requests])
            )
        job: dict[str, Any] = {"url": server.url, "requests": str(request_file), "connections": connections}
        before = cpu_seconds(server.pid)
        done = self.submit(job | {"seconds": seconds, "once": operation.fresh})
        busy = cpu_seconds(server.pid) - before
        spent = cpu_seconds_when_idle(server.pid) - before
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
def run_load_generator(place: Environment) -> Generator[Load]:
    with on_core(OTHER_CORE):
        process = subprocess.Popen(
            [*place.node, str(PEERS / "load.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
    try:
        yield Load(process, place.folder)
    finally:
        process.kill()
        process.communicate()
