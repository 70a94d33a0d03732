"""The orders and feedback of the idiomatic peer."""

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import Any, cast

import strawberry
from strawberry import Private

import models
from bench.peers.handwritten.details import words
from bench.peers.idiomatic.common import (
    Account,
    Connection,
    Decided,
    Decision,
    FactsOfOrder,
    Info,
    Money,
    Node,
    connection,
    money,
)
from bench.peers.idiomatic.disputes import Dispute
from models.enums import Action, OrderKind, OrderStatus
from resolvers import policy
from resolvers.policy import OrderFacts

FACTS = [name for name in OrderFacts.__dataclass_fields__ if name != "subject"]


@strawberry.type
class OrderItem:
    title: str
    quantity: int
    unit_price: Money | None


@strawberry.type
class AreaRatings:
    product_as_agreed: int
    communication: int
    shipping_time: int


@strawberry.type
class Rated:
    stars: Private[dict[str, Any]]
    comment: str | None
    left_at: datetime | None

    @strawberry.field
    def rating(self) -> Decimal:
        names = ("overall", "product_as_agreed", "communication", "shipping_time")
        given = [self.stars[name] for name in names if self.stars[name] is not None]
        return (Decimal(sum(given)) / len(given)).quantize(Decimal("0.1"), ROUND_HALF_UP)

    @strawberry.field
    def areas(self) -> AreaRatings | None:
        if self.stars["product_as_agreed"] is None:
            return None
        names = ("product_as_agreed", "communication", "shipping_time")
        return AreaRatings(**{name: self.stars[name] for name in names})


@strawberry.type
class FeedbackVersion(Rated):
    pass


@strawberry.type
class Feedback(Rated, Node):
    model: Private[models.Feedback]
    of: Private[models.Order]

    @classmethod
    def about(cls, model: models.Feedback, order: models.Order) -> "Feedback":
        id = strawberry.ID(f"fbk_{model.id.hex}")
        stars = vars(model)
        return cls(id=id, stars=stars, comment=model.comment, left_at=order.feedback_left_at, model=model, of=order)

    @strawberry.field
    def reply(self) -> str | None:
        return self.model.reply

    @strawberry.field
    def replied_at(self) -> datetime | None:
        return self.of.feedback_replied_at

    @strawberry.field
    def revised_at(self) -> datetime | None:
        return self.of.feedback_revised_at

    @strawberry.field
    def original(self) -> FeedbackVersion | None:
        before = self.model.original
        return before and FeedbackVersion(stars=before, comment=before["comment"], left_at=self.of.feedback_left_at)

    @strawberry.field
    def order(self) -> "Order":
        return Order.of(self.of)


@strawberry.type
class TimelineEntry:
    model: Private[models.Event]
    at: datetime
    action: Action | None

    @classmethod
    def of(cls, model: models.Event) -> "TimelineEntry":
        return cls(model=model, at=model.at, action=model.action)

    @strawberry.field
    async def by(self, info: Info) -> Account | None:
        key: Any = self.model.by_id  # type: ignore[attr-defined]
        return Account.of(await info.context["accounts"].load(key)) if key else None

    @strawberry.field
    def text(self) -> str:
        model, facts = self.model, self.model.facts | (self.model.case_facts or {})
        by_somebody = model.by_id is not None  # type: ignore[attr-defined]
        return words(self.action, facts, model.refund_status, by_somebody=by_somebody)


@strawberry.type
class Order(Decided, Node):
    model: Private[Any]
    number: str
    kind: OrderKind
    placed_at: datetime
    paid_at: datetime | None
    shipped_at: datetime | None
    completed_at: datetime | None
    cancelled_at: datetime | None

    @classmethod
    def of(cls, model: models.Order) -> "Order":
        names = ("number", "kind", "placed_at", "paid_at", "shipped_at", "completed_at", "cancelled_at")
        return cls(
            id=strawberry.ID(f"ord_{model.id.hex}"), model=model, **{name: getattr(model, name) for name in names}
        )

    @cached_property
    def facts(self) -> FactsOfOrder:  # pyright: ignore[reportIncompatibleVariableOverride]
        facts = FactsOfOrder(**{name: getattr(self.model, name) for name in FACTS})
        facts.model = self.model
        return facts

    @strawberry.field
    def status(self, info: Info) -> OrderStatus:
        return policy.status_at(policy.ORDER_STATUSES, self.facts, info.context["now"])

    @strawberry.field
    async def buyer(self, info: Info) -> Account | None:
        return Account.of(await info.context["accounts"].load(self.model.buyer_id))

    @strawberry.field
    async def supplier(self, info: Info) -> Account | None:
        return Account.of(await info.context["accounts"].load(self.model.supplier_id))

    @strawberry.field
    def total(self) -> Money | None:
        return money(self.model.total, self.model.currency)

    @strawberry.field
    def amount_paid(self) -> Money | None:
        return money(self.model.amount_paid, self.model.currency)

    @strawberry.field
    def items(self) -> list[OrderItem]:
        return [
            OrderItem(title=title, quantity=quantity, unit_price=money(price, self.model.currency, *more[:1]))
            for title, quantity, price, *more in self.model.items
        ]

    @strawberry.field
    def can_leave_feedback(self, info: Info) -> bool:
        viewer, now = info.context["viewer"], info.context["now"]
        return policy.decide(Action.LEAVE_FEEDBACK, self.facts, viewer, now).allowed

    @strawberry.field
    def feedback_deadline(self, info: Info) -> datetime | None:
        return policy.deadline(Action.LEAVE_FEEDBACK, self.facts, info.context["now"])

    @strawberry.field
    def revision_deadline(self, info: Info) -> datetime | None:
        return policy.deadline(Action.REVISE_FEEDBACK, self.facts, info.context["now"])

    @strawberry.field
    def available_actions(self, info: Info) -> list[Decision]:
        return self.decided(info)

    @strawberry.field
    def decision(self, info: Info, action: Action) -> Decision:
        return cast("Any", policy.decide(action, self.facts, info.context["viewer"], info.context["now"]))

    @strawberry.field
    def next_change_at(self, info: Info) -> datetime | None:
        return self.changes(info)

    @strawberry.field
    async def feedback(self, info: Info) -> Feedback | None:
        if self.model.feedback_left_at is None:
            return None
        found = await info.context["feedback"].load(self.model.id)
        return found and Feedback.about(found, self.model)

    @strawberry.field
    async def dispute(self, info: Info) -> "Dispute | None":
        found = await info.context["disputes"].load(self.model.id)
        return found and Dispute.of(found)

    @strawberry.field
    async def timeline(self, info: Info, first: int = 20) -> Connection[TimelineEntry]:
        rows = await models.Event.filter(order_id=self.model.id).order_by("at", "id").limit(first + 1)
        if self.model.dispute_open_since is not None or self.model.return_open_since is not None:
            rows += late(await info.context["disputes"].load(self.model.id), info.context["now"])
        return connection(sorted(rows, key=lambda row: (row.at, row.id)), first, None, "at", TimelineEntry.of)


def late(dispute: models.Dispute, now: datetime) -> list[models.Event]:
    """Returns the change that time has made and that is not recorded yet, as an event."""
    done = policy.expiration(cast("Any", dispute), now)
    return [models.Event(id=2**63 - 1, at=done[0], facts={}, case_facts=done[1])] if done else []
