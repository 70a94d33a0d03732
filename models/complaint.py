from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models.account import Account
from models.enums import ComplaintKind, ComplaintStatus, ResolutionKind, Role
from models.keys import check, new_id, one_of
from models.order import Order

ENDS = {ComplaintStatus.RESOLVED, ComplaintStatus.REJECTED, ComplaintStatus.WITHDRAWN}


class Complaint(Model):
    """A complaint to the Complaint Center about an offline trade: an order on record, or a supplier named otherwise.

    `amount` is in the minor units of `amount_currency`.
    """

    id = fields.UUIDField(primary_key=True, default=new_id)
    number = fields.CharField(max_length=32, unique=True)
    complainant: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "models.Account", related_name=False, on_delete=fields.RESTRICT
    )
    order: fields.ForeignKeyNullableRelation[Order] = fields.ForeignKeyField(
        "models.Order", related_name=False, on_delete=fields.RESTRICT, null=True
    )
    kind = fields.CharEnumField(ComplaintKind, description="kind", max_length=32)
    respondent_email = fields.CharField(max_length=254, null=True)
    respondent_member_id = fields.CharField(max_length=255, null=True)
    respondent_url = fields.CharField(max_length=2000, null=True)
    description = fields.TextField()
    amount = fields.BigIntField(null=True)
    amount_currency = fields.CharField(max_length=3, null=True)
    contact_email = fields.CharField(max_length=254, null=True)
    contact_phone = fields.CharField(max_length=32, null=True)
    opened_at = fields.DatetimeField()
    answered_at = fields.DatetimeField(null=True, description="when an agent first took it up or wrote")
    waits_for = fields.CharEnumField(Role, description="whose move it is", max_length=16, null=True)
    due_at = fields.DatetimeField(description="when the agents' move is or was due")
    outcome_resolution = fields.CharEnumField(ResolutionKind, description="outcome", max_length=32, null=True)
    outcome_amount = fields.BigIntField(null=True)
    outcome_currency = fields.CharField(max_length=3, null=True)
    outcome_by: fields.ForeignKeyNullableRelation[Account] = fields.ForeignKeyField(
        "models.Account", related_name=False, on_delete=fields.RESTRICT, null=True
    )
    outcome_note = fields.TextField(null=True)
    closed_at = fields.DatetimeField(null=True)
    closed_as = fields.CharEnumField(ComplaintStatus, description="how it ended", max_length=32, null=True)

    class Meta(Model.Meta):
        table = "complaints"
        indexes = (
            Index(fields=("order_id", "opened_at", "id"), name="complaints_of_order"),
            Index(fields=("complainant_id", "opened_at", "id"), name="complaints_of_complainant"),
            Index(fields=("opened_at", "id"), name="complaints_of_all"),
            Index(fields=("due_at", "id"), name="complaints_by_due"),
        )
        constraints = (
            one_of("complaints", "kind", ComplaintKind),
            one_of("complaints", "closed_as", ENDS),
            check("complaints", "closed_somehow", "(closed_at IS NULL) = (closed_as IS NULL)"),
            check("complaints", "amount_positive", "amount > 0"),
            check("complaints", "amount_with_currency", "(amount IS NULL) = (amount_currency IS NULL)"),
            one_of("complaints", "waits_for", Role),
            one_of("complaints", "outcome_resolution", ResolutionKind),
            check("complaints", "waits_while_open", "(closed_at IS NULL) = (waits_for IS NOT NULL)"),
            check("complaints", "outcome_by_somebody", "(outcome_resolution IS NULL) = (outcome_by_id IS NULL)"),
            check(
                "complaints",
                "about_somebody",
                "order_id IS NOT NULL OR respondent_email IS NOT NULL OR respondent_member_id IS NOT NULL"
                " OR respondent_url IS NOT NULL",
            ),
            check("complaints", "contact", "contact_email IS NOT NULL OR contact_phone IS NOT NULL"),
        )
