"""The one door through which actions reach the database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise.models import Model

from models import database
from models.enums import Action, Reason
from resolvers import ids, metrics, policy
from resolvers.actionable import decided
from resolvers.context import Context
from resolvers.errors import Refused, UserError, refusal
from resolvers.orders.order import Order
from resolvers.policy import Fact, Subject
from resolvers.policy.messages import sentence
from resolvers.read import fetch
from resolvers.read.sql import Where
from resolvers.write import events, idempotency
from resolvers.write.events import Change
from resolvers.write.expiry import settle
from resolvers.write.idempotency import Keyed
from resolvers.write.inputs import Checks
from resolvers.write.sql import Columns, Write, inserting, updating


@dataclass(frozen=True, slots=True)
class Target:
    """What an action is asked of. `lock` keeps others from its order, if it has one, or else from itself; `read` then
    gives the facts that the policy decides on, or None where the viewer cannot see it."""

    lock: Callable[[Context], Awaitable[Order | None]]
    read: Callable[[Context, Order | None], Awaitable[Any]]


@dataclass(slots=True)
class Performing:
    """An action that is allowed, while it is done. `order` is locked; `subject` is what the action was asked of. The
    `writes` are sent when its effect is over, with the event. An effect that finds it done already names the case that
    came of it then, `first_case`, and nothing is written."""

    context: Context
    change: Change
    order: Order | None
    subject: Any
    writes: list[Write] = field(default_factory=list[Write])
    first_case: UUID | None = None

    @property
    def now(self) -> datetime:
        return self.context.now

    def set(self, **facts: Fact) -> None:
        """Facts of the order that the action sets."""
        self.change.facts.update(facts)

    def insert(self, model: type[Model], row: Columns) -> None:
        self.writes.append(inserting(model, [row]))

    def update(self, model: type[Model], where: Columns, columns: Columns) -> None:
        self.writes.append(updating(model, where, columns))


Effect = Callable[[Performing], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the person saw when deciding, where the input names it. `is_current` says, under the lock, whether it is
    what the action on this subject would be about now; if not, the action is refused with PROPOSAL_CHANGED. That comes
    after the decision, but in the place of the reasons `rather_than`, which are about what is there now."""

    is_current: Callable[[Any], Awaitable[bool]]
    rather_than: frozenset[Reason] = frozenset()


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an action: why not, where it was refused; and the case it was about, where it had been done before
    and the input names none."""

    errors: list[UserError]
    first_case: UUID | None = None


async def perform(
    context: Context,
    action: Action,
    target: Target,
    effect: Effect,
    input: Keyed,
    checks: Checks,
    note: str | None = None,
    seen: Seen | None = None,
) -> Done:
    """Does `effect` if the input is in order, the policy allows `action` under the lock, and what was `seen` is still
    there; what it changes is one event.

    What is refused, by `checks`, policy or effect, changes nothing. What was done before under the input's key is not
    done again.
    """
    idempotency.check(checks, input)
    if checks.errors:
        metrics.refused(action, checks.errors[0].code)
        return Done(checks.errors)

    async def work() -> Done:
        if (first := await idempotency.claim(context, action, input)) is not None:
            return Done([], first.case_id)
        order = await target.lock(context)
        settled = await settle(context, order) if order else []
        subject = await target.read(context, order)
        decision = decided(action, subject, context)
        compares = seen is not None and (decision.allowed or decision.reason in seen.rather_than)
        if seen is not None and compares and not await seen.is_current(subject):
            raise Refused([UserError(Reason.PROPOSAL_CHANGED, sentence(action, Reason.PROPOSAL_CHANGED))])
        if not decision.allowed:
            raise Refused([refusal(decision)])
        change = Change(at=context.now, by_id=context.viewer.id, action=action, note=note)
        performing = Performing(context, change, order, subject)
        await effect(performing)
        if performing.first_case is not None:
            await idempotency.note_case(context, input, performing.first_case)
            return Done([], performing.first_case)
        await events.append(context, order, [*settled, change], performing.writes)
        if change.case is not None and action in _NAME_NO_CASE:
            await idempotency.note_case(context, input, change.case[1])
        return Done([])

    try:
        return await database.in_transaction(work)
    except Refused as refused:
        metrics.refused(action, refused.errors[0].code)
        return Done(refused.errors)


_NAME_NO_CASE = {rule.action for rule in policy.TABLE.values() if rule.subject is Subject.ORDER}


async def lock_order(context: Context, where: Where) -> Order | None:
    """The viewer's order, which nobody else changes until the transaction ends."""
    return fetch.first(await fetch.fetch(context, Order, where, lock=True))


def the_order(id: str) -> Target:
    async def lock(context: Context) -> Order | None:
        key = ids.key_of("Order", id)
        return await lock_order(context, lambda bind: f"id = {bind(key)}") if key else None

    async def read(_context: Context, order: Order | None) -> Order | None:
        return order

    return Target(lock, read)
