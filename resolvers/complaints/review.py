"""Review of complaints: an agent takes one up and decides it."""

from __future__ import annotations

from dataclasses import dataclass

from strawberry import UNSET

from models.enums import Action, ComplaintStatus, ResolutionKind, Role
from resolvers.actions import CaseInput, act
from resolvers.complaints.complaint import COMPLAINT, Complaint, ComplaintPayload, update_complaint
from resolvers.context import Info
from resolvers.resolution import check_amount, limit_amount, outcome_columns
from resolvers.write.cases import closing_facts
from resolvers.write.inputs import Checks, MoneyInput
from resolvers.write.perform import UnitOfWork


@dataclass(kw_only=True)
class TakeUpComplaint(CaseInput):
    note: str | None = UNSET


@dataclass(kw_only=True)
class ResolveComplaint(CaseInput):
    resolution: ResolutionKind
    amount: MoneyInput | None = UNSET
    note: str


@dataclass(kw_only=True)
class RejectComplaint(CaseInput):
    note: str


async def take_up_complaint(info: Info, input: TakeUpComplaint) -> ComplaintPayload:
    async def handler(unit: UnitOfWork) -> None:
        update_complaint(unit, {"answered_at": unit.now, "waits_for": Role.AGENT, "due_at": unit.now})

    return await act(info, Action.TAKE_UP_COMPLAINT, COMPLAINT, input, handler)


async def resolve_complaint(info: Info, input: ResolveComplaint) -> ComplaintPayload:
    checks = Checks()
    amount = check_amount(checks, "amount", input.resolution, input.amount)

    async def handler(unit: UnitOfWork) -> None:
        complaint: Complaint = unit.subject
        limit_amount("amount", amount, complaint.amount_money)
        update_complaint(
            unit,
            closing_facts(unit.now, ComplaintStatus.RESOLVED),
            **outcome_columns(input.resolution, amount, unit.context.viewer.id, input.note),
        )

    return await act(info, Action.RESOLVE_COMPLAINT, COMPLAINT, input, handler, checks)


async def reject_complaint(info: Info, input: RejectComplaint) -> ComplaintPayload:
    async def handler(unit: UnitOfWork) -> None:
        update_complaint(unit, closing_facts(unit.now, ComplaintStatus.REJECTED))

    return await act(info, Action.REJECT_COMPLAINT, COMPLAINT, input, handler)
