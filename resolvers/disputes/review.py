"""Review of disputes: an agent takes over, asks for evidence and decides."""

from __future__ import annotations

from models.enums import PARTIES, Action, CaseKind, DisputeStatus, InputProblem, ResolutionKind, Role
from resolvers.actions import act
from resolvers.context import Info
from resolvers.disputes.dispute import (
    DISPUTE,
    Dispute,
    DisputeInput,
    DisputePayload,
    limit_outcome,
    refuse_return_of_nothing,
    update_dispute,
)
from resolvers.disputes.outcome import end_with_outcome
from resolvers.errors import ActionRefused, invalid
from resolvers.language import gettext
from resolvers.message import write_message
from resolvers.policy import effects
from resolvers.resolution import check_amount
from resolvers.write.checks import Checks
from resolvers.write.inputs import SHORT_TEXT, MoneyInput, input_field, input_type
from resolvers.write.perform import UnitOfWork


@input_type("A dispute that an agent is asked to decide.")
class EscalateDispute(DisputeInput):
    note: str | None = input_field("Anything to add.", max_length=SHORT_TEXT)


@input_type("A request for evidence, to one party of a dispute.")
class RequestEvidence(DisputeInput):
    party: Role = input_field("The party to ask: BUYER or SUPPLIER.")
    text: str = input_field("The evidence that is needed. Both parties can read this.", max_length=SHORT_TEXT)


@input_type("A decision on a dispute.")
class ResolveDispute(DisputeInput):
    resolution: ResolutionKind = input_field(
        "The decision. Not RETURN_AND_REFUND if the dispute's reason is NOT_RECEIVED or NOT_SHIPPED, or if the goods "
        "were sent back already."
    )
    amount: MoneyInput | None = input_field("The amount to pay back, with the same limits as in a proposal.")
    note: str = input_field("The reasons.", max_length=SHORT_TEXT)


async def escalate_dispute(info: Info, input: EscalateDispute) -> DisputePayload:
    async def handler(unit: UnitOfWork) -> None:
        update_dispute(unit, effects.escalate_dispute(unit.now))

    return await act(info, Action.ESCALATE_DISPUTE, DISPUTE, input, handler)


async def request_evidence(info: Info, input: RequestEvidence) -> DisputePayload:
    checks = Checks(input)
    checks.declared("text")
    if input.party not in PARTIES:
        checks.problem(
            "party", InputProblem.WRONG_FORM, gettext("Agents have no evidence to give; ask the buyer or the supplier.")
        )

    async def handler(unit: UnitOfWork) -> None:
        await write_message(unit, CaseKind.DISPUTE, input.text)
        update_dispute(unit, effects.request_evidence(unit.subject, unit.now, input.party))

    return await act(info, Action.REQUEST_EVIDENCE, DISPUTE, input, handler, checks)


async def resolve_dispute(info: Info, input: ResolveDispute) -> DisputePayload:
    checks = Checks(input)
    amount = check_amount(checks, "amount", input.resolution, input.amount)

    async def handler(unit: UnitOfWork) -> None:
        dispute: Dispute = unit.subject
        refuse_return_of_nothing("resolution", input.resolution, dispute)
        if input.resolution is ResolutionKind.RETURN_AND_REFUND and dispute.return_shipped_at is not None:
            message = gettext("The goods were sent back already; choose another resolution.")
            raise ActionRefused([invalid("resolution", InputProblem.WRONG_FORM, message)])
        limit_outcome("amount", amount, dispute)
        await end_with_outcome(unit, DisputeStatus.RESOLVED, input.resolution, amount, input.note)

    return await act(info, Action.RESOLVE_DISPUTE, DISPUTE, input, handler, checks)
