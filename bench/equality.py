"""Checks that all contenders give equal answers, as JSON values. Cursors are opaque and may differ.

A sample of the requests is compared: some at equal distances, and each whose answer shows a state, or states together,
that none before it shows.
"""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from bench.contenders import Server
from bench.workload import Operation, Request, restore_feedback

_OPAQUE_FIELDS = ("cursor", "startCursor", "endCursor")
_STATES = [
    "kind",
    "status",
    "isFinal",
    "viewerState",
    "action",
    "allowed",
    "reason",
    "accepted",
    "resolution",
    "text",
    "values",
]
_GENERATED_FIELDS = ("feedback.id", "feedback.leftAt")  # each contender generates its own


def check(operation: Operation, servers: Sequence[Server], database: str, sample: int) -> int:
    """Sends the same requests to all servers and returns their number. Raises RuntimeError if answers differ."""
    step = max(1, len(operation.requests) // sample)
    requests = operation.requests[::step][:sample]
    if not operation.fresh:
        requests += _with_other_states(operation, servers[0], requests)
    for request in requests:
        expected: Any = None
        for server in servers:
            answer = operation.answer(server, request)
            if operation.fresh:
                asyncio.run(restore_feedback(database))
            if expected is None:
                expected = answer
            for path, one, other in differences(expected, answer):
                if not (operation.fresh and path.endswith(_GENERATED_FIELDS)):
                    names = f"{servers[0].contender.name} and {server.contender.name}"
                    raise RuntimeError(
                        f"{operation.name}{request.variables}: {names} differ in {path}: {one!r}, {other!r}"
                    )
    return len(requests)


def _with_other_states(operation: Operation, server: Server, sample: Sequence[Request]) -> list[Request]:
    """Returns requests whose answers show states that no answer to the sample shows."""
    seen: set[Any] = set()
    for request in sample:
        seen |= _combined(states(operation.answer(server, request)))
    found: list[Request] = []
    for request in operation.requests:
        shown = _combined(states(operation.answer(server, request)))
        if not shown <= seen:
            found.append(request)
            seen |= shown
    return found


def _combined(states: Iterator[tuple[str, Any]]) -> set[Any]:
    """Returns each state, and those of the node together. What is on a page belongs to several."""
    found = set(states)
    return found | {frozenset(state for state in found if ".edges" not in state[0])}


def states(answer: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yields the path and the value of each state in an answer, and whether an instant is null."""
    if isinstance(answer, dict):
        for key, value in answer.items():
            yield from states(value, f"{path}.{key}")
    elif isinstance(answer, list):
        for each in answer:
            yield from states(each, path)
    elif (name := path.rpartition(".")[2]) in _STATES:
        yield path, answer
    elif name.endswith(("At", "By", "Deadline", "since")):
        yield path, answer is None


def differences(one: Any, other: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yields the path and both values of each difference."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one.keys() | other.keys():
            yield from differences(one.get(key, "(absent)"), other.get(key, "(absent)"), f"{path}.{key}".lstrip("."))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, pair in enumerate(zip(one, other, strict=True)):
            yield from differences(*pair, f"{path}[{index}]")
    elif type(one) is not type(other) or (one != other and path.rpartition(".")[2] not in _OPAQUE_FIELDS):
        yield path, one, other
