from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models.account import Account
from models.enums import CaseKind
from models.keys import new_id, one_of


class Message(Model):
    """What somebody wrote in a case."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    case_kind = fields.CharEnumField(CaseKind, description="kind of case", max_length=16)
    case_id = fields.UUIDField()
    by: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "models.Account", related_name=False, on_delete=fields.RESTRICT
    )
    at = fields.DatetimeField()
    text = fields.TextField()

    class Meta(Model.Meta):
        table = "messages"
        indexes = (Index(fields=("case_id", "at", "id"), name="messages_of_case"),)
        constraints = (one_of("messages", "case_kind", CaseKind),)
