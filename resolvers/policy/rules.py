"""The policy table: one line for each rule of the help page. docs/policy.md is this table for people."""

from models.enums import PARTIES, Action, OrderKind, Role
from resolvers.policy.conditions import (
    complaint_open,
    complete,
    dispute_open,
    feedback_left,
    in_review,
    no_complaint_open,
    no_dispute_open,
    no_dispute_settled,
    no_evidence_awaited,
    no_feedback,
    no_payment_processing,
    no_payment_processing_unless_complete,
    no_request_pending,
    not_cancelled,
    not_complete,
    not_in_review,
    not_paid,
    not_replied,
    not_revised,
    not_shipped,
    not_taken_up,
    offer_possible,
    paid_or_complete,
    proposal_made,
    replied,
    request_pending,
    shipped,
    your_turn,
)
from resolvers.policy.rule import Rule, Subject, Window


def after_completion(days: int) -> Window:
    return Window("completed_at", "the order's completion", days)


def after_reply(days: int) -> Window:
    return Window("feedback_replied_at", "the supplier's reply", days)


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
    Rule(Action.REPLY_TO_FEEDBACK,     _O, _S, _TA, "Reply",            (feedback_left, not_replied), None, "Feedback 1"),
    Rule(Action.REPLY_TO_FEEDBACK,     _O, _S, _SP, "Reply",            (feedback_left, not_replied), None, "Feedback 2"),
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
         (not_complete, shipped, no_dispute_open, no_dispute_settled),         None, "Disputes 2"),
    Rule(Action.FILE_COMPLAINT,        _O, _B, _OFF, "Offline Trade Dispute", (no_complaint_open,), None, "Disputes 3"),
    Rule(Action.PROPOSE_RESOLUTION,    _D, PARTIES, None, "Propose",      _your_turn_with_parties, None, "House: disputes"),
    Rule(Action.ACCEPT_PROPOSAL,       _D, PARTIES, None, "Accept",       (*_your_turn_with_parties, proposal_made, offer_possible), None, "House: disputes"),
    Rule(Action.REJECT_PROPOSAL,       _D, PARTIES, None, "Reject",       (*_your_turn_with_parties, proposal_made), None, "House: disputes"),
    Rule(Action.POST_DISPUTE_MESSAGE,  _D, _EVERYBODY, None, "Write",      (dispute_open,), None, "House: disputes"),
    Rule(Action.ESCALATE_DISPUTE,      _D, PARTIES, None, "Escalate",     (dispute_open, not_in_review), _after_three_days, "House: disputes"),
    Rule(Action.WITHDRAW_DISPUTE,      _D, _B, None, "Withdraw Dispute",   (dispute_open,), None, "House: disputes"),
    Rule(Action.REQUEST_EVIDENCE,      _D, _AG, None, "Ask for evidence",  (dispute_open, no_evidence_awaited), None, "House: disputes"),
    Rule(Action.RESOLVE_DISPUTE,       _D, _AG, None, "Resolve",           (dispute_open, in_review), None, "House: disputes"),
    Rule(Action.POST_COMPLAINT_MESSAGE, _C, (Role.BUYER, Role.AGENT), None, "Write", (complaint_open,), None, "House: complaints"),
    Rule(Action.WITHDRAW_COMPLAINT,    _C, _B, None, "Withdraw Complaint", (complaint_open,), None, "House: complaints"),
    Rule(Action.TAKE_UP_COMPLAINT,     _C, _AG, None, "Take up",           (complaint_open, not_taken_up), None, "House: complaints"),
    Rule(Action.RESOLVE_COMPLAINT,     _C, _AG, None, "Resolve",           (complaint_open,), None, "House: complaints"),
    Rule(Action.REJECT_COMPLAINT,      _C, _AG, None, "Reject",            (complaint_open,), None, "House: complaints"),
)
# fmt: on

TABLE = {rule.key: rule for rule in RULES}
