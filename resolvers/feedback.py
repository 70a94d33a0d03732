"""Feedback: left once, answered once, revised once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

import models
from models.enums import Action, FieldKind, InputProblem, OrderKind, Role
from models.feedback import STARS
from models.keys import new_id
from resolvers.actions import OrderInput, Payload, Resource, act
from resolvers.context import Context, Info
from resolvers.errors import ActionRefused, invalid
from resolvers.language import gettext
from resolvers.orders.order import FEEDBACK_WITH_ORDER, Order
from resolvers.policy import effects
from resolvers.read.pagination import NodeRelation
from resolvers.read.relations import belongs_to
from resolvers.read.rows import Row
from resolvers.write.form import taken_if
from resolvers.write.inputs import LONG_TEXT, SHORT_TEXT, Input, Now, input_field, input_type
from resolvers.write.perform import UnitOfWork


@dataclass(frozen=True, slots=True)
class AreaRatings:
    product_as_agreed: int
    communication: int
    shipping_time: int


class Rated:
    """Stars, of current feedback and of its original version."""

    __slots__ = ()
    overall: int | None
    product_as_agreed: int | None
    communication: int | None
    shipping_time: int | None

    @property
    def areas(self) -> AreaRatings | None:
        if self.product_as_agreed is None or self.communication is None or self.shipping_time is None:
            return None
        return AreaRatings(self.product_as_agreed, self.communication, self.shipping_time)

    @property
    def rating(self) -> Decimal:
        """The overall stars, or the mean of the areas; one decimal, half up."""
        return _mean(self.overall, self.product_as_agreed, self.communication, self.shipping_time)


@lru_cache(1000)
def _mean(*stars: int | None) -> Decimal:
    ratings = [star for star in stars if star is not None]
    return (Decimal(sum(ratings)) / len(ratings)).quantize(Decimal("0.1"), ROUND_HALF_UP)


@dataclass(slots=True, kw_only=True)
class FeedbackVersion(Rated):
    overall: int | None
    product_as_agreed: int | None
    communication: int | None
    shipping_time: int | None
    comment: str | None
    left_at: datetime


@dataclass(slots=True, kw_only=True)
class Feedback(Rated, Row):
    MODEL = models.Feedback
    ALWAYS = ("of_order",)
    relations = (
        belongs_to("order", "Order", column="order_id"),
        belongs_to("of_order", "Order", column="order_id"),
    )

    context: Context = field(repr=False)
    id: UUID
    order_id: UUID
    overall: int | None
    product_as_agreed: int | None
    communication: int | None
    shipping_time: int | None
    comment: str | None
    reply: str | None
    original: dict[str, Any] | None

    order: Order | None = field(init=False, default=None)
    of_order: Order | None = field(init=False, default=None, repr=False)

    @property
    def texts_are_shown(self) -> bool:
        """The order system sees that there is feedback, but not its texts."""
        return self.context.viewer.role is not Role.SERVICE

    @property
    def shown_comment(self) -> str | None:
        return self.comment if self.texts_are_shown else None

    @property
    def shown_reply(self) -> str | None:
        return self.reply if self.texts_are_shown else None

    @property
    def _facts(self) -> Order:
        assert self.of_order is not None
        return self.of_order

    @property
    def left_at(self) -> datetime:
        assert self._facts.feedback_left_at is not None
        return self._facts.feedback_left_at

    @property
    def replied_at(self) -> datetime | None:
        return self._facts.feedback_replied_at

    @property
    def revised_at(self) -> datetime | None:
        return self._facts.feedback_revised_at

    @property
    def original_version(self) -> FeedbackVersion | None:
        if self.original is None:
            return None
        comment = self.original.get("comment") if self.texts_are_shown else None
        stars = {name: self.original.get(name) for name in STARS}
        return FeedbackVersion(**stars, comment=comment, left_at=self.left_at)


LISTED = NodeRelation("feedback", inverse="order", with_inverse=FEEDBACK_WITH_ORDER)


def _stars_field(description: str, label: str, now: Now | None = None) -> Any:
    return input_field(description, within=(1, 5), kind=FieldKind.STARS, label=label, now=now)


def _is_rated_in_areas(order: Order) -> bool:
    return order.kind is OrderKind.SECURE_PAYMENT


def _is_rated_as_a_whole(order: Order) -> bool:
    return not _is_rated_in_areas(order)


@input_type("Stars in the three areas.")
class AreaRatingsInput(Input):
    product_as_agreed: int = _stars_field("Stars for the product: was it as agreed?", "Product as agreed")
    communication: int = _stars_field("Stars for the supplier's communication.", "Communication")
    shipping_time: int = _stars_field("Stars for the shipping time.", "Shipping time")


@input_type("Stars: `overall` for TRADE_ASSURANCE, `areas` for SECURE_PAYMENT.", one_of=True)
class RatingsInput(Input):
    overall: int | None = _stars_field(
        "One rating for everything.",
        "Your rating",
        taken_if(_is_rated_as_a_whole, required=True),
    )
    areas: AreaRatingsInput | None = input_field(
        "A rating for each of the three areas.", now=taken_if(_is_rated_in_areas, required=True)
    )


@input_type("Feedback to leave about an order.", action=Action.LEAVE_FEEDBACK)
class LeaveFeedback(OrderInput):
    ratings: RatingsInput = input_field("The stars.")
    comment: str | None = input_field("The comment.", max_length=LONG_TEXT, label="Comment")


@input_type(
    "Feedback that replaces the order's feedback, both its stars and its comment.", action=Action.REVISE_FEEDBACK
)
class ReviseFeedback(LeaveFeedback):
    comment: str | None = input_field(
        "The comment. If left out, the feedback has no comment any more.",
        max_length=LONG_TEXT,
        label="Comment",
        hint="If you leave it out, your feedback has no comment any more.",
    )


@input_type("A reply to the feedback of an order.", action=Action.REPLY_TO_FEEDBACK)
class ReplyToFeedback(OrderInput):
    text: str = input_field("The reply.", max_length=SHORT_TEXT, label="Your reply", hint="You can reply once.")


@dataclass(slots=True, kw_only=True)
class FeedbackPayload(Payload):
    feedback: Feedback | None


def _stars(order: Order, ratings: RatingsInput) -> dict[str, Any]:
    """Returns the stars to store. Raises ActionRefused where the order is rated in the other way."""
    areas = ratings.areas
    if (areas is not None) != _is_rated_in_areas(order):
        message = (
            gettext("This kind of order is rated in three areas; send `areas` instead of `overall`.")
            if areas is None
            else gettext("This kind of order has one overall rating; send `overall` instead of `areas`.")
        )
        field = "ratings.overall" if areas is None else "ratings.areas"
        raise ActionRefused([invalid(field, InputProblem.WRONG_FORM, message)])
    return {
        "overall": ratings.overall,
        "product_as_agreed": areas.product_as_agreed if areas else None,
        "communication": areas.communication if areas else None,
        "shipping_time": areas.shipping_time if areas else None,
    }


FEEDBACK = Resource(Feedback, FeedbackPayload, frozenset({Action.LEAVE_FEEDBACK}), relation="feedback")


async def leave_feedback(info: Info, input: LeaveFeedback) -> FeedbackPayload:
    async def handler(unit: UnitOfWork) -> None:
        order: Order = unit.subject
        stars = _stars(order, input.ratings)
        unit.insert(models.Feedback, {"id": new_id(), "order_id": order.id, **stars, "comment": input.comment})
        unit.apply(effects.leave_feedback(unit.now))

    return await act(info, Action.LEAVE_FEEDBACK, FEEDBACK, input, handler)


async def revise_feedback(info: Info, input: ReviseFeedback) -> FeedbackPayload:
    async def handler(unit: UnitOfWork) -> None:
        order: Order = unit.subject
        stars = _stars(order, input.ratings)
        feedback = await models.Feedback.get(order_id=order.id)
        original = {name: getattr(feedback, name) for name in (*STARS, "comment")}
        columns = {**stars, "comment": input.comment, "original": original}
        unit.update(models.Feedback, {"order_id": order.id}, columns)
        unit.apply(effects.revise_feedback(unit.now))

    return await act(info, Action.REVISE_FEEDBACK, FEEDBACK, input, handler)


async def reply_to_feedback(info: Info, input: ReplyToFeedback) -> FeedbackPayload:
    async def handler(unit: UnitOfWork) -> None:
        unit.update(models.Feedback, {"order_id": unit.subject.id}, {"reply": input.text})
        unit.apply(effects.reply_to_feedback(unit.now))

    return await act(info, Action.REPLY_TO_FEEDBACK, FEEDBACK, input, handler)
