"""Disputes: a buyer's claim against what came of a paid or shipped order."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry
from strawberry import UNSET

import models
from models.enums import (
    Action,
    CaseKind,
    DisputeReason,
    DisputeStatus,
    InputProblem,
    ResolutionKind,
    Role,
    ViewerState,
)
from resolvers import history, ids, policy, reading
from resolvers.case import change_case, open_case
from resolvers.context import Context, Info
from resolvers.errors import Refused, UserError, invalid
from resolvers.history import Past
from resolvers.input import LONG_TEXT, SHORT_TEXT, Checks, Input, MoneyInput
from resolvers.money import Money, money
from resolvers.order import Order
from resolvers.payload import read_back, read_case
from resolvers.perform import Lock, Performing, lock_order, perform, the_order
from resolvers.policy import Decision, DisputeFacts
from resolvers.reading import Row


@dataclass(slots=True, kw_only=True)
class Dispute(DisputeFacts, Row):
    MODEL = models.Dispute

    context: Context = field(repr=False)
    id: UUID
    number: str
    order_id: UUID
    reason: DisputeReason
    description: str
    wanted: ResolutionKind
    claim: int | None
    claim_currency: str | None

    order: Any = field(init=False, default=None)
    timelines: dict[Any, Any] = field(init=False, default_factory=dict[Any, Any])
    past: list[Past] = field(init=False, default_factory=list[Past])

    @property
    def global_id(self) -> str:
        return ids.encode("Dispute", self.id)

    @property
    def claimed(self) -> Money | None:
        return money(self.claim, self.claim_currency)

    @property
    def status(self) -> DisputeStatus:
        return policy.dispute_status(self, self.context.now)

    @property
    def respond_by(self) -> datetime | None:
        return policy.respond_by(self, self.context.now)

    @property
    def is_final(self) -> bool:
        return self.closed_at is not None

    @property
    def viewer_state(self) -> ViewerState:
        if self.closed_at is not None:
            return ViewerState.CLOSED
        role = self.context.viewer.role
        if self.status is DisputeStatus.UNDER_REVIEW:
            return ViewerState.ACTION_REQUIRED if role is Role.AGENT else ViewerState.UNDER_REVIEW
        return ViewerState.ACTION_REQUIRED if role is Role.SUPPLIER else ViewerState.WAITING_FOR_OTHER_PARTY

    @property
    def available_actions(self) -> list[Decision]:
        return policy.available_actions(self, self.context.viewer, self.context.now)

    @property
    def next_change_at(self) -> datetime | None:
        return policy.next_change_at(self, self.context.viewer, self.context.now)

    def facts(self) -> DisputeFacts:
        """The dispute when nothing was known of it yet."""
        return DisputeFacts(buyer_id=self.buyer_id, supplier_id=self.supplier_id)


history.replayed(Dispute, "case_id", "case_facts")
reading.refers_to(Dispute, "order", "order", Order, "Order")
reading.has_latest(Order, "dispute", "dispute", Dispute, "Dispute", order="opened_at, id")


@dataclass(kw_only=True)
class OpenDispute(Input):
    order_id: strawberry.ID
    reason: DisputeReason
    description: str
    wanted: ResolutionKind
    claim: MoneyInput | None = UNSET


@dataclass(kw_only=True)
class WithdrawDispute(Input):
    case_id: strawberry.ID
    note: str | None = UNSET


@dataclass(slots=True, kw_only=True)
class DisputePayload:
    order: Order | None
    dispute: Dispute | None
    user_errors: list[UserError]


async def open_dispute(info: Info, input: OpenDispute) -> DisputePayload:
    checks = Checks()
    checks.text("description", input.description, LONG_TEXT, required=True)
    claim = _check_claim(checks, input)

    async def effect(performing: Performing) -> None:
        order: Order = performing.subject
        if input.claim is not None and claim is not None:
            check_against(order, "claim", Money(claim, input.claim.currency_code))
        await open_case(
            performing,
            CaseKind.DISPUTE,
            {"opened_at": performing.now},
            order_id=order.id,
            buyer_id=order.buyer_id,
            supplier_id=order.supplier_id,
            reason=input.reason,
            description=input.description,
            wanted=input.wanted,
            claim=claim,
            claim_currency=input.claim.currency_code if input.claim else None,
        )
        performing.set(dispute_open_since=performing.now)

    errors = checks.errors or await perform(info.context, Action.OPEN_DISPUTE, the_order(input.order_id), effect)
    order = await read_back(info, input.order_id, "DisputePayload", "dispute")
    return DisputePayload(order=order, dispute=order.dispute if order and not errors else None, user_errors=errors)


def _check_claim(checks: Checks, input: OpenDispute) -> int | None:
    if input.wanted is ResolutionKind.NO_REFUND:
        checks.problem("wanted", InputProblem.WRONG_FORM, "A dispute is opened to get something.")
    elif input.wanted is ResolutionKind.REPLACEMENT and input.claim is not None:
        checks.problem("claim", InputProblem.WRONG_FORM, "A replacement needs no amount.")
    elif input.wanted is not ResolutionKind.REPLACEMENT and input.claim is None:
        checks.problem("claim", InputProblem.REQUIRED, "Say how much is to be paid back.")
    return checks.money("claim", input.claim)


def check_against(order: Order, field: str, claim: Money) -> None:
    """Raises Refused where the claim is in another currency than the order, or above what it may be."""
    most = order.most_claimable
    if claim.currency_code != most.currency_code:
        message = f"This order is in {most.currency_code}."
        raise Refused([invalid(f"{field}.currencyCode", InputProblem.WRONG_FORM, message)])
    if claim.minor > most.minor:
        message = f"This can be {most.amount} {most.currency_code} at most."
        raise Refused([invalid(f"{field}.amount", InputProblem.OUT_OF_RANGE, message)])


async def withdraw_dispute(info: Info, input: WithdrawDispute) -> DisputePayload:
    checks = Checks()
    checks.text("note", input.note, SHORT_TEXT)

    async def effect(performing: Performing) -> None:
        closed: dict[str, Any] = {"closed_at": performing.now, "closed_as": DisputeStatus.WITHDRAWN}
        await change_case(performing, CaseKind.DISPUTE, performing.subject.id, **closed)
        performing.set(dispute_open_since=None)

    errors = checks.errors or await perform(
        info.context, Action.WITHDRAW_DISPUTE, the_dispute(input.case_id), effect, input.note
    )
    return await _as_it_stands(info, input.case_id, errors)


async def _as_it_stands(info: Info, case_id: str, errors: list[UserError]) -> DisputePayload:
    dispute = await read_case(info, Dispute, "Dispute", case_id)
    order_id = ids.encode("Order", dispute.order_id) if dispute else None
    return DisputePayload(order=await read_back(info, order_id, "DisputePayload"), dispute=dispute, user_errors=errors)


def the_dispute(id: str) -> Lock:
    async def lock(context: Context) -> tuple[Order | None, Any]:
        key = ids.key_of("Dispute", id)
        if key is None:
            return None, None
        order = await lock_order(context, lambda bind: f"id = (SELECT order_id FROM disputes WHERE id = {bind(key)})")
        return order, await reading.by_id(context, Dispute, "Dispute", id)

    return lock
