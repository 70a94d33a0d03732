"""What logs and metrics say about a request, and the counters. They hold no request text and no id of a member."""

from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache

from prometheus_client import Counter, Gauge, Histogram

from models.enums import Action, Reason
from models.failures import Failure

# Operation and client names come from outside. Beyond these numbers, further names are counted as OTHER.
MAX_OPERATIONS, MAX_CLIENTS = 200, 50
MAX_LABEL_LENGTH = 64  # characters
OTHER = "other"


@dataclass(slots=True)
class Request:
    """The request under way. `operation` is set once the document is valid, with `cost`, its computed cost. `code` is
    the code of the first error in the answer. `client` is the name that the app gives itself. `wrote` tells whether
    the request has committed anything."""

    id: str = ""
    client: str = ""
    operation: str = ""
    code: str = ""
    wrote: bool = False
    cost: int = 0


# The default stands for work outside any request; nobody sets its fields.
current: ContextVar[Request] = ContextVar("request", default=Request())  # noqa: B039

requests = Counter(
    "recourse_requests",
    "Answered requests, and operations on sockets. `code` is that of the first error, empty without an error.",
    ["operation", "client", "code"],
)
seconds = Histogram(
    "recourse_request_seconds",
    "Seconds from a request's arrival to its response (a histogram).",
    ["operation"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
refusals = Counter(
    "recourse_refusals", "Actions that the policy, or a check of the input, refused.", ["action", "reason"]
)
subscribers = Gauge("recourse_subscribers", "Open subscriptions.", multiprocess_mode="livesum")
connections = Gauge(
    "recourse_pool_connections",
    "Connections to the database and its replica, `busy` or `idle`, sampled every 5 seconds.",
    ["pool", "state"],
    multiprocess_mode="livesum",
)
retries = Counter(
    "recourse_retries",
    "Reads, statements and transactions that were tried again, after a first try that had certainly done nothing.",
    ["what", "why"],
)
executions = Counter(
    "recourse_operations_compiled",
    "Executions of operations, from their second one on. `compiled`: compiled code answered. `fell_back`: compiled code"
    " failed and graphql-core answered without an error; this is a fault, see the log. `not_compilable`: graphql-core"
    " answered, because the operation cannot be compiled or had ten faults. Other answers with errors are not counted.",
    ["operation", "outcome"],
)
pictures = Counter(
    "recourse_pictures",
    "Pictures and PDFs of which copies and thumbnails were to be made. `drawn`: they were. `unreadable`: the file is"
    " damaged or exceeds a limit. `interrupted`: the process could not start or was killed from outside, or a store"
    " failed; it is tried again. The log says why.",
    ["outcome"],
)

# The values of labels whose counters are in this module. Like these, they live as long as the process.
_operations: set[str] = set()
_clients: set[str] = set()


def count_request(request: Request, duration: float | None) -> None:
    """Counts an answered request. `duration` is in seconds; None leaves it out of the histogram."""
    operation = _label(_operations, request.operation, MAX_OPERATIONS)
    # A client becomes known only with a valid operation, so that made-up names cannot use up the limit.
    client = _label(_clients, request.client, MAX_CLIENTS if request.operation else 0)
    _counter(operation, client, request.code).inc()
    if duration is not None:
        _histogram(operation).observe(duration)


def count_execution(operation: str, outcome: str) -> None:
    _execution_counter(operation, outcome).inc()


@lru_cache(1000)
def _execution_counter(operation: str, outcome: str) -> Counter:
    return executions.labels(_label(_operations, operation, MAX_OPERATIONS), outcome)


def _label(known_labels: set[str], name: str, limit: int) -> str:
    if name and name not in known_labels:
        if len(known_labels) >= limit or len(name) > MAX_LABEL_LENGTH:
            return OTHER
        known_labels.add(name)
    return name


@lru_cache(1000)
def _counter(operation: str, client: str, code: str) -> Counter:
    return requests.labels(operation, client, code)


@lru_cache(1000)
def _histogram(operation: str) -> Histogram:
    return seconds.labels(operation)


def count_refusal(action: Action, reason: Reason) -> None:
    refusals.labels(action.value, reason.value).inc()


def count_retry(what: str, why: Failure) -> None:
    """The hook for database work that is tried again."""
    retries.labels(what, why.value).inc()


def note_commit() -> None:
    """The hook for committed transactions: notes that the request has changed something."""
    if (request := current.get()).id:
        request.wrote = True
