"""What is counted, under the names by which Prometheus knows it."""

from functools import lru_cache

from prometheus_client import Counter, Gauge, Histogram

from models import failures
from models.enums import Action, Reason
from models.failures import Failure
from resolvers.telemetry import Request

MAX_OPERATIONS, MAX_CLIENTS = 200, 50  # told apart, beyond which they are counted together: names come from outside
MAX_LABEL_LENGTH = 64  # characters
OTHER = "other"

requests = Counter(
    "recourse_requests", "Answered requests; code is that of the first error.", ["operation", "client", "code"]
)
seconds = Histogram(
    "recourse_request_seconds",
    "From a request's arrival to its answer.",
    ["operation"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
refusals = Counter("recourse_refusals", "Actions that were refused.", ["action", "reason"])
subscribers = Gauge("recourse_subscribers", "Who watches an order or a case.", multiprocess_mode="livesum")
connections = Gauge(
    "recourse_pool_connections", "Connections to the database.", ["pool", "state"], multiprocess_mode="livesum"
)
retries = Counter("recourse_retries", "What was asked of the database once more.", ["what", "why"])

_operations: set[str] = set()
_clients: set[str] = set()


def answered(request: Request, took: float | None) -> None:
    """`took` is in seconds, where that says something."""
    operation = _told_apart(_operations, request.operation, MAX_OPERATIONS)
    # Only who asks for something that there is can make a client known.
    client = _told_apart(_clients, request.client, MAX_CLIENTS if request.operation else 0)
    _counter(operation, client, request.code).inc()
    if took is not None:
        _histogram(operation).observe(took)


def _told_apart(known: set[str], name: str, most: int) -> str:
    if name and name not in known:
        if len(known) >= most or len(name) > MAX_LABEL_LENGTH:
            return OTHER
        known.add(name)
    return name


@lru_cache(1000)
def _counter(operation: str, client: str, code: str) -> Counter:
    return requests.labels(operation, client, code)


@lru_cache(1000)
def _histogram(operation: str) -> Histogram:
    return seconds.labels(operation)


def tried_again(what: str, why: Failure) -> None:
    retries.labels(what, why.value).inc()


failures.on_retry.append(tried_again)


def refused(action: Action, reason: Reason) -> None:
    refusals.labels(action.value, reason.value).inc()
