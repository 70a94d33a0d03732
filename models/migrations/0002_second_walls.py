"""What the models declare and creating a table leaves out, and what only SQL can say."""

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint
from tortoise.migrations.schema_editor import BaseSchemaEditor
from tortoise.migrations.schema_generator.state_apps import StateApps

from models import steps
from models.enums import CaseKind


async def make_case_numbers(_apps: StateApps, editor: BaseSchemaEditor) -> None:
    """A sequence per kind of case on PostgreSQL; on SQLite, which has one writer anyway, a counter."""
    if editor.DIALECT == "postgres":
        for kind in CaseKind:
            await editor.client.execute_query(f"CREATE SEQUENCE case_numbers_{kind.lower()}")
    else:
        await editor.client.execute_query(
            "CREATE TABLE case_numbers (kind VARCHAR(16) NOT NULL PRIMARY KEY, n BIGINT NOT NULL)"
        )


async def make_search_index(_apps: StateApps, editor: BaseSchemaEditor) -> None:
    """Trigrams, where PostgreSQL has them to give: searching works without, only slower."""
    if editor.DIALECT != "postgres":
        return
    offered = await editor.client.execute_query_dict(
        "SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'"
        " AND (SELECT has_database_privilege(current_database(), 'CREATE'))"
    )
    if offered:
        await editor.client.execute_query("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        await editor.client.execute_query("CREATE INDEX orders_search ON orders USING gin (search gin_trgm_ops)")


# What the models cannot declare: unique and partial indexes as second walls, and whatever one dialect alone has.
BY_HAND = [
    *(
        steps.CreateIndex(name, table, "(order_id) WHERE closed_at IS NULL", unique=True)
        for name, table in (
            ("cancellations_one_pending", "cancellations"),
            ("disputes_one_open", "disputes"),
            ("complaints_one_open", "complaints"),
        )
    ),
    steps.CreateIndex("events_of_case", "events", "(case_id, at, id) WHERE case_id IS NOT NULL"),
    *(
        steps.CreateIndex(f"feedback_of_{owner}", "orders", f"({columns}) WHERE feedback_left_at IS NOT NULL")
        for owner, columns in (
            ("buyer", "buyer_id, feedback_left_at, id"),
            ("supplier", "supplier_id, feedback_left_at, id"),
            ("service", "recorded_by_id, feedback_left_at, id"),
            ("all", "feedback_left_at, id"),
        )
    ),
    ops.RunPython(make_case_numbers),
    ops.RunPython(make_search_index),
]


class Migration(migrations.Migration):
    dependencies = [("models", "0001_initial")]

    operations = [
        ops.AddConstraint(
            model_name="Account",
            constraint=CheckConstraint(
                check="role IN ('AGENT', 'BUYER', 'SERVICE', 'SUPPLIER')", name="accounts_role_known"
            ),
        ),
        ops.AddConstraint(
            model_name="Message",
            constraint=CheckConstraint(
                check="case_kind IN ('CANCELLATION', 'COMPLAINT', 'DISPUTE')", name="messages_case_kind_known"
            ),
        ),
        ops.AddConstraint(
            model_name="Order",
            constraint=CheckConstraint(
                check="kind IN ('OFFLINE', 'SECURE_PAYMENT', 'TRADE_ASSURANCE')", name="orders_kind_known"
            ),
        ),
        ops.AddConstraint(
            model_name="Order", constraint=CheckConstraint(check="total > 0", name="orders_total_positive")
        ),
        ops.AddConstraint(
            model_name="Order",
            constraint=CheckConstraint(
                check="amount_paid >= 0 AND amount_paid <= total", name="orders_paid_within_total"
            ),
        ),
        ops.AddConstraint(
            model_name="Order",
            constraint=CheckConstraint(check="(paid_at IS NULL) = (amount_paid = 0)", name="orders_paid_when_paid"),
        ),
        ops.AddConstraint(
            model_name="Order",
            constraint=CheckConstraint(
                check="feedback_replied_at IS NULL OR feedback_left_at IS NOT NULL", name="orders_reply_to_feedback"
            ),
        ),
        ops.AddConstraint(
            model_name="Order",
            constraint=CheckConstraint(
                check="feedback_revised_at IS NULL OR feedback_replied_at IS NOT NULL",
                name="orders_revision_after_reply",
            ),
        ),
        ops.AddConstraint(
            model_name="Cancellation",
            constraint=CheckConstraint(
                check="reason IN ('FOUND_BETTER_PRICE', 'NO_LONGER_NEEDED', 'ORDERED_BY_MISTAKE', 'OTHER', 'SUPPLIER_ASKED', 'TERMS_CHANGED')",
                name="cancellations_reason_known",
            ),
        ),
        ops.AddConstraint(
            model_name="Cancellation",
            constraint=CheckConstraint(
                check="closed_as IN ('ACCEPTED', 'CANCELLED', 'DECLINED', 'SUPERSEDED', 'WITHDRAWN')",
                name="cancellations_closed_as_known",
            ),
        ),
        ops.AddConstraint(
            model_name="Cancellation",
            constraint=CheckConstraint(
                check="(closed_at IS NULL) = (closed_as IS NULL)", name="cancellations_closed_somehow"
            ),
        ),
        ops.AddConstraint(
            model_name="Complaint",
            constraint=CheckConstraint(
                check="kind IN ('GOODS_NOT_RECEIVED', 'NOT_AS_AGREED', 'OTHER')", name="complaints_kind_known"
            ),
        ),
        ops.AddConstraint(
            model_name="Complaint",
            constraint=CheckConstraint(
                check="closed_as IN ('REJECTED', 'RESOLVED', 'WITHDRAWN')", name="complaints_closed_as_known"
            ),
        ),
        ops.AddConstraint(
            model_name="Complaint",
            constraint=CheckConstraint(
                check="(closed_at IS NULL) = (closed_as IS NULL)", name="complaints_closed_somehow"
            ),
        ),
        ops.AddConstraint(
            model_name="Complaint", constraint=CheckConstraint(check="amount > 0", name="complaints_amount_positive")
        ),
        ops.AddConstraint(
            model_name="Complaint",
            constraint=CheckConstraint(
                check="(amount IS NULL) = (amount_currency IS NULL)", name="complaints_amount_with_currency"
            ),
        ),
        ops.AddConstraint(
            model_name="Complaint",
            constraint=CheckConstraint(
                check="waits_for IN ('AGENT', 'BUYER', 'SERVICE', 'SUPPLIER')", name="complaints_waits_for_known"
            ),
        ),
        ops.AddConstraint(
            model_name="Complaint",
            constraint=CheckConstraint(
                check="outcome_resolution IN ('NO_REFUND', 'PARTIAL_REFUND', 'REFUND', 'REPLACEMENT', 'RETURN_AND_REFUND')",
                name="complaints_outcome_resolution_known",
            ),
        ),
        ops.AddConstraint(
            model_name="Complaint",
            constraint=CheckConstraint(
                check="(closed_at IS NULL) = (waits_for IS NOT NULL)", name="complaints_waits_while_open"
            ),
        ),
        ops.AddConstraint(
            model_name="Complaint",
            constraint=CheckConstraint(
                check="(outcome_resolution IS NULL) = (outcome_by_id IS NULL)", name="complaints_outcome_by_somebody"
            ),
        ),
        ops.AddConstraint(
            model_name="Complaint",
            constraint=CheckConstraint(
                check="order_id IS NOT NULL OR respondent_email IS NOT NULL OR respondent_member_id IS NOT NULL OR respondent_url IS NOT NULL",
                name="complaints_about_somebody",
            ),
        ),
        ops.AddConstraint(
            model_name="Complaint",
            constraint=CheckConstraint(
                check="contact_email IS NOT NULL OR contact_phone IS NOT NULL", name="complaints_contact"
            ),
        ),
        ops.AddConstraint(
            model_name="Dispute",
            constraint=CheckConstraint(
                check="reason IN ('COUNTERFEIT', 'DAMAGED', 'DEFECTIVE', 'LATE', 'MISSING_PARTS', 'NOT_AS_DESCRIBED', 'NOT_RECEIVED', 'OTHER', 'QUANTITY_SHORTAGE', 'WRONG_ITEM')",
                name="disputes_reason_known",
            ),
        ),
        ops.AddConstraint(
            model_name="Dispute",
            constraint=CheckConstraint(
                check="wanted IN ('NO_REFUND', 'PARTIAL_REFUND', 'REFUND', 'REPLACEMENT', 'RETURN_AND_REFUND')",
                name="disputes_wanted_known",
            ),
        ),
        ops.AddConstraint(
            model_name="Dispute",
            constraint=CheckConstraint(
                check="closed_as IN ('LAPSED', 'RESOLVED', 'SETTLED', 'WITHDRAWN')", name="disputes_closed_as_known"
            ),
        ),
        ops.AddConstraint(
            model_name="Dispute",
            constraint=CheckConstraint(
                check="(closed_at IS NULL) = (closed_as IS NULL)", name="disputes_closed_somehow"
            ),
        ),
        ops.AddConstraint(
            model_name="Dispute", constraint=CheckConstraint(check="claim > 0", name="disputes_claim_positive")
        ),
        ops.AddConstraint(
            model_name="Dispute",
            constraint=CheckConstraint(
                check="waits_for IN ('AGENT', 'BUYER', 'SERVICE', 'SUPPLIER')", name="disputes_waits_for_known"
            ),
        ),
        ops.AddConstraint(
            model_name="Dispute",
            constraint=CheckConstraint(
                check="outcome_resolution IN ('NO_REFUND', 'PARTIAL_REFUND', 'REFUND', 'REPLACEMENT', 'RETURN_AND_REFUND')",
                name="disputes_outcome_resolution_known",
            ),
        ),
        ops.AddConstraint(
            model_name="Dispute",
            constraint=CheckConstraint(
                check="(closed_at IS NULL) = (waits_for IS NOT NULL)", name="disputes_waits_while_open"
            ),
        ),
        ops.AddConstraint(
            model_name="Dispute",
            constraint=CheckConstraint(
                check="(outcome_resolution IS NULL) = (outcome_by_id IS NULL)", name="disputes_outcome_by_somebody"
            ),
        ),
        ops.AddConstraint(
            model_name="Event",
            constraint=CheckConstraint(
                check="case_kind IN ('CANCELLATION', 'COMPLAINT', 'DISPUTE')", name="events_case_kind_known"
            ),
        ),
        ops.AddConstraint(
            model_name="Event",
            constraint=CheckConstraint(
                check="action IN ('ACCEPT_CANCELLATION', 'ACCEPT_PROPOSAL', 'CANCEL_ORDER', 'DECLINE_CANCELLATION', 'ESCALATE_DISPUTE', 'FILE_COMPLAINT', 'LEAVE_FEEDBACK', 'OPEN_DISPUTE', 'POST_COMPLAINT_MESSAGE', 'POST_DISPUTE_MESSAGE', 'PROPOSE_RESOLUTION', 'REJECT_COMPLAINT', 'REJECT_PROPOSAL', 'REPLY_TO_FEEDBACK', 'REQUEST_CANCELLATION', 'REQUEST_EVIDENCE', 'RESOLVE_COMPLAINT', 'RESOLVE_DISPUTE', 'REVISE_FEEDBACK', 'TAKE_UP_COMPLAINT', 'WITHDRAW_CANCELLATION', 'WITHDRAW_COMPLAINT', 'WITHDRAW_DISPUTE')",
                name="events_action_known",
            ),
        ),
        ops.AddConstraint(
            model_name="Event",
            constraint=CheckConstraint(check="(case_kind IS NULL) = (case_id IS NULL)", name="events_case_named"),
        ),
        ops.AddConstraint(
            model_name="Event",
            constraint=CheckConstraint(
                check="order_id IS NOT NULL OR case_id IS NOT NULL", name="events_about_something"
            ),
        ),
        ops.AddConstraint(
            model_name="Feedback",
            constraint=CheckConstraint(check="overall BETWEEN 1 AND 5", name="feedback_overall_range"),
        ),
        ops.AddConstraint(
            model_name="Feedback",
            constraint=CheckConstraint(
                check="product_as_agreed BETWEEN 1 AND 5", name="feedback_product_as_agreed_range"
            ),
        ),
        ops.AddConstraint(
            model_name="Feedback",
            constraint=CheckConstraint(check="communication BETWEEN 1 AND 5", name="feedback_communication_range"),
        ),
        ops.AddConstraint(
            model_name="Feedback",
            constraint=CheckConstraint(check="shipping_time BETWEEN 1 AND 5", name="feedback_shipping_time_range"),
        ),
        ops.AddConstraint(
            model_name="Feedback",
            constraint=CheckConstraint(
                check="(overall IS NULL) = (product_as_agreed IS NOT NULL) AND (product_as_agreed IS NULL) = (communication IS NULL) AND (product_as_agreed IS NULL) = (shipping_time IS NULL)",
                name="feedback_one_form",
            ),
        ),
        ops.AddConstraint(
            model_name="Proposal",
            constraint=CheckConstraint(
                check="resolution IN ('NO_REFUND', 'PARTIAL_REFUND', 'REFUND', 'REPLACEMENT', 'RETURN_AND_REFUND')",
                name="proposals_resolution_known",
            ),
        ),
        ops.AddConstraint(
            model_name="Proposal", constraint=CheckConstraint(check="amount > 0", name="proposals_amount_positive")
        ),
        ops.AddConstraint(
            model_name="Proposal",
            constraint=CheckConstraint(
                check="(amount IS NULL) = (currency IS NULL)", name="proposals_amount_with_currency"
            ),
        ),
        *BY_HAND,
    ]
