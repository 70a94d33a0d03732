"""Lists that cost the same however long they are: an index for each filter, and one for searching."""

from tortoise import migrations

from models import steps

# What follows has the very words of the statements that ask for it, by which SQLite goes. This is the place of an order's
# status in the policy's table.
STATUS = (
    "CASE WHEN cancelled_at IS NOT NULL THEN 0 WHEN completed_at IS NOT NULL THEN 1 WHEN shipped_at IS NOT NULL THEN 2"
    " WHEN paid_at IS NOT NULL THEN 3 WHEN payment_submitted_at IS NOT NULL THEN 4 ELSE 5 END"
)

INDEXES = {
    # Kinds and statuses, in any combination: a list of several is merged from as many stretches of these.
    "orders_of_buyer_by_status": f"(buyer_id, kind, ({STATUS}), placed_at, id)",
    "orders_of_supplier_by_status": f"(supplier_id, kind, ({STATUS}), placed_at, id)",
    # Where an action is open to few orders of any status.
    "orders_to_revise": "(buyer_id, kind, placed_at, id, feedback_replied_at)"
    " WHERE feedback_replied_at IS NOT NULL AND NOT (feedback_revised_at IS NOT NULL)",
    "orders_to_reply": "(supplier_id, kind, placed_at, id)"
    " WHERE feedback_left_at IS NOT NULL AND NOT (feedback_replied_at IS NOT NULL)",
    "orders_pending_of_buyer": "(buyer_id, kind, placed_at, id) WHERE cancellation_pending_since IS NOT NULL",
    "orders_pending_of_supplier": "(supplier_id, kind, placed_at, id) WHERE cancellation_pending_since IS NOT NULL",
}
# Where it is open to few of one status, or within a window, which is looked at in the index by its last column. SQLite
# would not choose them over the first ones.
OF_A_STATUS = {
    "orders_to_rate": "(buyer_id, kind, placed_at, id, completed_at)"
    f" WHERE ({STATUS}) = 1 AND NOT (feedback_left_at IS NOT NULL)",
    "orders_shipped_unpaid": f"(buyer_id, kind, placed_at, id) WHERE ({STATUS}) = 2 AND NOT (paid_at IS NOT NULL)",
    "orders_cancelled_late": "(buyer_id, kind, placed_at, id)"
    f" WHERE ({STATUS}) = 0 AND (paid_at IS NOT NULL OR shipped_at IS NOT NULL OR completed_at IS NOT NULL)",
}

# Of core PostgreSQL alone, since pg_trgm is not everywhere and cannot tell the parties apart.
TERMS = """
CREATE OR REPLACE FUNCTION order_terms(search text, buyer uuid, supplier uuid) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT coalesce(array_agg(DISTINCT substr($1, n, 3)), '{}') || $2::text || $3::text
FROM generate_series(1, length($1) - 2) AS n
$$
"""

# What it finds is few or cut short, which no planner knows before: it must not come upon scanning the table for it. With
# less memory a large party's rows would be found by their pages alone, and the terms of all rows on these made anew.
FOUND = """
CREATE OR REPLACE FUNCTION orders_with_terms(terms text[], most integer) RETURNS SETOF uuid
LANGUAGE sql STABLE SET enable_seqscan = off SET enable_indexscan = off SET work_mem = '64MB' AS $$
SELECT id FROM orders WHERE order_terms(search, buyer_id, supplier_id) @> $1 LIMIT $2
$$
"""


class Migration(migrations.Migration):
    dependencies = [("models", "0004_idempotency_keys")]

    operations = [
        *(steps.CreateIndex(name, "orders", what) for name, what in INDEXES.items()),
        *(steps.CreateIndex(name, "orders", what, postgres_only=True) for name, what in OF_A_STATUS.items()),
        steps.OnPostgres("create function order_terms", TERMS),
        steps.CreateIndex(
            "orders_by_terms", "orders", "USING gin (order_terms(search, buyer_id, supplier_id))", postgres_only=True
        ),
        steps.OnPostgres("create function orders_with_terms", FOUND),
        steps.DropIndex("orders_search", postgres_only=True),  # by pg_trgm, where there is one
    ]
