"""Disputes with their proposals, and the mutations on them."""

from datetime import datetime

import strawberry

from execution.complexity import LONG_TEXT, sized
from models.enums import DisputeReason, DisputeStatus, ResolutionKind
from resolvers.disputes import dispute, messages, negotiation, review
from schema.account import Account
from schema.case import Case, Message, Outcome
from schema.connection import Connection, paged_field
from schema.declare import resolved
from schema.files import Attachment
from schema.lazy import OrderReference
from schema.money import Money
from schema.policy import Actionable, Payload


@strawberry.type(description="A proposal of a party to settle a dispute.")
class Proposal:
    global_id: strawberry.ID = strawberry.field(
        name="id", description="An opaque id. Send it as proposalId to accept or reject this proposal and no other."
    )
    resolution: ResolutionKind = strawberry.field(description="The proposed resolution.")
    amount_money: Money | None = strawberry.field(
        name="amount", description="The amount to pay back. Null if nothing is paid back."
    )
    by: Account = strawberry.field(description="Who made the proposal.")
    at: datetime = strawberry.field(description="When the proposal was made.")
    accepted: bool | None = strawberry.field(
        description="True if the proposal was accepted, false if it was rejected or replaced. Null while it waits for "
        "an answer."
    )


@strawberry.type(description="A buyer's dispute about an order.")
class Dispute(Case, Actionable):
    order: OrderReference = strawberry.field(description="The order.")  # pyright: ignore[reportIncompatibleVariableOverride]
    status: DisputeStatus = strawberry.field(
        description="The state of the dispute now. It can also change when a time limit passes."
    )
    reason: DisputeReason = strawberry.field(description="What the dispute is about.")
    shown_description: str = strawberry.field(
        metadata=LONG_TEXT,
        name="description",
        description="What happened, in the buyer's words. Empty if the viewer is the order system.",
    )
    wanted: ResolutionKind = strawberry.field(description="The resolution that the buyer wants.")
    claimed: Money | None = strawberry.field(
        name="claim", description="The amount that the buyer claims. Null if the buyer wants a replacement only."
    )
    respond_by: datetime | None = strawberry.field(
        description="The instant until which the party whose turn it is can answer. After it, the dispute is under "
        "review. Null under review and once closed."
    )
    proposal: Proposal | None = strawberry.field(
        description="The current proposal, or the accepted one. The first is what the buyer wants. Null after a "
        "rejection."
    )
    proposals: list[Proposal] = strawberry.field(description="All proposals, oldest first.")
    outcome: Outcome | None = strawberry.field(
        description="How the dispute ended. Null if it was neither settled nor resolved."
    )
    messages = paged_field(
        "messages",
        Connection[Message],
        "The messages of the parties and agents, newest first. Empty for the order system.",
    )
    evidence: list[Attachment] = strawberry.field(
        metadata=sized(20),  # of the 200 that a case holds at most
        description="All files of the dispute, oldest first: those that it was opened with, and those of its messages.",
    )


@strawberry.type(description="The result of an action on a dispute. Either userErrors is empty, or nothing was done.")
class DisputePayload(Payload):
    dispute: Dispute | None = strawberry.field(description="The dispute as it is now.")


@strawberry.type
class DisputeMutations:
    open_dispute = resolved(dispute.open_dispute, DisputePayload, "Opens a dispute about an order: OPEN_DISPUTE.")
    propose_resolution = resolved(
        negotiation.propose_resolution,
        DisputePayload,
        "Proposes how to settle the dispute; then it is the other party's turn: PROPOSE_RESOLUTION.",
    )
    accept_proposal = resolved(
        negotiation.accept_proposal, DisputePayload, "Accepts the proposal; the dispute is settled: ACCEPT_PROPOSAL."
    )
    reject_proposal = resolved(
        negotiation.reject_proposal,
        DisputePayload,
        "Rejects the proposal; then it is the other party's turn: REJECT_PROPOSAL.",
    )
    post_dispute_message = resolved(
        messages.post_dispute_message,
        DisputePayload,
        "Writes to the other party and the agents; answers a request for evidence: POST_DISPUTE_MESSAGE.",
    )
    escalate_dispute = resolved(
        review.escalate_dispute, DisputePayload, "Asks an agent to decide the dispute: ESCALATE_DISPUTE."
    )
    withdraw_dispute = resolved(
        dispute.withdraw_dispute,
        DisputePayload,
        "Withdraws the dispute; another may be opened later: WITHDRAW_DISPUTE.",
    )
    request_evidence = resolved(
        review.request_evidence, DisputePayload, "Asks one party for evidence, as an agent: REQUEST_EVIDENCE."
    )
    resolve_dispute = resolved(
        review.resolve_dispute, DisputePayload, "Decides the dispute, as an agent: RESOLVE_DISPUTE."
    )
