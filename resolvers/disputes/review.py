"""Review of disputes: an agent takes over, asks for evidence and decides."""

from __future__ import annotations

from models.enums import PARTIES, Action, CaseKind, DisputeStatus, ResolutionKind, Role
from resolvers.actions import act
from resolvers.context import Info
from resolvers.disputes.dispute import (
    DISPUTE,
    Dispute,
    DisputeInput,
    DisputePayload,
    possible_outcome,
    update_dispute,
)
from resolvers.disputes.outcome import end_with_outcome
from resolvers.language import gettext_noop
from resolvers.message import write_message
from resolvers.policy import effects
from resolvers.resolution import Possible, always, amount_field, check_amount, resolution_field
from resolvers.write.checks import Checks
from resolvers.write.inputs import SHORT_TEXT, MoneyInput, input_field, input_type
from resolvers.write.perform import UnitOfWork


@input_type("A dispute that an agent is asked to decide.", action=Action.ESCALATE_DISPUTE)
class EscalateDispute(DisputeInput):
    note: str | None = input_field("Anything to add.", max_length=SHORT_TEXT, label="Note")


_NO_PARTY = gettext_noop("Agents have no evidence to give; ask the buyer or the supplier.")


@input_type("A request for evidence, to one party of a dispute.", action=Action.REQUEST_EVIDENCE)
class RequestEvidence(DisputeInput):
    party: Role = input_field(
        "The party to ask: BUYER or SUPPLIER.",
        label="Whom to ask",
        not_accepted={role: _NO_PARTY for role in Role if role not in PARTIES},
    )
    text: str = input_field(
        "The evidence that is needed. Both parties can read this.",
        max_length=SHORT_TEXT,
        label="Which evidence is needed",
        hint="Both parties can read this.",
    )


_SENT_BACK = gettext_noop("The goods were sent back already; choose another resolution.")


def possible_decision(dispute: Dispute) -> Possible:
    """Returns what can be decided now: what can be proposed, and no second return of the same goods."""
    possible = possible_outcome(dispute)
    if dispute.return_shipped_at is None:
        return possible
    return possible.without({ResolutionKind.RETURN_AND_REFUND: _SENT_BACK})


@input_type("A decision on a dispute.", action=Action.RESOLVE_DISPUTE)
class ResolveDispute(DisputeInput):
    resolution: ResolutionKind = resolution_field(
        "The decision. Not RETURN_AND_REFUND if the dispute's reason is NOT_RECEIVED or NOT_SHIPPED, or if the goods "
        "were sent back already.",
        label="Decision",
        possible=always(possible_decision),
    )
    amount: MoneyInput | None = amount_field(
        "The amount to pay back, with the same limits as in a proposal.",
        label="Amount to pay back",
        decided_by="resolution",
        possible=always(possible_decision),
    )
    note: str = input_field("The reasons.", max_length=SHORT_TEXT, label="Reasons", hint="Both parties can read this.")


async def escalate_dispute(info: Info, input: EscalateDispute) -> DisputePayload:
    async def handler(unit: UnitOfWork) -> None:
        update_dispute(unit, effects.escalate_dispute(unit.now))

    return await act(info, Action.ESCALATE_DISPUTE, DISPUTE, input, handler)


async def request_evidence(info: Info, input: RequestEvidence) -> DisputePayload:
    checks = Checks(input)
    checks.declared("text")

    async def handler(unit: UnitOfWork) -> None:
        await write_message(unit, CaseKind.DISPUTE, input.text)
        update_dispute(unit, effects.request_evidence(unit.subject, unit.now, input.party))

    return await act(info, Action.REQUEST_EVIDENCE, DISPUTE, input, handler, checks)


async def resolve_dispute(info: Info, input: ResolveDispute) -> DisputePayload:
    checks = Checks(input)
    amount = check_amount(checks, "amount", input.resolution, input.amount)

    async def handler(unit: UnitOfWork) -> None:
        dispute: Dispute = unit.subject
        possible_decision(dispute).check("resolution", input.resolution, "amount", amount)
        await end_with_outcome(unit, DisputeStatus.RESOLVED, input.resolution, amount, input.note)

    return await act(info, Action.RESOLVE_DISPUTE, DISPUTE, input, handler, checks)
