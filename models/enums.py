"""The enums that the database, the policy and the API share.

Each member is declared with its description: `BUYER = auto(), "Buys; …"`. Its value is its name. A class's docstring
describes the enum. Clients read both in the schema.
"""

from enum import StrEnum, auto
from typing import Self


class DescribedEnum(StrEnum):
    """An enum whose members are text and have a `description`. A member without one is a TypeError."""

    _value_: str
    description: str

    def __new__(cls, value: str, description: str) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.description = description
        return member

    __hash__ = str.__hash__  # written in C; members are keys of tables that every row looks things up in

    @staticmethod
    def _generate_next_value_(name: str, start: int, count: int, last_values: list[str]) -> str:
        return name


class Role(DescribedEnum):
    """The role of an account."""

    BUYER = auto(), "Buys; sees their own orders and cases."
    SUPPLIER = auto(), "Sells; sees the orders placed with them and the cases of those orders, but no complaints."
    AGENT = auto(), "Works on cases for the marketplace; sees everything."
    SERVICE = auto(), "The order system; sees the orders that it recorded, but not what people wrote."


PARTIES = (Role.BUYER, Role.SUPPLIER)  # of an order


class ThumbnailSize(DescribedEnum):
    """The size of a thumbnail. It is never larger than the picture."""

    SMALL = auto(), "At most 200 pixels on the longer side."
    LARGE = auto(), "At most 1200 pixels on the longer side."


class OrderKind(DescribedEnum):
    """How an order is paid. This decides what its buyer can do."""

    TRADE_ASSURANCE = auto(), "Paid under Trade Assurance."
    SECURE_PAYMENT = auto(), "Paid by Secure Payment."
    OFFLINE = auto(), "Traded without the marketplace's own payment."


class OrderStatus(DescribedEnum):
    """The state of an order: the first that applies, checked from CANCELLED back to AWAITING_PAYMENT."""

    AWAITING_PAYMENT = auto(), "The order is placed; nothing has been paid."
    PAYMENT_PROCESSING = auto(), "A payment was submitted and has not been received."
    PAID = auto(), "The payment was received."
    SHIPPED = auto(), "The goods were shipped."
    COMPLETED = auto(), "The order is complete."
    CANCELLED = auto(), "The order was cancelled."


