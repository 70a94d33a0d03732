"""Cooperative yielding: a large answer is completed in pieces, and the event loop runs other tasks between them.

Completing a large answer in one piece would delay every other request of the process. Code that completes an answer
counts its fields and yields after every PIECE of them:

    if budget.is_spent(fields):
        await budget.pause(fields)
    ...  # complete that many fields
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from graphql.execution.collect_fields import FieldDetails
from graphql.execution.executor import Executor

PIECE = 2_000  # fields completed between two pauses: a millisecond by compiled code, some ten by graphql-core
ROWS = 500  # rows built between two pauses
LARGE = 5_000  # the cost from which compiled code yields
LARGE_UNCOMPILED = 1_000  # the same for graphql-core, which takes some ten times as long for a field

S = TypeVar("S")
T = TypeVar("T")


class YieldBudget:
    """Counts the fields since the last pause, of all tasks that work on one answer."""

    used = 0
    waiting = 0

    def is_spent(self, fields: int) -> bool:
        """Whether to pause before completing so many more fields. If not, counts them."""
        if self.used + fields > PIECE and self.used:
            return True
        self.used += fields
        return False

    async def pause(self, fields: int) -> None:
        """Lets the event loop run. If several tasks work on the answer, one of them continues after each pause."""
        self.waiting += 1
        try:
            for _ in range(self.waiting):
                await asyncio.sleep(0)
        finally:
            self.waiting -= 1
        self.used = fields


async def map_yielding(function: Callable[[S], T], items: Sequence[S], piece: int = ROWS) -> list[T]:
    """Returns the function's results for all items; yields to the event loop after every `piece` of them."""
    if len(items) <= piece:
        return [function(item) for item in items]
    results: list[T] = []
    for start in range(0, len(items), piece):
        if start:
            await asyncio.sleep(0)
        results += [function(item) for item in items[start : start + piece]]
    return results


class YieldingExecutor(Executor[Any]):
    """Mixed into an executor of graphql-core, yields between the entries of a large answer's lists."""

    cost = 0  # the measured cost of the operation, set before it runs
    _budget: YieldBudget | None = None

    def execute_operation(self, serially: bool | None = None) -> Any:
        self._budget = YieldBudget() if self.cost > LARGE_UNCOMPILED else None
        return super().execute_operation(serially)

    def execute_fields(
        self, parent_type: Any, source_value: Any, path: Any, grouped_field_set: Any, position_context: Any
    ) -> Any:
        if self._budget is not None:
            self._budget.used += len(grouped_field_set)
        return super().execute_fields(parent_type, source_value, path, grouped_field_set, position_context)

    def complete_iterable_value(
        self,
        item_type: Any,
        field_details_list: list[FieldDetails],
        info: Any,
        path: Any,
        items: Any,
        position_context: Any,
    ) -> Any:
        completion = item_type, field_details_list, info, path, items, position_context
        if self._budget is None or position_context is not None:
            return super().complete_iterable_value(*completion)
        return self._complete_yielding(self._budget, *completion)

    async def _complete_yielding(
        self,
        budget: YieldBudget,
        item_type: Any,
        field_details_list: list[FieldDetails],
        info: Any,
        path: Any,
        items: Any,
        position_context: Any,
    ) -> list[Any]:
        completed: list[Any] = []
        for index, item in enumerate(items):
            completion = item_type, field_details_list, info, path.add_key(index, None), position_context
            if budget.is_spent(1):
                await budget.pause(1)
            if self.is_awaitable(item):
                completed.append(await self.complete_awaitable_list_item_value(item, *completion))
            elif self.complete_list_item_value(item, completed, *completion):
                completed[index] = await completed[index]
        return completed
