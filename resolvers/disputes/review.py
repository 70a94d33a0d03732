"""Review of disputes: an agent takes over, asks for evidence and decides."""

from __future__ import annotations

from dataclasses import dataclass

from strawberry import UNSET

from models.enums import PARTIES, Action, CaseKind, DisputeStatus, InputProblem, ResolutionKind, Role
from resolvers import policy
from resolvers.actions import CaseInput, act
from resolvers.context import Info
from resolvers.disputes.dispute import DISPUTE, DisputePayload, limit_outcome, review_facts, update_dispute
from resolvers.message import write_message
from resolvers.resolution import check_amount, outcome_columns
from resolvers.write.cases import closing_facts
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
    async def handler(unit: UnitOfWork) -> None:
        update_dispute(unit, review_facts(unit.now))

    return await act(info, Action.ESCALATE_DISPUTE, DISPUTE, input, handler)


async def request_evidence(info: Info, input: RequestEvidence) -> DisputePayload:
    checks = Checks()
    checks.text("text", input.text, SHORT_TEXT, required=True)
    if input.party not in PARTIES:
        checks.problem(
            "party", InputProblem.WRONG_FORM, "Agents have no evidence to give; ask the buyer or the supplier."
        )

    async def handler(unit: UnitOfWork) -> None:
        due_at = unit.now + policy.EVIDENCE_WITHIN
        await write_message(unit, CaseKind.DISPUTE, input.text)
        update_dispute(unit, {"waits_for": input.party, "due_at": due_at, "evidence_asked_at": unit.now})
        if input.party is Role.BUYER:
            unit.set(dispute_lapses_at=due_at)

    return await act(info, Action.REQUEST_EVIDENCE, DISPUTE, input, handler, checks)


async def resolve_dispute(info: Info, input: ResolveDispute) -> DisputePayload:
    checks = Checks()
    amount = check_amount(checks, "amount", input.resolution, input.amount)

    async def handler(unit: UnitOfWork) -> None:
        limit_outcome("amount", amount, unit.subject)
        update_dispute(
            unit,
            closing_facts(unit.now, DisputeStatus.RESOLVED),
            **outcome_columns(input.resolution, amount, unit.context.viewer.id, input.note),
        )

    return await act(info, Action.RESOLVE_DISPUTE, DISPUTE, input, handler, checks)
