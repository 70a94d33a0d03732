"""Disputes: a buyer's claim against what came of a paid or shipped order."""

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
    CaseKind,
    DisputeReason,
    DisputeStatus,
    InputProblem,
    ResolutionKind,
    Role,
    ViewerState,
)
from models.keys import new_id
from resolvers import ids, policy
from resolvers.account import Account, names_account
from resolvers.actionable import Actionable, Past, replays_events
from resolvers.actions import CaseInput, Payload, act_on_case, read_back, read_case
from resolvers.conflict import PARTY, finds_conflicts, with_conflict
from resolvers.context import Context, Info
from resolvers.files.attachment import Attachment, resolve_uploads
from resolvers.money import Money, money
from resolvers.orders.order import Order
from resolvers.policy import DisputeFacts
from resolvers.read import fetch
from resolvers.read.pagination import has_pages
from resolvers.read.relations import belongs_to, has_list
from resolvers.read.rows import Row
from resolvers.resolution import Decided, check_amount, limit_amount
from resolvers.write.cases import change_case, close_case, open_case, viewer_state
from resolvers.write.idempotency import IdempotentInput
from resolvers.write.inputs import LONG_TEXT, Checks, MoneyInput
from resolvers.write.perform import (
    ActionHandler,
    ActionTarget,
    ExpectedState,
    UnitOfWork,
    lock_order,
    perform,
    the_order,
)


@dataclass(slots=True, kw_only=True)
class Dispute(DisputeFacts, Actionable, Decided, Row):
    MODEL = models.Dispute
    relations = (
        belongs_to("order", "Order", column="order_id"),
        has_list(("proposal", "proposals"), "Proposal", attribute="proposals", column="dispute_id", scoped=False),
        has_pages("messages", "Message", column="case_id"),
        has_list(("evidence",), "Attachment", attribute="evidence", column="case_id"),
        names_account("outcome", attribute="outcome_by"),
        has_pages("timeline", "TimelineEntry", column="case_id"),
        finds_conflicts("buyer_id", "supplier_id"),
        replays_events(column="case_id", facts="case_facts", needs=(PARTY,)),
    )
    moved_by_time = tuple(applies for _, applies in policy.DISPUTE_STATUSES)

    context: Context = field(repr=False)
    id: UUID
    number: str
    order_id: UUID
    reason: DisputeReason
    description: str
    wanted: ResolutionKind
    currency: str
    claim: int | None
    outcome_resolution: ResolutionKind | None
    outcome_amount: int | None
    outcome_currency: str | None
    outcome_by_id: UUID | None
    outcome_note: str | None

    order: Order | None = field(init=False, default=None)
    of_order: Order | None = field(init=False, default=None, repr=False)
    outcome_by: Account | None = field(init=False, default=None)
    as_party: Account | None = field(init=False, default=None, repr=False)
    proposals: list[Any] | None = field(init=False, default=None)
    evidence: list[Attachment] = field(init=False, default_factory=list[Attachment])
    pages: dict[Any, Any] = field(init=False, default_factory=dict[Any, Any])
    collections: Sequence[list[Any]] = field(init=False, default=())
    past: Sequence[Past] = field(init=False, default=())

    @property
    def has_conflict(self) -> bool:
        return self.as_party is not None

    @property
    def shown_description(self) -> str:
        """What people wrote in a case is not for the order system."""
        return "" if self.context.viewer.role is Role.SERVICE else self.description

    @property
    def claimed(self) -> Money | None:
        return money(self.claim, self.currency)

    @property
    def proposal(self) -> Any:
        """The one on the table, or the one that settled it."""
        standing = [each for each in self.proposals or () if each.accepted is not False]
        return next((each for each in standing if each.accepted or not self.is_final), None)

    @property
    def status(self) -> DisputeStatus:
        return policy.status_at(policy.DISPUTE_STATUSES, self, self.context.now)

    @property
    def respond_by(self) -> datetime | None:
        return policy.respond_by(self, self.context.now)

    @property
    def ended_at(self) -> datetime | None:
        """When it was closed, also where only time has done that so far."""
        return self.due_at if self.closed_at is None and self.status is DisputeStatus.LAPSED else self.closed_at

    @property
    def is_final(self) -> bool:
        return self.ended_at is not None

    @property
    def viewer_state(self) -> ViewerState:
        return viewer_state(
            policy.waits_for(self, self.context.now), self.context.viewer.role, conflict=self.has_conflict
        )

    def facts(self) -> DisputeFacts:
        """The dispute when nothing was known of it yet."""
        return DisputeFacts(buyer_id=self.buyer_id, supplier_id=self.supplier_id)


@dataclass(kw_only=True)
class OpenDispute(IdempotentInput):
    order_id: strawberry.ID
    reason: DisputeReason
    description: str
    wanted: ResolutionKind
    claim: MoneyInput | None = UNSET
    evidence: list[strawberry.ID] | None = UNSET


@dataclass(kw_only=True)
class WithdrawDispute(CaseInput):
    note: str | None = UNSET


