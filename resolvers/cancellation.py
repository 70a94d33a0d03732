"""Cancellations: done at once while nothing is paid, asked of the supplier while nothing is shipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry
from strawberry import UNSET

import models
from models.enums import (
    Action,
    CancellationReason,
    CancellationStatus,
    CaseKind,
    Role,
    ViewerState,
)
from resolvers import ids
from resolvers.actions import Payload, read_back, read_case
from resolvers.context import Context, Info
from resolvers.orders.order import Order
from resolvers.read.pagination import has_pages
from resolvers.read.relations import belongs_to
from resolvers.read.rows import Row
from resolvers.write.cases import change_case, open_case, viewer_state
from resolvers.write.idempotency import IdempotentInput
from resolvers.write.inputs import SHORT_TEXT, Checks
from resolvers.write.perform import ActionHandler, ExpectedState, UnitOfWork, perform, the_order


@dataclass(slots=True, kw_only=True)
class Cancellation(Row):
    MODEL = models.Cancellation
    relations = (
        belongs_to("order", "Order", column="order_id"),
        has_pages("timeline", "TimelineEntry", column="case_id"),
    )

    context: Context = field(repr=False)
    id: UUID
    number: str
    order_id: UUID
    reason: CancellationReason
    note: str | None
    opened_at: datetime
    closed_at: datetime | None
    closed_as: CancellationStatus | None

    order: Order | None = field(init=False, default=None)
    of_order: Order | None = field(init=False, default=None, repr=False)
    pages: dict[Any, Any] = field(init=False, default_factory=dict[Any, Any])
    collections: Sequence[list[Any]] = field(init=False, default=())

    @property
    def shown_note(self) -> str | None:
        return None if self.context.viewer.role is Role.SERVICE else self.note

    @property
    def status(self) -> CancellationStatus:
        return self.closed_as or CancellationStatus.REQUESTED

    @property
    def ended_at(self) -> datetime | None:
        return self.closed_at

    @property
    def is_final(self) -> bool:
        return self.closed_at is not None

    @property
    def differs_at(self) -> None:
        """Time alone changes nothing of it."""

    @property
    def viewer_state(self) -> ViewerState:
        return viewer_state(None if self.closed_at else Role.SUPPLIER, self.context.viewer.role)


@dataclass(kw_only=True)
class CancelOrder(IdempotentInput):
    order_id: strawberry.ID
    reason: CancellationReason
    note: str | None = UNSET


@dataclass(kw_only=True)
class RequestCancellation(CancelOrder):
    pass


@dataclass(kw_only=True)
class WithdrawCancellation(IdempotentInput):
    order_id: strawberry.ID
    note: str | None = UNSET


@dataclass(kw_only=True)
class AcceptCancellation(WithdrawCancellation):
    cancellation_id: strawberry.ID | None = UNSET


@dataclass(kw_only=True)
class DeclineCancellation(IdempotentInput):
    order_id: strawberry.ID
    note: str
    cancellation_id: strawberry.ID | None = UNSET


@dataclass(slots=True, kw_only=True)
class CancellationPayload(Payload):
    cancellation: Cancellation | None


async def cancel_order(info: Info, input: CancelOrder) -> CancellationPayload:
    async def effect(performing: UnitOfWork) -> None:
        now = performing.now
        await _open(performing, input, {"closed_at": now, "closed_as": CancellationStatus.CANCELLED})
        performing.set(cancelled_at=now)

    return await _perform(info, Action.CANCEL_ORDER, input, effect)


async def request_cancellation(info: Info, input: RequestCancellation) -> CancellationPayload:
    async def effect(performing: UnitOfWork) -> None:
        await _open(performing, input, {})
        performing.set(cancellation_pending_since=performing.now)

    return await _perform(info, Action.REQUEST_CANCELLATION, input, effect)


async def withdraw_cancellation(info: Info, input: WithdrawCancellation) -> CancellationPayload:
    async def effect(performing: UnitOfWork) -> None:
        await _close(performing, CancellationStatus.WITHDRAWN)

    return await _perform(info, Action.WITHDRAW_CANCELLATION, input, effect, input.note)


async def accept_cancellation(info: Info, input: AcceptCancellation) -> CancellationPayload:
    async def effect(performing: UnitOfWork) -> None:
        await _close(performing, CancellationStatus.ACCEPTED)
        performing.set(cancelled_at=performing.now)

    return await _perform(info, Action.ACCEPT_CANCELLATION, input, effect, input.note, _seen(input))


async def decline_cancellation(info: Info, input: DeclineCancellation) -> CancellationPayload:
    async def effect(performing: UnitOfWork) -> None:
        await _close(performing, CancellationStatus.DECLINED)

    return await _perform(info, Action.DECLINE_CANCELLATION, input, effect, input.note, _seen(input))


async def _open(performing: UnitOfWork, input: CancelOrder, closed: dict[str, Any]) -> None:
    await open_case(
        performing,
        CaseKind.CANCELLATION,
        {"opened_at": performing.now} | closed,
        order_id=performing.subject.id,
        reason=input.reason,
        note=input.note,
    )


def _pending(order: Order) -> Any:
    return models.Cancellation.filter(order_id=order.id, closed_at=None)


def _seen(input: AcceptCancellation | DeclineCancellation) -> ExpectedState | None:
    """The request that the input names. What is no id of a cancellation is not pending."""
    if input.cancellation_id is None:
        return None
    key = ids.key_of("Cancellation", input.cancellation_id)

    async def is_current(order: Order) -> bool:
        return key is not None and await _pending(order).filter(id=key).exists()

    return ExpectedState(is_current)


async def _close(performing: UnitOfWork, how: CancellationStatus) -> None:
    pending = await _pending(performing.subject).get()
    closed: dict[str, Any] = {"closed_at": performing.now, "closed_as": how}
    change_case(performing, CaseKind.CANCELLATION, pending.id, closed)
    performing.set(cancellation_pending_since=None)


async def _perform(
    info: Info,
    action: Action,
    input: CancelOrder | WithdrawCancellation | DeclineCancellation,
    effect: ActionHandler,
    said: str | None = None,
    seen: ExpectedState | None = None,
) -> CancellationPayload:
    """`said` is what goes with the event; the note of a new cancellation stands on the cancellation itself."""
    checks = Checks()
    checks.text("note", input.note, SHORT_TEXT, required=isinstance(input, DeclineCancellation))
    done = await perform(info.context, action, the_order(input.order_id), effect, input, checks, said, seen)
    order = await read_back(info, input.order_id, "cancellation")
    created_nothing = done.errors and isinstance(input, CancelOrder)
    cancellation = order.cancellation if order and not created_nothing else None
    if done.first_case is not None:
        cancellation = await read_case(info, Cancellation, ids.encode("Cancellation", done.first_case))
    return CancellationPayload(order=order, cancellation=cancellation, user_errors=done.errors)
