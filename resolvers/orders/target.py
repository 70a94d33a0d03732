"""Orders as the target of an action."""

from __future__ import annotations

from resolvers import ids
from resolvers.context import Context
from resolvers.orders.order import Order
from resolvers.read import fetch
from resolvers.read.sql import Where
from resolvers.write.perform import ActionTarget


async def lock_order(context: Context, where: Where) -> Order | None:
    """Returns the viewer's order that `where` selects, locked until the transaction ends."""
    return fetch.first(await fetch.fetch(context, Order, where, lock=True))


def order_target(id: str) -> ActionTarget:
    async def lock(context: Context) -> Order | None:
        key = ids.key_of("Order", id)
        return await lock_order(context, lambda bind: f"id = {bind(key)}") if key else None

    async def read(_context: Context, order: Order | None) -> Order | None:
        return order

    return ActionTarget(lock, read)
