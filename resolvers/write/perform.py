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
from resolvers import ids, policy, telemetry
from resolvers.actionable import decided
from resolvers.context import Context
from resolvers.errors import ActionRefused, UserError, refused_by
from resolvers.orders.order import Order
from resolvers.policy import Fact, Subject
from resolvers.policy.messages import message_for
from resolvers.read import fetch
from resolvers.read.sql import Where
from resolvers.write import events, idempotency
from resolvers.write.events import PendingEvent
from resolvers.write.expiry import record_expirations
from resolvers.write.idempotency import IdempotentInput
from resolvers.write.inputs import Checks
from resolvers.write.sql import Columns, Write, insert, update


@dataclass(frozen=True, slots=True)
class ActionTarget:
    """What an action is asked of. `lock` keeps others from its order, if it has one, or else from itself; `read` then
    gives the facts that the policy decides on, or None where the viewer cannot see it."""

    lock: Callable[[Context], Awaitable[Order | None]]
    read: Callable[[Context, Order | None], Awaitable[Any]]


@dataclass(slots=True)
class UnitOfWork:
    """An action that is allowed, while it is done. `order` is locked; `subject` is what the action was asked of. The
    `writes` are sent when its effect is over, with the event. An effect that finds it done already names the case that
    came of it then, `first_case`, and nothing is written."""

    context: Context
    change: PendingEvent
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
        self.writes.append(insert(model, [row]))

    def update(self, model: type[Model], where: Columns, columns: Columns) -> None:
        self.writes.append(update(model, where, columns))


ActionHandler = Callable[[UnitOfWork], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ExpectedState:
    """What the person saw when deciding, where the input names it. `is_current` says, under the lock, whether it is
    what the action on this subject would be about now; if not, the action is refused with PROPOSAL_CHANGED. That comes
    after the decision, but in the place of the reasons `rather_than`, which are about what is there now."""

    is_current: Callable[[Any], Awaitable[bool]]
    rather_than: frozenset[Reason] = frozenset()


@dataclass(frozen=True, slots=True)
class ActionResult:
    """What came of an action: why not, where it was refused; and the case it was about, where it had been done before
    and the input names none."""

    errors: list[UserError]
    first_case: UUID | None = None


async def perform(
    context: Context,
    action: Action,
    target: ActionTarget,
    effect: ActionHandler,
    input: IdempotentInput,
    checks: Checks,
    note: str | None = None,
    seen: ExpectedState | None = None,
) -> ActionResult:
    """Does `effect` if the input is in order, the policy allows `action` under the lock, and what was `seen` is still
    there; what it changes is one event.

    What is refused, by `checks`, policy or effect, changes nothing. What was done before under the input's key is not
    done again.
    """
    idempotency.check(checks, input)
    if checks.errors:
        telemetry.count_refusal(action, checks.errors[0].code)
        return ActionResult(checks.errors)

    async def work() -> ActionResult:
        if (first := await idempotency.claim(context, action, input)) is not None:
            return ActionResult([], first.case_id)
        order = await target.lock(context)
        settled = await record_expirations(context, order) if order else []
        subject = await target.read(context, order)
        decision = decided(action, subject, context)
        compares = seen is not None and (decision.allowed or decision.reason in seen.rather_than)
        if seen is not None and compares and not await seen.is_current(subject):
            raise ActionRefused([UserError(Reason.PROPOSAL_CHANGED, message_for(action, Reason.PROPOSAL_CHANGED))])
        if not decision.allowed:
            raise ActionRefused([refused_by(decision)])
        change = PendingEvent(at=context.now, by_id=context.viewer.id, action=action, note=note)
        performing = UnitOfWork(context, change, order, subject)
        await effect(performing)
        if performing.first_case is not None:
            await idempotency.note_case(context, input, performing.first_case)
            return ActionResult([], performing.first_case)
        await events.append(context, order, [*settled, change], performing.writes)
        if change.case is not None and action in _NAME_NO_CASE:
            await idempotency.note_case(context, input, change.case[1])
        return ActionResult([])

    try:
        return await database.in_transaction(work)
    except ActionRefused as refused:
        telemetry.count_refusal(action, refused.errors[0].code)
        return ActionResult(refused.errors)


_NAME_NO_CASE = {rule.action for rule in policy.TABLE.values() if rule.subject is Subject.ORDER}


async def lock_order(context: Context, where: Where) -> Order | None:
    """The viewer's order, which nobody else changes until the transaction ends."""
    return fetch.first(await fetch.fetch(context, Order, where, lock=True))


def the_order(id: str) -> ActionTarget:
    async def lock(context: Context) -> Order | None:
        key = ids.key_of("Order", id)
        return await lock_order(context, lambda bind: f"id = {bind(key)}") if key else None

    async def read(_context: Context, order: Order | None) -> Order | None:
        return order

    return ActionTarget(lock, read)
