import strawberry

from resolvers import viewer
from resolvers.viewer import ComplaintFilter, DisputeFilter, FeedbackFilter, OrderFilter
from schema.account import Account
from schema.complaint import Complaint
from schema.connection import Connection
from schema.declare import input_type, resolved
from schema.dispute import Dispute
from schema.feedback import Feedback
from schema.node import Node
from schema.order import Order

input_type(
    OrderFilter,
    "Which orders to list: those for which everything given holds.",
    kinds="Of one of these kinds.",
    statuses="In one of these states.",
    can="On which the viewer may do this now. Actions on cases give an empty page.",
    search="With this text in the number, a party's name or an item's title, in any case. Up to 200 characters.",
)
input_type(
    FeedbackFilter,
    "Which feedback to list.",
    can="On which the viewer may do this now: REVISE_FEEDBACK or REPLY_TO_FEEDBACK.",
)
input_type(
    DisputeFilter,
    "Which disputes to list: those for which everything given holds.",
    statuses="In one of these states, as it is now.",
    open="Open ones only, or closed ones only.",
)
input_type(
    ComplaintFilter,
    "Which complaints to list: those for which everything given holds.",
    statuses="In one of these states.",
    open="Open ones only, or closed ones only.",
    overdue="Only those whose reply is overdue, or only the others.",
)


@strawberry.type(
    description="Everything that belongs to the viewer. Buyers and suppliers see their own, the order system sees "
    "what it recorded, agents see all."
)
class Viewer(Node):
    account: Account = strawberry.field(description="The viewer's account.")
    orders = resolved(viewer.orders, Connection[Order], "The page All Orders: orders, newest first.")
    feedback = resolved(
        viewer.feedback,
        Connection[Feedback],
        "The page Feedback Management: feedback by the time when it was left, newest first.",
    )
    disputes = resolved(
        viewer.disputes,
        Connection[Dispute],
        "Disputes. Agents see all.",
        order_by="The order of the list. Default: NEWEST_FIRST.",
    )
    complaints = resolved(
        viewer.complaints,
        Connection[Complaint],
        "The page Complaints I Submitted: complaints. Agents see all.",
        order_by="The order of the list. Default: NEWEST_FIRST.",
    )
