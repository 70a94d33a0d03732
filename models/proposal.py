from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models.account import Account
from models.dispute import Dispute
from models.enums import ResolutionKind
from models.keys import check, new_id, one_of


class Proposal(Model):
    """How a party would settle a dispute. `amount` is in the minor units of `currency`."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    dispute: fields.ForeignKeyRelation[Dispute] = fields.ForeignKeyField(
        "models.Dispute", related_name=False, on_delete=fields.RESTRICT
    )
    resolution = fields.CharEnumField(ResolutionKind, description="resolution", max_length=32)
    amount = fields.BigIntField(null=True)
    currency = fields.CharField(max_length=3, null=True)
    by: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "models.Account", related_name=False, on_delete=fields.RESTRICT
    )
    at = fields.DatetimeField()
    accepted = fields.BooleanField(null=True, description="null while nobody has answered it")

    class Meta(Model.Meta):
        table = "proposals"
        indexes = (Index(fields=("dispute_id", "at", "id"), name="proposals_of_dispute"),)
        constraints = (
            one_of("proposals", "resolution", ResolutionKind),
            check("proposals", "amount_positive", "amount > 0"),
            check("proposals", "amount_with_currency", "(amount IS NULL) = (currency IS NULL)"),
        )
