"""Disputes: a buyer's claim about an order that was paid or shipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

import models
from models.enums import (
    Action,
    CaseKind,
    DisputeReason,
    DisputeStatus,
    InputProblem,
    RefundStatus,
    ResolutionKind,
    Role,
    ViewerState,
)
from resolvers import policy
from resolvers.account import Account, names_account
from resolvers.actionable import Actionable, Past, replays_events
from resolvers.actions import CaseInput, OrderInput, Payload, Resource, act
from resolvers.conflict import PARTY, finds_conflicts, with_conflict
from resolvers.context import Context, Info
from resolvers.disputes.appeal import Appeal
from resolvers.disputes.evidence_request import EvidenceRequest, has_evidence_request
from resolvers.disputes.lines import (
    DisputeLine,
    DisputeLineInput,
    StoredLine,
    check_lines,
    dispute_lines,
    limit_to_lines,
    lines_field,
    lines_to_store,
)
from resolvers.disputes.proposal import Proposal, add_proposal
from resolvers.disputes.return_shipment import Returning
from resolvers.errors import ActionRefused, invalid
from resolvers.files.attachment import Attachment, resolve_uploads, uploads_field
from resolvers.language import gettext
from resolvers.money import Money, money
from resolvers.orders.order import Order
from resolvers.orders.target import lock_order
from resolvers.policy import DisputeFacts, Effect, effects
from resolvers.read import fetch
from resolvers.read.pagination import has_pages
from resolvers.read.relations import belongs_to, has_list
from resolvers.read.rows import Row
from resolvers.read.scopes import Unscoped
from resolvers.read.sql import Where
from resolvers.resolution import Decided, check_amount, limit_amount
from resolvers.write.cases import open_case, update_case, viewer_state
from resolvers.write.checks import Checks
from resolvers.write.inputs import LONG_TEXT, MoneyInput, input_field, input_type
from resolvers.write.perform import ActionTarget, UnitOfWork


@dataclass(slots=True, kw_only=True)
class Dispute(DisputeFacts, Actionable, Decided, Returning, Row):
    MODEL = models.Dispute
    relations = (
        belongs_to("order", "Order", column="order_id"),
        has_list(
            ("proposal", "proposals"),
            "Proposal",
            attribute="proposals",
            column="dispute_id",
            visibility=Unscoped("Viewers who may see a dispute may see its proposals."),
        ),
        has_pages("messages", "Message", column="case_id"),
        has_list(("evidence",), "Attachment", attribute="evidence", column="case_id"),
        names_account("outcome", attribute="outcome_by"),
        has_evidence_request(),
        has_list(("appeal",), "Appeal", attribute="appeals", column="dispute_id"),
        has_list(("refund", "refunds"), "Refund", attribute="all_refunds", column="case_id", order="since, id"),
        has_pages("timeline", "TimelineEntry", column="case_id"),
        finds_conflicts("buyer_id", "supplier_id"),
        replays_events(column="case_id", facts="case_facts", needs=(PARTY,)),
    )
    moved_by_time = (
        *(applies for _, applies in policy.DISPUTE_STATUSES),
        *(applies for _, applies in policy.RETURN_STATUSES),
        policy.DISPUTE_FINAL,
    )

    context: Context = field(repr=False)
    id: UUID
    number: str
    order_id: UUID
    reason: DisputeReason
    description: str
    wanted: ResolutionKind
    lines: list[StoredLine] | None
    return_address: str | None
    return_carrier: str | None
    return_tracking_number: str | None
    return_note: str | None
    outcome_resolution: ResolutionKind | None
    outcome_amount: int | None
    outcome_currency: str | None
    outcome_by_id: UUID | None
    outcome_note: str | None

    order: Order | None = field(init=False, default=None)
    of_order: Order | None = field(init=False, default=None, repr=False)
    outcome_by: Account | None = field(init=False, default=None)
    as_party: Account | None = field(init=False, default=None, repr=False)
    proposals: list[Proposal] | None = field(init=False, default=None)
    evidence_request: EvidenceRequest | None = field(init=False, default=None)
    appeals: list[Appeal] = field(init=False, default_factory=list[Appeal])
    all_refunds: list[Any] = field(init=False, default_factory=list[Any])  # of class Refund
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
    def proposal(self) -> Proposal | None:
        """The current proposal, or the one that settled the dispute. A settlement that was taken back has none."""
        settled = True if self.closed_as is DisputeStatus.SETTLED else None  # how that proposal was answered
        if settled is None and self.ended_at is not None:
            return None
        return next((proposal for proposal in reversed(self.proposals or ()) if proposal.accepted is settled), None)

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
        return policy.DISPUTE_FINAL.holds(self, self.context.viewer.role, self.context.now)

    @property
    def escalates_at(self) -> datetime | None:
        return policy.escalates_at(self, self.context.now)

    @property
    def dispute_lines(self) -> list[DisputeLine]:
        return dispute_lines(self.order_id, self.lines)

    @property
    def appeal(self) -> Appeal | None:
        return next((appeal for appeal in self.appeals if appeal.text is not None), None)

    @property
    def refunds(self) -> list[Any]:
        """Those that are shown: a refund that a running return will owe is not."""
        return [refund for refund in self.all_refunds if refund.is_shown]

    @property
    def refund(self) -> Any:
        """The oldest one that is still owed or was paid."""
        return next((refund for refund in self.refunds if refund.status is not RefundStatus.VOID), None)

    @property
    def viewer_state(self) -> ViewerState:
        return viewer_state(
            policy.waits_for(self, self.context.now), self.context.viewer.role, conflict=self.has_conflict
        )

    def facts(self) -> DisputeFacts:
        """The dispute when nothing was known of it yet."""
        return DisputeFacts(
            buyer_id=self.buyer_id, supplier_id=self.supplier_id, claim=self.claim, currency=self.currency
        )


@input_type("A dispute to open, and what would settle it.")
class OpenDispute(OrderInput):
    reason: DisputeReason = input_field("What went wrong.")
    description: str = input_field("What happened.", max_length=LONG_TEXT)
    wanted: ResolutionKind = input_field(
        "The resolution that would settle the dispute: any but NO_REFUND. With the reasons NOT_RECEIVED and "
        "NOT_SHIPPED not RETURN_AND_REFUND."
    )
    claim: MoneyInput | None = input_field(
        "The amount to claim, in the order's currency. Required, except for REPLACEMENT, which takes none. At most "
        "what was paid less what is refunded or owed, and at most the price of the lines. If no payment was ever "
        "recorded, at most the total; if a payment was taken back, nothing. With REFUND_NOT_RECEIVED, at most what is "
        "owed and did not arrive."
    )
    lines: list[DisputeLineInput] | None = lines_field()
    evidence: list[strawberry.ID] | None = uploads_field("The ids of uploads, like photos of the goods.")


@input_type("The input of an action on a dispute.")
class DisputeInput(CaseInput):
    case_id: strawberry.ID = input_field("The dispute's id.")


@dataclass(slots=True, kw_only=True)
class DisputePayload(Payload):
    dispute: Dispute | None


def dispute_target(id: str) -> ActionTarget:
    key = Dispute.key_of(id)

    async def lock(context: Context) -> Order | None:
        if key is None:
            return None
        return await lock_order(context, Where("id = (SELECT order_id FROM disputes WHERE id = {})", key))

    async def read(context: Context, order: Order | None) -> Dispute | None:
        dispute = await with_conflict(context, await fetch.by_id(context, Dispute, id))
        if dispute is not None and order is not None:
            # From the locked order: while servers of two releases run, the older ones do not write these facts.
            dispute.claimable = policy.claimable_amount(order, dispute.reason)
            dispute.claimable_currency = order.currency
        return dispute

    return ActionTarget(lock, read)


DISPUTE = Resource(Dispute, DisputePayload, frozenset({Action.OPEN_DISPUTE}), target=dispute_target, relation="dispute")


async def open_dispute(info: Info, input: OpenDispute) -> DisputePayload:
    checks = Checks(input)
    checks.declared("description")
    claim = check_wish(checks, input.wanted, input.claim)
    if returns_nothing(input.wanted, input.reason):
        checks.problem("wanted", InputProblem.WRONG_FORM, NOTHING_TO_RETURN)
    check_lines(checks)
    uploads = await resolve_uploads(info.context, checks, "evidence", input.evidence)

    async def handler(unit: UnitOfWork) -> None:
        order: Order = unit.subject
        most = Money(policy.claimable_amount(order, input.reason), order.currency)
        lines = lines_to_store(order, input.lines)
        limit_amount("claim", claim, limit_to_lines(most, lines))
        id = await open_case(
            unit,
            CaseKind.DISPUTE,
            effects.open_dispute(unit.now, claim, most),
            order_id=order.id,
            buyer_id=order.buyer_id,
            supplier_id=order.supplier_id,
            reason=input.reason,
            description=input.description,
            wanted=input.wanted,
            lines=lines,
        )
        await uploads.attach_to(unit, CaseKind.DISPUTE, id)
        add_proposal(unit, id, input.wanted, claim)

    return await act(info, Action.OPEN_DISPUTE, DISPUTE, input, handler, checks)


def check_wish(checks: Checks, wanted: ResolutionKind, claim: MoneyInput | None) -> Money | None:
    """Checks what a buyer wants. Returns the amount to claim."""
    if wanted is ResolutionKind.NO_REFUND:
        message = gettext("A dispute cannot request NO_REFUND; choose another resolution.")
        checks.problem("wanted", InputProblem.WRONG_FORM, message)
        return None
    return check_amount(checks, "claim", wanted, claim)


NOTHING_TO_RETURN = "The buyer does not have the goods, so nothing can be sent back; choose another resolution."
_WITHOUT_GOODS = frozenset({DisputeReason.NOT_RECEIVED, DisputeReason.NOT_SHIPPED})


def returns_nothing(resolution: ResolutionKind, reason: DisputeReason) -> bool:
    """Returns whether the resolution is a return of goods that the buyer does not have."""
    return resolution is ResolutionKind.RETURN_AND_REFUND and reason in _WITHOUT_GOODS


def refuse_return_of_nothing(field: str, resolution: ResolutionKind, dispute: Dispute) -> None:
    """Raises ActionRefused where the resolution is a return and the buyer does not have the goods."""
    if returns_nothing(resolution, dispute.reason):
        raise ActionRefused([invalid(field, InputProblem.WRONG_FORM, NOTHING_TO_RETURN)])


def update_dispute(unit: UnitOfWork, effect: Effect, **columns: Any) -> None:
    """Sets the effect's facts of the subject and of its order, and columns of the subject."""
    update_case(unit, CaseKind.DISPUTE, unit.subject.id, effect, **columns)


def most_claimable(dispute: Dispute) -> Money:
    """Returns the most that can be claimed now. The dispute must come from `dispute_target`."""
    most = money(dispute.claimable, dispute.claimable_currency)
    assert most is not None
    return limit_to_lines(most, dispute.lines)


def limit_outcome(field: str, amount: Money | None, dispute: Dispute) -> None:
    """Raises ActionRefused where the dispute cannot end with this amount now. It cannot be more than the claim, nor
    more than can be claimed of the order. No amount is possible where the claim is in another currency."""
    claim, most = dispute.claimed, most_claimable(dispute)
    if claim is None:
        limit_amount(field, amount, most)
    elif claim.currency_code == most.currency_code:
        limit_amount(field, amount, min(claim, most, key=lambda limit: limit.minor))
    elif amount is not None:
        message = gettext(
            "The order's currency changed from {before} to {after} after the claim; only an outcome without money is "
            "possible.",
            before=claim.currency_code,
            after=most.currency_code,
        )
        raise ActionRefused([invalid(f"{field}.currencyCode", InputProblem.WRONG_FORM, message)])
