"""Performs actions. Everything that people change goes through `perform`.

One action is one transaction. `perform` takes these steps, in this order:

1. Check the form of the input. This needs no transaction.
2. Claim the idempotency key. An action that was done under this key before is not done again.
3. Lock the order, and record what time alone has done to its dispute.
4. Read the subject and ask the policy whether the action is allowed.
5. Compare what the person saw with what is there now.
6. Call the action's handler. It sets facts and collects writes; it sends none of them itself.
7. Append one event, and send it with the collected writes and the order's new facts.

For example, `leaveFeedback` without a key sends three statements to PostgreSQL: one to lock, one to write, and one to
read the answer.

    SELECT … FROM orders WHERE id = $1 AND buyer_id = $2 … FOR UPDATE
    WITH w0 AS (INSERT INTO feedback …), w1 AS (INSERT INTO events …)
        UPDATE orders SET feedback_left_at = …, changed_at = … WHERE id = …
    SELECT … FROM orders … WHERE id = $1 …

This package knows facts and locked rows. It does not know what an order or a case looks like to its viewer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise.models import Model

from models import database
from models.enums import Action, Reason
from resolvers import policy, telemetry
from resolvers.actionable import decided
from resolvers.context import Context
from resolvers.errors import ActionRefused, UserError, refused_by
from resolvers.policy import Effect, Fact, Subject
from resolvers.policy.messages import message_for
from resolvers.write import events, idempotency
from resolvers.write.checks import Checks
from resolvers.write.events import LockedOrder, PendingEvent
from resolvers.write.expiry import record_expirations
from resolvers.write.idempotency import IdempotentInput
from resolvers.write.refunds import follow_refunds
from resolvers.write.sql import Columns, Write, insert, send, update


@dataclass(frozen=True, slots=True)
class ActionTarget:
    """What an action is performed on. `lock` locks its order, or itself where it has no order. `read` then returns the
    subject, whose facts the policy reads, or None where the viewer cannot see it."""

    lock: Callable[[Context], Awaitable[LockedOrder | None]]
    read: Callable[[Context, Any], Awaitable[Any]]


@dataclass(slots=True)
class UnitOfWork:
    """An allowed action while its handler runs. `order` is locked; `subject` is the target's subject.

    `writes` are sent with `event` when the handler has returned, after the events of other cases in `consequences`. A
    handler that finds that its case exists already sets `first_case` to it; then nothing is written.
    """

    context: Context
    event: PendingEvent
    order: LockedOrder | None
    subject: Any
    writes: list[Write] = field(default_factory=list[Write])
    consequences: list[PendingEvent] = field(default_factory=list[PendingEvent])
    first_case: UUID | None = None

    @property
    def now(self) -> datetime:
        return self.context.now

    def apply(self, effect: Effect) -> dict[str, Fact]:
        """Sets the effect's facts of the order, where there is one. Returns those of the case."""
        if self.order is not None:
            self.event.facts.update(effect.order)
        return effect.case

    async def follow_refunds(self) -> None:
        """Makes what the order owes follow from what the handler has written so far, and sends that."""
        assert self.order is not None
        if self.writes:
            await send(*self.writes)
        policy.fold(self.order, [self.event.facts])
        self.consequences, self.writes = await follow_refunds(self.context, self.order, [self.event])

    def insert(self, model: type[Model], row: Columns) -> None:
        self.writes.append(insert(model, [row]))

    def update(self, model: type[Model], where: Columns, columns: Columns) -> None:
        self.writes.append(update(model, where, columns))


ActionHandler = Callable[[UnitOfWork], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ExpectedState:
    """What the person saw, where the input names it. `is_current` tells, under the lock, whether the subject still
    shows it; if not, the action is refused with PROPOSAL_CHANGED. This check comes after the policy's decision, but
    takes the place of the reasons in `overrides`, which are about the state that has replaced what the person saw."""

    is_current: Callable[[Any], Awaitable[bool]]
    overrides: frozenset[Reason] = frozenset()


@dataclass(frozen=True, slots=True)
class ActionResult:
    """The errors of a refused action; none if it was done. `case_id` is the case that it was about, if the input names
    none. `is_repeat` is true if the action was done by an earlier request, and not again."""

    errors: list[UserError]
    case_id: UUID | None = None
    is_repeat: bool = False


async def perform(
    context: Context,
    action: Action,
    target: ActionTarget,
    input: IdempotentInput,
    handler: ActionHandler,
    checks: Checks,
    *,
    note: str | None = None,
    expected: ExpectedState | None = None,
) -> ActionResult:
    """Performs an action and records it as one event.

    `checks` are those of the input so far. `note` is stored with the event. An action that the checks, the policy or
    the handler refuse changes nothing. The transaction may run twice, so the handler keeps no state of its own.
    """
    checks.declared()
    if checks.errors:
        telemetry.count_refusal(action, checks.errors[0].code)
        return ActionResult(checks.errors)

    async def transaction() -> ActionResult:
        first_use = await idempotency.claim(context, action, input)
        if first_use is not None:
            return ActionResult([], first_use.case_id, is_repeat=True)
        order = await target.lock(context)
        expired = await record_expirations(context, order) if order else []
        subject = await target.read(context, order)
        decision = decided(action, subject, context)
        compares = expected is not None and (decision.allowed or decision.reason in expected.overrides)
        if expected is not None and compares and not await expected.is_current(subject):
            raise ActionRefused([UserError(Reason.PROPOSAL_CHANGED, message_for(action, Reason.PROPOSAL_CHANGED))])
        if not decision.allowed:
            raise ActionRefused([refused_by(decision)])
        event = PendingEvent(at=context.now, by_id=context.viewer.id, action=action, note=note)
        unit = UnitOfWork(context, event, order, subject)
        await handler(unit)
        if unit.first_case is not None:
            await idempotency.set_case(context, input, unit.first_case)
            return ActionResult([], unit.first_case, is_repeat=True)
        await events.append(context, order, [*expired, *unit.consequences, event], unit.writes)
        if event.case is None or action not in _ACTIONS_ON_ORDERS:
            return ActionResult([])
        _, case_id = event.case
        await idempotency.set_case(context, input, case_id)
        return ActionResult([], case_id)

    try:
        return await database.in_transaction(transaction)
    except ActionRefused as refusal:
        telemetry.count_refusal(action, refusal.errors[0].code)
        return ActionResult(refusal.errors)


# Their inputs name an order, so that only the idempotency key can tell later which case they were about.
_ACTIONS_ON_ORDERS = {rule.action for rule in policy.TABLE.values() if rule.subject is Subject.ORDER}
