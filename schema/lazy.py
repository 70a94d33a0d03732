"""Types that are declared further up: what they consist of refers back to them."""

from typing import TYPE_CHECKING, Annotated

import strawberry

if TYPE_CHECKING:
    from schema.case import Case
    from schema.order import Order

OrderReference = Annotated["Order", strawberry.lazy("schema.order")]
CaseReference = Annotated["Case", strawberry.lazy("schema.case")]
