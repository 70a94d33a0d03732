import strawberry

from resolvers import viewer
from resolvers.viewer import FeedbackFilter, OrderFilter
from schema.account import Account
from schema.complaint import Complaint
from schema.connection import Connection
from schema.dispute import Dispute
from schema.feedback import Feedback
from schema.input import described
from schema.node import Node
from schema.order import Order

described(
    OrderFilter,
    "Which orders to list: those for which everything given holds.",
    kinds="Of one of these kinds.",
    statuses="In one of these states.",
    can="On which the viewer may do this now. Actions on cases give an empty page.",
    search="With this text in the number, a party's name or an item's title, in any case. Up to 200 characters.",
)
described(
    FeedbackFilter,
    "Which feedback to list.",
    can="On which the viewer may do this now: REVISE_FEEDBACK or REPLY_TO_FEEDBACK.",
)


@strawberry.type(
    description="Everything that is the viewer's. Buyers and suppliers see their own, the order system what it "
    "recorded, agents see all."
)
class Viewer(Node):
    account: Account = strawberry.field(description="The viewer's account.")
    orders: Connection[Order] = strawberry.field(
        viewer.orders, graphql_type=Connection[Order], description="All Orders, newest first."
    )
    feedback: Connection[Feedback] = strawberry.field(
        viewer.feedback,
        graphql_type=Connection[Feedback],
        description="Feedback Management: feedback by when it was left, newest first.",
    )
    disputes: Connection[Dispute] = strawberry.field(
        viewer.disputes, graphql_type=Connection[Dispute], description="Disputes, newest first."
    )
    complaints: Connection[Complaint] = strawberry.field(
        viewer.complaints,
        graphql_type=Connection[Complaint],
        description="Complaints I Submitted, newest first; agents see all.",
    )
