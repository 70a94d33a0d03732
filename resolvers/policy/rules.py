"""The policy table: one line for each rule of the help page. docs/policy.md is this table for people."""

from models.enums import PARTIES, Action, OrderKind, Role
from resolvers.policy.conditions import (
    address_given,
    claim_possible,
    complaint_open,
    complete,
    decided,
    dispute_open,
    feedback_left,
    goods_to_return,
    in_review,
    no_address_given,
    no_complaint_open,
    no_dispute_open,
    no_dispute_settled,
    no_evidence_awaited,
    no_feedback,
    no_payment_processing,
    no_payment_processing_unless_complete,
    no_request_pending,
    not_answered,
    not_appealed,
    not_cancelled,
    not_complete,
    not_in_review,
    not_paid,
    not_replied,
    not_reported,
    not_revised,
    not_sent_back,
    not_shipped,
    not_taken_up,
    nothing_paid_back,
    offer_possible,
    paid_or_complete,
    proposal_made,
    refund_overdue,
    replied,
    request_pending,
    return_running,
    sent_back,
    shipped_late_or_not_cancelled,
    your_turn,
)
from resolvers.policy.dispute import APPEAL_DAYS, RETURN_ADDRESS_DAYS, RETURN_ANSWER_DAYS, RETURN_SHIPMENT_DAYS
from resolvers.policy.rule import Rule, Subject, Window


def after_completion(days: int) -> Window:
    return Window("completed_at", "the order's completion", days)


def after_reply(days: int) -> Window:
    return Window("feedback_replied_at", "the supplier's reply", days)


_after_feedback = Window("feedback_left_at", "the feedback", 30)
_after_decision = Window("closed_at", "the decision", APPEAL_DAYS)
_after_outcome = Window("return_began_at", "the outcome", RETURN_ADDRESS_DAYS)
_after_address = Window("return_addressed_at", "the moment the supplier gave the address", RETURN_SHIPMENT_DAYS)
_after_shipment = Window("return_shipped_at", "the moment the goods were sent back", RETURN_ANSWER_DAYS)
_TA, _SP, _OFF = OrderKind.TRADE_ASSURANCE, OrderKind.SECURE_PAYMENT, OrderKind.OFFLINE
_can_be_revised = (feedback_left, replied, not_revised)
_can_be_answered = (request_pending, not_shipped, not_complete)
_O, _D = Subject.ORDER, Subject.DISPUTE
_C = Subject.COMPLAINT
_B, _S, _AG = (Role.BUYER,), (Role.SUPPLIER,), (Role.AGENT,)
_EVERYBODY = (*PARTIES, Role.AGENT)
_after_three_days = Window("opened_at", "the dispute's opening", opens_after=3)
_your_turn_with_parties = (dispute_open, not_in_review, your_turn)

