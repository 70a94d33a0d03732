"""Cancellations: immediate while nothing is paid; a request to the supplier while nothing is shipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

import models
from execution.lookahead import SelectedField
from models.enums import (
    Action,
    CancellationReason,
    CancellationStatus,
    CaseKind,
    Role,
    ViewerState,
)
from resolvers.account import Account, names_account
from resolvers.actions import OrderInput, Payload, Resource, act
from resolvers.context import Context, Info
from resolvers.orders.order import Order
from resolvers.policy import CancellationFacts, Effect, effects
from resolvers.read.fetch import read
from resolvers.read.pagination import has_pages
from resolvers.read.relations import belongs_to, loaded_by
from resolvers.read.rows import Row
from resolvers.read.scopes import Unscoped
from resolvers.read.select import Select
from resolvers.read.sql import Where
from resolvers.write.cases import open_case, update_case, viewer_state
from resolvers.write.inputs import SHORT_TEXT, input_field, input_type
from resolvers.write.perform import ExpectedState, UnitOfWork

_ANSWERS = (Action.ACCEPT_CANCELLATION, Action.DECLINE_CANCELLATION)
_OF_A_VISIBLE_CASE = Unscoped("The viewer may see the cancellation whose answer this is.")


@dataclass(slots=True, kw_only=True)
class CancellationAnswer(Row):
    """The supplier's answer to a request: the event of accepting or declining."""

    MODEL = models.Event
    relations = (names_account("by"),)

    context: Context = field(repr=False)
    case_id: UUID
    by_id: UUID
    at: datetime
    note: str | None

    by: Account | None = field(init=False, default=None)

    @property
    def shown_note(self) -> str | None:
        return None if self.context.viewer.role is Role.SERVICE else self.note


async def _load_answers(context: Context, rows: Sequence[Any], field: SelectedField) -> None:
    answered = {
        row.id: row for row in rows if row.closed_as in (CancellationStatus.ACCEPTED, CancellationStatus.DECLINED)
    }
    if not answered:
        return
    where = Where.among("case_id", answered) & Where.among("action", [action.value for action in _ANSWERS])
    select = Select(CancellationAnswer, where, visibility=_OF_A_VISIBLE_CASE)
    for answer in await read(context, select, field.selection):
        answered[answer.case_id].answer = answer


@dataclass(slots=True, kw_only=True)
class Cancellation(CancellationFacts, Row):
    MODEL = models.Cancellation
    relations = (
        belongs_to("order", "Order", column="order_id"),
        loaded_by("answer", _load_answers),
        has_pages("timeline", "TimelineEntry", column="case_id"),
    )

    context: Context = field(repr=False)
    id: UUID
    number: str
    order_id: UUID
    reason: CancellationReason
    note: str | None

    order: Order | None = field(init=False, default=None)
    of_order: Order | None = field(init=False, default=None, repr=False)
    answer: CancellationAnswer | None = field(init=False, default=None)
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
        return viewer_state(self.waits_for, self.context.viewer.role)


@input_type("An unpaid order to cancel, and why.", action=Action.CANCEL_ORDER)
class CancelOrder(OrderInput):
    reason: CancellationReason = input_field("Why the buyer cancels the order.", label="Reason")
    note: str | None = input_field("Anything to add.", max_length=SHORT_TEXT, label="Note")


@input_type("An order that the supplier is asked to cancel, and why.", action=Action.REQUEST_CANCELLATION)
class RequestCancellation(CancelOrder):
    pass


@input_type("The order whose cancellation request is withdrawn.", action=Action.WITHDRAW_CANCELLATION)
class WithdrawCancellation(OrderInput):
    note: str | None = input_field("Anything to add.", max_length=SHORT_TEXT, label="Note")


_CANCELLATION_ID = (
    "The id of the request that the person saw. If another one is pending now, the action is refused with "
    "PROPOSAL_CHANGED. If left out, the action is about the pending request."
)


@input_type("The order whose cancellation request is accepted.", action=Action.ACCEPT_CANCELLATION)
class AcceptCancellation(WithdrawCancellation):
    cancellation_id: strawberry.ID | None = input_field(_CANCELLATION_ID)


@input_type("The order whose cancellation request is declined.", action=Action.DECLINE_CANCELLATION)
class DeclineCancellation(OrderInput):
    note: str = input_field(
        "Why the request is declined.", max_length=SHORT_TEXT, label="Why you decline", hint="The buyer reads it."
    )
    cancellation_id: strawberry.ID | None = input_field(_CANCELLATION_ID)


@dataclass(slots=True, kw_only=True)
class CancellationPayload(Payload):
    cancellation: Cancellation | None


CANCELLATION = Resource(
    Cancellation,
    CancellationPayload,
    frozenset({Action.CANCEL_ORDER, Action.REQUEST_CANCELLATION}),
    relation="cancellation",
)


async def cancel_order(info: Info, input: CancelOrder) -> CancellationPayload:
    async def handler(unit: UnitOfWork) -> None:
        await _open(unit, input, effects.cancel_order(unit.now))

    return await act(info, Action.CANCEL_ORDER, CANCELLATION, input, handler)


async def request_cancellation(info: Info, input: RequestCancellation) -> CancellationPayload:
    async def handler(unit: UnitOfWork) -> None:
        await _open(unit, input, effects.request_cancellation(unit.now))

    return await act(info, Action.REQUEST_CANCELLATION, CANCELLATION, input, handler)


async def withdraw_cancellation(info: Info, input: WithdrawCancellation) -> CancellationPayload:
    async def handler(unit: UnitOfWork) -> None:
        await _close(unit, effects.withdraw_cancellation(unit.now))

    return await act(info, Action.WITHDRAW_CANCELLATION, CANCELLATION, input, handler)


async def accept_cancellation(info: Info, input: AcceptCancellation) -> CancellationPayload:
    async def handler(unit: UnitOfWork) -> None:
        await _close(unit, effects.accept_cancellation(unit.now))
        await unit.follow_refunds()

    expected = _expected_request(input.cancellation_id)
    return await act(info, Action.ACCEPT_CANCELLATION, CANCELLATION, input, handler, expected=expected)


async def decline_cancellation(info: Info, input: DeclineCancellation) -> CancellationPayload:
    async def handler(unit: UnitOfWork) -> None:
        await _close(unit, effects.decline_cancellation(unit.now))

    expected = _expected_request(input.cancellation_id)
    return await act(info, Action.DECLINE_CANCELLATION, CANCELLATION, input, handler, expected=expected)


async def _open(unit: UnitOfWork, input: CancelOrder, effect: Effect) -> None:
    texts = {"reason": input.reason, "note": input.note}
    await open_case(unit, CaseKind.CANCELLATION, effect, order_id=unit.subject.id, **texts)


async def _close(unit: UnitOfWork, effect: Effect) -> None:
    cancellation = await _pending(unit.subject).get()
    update_case(unit, CaseKind.CANCELLATION, cancellation.id, effect)


def _pending(order: Order) -> Any:
    return models.Cancellation.filter(order_id=order.id, closed_at=None)


def _expected_request(id: str | None) -> ExpectedState | None:
    """Expects the request with this id to be pending. An id of anything else never is."""
    if id is None:
        return None
    key = Cancellation.key_of(id)

    async def is_current(order: Order) -> bool:
        return key is not None and await _pending(order).filter(id=key).exists()

    return ExpectedState(is_current)
