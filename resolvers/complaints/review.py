"""The agents' desk for complaints: taking them up and deciding them."""

from __future__ import annotations

from dataclasses import dataclass

from strawberry import UNSET

from models.enums import Action, ComplaintStatus, ResolutionKind, Role
from resolvers.actions import CaseInput
from resolvers.complaints.complaint import Complaint, ComplaintPayload, change_complaint, on_complaint
from resolvers.context import Info
from resolvers.resolution import check_amount, limit_amount, outcome_columns
from resolvers.write.cases import close_case
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
    async def effect(performing: UnitOfWork) -> None:
        now = performing.now
        change_complaint(performing, {"answered_at": now, "waits_for": Role.AGENT, "due_at": now})

    return await on_complaint(info, Action.TAKE_UP_COMPLAINT, input, effect)


async def resolve_complaint(info: Info, input: ResolveComplaint) -> ComplaintPayload:
    checks = Checks()
    amount = check_amount(checks, "amount", input.resolution, input.amount)

    async def effect(performing: UnitOfWork) -> None:
        complaint: Complaint = performing.subject
        limit_amount("amount", amount, complaint.amount_money)
        change_complaint(
            performing,
            close_case(performing, ComplaintStatus.RESOLVED),
            **outcome_columns(input.resolution, amount, performing.context.viewer.id, input.note),
        )

    return await on_complaint(info, Action.RESOLVE_COMPLAINT, input, effect, checks, note_required=True)


async def reject_complaint(info: Info, input: RejectComplaint) -> ComplaintPayload:
    async def effect(performing: UnitOfWork) -> None:
        change_complaint(performing, close_case(performing, ComplaintStatus.REJECTED))

    return await on_complaint(info, Action.REJECT_COMPLAINT, input, effect, note_required=True)
