from typing import Any

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models.account import Account
from models.dispute import Dispute
from models.enums import ResolutionKind
from models.keys import new_id, one_of


class Reopening(Model):
    """An appeal, or a refused return: it opened a dispute again. What stood until then is kept here.

    `text` is what the appeal says; null for a refused return. `facts` are those of the dispute that stood, with
    instants as RFC 3339 text.
    """

    id = fields.UUIDField(primary_key=True, default=new_id)
    dispute: fields.ForeignKeyRelation[Dispute] = fields.ForeignKeyField(
        "models.Dispute", related_name=False, on_delete=fields.RESTRICT
    )
    by: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "models.Account", related_name=False, on_delete=fields.RESTRICT
    )
    at = fields.DatetimeField()
    text = fields.TextField(null=True)
    outcome_resolution = fields.CharEnumField(ResolutionKind, description="outcome", max_length=32)
    outcome_amount = fields.BigIntField(null=True)
    outcome_currency = fields.CharField(max_length=3, null=True)
    outcome_by: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "models.Account", related_name=False, on_delete=fields.RESTRICT
    )
    outcome_note = fields.TextField(null=True)
    closed_at = fields.DatetimeField(description="when the outcome was agreed or decided")
    facts: Any = fields.JSONField[Any]()

    class Meta(Model.Meta):
        table = "reopenings"
        indexes = (Index(fields=("dispute_id", "at", "id"), name="reopenings_of_dispute"),)
        constraints = (one_of("reopenings", "outcome_resolution", ResolutionKind),)
