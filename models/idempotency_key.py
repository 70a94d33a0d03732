from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models.account import Account
from models.enums import Action
from models.keys import new_id, one_of


class IdempotencyKey(Model):
    """What a caller did under a key, so that doing it again does nothing again. It is written with what was done.

    When the same request comes again, it changes nothing and gets the same result. `digest` is the SHA-256 of the
    action and its input. `case_id` is the case that the action opened, or was about where the input names none.
    """

    id = fields.UUIDField(primary_key=True, default=new_id)
    caller: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "models.Account", related_name=False, on_delete=fields.RESTRICT
    )
    key = fields.CharField(max_length=255)
    action = fields.CharEnumField(Action, description="action", max_length=32)
    digest = fields.CharField(max_length=64)
    case_id = fields.UUIDField(null=True)
    used_at = fields.DatetimeField()

    class Meta(Model.Meta):
        table = "idempotency_keys"
        unique_together = (("caller", "key"),)
        indexes = (Index(fields=("used_at",), name="idempotency_keys_by_use"),)
        constraints = (one_of("idempotency_keys", "action", Action),)
