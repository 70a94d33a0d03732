"""Review of complaints: an agent takes one up and decides it."""

from __future__ import annotations

from models.enums import Action, ComplaintStatus, ResolutionKind
from resolvers.actions import act
from resolvers.complaints.complaint import COMPLAINT, Complaint, ComplaintInput, ComplaintPayload, update_complaint
from resolvers.context import Info
from resolvers.policy import effects
from resolvers.resolution import (
    Possible,
    always,
    amount_field,
    check_amount,
    outcome_columns,
    resolution_field,
)
from resolvers.write.checks import Checks
from resolvers.write.inputs import SHORT_TEXT, MoneyInput, input_field, input_type
from resolvers.write.perform import UnitOfWork


@input_type("A complaint to start reviewing.", action=Action.TAKE_UP_COMPLAINT)
class TakeUpComplaint(ComplaintInput):
    note: str | None = input_field("Anything to add.", max_length=SHORT_TEXT, label="Note")


def possible_decision(complaint: Complaint) -> Possible:
    """Returns what can be decided: any resolution, and at most the complaint's amount."""
    return Possible(complaint.amount_money)


_READERS = "The complainant reads it."


@input_type("A decision on a complaint in the complainant's favour.", action=Action.RESOLVE_COMPLAINT)
class ResolveComplaint(ComplaintInput):
    resolution: ResolutionKind = resolution_field("The decision.", label="Decision", possible=always(possible_decision))
    amount: MoneyInput | None = amount_field(
        "The amount to pay back. Required, except for REPLACEMENT and NO_REFUND, which take none. At most the "
        "complaint's amount.",
        label="Amount to pay back",
        decided_by="resolution",
        possible=always(possible_decision),
    )
    note: str = input_field("The reasons.", max_length=SHORT_TEXT, label="Reasons", hint=_READERS)


@input_type("A complaint to reject.", action=Action.REJECT_COMPLAINT)
class RejectComplaint(ComplaintInput):
    note: str = input_field("The reasons.", max_length=SHORT_TEXT, label="Reasons", hint=_READERS)


async def take_up_complaint(info: Info, input: TakeUpComplaint) -> ComplaintPayload:
    async def handler(unit: UnitOfWork) -> None:
        update_complaint(unit, effects.take_up_complaint(unit.now))

    return await act(info, Action.TAKE_UP_COMPLAINT, COMPLAINT, input, handler)


async def resolve_complaint(info: Info, input: ResolveComplaint) -> ComplaintPayload:
    checks = Checks(input)
    amount = check_amount(checks, "amount", input.resolution, input.amount)

    async def handler(unit: UnitOfWork) -> None:
        complaint: Complaint = unit.subject
        possible_decision(complaint).check("resolution", input.resolution, "amount", amount)
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
