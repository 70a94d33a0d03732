"""The `reportMissingRefund` mutation."""

from __future__ import annotations

import models
from models.enums import Action
from resolvers import policy
from resolvers.actions import ORDER, OrderInput, Payload, act
from resolvers.context import Info
from resolvers.write.inputs import SHORT_TEXT, input_field, input_type
from resolvers.write.perform import UnitOfWork
from resolvers.write.refunds import known_refunds


@input_type("An order whose overdue refund has not arrived.", action=Action.REPORT_MISSING_REFUND)
class ReportMissingRefund(OrderInput):
    note: str | None = input_field(
        "Anything that helps to find the money.",
        max_length=SHORT_TEXT,
        label="Note",
        hint="Write anything that helps to find the money.",
    )


async def report_missing_refund(info: Info, input: ReportMissingRefund) -> Payload:
    async def handler(unit: UnitOfWork) -> None:
        reported = policy.report(await known_refunds(unit.context, [unit.subject]), unit.now)
        for refund in reported:
            unit.update(models.Refund, {"id": refund.id}, {"reported_missing_at": refund.reported_missing_at})
        await unit.follow_refunds()
        # The event is about the case that has waited longest, so that who watches that case is told.
        [(case_kind, case_id), *_] = [(refund.case_kind, refund.case_id) for refund in reported]
        if case_kind is not None and case_id is not None:
            unit.event.case = (case_kind, case_id)
            unit.event.case_facts = unit.event.case_facts or {}

    return await act(info, Action.REPORT_MISSING_REFUND, ORDER, input, handler)
