"""References to types whose modules import the module that refers to them."""

from typing import TYPE_CHECKING, Annotated

import strawberry

if TYPE_CHECKING:
    from schema.case import Case
    from schema.order import Order
    from schema.refund import Refund

OrderReference = Annotated["Order", strawberry.lazy("schema.order")]
RefundReference = Annotated["Refund", strawberry.lazy("schema.refund")]
CaseReference = Annotated["Case", strawberry.lazy("schema.case")]
