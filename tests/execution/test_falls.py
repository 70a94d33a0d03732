"""When compiled code cannot go on, graphql-core answers: exactly as it would alone, and no resolver runs twice."""

import asyncio
import gc
import linecache
import logging
import re
from collections.abc import AsyncIterator, Generator
from types import SimpleNamespace
from typing import Any

import pytest
import strawberry
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from execution.compiler import MAX_FALLBACKS
from execution.document import prepare
from execution.hooks import ExecutionOutcome, Hooks
from execution.schema import Schema
from schema import RequestHooks
from server.settings import Settings

pytestmark = pytest.mark.anyio

LIMITS = Settings().limits
Info = strawberry.Info[Any, Any]


async def _call(info: Info, how: str, steps: int) -> "Step | None":
    """Waits for this many steps of the event loop; then returns a step, raises, or returns None."""
    info.context.calls.append(tuple(info.path.as_list()))
    for _ in range(steps):
        await asyncio.sleep(0)
    if how == "raise":
        raise ValueError(f"{info.path.key} failed")
    return None if how == "null" else Step(name=None if how == "odd" else info.path.key)  # type: ignore[arg-type]


@strawberry.type
class Step:
    name: str

    @strawberry.field
    async def maybe(self, info: Info, how: str = "", steps: int = 0) -> "Step | None":
        return await _call(info, how, steps)

    @strawberry.field
    async def sure(self, info: Info, how: str = "", steps: int = 0) -> "Step":
        return await _call(info, how, steps)  # type: ignore[return-value]

    @strawberry.field
    def at_once(self, info: Info, how: str = "") -> "Step | None":
        info.context.calls.append(tuple(info.path.as_list()))
        if how == "raise":
            raise ValueError(f"{info.path.key} failed at once")
        return Step(name=info.path.key)  # type: ignore[arg-type]


@strawberry.type
class Query(Step):
    name: str = "query"

    @strawberry.field
    async def words(self, info: Info) -> list[str]:
        return info.context.words()


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def maybe(self, info: Info, how: str = "", steps: int = 0) -> Step | None:
        return await _call(info, how, steps)

    @strawberry.mutation
    async def sure(self, info: Info, how: str = "", steps: int = 0) -> Step:
        return await _call(info, how, steps)  # type: ignore[return-value]


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def steps(self, info: Info, count: int, odd: int = -1) -> AsyncIterator[Step]:
        for number in range(count):
            yield Step(name=None if number == odd else str(number))  # type: ignore[arg-type]


class Noting(Hooks):
    def __init__(self) -> None:
        self.outcomes: list[ExecutionOutcome] = []

    def on_outcome(self, outcome: ExecutionOutcome, operation: str) -> None:
        self.outcomes.append(outcome)


def schema() -> Any:
    return Schema(Query, Mutation, Subscription, hooks=Noting())


def context(**values: Any) -> Any:
    return SimpleNamespace(limits=LIMITS, calls=[], **values)


def errors_of(result: Any) -> list[tuple[Any, ...]]:
    return [(each.message, each.path, each.locations, type(each.original_error)) for each in result.errors or ()]


def nulled_by(result: Any) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """The errors by their paths, each with the path of the null that it leaves in the data."""
    nulls: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for error in result.errors or ():
        value, path = result.data, tuple(error.path)
        depth = 0
        while value is not None:
            value, depth = value[path[depth]], depth + 1
        nulls[path] = str(error), path[:depth]
    return nulls


async def same_answers(text: str, *, exactly: bool = True) -> list[ExecutionOutcome]:
    """The outcomes of four executions, each of which answers as graphql-core alone does, and calls no resolver twice.
    Not `exactly` where two fields may fail at nearly the same time: of several errors that leave the same null, at least
    one is reported, and which ones depends on which field fails first."""
    ours = schema()
    alone = context()
    expected = await ours.uncompiled().execute(text, context_value=alone, root_value=Query())
    ours.hooks.outcomes.clear()
    for _ in range(4):
        asked = context()
        result = await ours.execute(text, context_value=asked, root_value=Query())
        assert result.data == expected.data
        if exactly:
            assert errors_of(result) == errors_of(expected)
            assert set(alone.calls) <= set(asked.calls)
        ours_by_path, theirs_by_path = nulled_by(result), nulled_by(expected)
        assert {null for _, null in ours_by_path.values()} == {null for _, null in theirs_by_path.values()}
        assert all(ours_by_path[path] == theirs_by_path[path] for path in ours_by_path.keys() & theirs_by_path.keys())
        assert len(set(asked.calls)) == len(asked.calls)
        if text.startswith("mutation"):
            assert asked.calls == alone.calls
        await asyncio.sleep(0.001)  # for the work that graphql-core continues after an error
    return ours.hooks.outcomes