class Action(DescribedEnum):
    """Something that can be done to an order or a case. The mutation of the same name does it: LEAVE_FEEDBACK is
    leaveFeedback. New values will be added; treat an unknown value as not available."""

    done: str  # what the timeline says after it

    def __new__(cls, value: str, description: str, done: str) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.description = description
        member.done = done
        return member

    LEAVE_FEEDBACK = auto(), "Leave feedback about a completed order.", "The buyer left feedback."
    REVISE_FEEDBACK = (
        auto(),
        "Replace the feedback, once, after the supplier has replied.",
        "The buyer revised the feedback.",
    )
    REPLY_TO_FEEDBACK = auto(), "Reply to the buyer's feedback, once.", "The supplier replied to the feedback."
    CANCEL_ORDER = auto(), "Cancel an unpaid order.", "The buyer cancelled the order."
    REQUEST_CANCELLATION = (
        auto(),
        "Ask the supplier to cancel an order that has not shipped.",
        "The buyer asked the supplier to cancel the order.",
    )
    WITHDRAW_CANCELLATION = auto(), "Withdraw the cancellation request.", "The buyer withdrew the cancellation request."
    ACCEPT_CANCELLATION = (
        auto(),
        "Accept the buyer's cancellation request; the order is cancelled.",
        "The supplier accepted the cancellation request; the order is cancelled.",
    )
    DECLINE_CANCELLATION = (
        auto(),
        "Decline the buyer's cancellation request; the buyer may ask again.",
        "The supplier declined the cancellation request.",
    )
    OPEN_DISPUTE = auto(), "Open a dispute about the order.", "The buyer opened a dispute."
    PROPOSE_RESOLUTION = auto(), "Propose how to settle the dispute.", "A resolution was proposed."
    ACCEPT_PROPOSAL = (
        auto(),
        "Accept the current proposal; the dispute is settled.",
        "The proposal was accepted; the dispute is settled.",
    )
    REJECT_PROPOSAL = auto(), "Reject the current proposal.", "The proposal was rejected."
    POST_DISPUTE_MESSAGE = auto(), "Write to the other party and the agents of a dispute.", "A message was written."
    ESCALATE_DISPUTE = auto(), "Ask an agent to decide the dispute.", "The dispute was handed to an agent."
    WITHDRAW_DISPUTE = (
        auto(),
        "Withdraw the dispute. Another may be opened later; an outcome that is reviewed again then stands.",
        "The buyer withdrew the dispute.",
    )
    REQUEST_EVIDENCE = auto(), "Ask one party of a dispute for evidence, as an agent.", "An agent asked for evidence."
    RESOLVE_DISPUTE = auto(), "Decide the dispute, as an agent.", "An agent decided the dispute."
    CONCEDE_DISPUTE = (
        auto(),
        "Accept the buyer's claim; the dispute is settled.",
        "The supplier accepted the claim; the dispute is settled.",
    )
    REVISE_CLAIM = (
        auto(),
        "Replace the wish and the claim of the dispute, before the supplier answers.",
        "The buyer changed the claim.",
    )
    APPEAL_DECISION = (
        auto(),
        "Ask for another decision, once; an agent reviews the dispute again.",
        "The decision was appealed.",
    )
    PROVIDE_RETURN_ADDRESS = (
        auto(),
        "Say where the buyer sends the goods back to.",
        "The supplier gave the address for the return.",
    )
    CONFIRM_RETURN_SHIPPED = auto(), "Say that the goods were sent back.", "The buyer sent the goods back."
    CONFIRM_RETURN_RECEIVED = (
        auto(),
        "Confirm that the goods came back; the refund is owed.",
        "The supplier received the goods.",
    )
    REFUSE_RETURN = (
        auto(),
        "Say that the returned goods are not as agreed; an agent decides anew.",
        "The supplier refused the returned goods; an agent decides anew.",
    )
    REPORT_MISSING_REFUND = (
        auto(),
        "Report that an overdue refund has not arrived.",
        "The buyer reported that a refund has not arrived.",
    )
    FILE_COMPLAINT = (
        auto(),
        "File a complaint about an offline trade with the Complaint Center.",
        "The buyer filed a complaint with the Complaint Center.",
    )
    POST_COMPLAINT_MESSAGE = auto(), "Write in a complaint, as its complainant or an agent.", "A message was written."
    WITHDRAW_COMPLAINT = auto(), "Withdraw the complaint.", "The buyer withdrew the complaint."
    TAKE_UP_COMPLAINT = auto(), "Start reviewing the complaint, as an agent.", "An agent took up the complaint."
    RESOLVE_COMPLAINT = (
        auto(),
        "Decide the complaint in the complainant's favour, as an agent.",
        "An agent decided the complaint.",
    )
    REJECT_COMPLAINT = auto(), "Reject the complaint, as an agent.", "An agent rejected the complaint."


