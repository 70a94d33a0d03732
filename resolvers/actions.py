"""What every mutation on an order or a case does: `act` performs the action and builds the payload.

A mutation says only what is its own: its action, its input and a handler that sets facts.

    async def escalate_dispute(info: Info, input: EscalateDispute) -> DisputePayload:
        async def handler(unit: UnitOfWork) -> None:
            update_dispute(unit, effects.escalate_dispute(unit.now))

        return await act(info, Action.ESCALATE_DISPUTE, DISPUTE, input, handler)

The payload shows everything as it stands afterwards, whether the action was done or refused.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import strawberry

from execution.lookahead import Selection
from models.enums import Action
from resolvers.context import Info
from resolvers.errors import UserError
from resolvers.orders.order import Order
from resolvers.orders.target import order_target
from resolvers.read.fetch import by_id
from resolvers.read.rows import Row
from resolvers.write.checks import Checks
from resolvers.write.idempotency import IdempotentInput
from resolvers.write.inputs import input_field, input_type
from resolvers.write.perform import ActionHandler, ActionResult, ActionTarget, ExpectedState, perform


@input_type("The input of an action on an order.")
class OrderInput(IdempotentInput):
    order_id: strawberry.ID = input_field("The order's id.")


@input_type("The input of an action on a case.")
class CaseInput(IdempotentInput):
    case_id: strawberry.ID = input_field("The case's id.")


@dataclass(slots=True, kw_only=True)
class Payload:
    order: Order | None
    user_errors: list[UserError]


P = TypeVar("P", bound=Payload)


@dataclass(frozen=True, slots=True, eq=False)
class Resource(Generic[P]):
    """What mutations change, and what their payload shows beside the order.

    The payload's field is the name of `row_type` in lower case. Actions in `created_by` add one; if such an action is
    refused, the payload shows none. `target` is for actions whose input names one by its id; all others name the order.
    `relation` is the order's relation to its latest one, where an order is enough to find it.
    """

    row_type: type[Row]
    payload: Callable[..., P]
    created_by: frozenset[Action]
    target: Callable[[str], ActionTarget] = order_target
    relation: str | None = None

    @property
    def field(self) -> str:
        return self.row_type.__name__.lower()


async def act(
    info: Info,
    action: Action,
    resource: Resource[P],
    input: IdempotentInput,
    handler: ActionHandler,
    checks: Checks | None = None,
    *,
    target: ActionTarget | None = None,
    expected: ExpectedState | None = None,
) -> P:
    """Performs the action and returns its payload.

    The target is the case that the input names, or else its order. `checks` are those of the input so far. A note is
    stored with the event. The note of a new case is stored with the case instead.
    """
    checks = checks or Checks(input)
    typed_input: Any = input
    note: str | None = getattr(input, "note", None)
    if target is None:
        target = (
            resource.target(typed_input.case_id) if isinstance(input, CaseInput) else order_target(typed_input.order_id)
        )
    event_note = None if action in resource.created_by else note
    result = await perform(info.context, action, target, input, handler, checks, note=event_note, expected=expected)
    if isinstance(input, CaseInput):
        order, row = await _read_case(info, resource, input.case_id)
    else:
        order, row = await _read_order(info, resource, typed_input.order_id, result)
        if result.errors and action in resource.created_by:
            row = None
    shown = {} if resource.row_type is Order else {resource.field: row}
    return resource.payload(order=order, user_errors=result.errors, **shown)


ORDER = Resource(Order, Payload, frozenset())  # of an action that shows nothing beside the order


async def _read_case(info: Info, resource: Resource[Any], id: str) -> tuple[Order | None, Row | None]:
    """Returns a case and its order, with what the query selects of them in the payload."""
    payload = Selection.of(info)
    case: Any = await by_id(info.context, resource.row_type, id, payload.field(resource.field))
    if case is None or case.order_id is None:
        return None, case
    return await by_id(info.context, Order, Order.id_of(case.order_id), payload.field("order")), case


async def _read_order(
    info: Info, resource: Resource[Any], id: str | None, result: ActionResult
) -> tuple[Order | None, Row | None]:
    """Returns an order, and what the action on it was about: its latest, or the one of the result."""
    payload, relation = Selection.of(info), resource.relation
    order = row = None
    if id is not None:
        latest = payload.field(relation).as_field(relation) if relation is not None else None
        order = await by_id(info.context, Order, id, payload.field("order"), latest)
    if order is not None and relation is not None:
        row = getattr(order, relation)
    # A repeated request shows what the first one was about, also where the order has a later one by now.
    shows_case = resource.row_type is not Order and (result.is_repeat or relation is None)
    if result.case_id is not None and shows_case:
        row_id = resource.row_type.id_of(result.case_id)
        row = await by_id(info.context, resource.row_type, row_id, payload.field(resource.field))
    return order, row
