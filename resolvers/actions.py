"""What a mutation answers with: everything as it stands now, whether something was done or refused."""

from dataclasses import dataclass
from typing import Any, TypeVar

import strawberry

from execution.lookahead import SelectedField, Selection
from models.enums import Action
from resolvers import ids
from resolvers.context import Info
from resolvers.errors import UserError
from resolvers.orders.order import Order
from resolvers.read import fetch
from resolvers.read.plan import plan
from resolvers.read.rows import Row
from resolvers.write.idempotency import IdempotentInput
from resolvers.write.inputs import SHORT_TEXT, Checks
from resolvers.write.perform import ActionHandler, ActionTarget, ExpectedState, perform

R = TypeVar("R", bound=Row)


@dataclass(kw_only=True)
class CaseInput(IdempotentInput):
    """The input of an action on a case."""

    case_id: strawberry.ID


@dataclass(slots=True, kw_only=True)
class Payload:
    order: Order | None
    user_errors: list[UserError]


async def read_back(info: Info, order_id: str | None, relation: str | None = None) -> Order | None:
    """The order with what the query asks of the payload's `order`, and of `relation`, a relation of the order that
    the payload shows under the same name."""
    if order_id is None:
        return None
    asked = Selection.below(info)
    shown = asked.field(relation).as_field(relation) if relation else None
    return await _read(info, Order, order_id, asked.field("order"), shown)


async def _read(
    info: Info, row_type: type[R], id: str, selection: Selection, also: SelectedField | None = None
) -> R | None:
    planned = plan(info.context, row_type, selection, also)
    row = await fetch.by_id(info.context, row_type, id, planned)
    if row is not None:
        await fetch.load_relations(info.context, [row], planned)
    return row


async def read_case(info: Info, row_type: type[R], id: str) -> R | None:
    """The case with what the query asks of the payload's field of its name."""
    return await _read(info, row_type, id, Selection.below(info).field(row_type.__name__.lower()))


async def act_on_case(
    info: Info,
    action: Action,
    target: ActionTarget,
    effect: ActionHandler,
    row_type: type[R],
    input: CaseInput,
    checks: Checks | None,
    *,
    note_required: bool,
    seen: ExpectedState | None = None,
) -> tuple[Order | None, R | None, list[UserError]]:
    """Performs an action on a dispute or a complaint; gives its order and itself as they stand, and why not."""
    checks = checks or Checks()
    note: str | None = getattr(input, "note", None)
    checks.text("note", note, SHORT_TEXT, required=note_required)
    done = await perform(info.context, action, target, effect, input, checks, note, seen)
    case: Any = await read_case(info, row_type, input.case_id)
    order_id = ids.encode("Order", case.order_id) if case and case.order_id else None
    return await read_back(info, order_id), case, done.errors
