"""Disputes with their proposals, and the mutations on them."""

from datetime import datetime

import strawberry

from execution.complexity import LONG_TEXT, SHORT_TEXT, sized
from models.enums import DisputeReason, DisputeStatus, ResolutionKind, ReturnStatus, Role
from resolvers.disputes import dispute, messages, negotiation, outcome, returns, review
from schema.account import Account
from schema.case import Case, Message, Outcome
from schema.connection import Connection, paged_field
from schema.declare import resolved
from schema.files import Attachment
from schema.item import DisputeLine
from schema.lazy import OrderReference
from schema.money import Money
from schema.policy import Actionable, Payload
from schema.refund import Refund


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


@strawberry.type(
    description="A party's appeal against an agent's decision. It stays when the dispute is decided again."
)
class Appeal:
    by: Account = strawberry.field(description="Who appealed: the buyer or the supplier.")
    at: datetime = strawberry.field(description="When the decision was appealed.")
    shown_text: str = strawberry.field(
        metadata=LONG_TEXT,
        name="text",
        description="What is wrong with the decision. Empty if the viewer is the order system.",
    )
    decision: Outcome = strawberry.field(description="The decision that was appealed.")


@strawberry.type(
    description="Goods that go back to the supplier: the supplier gives an address, the buyer sends them, the supplier "
    "confirms or refuses them. If one of them misses the deadline, time decides: see the states."
)
class ReturnShipment:
    status: ReturnStatus = strawberry.field(
        description="The state of the return. It can also change when a time limit passes."
    )
    respond_by: datetime | None = strawberry.field(
        description="The last instant at which the party whose move it is can make it: 5 days after the outcome for "
        "the address, 10 days after the address for the sending, 20 days after the sending for the answer. Null once "
        "the return is over."
    )
    address: str | None = strawberry.field(
        metadata=SHORT_TEXT,
        description="Where the goods are sent back to. Null until the supplier has given it, and for the order system.",
    )
    carrier: str | None = strawberry.field(description="Who carries the goods. Null until they were sent.")
    tracking_number: str | None = strawberry.field(description="The carrier's number. Null until they were sent.")
    shipped_at: datetime | None = strawberry.field(
        description="When the buyer said that the goods were sent back. Null until then."
    )
    received_at: datetime | None = strawberry.field(
        description="When the supplier confirmed them, or else the last instant to refuse them. Null until then."
    )
    note: str | None = strawberry.field(
        metadata=SHORT_TEXT,
        description="Why the goods were refused, in the supplier's words. Null if they were not, and for the order "
        "system.",
    )


@strawberry.type(description="What an agent asked a party of a dispute for.")
class EvidenceRequest:
    party: Role = strawberry.field(description="The party that was asked.")
    text: str = strawberry.field(
        metadata=SHORT_TEXT, description="The evidence that is needed. Empty if the viewer is the order system."
    )
    by: Account = strawberry.field(description="The agent.")
    at: datetime = strawberry.field(description="When the agent asked.")
    answered_at: datetime | None = strawberry.field(description="When the party answered with a file. Null until then.")


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
        description="The last instant at which the party whose turn it is, or who was asked for evidence, can answer. "
        "After it, the dispute is under review, or lapses if the buyer owed evidence. A turn never ends later than "
        "escalatesAt. Null under review and once closed."
    )
    proposal: Proposal | None = strawberry.field(
        description="The current proposal, or the one that settled the dispute. The first is what the buyer wants. "
        "Null after a rejection."
    )
    proposals: list[Proposal] = strawberry.field(description="All proposals, oldest first.")
    dispute_lines: list[DisputeLine] = strawberry.field(
        metadata=sized(5),
        name="lines",
        description="The lines of the order that it is about, as they were at its opening. Empty for the whole order.",
    )
    escalates_at: datetime | None = strawberry.field(
        description="After this instant, 30 days after the opening, an agent reviews the dispute, whatever turns are "
        "taken. Null under review, while evidence is awaited, and once closed."
    )
    outcome: Outcome | None = strawberry.field(
        description="How the dispute ended. Null if it was neither settled nor resolved, and while it is reviewed "
        "again after an appeal or a refused return."
    )
    appeal: Appeal | None = strawberry.field(
        description="The appeal against the first decision. Null if there is none."
    )
    return_shipment: ReturnShipment | None = strawberry.field(
        description="The latest return. Null if the outcome is not RETURN_AND_REFUND, except that a refused return "
        "stays."
    )
    refund: Refund | None = strawberry.field(
        description="The refund that the outcome owes: the oldest that is not VOID. Null if there is none, and while "
        "a return runs. `refunds` has all, if it is paid in parts."
    )
    refunds: list[Refund] = strawberry.field(
        metadata=sized(3),
        description="All refunds that follow from its outcomes, oldest first, also failed and void ones.",
    )
    messages = paged_field(
        "messages",
        Connection[Message],
        "The messages of the parties and agents, newest first. Empty for the order system.",
    )
    evidence_request: EvidenceRequest | None = strawberry.field(
        description="The latest request for evidence. Null if there was none."
    )
    evidence: list[Attachment] = strawberry.field(
        metadata=sized(20),  # of the 200 that a case holds at most
        description="All files of the dispute, oldest first: those that it was opened with, and those of its messages, "
        "its appeal and its refused returns.",
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
    concede_dispute = resolved(
        negotiation.concede_dispute,
        DisputePayload,
        "Accepts the buyer's wish as it stands, as the supplier, also under review; the dispute is settled: "
        "CONCEDE_DISPUTE.",
    )
    revise_claim = resolved(
        negotiation.revise_claim,
        DisputePayload,
        "Replaces wish and claim, as the buyer, before the supplier has answered. The supplier's time to answer begins "
        "anew: REVISE_CLAIM.",
    )
    appeal_decision = resolved(
        outcome.appeal_decision,
        DisputePayload,
        "Appeals an agent's decision, once. The dispute is under review again, and its refund is not owed until it is "
        "decided anew: APPEAL_DECISION.",
    )
    provide_return_address = resolved(
        returns.provide_return_address,
        DisputePayload,
        "Gives the address that the goods are sent back to, as the supplier: PROVIDE_RETURN_ADDRESS.",
    )
    confirm_return_shipped = resolved(
        returns.confirm_return_shipped,
        DisputePayload,
        "Says that the goods were sent back, as the buyer: CONFIRM_RETURN_SHIPPED.",
    )
    confirm_return_received = resolved(
        returns.confirm_return_received,
        DisputePayload,
        "Confirms that the goods are back, as the supplier; the refund is owed: CONFIRM_RETURN_RECEIVED.",
    )
    refuse_return = resolved(
        returns.refuse_return,
        DisputePayload,
        "Says that the returned goods are not as agreed, as the supplier. The dispute is under review again, and an "
        "agent decides anew: REFUSE_RETURN.",
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
        outcome.withdraw_dispute,
        DisputePayload,
        "Withdraws the dispute; another may be opened later. After an appeal or a refused return, the earlier outcome "
        "stands again: WITHDRAW_DISPUTE.",
    )
    request_evidence = resolved(
        review.request_evidence, DisputePayload, "Asks one party for evidence, as an agent: REQUEST_EVIDENCE."
    )
    resolve_dispute = resolved(
        review.resolve_dispute, DisputePayload, "Decides the dispute, as an agent: RESOLVE_DISPUTE."
    )
