"""Everything that is the viewer's: buyers and suppliers see theirs, agents all, the order system what it recorded."""

from __future__ import annotations

from dataclasses import dataclass

from strawberry import UNSET

from models.enums import Action, OrderKind, OrderStatus
from resolvers import ids, policy
from resolvers.account import Account
from resolvers.complaint import Complaint
from resolvers.context import Context, Info
from resolvers.dispute import Dispute
from resolvers.errors import BadRequest
from resolvers.input import Input
from resolvers.order import Order
from resolvers.page import Connection, Keyset, Page, listed
from resolvers.policy import Subject
from resolvers.policy.expression import Bind
from resolvers.reading import among

LONGEST_SEARCH = 200  # characters

_BY_PLACING = Keyset("placed_at")
_BY_FEEDBACK = Keyset("feedback_left_at")
_BY_OPENING = Keyset("opened_at")


@dataclass(slots=True)
class Viewer:
    account: Account

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


async def orders(
    info: Info,
    first: int | None = UNSET,
    after: str | None = UNSET,
    last: int | None = UNSET,
    before: str | None = UNSET,
    filter: OrderFilter | None = UNSET,
) -> Connection[Order]:
    context, asked = info.context, filter or OrderFilter()
    if asked.search is not None and (len(asked.search) > LONGEST_SEARCH or "\0" in asked.search):
        raise BadRequest(f"A search has at most {LONGEST_SEARCH} characters, and no NUL among them.")

    def where(bind: Bind) -> str:
        parts: list[str] = []
        if asked.kinds is not None:
            parts.append(among(bind, "kind", [kind.value for kind in asked.kinds]))
        if asked.statuses is not None:
            parts.append(policy.status_is(asked.statuses).sql(bind, context.now))
        if asked.can is not None:
            parts.append(_open_to(context, asked.can, bind))
        if asked.search is not None and asked.search.strip():
            parts.append(f"search LIKE {bind(_pattern(asked.search))} ESCAPE '!'")
        return " AND ".join(parts) or "TRUE"

    return await listed(info, Order, "Order", where, Page.of(first, after, last, before), _BY_PLACING)


async def feedback(
    info: Info,
    first: int | None = UNSET,
    after: str | None = UNSET,
    last: int | None = UNSET,
    before: str | None = UNSET,
    filter: FeedbackFilter | None = UNSET,
) -> Connection[Order]:
    """The orders with feedback, by when it was left; shown is their feedback."""

    def where(bind: Bind) -> str:
        can = filter.can if filter else None
        return "feedback_left_at IS NOT NULL" + (f" AND {_open_to(info.context, can, bind)}" if can else "")

    page = Page.of(first, after, last, before)
    return await listed(info, Order, "Order", where, page, _BY_FEEDBACK, node="feedback")


async def disputes(
    info: Info,
    first: int | None = UNSET,
    after: str | None = UNSET,
    last: int | None = UNSET,
    before: str | None = UNSET,
) -> Connection[Dispute]:
    page = Page.of(first, after, last, before)
    return await listed(info, Dispute, "Dispute", lambda _: "TRUE", page, _BY_OPENING)


async def complaints(
    info: Info,
    first: int | None = UNSET,
    after: str | None = UNSET,
    last: int | None = UNSET,
    before: str | None = UNSET,
) -> Connection[Complaint]:
    page = Page.of(first, after, last, before)
    return await listed(info, Complaint, "Complaint", lambda _: "TRUE", page, _BY_OPENING)


def _open_to(context: Context, action: Action, bind: Bind) -> str:
    return policy.open_to(context.viewer, action, Subject.ORDER).sql(bind, context.now)


def _pattern(search: str) -> str:
    """For LIKE, over the case-folded column."""
    text = search.strip().casefold()
    for sign in "!%_":
        text = text.replace(sign, f"!{sign}")
    return f"%{text}%"
