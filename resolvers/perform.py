"""The one door through which actions reach the database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models import database
from models.enums import Action
from resolvers import history, ids, policy, reading
from resolvers.context import Context
from resolvers.errors import Refused, UserError, refusal
from resolvers.history import Change
from resolvers.order import Order
from resolvers.policy import Fact
from resolvers.reading import Where
from resolvers.settling import settle


@dataclass(frozen=True, slots=True)
class Target:
    """What an action is asked of. `lock` keeps others from its order, if it has one, or else from itself; `read` then
    gives the facts that the policy decides on, or None where the viewer cannot see it."""

    lock: Callable[[Context], Awaitable[Order | None]]
    read: Callable[[Context, Order | None], Awaitable[Any]]


@dataclass(slots=True)
class Performing:
    """An action that is allowed, while it is done. `order` is locked; `subject` is what the action was asked of."""

    context: Context
    change: Change
    order: Order | None
    subject: Any

    @property
    def now(self) -> datetime:
        return self.context.now

    def set(self, **facts: Fact) -> None:
        """Facts of the order that the action sets."""
        self.change.facts.update(facts)


Effect = Callable[[Performing], Awaitable[None]]


async def perform(
    context: Context, action: Action, target: Target, effect: Effect, note: str | None = None
) -> list[UserError]:
    """Does `effect` if the policy allows `action` under the lock; what it changes is one event.

    Returns why not where the policy or the effect refuses, with nothing changed.
    """

    async def work() -> None:
        order = await target.lock(context)
        settled = await settle(order, context.now) if order else []
        subject = await target.read(context, order)
        decision = policy.decide(action, subject, context.viewer, context.now)
        if not decision.allowed:
            raise Refused([refusal(decision)])
        change = Change(at=context.now, by_id=context.viewer.id, action=action, note=note)
        await effect(Performing(context, change, order, subject))
        await history.append(context, order, [*settled, change])

    try:
        await database.in_transaction(work)
    except Refused as refused:
        return refused.errors
    return []


async def lock_order(context: Context, where: Where) -> Order | None:
    """The viewer's order, which nobody else changes until the transaction ends."""
    return reading.first(await reading.fetch(context, Order, where, lock=True))


def the_order(id: str) -> Target:
    async def lock(context: Context) -> Order | None:
        key = ids.key_of("Order", id)
        return await lock_order(context, lambda bind: f"id = {bind(key)}") if key else None

    async def read(_context: Context, order: Order | None) -> Order | None:
        return order

    return Target(lock, read)
