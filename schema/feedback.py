"""Feedback, and the mutations on it."""

from datetime import datetime
from decimal import Decimal

import strawberry

from execution.complexity import LONG_TEXT, SHORT_TEXT
from resolvers import feedback
from schema.declare import resolved
from schema.lazy import OrderReference
from schema.node import Node
from schema.policy import Payload


@strawberry.type(description="Stars in the three areas of a Secure Payment order, 1 to 5 each.")
class AreaRatings:
    product_as_agreed: int = strawberry.field(description="Stars for the product: was it as agreed?")
    communication: int = strawberry.field(description="Stars for the supplier's communication.")
    shipping_time: int = strawberry.field(description="Stars for the shipping time.")


@strawberry.type(description="The feedback before it was revised.")
class FeedbackVersion:
    rating: Decimal = strawberry.field(description="The stars at that time, with one decimal.")
    areas: AreaRatings | None = strawberry.field(
        description="The stars in the three areas. Null unless the order is SECURE_PAYMENT."
    )
    comment: str | None = strawberry.field(metadata=LONG_TEXT, description="The comment at that time.")
    left_at: datetime = strawberry.field(description="When the feedback was left.")


@strawberry.type(description="A buyer's feedback about an order.")
class Feedback(Node):
    order: OrderReference = strawberry.field(description="The order.")
    rating: Decimal = strawberry.field(
        description='The overall stars, or the mean of the three areas. One decimal, rounded half up, like "4.3".'
    )
    areas: AreaRatings | None = strawberry.field(
        description="The stars in the three areas. Null unless the order is SECURE_PAYMENT."
    )
    shown_comment: str | None = strawberry.field(
        metadata=LONG_TEXT, name="comment", description="What the buyer wrote."
    )
    left_at: datetime = strawberry.field(description="When the feedback was left. A revision does not change this.")
    shown_reply: str | None = strawberry.field(metadata=SHORT_TEXT, name="reply", description="The supplier's reply.")
    replied_at: datetime | None = strawberry.field(
        description="When the supplier replied. The time to revise the feedback counts from here."
    )
    revised_at: datetime | None = strawberry.field(description="When the feedback was revised. It can be revised once.")
    original_version: FeedbackVersion | None = strawberry.field(
        name="original", description="The feedback before its revision. Null if it was never revised."
    )


@strawberry.type(description="The result of an action on feedback. Either userErrors is empty, or nothing was done.")
class FeedbackPayload(Payload):
    feedback: Feedback | None = strawberry.field(description="The feedback as it is now.")


@strawberry.type
class FeedbackMutations:
    leave_feedback = resolved(
        feedback.leave_feedback, FeedbackPayload, "Leaves feedback about a completed order: LEAVE_FEEDBACK."
    )
    revise_feedback = resolved(
        feedback.revise_feedback,
        FeedbackPayload,
        "Replaces the feedback, once, after the supplier's reply: REVISE_FEEDBACK.",
    )
    reply_to_feedback = resolved(
        feedback.reply_to_feedback, FeedbackPayload, "Replies to the buyer's feedback, once: REPLY_TO_FEEDBACK."
    )
