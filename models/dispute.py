from typing import Any

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models.account import Account
from models.enums import DisputeReason, DisputeStatus, ResolutionKind, Role
from models.keys import check, new_id, one_of
from models.order import Order

ENDS = {DisputeStatus.SETTLED, DisputeStatus.RESOLVED, DisputeStatus.WITHDRAWN, DisputeStatus.LAPSED}


class Dispute(Model):
    """A buyer's dispute about an order. Open while `closed_at` is null, `closed_as` says how it ended.

    The parties are the order's and never change. They are copied here so that one index serves a party's list. `claim`
    is in the minor units of `currency`, the order's currency when the dispute was opened. `claimable` changes with the
    order while the dispute is open. It is copied here so that the rules read one row.

    `lines` are the order's lines that it is about, as they were at the opening, each as [place, quantity, item,
    currency]; null for the whole order. `reopened_at` is when an appeal or a refused return last opened it again. The
    facts `return_…` are those of its latest return, `paid_back_at` is set while money that it owes was sent or has
    arrived.
    """

    id = fields.UUIDField(primary_key=True, default=new_id)
    number = fields.CharField(max_length=32, unique=True)
    order: fields.ForeignKeyRelation[Order] = fields.ForeignKeyField(
        "models.Order", related_name=False, on_delete=fields.RESTRICT
    )
    buyer: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "models.Account", related_name=False, on_delete=fields.RESTRICT
    )
    supplier: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "models.Account", related_name=False, on_delete=fields.RESTRICT
    )
    reason = fields.CharEnumField(DisputeReason, description="reason", max_length=32)
    description = fields.TextField()
    wanted = fields.CharEnumField(ResolutionKind, description="what the buyer wants", max_length=32)
    currency = fields.CharField(max_length=3)
    claim = fields.BigIntField(null=True)
    lines: Any = fields.JSONField[Any](null=True)
    opened_at = fields.DatetimeField()
    answered_at = fields.DatetimeField(null=True, description="when the supplier first rejected or proposed")
    waits_for = fields.CharEnumField(Role, description="whose move it is", max_length=16, null=True)
    due_at = fields.DatetimeField(description="until when the party can answer, or since when agents have it")
    evidence_asked_at = fields.DatetimeField(null=True)
    proposed_at = fields.DatetimeField(null=True, description="of the proposal on the table")
    offered = fields.BigIntField(null=True, description="the amount of the proposal on the table, if any")
    offered_currency = fields.CharField(max_length=3, null=True)
    claimable = fields.BigIntField(null=True, description="what can be claimed of the order at most, now")
    claimable_currency = fields.CharField(max_length=3, null=True)
    outcome_resolution = fields.CharEnumField(ResolutionKind, description="outcome", max_length=32, null=True)
    outcome_amount = fields.BigIntField(null=True)
    outcome_currency = fields.CharField(max_length=3, null=True)
    outcome_by: fields.ForeignKeyNullableRelation[Account] = fields.ForeignKeyField(
        "models.Account", related_name=False, on_delete=fields.RESTRICT, null=True
    )
    outcome_note = fields.TextField(null=True)
    reopened_at = fields.DatetimeField(null=True)
    paid_back_at = fields.DatetimeField(null=True)
    return_began_at = fields.DatetimeField(null=True)
    return_addressed_at = fields.DatetimeField(null=True)
    return_shipped_at = fields.DatetimeField(null=True)
    return_received_at = fields.DatetimeField(null=True)
    return_refused_at = fields.DatetimeField(null=True)
    return_waived_at = fields.DatetimeField(null=True)
    return_expired_at = fields.DatetimeField(null=True)
    return_address = fields.TextField(null=True)
    return_carrier = fields.TextField(null=True)
    return_tracking_number = fields.TextField(null=True)
    return_note = fields.TextField(null=True)
    closed_at = fields.DatetimeField(null=True)
    closed_as = fields.CharEnumField(DisputeStatus, description="how it ended", max_length=32, null=True)

    class Meta(Model.Meta):
        table = "disputes"
        indexes = (
            Index(fields=("order_id", "opened_at", "id"), name="disputes_of_order"),
            Index(fields=("buyer_id", "opened_at", "id"), name="disputes_of_buyer"),
            Index(fields=("supplier_id", "opened_at", "id"), name="disputes_of_supplier"),
            Index(fields=("opened_at", "id"), name="disputes_of_all"),
            Index(fields=("due_at", "id"), name="disputes_by_due"),
        )
        constraints = (
            one_of("disputes", "reason", DisputeReason),
            one_of("disputes", "wanted", ResolutionKind),
            one_of("disputes", "closed_as", ENDS),
            check("disputes", "closed_somehow", "(closed_at IS NULL) = (closed_as IS NULL)"),
            check("disputes", "claim_positive", "claim > 0"),
            one_of("disputes", "waits_for", Role),
            one_of("disputes", "outcome_resolution", ResolutionKind),
            check("disputes", "waits_while_open", "(closed_at IS NULL) = (waits_for IS NOT NULL)"),
            check("disputes", "outcome_by_somebody", "(outcome_resolution IS NULL) = (outcome_by_id IS NULL)"),
        )
