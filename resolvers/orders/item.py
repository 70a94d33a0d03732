"""The lines of an order, as they are stored and as clients see them.

A plain line is stored as [title, quantity, unit price]. What it has beyond that is stored behind it:

    ["LED lamp", 10, 900]                                       9.00 USD each
    ["Screw", 10000, 125, 4]                                    0.0125 USD each: a price with 4 decimals
    ["LED lamp", 10, 900, null, "L-7", "https://example.com/l"]  with its SKU and the address of its picture

A line is named by its order and its place there, counted from 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from resolvers import ids
from resolvers.money import Money, StoredPrice, unit_price

MAX_ITEMS = 100  # in an order
MAX_QUANTITY = 1_000_000_000

# Title, quantity, minor units of the price; then, where it has them, the price's decimals, the SKU and the picture.
StoredItem = tuple[str, int, int, *tuple[Any, ...]]


@dataclass(slots=True)
class OrderItem:
    order_id: UUID
    place: int
    title: str
    quantity: int
    unit_price: Money
    sku: str | None = None
    image_url: str | None = None

    @property
    def global_id(self) -> str:
        return ids.encode_line(self.order_id, self.place)


def stored_item(title: str, quantity: int, price: StoredPrice, sku: str | None, image_url: str | None) -> StoredItem:
    minor, *decimals = price
    if sku is None and image_url is None:
        return title, quantity, minor, *decimals
    return title, quantity, minor, *(decimals or [None]), sku, image_url


def stored_price(item: StoredItem) -> tuple[int, int | None]:
    """Returns the line's price as `unit_price` takes it."""
    return item[2], item[3] if len(item) > 3 else None


def order_item(order_id: UUID, place: int, currency: str, item: StoredItem) -> OrderItem:
    title, quantity, minor, *more = item
    decimals, sku, image_url = more if len(more) == 3 else (*more, None, None, None)[:3]
    return OrderItem(order_id, place, title, quantity, unit_price(currency, minor, decimals), sku, image_url)
