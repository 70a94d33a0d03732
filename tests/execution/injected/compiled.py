"""A plugin for graphql-core's own tests: with --compiled, the compiled executor is the one that is used unless a test
says otherwise, and compiles at first sight. Writes down what became of each test."""

import json
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from graphql import Undefined

from execution.compiler import Compiled

outcomes: dict[str, str] = {}
completed = 0  # values, by compiled code


class AtOnce(Compiled):
    compiled_from = 1

    def _shown(self, output: Any, group: Any, value: Any, position_context: Any) -> Any:
        global completed
        shown = super()._shown(output, group, value, position_context)
        completed += shown is not Undefined
        return shown


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--compiled", action="store_true")
    parser.addoption("--outcomes", type=Path)


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, Any, Any]:
    if session.config.getoption("compiled"):
        execute: Any = sys.modules["graphql.execution.execute"]
        for name in ("IncrementalExecutor", "ExecutorThrowingOnIncremental"):
            setattr(execute, name, type(name, (AtOnce, getattr(execute, name)), {}))
    return (yield)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or report.outcome != "passed":
        outcomes[report.nodeid] = report.outcome


def pytest_sessionfinish(session: pytest.Session) -> None:
    path = session.config.getoption("outcomes")
    assert isinstance(path, Path)
    path.write_text(json.dumps({"outcomes": outcomes, "completed": completed}))
