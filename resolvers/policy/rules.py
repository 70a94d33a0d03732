"""The rules, line by line as the help page has them. docs/policy.md is this table for people."""

from models.enums import PARTIES, Action, OrderKind, Reason, Role
from resolvers.policy import complaint, dispute
from resolvers.policy.conditions import IsRole, IsSet, OlderThan
from resolvers.policy.rule import Condition, Rule, Subject, Window

_paid, _shipped, _complete = IsSet("paid_at"), IsSet("shipped_at"), IsSet("completed_at")
_paying = IsSet("payment_submitted_at") & ~_paid

not_cancelled = Condition("the order is not cancelled", ~IsSet("cancelled_at"), Reason.ALREADY_CANCELLED)
complete = Condition("the order is complete", _complete, Reason.NOT_COMPLETED)
not_complete = Condition("the order is not complete", ~_complete, Reason.ALREADY_COMPLETED)
not_paid = Condition("the order is not paid", ~_paid, Reason.ALREADY_PAID)
paid_or_complete = Condition("the order is paid or complete", _paid | _complete, Reason.NOT_PAID)
no_payment_on_its_way = Condition("no payment is on its way", ~_paying, Reason.PAYMENT_PROCESSING)
no_payment_on_its_way_unless_complete = Condition(
    "no payment is on its way, unless the order is complete", ~_paying | _complete, Reason.PAYMENT_PROCESSING
)
shipped = Condition("the order has shipped", _shipped, Reason.NOT_SHIPPED)
not_shipped = Condition("the order has not shipped", ~_shipped, Reason.ALREADY_SHIPPED)

no_feedback_yet = Condition("no feedback has been left", ~IsSet("feedback_left_at"), Reason.FEEDBACK_ALREADY_LEFT)
feedback_left = Condition("feedback has been left", IsSet("feedback_left_at"), Reason.NO_FEEDBACK)
replied = Condition("the supplier has replied to it", IsSet("feedback_replied_at"), Reason.AWAITING_REPLY)
not_replied = Condition("the supplier has not replied yet", ~IsSet("feedback_replied_at"), Reason.ALREADY_REPLIED)
not_revised = Condition("it has not been revised", ~IsSet("feedback_revised_at"), Reason.ALREADY_REVISED)

no_request_pending = Condition(
    "no cancellation request is pending", ~IsSet("cancellation_pending_since"), Reason.CANCELLATION_PENDING
)
request_pending = Condition(
    "a cancellation request is pending", IsSet("cancellation_pending_since"), Reason.NO_CANCELLATION_PENDING
)
no_dispute_open = Condition(
    "no dispute is open", ~IsSet("dispute_open_since") | OlderThan("dispute_lapses_at"), Reason.DISPUTE_OPEN
)
none_settled = Condition("no dispute was settled or resolved", ~IsSet("dispute_settled_at"), Reason.DISPUTE_SETTLED)
no_complaint_open = Condition("no complaint about it is open", ~IsSet("complaint_open_since"), Reason.COMPLAINT_OPEN)

dispute_open = Condition("the dispute is open", ~dispute.DISPUTE_CLOSED, Reason.CASE_CLOSED)
not_in_review = Condition("no agent has it for review", ~dispute.in_review, Reason.ALREADY_UNDER_REVIEW)
in_review = Condition("an agent has it for review", dispute.in_review, Reason.NOT_UNDER_REVIEW)
nothing_awaited = Condition("no evidence is awaited", dispute.under_review, Reason.NOT_UNDER_REVIEW)
your_turn = Condition("it is your turn", IsRole("waits_for"), Reason.NOT_YOUR_TURN)
proposal_made = Condition("a proposal is on the table", IsSet("proposed_at"), Reason.NO_PROPOSAL)
offer_possible = Condition(
    "what it offers is possible now", dispute.is_possible("offered", "offered_currency"), Reason.OFFER_NOT_POSSIBLE
)

complaint_open = Condition("the complaint is open", ~complaint.COMPLAINT_CLOSED, Reason.CASE_CLOSED)
not_taken_up = Condition("no agent has answered it", ~IsSet("answered_at"), Reason.ALREADY_UNDER_REVIEW)


def after_completion(days: int) -> Window:
    return Window("completed_at", "the order's completion", days)


def after_reply(days: int) -> Window:
    return Window("feedback_replied_at", "the supplier's reply", days)


_TA, _SP, _OFF = OrderKind.TRADE_ASSURANCE, OrderKind.SECURE_PAYMENT, OrderKind.OFFLINE
_left_and_answered = (feedback_left, replied, not_revised)
_for_an_answer = (request_pending, not_shipped, not_complete)
_O, _D = Subject.ORDER, Subject.DISPUTE
_C = Subject.COMPLAINT
_B, _S, _AG = (Role.BUYER,), (Role.SUPPLIER,), (Role.AGENT,)
_EVERYBODY = (*PARTIES, Role.AGENT)
_after_three_days = Window("opened_at", "the dispute's opening", opens_after=3)
_on_turn = (dispute_open, not_in_review, your_turn)

