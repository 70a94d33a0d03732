"""The enums as clients see them: a sentence on every value."""

from enum import StrEnum
from typing import Any

import strawberry

from models.enums import (
    Action,
    CancellationReason,
    CancellationStatus,
    CaseOrder,
    ComplaintKind,
    ComplaintStatus,
    DisputeReason,
    DisputeStatus,
    InputProblem,
    OrderKind,
    OrderStatus,
    Reason,
    ResolutionKind,
    Role,
    ViewerState,
)


def _described(enum: type[StrEnum], description: str, values: dict[StrEnum, str]) -> None:
    decorated: Any = strawberry.enum(enum, description=description)
    for value in decorated.__strawberry_definition__.values:
        value.description = values[enum[value.name]]


_described(
    Action,
    "Something that can be done to an order or a case. The mutation of the same name does it: LEAVE_FEEDBACK is "
    "leaveFeedback. New values will come; treat one you do not know as not available.",
    {
        Action.LEAVE_FEEDBACK: "Leave feedback about a completed order.",
        Action.REVISE_FEEDBACK: "Replace the feedback, once, after the supplier has replied.",
        Action.REPLY_TO_FEEDBACK: "Reply to the buyer's feedback, once.",
        Action.CANCEL_ORDER: "Cancel an order that is not paid.",
        Action.REQUEST_CANCELLATION: "Ask the supplier to cancel an order that has not shipped.",
        Action.WITHDRAW_CANCELLATION: "Take back the cancellation request.",
        Action.ACCEPT_CANCELLATION: "Accept the buyer's cancellation request; the order is cancelled.",
        Action.DECLINE_CANCELLATION: "Decline the buyer's cancellation request; the buyer may ask again.",
        Action.OPEN_DISPUTE: "Open a dispute about the order.",
        Action.PROPOSE_RESOLUTION: "Propose how to settle the dispute.",
        Action.ACCEPT_PROPOSAL: "Accept the proposal on the table; the dispute is settled.",
        Action.REJECT_PROPOSAL: "Reject the proposal on the table.",
        Action.POST_DISPUTE_MESSAGE: "Write to the other party and the agents of a dispute.",
        Action.ESCALATE_DISPUTE: "Hand the dispute to an agent.",
        Action.WITHDRAW_DISPUTE: "Take back the dispute; another may be opened later.",
        Action.REQUEST_EVIDENCE: "Ask one party of a dispute for evidence.",
        Action.RESOLVE_DISPUTE: "Decide the dispute, as an agent.",
        Action.FILE_COMPLAINT: "File a complaint about an offline trade with the Complaint Center.",
        Action.POST_COMPLAINT_MESSAGE: "Write in a complaint.",
        Action.WITHDRAW_COMPLAINT: "Take back the complaint.",
        Action.TAKE_UP_COMPLAINT: "Start reviewing the complaint, as an agent.",
        Action.RESOLVE_COMPLAINT: "Decide the complaint in the complainant's favour, as an agent.",
        Action.REJECT_COMPLAINT: "Reject the complaint, as an agent.",
    },
)