@dataclass(slots=True, kw_only=True)
class DisputePayload(Payload):
    dispute: Dispute | None


async def open_dispute(info: Info, input: OpenDispute) -> DisputePayload:
    checks = Checks()
    checks.text("description", input.description, LONG_TEXT, required=True)
    if input.wanted is ResolutionKind.NO_REFUND:
        checks.problem("wanted", InputProblem.WRONG_FORM, "A dispute is opened to get something.")
        claim = None
    else:
        claim = check_amount(checks, "claim", input.wanted, input.claim)
    files = await resolve_uploads(info.context, checks, "evidence", input.evidence)

    async def effect(performing: UnitOfWork) -> None:
        order: Order = performing.subject
        limit_amount("claim", claim, order.most_claimable)
        opened: dict[str, Any] = {"opened_at": performing.now, "proposed_at": performing.now}
        id = await open_case(
            performing,
            CaseKind.DISPUTE,
            opened | passed_to(Role.SUPPLIER, performing.now) | offer(claim) | limited_to(order.most_claimable),
            order_id=order.id,
            buyer_id=order.buyer_id,
            supplier_id=order.supplier_id,
            reason=input.reason,
            description=input.description,
            wanted=input.wanted,
            currency=order.currency,
            claim=claim.minor if claim else None,
        )
        await files.attach_to(performing, CaseKind.DISPUTE, id)
        propose(performing, id, input.wanted, claim)
        performing.set(dispute_open_since=performing.now)

    done = await perform(info.context, Action.OPEN_DISPUTE, the_order(input.order_id), effect, input, checks)
    order = await read_back(info, input.order_id, "dispute")
    dispute = order.dispute if order and not done.errors else None
    if done.first_case is not None:
        dispute = await read_case(info, Dispute, ids.encode("Dispute", done.first_case))
    return DisputePayload(order=order, dispute=dispute, user_errors=done.errors)


def passed_to(party: Role, now: datetime) -> dict[str, Any]:
    """The facts of a turn that begins now."""
    return {"waits_for": party, "due_at": now + policy.ANSWER_WITHIN}


def offer(amount: Money | None) -> dict[str, Any]:
    """The facts of what is offered by the proposal on the table."""
    return {"offered": amount.minor if amount else None, "offered_currency": amount.currency_code if amount else None}


def limited_to(most: Money) -> dict[str, Any]:
    """The facts of what can be claimed of the order at most."""
    return {"claimable": most.minor, "claimable_currency": most.currency_code}


def propose(performing: UnitOfWork, id: UUID, resolution: ResolutionKind, amount: Money | None) -> None:
    proposal = {
        "id": new_id(),
        "dispute_id": id,
        "resolution": resolution,
        "amount": amount.minor if amount else None,
        "currency": amount.currency_code if amount else None,
        "by_id": performing.context.viewer.id,
        "at": performing.now,
    }
    performing.insert(models.Proposal, proposal)


async def withdraw_dispute(info: Info, input: WithdrawDispute) -> DisputePayload:
    async def effect(performing: UnitOfWork) -> None:
        change_dispute(performing, close_case(performing, DisputeStatus.WITHDRAWN))

    return await on_dispute(info, Action.WITHDRAW_DISPUTE, input, effect)


def change_dispute(performing: UnitOfWork, facts: dict[str, Any], **columns: Any) -> None:
    """Sets facts of the dispute that is acted on, and those of the order that follow from them."""
    change_case(performing, CaseKind.DISPUTE, performing.subject.id, facts, **columns)
    performing.set(dispute_lapses_at=None)
    if "closed_at" in facts:
        performing.set(dispute_open_since=None)
        if facts["closed_as"] in (DisputeStatus.SETTLED, DisputeStatus.RESOLVED):
            performing.set(dispute_settled_at=performing.now)


async def on_dispute(
    info: Info,
    action: Action,
    input: CaseInput,
    effect: ActionHandler,
    checks: Checks | None = None,
    *,
    note_required: bool = False,
    seen: ExpectedState | None = None,
) -> DisputePayload:
    """Performs an action on a dispute, and answers with everything as it stands. `checks` are those made so far."""
    target = the_dispute(input.case_id)
    order, dispute, errors = await act_on_case(
        info, action, target, effect, Dispute, input, checks, note_required=note_required, seen=seen
    )
    return DisputePayload(order=order, dispute=dispute, user_errors=errors)


def the_dispute(id: str) -> ActionTarget:
    key = ids.key_of("Dispute", id)

    async def lock(context: Context) -> Order | None:
        if key is None:
            return None
        return await lock_order(context, lambda bind: f"id = (SELECT order_id FROM disputes WHERE id = {bind(key)})")

    async def read(context: Context, order: Order | None) -> Dispute | None:
        dispute = await with_conflict(context, await fetch.by_id(context, Dispute, id))
        if dispute is not None and order is not None:
            # By the locked order: while servers of two releases run, the older ones do not write these facts.
            dispute.claimable, dispute.claimable_currency = policy.claimable_amount(order), order.currency
        return dispute

    return ActionTarget(lock, read)
