"""The benchmark's contenders run on a few orders, give the same answers, and can be measured. Nothing is timed."""

import asyncio
from collections.abc import Generator

import pytest

from bench import data, equality, node, statements, workload
from bench.contenders import CONTENDERS, HANDWRITTEN, ONE_SQL, Environment, Server, start_contenders
from bench.issuer import run_issuer
from bench.load import run_load_generator
from bench.workload import Operation
from tests.conftest import on_postgres
from tests.support import postgres
from tests.support.node import NoRegistry, missing

pytestmark = on_postgres  # the benchmark has a PostgreSQL of its own

FEW = data.Shape(orders=2000, buyers=20, suppliers=10)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Generator[Environment]:
    try:
        command = node.prepare_node()
    except NoRegistry as none:
        missing(str(none))
    with postgres.running() as url, run_issuer() as issuer:
        asyncio.run(data.fill(url, FEW, lambda _: None))
        yield Environment(url, issuer, command, tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="module")
def servers(place: Environment) -> Generator[list[Server]]:
    with start_contenders(CONTENDERS, place) as servers:
        yield servers


@pytest.fixture(scope="module")
def operations(place: Environment) -> list[Operation]:
    made = asyncio.run(workload.operations(place.database, place.issuer))
    asyncio.run(workload.restore_feedback(place.database))
    return made


def test_all_contenders_answer_alike(place: Environment, servers: list[Server], operations: list[Operation]) -> None:
    for operation in operations:
        assert equality.check(operation, servers, place.database, 4 if operation.fresh else 20) > 3


def test_a_request_is_measured(place: Environment, servers: list[Server], operations: list[Operation]) -> None:
    with run_load_generator(place) as load:
        for server in servers:
            for operation in (operations[0], operations[-1]):
                done = load.round(server, operation, 0.5)
                assert done.requests > 0
                assert 0 < done.p50 <= done.p99
                if operation.fresh:
                    asyncio.run(workload.restore_feedback(place.database))


def test_statements_are_counted(place: Environment, servers: list[Server], operations: list[Operation]) -> None:
    by_key = {server.contender: server for server in servers}
    with statements.log_statements(place.database):
        for contender in (HANDWRITTEN, ONE_SQL):
            for operation in operations[:5]:
                assert statements.count(place.database, by_key[contender], operation, 5) == statements.Count(1, 0)


def test_a_difference_is_found() -> None:
    one = {"a": [{"b": 1, "c": None}], "d": "x"}
    assert list(equality.differences(one, {"d": "x", "a": [{"c": None, "b": 1}]})) == []
    assert list(equality.differences(one, {"a": [{"b": "1", "c": None}], "d": "x"})) == [("a[0].b", 1, "1")]
    assert list(equality.differences(one, {"a": [{"b": 1}], "d": "x"})) == [("a[0].c", None, "(absent)")]
    assert list(equality.differences({"cursor": "x"}, {"cursor": "y"})) == []
    assert list(equality.differences({"cursor": "x"}, {"cursor": None})) == [("cursor", "x", None)]


def test_a_state_is_told_apart_by_its_place_and_value() -> None:
    order = {"id": "1", "status": "PAID", "paidAt": "2026-11-28T12:00:00Z", "cancelledAt": None, "dispute": None}
    states = [(".status", "PAID"), (".paidAt", False), (".cancelledAt", True)]
    assert list(equality.states(order)) == states
    assert list(equality.states({"edges": [order, order]})) == 2 * [(f".edges{path}", value) for path, value in states]
