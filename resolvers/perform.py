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

# Locks what an action is asked of, and reads it: its order, if it has one, and the facts that the policy decides on,
# which are None where the viewer cannot see it.
Lock = Callable[[Context], Awaitable[tuple[Order | None, Any]]]


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
    context: Context, action: Action, lock: Lock, effect: Effect, note: str | None = None
) -> list[UserError]:
    """Does `effect` if the policy allows `action` under the lock; what it changes is one event.

    Returns why not where the policy or the effect refuses, with nothing changed.
    """

    async def work() -> None:
        order, subject = await lock(context)
        decision = policy.decide(action, subject, context.viewer, context.now)
        if not decision.allowed:
            raise Refused([refusal(decision)])
        change = Change(at=context.now, by_id=context.viewer.id, action=action, note=note)
        await effect(Performing(context, change, order, subject))
        await history.append(order, context.now, [change])

    try:
        await database.in_transaction(work)
    except Refused as refused:
        return refused.errors
    return []


async def lock_order(context: Context, where: Where) -> Order | None:
    """The viewer's order, which nobody else changes until the transaction ends."""
    return reading.first(await reading.fetch(context, Order, where, lock=True))


def the_order(id: str) -> Lock:
    async def lock(context: Context) -> tuple[Order | None, Any]:
        key = ids.key_of("Order", id)
        order = await lock_order(context, lambda bind: f"id = {bind(key)}") if key else None
        return order, order

    return lock
