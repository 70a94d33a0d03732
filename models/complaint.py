from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models.account import Account
from models.enums import ComplaintKind, ComplaintStatus
from models.keys import check, new_id, one_of
from models.order import Order


class Complaint(Model):
    """A complaint to the Complaint Center about an offline trade: an order on record, or a supplier named otherwise.

    `amount` is in the minor units of `amount_currency`.
    """

    id = fields.UUIDField(primary_key=True, default=new_id)
    number = fields.CharField(max_length=32, unique=True)
    complainant: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "models.Account", related_name=False, on_delete=fields.RESTRICT
    )
    order: fields.ForeignKeyNullableRelation[Order] = fields.ForeignKeyField(
        "models.Order", related_name=False, on_delete=fields.RESTRICT, null=True
    )
    kind = fields.CharEnumField(ComplaintKind, description="kind", max_length=32)
    respondent_email = fields.CharField(max_length=254, null=True)
    respondent_member_id = fields.CharField(max_length=255, null=True)
    respondent_url = fields.CharField(max_length=2000, null=True)
    description = fields.TextField()
    amount = fields.BigIntField(null=True)
    amount_currency = fields.CharField(max_length=3, null=True)
    contact_email = fields.CharField(max_length=254, null=True)
    contact_phone = fields.CharField(max_length=32, null=True)
    opened_at = fields.DatetimeField()
    closed_at = fields.DatetimeField(null=True)
    closed_as = fields.CharEnumField(ComplaintStatus, description="how it ended", max_length=32, null=True)

    class Meta(Model.Meta):
        table = "complaints"
        indexes = (
            Index(fields=("order_id", "opened_at", "id"), name="complaints_of_order"),
            Index(fields=("complainant_id", "opened_at", "id"), name="complaints_of_complainant"),
            Index(fields=("opened_at", "id"), name="complaints_of_all"),
        )
        constraints = (
            one_of("complaints", "kind", ComplaintKind),
            one_of("complaints", "closed_as", ComplaintStatus),
            check("complaints", "closed_somehow", "(closed_at IS NULL) = (closed_as IS NULL)"),
            check("complaints", "amount_positive", "amount > 0"),
            check("complaints", "amount_with_currency", "(amount IS NULL) = (amount_currency IS NULL)"),
            check("complaints", "contact", "contact_email IS NOT NULL OR contact_phone IS NOT NULL"),
        )
