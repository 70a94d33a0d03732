"""Files of cases."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint

from models.enums import CaseKind
from models.keys import new_id


class Migration(migrations.Migration):
    dependencies = [("models", "0002_second_walls")]

    operations = [
        ops.CreateModel(
            name="Attachment",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                (
                    "by",
                    fields.ForeignKeyField(
                        "models.Account",
                        source_field="by_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("filename", fields.CharField(max_length=255)),
                ("content_type", fields.CharField(max_length=127)),
                ("size", fields.BigIntField()),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "case_kind",
                    fields.CharEnumField(null=True, description="kind of case", enum_type=CaseKind, max_length=16),
                ),
                ("case_id", fields.UUIDField(null=True)),
                ("message_id", fields.UUIDField(null=True)),
            ],
            options={
                "table": "attachments",
                "app": "models",
                "indexes": [
                    Index(fields=["case_id", "id"], name="attachments_of_case"),
                    Index(fields=["message_id", "id"], name="attachments_of_message"),
                ],
                "pk_attr": "id",
                "table_description": "A file that somebody brought: an upload while no case has it, and evidence of that "
                "case from then on.",
            },
            bases=["Model"],
        ),
        *(
            ops.AddConstraint(model_name="Attachment", constraint=CheckConstraint(check=check, name=name))
            for name, check in (
                ("attachments_case_kind_known", "case_kind IN ('CANCELLATION', 'COMPLAINT', 'DISPUTE')"),
                ("attachments_case_named", "(case_kind IS NULL) = (case_id IS NULL)"),
                ("attachments_message_in_case", "message_id IS NULL OR case_id IS NOT NULL"),
                ("attachments_size_positive", "size > 0"),
            )
        ),
        ops.RunSQL("CREATE INDEX attachments_unused ON attachments (by_id, created_at) WHERE case_id IS NULL"),
    ]
