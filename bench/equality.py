"""Whether all contenders answer alike: compared as JSON, so that spelling and order of keys are their own. Cursors are
opaque, so what they say is not compared."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from bench.contenders import Server
from bench.workload import Operation, put_back

_OPAQUE = ("cursor", "startCursor", "endCursor")
_MADE_ANEW = ("feedback.id", "feedback.leftAt")  # by each contender for itself


def check(operation: Operation, servers: Sequence[Server], database: str, sample: int) -> int:
    """Asks all of them for the same; gives how many answers were compared. Raises RuntimeError where two differ."""
    step = max(1, len(operation.asked) // sample)
    chosen = operation.asked[::step][:sample]
    for asked in chosen:
        expected: Any = None
        for server in servers:
            answer = operation.answer(server, asked)
            if operation.fresh:
                asyncio.run(put_back(database))
            if expected is None:
                expected = answer
            for path, one, other in differences(expected, answer):
                if not (operation.fresh and path.endswith(_MADE_ANEW)):
                    names = f"{servers[0].contender.name} and {server.contender.name}"
                    raise RuntimeError(
                        f"{operation.name}{asked.variables}: {names} differ in {path}: {one!r}, {other!r}"
                    )
    return len(chosen)


def differences(one: Any, other: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """The places in which two answers differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one.keys() | other.keys():
            yield from differences(one.get(key, "(absent)"), other.get(key, "(absent)"), f"{path}.{key}".lstrip("."))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for place, pair in enumerate(zip(one, other, strict=True)):
            yield from differences(*pair, f"{path}[{place}]")
    elif type(one) is not type(other) or (one != other and path.rpartition(".")[2] not in _OPAQUE):
        yield path, one, other
