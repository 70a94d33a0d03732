"""The viewer, and the lists of what belongs to them."""

import strawberry

from resolvers import agenda, calendar, counts, viewer
from resolvers.agenda import DEFAULT_DAYS, MAX_DAYS
from resolvers.calendar import MAX_ENTRIES
from resolvers.counts import MOST
from schema.account import Account
from schema.agenda import AgendaConnection
from schema.complaint import Complaint
from schema.connection import CountedConnection
from schema.declare import resolved
from schema.dispute import Dispute
from schema.feedback import Feedback
from schema.form import ActionForm
from schema.node import Node
from schema.order import Order
from schema.refund import Refund


@strawberry.type(
    description=f"Numbers for badges. Each is at most {MOST}; show that as {MOST - 1}+. A number that does not concern "
    "the viewer's role is 0."
)
class Counts:
    action_required: int = strawberry.field(description="Cases that wait for this viewer.")
    feedback_to_leave: int = strawberry.field(description="Orders about which the buyer can leave feedback now.")
    feedback_to_revise: int = strawberry.field(description="Orders whose feedback the buyer can revise now.")
    feedback_to_answer: int = strawberry.field(description="Orders whose feedback the supplier can answer now.")
    open_cancellations: int = strawberry.field(description="Cancellation requests that wait for an answer.")
    open_disputes: int = strawberry.field(description="Open disputes that the viewer sees.")
    open_complaints: int = strawberry.field(description="Open complaints that the viewer sees.")
    refunds_overdue: int = strawberry.field(description="Overdue refunds that the viewer sees.")


@strawberry.type(
    description="Everything that belongs to the viewer. Buyers and suppliers see their own, the order system sees "
    "what it recorded, agents see all."
)
class Viewer(Node):
    account: Account = strawberry.field(description="The viewer's account.")
    counts: Counts = resolved(counts.counts, Counts, "Numbers for badges.")
    complaint_form: ActionForm = strawberry.field(
        description="What fileComplaint takes about a trade that is not on record. For a recorded order, see the form "
        "of FILE_COMPLAINT."
    )
    agenda = resolved(
        agenda.agenda,
        AgendaConnection,
        "What this viewer can still do, or must, from now on: soonest first, nothing that has no end. What is overdue "
        "is in the lists.",
        within=f"How many days ahead, the last instant included. Default {DEFAULT_DAYS}; more than {MAX_DAYS} is "
        f"{MAX_DAYS}.",
    )
    calendar_url: str = resolved(
        calendar.calendar_url,
        str,
        f"The address of the viewer's agenda of {MAX_DAYS} days as iCalendar, for calendar applications: its first "
        f"{MAX_ENTRIES} entries, by the real clock, in the language and the zone of this request. Whoever has the "
        "address can read the calendar, until `resetCalendar` makes a new one.",
        weight=10,  # it is signed, and needs a statement of its own
    )
    orders = resolved(
        viewer.orders, CountedConnection[Order], "The viewer's orders, newest first: the page All Orders."
    )
    feedback = resolved(
        viewer.feedback,
        CountedConnection[Feedback],
        "Feedback on the viewer's orders, most recently left first: the page Feedback Management.",
    )
    disputes = resolved(
        viewer.disputes,
        CountedConnection[Dispute],
        "The viewer's disputes. Agents see all disputes.",
        order_by="The order of the list. Default: NEWEST_FIRST.",
    )
    refunds = resolved(
        viewer.refunds,
        CountedConnection[Refund],
        "Refunds: a buyer's and a supplier's own, all for agents, those of recorded orders for the order system.",
        order_by="The order of the list. NEWEST_FIRST: by when they became owed or were first recorded. DUE_FIRST: by "
        "dueBy, those without it last.",
    )
    complaints = resolved(
        viewer.complaints,
        CountedConnection[Complaint],
        "The viewer's complaints: the page Complaints I Submitted. Agents see all complaints.",
        order_by="The order of the list. Default: NEWEST_FIRST.",
    )


@strawberry.type(description="The result of resetting the calendar's address.")
class ResetCalendarPayload:
    calendar_url: str = strawberry.field(description="The new address. Those before are not good any more.")


@strawberry.type
class CalendarMutations:
    reset_calendar = resolved(
        calendar.reset_calendar,
        ResetCalendarPayload,
        "Gives the viewer's calendar a new address, and ends all former ones: for an address that somebody else got.",
    )
