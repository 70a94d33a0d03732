"""The closed sets of values that the database, the policy and the API share. Descriptions for clients are in schema."""

from enum import StrEnum, auto


class _Name(StrEnum):
    __hash__ = str.__hash__  # the same in C; members are the keys of tables that are asked for every row

    @staticmethod
    def _generate_next_value_(name: str, start: int, count: int, last_values: list[str]) -> str:
        return name


class Role(_Name):
    BUYER = auto()
    SUPPLIER = auto()
    AGENT = auto()
    SERVICE = auto()


PARTIES = (Role.BUYER, Role.SUPPLIER)  # of an order


class OrderKind(_Name):
    TRADE_ASSURANCE = auto()
    SECURE_PAYMENT = auto()
    OFFLINE = auto()


class OrderStatus(_Name):
    AWAITING_PAYMENT = auto()
    PAYMENT_PROCESSING = auto()
    PAID = auto()
    SHIPPED = auto()
    COMPLETED = auto()
    CANCELLED = auto()


class Action(_Name):
    LEAVE_FEEDBACK = auto()
    REVISE_FEEDBACK = auto()
    REPLY_TO_FEEDBACK = auto()
    CANCEL_ORDER = auto()
    REQUEST_CANCELLATION = auto()
    WITHDRAW_CANCELLATION = auto()
    ACCEPT_CANCELLATION = auto()
    DECLINE_CANCELLATION = auto()
    OPEN_DISPUTE = auto()
    PROPOSE_RESOLUTION = auto()
    ACCEPT_PROPOSAL = auto()
    REJECT_PROPOSAL = auto()
    POST_DISPUTE_MESSAGE = auto()
    ESCALATE_DISPUTE = auto()
    WITHDRAW_DISPUTE = auto()
    REQUEST_EVIDENCE = auto()
    RESOLVE_DISPUTE = auto()
    FILE_COMPLAINT = auto()
    POST_COMPLAINT_MESSAGE = auto()
    WITHDRAW_COMPLAINT = auto()
    TAKE_UP_COMPLAINT = auto()
    RESOLVE_COMPLAINT = auto()
    REJECT_COMPLAINT = auto()


class Reason(_Name):
    NOT_FOUND = auto()
    NOT_OFFERED = auto()
    NOT_YOUR_ROLE = auto()
    NOT_COMPLETED = auto()
    NOT_PAID = auto()
    NOT_SHIPPED = auto()
    ALREADY_PAID = auto()
    PAYMENT_PROCESSING = auto()
    ALREADY_SHIPPED = auto()
    ALREADY_COMPLETED = auto()
    ALREADY_CANCELLED = auto()
    FEEDBACK_ALREADY_LEFT = auto()
    NO_FEEDBACK = auto()
    AWAITING_REPLY = auto()
    ALREADY_REPLIED = auto()
    ALREADY_REVISED = auto()
    WINDOW_NOT_OPEN = auto()
    WINDOW_CLOSED = auto()
    CANCELLATION_PENDING = auto()
    NO_CANCELLATION_PENDING = auto()
    DISPUTE_OPEN = auto()
    DISPUTE_SETTLED = auto()
    COMPLAINT_OPEN = auto()
    CASE_CLOSED = auto()
    NO_PROPOSAL = auto()
    OFFER_NOT_POSSIBLE = auto()
    PROPOSAL_CHANGED = auto()
    NOT_YOUR_TURN = auto()
    ALREADY_UNDER_REVIEW = auto()
    NOT_UNDER_REVIEW = auto()
    CONFLICT_OF_INTEREST = auto()
    INVALID_INPUT = auto()
    IDEMPOTENCY_KEY_REUSED = auto()


class InputProblem(_Name):
    REQUIRED = auto()
    TOO_LONG = auto()
    OUT_OF_RANGE = auto()
    TOO_MANY = auto()
    WRONG_FORM = auto()
    OTHER = auto()


class CaseKind(_Name):
    CANCELLATION = auto()
    DISPUTE = auto()
    COMPLAINT = auto()


class CaseOrder(_Name):
    NEWEST_FIRST = auto()
    DUE_FIRST = auto()


class ViewerState(_Name):
    ACTION_REQUIRED = auto()
    WAITING_FOR_OTHER_PARTY = auto()
    UNDER_REVIEW = auto()
    CLOSED = auto()


class CancellationReason(_Name):
    ORDERED_BY_MISTAKE = auto()
    NO_LONGER_NEEDED = auto()
    FOUND_BETTER_PRICE = auto()
    SUPPLIER_ASKED = auto()
    TERMS_CHANGED = auto()
    OTHER = auto()


class CancellationStatus(_Name):
    REQUESTED = auto()
    ACCEPTED = auto()
    DECLINED = auto()
    WITHDRAWN = auto()
    SUPERSEDED = auto()
    CANCELLED = auto()


class DisputeReason(_Name):
    NOT_RECEIVED = auto()
    NOT_AS_DESCRIBED = auto()
    DAMAGED = auto()
    LATE = auto()
    DEFECTIVE = auto()
    MISSING_PARTS = auto()
    QUANTITY_SHORTAGE = auto()
    WRONG_ITEM = auto()
    COUNTERFEIT = auto()
    OTHER = auto()


class DisputeStatus(_Name):
    AWAITING_SUPPLIER = auto()
    AWAITING_BUYER = auto()
    UNDER_REVIEW = auto()
    EVIDENCE_REQUESTED = auto()
    SETTLED = auto()
    RESOLVED = auto()
    WITHDRAWN = auto()
    LAPSED = auto()


class ResolutionKind(_Name):
    REFUND = auto()
    PARTIAL_REFUND = auto()
    RETURN_AND_REFUND = auto()
    REPLACEMENT = auto()
    NO_REFUND = auto()


class ComplaintKind(_Name):
    GOODS_NOT_RECEIVED = auto()
    NOT_AS_AGREED = auto()
    OTHER = auto()


class ComplaintStatus(_Name):
    SUBMITTED = auto()
    UNDER_REVIEW = auto()
    AWAITING_COMPLAINANT = auto()
    RESOLVED = auto()
    REJECTED = auto()
    WITHDRAWN = auto()
