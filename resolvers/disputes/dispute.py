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
from resolvers.disputes.afterwards import needed_afterwards
from resolvers.disputes.appeal import Appeal
from resolvers.disputes.evidence_request import EvidenceRequest, has_evidence_request
from resolvers.disputes.lines import (
    DisputeLine,
    DisputeLineInput,
    StoredLine,
    check_lines,
    dispute_lines,
    limit_to_lines,
    limited_by_lines,
    lines_field,
    lines_to_store,
)
from resolvers.disputes.proposal import Proposal, add_proposal
from resolvers.disputes.return_shipment import Returning
from resolvers.files.attachment import (
    Attachment,
    HasFiles,
    TakenFiles,
    count_for_forms,
    resolve_uploads,
    uploads_field,
)
from resolvers.language import gettext, gettext_noop
from resolvers.money import Money, money
from resolvers.orders.order import Order
from resolvers.orders.target import lock_order
from resolvers.policy import DisputeFacts, Effect, effects
from resolvers.read import fetch
from resolvers.read.pagination import has_pages
from resolvers.read.relations import belongs_to, has_list, loaded_by
from resolvers.read.rows import Row
from resolvers.read.scopes import Unscoped
from resolvers.read.sql import Where
from resolvers.resolution import (
    Decided,
    Possibilities,
    Possible,
    amount_field,
    check_amount,
    limit_amount,
    resolution_field,
)
from resolvers.write.cases import open_case, update_case, viewer_state
from resolvers.write.checks import Checks
from resolvers.write.inputs import LONG_TEXT, MoneyInput, Now, input_field, input_type
from resolvers.write.perform import ActionTarget, UnitOfWork


@dataclass(slots=True, kw_only=True)
class Dispute(DisputeFacts, Actionable, Decided, Returning, HasFiles, Row):
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
        loaded_by("availableActions", count_for_forms, needs=(PARTY,)),
        replays_events(column="case_id", facts="case_facts", needs=(PARTY,), load_for_forms=count_for_forms),
        needed_afterwards(),
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
    claimable_if_reopened: tuple[int, str] | None = field(init=False, default=None)  # in minor units of this currency
    all_refunds: list[Any] = field(init=False, default_factory=list[Any])  # of class Refund
    evidence: list[Attachment] = field(init=False, default_factory=list[Attachment])
    pages: dict[Any, Any] = field(init=False, default_factory=dict[Any, Any])
    collections: Sequence[list[Any]] = field(init=False, default=())
    past: Sequence[Past] = field(init=False, default=())
    taken_files: TakenFiles | None = field(init=False, default=None)

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
    def offered_resolution(self) -> ResolutionKind | None:
        proposal = self.proposal
        return proposal.resolution if proposal is not None else None

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


NOTHING_TO_RETURN = gettext_noop(
    "The buyer does not have the goods, so nothing can be sent back; choose another resolution."
)
_WITHOUT_GOODS = frozenset({DisputeReason.NOT_RECEIVED, DisputeReason.NOT_SHIPPED})


def no_return(reason: DisputeReason) -> dict[ResolutionKind, str]:
    """Returns the return as a refused resolution, with its message, where the buyer does not have the goods."""
    return {ResolutionKind.RETURN_AND_REFUND: NOTHING_TO_RETURN} if reason in _WITHOUT_GOODS else {}


def claimable(order: Order, reason: DisputeReason) -> Money:
    """Returns the most that can be claimed of the whole order now."""
    return Money(policy.claimable_amount(order, reason), order.currency)


_REFUSED = {reason: no_return(reason) for reason in DisputeReason}


def possible_wishes(order: Order) -> dict[str, Possible]:
    """Returns what a new dispute can be about, by its reason."""
    return {reason: Possible(claimable(order, reason), refused) for reason, refused in _REFUSED.items()}


_RECOMMENDED_EVIDENCE = {
    DisputeReason.NOT_RECEIVED: (gettext_noop("The carrier's tracking page"),),
    DisputeReason.NOT_AS_DESCRIBED: (
        gettext_noop("Photos of the goods"),
        gettext_noop("The description or the contract that the goods do not match"),
    ),
    DisputeReason.DAMAGED: (
        gettext_noop("Photos of the damage and of the packaging"),
        gettext_noop("The carrier's damage report, if there is one"),
    ),
    DisputeReason.LATE: (gettext_noop("The agreed date of delivery"), gettext_noop("The carrier's proof of delivery")),
    DisputeReason.DEFECTIVE: (gettext_noop("A video that shows what does not work"),),
    DisputeReason.MISSING_PARTS: (
        gettext_noop("Photos of everything that was in the package"),
        gettext_noop("The packing list"),
    ),
    DisputeReason.QUANTITY_SHORTAGE: (
        gettext_noop("Photos of everything that was in the package"),
        gettext_noop("The packing list"),
    ),
    DisputeReason.WRONG_ITEM: (gettext_noop("Photos of the goods and of their labels"),),
    DisputeReason.COUNTERFEIT: (
        gettext_noop("Photos of the goods and of their labels"),
        gettext_noop("A statement of the brand's owner"),
    ),
    DisputeReason.NOT_SHIPPED: (gettext_noop("Messages in which the supplier promised a date"),),
    DisputeReason.REFUND_NOT_RECEIVED: (gettext_noop("A statement of the account to which the refund should go"),),
}
_REASON = "reason"


