"""What a mutation answers with: everything as it stands now, whether something was done or refused."""

from dataclasses import dataclass
from typing import TypeVar

from resolvers import reading
from resolvers.context import Info
from resolvers.errors import UserError
from resolvers.order import Order
from resolvers.reading import Row
from resolvers.selection import Selection

R = TypeVar("R", bound=Row)


@dataclass(slots=True, kw_only=True)
class Payload:
    order: Order | None
    user_errors: list[UserError]


async def read_back(info: Info, order_id: str | None, payload: str, relation: str | None = None) -> Order | None:
    """The order with what the query asks of the payload's `order`, and of `relation`, a relation of the order that
    the payload shows under the same name."""
    order = await reading.by_id(info.context, Order, "Order", order_id) if order_id else None
    if order is not None:
        asked = Selection.below(info)
        shown = asked.field(payload, relation).as_field(relation) if relation else None
        await reading.complete(info.context, [order], "Order", asked.field(payload, "order"), shown)
    return order


async def read_case(info: Info, row_type: type[R], type_name: str, id: str) -> R | None:
    """The case with what the query asks of the payload's field of its name."""
    case = await reading.by_id(info.context, row_type, type_name, id)
    if case is not None:
        asked = Selection.below(info).field(f"{type_name}Payload", type_name.lower())
        await reading.complete(info.context, [case], type_name, asked)
    return case
