"""The viewer's lists: buyers and suppliers see their own, agents all, the order system what it recorded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from strawberry import UNSET

from models import database
from models.enums import (
    PARTIES,
    Action,
    CaseOrder,
    ComplaintStatus,
    DisputeStatus,
    OrderKind,
    OrderStatus,
    RefundStatus,
    Role,
    ViewerState,
)
from models.text import searchable
from resolvers import ids, policy
from resolvers.complaints.complaint import Complaint
from resolvers.conflict import other_accounts_of
from resolvers.context import Context, Info, ViewerAccount
from resolvers.disputes.dispute import Dispute
from resolvers.errors import BadRequest
from resolvers.feedback import LISTED
from resolvers.form import ActionForm
from resolvers.orders import search
from resolvers.orders.order import Order
from resolvers.orders.partitions import partitions
from resolvers.policy import Expression, Subject
from resolvers.read.pagination import Connection, Keyset, Lookup, Page, paginate, selects_total
from resolvers.read.sql import EVERY_ROW, NO_ROW, Where
from resolvers.refunds.refund import Refund
from resolvers.write.form import form_of
from resolvers.write.inputs import Input, input_field, input_type

MAX_SEARCH_LENGTH = 200  # characters
# Expressions, so that no list by one of these facts takes the index of this one.
_WITH_CASE = Where(
    "coalesce(dispute_open_since, return_open_since, complaint_open_since, cancellation_pending_since) IS NOT NULL"
)
_PENDING_OF_ALL = Where("coalesce(cancellation_pending_since, cancellation_pending_since) IS NOT NULL")
PENDING_CANCELLATION = Where("cancellation_pending_since IS NOT NULL")  # of an order: a request waits for the supplier

_BY_PLACING = Keyset("placed_at", "orders")
_BY_FEEDBACK = Keyset("feedback_left_at", "feedback")
_DISPUTES = {
    CaseOrder.NEWEST_FIRST: Keyset("opened_at", "disputes"),
    CaseOrder.DUE_FIRST: Keyset("due_at", "disputesdue", newest_first=False),
}
_REFUNDS = {
    CaseOrder.NEWEST_FIRST: Keyset("since", "refunds"),
    CaseOrder.DUE_FIRST: Keyset("due_at", "refundsdue", newest_first=False),
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
        return ids.encode(Viewer.__name__, self.account.id)

    @property
    def complaint_form(self) -> ActionForm:
        return form_of(Action.FILE_COMPLAINT, policy.unrecorded_order(self.account.id))


@input_type("Selects orders. All given conditions must hold.")
class OrderFilter(Input):
    kinds: list[OrderKind] | None = input_field("Orders of one of these kinds.")
    statuses: list[OrderStatus] | None = input_field("Orders in one of these states.")
    can: Action | None = input_field(
        "Orders on which the viewer can take this action now. Actions on cases match no order."
    )
    action_required: bool | None = input_field(
        "True for orders of which a case waits for this viewer, false for all others."
    )
    search: str | None = input_field(
        "Orders with this text in the number, a party's name or an item's title, in upper or lower case. Up to "
        f"{MAX_SEARCH_LENGTH} characters."
    )


@input_type("Selects feedback.")
class FeedbackFilter(Input):
    can: Action | None = input_field(
        "Feedback on which the viewer can take this action now: REVISE_FEEDBACK or REPLY_TO_FEEDBACK."
    )


@input_type("Selects disputes. All given conditions must hold.")
class DisputeFilter(Input):
    statuses: list[DisputeStatus] | None = input_field("Disputes in one of these states now.")
    viewer_states: list[ViewerState] | None = input_field("Disputes that are in one of these states for the viewer.")
    open: bool | None = input_field(
        "True for open disputes only, false for closed ones only. A dispute that is reviewed again is open; one whose "
        "return runs is closed."
    )


@input_type("Selects complaints. All given conditions must hold.")
class ComplaintFilter(Input):
    statuses: list[ComplaintStatus] | None = input_field("Complaints in one of these states.")
    viewer_states: list[ViewerState] | None = input_field("Complaints that are in one of these states for the viewer.")
    open: bool | None = input_field("True for open complaints only, false for closed ones only.")
    overdue: bool | None = input_field("True for complaints whose reply is overdue only, false for the others only.")


@input_type("Selects refunds. All given conditions must hold.")
class RefundFilter(Input):
    statuses: list[RefundStatus] | None = input_field("Refunds in one of these states.")
    overdue: bool | None = input_field("True only for refunds that are overdue now, false only for the others.")
    reported_missing: bool | None = input_field(
        "True only for refunds that were reported as missing and are still outstanding, false only for the others."
    )


async def orders(
    info: Info,
    first: int | None = UNSET,
    after: str | None = UNSET,
    last: int | None = UNSET,
    before: str | None = UNSET,
    filter: OrderFilter | None = UNSET,
) -> Connection[Order]:
    context, filter = info.context, filter or OrderFilter()
    if filter.search is not None and (len(filter.search) > MAX_SEARCH_LENGTH or "\0" in filter.search):
        raise BadRequest(f"A search has at most {MAX_SEARCH_LENGTH} characters, and no NUL among them.")

    page = Page.of(first, after, last, before)

    async def page_where(
        *parts: Where, lookup: Lookup = Lookup.SORT, total_where: tuple[Where, ...] | None = None
    ) -> Connection[Order]:
        where = parts[0] if len(parts) == 1 else parts or NO_ROW
        return await paginate(info, Order, where, page, _BY_PLACING, lookup=lookup, total_where=total_where)

    parts = order_parts(context, filter)
    text = searchable(filter.search) if filter.search else ""  # nothing is left of a text that all orders have
    waiting = EVERY_ROW
    if filter.action_required is not None:
        waiting = await with_waiting_case(context)
        waiting = waiting if filter.action_required else ~waiting
    parts = [part & waiting for part in parts]
    if not text or not parts:
        return await page_where(*parts, lookup=Lookup.INDEX)
    holding: Where | None = None
    if database.dialect() == "postgres":
        nearby = search.near(context, text, _condition(context, filter) & waiting, page, _BY_PLACING)
        counted: tuple[Where, ...] | None = None
        if selects_total(info):
            holding = await search.holding(context, text)
            counted = tuple([part & holding for part in parts])
        near = await page_where(nearby, lookup=Lookup.KEYS, total_where=counted)
        is_full = near.page_info.has_previous_page if page.backward else near.page_info.has_next_page
        if is_full or not await search.continues(context, page, _BY_PLACING):
            return near
    if holding is None:
        holding = await search.holding(context, text)
    return await page_where(*[part & holding for part in parts])


async def feedback(
    info: Info,
    first: int | None = UNSET,
    after: str | None = UNSET,
    last: int | None = UNSET,
    before: str | None = UNSET,
    filter: FeedbackFilter | None = UNSET,
) -> Connection[Order]:
    """The orders with feedback, by when it was left. The list shows their feedback."""
    context, action = info.context, filter.can if filter else None
    where = Where("feedback_left_at IS NOT NULL")
    if action:
        where &= _where_allowed(context, action)
    page, lookup = Page.of(first, after, last, before), Lookup.SORT if action else Lookup.INDEX
    return await paginate(info, Order, where, page, _BY_FEEDBACK, lookup=lookup, node=LISTED)


async def disputes(
    info: Info,
    first: int | None = UNSET,
    after: str | None = UNSET,
    last: int | None = UNSET,
    before: str | None = UNSET,
    filter: DisputeFilter | None = UNSET,
    order_by: CaseOrder | None = CaseOrder.NEWEST_FIRST,
) -> Connection[Dispute]:
    filter = filter or DisputeFilter()
    conditions: list[Expression] = []
    if filter.statuses is not None:
        conditions.append(policy.status_is(policy.DISPUTE_STATUSES, filter.statuses))
    if filter.open is not None:
        conditions.append(~policy.DISPUTE_CLOSED if filter.open else policy.DISPUTE_CLOSED)
    page = Page.of(first, after, last, before)
    where: Where | tuple[Where, ...] = _all_of(info.context, conditions)
    if filter.viewer_states is not None:
        in_conflict = await accounts_in_conflict(info.context)
        parts = in_viewer_states(info.context, Subject.DISPUTE, filter.viewer_states, in_conflict)
        where = tuple([where & part for part in parts])
    return await paginate(
        info,
        Dispute,
        where,
        page,
        _DISPUTES[order_by or CaseOrder.NEWEST_FIRST],
        lookup=Lookup.INDEX if filter.viewer_states is not None else Lookup.SORT,
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
    filter = filter or ComplaintFilter()
    conditions: list[Expression] = []
    if filter.statuses is not None:
        conditions.append(policy.status_is(policy.COMPLAINT_STATUSES, filter.statuses))
    if filter.open is not None:
        conditions.append(~policy.COMPLAINT_CLOSED if filter.open else policy.COMPLAINT_CLOSED)
    if filter.overdue is not None:
        conditions.append(policy.REPLY_OVERDUE if filter.overdue else ~policy.REPLY_OVERDUE)
    page = Page.of(first, after, last, before)
    where: Where | tuple[Where, ...] = _all_of(info.context, conditions)
    if filter.viewer_states is not None:
        in_conflict = await accounts_in_conflict(info.context)
        parts = in_viewer_states(info.context, Subject.COMPLAINT, filter.viewer_states, in_conflict)
        where = tuple([where & part for part in parts])
    return await paginate(
        info,
        Complaint,
        where,
        page,
        _COMPLAINTS[order_by or CaseOrder.NEWEST_FIRST],
        lookup=Lookup.INDEX if filter.viewer_states is not None else Lookup.SORT,
    )


async def refunds(
    info: Info,
    first: int | None = UNSET,
    after: str | None = UNSET,
    last: int | None = UNSET,
    before: str | None = UNSET,
    filter: RefundFilter | None = UNSET,
    order_by: CaseOrder | None = CaseOrder.NEWEST_FIRST,
) -> Connection[Refund]:
    where = refund_parts(info.context, filter or RefundFilter())
    page = Page.of(first, after, last, before)
    keyset = _REFUNDS[order_by or CaseOrder.NEWEST_FIRST]
    return await paginate(info, Refund, where, page, keyset, lookup=Lookup.INDEX)


def refund_parts(context: Context, filter: RefundFilter) -> Where | tuple[Where, ...]:
    """Returns the condition of the filter. Where it leaves only some statuses, each is a part that an index has in the
    order of the list."""
    conditions: list[Expression] = [policy.REFUND_SHOWN]
    if filter.overdue is not None:
        conditions.append(policy.REFUND_OVERDUE if filter.overdue else ~policy.REFUND_OVERDUE)
    if filter.reported_missing is not None:
        conditions.append(policy.REPORTED_MISSING if filter.reported_missing else ~policy.REPORTED_MISSING)
    where = _all_of(context, conditions)
    statuses = None if filter.statuses is None else set(filter.statuses)
    if filter.overdue:
        statuses = policy.UNSETTLED if statuses is None else statuses & policy.UNSETTLED
    if statuses is None:
        return where
    if filter.reported_missing:  # these are few, and have an index of their own
        return where & Where.among("status", sorted(statuses))
    return tuple([where & Where("status = {}", status.value) for status in sorted(statuses)]) or NO_ROW


def pending_cancellations(role: Role) -> Where:
    """Returns the condition that a cancellation request of the order is pending, as the role's index has it."""
    return PENDING_CANCELLATION if role in PARTIES else _PENDING_OF_ALL


