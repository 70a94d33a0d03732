from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0011_obligations")]

    initial = False

    operations = [
        ops.AddField("Attachment", "drawn", fields.BooleanField(null=True)),
        ops.AddField("Attachment", "width", fields.IntField(null=True)),
        ops.AddField("Attachment", "height", fields.IntField(null=True)),
    ]
