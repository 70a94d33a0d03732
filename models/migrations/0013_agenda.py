"""Agendas, and numbers and lists of what waits for somebody: an index for each, in the order of the end.

The indexes of orders are on expressions. The lists of orders ask for the plain columns: in the order of their list they
have other indexes, which the planner would not always choose over one of these.
"""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

from models import steps

PARTIES = ("buyer", "supplier")
ORDER_INDEXES = {
    "orders_rated_until": "(buyer_id, kind, (coalesce(completed_at, completed_at)), id) WHERE NOT (cancelled_at IS NOT NULL)"
    " AND coalesce(completed_at, completed_at) IS NOT NULL AND NOT (feedback_left_at IS NOT NULL)",
    "orders_revised_until": "(buyer_id, kind, (coalesce(feedback_replied_at, feedback_replied_at)), id)"
    " WHERE coalesce(feedback_replied_at, feedback_replied_at) IS NOT NULL AND NOT (feedback_revised_at IS NOT NULL)",
    "orders_answered_until": "(supplier_id, kind, (coalesce(feedback_left_at, feedback_left_at)), id)"
    " WHERE coalesce(feedback_left_at, feedback_left_at) IS NOT NULL AND NOT (feedback_replied_at IS NOT NULL)",
    "orders_pending_until": "(supplier_id, (coalesce(cancellation_pending_since, cancellation_pending_since)), id)"
    " WHERE coalesce(cancellation_pending_since, cancellation_pending_since) IS NOT NULL",
    "orders_pending": "(recorded_by_id)"
    " WHERE coalesce(cancellation_pending_since, cancellation_pending_since) IS NOT NULL",
}
WITH_CASE = (
    "coalesce(dispute_open_since, return_open_since, complaint_open_since, cancellation_pending_since) IS NOT NULL"
)
CASE_INDEXES = {
    "orders_with_case": f"(placed_at, id) WHERE {WITH_CASE}",
    **{f"orders_with_case_of_{party}": f"({party}_id, placed_at, id) WHERE {WITH_CASE}" for party in PARTIES},
}
NOT_CLOSED = "NOT (closed_at IS NOT NULL)"
NOT_ENDED = " AND ".join(f"NOT (return_{end}_at IS NOT NULL)" for end in ("received", "refused", "waived", "expired"))
DECIDED = "closed_as IS NOT NULL AND NOT (reopened_at IS NOT NULL) AND NOT (paid_back_at IS NOT NULL)"
ADDRESSED, SENT_BACK = "return_addressed_at IS NOT NULL", "return_shipped_at IS NOT NULL"
DISPUTE_INDEXES = {
    "disputes_waiting": "(waits_for, due_at, id) WHERE waits_for IS NOT NULL",
    "disputes_to_address": "(supplier_id, due_at, id)"
    f" WHERE return_began_at IS NOT NULL AND {NOT_ENDED} AND NOT ({ADDRESSED}) AND NOT ({SENT_BACK})",
    "disputes_to_send_back": f"(buyer_id, due_at, id) WHERE {ADDRESSED} AND {NOT_ENDED} AND NOT ({SENT_BACK})",
    "disputes_sent_back": f"(supplier_id, due_at, id) WHERE {SENT_BACK} AND {NOT_ENDED}",
    **{
        name.format(party): f"({party}_id, {definition}"
        for party in PARTIES
        for name, definition in {
            "disputes_waiting_of_{}": f"waits_for, opened_at, id) WHERE {NOT_CLOSED}",
            "disputes_waiting_of_{}_by_due": "waits_for, due_at, id) WHERE waits_for IS NOT NULL",
            "disputes_evidence_of_{}": f"waits_for, due_at, id) WHERE {NOT_CLOSED} AND evidence_asked_at IS NOT NULL",
            "disputes_decided_of_{}": f"closed_as, closed_at, id) WHERE {DECIDED}",
        }.items()
    },
}
COMPLAINT_INDEXES = {
    "complaints_waiting": f"(waits_for, opened_at, id) WHERE {NOT_CLOSED}",
    "complaints_waiting_of_complainant": f"(complainant_id, waits_for, opened_at, id) WHERE {NOT_CLOSED}",
    "complaints_to_answer": f"(opened_at, id) WHERE {NOT_CLOSED} AND NOT (answered_at IS NOT NULL)",
}


class Migration(migrations.Migration):
    dependencies = [("models", "0012_pictures")]

    initial = False

    operations = [
        ops.AddField("Account", "calendar_resets", fields.IntField(default=0, db_default=0)),
        *(steps.CreateIndex(name, "orders", definition) for name, definition in (ORDER_INDEXES | CASE_INDEXES).items()),
        *(steps.CreateIndex(name, "disputes", definition) for name, definition in DISPUTE_INDEXES.items()),
        *(steps.CreateIndex(name, "complaints", definition) for name, definition in COMPLAINT_INDEXES.items()),
    ]
