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


@input_type("An order whose overdue refund has not arrived.")
class ReportMissingRefund(OrderInput):
    note: str | None = input_field("Anything that helps to find the money.", max_length=SHORT_TEXT)


async def report_missing_refund(info: Info, input: ReportMissingRefund) -> Payload:
    async def handler(unit: UnitOfWork) -> None:
        for refund in await known_refunds(unit.context, [unit.subject]):
            reportable_after = policy.reportable_after(refund)
            if reportable_after is not None and unit.now > reportable_after:
                unit.update(models.Refund, {"id": refund.id}, {"reported_missing_at": unit.now})
        await unit.follow_refunds()

    return await act(info, Action.REPORT_MISSING_REFUND, ORDER, input, handler)
