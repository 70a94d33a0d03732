"""Orders as order systems have them: samples, overpayment, and records that are less than a microsecond apart."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint

FINER = "what recorded_at has beyond its microseconds, 0 to 999"


class Migration(migrations.Migration):
    dependencies = [("models", "0008_texts")]

    operations = [
        ops.AddField("Order", "recorded_nanoseconds", fields.SmallIntField(default=0, db_default=0, description=FINER)),
        *(
            ops.RemoveConstraint("Order", name=f"orders_{name}")
            for name in ("total_positive", "paid_within_total", "paid_when_paid")
        ),
        ops.AddConstraint(
            "Order", CheckConstraint(check="total >= 0 AND amount_paid >= 0", name="orders_amounts_not_negative")
        ),
        ops.AddConstraint(
            "Order",
            CheckConstraint(check="paid_at IS NOT NULL OR amount_paid = 0", name="orders_paid_with_instant"),
        ),
    ]
