from typing import Any

import strawberry

from resolvers import subscriptions
from schema.case import Case
from schema.declare import resolved
from schema.order import Order


@strawberry.type(
    description="Watching. Told from when the subscription began, after each committed change, as the viewer sees it "
    "then. What is absent or somebody else's, and what ceases to be the viewer's, ends with one error. Who falls more "
    "than a hundred changes behind gets the latest hundred."
)
class Subscription:
    order_changed: Any = resolved(
        subscriptions.order_changed,
        Order,
        "The order after each change to it or to its feedback and cases, and when a window opens or closes.",
        watched=True,
        order_id="The order's id.",
    )
    case_changed: Any = resolved(
        subscriptions.case_changed,
        Case,
        "The case after each change to it, and when time alone changes it.",
        watched=True,
        case_id="The case's id.",
    )
