"""The lines of orders, and those that a dispute is about."""

import strawberry

from execution.complexity import SHORT_TEXT
from schema.money import Money


@strawberry.type(description="A line of an order.")
class OrderItem:
    global_id: strawberry.ID = strawberry.field(
        name="id",
        description="An opaque id of this line of this order. Do not parse it; `Query.node` does not find it.",
    )
    title: str = strawberry.field(metadata=SHORT_TEXT, description="What was ordered.")
    quantity: int = strawberry.field(description="How many were ordered.")
    unit_price: Money = strawberry.field(
        description="The price of one, with as many decimals as it has, at least the currency's. Below 0 for a "
        "discount."
    )
    sku: str | None = strawberry.field(description="The supplier's own code for it. Null if it has none.")
    image_url: str | None = strawberry.field(
        metadata=SHORT_TEXT, description="The https address of a picture of it. Null if there is none."
    )


@strawberry.type(description="A line of the order that a dispute is about, as it was when the dispute was opened.")
class DisputeLine:
    item: OrderItem = strawberry.field(description="The line of the order.")
    quantity: int = strawberry.field(description="How many of it the dispute is about.")
