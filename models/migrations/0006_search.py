"""A search that looks for the rarest of its terms alone: going through where the common ones are takes the most time."""

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor import BaseSchemaEditor
from tortoise.migrations.schema_generator.state_apps import StateApps

# How rare a term is, the statistics of the index tell. Where they tell nothing (the table was never analyzed, or whoever
# asks may not read them), all terms are looked for. For the settings see `orders_with_terms` of 0005, which stays for
# processes that still run what was before.
HOLDING = """
CREATE OR REPLACE FUNCTION orders_holding(part text, terms text[], party uuid, most integer) RETURNS SETOF uuid
LANGUAGE sql STABLE SET enable_seqscan = off SET enable_indexscan = off SET work_mem = '64MB' AS $$
WITH known AS MATERIALIZED (
  SELECT unnest(most_common_elems::text::text[]) AS term, unnest(most_common_elem_freqs) AS frequency FROM pg_stats
  WHERE schemaname = current_schema AND tablename = 'orders_by_terms'
), rarest AS (
  SELECT term FROM unnest(terms) AS term LEFT JOIN known USING (term)
  ORDER BY frequency NULLS FIRST, term LIMIT (SELECT 2 FROM known LIMIT 1)
)
SELECT id FROM orders
WHERE order_terms(search, buyer_id, supplier_id) @> array_remove(ARRAY(SELECT term FROM rarest) || party::text, NULL)
  AND strpos(search, part) > 0 LIMIT most
$$
"""


async def make_function(_apps: StateApps, editor: BaseSchemaEditor) -> None:
    if editor.DIALECT == "postgres":
        await editor.client.execute_query(HOLDING)


class Migration(migrations.Migration):
    dependencies = [("models", "0005_growth")]

    operations = [ops.RunPython(make_function)]
