"""Review: a dispute in the agents' hands, from escalation to their decision."""

from __future__ import annotations

from dataclasses import dataclass

from strawberry import UNSET

from models.enums import PARTIES, Action, DisputeStatus, InputProblem, ResolutionKind, Role
from resolvers import policy
from resolvers.actions import CaseInput
from resolvers.context import Info
from resolvers.disputes.dispute import DisputePayload, change_dispute, on_dispute
from resolvers.disputes.proposal import limit_outcome
from resolvers.message import write
from resolvers.resolution import check_amount, outcome_columns
from resolvers.write.cases import close_case
from resolvers.write.inputs import SHORT_TEXT, Checks, MoneyInput
from resolvers.write.perform import UnitOfWork


@dataclass(kw_only=True)
class EscalateDispute(CaseInput):
    note: str | None = UNSET


@dataclass(kw_only=True)
class RequestEvidence(CaseInput):
    party: Role
    text: str


@dataclass(kw_only=True)
class ResolveDispute(CaseInput):
    resolution: ResolutionKind
    amount: MoneyInput | None = UNSET
    note: str


async def escalate_dispute(info: Info, input: EscalateDispute) -> DisputePayload:
    async def effect(performing: UnitOfWork) -> None:
        change_dispute(performing, {"waits_for": Role.AGENT, "due_at": performing.now})

    return await on_dispute(info, Action.ESCALATE_DISPUTE, input, effect)


async def request_evidence(info: Info, input: RequestEvidence) -> DisputePayload:
    checks = Checks()
    checks.text("text", input.text, SHORT_TEXT, required=True)
    if input.party not in PARTIES:
        checks.problem("party", InputProblem.WRONG_FORM, "Evidence is asked of the buyer or of the supplier.")

    async def effect(performing: UnitOfWork) -> None:
        due = performing.now + policy.EVIDENCE_WITHIN
        await write(performing, input.text)
        change_dispute(performing, {"waits_for": input.party, "due_at": due, "evidence_asked_at": performing.now})
        if input.party is Role.BUYER:
            performing.set(dispute_lapses_at=due)

    return await on_dispute(info, Action.REQUEST_EVIDENCE, input, effect, checks)


async def resolve_dispute(info: Info, input: ResolveDispute) -> DisputePayload:
    checks = Checks()
    amount = check_amount(checks, "amount", input.resolution, input.amount)

    async def effect(performing: UnitOfWork) -> None:
        limit_outcome("amount", amount, performing)
        change_dispute(
            performing,
            close_case(performing, DisputeStatus.RESOLVED),
            **outcome_columns(input.resolution, amount, performing.context.viewer.id, input.note),
        )

    return await on_dispute(info, Action.RESOLVE_DISPUTE, input, effect, checks, note_required=True)
