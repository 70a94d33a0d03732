"""The lines of an order that a dispute is about. They stay as they were when it was opened.

For 3 of the 10 lamps in the order's first line, `disputes.lines` is [[0, 3, ["LED lamp", 10, 900], "USD"]]: the line's
place, the quantity, and the line and the currency as the order had them. It is null for a dispute about the whole
order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import strawberry

from models.enums import FieldKind, InputProblem
from resolvers import ids
from resolvers.errors import ActionRefused, UserError, invalid
from resolvers.form import Choice, FormField
from resolvers.language import gettext
from resolvers.money import Money, total_price
from resolvers.orders.item import MAX_ITEMS, MAX_QUANTITY, OrderItem, StoredItem, order_item, stored_price
from resolvers.orders.order import Order
from resolvers.write.checks import Checks
from resolvers.write.inputs import Input, input_field, input_type

FIELD = "lines"  # of the inputs that name lines

StoredLine = tuple[int, int, StoredItem, str]  # place, quantity, the line and the currency as the order had them


@dataclass(slots=True)
class DisputeLine:
    item: OrderItem
    quantity: int


@input_type("A line of the order, and how much of it.")
class DisputeLineInput(Input):
    item_id: strawberry.ID = input_field("The id of the line. Name each line once, and no discount.")
    quantity: int = input_field("How many, at most as many as were ordered.", within=(1, MAX_QUANTITY))


def _is_discount(item: StoredItem) -> bool:
    return item[2] < 0


def _offered(order: Order) -> list[OrderItem]:
    """Returns the lines that a dispute can be about."""
    return [line for line, item in zip(order.order_items, order.items, strict=True) if not _is_discount(item)]


def _lines_now(field: FormField, order: Order) -> list[FormField]:
    lines = [
        Choice(line.global_id, title=line.title, max_quantity=line.quantity, price=line.unit_price)
        for line in _offered(order)
    ]
    return [replace(field, choices=lines, max_count=len(lines))] if lines else []


def lines_field() -> Any:
    """Declares the field of an input that takes lines of the order."""
    return input_field(
        "The lines of the order that the dispute is about. If left out or empty, it is about the whole order.",
        max_items=MAX_ITEMS,
        items="lines",
        label="Items",
        hint="Choose the items that something is wrong with. Without any, the dispute is about the whole order.",
        kind=FieldKind.ITEMS,
        now=_lines_now,
    )


def limited_by_lines(field: FormField, order: Order) -> list[FormField]:
    """Says of an amount that it is at most the price of the chosen lines."""
    return [replace(field, at_most_items_at=(FIELD,))] if _offered(order) else [field]


def check_lines(checks: Checks) -> None:
    """Checks the form of the input's lines. Whether the order has them is for `lines_to_store`."""
    named: set[str] = set()
    for line, path in checks.entries(FIELD):
        if line.item_id in named:
            checks.problem(
                f"{path}itemId", InputProblem.OTHER, gettext("This line is named twice; name each line once.")
            )
        named.add(line.item_id)


def lines_to_store(order: Order, lines: Sequence[DisputeLineInput] | None) -> list[StoredLine] | None:
    """Returns what `disputes.lines` keeps of the order's lines; None for the whole order. Raises ActionRefused where
    the order does not have such a line, or not as much of it."""
    stored: list[StoredLine] = []
    errors: list[UserError] = []
    for index, line in enumerate(lines or ()):
        path = f"{FIELD}.{index}."
        order_id, place = ids.decode_line(line.item_id) or (None, 0)
        if order_id != order.id or place >= len(order.items):
            message = gettext("The order has no such line; take the id from the order's items.")
            errors.append(invalid(f"{path}itemId", InputProblem.OTHER, message))
            continue
        item = order.items[place]
        _, ordered, *_ = item
        if _is_discount(item):
            message = gettext("This line is a discount; name the lines that something is wrong with.")
            errors.append(invalid(f"{path}itemId", InputProblem.OTHER, message))
        elif line.quantity > ordered:
            message = gettext("This is more than the {count} of the order; write at most that many.", count=ordered)
            errors.append(invalid(f"{path}quantity", InputProblem.OUT_OF_RANGE, message))
        else:
            stored.append((place, line.quantity, item, order.currency))
    if errors:
        raise ActionRefused(errors)
    return stored or None


def price_of_lines(lines: Sequence[StoredLine]) -> Money:
    """Returns what the lines cost, rounded down to the currency. There is at least one. It may be above MAX_AMOUNT."""
    currency = lines[0][3]
    return Money(total_price(currency, ((quantity, *stored_price(item)) for _, quantity, item, _ in lines)), currency)


def limit_to_lines(most: Money, lines: Sequence[StoredLine] | None) -> Money:
    """Returns the most that can be claimed: `most` for the whole order, and not more than the lines cost. Where the
    order's currency has changed since, what they cost is no limit."""
    price = price_of_lines(lines) if lines else most
    return min(most, price, key=lambda limit: limit.minor) if price.currency_code == most.currency_code else most


def dispute_lines(order_id: UUID, lines: Sequence[StoredLine] | None) -> list[DisputeLine]:
    """Returns the lines as clients see them; none for the whole order."""
    return [
        DisputeLine(order_item(order_id, place, currency, item), quantity)
        for place, quantity, item, currency in lines or ()
    ]
