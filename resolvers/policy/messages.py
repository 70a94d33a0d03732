"""The message that a person reads when an action is refused: one for each reason, and better ones for some actions.

A message says what is wrong, then what to do.
"""

from datetime import datetime
from enum import StrEnum

from models.enums import Action, Reason
from resolvers.language import gettext

MESSAGES: dict[Reason, str] = {
    Reason.NOT_FOUND: "Not found.",
    Reason.NOT_OFFERED: "This action is not available here.",
    Reason.NOT_YOUR_ROLE: "Only another party can do this.",
    Reason.NOT_COMPLETED: "The order is not complete yet. Feedback can be left once it is.",
    Reason.NOT_PAID: "The order has not been paid yet. A dispute can be opened once the payment has been received.",
    Reason.NOT_SHIPPED: "The order has not shipped yet.",
    Reason.ALREADY_PAID: "The order has already been paid.",
    Reason.PAYMENT_PROCESSING: "A payment is being processed. Try again when it has been received.",
    Reason.ALREADY_SHIPPED: "The order has already shipped.",
    Reason.ALREADY_COMPLETED: "The order is already complete.",
    Reason.ALREADY_CANCELLED: "The order is already cancelled.",
    Reason.FEEDBACK_ALREADY_LEFT: "Feedback has already been left for this order.",
    Reason.NO_FEEDBACK: "No feedback has been left for this order yet.",
    Reason.AWAITING_REPLY: "The supplier has not replied to the feedback yet. It can be revised after the reply.",
    Reason.ALREADY_REPLIED: "The supplier has already replied to this feedback.",
    Reason.ALREADY_REVISED: "The feedback has already been revised. It can be revised only once.",
    Reason.WINDOW_NOT_OPEN: "This is possible from {opens}.",
    Reason.WINDOW_CLOSED: "This was possible until {closes}.",
    Reason.CANCELLATION_PENDING: (
        "A cancellation request is already waiting for the supplier's answer. Withdraw it to make another."
    ),
    Reason.NO_CANCELLATION_PENDING: "No cancellation request is pending.",
    Reason.DISPUTE_OPEN: "A dispute about this order is already open. Only one can be open at a time.",
    Reason.DISPUTE_SETTLED: "A dispute about this order has already been settled or decided.",
    Reason.COMPLAINT_OPEN: "A complaint about this order is already open. Write a message there instead.",
    Reason.CASE_CLOSED: "The case is closed.",
    Reason.NO_PROPOSAL: "There is no proposal to answer. Propose a resolution instead.",
    Reason.OFFER_NOT_POSSIBLE: (
        "The order has changed, and this offer is no longer possible. Reject it, or propose another."
    ),
    Reason.PROPOSAL_CHANGED: "The proposal has changed since you saw it. Reload the case and decide again.",
    Reason.NOT_YOUR_TURN: "The case is waiting for the other party. Wait for the answer.",
    Reason.ALREADY_UNDER_REVIEW: "An agent is already handling the case.",
    Reason.NOT_UNDER_REVIEW: "The case is not waiting for an agent.",
    Reason.NO_REFUND_OVERDUE: "No refund for this order is overdue.",
    Reason.ALREADY_REPORTED: "You have already reported the missing refund. The marketplace is looking into it.",
    Reason.ALREADY_ANSWERED: "The supplier has already answered. Propose another resolution instead.",
    Reason.NOT_DECIDED: "There is no decision of an agent to appeal.",
    Reason.ALREADY_APPEALED: "This dispute has already been reviewed again. The decision is final.",
    Reason.REFUND_PAID: "A refund for this decision has already been sent. It can no longer be appealed.",
    Reason.NO_RETURN: "Nothing has to be sent back in this dispute.",
    Reason.RETURN_ADDRESS_GIVEN: "The return address has already been given. Wait for the goods.",
    Reason.NO_RETURN_ADDRESS: (
        "The supplier has not given the return address yet. If none comes in time, the refund is owed without a return."
    ),
    Reason.RETURN_SHIPPED: "The goods have already been sent back. Wait for the supplier's answer.",
    Reason.RETURN_NOT_SHIPPED: "The goods have not been sent back yet. Wait until the buyer has sent them.",
    Reason.RETURN_CLOSED: "The return is over. The dispute shows how it ended.",
    Reason.CONFLICT_OF_INTEREST: "You are a party to this case. Another agent must handle it.",
}

_REQUEST_CHANGED = "The cancellation request has changed since you saw it. Reload it and decide again."

ACTION_MESSAGES: dict[tuple[Action, Reason], str] = {
    (Action.LEAVE_FEEDBACK, Reason.WINDOW_CLOSED): "Feedback could be left until {closes}.",
    (Action.REVISE_FEEDBACK, Reason.WINDOW_CLOSED): "The feedback could be revised until {closes}.",
    (Action.REPLY_TO_FEEDBACK, Reason.WINDOW_CLOSED): "The feedback could be answered until {closes}.",
    (Action.APPEAL_DECISION, Reason.WINDOW_CLOSED): "The decision could be appealed until {closes}.",
    (Action.APPEAL_DECISION, Reason.DISPUTE_OPEN): "Another dispute about this order is already open.",
    (Action.CONCEDE_DISPUTE, Reason.OFFER_NOT_POSSIBLE): (
        "The order has changed, and the claim is no longer possible. Propose another resolution, or wait for the "
        "decision of an agent."
    ),
    (Action.CANCEL_ORDER, Reason.ALREADY_PAID): (
        "The order has already been paid. If something is wrong, open a dispute instead."
    ),
    (Action.REQUEST_CANCELLATION, Reason.ALREADY_SHIPPED): (
        "The order has already shipped. If something is wrong, open a dispute instead."
    ),
    (Action.APPEAL_DECISION, Reason.RETURN_SHIPPED): (
        "The goods have already been sent back. The decision can no longer be appealed."
    ),
    (Action.OPEN_DISPUTE, Reason.NOT_SHIPPED): (
        "The order has not shipped yet. A dispute can be opened once it has shipped, is late, or the supplier has not "
        "agreed to cancel it."
    ),
    (Action.OPEN_DISPUTE, Reason.ALREADY_COMPLETED): "A dispute cannot be opened after the order is complete.",
    (Action.ACCEPT_CANCELLATION, Reason.PROPOSAL_CHANGED): _REQUEST_CHANGED,
    (Action.DECLINE_CANCELLATION, Reason.PROPOSAL_CHANGED): _REQUEST_CHANGED,
    (Action.FILE_COMPLAINT, Reason.NOT_OFFERED): (
        "Complaints are only for offline trades. For this order, open a dispute instead."
    ),
}


def humanize(member: StrEnum) -> str:
    """Returns an enum's member as words: "Leave feedback" for LEAVE_FEEDBACK."""
    return member.replace("_", " ").capitalize()


def message_for(
    action: Action,
    reason: Reason,
    opens_at: datetime | None = None,
    closes_at: datetime | None = None,
    *,
    opens_by_time: bool = False,
) -> str:
    """Returns the message. With `opens_by_time`, it also says from when time alone allows the action."""
    text = ACTION_MESSAGES.get((action, reason)) or MESSAGES[reason]
    # A window that says until when, or from when, an action is possible has that instant.
    message = gettext(text, opens=opens_at or "", closes=closes_at or "") if "{" in text else gettext(text)
    if opens_by_time and opens_at is not None:
        message = gettext("{refusal} This will be possible from {opens}.", refusal=message, opens=opens_at)
    return message
