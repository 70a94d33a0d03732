from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models.account import Account
from models.enums import DisputeReason, DisputeStatus, ResolutionKind
from models.keys import check, new_id, one_of
from models.order import Order


class Dispute(Model):
    """A buyer's dispute about an order. Open while `closed_at` is null, `closed_as` says how it ended.

    The parties are the order's and never change; they stand here so that a party's list is one index.
    `claim` is in the minor units of `claim_currency`.
    """

    id = fields.UUIDField(primary_key=True, default=new_id)
    number = fields.CharField(max_length=32, unique=True)
    order: fields.ForeignKeyRelation[Order] = fields.ForeignKeyField(
        "models.Order", related_name=False, on_delete=fields.RESTRICT
    )
    buyer: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "models.Account", related_name=False, on_delete=fields.RESTRICT
    )
    supplier: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "models.Account", related_name=False, on_delete=fields.RESTRICT
    )
    reason = fields.CharEnumField(DisputeReason, description="reason", max_length=32)
    description = fields.TextField()
    wanted = fields.CharEnumField(ResolutionKind, description="what the buyer wants", max_length=32)
    claim = fields.BigIntField(null=True)
    claim_currency = fields.CharField(max_length=3, null=True)
    opened_at = fields.DatetimeField()
    closed_at = fields.DatetimeField(null=True)
    closed_as = fields.CharEnumField(DisputeStatus, description="how it ended", max_length=32, null=True)

    class Meta(Model.Meta):
        table = "disputes"
        indexes = (
            Index(fields=("order_id", "opened_at", "id"), name="disputes_of_order"),
            Index(fields=("buyer_id", "opened_at", "id"), name="disputes_of_buyer"),
            Index(fields=("supplier_id", "opened_at", "id"), name="disputes_of_supplier"),
            Index(fields=("opened_at", "id"), name="disputes_of_all"),
        )
        constraints = (
            one_of("disputes", "reason", DisputeReason),
            one_of("disputes", "wanted", ResolutionKind),
            one_of("disputes", "closed_as", DisputeStatus),
            check("disputes", "closed_somehow", "(closed_at IS NULL) = (closed_as IS NULL)"),
            check("disputes", "claim_positive", "claim > 0"),
            check("disputes", "claim_with_currency", "(claim IS NULL) = (claim_currency IS NULL)"),
        )
