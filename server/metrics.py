"""`GET /metrics`: what Prometheus reads, of all processes that share the port."""

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

SAMPLE_SECONDS = 5.0  # between two looks at what is not counted as it happens
SHARED = "PROMETHEUS_MULTIPROC_DIR"  # the library's own variable, read when a process first counts


@contextlib.contextmanager
def shared() -> Generator[None]:
    """For processes that are started within: they count into one folder, so that any of them can tell of all."""
    with tempfile.TemporaryDirectory(prefix="recourse-metrics-") as folder:
        os.environ[SHARED] = folder
        try:
            yield
        finally:
            del os.environ[SHARED]


def _forget_the_dead(folder: str) -> None:
    for file in Path(folder).glob("gauge_live*_*.db"):
        process = int(file.stem.rpartition("_")[2])
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            with contextlib.suppress(FileNotFoundError):  # somebody else forgets it, too
                mark_process_dead(process, folder)
        except PermissionError:
            continue  # somebody else's, who has got the number


def sample(hub: Hub) -> None:
    """Looks at what is not counted as it happens."""
    telemetry.subscribers.set(hub.watching)
    for pool, size, idle in database.pools():
        telemetry.connections.labels(pool, "busy").set(size - idle)
        telemetry.connections.labels(pool, "idle").set(idle)


async def page(request: Request) -> Response:
    sample(request.app.state.hub)
    registry = REGISTRY
    if folder := os.environ.get(SHARED):
        _forget_the_dead(folder)
        registry = CollectorRegistry()
        MultiProcessCollector(registry, folder)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
