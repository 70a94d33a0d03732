"""Proposals: how the parties of a dispute try to settle it between themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry
from strawberry import UNSET

import models
from models.enums import Action, DisputeStatus, InputProblem, Reason, ResolutionKind, Role
from resolvers import ids
from resolvers.account import Account, names_account
from resolvers.actions import CaseInput
from resolvers.context import Context, Info
from resolvers.disputes.dispute import Dispute, DisputePayload, change_dispute, offer, on_dispute, passed_to, propose
from resolvers.errors import ActionRefused, invalid
from resolvers.money import Money, money
from resolvers.read.rows import Row
from resolvers.resolution import check_amount, limit_amount, outcome_columns
from resolvers.write.cases import close_case
from resolvers.write.inputs import Checks, MoneyInput
from resolvers.write.perform import ExpectedState, UnitOfWork


@dataclass(slots=True, kw_only=True)
class Proposal(Row):
    MODEL = models.Proposal
    relations = (names_account("by"),)

    context: Context = field(repr=False)
    id: UUID
    dispute_id: UUID
    resolution: ResolutionKind
    amount: int | None
    currency: str | None
    by_id: UUID
    at: datetime
    accepted: bool | None

    by: Account | None = field(init=False, default=None)

    @property
    def amount_money(self) -> Money | None:
        return money(self.amount, self.currency)


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


def limit_outcome(field: str, amount: Money | None, performing: UnitOfWork) -> None:
    """Raises Refused where the dispute cannot end with this amount by the facts as they are now, under the lock: more
    than can be claimed of the order, more than the claim, or any amount where the claim is in another currency."""
    dispute: Dispute = performing.subject
    assert performing.order is not None
    most, claim = performing.order.most_claimable, dispute.claimed
    if claim is None:
        limit_amount(field, amount, most)
    elif claim.currency_code == most.currency_code:
        limit_amount(field, amount, min(claim, most, key=lambda each: each.minor))
    elif amount is not None:
        changed = f"The order's currency changed from {claim.currency_code} to {most.currency_code} after the claim"
        message = f"{changed}; only an outcome without money is possible."
        raise ActionRefused([invalid(f"{field}.currencyCode", InputProblem.WRONG_FORM, message)])


async def propose_resolution(info: Info, input: ProposeResolution) -> DisputePayload:
    checks = Checks()
    amount = check_amount(checks, "amount", input.resolution, input.amount)

    async def effect(performing: UnitOfWork) -> None:
        limit_outcome("amount", amount, performing)
        await _answer(performing, accepted=False)
        propose(performing, performing.subject.id, input.resolution, amount)
        change_dispute(performing, _to_the_other(performing) | {"proposed_at": performing.now} | offer(amount))

    return await on_dispute(info, Action.PROPOSE_RESOLUTION, input, effect, checks)


async def accept_proposal(info: Info, input: AcceptProposal) -> DisputePayload:
    async def effect(performing: UnitOfWork) -> None:
        proposal = await _on_the_table(performing.subject).get()
        await _answer(performing, accepted=True)
        change_dispute(
            performing,
            close_case(performing, DisputeStatus.SETTLED),
            **outcome_columns(
                proposal.resolution,
                money(proposal.amount, proposal.currency),
                performing.context.viewer.id,
                input.note,
            ),
        )

    return await on_dispute(info, Action.ACCEPT_PROPOSAL, input, effect, seen=_seen(input))


async def reject_proposal(info: Info, input: RejectProposal) -> DisputePayload:
    async def effect(performing: UnitOfWork) -> None:
        await _answer(performing, accepted=False)
        change_dispute(performing, _to_the_other(performing) | {"proposed_at": None} | offer(None))

    return await on_dispute(info, Action.REJECT_PROPOSAL, input, effect, seen=_seen(input))


_OF_THE_TABLE = frozenset({Reason.NOT_YOUR_TURN, Reason.NO_PROPOSAL, Reason.OFFER_NOT_POSSIBLE})


def _on_the_table(dispute: Dispute) -> Any:
    return models.Proposal.filter(dispute_id=dispute.id, accepted=None)


def _seen(input: AcceptProposal) -> ExpectedState | None:
    """The proposal that the input names. What is no id of a proposal is on no table."""
    if input.proposal_id is None:
        return None
    key = ids.key_of("Proposal", input.proposal_id)

    async def is_current(dispute: Dispute) -> bool:
        return key is not None and await _on_the_table(dispute).filter(id=key).exists()

    return ExpectedState(is_current, rather_than=_OF_THE_TABLE)


async def _answer(performing: UnitOfWork, *, accepted: bool) -> None:
    await _on_the_table(performing.subject).update(accepted=accepted)


def _to_the_other(performing: UnitOfWork) -> dict[str, Any]:
    other = Role.BUYER if performing.context.viewer.role is Role.SUPPLIER else Role.SUPPLIER
    return passed_to(other, performing.now)
