"""The viewer, and the lists of what belongs to them."""

import strawberry

from resolvers import viewer
from schema.account import Account
from schema.complaint import Complaint
from schema.connection import Connection
from schema.declare import resolved
from schema.dispute import Dispute
from schema.feedback import Feedback
from schema.node import Node
from schema.order import Order
from schema.refund import Refund


@strawberry.type(
    description="Everything that belongs to the viewer. Buyers and suppliers see their own, the order system sees "
    "what it recorded, agents see all."
)
class Viewer(Node):
    account: Account = strawberry.field(description="The viewer's account.")
    orders = resolved(viewer.orders, Connection[Order], "The viewer's orders, newest first: the page All Orders.")
    feedback = resolved(
        viewer.feedback,
        Connection[Feedback],
        "Feedback on the viewer's orders, most recently left first: the page Feedback Management.",
    )
    disputes = resolved(
        viewer.disputes,
        Connection[Dispute],
        "The viewer's disputes. Agents see all disputes.",
        order_by="The order of the list. Default: NEWEST_FIRST.",
    )
    refunds = resolved(
        viewer.refunds,
        Connection[Refund],
        "Refunds: a buyer's and a supplier's own, all for agents, those of recorded orders for the order system.",
        order_by="The order of the list. NEWEST_FIRST: by when they became owed or were first recorded. DUE_FIRST: by "
        "dueBy, those without it last.",
    )
    complaints = resolved(
        viewer.complaints,
        Connection[Complaint],
        "The viewer's complaints: the page Complaints I Submitted. Agents see all complaints.",
        order_by="The order of the list. Default: NEWEST_FIRST.",
    )