_described(
    Reason,
    "Why something was refused: a decision's reason and a user error's code. New values will come; show the message "
    "for one you do not know.",
    {
        Reason.NOT_FOUND: "There is nothing under this id, or it is somebody else's.",
        Reason.NOT_OFFERED: "Never possible for an order of this kind.",
        Reason.NOT_YOUR_ROLE: "Another party's to do.",
        Reason.NOT_COMPLETED: "The order is not complete.",
        Reason.NOT_PAID: "The order is not paid.",
        Reason.NOT_SHIPPED: "The order has not shipped.",
        Reason.ALREADY_PAID: "The order is paid.",
        Reason.PAYMENT_PROCESSING: "A payment is on its way and has not been received.",
        Reason.ALREADY_SHIPPED: "The order has shipped.",
        Reason.ALREADY_COMPLETED: "The order is complete.",
        Reason.ALREADY_CANCELLED: "The order is cancelled.",
        Reason.FEEDBACK_ALREADY_LEFT: "There is feedback already; there is one per order.",
        Reason.NO_FEEDBACK: "There is no feedback.",
        Reason.AWAITING_REPLY: "The supplier has not replied to the feedback.",
        Reason.ALREADY_REPLIED: "The supplier has replied; there is one reply.",
        Reason.ALREADY_REVISED: "The feedback was revised; there is one revision.",
        Reason.WINDOW_NOT_OPEN: "Too early: see opensAt.",
        Reason.WINDOW_CLOSED: "Too late: closesAt was the last instant.",
        Reason.CANCELLATION_PENDING: "A cancellation request waits for the supplier.",
        Reason.NO_CANCELLATION_PENDING: "No cancellation request is pending.",
        Reason.DISPUTE_OPEN: "A dispute about the order is open.",
        Reason.DISPUTE_SETTLED: "A dispute about the order was settled or resolved; there will be no other.",
        Reason.COMPLAINT_OPEN: "A complaint about the order is open.",
        Reason.CASE_CLOSED: "The case is closed.",
        Reason.NO_PROPOSAL: "No proposal is on the table.",
        Reason.OFFER_NOT_POSSIBLE: "The offer is more than can be claimed now, or not in the order's currency.",
        Reason.PROPOSAL_CHANGED: "The proposal or cancellation request that the input names is not the current one.",
        Reason.NOT_YOUR_TURN: "The case waits for the other party.",
        Reason.ALREADY_UNDER_REVIEW: "An agent is reviewing the case.",
        Reason.NOT_UNDER_REVIEW: "No agent is reviewing the case.",
        Reason.CONFLICT_OF_INTEREST: "The agent is a party to the case; another agent has to do it.",
        Reason.INVALID_INPUT: "The input's field named in the error cannot be taken.",
        Reason.IDEMPOTENCY_KEY_REUSED: "The key was used with another input.",
    },
)

_described(
    InputProblem,
    "What is wrong with a field of the input.",
    {
        InputProblem.REQUIRED: "It is missing or empty.",
        InputProblem.TOO_LONG: "It has too many characters.",
        InputProblem.OUT_OF_RANGE: "It is too small or too large, too early or too late.",
        InputProblem.TOO_MANY: "It has too many entries.",
        InputProblem.WRONG_FORM: "It does not have the form that is needed here.",
        InputProblem.OTHER: "Something else; the message says what.",
    },
)

_described(
    OrderKind,
    "How an order is paid, which decides what its buyer can do.",
    {
        OrderKind.TRADE_ASSURANCE: "Paid under Trade Assurance.",
        OrderKind.SECURE_PAYMENT: "Paid by Secure Payment.",
        OrderKind.OFFLINE: "Traded outside the marketplace's own payment.",
    },
)

_described(
    OrderStatus,
    "Where an order stands: the first that applies, from CANCELLED down to AWAITING_PAYMENT.",
    {
        OrderStatus.AWAITING_PAYMENT: "Placed; nothing has been paid.",
        OrderStatus.PAYMENT_PROCESSING: "A payment is on its way.",
        OrderStatus.PAID: "The payment was received.",
        OrderStatus.SHIPPED: "The goods are on their way.",
        OrderStatus.COMPLETED: "The order is complete.",
        OrderStatus.CANCELLED: "The order was cancelled.",
    },
)

_described(
    Role,
    "What an account is.",
    {
        Role.BUYER: "Buys; sees their own orders and cases.",
        Role.SUPPLIER: "Sells; sees the orders placed with them and those orders' cases, but no complaints.",
        Role.AGENT: "Works for the marketplace on cases; sees everything.",
        Role.SERVICE: "The order system; sees the orders that it recorded, but not what people wrote.",
    },
)

_described(
    ViewerState,
    "A case from where its viewer stands.",
    {
        ViewerState.ACTION_REQUIRED: "It waits for this viewer.",
        ViewerState.WAITING_FOR_OTHER_PARTY: "It waits for somebody else.",
        ViewerState.UNDER_REVIEW: "The marketplace is looking into it.",
        ViewerState.CLOSED: "It is closed.",
    },
)

_described(
    CaseOrder,
    "How a list of cases is ordered.",
    {
        CaseOrder.NEWEST_FIRST: "By when they were opened, the newest first.",
        CaseOrder.DUE_FIRST: "By when the next move is due, the most urgent first; what somebody closed comes last.",
    },
)

