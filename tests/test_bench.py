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

# States that the benchmark's data does not have, in turns, so that the answers are compared there too. `n` numbers the
# disputes that ended in the same way, and the orders of the same kind that have not shipped.
MORE_STATES = """
SET session_replication_role = replica;
CREATE TEMP VIEW numbered AS
SELECT id, row_number() OVER (PARTITION BY coalesce(closed_as, waits_for) ORDER BY number) % 6 AS n FROM disputes;

CREATE TEMP TABLE returns AS SELECT id, n, now() - (CASE n WHEN 2 THEN 6 WHEN 3 THEN 12 WHEN 4 THEN 23 ELSE 1 END)
  * interval '1 day' AS began FROM numbered JOIN disputes USING (id) WHERE closed_as = 'RESOLVED' AND n < 5;
UPDATE disputes d SET opened_at = began - interval '2 days', closed_at = began, return_began_at = began,
  outcome_resolution = 'RETURN_AND_REFUND', reopened_at = CASE n WHEN 2 THEN began - interval '1 hour' END,
  return_addressed_at = CASE WHEN n <> 2 THEN began + interval '1 hour' END,
  return_shipped_at = CASE WHEN n IN (1, 4) THEN began + interval '2 hours' END,
  due_at = CASE n WHEN 2 THEN began + interval '5 days' WHEN 1 THEN began + interval '482 hours'
    WHEN 4 THEN began + interval '482 hours' ELSE began + interval '241 hours' END FROM returns r WHERE d.id = r.id;
UPDATE orders o SET return_open_since = began FROM returns r JOIN disputes d USING (id) WHERE o.id = d.order_id;

UPDATE disputes d SET opened_at = now() - interval '2 days', claimable = 6000, claimable_currency = currency,
  offered = CASE n WHEN 0 THEN 7000 END, offered_currency = currency,
  due_at = now() + CASE WHEN n IN (2, 3, 4) THEN -1 ELSE 1 END * interval '1 day',
  waits_for = CASE WHEN n IN (1, 2, 3) THEN 'BUYER' ELSE waits_for END,
  evidence_asked_at = CASE WHEN n IN (1, 2, 3) THEN now() - interval '2 days' END,
  reopened_at = CASE n WHEN 3 THEN now() - interval '3 days' END
FROM numbered WHERE numbered.id = d.id AND closed_at IS NULL AND n < 5;
UPDATE orders o SET dispute_lapses_at = due_at FROM disputes d WHERE d.order_id = o.id AND waits_for = 'BUYER'
  AND evidence_asked_at IS NOT NULL AND reopened_at IS NULL;
UPDATE orders o SET replacement_agreed_at = now() - (29 + n) * interval '1 day'
FROM numbered JOIN disputes d USING (id) WHERE d.order_id = o.id AND closed_as = 'SETTLED' AND n IN (0, 1);

UPDATE orders o SET cancellation_pending_since = CASE WHEN n < 4 THEN now() - n * 2 * interval '1 day' END,
  ship_by = CASE WHEN n IN (4, 5) THEN now() + (9 - n * 2) * interval '1 day' END
FROM (SELECT id, row_number() OVER (PARTITION BY kind ORDER BY number) % 7 AS n FROM orders WHERE shipped_at IS NULL)
  AS waiting WHERE waiting.id = o.id;
UPDATE orders SET refund_due_at = now() + (4 - n) * interval '1 day', refund_reportable_at = now() + (n - 3)
  * interval '1 day' FROM (SELECT id AS order_id, row_number() OVER (ORDER BY number) % 40 AS n FROM orders) AS owing
WHERE order_id = id AND n < 6;
UPDATE orders SET amount_owed = CASE n WHEN 1 THEN amount_paid ELSE amount_paid / n END
FROM (SELECT id AS order_id, row_number() OVER (PARTITION BY kind ORDER BY number) % 9 AS n FROM orders
  WHERE amount_refunded + amount_sent + amount_owed = 0 AND paid_at IS NOT NULL) AS paid
WHERE order_id = id AND n BETWEEN 1 AND 4;
UPDATE orders SET paid_at = NULL, amount_paid = 0, payment_reversed_at = placed_at + interval '2 days'
WHERE amount_refunded + amount_sent + amount_owed = 0 AND completed_at IS NOT NULL AND number LIKE '%3';
UPDATE orders SET items = items || '[["Discount", 1, -1500]]' WHERE number LIKE '%4';
UPDATE orders SET items = '[["Discount", 1, -1500]]' WHERE number LIKE '%5';
UPDATE orders SET items = items || '[["Screw", 1000, 125, 4], ["Bolt", 5, 15, 3, "B-1", null],
  ["Lamp", 1, 900, null, "L-7", "https://example.com/l.jpg"]]' WHERE number LIKE '%7';

UPDATE disputes d SET paid_back_at = closed_at FROM numbered WHERE numbered.id = d.id AND closed_as = 'RESOLVED' AND n = 5;

INSERT INTO events (order_id, at, known_at, facts, refund_id, refund_status)
SELECT id, placed_at, placed_at, '{}', id, (ARRAY['DUE', 'VOID', 'SENT', 'SUCCEEDED', 'FAILED'])[right(number, 1)::int]
FROM orders WHERE number ~ '1[1-5]$';
INSERT INTO events (order_id, case_kind, case_id, at, known_at, facts, case_facts)
SELECT order_id, 'DISPUTE', id, opened_at, opened_at, '{"return_open_since": null}', jsonb_build_object((ARRAY[
  'return_waived_at', 'return_expired_at', 'return_received_at', 'waits_for', 'closed_as', 'claimable'])[n + 1],
  CASE WHEN closed_as = 'SETTLED' THEN NULL ELSE '1' END)
FROM disputes JOIN numbered USING (id);
INSERT INTO events (order_id, case_kind, case_id, at, known_at, by_id, action, facts, case_facts)
SELECT order_id, 'DISPUTE', id, opened_at, opened_at, buyer_id, (ARRAY['CONCEDE_DISPUTE', 'REVISE_CLAIM',
  'APPEAL_DECISION', 'PROVIDE_RETURN_ADDRESS', 'WITHDRAW_DISPUTE', 'REFUSE_RETURN'])[n + 1], '{}',
  CASE WHEN closed_as = 'SETTLED' THEN '{}' ELSE '{"closed_as": "WITHDRAWN"}' END::jsonb
FROM disputes JOIN numbered USING (id);
"""


async def add_states(url: str) -> None:
    connection = await data.connect(url)
    # In whole seconds, since instants have only milliseconds in Node.
    await connection.execute(MORE_STATES.replace("now()", "date_trunc('second', now())"))
    await connection.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Generator[Environment]:
    try:
        command = node.prepare_node()
    except NoRegistry as none:
        missing(str(none))
    with postgres.running() as url, run_issuer() as issuer:
        asyncio.run(data.fill(url, FEW, lambda _: None))
        asyncio.run(add_states(url))
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
            for operation in operations[:6]:
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