async def accounts_in_conflict(context: Context) -> set[UUID]:
    """Returns the other accounts of an agent: where one is a party to a case, the agent cannot act on it."""
    return await other_accounts_of(context.viewer) if context.viewer.role is Role.AGENT else set()


def in_viewer_states(
    context: Context, subject: Subject, states: Iterable[ViewerState], in_conflict: set[UUID]
) -> tuple[Where, ...]:
    """Returns the condition that a case is in one of these states for the viewer, in parts that share no case.
    `in_conflict` comes from `accounts_in_conflict`."""
    role, now = context.viewer.role, context.now

    def where(expressions: Iterable[Expression]) -> list[Where]:
        return [Where.of(expression, role, now) for expression in expressions]

    conflict = _conflict(subject, in_conflict)
    parts: list[Where] = []
    for state in set(states):
        match state:
            case ViewerState.ACTION_REQUIRED:
                parts += [part & ~conflict for part in where(policy.parts_of_move(subject, role))]
            case ViewerState.UNDER_REVIEW:
                under_review = where(policy.parts_of_move(subject, Role.AGENT))
                parts += [part & conflict for part in under_review] if role is Role.AGENT else under_review
            case ViewerState.WAITING_FOR_OTHER_PARTY:
                parts += where(policy.parts_of_others_move(subject, role))
            case ViewerState.CLOSED:
                parts += where([~policy.moves_of_anybody(subject)])
    return tuple(parts) or (NO_ROW,)