class Reason(DescribedEnum):
    """Why something was refused: the reason of a decision, the code of a user error. New values will be added; show
    the message for an unknown value."""

    NOT_FOUND = auto(), "Nothing has this id, or it belongs to somebody else."
    NOT_OFFERED = auto(), "Not possible for any order of this kind."
    NOT_YOUR_ROLE = auto(), "Only another role can do this."
    NOT_COMPLETED = auto(), "The order is not complete."
    NOT_PAID = auto(), "The order is not paid."
    NOT_SHIPPED = (
        auto(),
        "The order has not shipped. For OPEN_DISPUTE, it is not late either, nor did its cancellation fail.",
    )
    ALREADY_PAID = auto(), "The order is paid."
    PAYMENT_PROCESSING = auto(), "A payment was submitted and has not been received."
    ALREADY_SHIPPED = auto(), "The order has shipped."
    ALREADY_COMPLETED = auto(), "The order is complete."
    ALREADY_CANCELLED = auto(), "The order is cancelled."
    FEEDBACK_ALREADY_LEFT = auto(), "The order has feedback; only one is possible."
    NO_FEEDBACK = auto(), "The order has no feedback."
    AWAITING_REPLY = auto(), "The supplier has not replied to the feedback."
    ALREADY_REPLIED = auto(), "The supplier has replied; only one reply is possible."
    ALREADY_REVISED = auto(), "The feedback was revised; only one revision is possible."
    WINDOW_NOT_OPEN = auto(), "Too early: see opensAt."
    WINDOW_CLOSED = auto(), "Too late: closesAt was the last instant."
    CANCELLATION_PENDING = auto(), "A cancellation request waits for the supplier."
    NO_CANCELLATION_PENDING = auto(), "No cancellation request is pending."
    DISPUTE_OPEN = auto(), "A dispute about the order is open."
    DISPUTE_SETTLED = (
        auto(),
        "A dispute about the order was settled or resolved. Another is possible only 30 days after a replacement.",
    )
    COMPLAINT_OPEN = auto(), "A complaint about the order is open."
    CASE_CLOSED = auto(), "The case is closed."
    NO_PROPOSAL = auto(), "The dispute has no current proposal."
    OFFER_NOT_POSSIBLE = auto(), "The offer is more than can be claimed now, or not in the order's currency."
    PROPOSAL_CHANGED = auto(), "The proposal or cancellation request that the input names is not the current one."
    NOT_YOUR_TURN = auto(), "The case waits for the other party."
    ALREADY_UNDER_REVIEW = auto(), "An agent is reviewing the case."
    NOT_UNDER_REVIEW = auto(), "No agent is reviewing the case."
    CONFLICT_OF_INTEREST = auto(), "The agent is a party to the case; another agent has to do it."
    NO_REFUND_OVERDUE = auto(), "No refund for the order is overdue."
    ALREADY_REPORTED = auto(), "Every overdue refund was reported less than 10 days ago."
    ALREADY_ANSWERED = auto(), "The supplier has answered the claim."
    NOT_DECIDED = auto(), "No decision of an agent stands."
    ALREADY_APPEALED = auto(), "The dispute was reviewed again already; the new decision is final."
    REFUND_PAID = auto(), "A refund that follows from the decision was sent or has arrived."
    NO_RETURN = auto(), "The outcome does not ask for a return."
    RETURN_ADDRESS_GIVEN = auto(), "The supplier has given the address for the return."
    NO_RETURN_ADDRESS = auto(), "The supplier has not given the address for the return."
    RETURN_SHIPPED = auto(), "The goods were sent back."
    RETURN_NOT_SHIPPED = auto(), "The goods were not sent back."
    RETURN_CLOSED = auto(), "The return is over, by a party's move or because a deadline passed."
    INVALID_INPUT = auto(), "The input is not valid in the field that the error names."
    IDEMPOTENCY_KEY_REUSED = auto(), "The idempotency key was used with another input."


class InputProblem(DescribedEnum):
    """What is wrong with a field of the input."""

    REQUIRED = auto(), "The value is missing or empty."
    TOO_LONG = auto(), "The text has too many characters."
    OUT_OF_RANGE = auto(), "The value is too small, too large, too early or too late."
    TOO_MANY = auto(), "The list has too many entries."
    WRONG_FORM = auto(), "The value does not have the required form."
    OTHER = auto(), "Another problem; the message says which."


class FieldKind(DescribedEnum):
    """How a field of a form is filled. New values will be added."""

    STARS = auto(), "A number of stars."
    TEXT = auto(), "A text."
    CHOICE = auto(), "One of `choices`."
    MONEY = auto(), "An amount of money."
    FILES = auto(), "Uploads, by their ids."
    ITEMS = auto(), "Lines of the order, each with a quantity."
    EMAIL = auto(), "An e-mail address."
    PHONE = auto(), "A phone number."
    URL = auto(), "The address of a web page."


