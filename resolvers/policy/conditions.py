"""The named conditions that rules are made of. Each text completes the sentence "Allowed when …"."""

from models.enums import Reason
from resolvers.policy.complaint import COMPLAINT_CLOSED
from resolvers.policy.dispute import (
    DECIDED,
    DISPUTE_CLOSED,
    HAS_RETURN,
    IN_REVIEW,
    RETURN_RUNNING,
    UNDER_REVIEW,
    within_claimable,
)
from resolvers.policy.expression import EqualsViewerRole, IsSet, OlderThan
from resolvers.policy.order import CANCELLATION_ANSWER_WITHIN, REPLACEMENT_WITHIN
from resolvers.policy.rule import Condition

_paid, _shipped, _complete = IsSet("paid_at"), IsSet("shipped_at"), IsSet("completed_at")
_cancelled = IsSet("cancelled_at")
_payment_processing = IsSet("payment_submitted_at") & ~_paid

not_cancelled = Condition("the order is not cancelled", ~_cancelled, Reason.ALREADY_CANCELLED)
complete = Condition("the order is complete", _complete, Reason.NOT_COMPLETED)
not_complete = Condition("the order is not complete", ~_complete, Reason.ALREADY_COMPLETED)
not_paid = Condition("the order is not paid", ~_paid, Reason.ALREADY_PAID)
paid_or_complete = Condition("the order is paid or complete", _paid | _complete, Reason.NOT_PAID)
no_payment_processing = Condition("no payment is being processed", ~_payment_processing, Reason.PAYMENT_PROCESSING)
no_payment_processing_unless_complete = Condition(
    "no payment is being processed, unless the order is complete",
    ~_payment_processing | _complete,
    Reason.PAYMENT_PROCESSING,
)
_late = _paid & OlderThan("ship_by")
_not_cancelled_on_request = ~_cancelled & (
    IsSet("cancellation_declined_at") | OlderThan("cancellation_pending_since", CANCELLATION_ANSWER_WITHIN)
)
shipped_late_or_not_cancelled = Condition(
    "the order has shipped, or is paid and past its shipping date, or the supplier declined to cancel it or did not "
    "answer within 5 days, or it was paid and then cancelled",
    _shipped | _late | _not_cancelled_on_request | (_paid & _cancelled),
    Reason.NOT_SHIPPED,
)
not_shipped = Condition("the order has not shipped", ~_shipped, Reason.ALREADY_SHIPPED)

no_feedback = Condition("no feedback has been left", ~IsSet("feedback_left_at"), Reason.FEEDBACK_ALREADY_LEFT)
feedback_left = Condition("feedback has been left", IsSet("feedback_left_at"), Reason.NO_FEEDBACK)
replied = Condition("the supplier has replied", IsSet("feedback_replied_at"), Reason.AWAITING_REPLY)
not_replied = Condition("the supplier has not replied", ~IsSet("feedback_replied_at"), Reason.ALREADY_REPLIED)
not_revised = Condition("the feedback has not been revised", ~IsSet("feedback_revised_at"), Reason.ALREADY_REVISED)

no_request_pending = Condition(
    "no cancellation request is pending", ~IsSet("cancellation_pending_since"), Reason.CANCELLATION_PENDING
)
request_pending = Condition(
    "a cancellation request is pending", IsSet("cancellation_pending_since"), Reason.NO_CANCELLATION_PENDING
)
no_dispute_open = Condition(
    "no dispute is open", ~IsSet("dispute_open_since") | OlderThan("dispute_lapses_at"), Reason.DISPUTE_OPEN
)
no_dispute_settled = Condition(
    "no dispute has been settled or resolved, unless with a replacement more than 30 days ago",
    ~IsSet("dispute_settled_at") | OlderThan("replacement_agreed_at", REPLACEMENT_WITHIN),
    Reason.DISPUTE_SETTLED,
)
refund_overdue = Condition("a refund is overdue", OlderThan("refund_due_at"), Reason.NO_REFUND_OVERDUE)
not_reported = Condition(
    "an overdue refund was not reported in the last 10 days",
    OlderThan("refund_reportable_at"),
    Reason.ALREADY_REPORTED,
)
no_complaint_open = Condition(
    "no complaint about the order is open", ~IsSet("complaint_open_since"), Reason.COMPLAINT_OPEN
)

dispute_open = Condition("the dispute is open", ~DISPUTE_CLOSED, Reason.CASE_CLOSED)
not_in_review = Condition("the dispute is not with an agent", ~IN_REVIEW, Reason.ALREADY_UNDER_REVIEW)
in_review = Condition("the dispute is with an agent", IN_REVIEW, Reason.NOT_UNDER_REVIEW)
no_evidence_awaited = Condition(
    "the dispute is with an agent, who is not waiting for evidence", UNDER_REVIEW, Reason.NOT_UNDER_REVIEW
)
your_turn = Condition("it is your turn", EqualsViewerRole("waits_for"), Reason.NOT_YOUR_TURN)
proposal_made = Condition("a proposal is waiting for an answer", IsSet("proposed_at"), Reason.NO_PROPOSAL)
offer_possible = Condition(
    "the offer is at most what can be claimed now",
    within_claimable("offered", "offered_currency"),
    Reason.OFFER_NOT_POSSIBLE,
)

claim_possible = Condition(
    "the claim is at most what can be claimed now", within_claimable("claim", "currency"), Reason.OFFER_NOT_POSSIBLE
)
not_answered = Condition("the supplier has not answered", ~IsSet("answered_at"), Reason.ALREADY_ANSWERED)
decided = Condition("an agent decided the dispute", DECIDED, Reason.NOT_DECIDED)
not_appealed = Condition(
    "the dispute was not reopened before, by an appeal or a refused return",
    ~IsSet("reopened_at"),
    Reason.ALREADY_APPEALED,
)
nothing_paid_back = Condition("no refund for it was sent or has arrived", ~IsSet("paid_back_at"), Reason.REFUND_PAID)
not_sent_back = Condition("the goods were not sent back", ~IsSet("return_shipped_at"), Reason.RETURN_SHIPPED)
sent_back = Condition("the goods were sent back", IsSet("return_shipped_at"), Reason.RETURN_NOT_SHIPPED)
goods_to_return = Condition("goods are to be sent back", HAS_RETURN, Reason.NO_RETURN)
return_running = Condition("the return is not over", RETURN_RUNNING, Reason.RETURN_CLOSED)
no_address_given = Condition("no return address was given", ~IsSet("return_addressed_at"), Reason.RETURN_ADDRESS_GIVEN)
address_given = Condition("a return address was given", IsSet("return_addressed_at"), Reason.NO_RETURN_ADDRESS)

complaint_open = Condition("the complaint is open", ~COMPLAINT_CLOSED, Reason.CASE_CLOSED)
not_taken_up = Condition("no agent has answered the complaint", ~IsSet("answered_at"), Reason.ALREADY_UNDER_REVIEW)
