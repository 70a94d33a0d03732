"""References to types that are declared in modules that import this one's importers."""

from typing import TYPE_CHECKING, Annotated

import strawberry

if TYPE_CHECKING:
    from schema.case import Case
    from schema.order import Order

OrderReference = Annotated["Order", strawberry.lazy("schema.order")]
CaseReference = Annotated["Case", strawberry.lazy("schema.case")]
