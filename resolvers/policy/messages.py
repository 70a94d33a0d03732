"""What people read when something is not possible: one sentence for each reason, and better ones where an action has
more to say."""

from datetime import datetime

from models.enums import Action, Reason

MESSAGES: dict[Reason, str] = {
    Reason.NOT_FOUND: "There is nothing here under this id.",
    Reason.NOT_OFFERED: "This is not offered here.",
    Reason.NOT_YOUR_ROLE: "This is for another party to do.",
    Reason.NOT_COMPLETED: "The order is not complete yet.",
    Reason.NOT_PAID: "The order has not been paid yet.",
    Reason.NOT_SHIPPED: "The order has not shipped yet.",
    Reason.ALREADY_PAID: "The order has been paid.",
    Reason.PAYMENT_PROCESSING: "A payment is on its way; wait until it has been received.",
    Reason.ALREADY_SHIPPED: "The order has shipped.",
    Reason.ALREADY_COMPLETED: "The order is complete.",
    Reason.ALREADY_CANCELLED: "The order is cancelled.",
    Reason.FEEDBACK_ALREADY_LEFT: "Feedback has been left for this order.",
    Reason.NO_FEEDBACK: "No feedback has been left for this order.",
    Reason.AWAITING_REPLY: "The supplier has not replied to the feedback yet.",
    Reason.ALREADY_REPLIED: "The supplier has replied to this feedback.",
    Reason.ALREADY_REVISED: "The feedback has been revised, which can be done only once.",
    Reason.WINDOW_NOT_OPEN: "This opens on {opens}.",
    Reason.WINDOW_CLOSED: "This was possible until {closes}.",
    Reason.CANCELLATION_PENDING: "A cancellation request is waiting for the supplier's answer.",
    Reason.NO_CANCELLATION_PENDING: "No cancellation request is pending.",
    Reason.DISPUTE_OPEN: "A dispute about this order is open.",
    Reason.DISPUTE_SETTLED: "A dispute about this order has been decided.",
    Reason.COMPLAINT_OPEN: "A complaint about this order is open.",
    Reason.CASE_CLOSED: "The case is closed.",
    Reason.NO_PROPOSAL: "There is no proposal on the table.",
    Reason.OFFER_NOT_POSSIBLE: (
        "The order has changed since this offer was made, and the offer is no longer possible; reject it or propose "
        "another."
    ),
    Reason.PROPOSAL_CHANGED: "The proposal you saw is no longer on the table; reload the case and decide again.",
    Reason.NOT_YOUR_TURN: "The case waits for the other party.",
    Reason.ALREADY_UNDER_REVIEW: "An agent has the case.",
    Reason.NOT_UNDER_REVIEW: "The case is not waiting for an agent.",
    Reason.CONFLICT_OF_INTEREST: "You are a party to this case; another agent must handle it.",
}

_ANOTHER_REQUEST = "Another cancellation request is pending than the one you saw; reload it and decide again."

ACTION_MESSAGES: dict[tuple[Action, Reason], str] = {
    (Action.LEAVE_FEEDBACK, Reason.WINDOW_CLOSED): "Feedback could be left until {closes}.",
    (Action.REVISE_FEEDBACK, Reason.WINDOW_CLOSED): "The feedback could be revised until {closes}.",
    (Action.OPEN_DISPUTE, Reason.ALREADY_COMPLETED): "A dispute cannot be opened once the order is complete.",
    (Action.ACCEPT_CANCELLATION, Reason.PROPOSAL_CHANGED): _ANOTHER_REQUEST,
    (Action.DECLINE_CANCELLATION, Reason.PROPOSAL_CHANGED): _ANOTHER_REQUEST,
    (Action.FILE_COMPLAINT, Reason.NOT_OFFERED): (
        "Complaints are for offline trades; for this order there is its dispute."
    ),
}


_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


def humanize(action: Action) -> str:
    return action.replace("_", " ").capitalize()


def message_for(
    action: Action, reason: Reason, opens_at: datetime | None = None, closes_at: datetime | None = None
) -> str:
    text = ACTION_MESSAGES.get((action, reason)) or MESSAGES[reason]
    return text.format(opens=_date(opens_at), closes=_date(closes_at)) if "{" in text else text


def _date(instant: datetime | None) -> str:
    if instant is None:
        return ""
    return f"{instant.day} {_MONTHS[instant.month - 1]} {instant.year}, {instant.hour:02}:{instant.minute:02} UTC"
