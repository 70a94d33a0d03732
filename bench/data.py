"""The data: orders in every state. The database generates them, the same each time, with instants relative to now."""

import asyncio
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg

from models.config import tortoise_config

ORDERS, BUYERS, SUPPLIERS = 20_000, 200, 50
AGENT, SERVICE = "agent", "order-system"


@dataclass(frozen=True)
class Shape:
    """The number of orders, and SQL for their buyer, supplier and stage over `i`, the number of an order from the newest."""

    orders: int = ORDERS
    buyers: int = BUYERS
    suppliers: int = SUPPLIERS
    buyer: str = "i % {buyers}"
    supplier: str = "(i / 7) % {suppliers}"
    stage: str = "(i / {buyers} * 37 + i % {buyers} * 11) % 100"


def buyer(number: int) -> tuple[str, str]:
    """Returns the subject and the name of a buyer."""
    return f"buyer-{number}", f"Buyer No. {number}"


# Of 100 orders, 40 have feedback (0 to 39: replied to, revised, or neither), 20 can be rated (40 to 59), 10 are mostly
# too old for that (60 to 69), and 30 are not complete or offline. 10 have a dispute. 7 have a refund: after a settlement
# (4, 10, 19, 31), a decision (88, where half of the goods are to be sent back) or a cancellation (94, 95). `refund` is
# its status, `owes` its amount. 78 was not cancelled on request, 84 is late.
_PLAN = """
CREATE TEMP TABLE plan AS
SELECT *, uuidv7(placed - now()) AS id,
  CASE WHEN s >= 96 THEN 'OFFLINE' WHEN s % 3 = 0 THEN 'SECURE_PAYMENT' ELSE 'TRADE_ASSURANCE' END AS kind,
  CASE WHEN s < 70 OR s BETWEEN 80 AND 92 OR s >= 94 THEN placed + '1 day'::interval END AS paid,
  CASE WHEN s < 70 OR s >= 84 THEN placed + '5 days'::interval WHEN s >= 80 THEN $1 + '20 days'::interval END AS ship_by,
  CASE WHEN s < 70 OR s BETWEEN 85 AND 92 OR s >= 96 THEN placed + '3 days'::interval END AS shipped,
  CASE WHEN s BETWEEN 40 AND 59 THEN recently WHEN s < 70 THEN placed + '10 days'::interval END AS completed,
  CASE WHEN s BETWEEN 93 AND 95 THEN placed + '2 days'::interval END AS cancelled,
  CASE WHEN s IN (8, 12) THEN recently WHEN s < 40 THEN placed + '12 days'::interval END AS left_at,
  CASE WHEN s IN (4, 10, 95) THEN 'SUCCEEDED' WHEN s = 19 THEN 'SENT' WHEN s IN (31, 88, 94) THEN 'DUE' END AS refund,
  s = 88 AND i % 2 = 0 AS sends_back, s = 90 AND i % 5 = 0 AS appealed,
  CASE WHEN s < 40 AND s % 4 > 0 THEN CASE WHEN s < 20 THEN placed + '14 days'::interval ELSE recently END END AS replied,
  CASE WHEN s < 20 AND s % 4 = 1 THEN placed + '16 days'::interval END AS revised,
  CASE WHEN s IN (4, 10, 19, 31) THEN placed + '11 days'::interval WHEN s = 67 THEN placed + '20 days'::interval
       WHEN s IN (43, 52, 82, 88, 90) THEN $1 - '4 days'::interval - i % 1000 * '20 seconds'::interval END AS opened,
  CASE WHEN s IN (4, 10, 19, 31) THEN 'SETTLED' WHEN s = 67 THEN 'WITHDRAWN' WHEN s = 88 THEN 'RESOLVED' END AS ended,
  10000 + i % 90000 * 7919 % 90000 AS total,
  CASE WHEN s IN (94, 95) THEN 10000 + i % 90000 * 7919 % 90000 WHEN s IN (4, 10, 19, 31, 88) THEN 4000 END AS owes,
  (ARRAY['USD', 'USD', 'EUR', 'JPY'])[i % 4 + 1] AS currency,
  jsonb_build_array(
    jsonb_build_array((ARRAY['Desk lamp, brushed steel', 'Floor lamp, oak', 'Wall lamp'])[i % 3 + 1], i % 9 + 1, 1000 + i % 500),
    jsonb_build_array((ARRAY['LED bulb E27, warm white', 'LED strip, 5 m'])[i % 2 + 1], i % 40 + 1, 250 + i % 90),
    jsonb_build_array('Shipping carton, model ' || i % 97, 1, 100 + i % 10)) AS items
FROM (SELECT i, {buyer} AS b, {supplier} AS p, {stage} AS s,
    date_trunc('milliseconds', $1::timestamptz - '40 days'::interval - i * '360 days'::interval / {orders}) AS placed,
    $1::timestamptz - (1 + i % 25) * '1 day'::interval - i % 7919 * '1 second'::interval AS recently
  FROM generate_series(0, {orders} - 1) AS i) AS numbered
"""
_ACCOUNTS = """
INSERT INTO accounts (id, subject, role, name)
SELECT uuidv7(), 'buyer-' || n, 'BUYER', 'Buyer No. ' || n FROM generate_series(0, {buyers} - 1) AS n UNION ALL
SELECT uuidv7(), 'supplier-' || n, 'SUPPLIER', 'Lumen Lighting ' || n FROM generate_series(0, {suppliers} - 1) AS n
UNION ALL SELECT uuidv7(), 'agent', 'AGENT', 'Case agent' UNION ALL SELECT uuidv7(), 'order-system', 'SERVICE', 'Orders'
"""
_ORDERS = """
INSERT INTO orders (id, number, kind, buyer_id, supplier_id, recorded_by_id, currency, total, amount_paid, items, placed_at,
  payment_submitted_at, paid_at, shipped_at, completed_at, cancelled_at, feedback_left_at, feedback_replied_at,
  feedback_revised_at, dispute_open_since, dispute_settled_at, recorded_at, changed_at, search, ship_by, delivered_at,
  cancellation_declined_at, return_open_since, amount_refunded, amount_sent, amount_owed, refund_due_at,
  refund_reportable_at)
SELECT t.id, 'B-' || lpad(i::text, 8, '0'), kind, b.id, p.id, r.id, currency, total,
  CASE WHEN paid IS NULL THEN 0 ELSE total END, items, placed,
  CASE WHEN s BETWEEN 75 AND 79 THEN placed + '1 hour'::interval END, paid, shipped, completed, cancelled, left_at, replied,
  revised, CASE WHEN ended IS NULL THEN opened END, CASE WHEN ended IN ('SETTLED', 'RESOLVED') THEN opened + '2 days' END,
  $1, $1, lower('B-' || lpad(i::text, 8, '0') || ' ' || b.name || ' ' || p.name || ' ' || (items->0->>0) || ' '
    || (items->1->>0) || ' ' || (items->2->>0)),
  ship_by, CASE WHEN s < 70 THEN placed + '8 days'::interval END,
  CASE WHEN s = 78 THEN placed + '2 days'::interval END, CASE WHEN sends_back THEN opened + '2 days'::interval END,
  CASE WHEN refund = 'SUCCEEDED' THEN owes ELSE 0 END, CASE WHEN refund = 'SENT' THEN owes ELSE 0 END,
  CASE WHEN refund = 'DUE' THEN owes ELSE 0 END,
  CASE WHEN refund <> 'SUCCEEDED' THEN owed_since + '10 days'::interval END,
  CASE WHEN refund <> 'SUCCEEDED' THEN greatest(owed_since + '10 days'::interval, reported + '10 days'::interval) END
FROM owing t JOIN accounts b ON b.subject = 'buyer-' || t.b JOIN accounts p ON p.subject = 'supplier-' || t.p
  JOIN accounts r ON r.role = 'SERVICE' ORDER BY i DESC
"""
# When a refund became owed, or will be after a running return, and when it was last reported as missing.
_OWING = """
CREATE TEMP VIEW owing AS
SELECT *, CASE WHEN cancelled IS NOT NULL THEN cancelled WHEN sends_back THEN opened + '7 days'::interval
    WHEN owes IS NOT NULL THEN opened + '2 days'::interval END AS owed_since,
  CASE WHEN s IN (19, 31, 94) THEN $1 - '12 days'::interval END AS reported
FROM plan
"""
_FEEDBACK = """
INSERT INTO feedback (id, order_id, overall, product_as_agreed, communication, shipping_time, comment, reply, original)
SELECT uuidv7(left_at - now()), id, CASE WHEN kind <> 'SECURE_PAYMENT' THEN i % 5 + 1 END,
  CASE WHEN kind = 'SECURE_PAYMENT' THEN i % 5 + 1 END, CASE WHEN kind = 'SECURE_PAYMENT' THEN i % 4 + 1 END,
  CASE WHEN kind = 'SECURE_PAYMENT' THEN i % 3 + 1 END,
  'The lamps are as described; two cartons were dented. Order ' || i || '.',
  CASE WHEN replied IS NOT NULL THEN 'Thank you. We have talked to the carrier about the cartons.' END,
  CASE WHEN revised IS NOT NULL THEN jsonb_build_object('overall', CASE WHEN kind <> 'SECURE_PAYMENT' THEN 2 END,
    'product_as_agreed', CASE WHEN kind = 'SECURE_PAYMENT' THEN 2 END,
    'communication', CASE WHEN kind = 'SECURE_PAYMENT' THEN 3 END,
    'shipping_time', CASE WHEN kind = 'SECURE_PAYMENT' THEN 3 END, 'comment', 'Two cartons were dented.') END
FROM plan WHERE left_at IS NOT NULL ORDER BY left_at
"""
_DISPUTES = """
INSERT INTO disputes (id, number, order_id, buyer_id, supplier_id, reason, description, wanted, currency, claim, opened_at,
  waits_for, due_at, proposed_at, outcome_resolution, outcome_amount, outcome_currency, outcome_by_id, outcome_note,
  closed_at, closed_as, answered_at, reopened_at, paid_back_at, return_began_at, lines)
SELECT uuidv7(opened - now()), 'D-2026-' || lpad(nextval('case_numbers_dispute')::text, 6, '0'), o.id, o.buyer_id,
  o.supplier_id, 'DAMAGED', 'Twelve of the lamps do not light up, and two cartons were dented.', 'PARTIAL_REFUND',
  o.currency, 5000 + i % 4000, opened,
  CASE WHEN ended IS NOT NULL THEN NULL WHEN appealed THEN 'AGENT' WHEN s = 82 THEN 'BUYER' ELSE 'SUPPLIER' END,
  CASE WHEN appealed THEN opened + '3 days'::interval WHEN ended IS NULL THEN $1 + '5 days'::interval
    WHEN sends_back THEN opened + '7 days'::interval ELSE '9000-01-01T00:00:00Z' END,
  CASE WHEN s = 82 OR ended = 'SETTLED' THEN opened + '1 day'::interval ELSE opened END,
  CASE WHEN sends_back THEN 'RETURN_AND_REFUND' WHEN ended IN ('SETTLED', 'RESOLVED') THEN 'PARTIAL_REFUND' END,
  CASE WHEN ended IN ('SETTLED', 'RESOLVED') THEN 4000 END, CASE WHEN ended IN ('SETTLED', 'RESOLVED') THEN o.currency END,
  CASE ended WHEN 'SETTLED' THEN o.buyer_id WHEN 'RESOLVED' THEN a.id END,
  CASE WHEN ended = 'RESOLVED' THEN 'Ten of the twelve are broken.' END,
  CASE WHEN ended IS NOT NULL THEN opened + '2 days'::interval END, ended,
  CASE WHEN s = 82 OR ended = 'SETTLED' THEN opened + '1 day'::interval END,
  CASE WHEN appealed THEN opened + '3 days'::interval END,
  CASE WHEN refund IN ('SENT', 'SUCCEEDED') THEN owed_since + '3 days'::interval END,
  CASE WHEN sends_back THEN opened + '2 days'::interval END,
  CASE WHEN s = 43 THEN jsonb_build_array(jsonb_build_array(0, 1, t.items->0)) END
FROM owing t JOIN orders o ON o.id = t.id JOIN accounts a ON a.role = 'AGENT' WHERE t.opened IS NOT NULL ORDER BY t.opened
"""
_PROPOSALS = """
INSERT INTO proposals (id, dispute_id, resolution, amount, currency, by_id, at, accepted)
SELECT uuidv7(at - now()), dispute_id, 'PARTIAL_REFUND', amount, currency, by_id, at, accepted FROM (
  SELECT id AS dispute_id, claim AS amount, currency, buyer_id AS by_id, opened_at AS at,
    CASE WHEN proposed_at > opened_at THEN FALSE END AS accepted FROM disputes UNION ALL
  SELECT id, 4000, currency, supplier_id, proposed_at, CASE WHEN closed_as = 'SETTLED' THEN TRUE END FROM disputes
  WHERE proposed_at > opened_at) AS made ORDER BY at
"""
_REOPENINGS = """
INSERT INTO reopenings (id, dispute_id, by_id, at, text, outcome_resolution, outcome_amount, outcome_currency, outcome_by_id,
  outcome_note, closed_at, facts)
SELECT uuidv7(reopened_at - now()), d.id, buyer_id, reopened_at, 'More of the lamps do not light up.', 'PARTIAL_REFUND', 1000,
  currency, a.id, 'Two of the twelve are broken.', opened_at + '2 days'::interval,
  jsonb_build_object('closed_at', opened_at + '2 days'::interval, 'closed_as', 'RESOLVED')
FROM disputes d JOIN accounts a ON a.role = 'AGENT' WHERE reopened_at IS NOT NULL ORDER BY reopened_at
"""
_CANCELLATIONS = """
INSERT INTO cancellations (id, number, order_id, reason, opened_at, closed_at, closed_as)
SELECT uuidv7(at - now()), 'K-2026-' || lpad(nextval('case_numbers_cancellation')::text, 6, '0'), id, 'OTHER', at, at, ended_as
FROM (
  SELECT id, coalesce(cancelled, placed + '2 days'::interval) AS at,
    CASE WHEN cancelled IS NULL THEN 'DECLINED' ELSE 'CANCELLED' END AS ended_as
  FROM plan WHERE cancelled IS NOT NULL OR s = 78) AS ended
ORDER BY at
"""
_REFUNDS = """
INSERT INTO refunds (id, order_id, buyer_id, supplier_id, recorded_by_id, case_kind, case_id, currency, amount, outstanding,
  status, since, owed_since, due_at, hidden_until, reference, recorded_at, settled_at, reported_missing_at)
SELECT uuidv7(owed_since - now()), o.id, o.buyer_id, o.supplier_id, o.recorded_by_id,
  CASE WHEN cancelled IS NULL THEN 'DISPUTE' ELSE 'CANCELLATION' END, coalesce(c.id, d.id), o.currency, owes,
  CASE WHEN refund <> 'SUCCEEDED' THEN owes END, refund, owed_since, owed_since, owed_since + '10 days'::interval,
  CASE WHEN sends_back THEN owed_since END, CASE WHEN refund <> 'DUE' THEN 'R-' || i END,
  CASE WHEN refund <> 'DUE' THEN owed_since + '3 days'::interval END,
  CASE WHEN refund = 'SUCCEEDED' THEN owed_since + '3 days'::interval END, reported
FROM owing t JOIN orders o ON o.id = t.id LEFT JOIN cancellations c ON c.order_id = o.id
  LEFT JOIN disputes d ON d.order_id = o.id
WHERE owes IS NOT NULL ORDER BY owed_since
"""
_MESSAGES = """
INSERT INTO messages (id, case_kind, case_id, by_id, at, text)
SELECT uuidv7(opened_at + n * '3 hours'::interval - now()), 'DISPUTE', id, CASE WHEN n % 2 = 0 THEN buyer_id ELSE supplier_id END,
  opened_at + n * '3 hours'::interval, 'Message ' || n || ': the pictures show the cartons as they came out of the container.'
FROM disputes CROSS JOIN generate_series(1, 6) AS n ORDER BY opened_at
"""
_EVENTS = """
INSERT INTO events (order_id, case_kind, case_id, at, known_at, by_id, action, facts, case_facts)
SELECT order_id, case_kind, case_id, at, at, by_id, action,
  CASE WHEN fact IS NULL THEN '{{}}' ELSE jsonb_build_object(fact, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')) END,
  CASE WHEN action = 'WITHDRAW_DISPUTE' THEN '{{"closed_as": "WITHDRAWN"}}' WHEN case_id IS NOT NULL THEN '{{}}' END::jsonb
FROM (
  SELECT id AS order_id, NULL::text AS case_kind, NULL::uuid AS case_id, e.at, CASE WHEN e.action IS NULL THEN NULL
    WHEN e.action LIKE 'REPLY%' THEN supplier_id ELSE buyer_id END AS by_id, e.action, e.fact
  FROM orders CROSS JOIN LATERAL (VALUES (NULL, 'placed_at', placed_at), (NULL, 'payment_submitted_at', payment_submitted_at),
    (NULL, 'paid_at', paid_at), (NULL, 'shipped_at', shipped_at), (NULL, 'completed_at', completed_at),
    (NULL, 'cancelled_at', cancelled_at), ('LEAVE_FEEDBACK', 'feedback_left_at', feedback_left_at),
    ('REPLY_TO_FEEDBACK', 'feedback_replied_at', feedback_replied_at),
    ('REVISE_FEEDBACK', 'feedback_revised_at', feedback_revised_at)) AS e (action, fact, at) WHERE e.at IS NOT NULL UNION ALL
  SELECT order_id, 'DISPUTE', id, opened_at, buyer_id, 'OPEN_DISPUTE', 'dispute_open_since' FROM disputes UNION ALL
  SELECT order_id, 'DISPUTE', id, closed_at, outcome_by_id, CASE closed_as WHEN 'SETTLED' THEN 'ACCEPT_PROPOSAL'
    WHEN 'RESOLVED' THEN 'RESOLVE_DISPUTE' ELSE 'WITHDRAW_DISPUTE' END, NULL FROM disputes WHERE closed_at IS NOT NULL UNION ALL
  SELECT d.order_id, 'DISPUTE', d.id, m.at, m.by_id, 'POST_DISPUTE_MESSAGE', NULL
  FROM messages m JOIN disputes d ON d.id = m.case_id) AS happened
ORDER BY at
"""


