"""Everything that is the viewer's: buyers and suppliers see theirs, agents all, the order system what it recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from strawberry import UNSET

from models import database
from models.enums import PARTIES, Action, CaseOrder, ComplaintStatus, DisputeStatus, OrderKind, OrderStatus
from models.text import searchable
from resolvers import ids, policy
from resolvers.complaints.complaint import Complaint
from resolvers.context import Context, Info, ViewerAccount
from resolvers.disputes.dispute import Dispute
from resolvers.errors import BadRequest
from resolvers.feedback import LISTED
from resolvers.orders import search
from resolvers.orders.order import Order
from resolvers.orders.partitions import partitions
from resolvers.policy import Bind, Expression, Subject
from resolvers.read.pagination import Connection, Keyset, Page, paginate
from resolvers.read.sql import Where, among
from resolvers.write.inputs import Input

MAX_SEARCH_LENGTH = 200  # characters

_BY_PLACING = Keyset("placed_at", "orders")
_BY_FEEDBACK = Keyset("feedback_left_at", "feedback")
_DISPUTES = {
    CaseOrder.NEWEST_FIRST: Keyset("opened_at", "disputes"),
    CaseOrder.DUE_FIRST: Keyset("due_at", "disputesdue", newest_first=False),
}
_COMPLAINTS = {
    CaseOrder.NEWEST_FIRST: Keyset("opened_at", "complaints"),
    CaseOrder.DUE_FIRST: Keyset("due_at", "complaintsdue", newest_first=False),
}


@dataclass(slots=True)
class Viewer:
    account: ViewerAccount

    @property
    def global_id(self) -> str:
        return ids.encode("Viewer", self.account.id)


@dataclass(kw_only=True)
class OrderFilter(Input):
    kinds: list[OrderKind] | None = UNSET
    statuses: list[OrderStatus] | None = UNSET
    can: Action | None = UNSET
    search: str | None = UNSET


@dataclass(kw_only=True)
class FeedbackFilter(Input):
    can: Action | None = UNSET


@dataclass(kw_only=True)
class DisputeFilter(Input):
    statuses: list[DisputeStatus] | None = UNSET
    open: bool | None = UNSET


@dataclass(kw_only=True)
class ComplaintFilter(Input):
    statuses: list[ComplaintStatus] | None = UNSET
    open: bool | None = UNSET
    overdue: bool | None = UNSET


async def orders(
    info: Info,
    first: int | None = UNSET,
    after: str | None = UNSET,
    last: int | None = UNSET,
    before: str | None = UNSET,
    filter: OrderFilter | None = UNSET,
) -> Connection[Order]:
    context, asked = info.context, filter or OrderFilter()
    if asked.search is not None and (len(asked.search) > MAX_SEARCH_LENGTH or "\0" in asked.search):
        raise BadRequest(f"A search has at most {MAX_SEARCH_LENGTH} characters, and no NUL among them.")

    page = Page.of(first, after, last, before)

    async def shown(wheres: Sequence[Where], *, is_walked: bool = False, is_named: bool = False) -> Connection[Order]:
        where = (wheres[0] if len(wheres) == 1 else wheres) or _nothing
        return await paginate(info, Order, where, page, _BY_PLACING, is_walked=is_walked, is_named=is_named)

    parts = _parts(context, asked)
    text = searchable(asked.search) if asked.search else ""  # nothing is left of it where all orders are meant
    if not text or not parts:
        return await shown(parts, is_walked=True)
    if database.dialect() == "postgres":
        near = await shown([search.near(context, text, _condition(context, asked), page, _BY_PLACING)], is_named=True)
        is_full = near.page_info.has_previous_page if page.backward else near.page_info.has_next_page
        if is_full or not await search.goes_on(context, page, _BY_PLACING):
            return near
    found = await search.found(context, text)
    return await shown([_both(part, found) for part in parts])


async def feedback(
    info: Info,
    first: int | None = UNSET,
    after: str | None = UNSET,
    last: int | None = UNSET,
    before: str | None = UNSET,
    filter: FeedbackFilter | None = UNSET,
) -> Connection[Order]:
    """The orders with feedback, by when it was left; shown is their feedback."""

    can = filter.can if filter else None

    def where(bind: Bind) -> str:
        return "feedback_left_at IS NOT NULL" + (f" AND {_open_to(info.context, can, bind)}" if can else "")

    page = Page.of(first, after, last, before)
    return await paginate(info, Order, where, page, _BY_FEEDBACK, node=LISTED, is_walked=can is None)


async def disputes(
    info: Info,
    first: int | None = UNSET,
    after: str | None = UNSET,
    last: int | None = UNSET,
    before: str | None = UNSET,
    filter: DisputeFilter | None = UNSET,
    order_by: CaseOrder | None = CaseOrder.NEWEST_FIRST,
) -> Connection[Dispute]:
    asked = filter or DisputeFilter()
    conditions: list[Expression] = []
    if asked.statuses is not None:
        conditions.append(policy.status_is(policy.DISPUTE_STATUSES, asked.statuses))
    if asked.open is not None:
        conditions.append(~policy.DISPUTE_CLOSED if asked.open else policy.DISPUTE_CLOSED)
    page = Page.of(first, after, last, before)
    return await paginate(
        info,
        Dispute,
        _holding(info.context, conditions),
        page,
        _DISPUTES[order_by or CaseOrder.NEWEST_FIRST],
    )


async def complaints(
    info: Info,
    first: int | None = UNSET,
    after: str | None = UNSET,
    last: int | None = UNSET,
    before: str | None = UNSET,
    filter: ComplaintFilter | None = UNSET,
    order_by: CaseOrder | None = CaseOrder.NEWEST_FIRST,
) -> Connection[Complaint]:
    asked = filter or ComplaintFilter()
    conditions: list[Expression] = []
    if asked.statuses is not None:
        conditions.append(policy.status_is(policy.COMPLAINT_STATUSES, asked.statuses))
    if asked.open is not None:
        conditions.append(~policy.COMPLAINT_CLOSED if asked.open else policy.COMPLAINT_CLOSED)
    if asked.overdue is not None:
        conditions.append(policy.REPLY_OVERDUE if asked.overdue else ~policy.REPLY_OVERDUE)
    page = Page.of(first, after, last, before)
    return await paginate(
        info,
        Complaint,
        _holding(info.context, conditions),
        page,
        _COMPLAINTS[order_by or CaseOrder.NEWEST_FIRST],
    )


def _parts(context: Context, asked: OrderFilter) -> Sequence[Where]:
    """What kinds, statuses and `can` leave of the list: parts that an index has, for those who have such indexes."""
    if context.viewer.role in PARTIES:
        parts = partitions(context.viewer.role, asked.kinds, asked.statuses, asked.can)
        if parts is not None:
            return [partial(part.sql, role=context.viewer.role, now=context.now) for part in parts]
    return [_condition(context, asked)]


def _condition(context: Context, asked: OrderFilter) -> Where:
    """The same as one condition."""

    def where(bind: Bind) -> str:
        said: list[str] = []
        if asked.kinds is not None:
            said.append(among(bind, "kind", [kind.value for kind in asked.kinds]))
        if asked.statuses is not None:
            said.append(
                policy.status_is(policy.ORDER_STATUSES, asked.statuses).sql(bind, context.viewer.role, context.now)
            )
        if asked.can is not None:
            said.append(_open_to(context, asked.can, bind))
        return " AND ".join(f"({each})" for each in said) or "TRUE"

    return where


def _nothing(_bind: Bind) -> str:
    return "FALSE"


def _both(one: Where, other: Where) -> Where:
    return lambda bind: f"({one(bind)}) AND ({other(bind)})"


def _holding(context: Context, conditions: list[Expression]) -> Where:
    return lambda bind: " AND ".join(each.sql(bind, context.viewer.role, context.now) for each in conditions) or "TRUE"


def _open_to(context: Context, action: Action, bind: Bind) -> str:
    return policy.condition_for(context.viewer, action, Subject.ORDER).sql(bind, context.viewer.role, context.now)