# fmt: off
RULES = (
    #    action                        subject role kind label          conditions          window                 source
    Rule(Action.LEAVE_FEEDBACK,        _O, _B, _TA, "Feedback",
         (not_cancelled, complete, no_feedback),                    after_completion(60), "Feedback 1"),
    Rule(Action.LEAVE_FEEDBACK,        _O, _B, _SP, "Leave Feedback",
         (not_cancelled, complete, no_feedback),                    after_completion(30), "Feedback 2"),
    Rule(Action.REVISE_FEEDBACK,       _O, _B, _TA, "Revise Feedback",  _can_be_revised, after_reply(30), "Feedback 1, 3"),
    Rule(Action.REVISE_FEEDBACK,       _O, _B, _SP, "Revise Feedback",  _can_be_revised, after_reply(90), "Feedback 2, 3"),
    Rule(Action.REPLY_TO_FEEDBACK,     _O, _S, _TA, "Reply",            (feedback_left, not_replied), _after_feedback, "Feedback 1"),
    Rule(Action.REPLY_TO_FEEDBACK,     _O, _S, _SP, "Reply",            (feedback_left, not_replied), _after_feedback, "Feedback 2"),
    Rule(Action.CANCEL_ORDER,          _O, _B, _TA, "Cancel Order",
         (not_cancelled, not_paid, no_payment_processing, not_complete), None, "Disputes 1"),
    Rule(Action.REQUEST_CANCELLATION,  _O, _B, _SP, "Cancel Order Request",
         (not_cancelled, not_shipped, not_complete, no_request_pending), None, "Disputes 2"),
    Rule(Action.WITHDRAW_CANCELLATION, _O, _B, _SP, "Withdraw Request", _can_be_answered, None, "House: cancellation requests"),
    Rule(Action.ACCEPT_CANCELLATION,   _O, _S, _SP, "Accept",           _can_be_answered, None, "House: cancellation requests"),
    Rule(Action.DECLINE_CANCELLATION,  _O, _S, _SP, "Decline",          _can_be_answered, None, "House: cancellation requests"),
    Rule(Action.OPEN_DISPUTE,          _O, _B, _TA, "Open a dispute",
         (no_payment_processing_unless_complete, paid_or_complete, no_dispute_open, no_dispute_settled), None, "Disputes 1"),
    Rule(Action.OPEN_DISPUTE,          _O, _B, _SP, "Open Dispute",
         (not_complete, shipped_late_or_not_cancelled, no_dispute_open, no_dispute_settled), None, "Disputes 2"),
    Rule(Action.REPORT_MISSING_REFUND, _O, _B, _TA, "Report missing refund", (refund_overdue, not_reported), None, "House: refunds"),
    Rule(Action.REPORT_MISSING_REFUND, _O, _B, _SP, "Report missing refund", (refund_overdue, not_reported), None, "House: refunds"),
    Rule(Action.FILE_COMPLAINT,        _O, _B, _OFF, "Offline Trade Dispute", (no_complaint_open,), None, "Disputes 3"),
    Rule(Action.PROPOSE_RESOLUTION,    _D, PARTIES, None, "Propose",      _your_turn_with_parties, None, "House: disputes"),
    Rule(Action.ACCEPT_PROPOSAL,       _D, PARTIES, None, "Accept",       (*_your_turn_with_parties, proposal_made, offer_possible), None, "House: disputes"),
    Rule(Action.REJECT_PROPOSAL,       _D, PARTIES, None, "Reject",       (*_your_turn_with_parties, proposal_made), None, "House: disputes"),
    Rule(Action.POST_DISPUTE_MESSAGE,  _D, _EVERYBODY, None, "Write",      (dispute_open,), None, "House: disputes"),
    Rule(Action.ESCALATE_DISPUTE,      _D, PARTIES, None, "Escalate",     (dispute_open, not_in_review), _after_three_days, "House: disputes"),
    Rule(Action.WITHDRAW_DISPUTE,      _D, _B, None, "Withdraw Dispute",   (dispute_open,), None, "House: disputes"),
    Rule(Action.REQUEST_EVIDENCE,      _D, _AG, None, "Ask for evidence",  (dispute_open, no_evidence_awaited), None, "House: disputes"),
    Rule(Action.RESOLVE_DISPUTE,       _D, _AG, None, "Resolve",           (dispute_open, in_review), None, "House: disputes"),
    Rule(Action.CONCEDE_DISPUTE,       _D, _S, None, "Accept the claim",   (dispute_open, claim_possible), None, "House: disputes"),
    Rule(Action.REVISE_CLAIM,          _D, _B, None, "Edit claim",         (dispute_open, not_in_review, not_answered), None, "House: disputes"),
    Rule(Action.APPEAL_DECISION,       _D, PARTIES, None, "Appeal",
         (decided, not_appealed, nothing_paid_back, not_sent_back), _after_decision, "House: appeals"),
    Rule(Action.PROVIDE_RETURN_ADDRESS, _D, _S, None, "Give return address",
         (goods_to_return, return_running, no_address_given),       _after_outcome, "House: returns"),
    Rule(Action.CONFIRM_RETURN_SHIPPED, _D, _B, None, "I have sent it back",
         (goods_to_return, return_running, address_given, not_sent_back), _after_address, "House: returns"),
    Rule(Action.CONFIRM_RETURN_RECEIVED, _D, _S, None, "Received",
         (goods_to_return, return_running, sent_back),              _after_shipment, "House: returns"),
    Rule(Action.REFUSE_RETURN,         _D, _S, None, "Not as agreed",
         (goods_to_return, return_running, sent_back),              _after_shipment, "House: returns"),
    Rule(Action.POST_COMPLAINT_MESSAGE, _C, (Role.BUYER, Role.AGENT), None, "Write", (complaint_open,), None, "House: complaints"),
    Rule(Action.WITHDRAW_COMPLAINT,    _C, _B, None, "Withdraw Complaint", (complaint_open,), None, "House: complaints"),
    Rule(Action.TAKE_UP_COMPLAINT,     _C, _AG, None, "Take up",           (complaint_open, not_taken_up), None, "House: complaints"),
    Rule(Action.RESOLVE_COMPLAINT,     _C, _AG, None, "Resolve",           (complaint_open,), None, "House: complaints"),
    Rule(Action.REJECT_COMPLAINT,      _C, _AG, None, "Reject",            (complaint_open,), None, "House: complaints"),
)
# fmt: on

TABLE = {rule.key: rule for rule in RULES}
