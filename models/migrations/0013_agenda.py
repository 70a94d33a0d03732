"""Agendas, and numbers and lists of what waits for somebody: an index for each, in the order of the end.

The indexes of orders are on an expression. The lists of orders compare the plain columns with the time: in the order of
their list they have other indexes, which the planner would not always choose over one by that column.
"""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

from models import steps

ORDER_INDEXES = {
    "orders_rated_until": "(buyer_id, kind, (coalesce(completed_at, completed_at)), id)"
    " WHERE NOT (cancelled_at IS NOT NULL) AND completed_at IS NOT NULL AND NOT (feedback_left_at IS NOT NULL)",
    "orders_revised_until": "(buyer_id, kind, (coalesce(feedback_replied_at, feedback_replied_at)), id)"
    " WHERE feedback_replied_at IS NOT NULL AND NOT (feedback_revised_at IS NOT NULL)",
    "orders_answered_until": "(supplier_id, kind, (coalesce(feedback_left_at, feedback_left_at)), id)"
    " WHERE feedback_left_at IS NOT NULL AND NOT (feedback_replied_at IS NOT NULL)",
    "orders_pending_until": "(supplier_id, (coalesce(cancellation_pending_since, cancellation_pending_since)), id)"
    " WHERE cancellation_pending_since IS NOT NULL",
    "orders_pending": "(recorded_by_id) WHERE cancellation_pending_since IS NOT NULL",
}
NOT_CLOSED = "NOT (closed_at IS NOT NULL)"
RETURN_NOT_ENDED = "return_began_at IS NOT NULL AND NOT (return_received_at IS NOT NULL)" + "".join(
    f" AND NOT (return_{end}_at IS NOT NULL)" for end in ("refused", "waived", "expired")
)
DECIDED = "closed_as IS NOT NULL AND NOT (reopened_at IS NOT NULL) AND NOT (paid_back_at IS NOT NULL)"
DISPUTE_INDEXES = {
    "disputes_waiting": f"(waits_for, due_at, id) WHERE {NOT_CLOSED}",
    **{
        name: definition
        for party in ("buyer", "supplier")
        for name, definition in {
            f"disputes_waiting_of_{party}": f"({party}_id, waits_for, due_at, id) WHERE {NOT_CLOSED}",
            f"disputes_returning_of_{party}": f"({party}_id, due_at, id) WHERE {RETURN_NOT_ENDED}",
            f"disputes_decided_of_{party}": f"({party}_id, closed_as, closed_at, id) WHERE {DECIDED}",
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
        *(steps.CreateIndex(name, "orders", definition) for name, definition in ORDER_INDEXES.items()),
        *(steps.CreateIndex(name, "disputes", definition) for name, definition in DISPUTE_INDEXES.items()),
        *(steps.CreateIndex(name, "complaints", definition) for name, definition in COMPLAINT_INDEXES.items()),
    ]