def wish_field(description: str, *, possible: Possibilities, by: str = "") -> Any:
    """Declares the field of an input with what would settle the dispute."""
    refused = {ResolutionKind.NO_REFUND: gettext_noop("A dispute cannot request NO_REFUND; choose another resolution.")}
    return resolution_field(
        description, label="What would settle the dispute", possible=possible, by=by, not_accepted=refused
    )


def claim_field(description: str, *, possible: Possibilities, by: str = "", then: Now | None = None) -> Any:
    """Declares the field of an input with the amount to claim."""
    return amount_field(description, label="Amount to claim", decided_by="wanted", possible=possible, by=by, then=then)


@input_type("A dispute to open, and what would settle it.", action=Action.OPEN_DISPUTE)
class OpenDispute(OrderInput):
    reason: DisputeReason = input_field("What went wrong.", label="What went wrong", evidence=_RECOMMENDED_EVIDENCE)
    description: str = input_field(
        "What happened.", max_length=LONG_TEXT, label="What happened", hint="The supplier and agents read it."
    )
    lines: list[DisputeLineInput] | None = lines_field()
    wanted: ResolutionKind = wish_field(
        "The resolution that would settle the dispute: any but NO_REFUND. With the reasons NOT_RECEIVED and "
        "NOT_SHIPPED not RETURN_AND_REFUND.",
        possible=possible_wishes,
        by=_REASON,
    )
    claim: MoneyInput | None = claim_field(
        "The amount to claim, in the order's currency. Required, except for REPLACEMENT, which takes none. At most "
        "what was paid less what is refunded or owed, and at most the price of the lines. If no payment was ever "
        "recorded, at most the total; if a payment was taken back, nothing. With REFUND_NOT_RECEIVED, at most what is "
        "owed and did not arrive.",
        possible=possible_wishes,
        by=_REASON,
        then=limited_by_lines,
    )
    evidence: list[strawberry.ID] | None = uploads_field(
        "The ids of uploads, like photos of the goods.",
        label="Evidence",
        hint="Add photos, videos or documents that show what went wrong.",
    )


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
    if (message := no_return(input.reason).get(input.wanted)) is not None:
        checks.problem("wanted", InputProblem.WRONG_FORM, gettext(message))
    check_lines(checks)
    uploads = await resolve_uploads(info.context, checks, "evidence", input.evidence)

    async def handler(unit: UnitOfWork) -> None:
        order: Order = unit.subject
        most = claimable(order, input.reason)
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
    return check_amount(checks, "claim", wanted, claim) if checks.bounds("wanted") else None


def update_dispute(unit: UnitOfWork, effect: Effect, **columns: Any) -> None:
    """Sets the effect's facts of the subject and of its order, and columns of the subject."""
    update_case(unit, CaseKind.DISPUTE, unit.subject.id, effect, **columns)


def most_claimable(dispute: Dispute) -> Money | None:
    """Returns the most that can be claimed now. It is None for a row that a server of an earlier release wrote; a
    dispute that comes from `dispute_target` always has it."""
    most = money(dispute.claimable, dispute.claimable_currency)
    return None if most is None else limit_to_lines(most, dispute.lines)


def possible_wish(dispute: Dispute) -> Possible:
    """Returns what the buyer of the dispute can wish for now."""
    return Possible(most_claimable(dispute), no_return(dispute.reason))


def possible_outcome(dispute: Dispute) -> Possible:
    """Returns how the dispute can end now. The amount cannot be more than the claim, nor more than can be claimed of
    the order. No amount is possible where the claim is in another currency."""
    claim, most = dispute.claimed, most_claimable(dispute)
    refused = no_return(dispute.reason)
    if claim is None or most is None:
        return Possible(most or claim, refused)
    if claim.currency_code != most.currency_code:
        return Possible(most, refused, claimed_in=claim.currency_code)
    return Possible(min(claim, most, key=lambda limit: limit.minor), refused)
