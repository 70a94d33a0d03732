"""What an outcome may be now: facts of disputes that follow what becomes of the order's payment.

Orders whose payment was taken back, and open disputes, are given the facts that they would have had from the start. The
latest event of an open dispute tells them as well, so that the dispute stays the fold of its events.
"""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor import BaseSchemaEditor
from tortoise.migrations.schema_generator.state_apps import StateApps

# An event that took back a payment says so with a null.
REVERSED = {
    "postgres": """
UPDATE orders SET payment_reversed_at = reversed.at
FROM (SELECT order_id, max(at) AS at FROM events WHERE facts -> 'paid_at' = 'null' GROUP BY order_id) AS reversed
WHERE orders.id = reversed.order_id AND paid_at IS NULL
""",
    "sqlite": """
UPDATE orders SET payment_reversed_at = (
  SELECT max(at) FROM events WHERE order_id = orders.id AND json_type(facts, '$.paid_at') = 'null'
)
WHERE paid_at IS NULL AND id IN (SELECT order_id FROM events WHERE json_type(facts, '$.paid_at') = 'null')
""",
}
LIMITED = """
UPDATE disputes SET
  (offered, offered_currency) = (
    SELECT amount, currency FROM proposals WHERE dispute_id = disputes.id AND accepted IS NULL
  ),
  (claimable, claimable_currency) = (
    SELECT CASE WHEN paid_at IS NOT NULL THEN amount_paid WHEN payment_reversed_at IS NULL THEN total ELSE 0 END, currency
    FROM orders WHERE orders.id = disputes.order_id
  )
WHERE closed_at IS NULL
"""
TOLD = {
    "postgres": """
UPDATE events SET case_facts = coalesce(case_facts, '{}') || jsonb_build_object(
  'offered', offered, 'offered_currency', offered_currency,
  'claimable', claimable, 'claimable_currency', claimable_currency
)
FROM disputes
WHERE closed_at IS NULL AND events.id = (SELECT max(latest.id) FROM events AS latest WHERE latest.case_id = disputes.id)
""",
    "sqlite": """
UPDATE events SET case_facts = (
  SELECT json_set(
    coalesce(events.case_facts, '{}'), '$.offered', offered, '$.offered_currency', offered_currency,
    '$.claimable', claimable, '$.claimable_currency', claimable_currency
  )
  FROM disputes WHERE disputes.id = events.case_id
)
WHERE id IN (
  SELECT max(latest.id) FROM events AS latest JOIN disputes ON disputes.id = latest.case_id
  WHERE disputes.closed_at IS NULL GROUP BY latest.case_id
)
""",
}


async def fill(_apps: StateApps, editor: BaseSchemaEditor) -> None:
    for statement in (REVERSED[editor.DIALECT], LIMITED, TOLD[editor.DIALECT]):
        await editor.client.execute_query(statement)


OFFERED = "the amount of the proposal on the table, if any"
CLAIMABLE = "what can be claimed of the order at most, now"


class Migration(migrations.Migration):
    dependencies = [("models", "0006_lists")]

    operations = [
        ops.AddField("Order", "payment_reversed_at", fields.DatetimeField(null=True)),
        ops.AddField("Dispute", "offered", fields.BigIntField(null=True, description=OFFERED)),
        ops.AddField("Dispute", "offered_currency", fields.CharField(max_length=3, null=True)),
        ops.AddField("Dispute", "claimable", fields.BigIntField(null=True, description=CLAIMABLE)),
        ops.AddField("Dispute", "claimable_currency", fields.CharField(max_length=3, null=True)),
        ops.RunPython(fill),
    ]
