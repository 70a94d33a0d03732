"""Negotiation: the parties of a dispute propose settlements to each other, and accept or reject them."""

from __future__ import annotations

from typing import Any

import strawberry

import models
from models.enums import Action, DisputeStatus, Reason, ResolutionKind
from resolvers.actions import act
from resolvers.context import Info
from resolvers.disputes.dispute import (
    DISPUTE,
    Dispute,
    DisputeInput,
    DisputePayload,
    check_wish,
    claim_field,
    most_claimable,
    possible_outcome,
    possible_wish,
    update_dispute,
    wish_field,
)
from resolvers.disputes.outcome import end_with_outcome
from resolvers.disputes.proposal import Proposal, add_proposal
from resolvers.money import money
from resolvers.policy import effects
from resolvers.resolution import always, amount_field, check_amount, resolution_field
from resolvers.write.checks import Checks
from resolvers.write.inputs import SHORT_TEXT, MoneyInput, input_field, input_type
from resolvers.write.perform import ExpectedState, UnitOfWork


@input_type("A resolution to propose in a dispute.", action=Action.PROPOSE_RESOLUTION)
class ProposeResolution(DisputeInput):
    resolution: ResolutionKind = resolution_field(
        "The resolution to propose. Not RETURN_AND_REFUND if the dispute's reason is NOT_RECEIVED or NOT_SHIPPED.",
        label="What you propose",
        possible=always(possible_outcome),
    )
    amount: MoneyInput | None = amount_field(
        "The amount to pay back, in the order's currency. Required, except for REPLACEMENT and NO_REFUND, which take "
        "none. At most the claim, and at most what can be claimed at that time. No amount is possible if the order's "
        "currency changed after the claim.",
        label="Amount to pay back",
        decided_by="resolution",
        possible=always(possible_outcome),
    )
    note: str | None = input_field("Anything to add.", max_length=SHORT_TEXT, label="Note")


@input_type("The dispute whose current proposal is accepted.", action=Action.ACCEPT_PROPOSAL)
class AcceptProposal(DisputeInput):
    note: str | None = input_field("Anything to add.", max_length=SHORT_TEXT, label="Note")
    proposal_id: strawberry.ID | None = input_field(
        "The id of the proposal that the person saw. If it is not the current one, the action is refused with "
        "PROPOSAL_CHANGED. If left out, the action is about the current proposal."
    )


@input_type("The dispute whose current proposal is rejected.", action=Action.REJECT_PROPOSAL)
class RejectProposal(AcceptProposal):
    note: str | None = input_field("Why the proposal is rejected.", max_length=SHORT_TEXT, label="Why you reject it")


async def propose_resolution(info: Info, input: ProposeResolution) -> DisputePayload:
    checks = Checks(input)
    amount = check_amount(checks, "amount", input.resolution, input.amount)

    async def handler(unit: UnitOfWork) -> None:
        dispute: Dispute = unit.subject
        possible_outcome(dispute).check("resolution", input.resolution, "amount", amount)
        await _current_proposals(dispute).update(accepted=False)
        add_proposal(unit, dispute.id, input.resolution, amount)
        role = unit.context.viewer.role
        update_dispute(unit, effects.propose_resolution(dispute, role, unit.now, amount))

    return await act(info, Action.PROPOSE_RESOLUTION, DISPUTE, input, handler, checks)


async def accept_proposal(info: Info, input: AcceptProposal) -> DisputePayload:
    async def handler(unit: UnitOfWork) -> None:
        dispute: Dispute = unit.subject
        proposal = await _current_proposals(dispute).get()
        amount = money(proposal.amount, proposal.currency)
        await _current_proposals(dispute).update(accepted=True)
        await end_with_outcome(unit, DisputeStatus.SETTLED, proposal.resolution, amount, input.note)

    expected = _expected_proposal(input.proposal_id)
    return await act(info, Action.ACCEPT_PROPOSAL, DISPUTE, input, handler, expected=expected)


async def reject_proposal(info: Info, input: RejectProposal) -> DisputePayload:
    async def handler(unit: UnitOfWork) -> None:
        await _current_proposals(unit.subject).update(accepted=False)
        update_dispute(unit, effects.reject_proposal(unit.subject, unit.context.viewer.role, unit.now))

    expected = _expected_proposal(input.proposal_id)
    return await act(info, Action.REJECT_PROPOSAL, DISPUTE, input, handler, expected=expected)


@input_type("The dispute whose claim the supplier accepts.", action=Action.CONCEDE_DISPUTE)
class ConcedeDispute(DisputeInput):
    note: str | None = input_field("Anything to add.", max_length=SHORT_TEXT, label="Note")


async def concede_dispute(info: Info, input: ConcedeDispute) -> DisputePayload:
    async def handler(unit: UnitOfWork) -> None:
        dispute: Dispute = unit.subject
        resolution, amount = effects.conceded_resolution(dispute, dispute.wanted), dispute.claimed
        wish = _current_proposals(dispute).filter(
            by_id=dispute.buyer_id, resolution=resolution, amount=amount.minor if amount else None
        )
        if not await wish.update(accepted=True):
            await _current_proposals(dispute).update(accepted=False)
            add_proposal(unit, dispute.id, resolution, amount, accepted=True)
        await end_with_outcome(unit, DisputeStatus.SETTLED, resolution, amount, input.note)

    return await act(info, Action.CONCEDE_DISPUTE, DISPUTE, input, handler)


@input_type("A dispute with another wish, before the supplier has answered.", action=Action.REVISE_CLAIM)
class ReviseClaim(DisputeInput):
    wanted: ResolutionKind = wish_field(
        "The resolution that would settle the dispute, with the same limits as when the dispute was opened.",
        possible=always(possible_wish),
    )
    claim: MoneyInput | None = claim_field(
        "The amount to claim, in the order's currency, with the same limits as when the dispute was opened. Required, "
        "except for REPLACEMENT, which takes none.",
        possible=always(possible_wish),
    )
    note: str | None = input_field("Anything to add.", max_length=SHORT_TEXT, label="Note")


async def revise_claim(info: Info, input: ReviseClaim) -> DisputePayload:
    checks = Checks(input)
    claim = check_wish(checks, input.wanted, input.claim)

    async def handler(unit: UnitOfWork) -> None:
        dispute: Dispute = unit.subject
        most = most_claimable(dispute)
        assert most is not None
        possible_wish(dispute).check("wanted", input.wanted, "claim", claim)
        await _current_proposals(dispute).update(accepted=False)
        add_proposal(unit, dispute.id, input.wanted, claim)
        effect = effects.revise_claim(dispute, unit.now, claim, most.currency_code)
        update_dispute(unit, effect, wanted=input.wanted)

    return await act(info, Action.REVISE_CLAIM, DISPUTE, input, handler, checks)


def _current_proposals(dispute: Dispute) -> Any:
    return models.Proposal.filter(dispute_id=dispute.id, accepted=None)


_REASONS_ABOUT_THE_PROPOSAL = frozenset({Reason.NOT_YOUR_TURN, Reason.NO_PROPOSAL, Reason.OFFER_NOT_POSSIBLE})


def _expected_proposal(id: str | None) -> ExpectedState | None:
    """Expects the proposal with this id to be the current one. An id of anything else never is."""
    if id is None:
        return None
    key = Proposal.key_of(id)

    async def is_current(dispute: Dispute) -> bool:
        return key is not None and await _current_proposals(dispute).filter(id=key).exists()

    return ExpectedState(is_current, overrides=_REASONS_ABOUT_THE_PROPOSAL)