SEVERAL = {
    "awaited together": "{ a: sure { name } b: maybe(steps: 2) { name } name c: atOnce { d: sure { name } } }",
    "below one another": "{ a: sure { b: maybe { name } c: sure(steps: 1) { name d: sure { name } } } e: maybe { name } }",
    "one after the other": "mutation { a: sure(steps: 2) { name } b: maybe { c: sure { name } } d: sure { name } }",
}


@pytest.mark.parametrize("text", SEVERAL.values(), ids=SEVERAL)
async def test_operations_with_several_awaited_fields_are_compiled(text: str) -> None:
    assert await same_answers(text) == [ExecutionOutcome.COMPILED] * 3


FAILING = {
    "the first": '{ a: maybe(how: "raise") { name } b: maybe { name } }',
    "the last": '{ a: maybe { name } b: maybe(how: "raise") { name } }',
    "both": '{ a: maybe(how: "raise") { name } b: maybe(how: "raise") { name } }',
    "the slow one first": '{ a: maybe(how: "raise", steps: 5) { name } b: maybe(how: "raise") { name } }',
    "one far below": '{ a: sure { b: sure { c: maybe(how: "raise", steps: 2) { name } } } d: maybe(how: "odd") { name } }',
    "one that may not": '{ a: maybe(steps: 9) { name } b: sure(how: "null") { name } }',
    "one that is not awaited": '{ a: maybe(how: "raise") { name } b: atOnce(how: "raise") { name } }',
    "a mutation that may": 'mutation { a: maybe(how: "raise") { name } b: sure { name } c: maybe(how: "odd") { name } d: maybe { name } }',
    "a mutation that may not": 'mutation { a: maybe { name } b: sure(how: "raise") { name } c: maybe { name } }',
    "below a mutation": 'mutation { a: maybe { b: maybe(how: "raise") { name } } c: maybe { d: sure { name } } }',
}


@pytest.mark.parametrize("text", FAILING.values(), ids=FAILING)
async def test_where_a_field_fails_errors_are_those_of_graphql_core(text: str) -> None:
    assert await same_answers(text) == []


@pytest.fixture
def collected() -> Generator[None]:
    """Where a field fails at once, graphql-core leaves coroutines of its siblings unawaited. Python warns of them when it
    collects them, which is here at the latest."""
    yield
    gc.collect()


def selections(depth: int, names: list[str]) -> st.SearchStrategy[str]:
    below = (
        st.just("{ name }") if depth == 0 else st.deferred(lambda: selections(depth - 1, ["maybe", "sure", "atOnce"]))
    )

    def field(name: str, how: str, steps: int, below: str) -> str:
        arguments = f'(how: "{how}")' if name == "atOnce" else f'(how: "{how}", steps: {steps})'
        return f"{name}{arguments} {below}"

    how = st.sampled_from(["", "", "", "", "raise", "null", "odd"])
    fields = st.lists(st.builds(field, st.sampled_from(names), how, st.integers(0, 6), below), min_size=1, max_size=3)
    return fields.map(lambda each: f"{{ {' '.join(f'f{place}: {field}' for place, field in enumerate(each))} }}")


@given(
    st.one_of(selections(2, ["maybe", "sure", "atOnce"]), selections(1, ["maybe", "sure"]).map("mutation {}".format))
)
@settings(max_examples=150)
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.usefixtures("collected")
def test_whatever_fails_answers_are_those_of_graphql_core(text: str) -> None:
    asyncio.run(same_answers(text, exactly=False))