class ChangeKind(DescribedEnum):
    """What kind of change a timeline entry is about. New values will be added."""

    ACTION = auto(), "Somebody acted: `action` says what."
    ORDER_PLACED = auto(), "The order was placed."
    PAYMENT_SUBMITTED = auto(), "The buyer submitted a payment."
    PAYMENT_RECEIVED = auto(), "The payment was received."
    PAYMENT_FAILED = auto(), "A submitted payment did not go through."
    ORDER_SHIPPED = auto(), "The order was shipped."
    ORDER_DELIVERED = auto(), "The order was delivered."
    ORDER_COMPLETED = auto(), "The order was completed."
    ORDER_CANCELLED = auto(), "The order system cancelled the order."
    ORDER_CORRECTED = auto(), "The order system changed something else, or took something back."
    CANCELLATION_SUPERSEDED = auto(), "A change of the order took the place of the cancellation request."
    DISPUTE_UNDER_REVIEW = auto(), "A time limit passed; an agent reviews the dispute."
    DISPUTE_LAPSED = auto(), "The buyer did not send the evidence in time; the dispute lapsed."
    RETURN_WAIVED = auto(), "No return address came in time; the refund is owed without a return."
    RETURN_EXPIRED = auto(), "The goods were not sent back in time; no refund is owed."
    RETURN_RECEIVED = auto(), "The supplier did not answer in time; the goods count as received."
    REFUND_OWED = auto(), "A refund became owed, or is owed in another amount."
    REFUND_SENT = auto(), "A refund is on its way."
    REFUND_SUCCEEDED = auto(), "A refund has arrived."
    REFUND_FAILED = auto(), "A refund did not go through."
    REFUND_VOID = auto(), "A refund is no longer owed."


class CaseKind(DescribedEnum):
    """The kind of a case."""

    CANCELLATION = auto(), "A cancellation of an order, or a request for one."
    DISPUTE = auto(), "A dispute about an order."
    COMPLAINT = auto(), "A complaint about an offline trade."


class CaseOrder(DescribedEnum):
    """The order of a list of cases or refunds."""

    NEWEST_FIRST = auto(), "By opening time, newest first."
    DUE_FIRST = auto(), "By the deadline of the next move, most urgent first. Cases that a person closed come last."


class ViewerState(DescribedEnum):
    """The state of a case for its viewer."""

    ACTION_REQUIRED = auto(), "The case waits for this viewer."
    WAITING_FOR_OTHER_PARTY = auto(), "The case waits for somebody else."
    UNDER_REVIEW = auto(), "The marketplace is reviewing the case."
    CLOSED = auto(), "The case is closed, and it waits for nobody."


class AgendaKind(DescribedEnum):
    """What ends at an instant of an agenda."""

    LAST_CHANCE = auto(), "The window of an action closes: it is the last instant at which it is possible."
    ANSWER_DUE = auto(), "It is the viewer's turn in a case until then; a step of a return is one, too."
    REPLY_DUE = auto(), "An agent should first answer a complaint by then."
    REFUND_DUE = auto(), "A refund should arrive by then. Buyers and the order system see it."


class CancellationReason(DescribedEnum):
    """Why an order is cancelled."""

    ORDERED_BY_MISTAKE = auto(), "It was ordered by mistake."
    NO_LONGER_NEEDED = auto(), "It is no longer needed."
    FOUND_BETTER_PRICE = auto(), "It is cheaper elsewhere."
    SUPPLIER_ASKED = auto(), "The supplier asked for it."
    TERMS_CHANGED = auto(), "Price, date or terms changed after the order."
    OTHER = auto(), "Another reason; the note may say which."


class CancellationStatus(DescribedEnum):
    """The state of a cancellation."""

    REQUESTED = auto(), "The request waits for the supplier's answer, also after respondBy."
    ACCEPTED = auto(), "The supplier accepted; the order is cancelled."
    DECLINED = auto(), "The supplier declined; the buyer may ask again, or open a dispute."
    WITHDRAWN = auto(), "The buyer withdrew the request."
    SUPERSEDED = auto(), "The order was shipped, completed or cancelled before the supplier answered."
    CANCELLED = auto(), "The buyer cancelled an unpaid order, or the order system cancelled it; no answer was needed."