_described(
    CancellationReason,
    "Why a buyer cancels.",
    {
        CancellationReason.ORDERED_BY_MISTAKE: "It was ordered by mistake.",
        CancellationReason.NO_LONGER_NEEDED: "It is no longer needed.",
        CancellationReason.FOUND_BETTER_PRICE: "It is cheaper elsewhere.",
        CancellationReason.SUPPLIER_ASKED: "The supplier asked for it.",
        CancellationReason.TERMS_CHANGED: "Price, date or terms changed after the order.",
        CancellationReason.OTHER: "For another reason; the note may say which.",
    },
)

_described(
    CancellationStatus,
    "Where a cancellation stands.",
    {
        CancellationStatus.REQUESTED: "It waits for the supplier's answer.",
        CancellationStatus.ACCEPTED: "The supplier accepted; the order is cancelled.",
        CancellationStatus.DECLINED: "The supplier declined; the buyer may ask again.",
        CancellationStatus.WITHDRAWN: "The buyer took the request back.",
        CancellationStatus.SUPERSEDED: "The order was shipped, completed or cancelled meanwhile.",
        CancellationStatus.CANCELLED: "The buyer cancelled the order at once.",
    },
)

_described(
    DisputeReason,
    "What a dispute is about.",
    {
        DisputeReason.NOT_RECEIVED: "The goods did not arrive.",
        DisputeReason.NOT_AS_DESCRIBED: "The goods are not what was described.",
        DisputeReason.DAMAGED: "The goods arrived damaged.",
        DisputeReason.LATE: "The goods came too late.",
        DisputeReason.DEFECTIVE: "The goods do not work.",
        DisputeReason.MISSING_PARTS: "Parts are missing.",
        DisputeReason.QUANTITY_SHORTAGE: "Fewer pieces came than were ordered.",
        DisputeReason.WRONG_ITEM: "Something else came.",
        DisputeReason.COUNTERFEIT: "The goods are counterfeit.",
        DisputeReason.OTHER: "Something else; the description says what.",
    },
)

_described(
    DisputeStatus,
    "Where a dispute stands now; time alone moves it as well.",
    {
        DisputeStatus.AWAITING_SUPPLIER: "It is the supplier's turn.",
        DisputeStatus.AWAITING_BUYER: "It is the buyer's turn.",
        DisputeStatus.UNDER_REVIEW: "Nobody answered in time, or a party escalated it: an agent decides.",
        DisputeStatus.EVIDENCE_REQUESTED: "An agent asked one party for evidence.",
        DisputeStatus.SETTLED: "The parties agreed.",
        DisputeStatus.RESOLVED: "An agent decided.",
        DisputeStatus.WITHDRAWN: "The buyer took it back.",
        DisputeStatus.LAPSED: "The buyer did not send the evidence that was asked for.",
    },
)

_described(
    ResolutionKind,
    "How a dispute or a complaint can end for the buyer.",
    {
        ResolutionKind.REFUND: "What was paid is paid back.",
        ResolutionKind.PARTIAL_REFUND: "A part is paid back.",
        ResolutionKind.RETURN_AND_REFUND: "The goods go back, and money is paid back.",
        ResolutionKind.REPLACEMENT: "The goods are sent again.",
        ResolutionKind.NO_REFUND: "Nothing is paid back.",
    },
)

_described(
    ComplaintKind,
    "What a complaint is about.",
    {
        ComplaintKind.GOODS_NOT_RECEIVED: "The goods did not arrive.",
        ComplaintKind.NOT_AS_AGREED: "The goods or the trade were not as agreed.",
        ComplaintKind.OTHER: "Something else; the description says what.",
    },
)

_described(
    ComplaintStatus,
    "Where a complaint stands.",
    {
        ComplaintStatus.SUBMITTED: "It was filed and waits for an agent.",
        ComplaintStatus.UNDER_REVIEW: "An agent is looking into it.",
        ComplaintStatus.AWAITING_COMPLAINANT: "An agent asked the complainant something.",
        ComplaintStatus.RESOLVED: "An agent decided it.",
        ComplaintStatus.REJECTED: "It was rejected.",
        ComplaintStatus.WITHDRAWN: "The complainant took it back.",
    },
)
