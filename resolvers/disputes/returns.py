"""Returns: the supplier gives an address, the buyer sends the goods back, the supplier confirms or refuses them."""

from __future__ import annotations

import strawberry

from models.enums import Action, CaseKind
from resolvers.actions import act
from resolvers.context import Info
from resolvers.disputes.dispute import DISPUTE, DisputeInput, DisputePayload, update_dispute
from resolvers.disputes.outcome import reopen
from resolvers.files.attachment import resolve_uploads, uploads_field
from resolvers.policy import effects
from resolvers.write.checks import Checks
from resolvers.write.inputs import SHORT_TEXT, input_field, input_type
from resolvers.write.perform import UnitOfWork

MAX_ADDRESS, MAX_SHIPMENT_TEXT = 500, 100  # characters


@input_type("Where the buyer sends the goods back to.", action=Action.PROVIDE_RETURN_ADDRESS)
class ProvideReturnAddress(DisputeInput):
    address: str = input_field(
        "The address, in as many lines as it has. The buyer and agents read it.",
        max_length=MAX_ADDRESS,
        label="Return address",
        hint="The buyer sends the goods to it. Agents can read it too.",
    )


@input_type("A return whose goods were sent back, and how.", action=Action.CONFIRM_RETURN_SHIPPED)
class ConfirmReturnShipped(DisputeInput):
    carrier: str = input_field(
        "Who carries the goods, like the name of a parcel service.",
        max_length=MAX_SHIPMENT_TEXT,
        one_line=True,
        label="Carrier",
        hint="The parcel service that carries the goods.",
    )
    tracking_number: str = input_field(
        "The number by which the carrier finds them.",
        max_length=MAX_SHIPMENT_TEXT,
        one_line=True,
        label="Tracking number",
    )


@input_type("A return whose goods have arrived.", action=Action.CONFIRM_RETURN_RECEIVED)
class ConfirmReturnReceived(DisputeInput):
    note: str | None = input_field("Anything to add.", max_length=SHORT_TEXT, label="Note")


@input_type("A return whose goods are not as agreed, and why.", action=Action.REFUSE_RETURN)
class RefuseReturn(DisputeInput):
    note: str = input_field(
        "What is wrong with the goods. Both parties and agents read it.",
        max_length=SHORT_TEXT,
        label="What is wrong with the goods",
        hint="The buyer and agents read it.",
    )
    attachments: list[strawberry.ID] | None = uploads_field(
        "The ids of uploads, like photos of the goods.",
        label="Files",
        hint="Add photos of the goods as they came back.",
    )


async def provide_return_address(info: Info, input: ProvideReturnAddress) -> DisputePayload:
    async def handler(unit: UnitOfWork) -> None:
        update_dispute(unit, effects.provide_return_address(unit.subject, unit.now), return_address=input.address)
        await unit.follow_refunds()

    return await act(info, Action.PROVIDE_RETURN_ADDRESS, DISPUTE, input, handler)


async def confirm_return_shipped(info: Info, input: ConfirmReturnShipped) -> DisputePayload:
    async def handler(unit: UnitOfWork) -> None:
        columns = {"return_carrier": input.carrier, "return_tracking_number": input.tracking_number}
        update_dispute(unit, effects.confirm_return_shipped(unit.subject, unit.now), **columns)
        await unit.follow_refunds()

    return await act(info, Action.CONFIRM_RETURN_SHIPPED, DISPUTE, input, handler)


async def confirm_return_received(info: Info, input: ConfirmReturnReceived) -> DisputePayload:
    async def handler(unit: UnitOfWork) -> None:
        update_dispute(unit, effects.confirm_return_received(unit.now))
        await unit.follow_refunds()

    return await act(info, Action.CONFIRM_RETURN_RECEIVED, DISPUTE, input, handler)


async def refuse_return(info: Info, input: RefuseReturn) -> DisputePayload:
    checks = Checks(input)
    checks.declared("note")
    uploads = await resolve_uploads(info.context, checks, "attachments", input.attachments)

    async def handler(unit: UnitOfWork) -> None:
        await uploads.attach_to(unit, CaseKind.DISPUTE, unit.subject.id)
        await reopen(unit, effects.refuse_return(unit.now), return_note=input.note)

    return await act(info, Action.REFUSE_RETURN, DISPUTE, input, handler, checks)
