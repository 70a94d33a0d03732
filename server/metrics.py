"""`GET /metrics`: the page that Prometheus reads, for all processes that share the port."""

import contextlib
import os
import tempfile
from collections.abc import Generator
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead  # pyright: ignore[reportUnknownVariableType]
from starlette.requests import Request
from starlette.responses import Response

from models import database
from resolvers import telemetry
from resolvers.feed.hub import Hub
from server.state import state_of

SAMPLE_SECONDS = 5.0  # between two samples of the gauges
SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client's own variable, read when a process first counts


@contextlib.contextmanager
def shared() -> Generator[None]:
    """Makes all processes that are started inside the block count into one folder, so that each can report for all."""
    with tempfile.TemporaryDirectory(prefix="recourse-metrics-") as folder:
        os.environ[SHARED_FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[SHARED_FOLDER]


def _forget_dead_processes(folder: str) -> None:
    """Removes the gauges of processes that have ended."""
    for file in Path(folder).glob("gauge_live*_*.db"):
        process = int(file.stem.rpartition("_")[2])
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            with contextlib.suppress(FileNotFoundError):  # another process may remove it at the same time
                mark_process_dead(process, folder)
        except PermissionError:
            continue  # another user's process has got the number


def sample(hub: Hub) -> None:
    """Sets the gauges: subscribers and connections to the database."""
    telemetry.subscribers.set(hub.subscriber_count)
    for pool, size, idle in database.pools():
        telemetry.connections.labels(pool, "busy").set(size - idle)
        telemetry.connections.labels(pool, "idle").set(idle)


async def page(request: Request) -> Response:
    sample(state_of(request).hub)
    registry = REGISTRY
    if folder := os.environ.get(SHARED_FOLDER):
        _forget_dead_processes(folder)
        registry = CollectorRegistry()
        MultiProcessCollector(registry, folder)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
