from typing import Any

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models.account import Account
from models.enums import Action, CaseKind, RefundStatus
from models.keys import check, one_of
from models.order import Order


class Event(Model):
    """One change: what happened, when, by whom, and the facts it set. Appended, never altered.

    `at` is when it happened, `known_at` when it became known here: the order system records the past. The `known_at` of
    an order's events rises with their ids, so replaying the events up to an instant gives what was known then. `by` is
    null for the order system and for the passing of time, `action` for everything that is not an action. `facts` are
    columns of the order, `case_facts` columns of the case; instants are RFC 3339 text. `refund_id` and `refund_status`
    are set where the order system told something about a refund.
    """

    id = fields.BigIntField(primary_key=True, generated=True)
    order: fields.ForeignKeyNullableRelation[Order] = fields.ForeignKeyField(
        "models.Order", related_name=False, on_delete=fields.RESTRICT, null=True
    )
    case_kind = fields.CharEnumField(CaseKind, description="kind of case", max_length=16, null=True)
    case_id = fields.UUIDField(null=True)
    at = fields.DatetimeField()
    known_at = fields.DatetimeField()
    by: fields.ForeignKeyNullableRelation[Account] = fields.ForeignKeyField(
        "models.Account", related_name=False, on_delete=fields.RESTRICT, null=True
    )
    action = fields.CharEnumField(Action, description="action", max_length=32, null=True)
    facts: Any = fields.JSONField[Any]()
    case_facts: Any = fields.JSONField[Any](null=True)
    refund_id = fields.UUIDField(null=True)
    refund_status = fields.CharEnumField(
        RefundStatus, description="what was told about a refund", max_length=16, null=True
    )
    note = fields.TextField(null=True)

    class Meta(Model.Meta):
        table = "events"
        indexes = (Index(fields=("order_id", "at", "id"), name="events_of_order"),)
        constraints = (
            one_of("events", "case_kind", CaseKind),
            one_of("events", "action", Action),
            one_of("events", "refund_status", RefundStatus),
            check("events", "case_named", "(case_kind IS NULL) = (case_id IS NULL)"),
            check("events", "refund_named", "(refund_id IS NULL) = (refund_status IS NULL)"),
            check("events", "about_something", "order_id IS NOT NULL OR case_id IS NOT NULL"),
        )
