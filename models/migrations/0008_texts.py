"""Texts in the forms in which they are compared: order numbers and names trimmed, and searched as they are shown."""

from json import loads
from typing import Any

from tortoise import fields, migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor import BaseSchemaEditor
from tortoise.migrations.schema_generator.state_apps import StateApps

from models import steps
from models.text import normal, one_line, order_search


async def normalize_numbers(_apps: StateApps, editor: BaseSchemaEditor) -> None:
    """A number whose normal form another order has keeps its spelling: the two cannot be made one."""
    unusual, new, id = "number GLOB '*[^!-~]*'", "?1", "?2"
    if editor.DIALECT == "postgres":
        unusual, new, id = "number !~ '^[!-~]+$'", "$1", "$2"
    rows: list[dict[str, Any]] = await editor.client.execute_query_dict(
        f"SELECT id, number FROM orders WHERE {unusual}"  # noqa: S608
    )
    for row in rows:
        number = normal(row["number"])
        if number not in ("", row["number"]):
            await editor.client.execute_query(
                f"UPDATE orders SET number = {new} WHERE id = {id}"  # noqa: S608
                f" AND NOT EXISTS (SELECT 1 FROM orders WHERE number = {new})",
                [number, row["id"]],
            )


def name_in_line(row: dict[str, Any]) -> dict[str, Any] | None:
    name = one_line(row["name"])
    return None if name in ("", row["name"]) else {"name": name}


def search_by_names_shown(row: dict[str, Any]) -> dict[str, Any] | None:
    titles = [title for title, *_ in loads(row["items"])]
    search = order_search(row["number"], row["buyer"], row["supplier"], titles)
    return None if search == row["search"] else {"search": search}


class Migration(migrations.Migration):
    dependencies = [("models", "0007_limits")]

    operations = [
        ops.AddField(
            model_name="Account", name="is_renamed", field=fields.BooleanField(default=False, db_default=False)
        ),
        steps.CreateIndex("accounts_renamed", "accounts", "(id) WHERE is_renamed"),
        steps.BackfillBy("accounts", ["name"], name_in_line),
        ops.RunPython(normalize_numbers),
        steps.BackfillBy(
            "orders",
            [
                "number",
                "items",
                "search",
                "(SELECT name FROM accounts WHERE accounts.id = buyer_id) AS buyer",
                "(SELECT name FROM accounts WHERE accounts.id = supplier_id) AS supplier",
            ],
            search_by_names_shown,
        ),
    ]
