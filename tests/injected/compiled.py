"""A plugin for another project's tests: makes the compiled executor the one that graphql-core uses unless told
otherwise, and compiles at first sight. Says in the end how often compiled code gave an answer."""

import sys
from collections.abc import Generator
from typing import Any

import pytest
from graphql import Undefined

from schema.executor import Compiled

counted = {"compiled": 0, "left": 0}


class AtOnce(Compiled):
    compiled_from = 1

    def _shown(self, *args: Any) -> Any:
        shown = super()._shown(*args)
        counted["left" if shown is Undefined else "compiled"] += 1
        return shown


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop() -> Generator[None, Any, Any]:
    execute: Any = sys.modules["graphql.execution.execute"]
    for name in ("IncrementalExecutor", "ExecutorThrowingOnIncremental"):
        setattr(execute, name, type(name, (AtOnce, getattr(execute, name)), {}))
    return (yield)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(f"completed by compiled code: {counted['compiled']}, left: {counted['left']}")
