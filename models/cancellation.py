from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models.enums import CancellationReason, CancellationStatus
from models.keys import check, new_id, one_of
from models.order import Order


class Cancellation(Model):
    """A cancellation, or the request for one. Open while `closed_at` is null, `closed_as` says how it ended."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    number = fields.CharField(max_length=32, unique=True)
    order: fields.ForeignKeyRelation[Order] = fields.ForeignKeyField(
        "models.Order", related_name=False, on_delete=fields.RESTRICT
    )
    reason = fields.CharEnumField(CancellationReason, description="reason", max_length=32)
    note = fields.TextField(null=True)
    opened_at = fields.DatetimeField()
    closed_at = fields.DatetimeField(null=True)
    closed_as = fields.CharEnumField(CancellationStatus, description="how it ended", max_length=16, null=True)

    class Meta(Model.Meta):
        table = "cancellations"
        indexes = (Index(fields=("order_id", "opened_at", "id"), name="cancellations_of_order"),)
        constraints = (
            one_of("cancellations", "reason", CancellationReason),
            one_of("cancellations", "closed_as", set(CancellationStatus) - {CancellationStatus.REQUESTED}),
            check("cancellations", "closed_somehow", "(closed_at IS NULL) = (closed_as IS NULL)"),
        )