def without_conflict(subject: Subject, others: set[UUID]) -> Where:
    """Returns the condition that none of these accounts is a party to the case."""
    return ~_conflict(subject, others)


def _conflict(subject: Subject, others: set[UUID]) -> Where:
    """Returns the condition that one of these accounts is a party to the case."""
    if not others:
        return NO_ROW
    if subject is Subject.DISPUTE:
        return Where.among("buyer_id", others) | Where.among("supplier_id", others)
    supplied = Where.among("supplier_id", others)
    orders = Where(f"order_id IN (SELECT id FROM orders WHERE {supplied.text})", *supplied.values)
    return Where.among("complainant_id", others) | orders


async def with_waiting_case(context: Context) -> Where:
    """Returns the condition that a case of the order waits for the viewer. It is asked in the order of the list, of
    orders with a case that is not over; an index has these."""
    role, now = context.viewer.role, context.now
    in_conflict = await accounts_in_conflict(context)
    waiting = PENDING_CANCELLATION if role is Role.SUPPLIER else NO_ROW
    for subject, table in ((Subject.DISPUTE, "disputes"), (Subject.COMPLAINT, "complaints")):
        move = policy.MOVES[subject].get(role)
        if move is None:
            continue
        case = Where(f"{table}.order_id = orders.id") & Where.of(move, role, now) & ~_conflict(subject, in_conflict)
        # OFFSET 0 keeps the database from reading all cases of the viewer first.
        waiting |= Where(f"EXISTS (SELECT 1 FROM {table} WHERE {case.text} LIMIT 1 OFFSET 0)", *case.values)
    return _WITH_CASE & waiting


