"""Recourse to its end: refunds, returns, appeals, the lines of disputes, and when an order ships and arrives."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint

from models import steps
from models.enums import CaseKind, RefundStatus, ResolutionKind
from models.keys import new_id


class Migration(migrations.Migration):
    dependencies = [("models", "0009_records")]

    operations = [
        ops.CreateModel(
            name="Refund",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id)),
                (
                    "order",
                    fields.ForeignKeyField(
                        "models.Order",
                        source_field="order_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "buyer",
                    fields.ForeignKeyField(
                        "models.Account",
                        source_field="buyer_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "supplier",
                    fields.ForeignKeyField(
                        "models.Account",
                        source_field="supplier_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "recorded_by",
                    fields.ForeignKeyField(
                        "models.Account",
                        source_field="recorded_by_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "case_kind",
                    fields.CharEnumField(
                        null=True, description="kind of the case that owes it", enum_type=CaseKind, max_length=16
                    ),
                ),
                ("case_id", fields.UUIDField(null=True)),
                ("currency", fields.CharField(max_length=3)),
                ("amount", fields.BigIntField()),
                ("outstanding", fields.BigIntField(null=True)),
                ("status", fields.CharEnumField(description="status", enum_type=RefundStatus, max_length=16)),
                ("since", fields.DatetimeField()),
                ("owed_since", fields.DatetimeField(null=True)),
                ("due_at", fields.DatetimeField()),
                ("hidden_until", fields.DatetimeField(null=True)),
                ("reference", fields.CharField(null=True, max_length=100)),
                ("recorded_at", fields.DatetimeField(null=True, description="of the newest record of the reference")),
                (
                    "recorded_nanoseconds",
                    fields.SmallIntField(
                        default=0, description="what recorded_at has beyond its microseconds, 0 to 999", db_default=0
                    ),
                ),
                ("settled_at", fields.DatetimeField(null=True)),
                ("reported_missing_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "refunds",
                "app": "models",
                "constraints": [
                    CheckConstraint(
                        check="status IN ('DUE', 'FAILED', 'SENT', 'SUCCEEDED', 'VOID')", name="refunds_status_known"
                    ),
                    CheckConstraint(check="case_kind IN ('CANCELLATION', 'DISPUTE')", name="refunds_case_kind_known"),
                    CheckConstraint(check="(case_kind IS NULL) = (case_id IS NULL)", name="refunds_case_named"),
                    CheckConstraint(check="amount > 0", name="refunds_amount_positive"),
                    CheckConstraint(
                        check="outstanding > 0 AND outstanding <= amount", name="refunds_outstanding_within_amount"
                    ),
                    CheckConstraint(
                        check="outstanding IS NULL OR status NOT IN ('SUCCEEDED', 'VOID')",
                        name="refunds_outstanding_until_ended",
                    ),
                    CheckConstraint(
                        check="(reference IS NULL) = (recorded_at IS NULL)", name="refunds_reference_dated"
                    ),
                    CheckConstraint(check="reference IS NOT NULL OR case_id IS NOT NULL", name="refunds_told_or_owed"),
                    CheckConstraint(
                        check="(settled_at IS NOT NULL) = (status = 'SUCCEEDED')", name="refunds_settled_when_arrived"
                    ),
                ],
                "indexes": [
                    Index(fields=["order_id", "since", "id"], name="refunds_of_order"),
                    Index(fields=["case_id", "since", "id"], name="refunds_of_case"),
                    Index(fields=["buyer_id", "since", "id"], name="refunds_of_buyer"),
                    Index(fields=["supplier_id", "since", "id"], name="refunds_of_supplier"),
                    Index(fields=["recorded_by_id", "since", "id"], name="refunds_of_service"),
                    Index(fields=["since", "id"], name="refunds_of_all"),
                    Index(fields=["buyer_id", "due_at", "id"], name="refunds_of_buyer_by_due"),
                    Index(fields=["supplier_id", "due_at", "id"], name="refunds_of_supplier_by_due"),
                    Index(fields=["recorded_by_id", "due_at", "id"], name="refunds_of_service_by_due"),
                    Index(fields=["due_at", "id"], name="refunds_by_due"),
                    Index(fields=["buyer_id", "status", "since", "id"], name="refunds_of_buyer_by_status"),
                    Index(fields=["supplier_id", "status", "since", "id"], name="refunds_of_supplier_by_status"),
                    Index(fields=["recorded_by_id", "status", "since", "id"], name="refunds_of_service_by_status"),
                    Index(fields=["status", "since", "id"], name="refunds_by_status"),
                    Index(fields=["buyer_id", "status", "due_at", "id"], name="refunds_due_of_buyer_by_status"),
                    Index(fields=["supplier_id", "status", "due_at", "id"], name="refunds_due_of_supplier_by_status"),
                    Index(fields=["recorded_by_id", "status", "due_at", "id"], name="refunds_due_of_service_by_status"),
                    Index(fields=["status", "due_at", "id"], name="refunds_due_by_status"),
                ],
                "table_description": "Money that goes back to the buyer of an order: owed by a case, or told by the order system, or both.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Reopening",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=new_id)),
                (
                    "dispute",
                    fields.ForeignKeyField(
                        "models.Dispute",
                        source_field="dispute_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "by",
                    fields.ForeignKeyField(
                        "models.Account",
                        source_field="by_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("at", fields.DatetimeField()),
                ("text", fields.TextField(null=True)),
                (
                    "outcome_resolution",
                    fields.CharEnumField(description="outcome", enum_type=ResolutionKind, max_length=32),
                ),
                ("outcome_amount", fields.BigIntField(null=True)),
                ("outcome_currency", fields.CharField(null=True, max_length=3)),
                (
                    "outcome_by",
                    fields.ForeignKeyField(
                        "models.Account",
                        source_field="outcome_by_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("outcome_note", fields.TextField(null=True)),
                ("closed_at", fields.DatetimeField(description="when the outcome was agreed or decided")),
                ("facts", fields.JSONField()),
            ],
            options={
                "table": "reopenings",
                "app": "models",
                "constraints": [
                    CheckConstraint(
                        check="outcome_resolution IN ('NO_REFUND', 'PARTIAL_REFUND', 'REFUND', 'REPLACEMENT', 'RETURN_AND_REFUND')",
                        name="reopenings_outcome_resolution_known",
                    )
                ],
                "indexes": [Index(fields=["dispute_id", "at", "id"], name="reopenings_of_dispute")],
                "table_description": "An appeal, or a refused return: it opened a dispute again. What stood until then is kept here.",
            },
            bases=["Model"],
        ),
        ops.RemoveConstraint("Dispute", name="disputes_reason_known"),
        ops.AddField(
            "Dispute",
            "answered_at",
            fields.DatetimeField(null=True, description="when the supplier first rejected or proposed"),
        ),
        ops.AddField("Dispute", "lines", fields.JSONField(null=True)),
        ops.AddField("Dispute", "paid_back_at", fields.DatetimeField(null=True)),
        ops.AddField("Dispute", "reopened_at", fields.DatetimeField(null=True)),
        ops.AddField("Dispute", "return_address", fields.TextField(null=True)),
        ops.AddField("Dispute", "return_addressed_at", fields.DatetimeField(null=True)),
        ops.AddField("Dispute", "return_began_at", fields.DatetimeField(null=True)),
        ops.AddField("Dispute", "return_carrier", fields.TextField(null=True)),
        ops.AddField("Dispute", "return_expired_at", fields.DatetimeField(null=True)),
        ops.AddField("Dispute", "return_note", fields.TextField(null=True)),
        ops.AddField("Dispute", "return_received_at", fields.DatetimeField(null=True)),
        ops.AddField("Dispute", "return_refused_at", fields.DatetimeField(null=True)),
        ops.AddField("Dispute", "return_shipped_at", fields.DatetimeField(null=True)),
        ops.AddField("Dispute", "return_tracking_number", fields.TextField(null=True)),
        ops.AddField("Dispute", "return_waived_at", fields.DatetimeField(null=True)),
        ops.AddConstraint(
            "Dispute",
            CheckConstraint(
                check="reason IN ('COUNTERFEIT', 'DAMAGED', 'DEFECTIVE', 'LATE', 'MISSING_PARTS', 'NOT_AS_DESCRIBED', 'NOT_RECEIVED', 'NOT_SHIPPED', 'OTHER', 'QUANTITY_SHORTAGE', 'REFUND_NOT_RECEIVED', 'WRONG_ITEM')",
                name="disputes_reason_known",
            ),
        ),
        ops.RemoveConstraint("Event", name="events_action_known"),
        ops.AddField("Event", "refund_id", fields.UUIDField(null=True)),
        ops.AddField(
            "Event",
            "refund_status",
            fields.CharEnumField(
                null=True, description="what was told about a refund", enum_type=RefundStatus, max_length=16
            ),
        ),
        ops.AddConstraint(
            "Event",
            CheckConstraint(
                check="action IN ('ACCEPT_CANCELLATION', 'ACCEPT_PROPOSAL', 'APPEAL_DECISION', 'CANCEL_ORDER', 'CONCEDE_DISPUTE', 'CONFIRM_RETURN_RECEIVED', 'CONFIRM_RETURN_SHIPPED', 'DECLINE_CANCELLATION', 'ESCALATE_DISPUTE', 'FILE_COMPLAINT', 'LEAVE_FEEDBACK', 'OPEN_DISPUTE', 'POST_COMPLAINT_MESSAGE', 'POST_DISPUTE_MESSAGE', 'PROPOSE_RESOLUTION', 'PROVIDE_RETURN_ADDRESS', 'REFUSE_RETURN', 'REJECT_COMPLAINT', 'REJECT_PROPOSAL', 'REPLY_TO_FEEDBACK', 'REPORT_MISSING_REFUND', 'REQUEST_CANCELLATION', 'REQUEST_EVIDENCE', 'RESOLVE_COMPLAINT', 'RESOLVE_DISPUTE', 'REVISE_CLAIM', 'REVISE_FEEDBACK', 'TAKE_UP_COMPLAINT', 'WITHDRAW_CANCELLATION', 'WITHDRAW_COMPLAINT', 'WITHDRAW_DISPUTE')",
                name="events_action_known",
            ),
        ),
        ops.AddConstraint(
            "Event",
            CheckConstraint(
                check="refund_status IN ('DUE', 'FAILED', 'SENT', 'SUCCEEDED', 'VOID')",
                name="events_refund_status_known",
            ),
        ),
        ops.AddConstraint(
            "Event",
            CheckConstraint(check="(refund_id IS NULL) = (refund_status IS NULL)", name="events_refund_named"),
        ),
        ops.RemoveConstraint("IdempotencyKey", name="idempotency_keys_action_known"),
        ops.AddConstraint(
            "IdempotencyKey",
            CheckConstraint(
                check="action IN ('ACCEPT_CANCELLATION', 'ACCEPT_PROPOSAL', 'APPEAL_DECISION', 'CANCEL_ORDER', 'CONCEDE_DISPUTE', 'CONFIRM_RETURN_RECEIVED', 'CONFIRM_RETURN_SHIPPED', 'DECLINE_CANCELLATION', 'ESCALATE_DISPUTE', 'FILE_COMPLAINT', 'LEAVE_FEEDBACK', 'OPEN_DISPUTE', 'POST_COMPLAINT_MESSAGE', 'POST_DISPUTE_MESSAGE', 'PROPOSE_RESOLUTION', 'PROVIDE_RETURN_ADDRESS', 'REFUSE_RETURN', 'REJECT_COMPLAINT', 'REJECT_PROPOSAL', 'REPLY_TO_FEEDBACK', 'REPORT_MISSING_REFUND', 'REQUEST_CANCELLATION', 'REQUEST_EVIDENCE', 'RESOLVE_COMPLAINT', 'RESOLVE_DISPUTE', 'REVISE_CLAIM', 'REVISE_FEEDBACK', 'TAKE_UP_COMPLAINT', 'WITHDRAW_CANCELLATION', 'WITHDRAW_COMPLAINT', 'WITHDRAW_DISPUTE')",
                name="idempotency_keys_action_known",
            ),
        ),
        ops.AddField("Order", "amount_owed", fields.BigIntField(default=0, db_default=0)),
        ops.AddField("Order", "amount_refunded", fields.BigIntField(default=0, db_default=0)),
        ops.AddField("Order", "amount_sent", fields.BigIntField(default=0, db_default=0)),
        ops.AddField("Order", "cancellation_declined_at", fields.DatetimeField(null=True)),
        ops.AddField("Order", "delivered_at", fields.DatetimeField(null=True)),
        ops.AddField("Order", "refund_due_at", fields.DatetimeField(null=True)),
        ops.AddField("Order", "refund_reportable_at", fields.DatetimeField(null=True)),
        ops.AddField("Order", "replacement_agreed_at", fields.DatetimeField(null=True)),
        ops.AddField("Order", "return_open_since", fields.DatetimeField(null=True)),
        ops.AddField("Order", "ship_by", fields.DatetimeField(null=True)),
        ops.AddConstraint(
            "Order",
            CheckConstraint(
                check="amount_refunded >= 0 AND amount_sent >= 0 AND amount_owed >= 0",
                name="orders_refunds_not_negative",
            ),
        ),
        ops.AddConstraint(
            "Order",
            CheckConstraint(
                check="amount_refunded + amount_sent + amount_owed <= amount_paid", name="orders_refunds_within_paid"
            ),
        ),
        steps.CreateIndex("refunds_reference", "refunds", "(recorded_by_id, reference)", unique=True),
    ]
