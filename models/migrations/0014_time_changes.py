"""The disputes of a party by the instant at which time changes them, whoever's turn it is."""

from tortoise import migrations

from models import steps

INDEXES = {f"disputes_due_of_{party}": f"({party}_id, due_at, id)" for party in ("buyer", "supplier")}


class Migration(migrations.Migration):
    dependencies = [("models", "0013_agenda")]

    initial = False

    operations = [steps.CreateIndex(name, "disputes", definition) for name, definition in INDEXES.items()]
