"""Executors of graphql-core that run compiled code wherever possible, from the first use of an operation.

It is also a plugin for graphql-core's own tests. They use such executors, unless a test names its own. The outcome of
each test is recorded.
"""

import json
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from execution.compiler import CompiledExecutorMixin, CompiledVariants, Execution
from execution.hooks import ExecutionOutcome
from execution.yielding import YieldingExecutor


class AtOnce(CompiledVariants):
    compiled_from = 1

    def _fall_back(self, cause: Exception, execution: Execution, observe: Any, interpret: Any) -> Any:
        global fallen
        fallen += 1
        return super()._fall_back(cause, execution, observe, interpret)


outcomes: list[ExecutionOutcome] = []  # of all executions
fallen = 0  # executions that compiled code began, and graphql-core ended
_variants: dict[tuple[int, ...], CompiledVariants] = {}  # they keep the nodes by which they are found


def observe(outcome: ExecutionOutcome, _operation: str) -> None:
    outcomes.append(outcome)


def variants_for(executor: Any, make: type[CompiledVariants] = AtOnce) -> CompiledVariants:
    """Returns the code of an executor's operation; the same for the same nodes of a document."""
    parts = [executor.operation, *executor.fragment_definitions.values()]
    key = id(make), id(executor.schema), *map(id, parts)
    if key not in _variants:
        _variants[key] = make(executor.schema, executor.operation, parts)
    return _variants[key]


def compiled(base: Any, make: type[CompiledVariants] = AtOnce, cost: int = 0) -> Any:
    """Returns a subclass of the executor `base` that runs compiled code for an answer of this cost."""

    class Compiled(CompiledExecutorMixin, base):
        observe: Callable[[ExecutionOutcome, str], None] = staticmethod(observe)

        def execute_operation(self, serially: bool | None = None) -> Any:
            self.compiled, self.cost = variants_for(self, make), cost
            self.compiled.fallbacks = 0  # never give up: each document is tried
            return super().execute_operation(serially)

    return Compiled


def uncompiled(base: Any, cost: int) -> Any:
    class Uncompiled(YieldingExecutor, base):
        def execute_operation(self, serially: bool | None = None) -> Any:
            self.cost = cost
            return super().execute_operation(serially)

    return Uncompiled


results: dict[str, str] = {}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--outcomes", type=Path)


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop() -> Generator[None, Any, Any]:
    execute: Any = sys.modules["graphql.execution.execute"]
    for name in ("IncrementalExecutor", "ExecutorThrowingOnIncremental"):
        setattr(execute, name, compiled(getattr(execute, name)))
    return (yield)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or report.outcome != "passed":
        results[report.nodeid] = report.outcome


def pytest_sessionfinish(session: pytest.Session) -> None:
    path = session.config.getoption("outcomes")
    assert isinstance(path, Path)
    begun = outcomes.count(ExecutionOutcome.COMPILED) + fallen
    path.write_text(json.dumps({"outcomes": results, "begun": begun}))
