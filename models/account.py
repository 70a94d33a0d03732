from tortoise import fields
from tortoise.models import Model

from models.enums import Role
from models.keys import new_id, one_of


class Account(Model):
    """Who takes part: a subject of the identity provider in one role. Made at first sight, never removed.

    `is_renamed` is set while some of its orders may still be searched by its former name. `calendar_resets` counts how
    often its calendar got a new address.
    """

    id = fields.UUIDField(primary_key=True, default=new_id)
    subject = fields.CharField(max_length=255)
    role = fields.CharEnumField(Role, description="role", max_length=16)
    name = fields.CharField(max_length=200)
    is_renamed = fields.BooleanField(default=False, db_default=False)
    calendar_resets = fields.IntField(default=0, db_default=0)

    class Meta(Model.Meta):
        table = "accounts"
        unique_together = (("subject", "role"),)
        constraints = (one_of("accounts", "role", Role),)
