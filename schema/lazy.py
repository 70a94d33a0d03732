"""References to types whose modules import the module that refers to them."""

from typing import TYPE_CHECKING, Annotated

import strawberry

if TYPE_CHECKING:
    from schema.case import Case
    from schema.order import Order

OrderReference = Annotated["Order", strawberry.lazy("schema.order")]
CaseReference = Annotated["Case", strawberry.lazy("schema.case")]
