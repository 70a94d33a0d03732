"""Types that the idiomatic peer's modules share: connections, money, accounts, decisions."""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar, cast
from uuid import UUID

import strawberry

import models
from models.enums import (
    Action,
    DisputeReason,
    DisputeStatus,
    FieldKind,
    OrderKind,
    OrderStatus,
    Reason,
    ResolutionKind,
    Role,
    ViewerState,
)
from resolvers import policy

for enum in (
    Action,
    DisputeReason,
    DisputeStatus,
    FieldKind,
    OrderKind,
    OrderStatus,
    Reason,
    ResolutionKind,
    Role,
    ViewerState,
):
    strawberry.enum(enum)

T = TypeVar("T")
Info = strawberry.Info["Any", None]
ActionForm = Annotated["ActionForm", strawberry.lazy("bench.peers.idiomatic.forms")]
EXPONENTS = {"USD": 2, "EUR": 2, "JPY": 0}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def cursor(at: datetime, key: UUID | int) -> str:
    text = f"{(at - _EPOCH) // timedelta(microseconds=1)}.{key.hex if isinstance(key, UUID) else key}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@strawberry.type
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type
class Edge(Generic[T]):
    cursor: str
    node: T


@strawberry.type
class Connection(Generic[T]):
    edges: list[Edge[T]]
    page_info: PageInfo


def connection(rows: Sequence[Any], first: int, after: str | None, column: str, node: Any) -> Any:
    edges: list[Any] = [Edge(cursor=cursor(getattr(row, column), row.id), node=node(row)) for row in rows[:first]]
    start, end = (edges[0].cursor, edges[-1].cursor) if edges else (None, None)
    info = PageInfo(
        has_next_page=len(rows) > first, has_previous_page=after is not None, start_cursor=start, end_cursor=end
    )
    return Connection(edges=edges, page_info=info)


@strawberry.interface
class Node:
    id: strawberry.ID


@strawberry.type
class Money:
    amount: Decimal
    currency_code: str


def money(minor: int | None, currency: str | None, decimals: int | None = None) -> Money | None:
    """Returns an amount. A unit price may have more decimals than its currency."""
    if minor is None or currency is None:
        return None
    exponent = EXPONENTS[currency] if decimals is None else decimals
    return Money(amount=Decimal(minor).scaleb(-exponent), currency_code=currency)


@strawberry.type
class Account(Node):
    name: str
    role: Role

    @classmethod
    def of(cls, model: models.Account | None) -> "Account | None":
        return model and cls(id=strawberry.ID(f"acc_{model.id.hex}"), name=model.name, role=model.role)


@strawberry.type
class Check:
    text: str
    holds: bool
    reason: Reason | None
    since: datetime | None


class FactsOfOrder(policy.OrderFacts):
    """An order's facts, with the row that they are from."""

    model: models.Order


@strawberry.type
class Decision:
    action: Action
    allowed: bool
    label: str
    reason: Reason | None
    message: str | None
    opens_at: datetime | None
    closes_at: datetime | None
    checks: list[Check]

    @strawberry.field
    def form(self) -> ActionForm | None:
        from bench.peers.idiomatic.forms import form_of

        basis = cast("policy.Decision", self).basis
        if not self.allowed or basis is None:
            return None
        return cast("Any", form_of(self.action, basis[1].model))


class Decided:
    """The policy's answers about the facts of a model."""

    facts: Any

    def decided(self, info: Info) -> list[Decision]:
        found = policy.available_actions(self.facts, info.context["viewer"], info.context["now"])
        return cast("list[Decision]", found)

    def changes(self, info: Info) -> datetime | None:
        return policy.next_change_at(self.facts, info.context["viewer"], info.context["now"])