# fmt: off
RULES = (
    #    action                        subject role kind label          conditions          window                 source
    Rule(Action.LEAVE_FEEDBACK,        _O, _B, _TA, "Feedback",
         (not_cancelled, complete, no_feedback_yet),                    after_completion(60), "Feedback 1"),
    Rule(Action.LEAVE_FEEDBACK,        _O, _B, _SP, "Leave Feedback",
         (not_cancelled, complete, no_feedback_yet),                    after_completion(30), "Feedback 2"),
    Rule(Action.REVISE_FEEDBACK,       _O, _B, _TA, "Revise Feedback",  _left_and_answered, after_reply(30), "Feedback 1, 3"),
    Rule(Action.REVISE_FEEDBACK,       _O, _B, _SP, "Revise Feedback",  _left_and_answered, after_reply(90), "Feedback 2, 3"),
    Rule(Action.REPLY_TO_FEEDBACK,     _O, _S, _TA, "Reply",            (feedback_left, not_replied), None, "Feedback 1"),
    Rule(Action.REPLY_TO_FEEDBACK,     _O, _S, _SP, "Reply",            (feedback_left, not_replied), None, "Feedback 2"),
    Rule(Action.CANCEL_ORDER,          _O, _B, _TA, "Cancel Order",
         (not_cancelled, not_paid, no_payment_on_its_way, not_complete), None, "Disputes 1"),
    Rule(Action.REQUEST_CANCELLATION,  _O, _B, _SP, "Cancel Order Request",
         (not_cancelled, not_shipped, not_complete, no_request_pending), None, "Disputes 2"),
    Rule(Action.WITHDRAW_CANCELLATION, _O, _B, _SP, "Withdraw Request", _for_an_answer, None, "House: cancellation requests"),
    Rule(Action.ACCEPT_CANCELLATION,   _O, _S, _SP, "Accept",           _for_an_answer, None, "House: cancellation requests"),
    Rule(Action.DECLINE_CANCELLATION,  _O, _S, _SP, "Decline",          _for_an_answer, None, "House: cancellation requests"),
    Rule(Action.OPEN_DISPUTE,          _O, _B, _TA, "Open a dispute",
         (no_payment_on_its_way_unless_complete, paid_or_complete, no_dispute_open, none_settled), None, "Disputes 1"),
    Rule(Action.OPEN_DISPUTE,          _O, _B, _SP, "Open Dispute",
         (not_complete, shipped, no_dispute_open, none_settled),         None, "Disputes 2"),
    Rule(Action.FILE_COMPLAINT,        _O, _B, _OFF, "Offline Trade Dispute", (no_complaint_open,), None, "Disputes 3"),
    Rule(Action.PROPOSE_RESOLUTION,    _D, PARTIES, None, "Propose",      _on_turn, None, "House: disputes"),
    Rule(Action.ACCEPT_PROPOSAL,       _D, PARTIES, None, "Accept",       (*_on_turn, proposal_made, offer_possible), None, "House: disputes"),
    Rule(Action.REJECT_PROPOSAL,       _D, PARTIES, None, "Reject",       (*_on_turn, proposal_made), None, "House: disputes"),
    Rule(Action.POST_DISPUTE_MESSAGE,  _D, _EVERYBODY, None, "Write",      (dispute_open,), None, "House: disputes"),
    Rule(Action.ESCALATE_DISPUTE,      _D, PARTIES, None, "Escalate",     (dispute_open, not_in_review), _after_three_days, "House: disputes"),
    Rule(Action.WITHDRAW_DISPUTE,      _D, _B, None, "Withdraw Dispute",   (dispute_open,), None, "House: disputes"),
    Rule(Action.REQUEST_EVIDENCE,      _D, _AG, None, "Ask for evidence",  (dispute_open, nothing_awaited), None, "House: disputes"),
    Rule(Action.RESOLVE_DISPUTE,       _D, _AG, None, "Resolve",           (dispute_open, in_review), None, "House: disputes"),
    Rule(Action.POST_COMPLAINT_MESSAGE, _C, (Role.BUYER, Role.AGENT), None, "Write", (complaint_open,), None, "House: complaints"),
    Rule(Action.WITHDRAW_COMPLAINT,    _C, _B, None, "Withdraw Complaint", (complaint_open,), None, "House: complaints"),
    Rule(Action.TAKE_UP_COMPLAINT,     _C, _AG, None, "Take up",           (complaint_open, not_taken_up), None, "House: complaints"),
    Rule(Action.RESOLVE_COMPLAINT,     _C, _AG, None, "Resolve",           (complaint_open,), None, "House: complaints"),
    Rule(Action.REJECT_COMPLAINT,      _C, _AG, None, "Reject",            (complaint_open,), None, "House: complaints"),
)
# fmt: on

TABLE = {rule.key: rule for rule in RULES}
