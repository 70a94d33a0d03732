"""The named conditions that rules are made of. Each text completes the sentence "Allowed when …"."""

from models.enums import Reason
from resolvers.policy.complaint import COMPLAINT_CLOSED
from resolvers.policy.dispute import DISPUTE_CLOSED, IN_REVIEW, UNDER_REVIEW, within_claimable
from resolvers.policy.expression import EqualsViewerRole, IsSet, OlderThan
from resolvers.policy.rule import Condition

_paid, _shipped, _complete = IsSet("paid_at"), IsSet("shipped_at"), IsSet("completed_at")
_payment_processing = IsSet("payment_submitted_at") & ~_paid

not_cancelled = Condition("the order is not cancelled", ~IsSet("cancelled_at"), Reason.ALREADY_CANCELLED)
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
shipped = Condition("the order has shipped", _shipped, Reason.NOT_SHIPPED)
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
    "no dispute has been settled or resolved", ~IsSet("dispute_settled_at"), Reason.DISPUTE_SETTLED
)
no_complaint_open = Condition(
    "no complaint about the order is open", ~IsSet("complaint_open_since"), Reason.COMPLAINT_OPEN
)

dispute_open = Condition("the dispute is open", ~DISPUTE_CLOSED, Reason.CASE_CLOSED)
not_in_review = Condition("the dispute is not with an agent", ~IN_REVIEW, Reason.ALREADY_UNDER_REVIEW)
in_review = Condition("the dispute is with an agent", IN_REVIEW, Reason.NOT_UNDER_REVIEW)
no_evidence_awaited = Condition("the agent is not waiting for evidence", UNDER_REVIEW, Reason.NOT_UNDER_REVIEW)
your_turn = Condition("it is your turn", EqualsViewerRole("waits_for"), Reason.NOT_YOUR_TURN)
proposal_made = Condition("a proposal is waiting for an answer", IsSet("proposed_at"), Reason.NO_PROPOSAL)
offer_possible = Condition(
    "the offer is still possible", within_claimable("offered", "offered_currency"), Reason.OFFER_NOT_POSSIBLE
)

complaint_open = Condition("the complaint is open", ~COMPLAINT_CLOSED, Reason.CASE_CLOSED)
not_taken_up = Condition("no agent has answered the complaint", ~IsSet("answered_at"), Reason.ALREADY_UNDER_REVIEW)