def order_parts(context: Context, filter: OrderFilter) -> Sequence[Where]:
    """Returns the parts of the list that the filter leaves, each in the order of an index, for viewers who have such
    indexes; for others, one part."""
    role = context.viewer.role
    if role in PARTIES:
        parts = partitions(role, filter.kinds, filter.statuses, filter.can)
        if parts is not None:
            return [Where.of(part, role, context.now) for part in parts]
    return [_condition(context, filter)]


def _condition(context: Context, filter: OrderFilter) -> Where:
    """Returns the filter as one condition, without its text."""
    where = EVERY_ROW
    if filter.kinds is not None:
        where &= Where.among("kind", [kind.value for kind in filter.kinds])
    if filter.statuses is not None:
        status = policy.status_is(policy.ORDER_STATUSES, filter.statuses)
        where &= Where.of(status, context.viewer.role, context.now)
    if filter.can is not None:
        where &= _where_allowed(context, filter.can)
    return where


def _all_of(context: Context, conditions: Iterable[Expression]) -> Where:
    where = EVERY_ROW
    for condition in conditions:
        where &= Where.of(condition, context.viewer.role, context.now)
    return where


def _where_allowed(context: Context, action: Action) -> Where:
    condition = policy.condition_for(context.viewer, action, Subject.ORDER)
    return Where.of(condition, context.viewer.role, context.now)
