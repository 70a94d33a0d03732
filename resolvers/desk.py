"""The agents' desk for complaints: taking them up and deciding them."""

from __future__ import annotations

from dataclasses import dataclass

import strawberry
from strawberry import UNSET

from models.enums import Action, ComplaintStatus, ResolutionKind, Role
from resolvers.case import close_case
from resolvers.complaint import Complaint, ComplaintPayload, change_complaint, on_complaint
from resolvers.context import Info
from resolvers.input import Checks, Input, MoneyInput
from resolvers.perform import Performing
from resolvers.resolution import check_amount, limit_amount, outcome_columns


@dataclass(kw_only=True)
class TakeUpComplaint(Input):
    case_id: strawberry.ID
    note: str | None = UNSET


@dataclass(kw_only=True)
class ResolveComplaint(Input):
    case_id: strawberry.ID
    resolution: ResolutionKind
    amount: MoneyInput | None = UNSET
    note: str


@dataclass(kw_only=True)
class RejectComplaint(Input):
    case_id: strawberry.ID
    note: str


async def take_up_complaint(info: Info, input: TakeUpComplaint) -> ComplaintPayload:
    async def effect(performing: Performing) -> None:
        now = performing.now
        await change_complaint(performing, {"answered_at": now, "waits_for": Role.AGENT, "due_at": now})

    return await on_complaint(info, Action.TAKE_UP_COMPLAINT, input.case_id, effect, note=input.note)


async def resolve_complaint(info: Info, input: ResolveComplaint) -> ComplaintPayload:
    checks = Checks()
    amount = check_amount(checks, "amount", input.resolution, input.amount)

    async def effect(performing: Performing) -> None:
        complaint: Complaint = performing.subject
        limit_amount("amount", amount, complaint.amount_money)
        await change_complaint(
            performing,
            close_case(performing, ComplaintStatus.RESOLVED),
            **outcome_columns(input.resolution, amount, performing.context.viewer.id, input.note),
        )

    return await on_complaint(
        info, Action.RESOLVE_COMPLAINT, input.case_id, effect, checks, note=input.note, note_required=True
    )


async def reject_complaint(info: Info, input: RejectComplaint) -> ComplaintPayload:
    async def effect(performing: Performing) -> None:
        await change_complaint(performing, close_case(performing, ComplaintStatus.REJECTED))

    return await on_complaint(info, Action.REJECT_COMPLAINT, input.case_id, effect, note=input.note, note_required=True)
