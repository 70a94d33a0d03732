"""Negotiation: the parties of a dispute propose settlements to each other, and accept or reject them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import strawberry
from strawberry import UNSET

import models
from models.enums import Action, DisputeStatus, Reason, ResolutionKind, Role
from resolvers import ids
from resolvers.actions import CaseInput, act
from resolvers.context import Info
from resolvers.disputes.dispute import (
    DISPUTE,
    Dispute,
    DisputePayload,
    limit_outcome,
    offer_facts,
    turn_facts,
    update_dispute,
)
from resolvers.disputes.proposal import add_proposal
from resolvers.money import money
from resolvers.resolution import check_amount, outcome_columns
from resolvers.write.cases import closing_facts
from resolvers.write.inputs import Checks, MoneyInput
from resolvers.write.perform import ExpectedState, UnitOfWork


@dataclass(kw_only=True)
class ProposeResolution(CaseInput):
    resolution: ResolutionKind
    amount: MoneyInput | None = UNSET
    note: str | None = UNSET


@dataclass(kw_only=True)
class AcceptProposal(CaseInput):
    note: str | None = UNSET
    proposal_id: strawberry.ID | None = UNSET


@dataclass(kw_only=True)
class RejectProposal(AcceptProposal):
    pass


async def propose_resolution(info: Info, input: ProposeResolution) -> DisputePayload:
    checks = Checks()
    amount = check_amount(checks, "amount", input.resolution, input.amount)

    async def handler(unit: UnitOfWork) -> None:
        dispute: Dispute = unit.subject
        limit_outcome("amount", amount, dispute)
        await _on_the_table(dispute).update(accepted=False)
        add_proposal(unit, dispute.id, input.resolution, amount)
        update_dispute(unit, _other_turn_facts(unit) | {"proposed_at": unit.now} | offer_facts(amount))

    return await act(info, Action.PROPOSE_RESOLUTION, DISPUTE, input, handler, checks)


async def accept_proposal(info: Info, input: AcceptProposal) -> DisputePayload:
    async def handler(unit: UnitOfWork) -> None:
        dispute: Dispute = unit.subject
        proposal = await _on_the_table(dispute).get()
        amount = money(proposal.amount, proposal.currency)
        await _on_the_table(dispute).update(accepted=True)
        update_dispute(
            unit,
            closing_facts(unit.now, DisputeStatus.SETTLED),
            **outcome_columns(proposal.resolution, amount, unit.context.viewer.id, input.note),
        )

    expected = _expected_proposal(input.proposal_id)
    return await act(info, Action.ACCEPT_PROPOSAL, DISPUTE, input, handler, expected=expected)


async def reject_proposal(info: Info, input: RejectProposal) -> DisputePayload:
    async def handler(unit: UnitOfWork) -> None:
        await _on_the_table(unit.subject).update(accepted=False)
        update_dispute(unit, _other_turn_facts(unit) | {"proposed_at": None} | offer_facts(None))

    expected = _expected_proposal(input.proposal_id)
    return await act(info, Action.REJECT_PROPOSAL, DISPUTE, input, handler, expected=expected)


def _on_the_table(dispute: Dispute) -> Any:
    return models.Proposal.filter(dispute_id=dispute.id, accepted=None)


def _other_turn_facts(unit: UnitOfWork) -> dict[str, Any]:
    """Returns the facts that pass the turn from the viewer to the other party."""
    other = Role.BUYER if unit.context.viewer.role is Role.SUPPLIER else Role.SUPPLIER
    return turn_facts(other, unit.now)


_REASONS_ABOUT_THE_TABLE = frozenset({Reason.NOT_YOUR_TURN, Reason.NO_PROPOSAL, Reason.OFFER_NOT_POSSIBLE})


def _expected_proposal(id: str | None) -> ExpectedState | None:
    """Expects the proposal with this id to be on the table. An id of anything else never is."""
    if id is None:
        return None
    key = ids.key_of("Proposal", id)

    async def is_current(dispute: Dispute) -> bool:
        return key is not None and await _on_the_table(dispute).filter(id=key).exists()

    return ExpectedState(is_current, overrides=_REASONS_ABOUT_THE_TABLE)
