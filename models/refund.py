from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models.account import Account
from models.enums import CaseKind, RefundStatus
from models.keys import check, new_id, one_of
from models.order import Order


class Refund(Model):
    """Money that goes back to the buyer of an order: owed by a case, or told by the order system, or both.

    `amount` is in the minor units of `currency`. `outstanding` is the part that did not arrive and that nothing else
    has paid; null if there is none. A refund that a running return will owe is hidden until `hidden_until`, the instant
    at which time alone makes it owed. `since` and `due_at` are the positions in the two orders of a list: when it
    became owed or was first recorded, and when it is due.

    The parties and the order system are the order's and never change. They are copied here so that one index serves a
    list.
    """

    id = fields.UUIDField(primary_key=True, default=new_id)
    order: fields.ForeignKeyRelation[Order] = fields.ForeignKeyField(
        "models.Order", related_name=False, on_delete=fields.RESTRICT
    )
    buyer: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "models.Account", related_name=False, on_delete=fields.RESTRICT
    )
    supplier: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "models.Account", related_name=False, on_delete=fields.RESTRICT
    )
    recorded_by: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "models.Account", related_name=False, on_delete=fields.RESTRICT
    )
    case_kind = fields.CharEnumField(CaseKind, description="kind of the case that owes it", max_length=16, null=True)
    case_id = fields.UUIDField(null=True)
    currency = fields.CharField(max_length=3)
    amount = fields.BigIntField()
    outstanding = fields.BigIntField(null=True)
    status = fields.CharEnumField(RefundStatus, description="status", max_length=16)
    since = fields.DatetimeField()
    owed_since = fields.DatetimeField(null=True)
    due_at = fields.DatetimeField()
    hidden_until = fields.DatetimeField(null=True)
    reference = fields.CharField(max_length=100, null=True)
    recorded_at = fields.DatetimeField(null=True, description="of the newest record of the reference")
    recorded_nanoseconds = fields.SmallIntField(
        default=0, db_default=0, description="what recorded_at has beyond its microseconds, 0 to 999"
    )
    settled_at = fields.DatetimeField(null=True)
    reported_missing_at = fields.DatetimeField(null=True)

    class Meta(Model.Meta):
        table = "refunds"
        indexes = (
            Index(fields=("order_id", "since", "id"), name="refunds_of_order"),
            Index(fields=("case_id", "since", "id"), name="refunds_of_case"),
            Index(fields=("buyer_id", "since", "id"), name="refunds_of_buyer"),
            Index(fields=("supplier_id", "since", "id"), name="refunds_of_supplier"),
            Index(fields=("recorded_by_id", "since", "id"), name="refunds_of_service"),
            Index(fields=("since", "id"), name="refunds_of_all"),
            Index(fields=("buyer_id", "due_at", "id"), name="refunds_of_buyer_by_due"),
            Index(fields=("supplier_id", "due_at", "id"), name="refunds_of_supplier_by_due"),
            Index(fields=("recorded_by_id", "due_at", "id"), name="refunds_of_service_by_due"),
            Index(fields=("due_at", "id"), name="refunds_by_due"),
            Index(fields=("buyer_id", "status", "since", "id"), name="refunds_of_buyer_by_status"),
            Index(fields=("supplier_id", "status", "since", "id"), name="refunds_of_supplier_by_status"),
            Index(fields=("recorded_by_id", "status", "since", "id"), name="refunds_of_service_by_status"),
            Index(fields=("status", "since", "id"), name="refunds_by_status"),
            Index(fields=("buyer_id", "status", "due_at", "id"), name="refunds_due_of_buyer_by_status"),
            Index(fields=("supplier_id", "status", "due_at", "id"), name="refunds_due_of_supplier_by_status"),
            Index(fields=("recorded_by_id", "status", "due_at", "id"), name="refunds_due_of_service_by_status"),
            Index(fields=("status", "due_at", "id"), name="refunds_due_by_status"),
        )
        constraints = (
            one_of("refunds", "status", RefundStatus),
            one_of("refunds", "case_kind", (CaseKind.CANCELLATION, CaseKind.DISPUTE)),
            check("refunds", "case_named", "(case_kind IS NULL) = (case_id IS NULL)"),
            check("refunds", "amount_positive", "amount > 0"),
            check("refunds", "outstanding_within_amount", "outstanding > 0 AND outstanding <= amount"),
            check("refunds", "outstanding_until_ended", "outstanding IS NULL OR status NOT IN ('SUCCEEDED', 'VOID')"),
            check("refunds", "reference_dated", "(reference IS NULL) = (recorded_at IS NULL)"),
            check("refunds", "told_or_owed", "reference IS NOT NULL OR case_id IS NOT NULL"),
            check("refunds", "settled_when_arrived", "(settled_at IS NOT NULL) = (status = 'SUCCEEDED')"),
        )
