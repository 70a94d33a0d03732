"""Lists that are planned once for all parties, and a search that looks for the rarest of its terms alone."""

from tortoise import migrations

from models import steps

# Planned once, a list is planned for the usual party. Where that has a great part of all orders, PostgreSQL would walk
# everybody's orders for it, also for those who have few; so it takes every party for one of a hundred.
USUAL_PARTY = "ALTER TABLE orders ALTER COLUMN {column} SET (n_distinct = -0.01)"

# How rare a term is, the statistics of the index tell. Where they tell nothing (the table was never analyzed, or whoever
# asks may not read them), all terms are looked for: going through all places of the common ones takes the most time.
RAREST = """
CREATE OR REPLACE FUNCTION rarest_terms(terms text[]) RETURNS text[] LANGUAGE sql STABLE AS $$
WITH known AS MATERIALIZED (
  SELECT unnest(most_common_elems::text::text[]) AS term, unnest(most_common_elem_freqs) AS frequency FROM pg_stats
  WHERE tablename = 'orders_by_terms' AND schemaname = (
    SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = 'orders_by_terms'::regclass)
)
SELECT ARRAY(
  SELECT term FROM unnest(terms) AS term LEFT JOIN known USING (term)
  ORDER BY frequency NULLS FIRST, term LIMIT (SELECT 2 FROM known LIMIT 1)
)
$$
"""

# For the settings see `orders_with_terms` of 0005, which stays for processes that still run what was before.
HOLDING = """
CREATE OR REPLACE FUNCTION orders_holding(part text, terms text[], party uuid, most integer) RETURNS SETOF uuid
LANGUAGE sql STABLE SET enable_seqscan = off SET enable_indexscan = off SET enable_bitmapscan = on SET work_mem = '64MB'
AS $$
SELECT id FROM orders
WHERE order_terms(search, buyer_id, supplier_id) @> array_remove((SELECT rarest_terms(terms)) || party::text, NULL)
  AND strpos(search, part) > 0 LIMIT most
$$
"""


class Migration(migrations.Migration):
    dependencies = [("models", "0005_growth")]

    operations = [
        steps.OnPostgres(
            "analyze orders",
            *(USUAL_PARTY.format(column=column) for column in ("buyer_id", "supplier_id")),
            "ANALYZE orders",
        ),
        steps.OnPostgres("create functions rarest_terms and orders_holding", RAREST, HOLDING),
    ]
