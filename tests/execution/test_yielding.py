"""Other requests run while a large answer is completed. These tests count turns of the event loop, not time."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest
import strawberry
from strawberry import Info

from execution.complexity import sized
from execution.schema import Schema
from execution.yielding import LARGE, LARGE_UNCOMPILED, PIECE, ROWS, map_yielding
from server.settings import Settings

pytestmark = pytest.mark.anyio

LIMITS = replace(Settings().limits, cost=10**7, fields=10**4, aliases=10**4)
FIELDS = 40  # fields of a line that FLAT and DEEP select
worked = 0  # lines that were completed


@dataclass
class _Line:
    number: int

    @property
    def counted(self) -> int:
        global worked
        worked += 1
        return self.number


@strawberry.type
class Line:
    number: int
    counted: int


@strawberry.type
class Entry:
    number: int
    lines: list[Line] = strawberry.field(metadata=sized(50))


def book(entries: int, lines: int) -> Any:
    return SimpleNamespace(
        lines=[_Line(number) for number in range(lines)],
        entries=[
            SimpleNamespace(number=place, lines=[_Line(number) for number in range(lines)]) for place in range(entries)
        ],
    )


@strawberry.type
class Book:
    lines: list[Line] = strawberry.field(metadata=sized(1000))
    entries: list[Entry] = strawberry.field(metadata=sized(100))


@strawberry.type
class Query:
    @strawberry.field(graphql_type=Book)
    def book(self, info: Info, entries: int, lines: int) -> Any:
        return book(entries, lines)

    @strawberry.field(graphql_type=Book)
    async def awaited(self, info: Info, entries: int, lines: int) -> Any:
        return book(entries, lines)

    @strawberry.field(graphql_type=list[Entry])
    def entries(self, info: Info, entries: int, lines: int) -> Any:
        return book(entries, lines).entries


SCHEMA = Schema(Query)
WIDE = " ".join(f"a{place}: number" for place in range(FIELDS - 1))
LINES = f"lines {{ counted {WIDE} }}"
ROOTS: dict[str, str] = {
    "one list": f"{{ book(entries: 0, lines: 2000) {{ {LINES} }} }}",
    "lists in a list": f"{{ book(entries: 50, lines: 40) {{ entries {{ number {LINES} }} }} }}",
    "short lists in a list": f"{{ book(entries: 200, lines: 10) {{ entries {{ number {LINES} }} }} }}",
    "a list with lists": f"{{ entries(entries: 50, lines: 40) {{ number {LINES} }} }}",
    "what is awaited": f"{{ awaited(entries: 50, lines: 40) {{ entries {{ number {LINES} }} }} }}",
    "several that are awaited": "{"
    + " ".join(f"r{place}: awaited(entries: 5, lines: 40) {{ entries {{ number {LINES} }} }}" for place in range(10))
    + "}",
    "several with short lists": "{"
    + " ".join(f"r{place}: awaited(entries: 20, lines: 10) {{ entries {{ number {LINES} }} }}" for place in range(10))
    + "}",
}  # 2,000 lines each
SMALL: dict[str, str] = {
    "one list": "{ book(entries: 0, lines: 20) { lines { counted } } }",
    "lists in a list": "{ awaited(entries: 5, lines: 4) { entries { number } } }",
    "a list": "{ entries(entries: 5, lines: 4) { number } }",
}

WAYS: dict[str, Callable[[str], Coroutine[Any, Any, Any]]] = {
    "compiled": lambda text: SCHEMA.execute(text, context_value=context()),
    "uncompiled": lambda text: SCHEMA.uncompiled().execute(text, context_value=context()),
    "as a stream": lambda text: streamed(text),
}


def context() -> Any:
    return SimpleNamespace(limits=LIMITS)


async def streamed(text: str) -> Any:
    [result] = [each async for each in await SCHEMA.stream(text, context_value=context())]
    return result


async def turns(work: Coroutine[Any, Any, Any]) -> tuple[int, int, Any]:
    """Returns how often other tasks ran, the most lines that were completed between two turns, and the result."""
    global worked
    worked = count = most = 0
    task = asyncio.create_task(work)
    while not task.done():
        await asyncio.sleep(0)
        count, most, worked = count + 1, max(most, worked), 0
    return count, most, task.result()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ROOTS)
async def test_others_have_their_turn_while_a_large_answer_is_completed(way: str, name: str) -> None:
    for _ in range(3):  # compiled at the second execution at the latest
        count, most, result = await turns(WAYS[way](ROOTS[name]))
        assert result.errors is None
        assert count >= 2000 * FIELDS // PIECE
        assert most * FIELDS <= 2 * PIECE


@pytest.mark.parametrize("way", ["compiled", "uncompiled"])
@pytest.mark.parametrize("name", SMALL)
async def test_a_small_answer_is_completed_in_one_piece(way: str, name: str) -> None:
    for _ in range(3):
        count, _, result = await turns(WAYS[way](SMALL[name]))
        assert result.errors is None
        assert count <= 2


async def test_in_turns_or_not_the_answer_is_the_same() -> None:
    for text in ROOTS.values():
        answers = [(await way(text)).data for way in WAYS.values()]
        assert answers == [answers[0]] * len(WAYS)


async def test_rows_are_made_in_turns() -> None:
    count, _, made = await turns(map_yielding(str, range(4 * ROWS + 1)))
    assert (count >= 4, made) == (True, list(map(str, range(4 * ROWS + 1))))
    count, _, made = await turns(map_yielding(str, range(ROWS)))
    assert (count, len(made)) == (1, ROWS)


def test_what_is_small_is_told_by_its_cost() -> None:
    assert LARGE_UNCOMPILED < LARGE < Settings().max_cost