async def connect(url: str) -> Any:
    credentials = tortoise_config(url)["connections"]["default"]["credentials"]
    named = {key: credentials[key] for key in ("host", "port", "user", "password", "database")}
    connection: Any = await asyncpg.connect(**named, command_timeout=3600)
    return connection


async def fill(url: str, shape: Shape, progress: Callable[[str], None]) -> None:
    """Migrates the empty database and fills it."""
    environment = os.environ | {"RECOURSE_DATABASE_URL": url, "RECOURSE_MODE": "development"}
    migrate = [
        sys.executable,
        "-m",
        "server",
        "migrate",
    ]  # in a process of its own: tests may have another database open in this one
    if await (await asyncio.create_subprocess_exec(*migrate, env=environment)).wait():
        raise RuntimeError("the database cannot be migrated")
    connection = await connect(url)
    now = datetime.now(UTC).replace(microsecond=0)
    sizes = {"orders": shape.orders, "buyers": shape.buyers, "suppliers": shape.suppliers}
    sizes |= {name: getattr(shape, name).format(**sizes) for name in ("buyer", "supplier", "stage")}
    await connection.execute("SET session_replication_role = replica; SET synchronous_commit = off")
    await connection.execute("SET work_mem = '256MB'; SET maintenance_work_mem = '512MB'")
    for name, statement in (
        ("accounts", _ACCOUNTS),
        ("a plan", _PLAN),
        ("what they owe", _OWING),
        ("orders", _ORDERS),
        ("feedback", _FEEDBACK),
        ("disputes", _DISPUTES),
        ("proposals", _PROPOSALS),
        ("appeals", _REOPENINGS),
        ("cancellations", _CANCELLATIONS),
        ("refunds", _REFUNDS),
        ("messages", _MESSAGES),
        ("events", _EVENTS),
    ):
        progress(name)
        text = statement.format(**sizes) if name in ("accounts", "a plan", "events") else statement
        # CREATE TABLE AS takes no parameters, so the instant is part of the text.
        await connection.execute(text.replace("$1", f"'{now.isoformat()}'::timestamptz"))
    progress("statistics")
    await connection.execute("DROP TABLE plan CASCADE")
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


async def version(url: str) -> str:
    """Returns the version of PostgreSQL."""
    connection = await connect(url)
    number: str = await connection.fetchval("SHOW server_version")
    await connection.close()
    return number