async def events(ours: Any, text: str) -> list[Any]:
    stream = await ours.stream(text, context_value=context(), root_value=Query())
    return [(result.data, errors_of(result)) async for result in stream]


async def test_the_events_of_a_subscription_are_compiled() -> None:
    text = "subscription { steps(count: 4) { name a: sure { name } b: maybe(steps: 1) { name } } }"
    ours = schema()
    answers = await events(ours, text)
    assert len(answers) == 4
    assert ours.hooks.outcomes == [ExecutionOutcome.COMPILED] * 3
    assert answers == await events(ours.uncompiled(), text)


async def test_an_event_that_fails_leaves_the_others_compiled() -> None:
    text = "subscription { steps(count: 4, odd: 2) { name } }"
    ours = schema()
    answers = await events(ours, text)
    assert [data is None for data, _ in answers] == [False, False, True, False]
    assert ours.hooks.outcomes == [ExecutionOutcome.COMPILED] * 2
    assert answers == await events(ours.uncompiled(), text)


def counted(operation: str) -> dict[ExecutionOutcome, float]:
    labels = [(outcome, {"operation": operation, "outcome": outcome}) for outcome in ExecutionOutcome]
    values = {each: REGISTRY.get_sample_value("recourse_operations_compiled_total", labels) for each, labels in labels}
    return {outcome: value for outcome, value in values.items() if value}


def as_a_list() -> Any:
    return ["right", "all the same"]


def as_a_generator() -> Any:
    """Returns a generator. graphql-core can complete it, but compiled code cannot, because it can be iterated only once."""
    yield from as_a_list()


async def test_needless_falls_are_counted_logged_once_and_given_up(caplog: pytest.LogCaptureFixture) -> None:
    ours = Schema(Query, hooks=RequestHooks())
    text = "query NeedlessFalls { words name }"
    caplog.set_level(logging.WARNING)

    async def ask(words: Any) -> None:
        result = await ours.execute(text, context_value=context(words=words), root_value=Query())
        assert result.errors is None
        assert result.data == {"words": ["right", "all the same"], "name": "query"}

    await ask(as_a_generator)  # the first time, by graphql-core
    assert counted("NeedlessFalls") == {}
    await ask(as_a_list)
    for _ in range(MAX_FALLBACKS):
        await ask(as_a_generator)
    assert counted("NeedlessFalls") == {ExecutionOutcome.COMPILED: 1, ExecutionOutcome.FELL_BACK: MAX_FALLBACKS}
    for words in (as_a_generator, as_a_list):
        await ask(words)
    assert counted("NeedlessFalls")[ExecutionOutcome.NOT_COMPILABLE] == 2
    [record] = [record for record in caplog.records if record.name == "execution.compiler"]
    assert "Compiled code of NeedlessFalls" in record.getMessage()
    assert re.search(r"<compiled query NeedlessFalls( \(\d+\))?>", caplog.text)
    assert "if type(v) is not list: v = sequence(v)" in caplog.text  # the line of generated source that failed


async def test_an_error_that_graphql_core_reports_as_well_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    ours = Schema(Query, hooks=RequestHooks())
    text = 'query Refused { a: maybe(how: "raise") { name } }'
    for _ in range(MAX_FALLBACKS + 5):
        assert (await ours.execute(text, context_value=context(), root_value=Query())).errors
    assert counted("Refused") == {}
    assert caplog.records == []
    [variant] = prepare(ours._schema, text, None, LIMITS).compiled.variants.all()
    assert variant.compiled[False] is not None


async def test_generated_source_is_released_with_its_operation() -> None:
    ours = schema()
    text = "query Released { name a: sure { name } }"
    for _ in range(2):
        await ours.execute(text, context_value=context(), root_value=Query())
    assert any(name.startswith("<compiled query Released") for name in linecache.cache)
    prepare(ours._schema, text, None, LIMITS).compiled.variants.all()[0].compiled.clear()
    for _ in range(3):  # what still waits in the event loop may hold a frame of the code
        await asyncio.sleep(0)
        gc.collect()
    assert not any(name.startswith("<compiled query Released") for name in linecache.cache)
