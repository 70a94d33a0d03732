"""Review of complaints: an agent takes one up and decides it."""

from __future__ import annotations

from models.enums import Action, ComplaintStatus, ResolutionKind
from resolvers.actions import act
from resolvers.complaints.complaint import COMPLAINT, Complaint, ComplaintInput, ComplaintPayload, update_complaint
from resolvers.context import Info
from resolvers.policy import effects
from resolvers.resolution import check_amount, limit_amount, outcome_columns
from resolvers.write.checks import Checks
from resolvers.write.inputs import SHORT_TEXT, MoneyInput, input_field, input_type
from resolvers.write.perform import UnitOfWork


@input_type("A complaint to start reviewing.")
class TakeUpComplaint(ComplaintInput):
    note: str | None = input_field("Anything to add.", max_length=SHORT_TEXT)


@input_type("A decision on a complaint in the complainant's favour.")
class ResolveComplaint(ComplaintInput):
    resolution: ResolutionKind = input_field("The decision.")
    amount: MoneyInput | None = input_field(
        "The amount to pay back. Required, except for REPLACEMENT and NO_REFUND, which take none. At most the "
        "complaint's amount."
    )
    note: str = input_field("The reasons.", max_length=SHORT_TEXT)


@input_type("A complaint to reject.")
class RejectComplaint(ComplaintInput):
    note: str = input_field("The reasons.", max_length=SHORT_TEXT)


async def take_up_complaint(info: Info, input: TakeUpComplaint) -> ComplaintPayload:
    async def handler(unit: UnitOfWork) -> None:
        update_complaint(unit, effects.take_up_complaint(unit.now))

    return await act(info, Action.TAKE_UP_COMPLAINT, COMPLAINT, input, handler)


async def resolve_complaint(info: Info, input: ResolveComplaint) -> ComplaintPayload:
    checks = Checks(input)
    amount = check_amount(checks, "amount", input.resolution, input.amount)

    async def handler(unit: UnitOfWork) -> None:
        complaint: Complaint = unit.subject
        limit_amount("amount", amount, complaint.amount_money)
        update_complaint(
            unit,
            effects.close_complaint(unit.now, ComplaintStatus.RESOLVED),
            **outcome_columns(input.resolution, amount, unit.context.viewer.id, input.note),
        )

    return await act(info, Action.RESOLVE_COMPLAINT, COMPLAINT, input, handler, checks)


async def reject_complaint(info: Info, input: RejectComplaint) -> ComplaintPayload:
    async def handler(unit: UnitOfWork) -> None:
        update_complaint(unit, effects.close_complaint(unit.now, ComplaintStatus.REJECTED))

    return await act(info, Action.REJECT_COMPLAINT, COMPLAINT, input, handler)
