from typing import Any

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models.account import Account
from models.enums import OrderKind
from models.keys import check, new_id, one_of


class Order(Model):
    """An order as a row of facts: everything that its rules read, folded from its events.

    Amounts are in the minor units of `currency`. An item with a finer price has the price in units of its last decimal,
    and one more entry, the number of its decimals. An item with an SKU or a picture has that entry, which may be null,
    and behind it the SKU and the picture's address.

    - `payment_reversed_at` is set while a payment that was received is known to have been reversed.
    - `cancellation_pending_since`, `dispute_open_since` and `complaint_open_since` are null while no such case is open.
    - After `dispute_lapses_at`, the open dispute is no longer open.
    - `dispute_settled_at` is set while a settlement or decision of a dispute stands, `replacement_agreed_at` if it is a
      replacement.
    - `return_open_since` is set while goods are to be sent back, until the end of the return is recorded.
    - `amount_refunded` has arrived, `amount_sent` is on its way, `amount_owed` is neither; what a running return will
      owe is part of it.
    - After `refund_due_at`, a refund is overdue; after `refund_reportable_at`, one can be reported as missing.
    """

    id = fields.UUIDField(primary_key=True, default=new_id)
    number = fields.CharField(max_length=64, unique=True)
    kind = fields.CharEnumField(OrderKind, description="kind", max_length=16)
    buyer: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "models.Account", related_name=False, on_delete=fields.RESTRICT
    )
    supplier: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "models.Account", related_name=False, on_delete=fields.RESTRICT
    )
    recorded_by: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "models.Account", related_name=False, on_delete=fields.RESTRICT
    )
    currency = fields.CharField(max_length=3)
    total = fields.BigIntField()
    amount_paid = fields.BigIntField()
    items: Any = fields.JSONField[Any](description="a list of [title, quantity, unit price in minor units]")
    amount_refunded = fields.BigIntField(default=0, db_default=0)
    amount_sent = fields.BigIntField(default=0, db_default=0)
    amount_owed = fields.BigIntField(default=0, db_default=0)

    placed_at = fields.DatetimeField()
    payment_submitted_at = fields.DatetimeField(null=True)
    payment_reversed_at = fields.DatetimeField(null=True)
    paid_at = fields.DatetimeField(null=True)
    ship_by = fields.DatetimeField(null=True)
    shipped_at = fields.DatetimeField(null=True)
    delivered_at = fields.DatetimeField(null=True)
    completed_at = fields.DatetimeField(null=True)
    cancelled_at = fields.DatetimeField(null=True)
    feedback_left_at = fields.DatetimeField(null=True)
    feedback_replied_at = fields.DatetimeField(null=True)
    feedback_revised_at = fields.DatetimeField(null=True)
    cancellation_pending_since = fields.DatetimeField(null=True)
    cancellation_declined_at = fields.DatetimeField(null=True)
    dispute_open_since = fields.DatetimeField(null=True)
    dispute_lapses_at = fields.DatetimeField(null=True)
    dispute_settled_at = fields.DatetimeField(null=True)
    replacement_agreed_at = fields.DatetimeField(null=True)
    return_open_since = fields.DatetimeField(null=True)
    refund_due_at = fields.DatetimeField(null=True)
    refund_reportable_at = fields.DatetimeField(null=True)
    complaint_open_since = fields.DatetimeField(null=True)

    recorded_at = fields.DatetimeField(description="of the newest record taken from the order system")
    recorded_nanoseconds = fields.SmallIntField(
        default=0, db_default=0, description="what recorded_at has beyond its microseconds, 0 to 999"
    )
    changed_at = fields.DatetimeField(description="when its latest event became known here")
    search = fields.TextField(description="case-folded number, names of both parties, titles of the items")

    class Meta(Model.Meta):
        table = "orders"
        indexes = (
            Index(fields=("buyer_id", "placed_at", "id"), name="orders_of_buyer"),
            Index(fields=("supplier_id", "placed_at", "id"), name="orders_of_supplier"),
            Index(fields=("recorded_by_id", "placed_at", "id"), name="orders_of_service"),
            Index(fields=("placed_at", "id"), name="orders_of_all"),
        )
        constraints = (
            one_of("orders", "kind", OrderKind),
            check("orders", "amounts_not_negative", "total >= 0 AND amount_paid >= 0"),
            check(
                "orders",
                "refunds_not_negative",
                "amount_refunded >= 0 AND amount_sent >= 0 AND amount_owed >= 0",
            ),
            check("orders", "refunds_within_paid", "amount_refunded + amount_sent + amount_owed <= amount_paid"),
            check("orders", "paid_with_instant", "paid_at IS NOT NULL OR amount_paid = 0"),
            check("orders", "reply_to_feedback", "feedback_replied_at IS NULL OR feedback_left_at IS NOT NULL"),
            check(
                "orders",
                "revision_after_reply",
                "feedback_revised_at IS NULL OR feedback_replied_at IS NOT NULL",
            ),
        )
