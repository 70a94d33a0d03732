"""Gives others their turn while a large answer is made: between two pieces of it the event loop runs what waits."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

PIECE = 2_000  # fields completed between two turns: a millisecond by compiled code, some ten by graphql-core
ROWS = 500  # made between two turns
LARGE = 5_000  # what an answer costs that is not completed in one piece
LARGE_UNCOMPILED = 1_000  # the same for graphql-core, which takes some ten times as long for a field

S = TypeVar("S")
T = TypeVar("T")


class Turns:
    """Counts the work since the last turn, of all that works on one answer.

    if turns.due(fields):
        await turns.turn(fields)
    …  # the work
    """

    done = 0
    waiting = 0

    def due(self, fields: int) -> bool:
        """Whether it is another's turn before so much more is done."""
        if self.done + fields > PIECE and self.done:
            return True
        self.done += fields
        return False

    async def turn(self, fields: int) -> None:
        """Of several that work on the answer one goes on after each turn, not all of them."""
        self.waiting += 1
        try:
            for _ in range(self.waiting):
                await asyncio.sleep(0)
        finally:
            self.waiting -= 1
        self.done = fields


async def in_turns(make: Callable[[S], T], items: Sequence[S], most: int = ROWS) -> list[T]:
    """What is made of each."""
    if len(items) <= most:
        return [make(item) for item in items]
    made: list[T] = []
    for start in range(0, len(items), most):
        if start:
            await asyncio.sleep(0)
        made += [make(item) for item in items[start : start + most]]
    return made
