"""What was done under which key."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint

from models.enums import Action
from models.keys import new_id


class Migration(migrations.Migration):
    dependencies = [("models", "0003_attachments")]

    operations = [
        ops.CreateModel(
            name="IdempotencyKey",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                (
                    "caller",
                    fields.ForeignKeyField(
                        "models.Account",
                        source_field="caller_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("key", fields.CharField(max_length=255)),
                ("action", fields.CharEnumField(description="action", enum_type=Action, max_length=32)),
                ("digest", fields.CharField(max_length=64)),
                ("case_id", fields.UUIDField(null=True)),
                ("used_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "idempotency_keys",
                "app": "models",
                "unique_together": (("caller", "key"),),
                "indexes": [Index(fields=["used_at"], name="idempotency_keys_by_use")],
                "pk_attr": "id",
                "table_description": "What a caller did under a key, so that doing it again does nothing again. It is "
                "written with what was done.",
            },
            bases=["Model"],
        ),
        ops.AddConstraint(
            model_name="IdempotencyKey",
            constraint=CheckConstraint(
                check="action IN ('ACCEPT_CANCELLATION', 'ACCEPT_PROPOSAL', 'CANCEL_ORDER', 'DECLINE_CANCELLATION', 'ESCALATE_DISPUTE', 'FILE_COMPLAINT', 'LEAVE_FEEDBACK', 'OPEN_DISPUTE', 'POST_COMPLAINT_MESSAGE', 'POST_DISPUTE_MESSAGE', 'PROPOSE_RESOLUTION', 'REJECT_COMPLAINT', 'REJECT_PROPOSAL', 'REPLY_TO_FEEDBACK', 'REQUEST_CANCELLATION', 'REQUEST_EVIDENCE', 'RESOLVE_COMPLAINT', 'RESOLVE_DISPUTE', 'REVISE_FEEDBACK', 'TAKE_UP_COMPLAINT', 'WITHDRAW_CANCELLATION', 'WITHDRAW_COMPLAINT', 'WITHDRAW_DISPUTE')",
                name="idempotency_keys_action_known",
            ),
        ),
    ]