class DisputeReason(DescribedEnum):
    """What a dispute is about."""

    NOT_RECEIVED = auto(), "The goods did not arrive."
    NOT_AS_DESCRIBED = auto(), "The goods do not match their description."
    DAMAGED = auto(), "The goods arrived damaged."
    LATE = auto(), "The goods arrived too late."
    DEFECTIVE = auto(), "The goods do not work."
    MISSING_PARTS = auto(), "Parts are missing."
    QUANTITY_SHORTAGE = auto(), "Fewer pieces arrived than were ordered."
    WRONG_ITEM = auto(), "Other goods arrived than were ordered."
    COUNTERFEIT = auto(), "The goods are counterfeit."
    NOT_SHIPPED = auto(), "The goods were not shipped in time."
    REFUND_NOT_RECEIVED = auto(), "A refund that is owed did not arrive."
    OTHER = auto(), "Another reason; the description says which."


class DisputeStatus(DescribedEnum):
    """The state of a dispute now. It can also change when a time limit passes."""

    AWAITING_SUPPLIER = auto(), "It is the supplier's turn."
    AWAITING_BUYER = auto(), "It is the buyer's turn."
    UNDER_REVIEW = (
        auto(),
        "An agent decides: a party was silent, escalated the dispute, appealed, or refused a return.",
    )
    EVIDENCE_REQUESTED = auto(), "An agent asked one party for evidence."
    SETTLED = auto(), "The parties agreed: a proposal was accepted, or the supplier accepted the claim."
    RESOLVED = auto(), "An agent decided. A party may still appeal while isFinal is false."
    WITHDRAWN = auto(), "The buyer withdrew the dispute."
    LAPSED = auto(), "The buyer did not send the evidence that an agent asked for."


class ResolutionKind(DescribedEnum):
    """How a dispute or a complaint can end for the buyer."""

    REFUND = auto(), "The buyer gets back what was paid."
    PARTIAL_REFUND = auto(), "The buyer gets back a part of what was paid."
    RETURN_AND_REFUND = auto(), "The buyer sends the goods back; then the refund is owed."
    REPLACEMENT = auto(), "The supplier sends the goods again."
    NO_REFUND = auto(), "The buyer gets nothing back."


class RefundStatus(DescribedEnum):
    """The state of a refund."""

    DUE = auto(), "It is owed; the order system has not told anything about it yet."
    SENT = auto(), "The order system has sent it; it is on its way."
    SUCCEEDED = auto(), "It has arrived."
    FAILED = auto(), "It was sent and did not arrive; the amount is still owed, unless another refund paid it."
    VOID = auto(), "It is not owed any more: what it followed from no longer stands, or other refunds paid it."


class RefundCause(DescribedEnum):
    """What a refund follows from."""

    CANCELLATION = auto(), "The order was paid and is cancelled."
    DISPUTE = auto(), "The outcome of a dispute owes it."
    OTHER = auto(), "The order system's own decision; no case owes it."


class ReturnStatus(DescribedEnum):
    """The state of a return. It can also change when a time limit passes."""

    AWAITING_ADDRESS = auto(), "The supplier has to say where the goods are sent back to."
    AWAITING_SHIPMENT = auto(), "The buyer has to send the goods back."
    SHIPPED = auto(), "The goods are on their way; the supplier has to confirm or refuse them."
    RECEIVED = auto(), "The goods are back, or the supplier did not answer in time; the refund is owed."
    REFUSED = auto(), "The supplier refused the goods; an agent decides anew."
    WAIVED = auto(), "The supplier gave no address in time; the refund is owed without a return."
    EXPIRED = auto(), "The buyer did not send the goods back in time; no refund is owed."


class ComplaintKind(DescribedEnum):
    """What a complaint is about."""

    GOODS_NOT_RECEIVED = auto(), "The goods did not arrive."
    NOT_AS_AGREED = auto(), "The goods or the trade were not as agreed."
    OTHER = auto(), "Another reason; the description says which."


class ComplaintStatus(DescribedEnum):
    """The state of a complaint."""

    SUBMITTED = auto(), "The complaint was filed and waits for an agent."
    UNDER_REVIEW = auto(), "An agent is reviewing the complaint."
    AWAITING_COMPLAINANT = auto(), "An agent wrote and waits for the complainant's answer."
    RESOLVED = auto(), "An agent decided in the complainant's favour."
    REJECTED = auto(), "An agent rejected the complaint."
    WITHDRAWN = auto(), "The complainant withdrew the complaint."
