"""Orders as the target of an action."""

from __future__ import annotations

from resolvers.context import Context
from resolvers.orders.order import Order
from resolvers.read.fetch import fetch, first
from resolvers.read.select import Select
from resolvers.read.sql import Where
from resolvers.write.perform import ActionTarget


async def lock_order(context: Context, where: Where) -> Order | None:
    """Returns the viewer's order that `where` selects, locked until the transaction ends."""
    return first(await fetch(context, Select(Order, where, lock=True)))


def order_target(id: str) -> ActionTarget:
    async def lock(context: Context) -> Order | None:
        key = Order.key_of(id)
        return await lock_order(context, Where("id = {}", key)) if key else None

    async def read(_context: Context, order: Order | None) -> Order | None:
        return order

    return ActionTarget(lock, read)
