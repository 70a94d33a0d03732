from typing import Any

from tortoise import fields
from tortoise.models import Model

from models.keys import check, new_id
from models.order import Order

STARS = ("overall", "product_as_agreed", "communication", "shipping_time")


class Feedback(Model):
    """What was said about an order; when it was said are facts of the order.

    `original` holds the stars and comment from before the revision, as a JSON object.
    """

    id = fields.UUIDField(primary_key=True, default=new_id)
    order: fields.OneToOneRelation[Order] = fields.OneToOneField(
        "models.Order", related_name=False, on_delete=fields.RESTRICT
    )
    overall = fields.SmallIntField(null=True)
    product_as_agreed = fields.SmallIntField(null=True)
    communication = fields.SmallIntField(null=True)
    shipping_time = fields.SmallIntField(null=True)
    comment = fields.TextField(null=True)
    reply = fields.TextField(null=True)
    original: Any = fields.JSONField[Any](null=True)

    class Meta(Model.Meta):
        table = "feedback"
        constraints = (
            *(check("feedback", f"{stars}_range", f"{stars} BETWEEN 1 AND 5") for stars in STARS),
            check(
                "feedback",
                "one_form",
                "(overall IS NULL) = (product_as_agreed IS NOT NULL)"
                " AND (product_as_agreed IS NULL) = (communication IS NULL)"
                " AND (product_as_agreed IS NULL) = (shipping_time IS NULL)",
            ),
        )
