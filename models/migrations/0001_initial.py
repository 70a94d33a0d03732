"""The tables as first released."""

from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint

from models.enums import (
    Action,
    CancellationReason,
    CancellationStatus,
    CaseKind,
    ComplaintKind,
    ComplaintStatus,
    DisputeReason,
    DisputeStatus,
    OrderKind,
    ResolutionKind,
    Role,
)
from models.keys import new_id


class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name='Account',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('subject', fields.CharField(max_length=255)),
                ('role', fields.CharEnumField(description='role', enum_type=Role, max_length=16)),
                ('name', fields.CharField(max_length=200)),
            ],
            options={'table': 'accounts', 'app': 'models', 'unique_together': (('subject', 'role'),), 'pk_attr': 'id', 'table_description': 'Who takes part: a subject of the identity provider in one role. Made at first sight, never removed.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Order',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('number', fields.CharField(unique=True, max_length=64)),
                ('kind', fields.CharEnumField(description='kind', enum_type=OrderKind, max_length=16)),
                ('buyer', fields.ForeignKeyField('models.Account', source_field='buyer_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('supplier', fields.ForeignKeyField('models.Account', source_field='supplier_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('recorded_by', fields.ForeignKeyField('models.Account', source_field='recorded_by_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('currency', fields.CharField(max_length=3)),
                ('total', fields.BigIntField()),
                ('amount_paid', fields.BigIntField()),
                ('items', fields.JSONField(description='a list of [title, quantity, unit price in minor units]', encoder=JSON_DUMPS, decoder=loads)),
                ('placed_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('payment_submitted_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('paid_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('shipped_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('completed_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('cancelled_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('feedback_left_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('feedback_replied_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('feedback_revised_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('cancellation_pending_since', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('dispute_open_since', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('dispute_settled_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('complaint_open_since', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('recorded_at', fields.DatetimeField(description='of the newest record taken from the order system', auto_now=False, auto_now_add=False)),
                ('changed_at', fields.DatetimeField(description='when its latest event became known here', auto_now=False, auto_now_add=False)),
                ('search', fields.TextField(description='case-folded number, names of both parties, titles of the items', unique=False)),
            ],
            options={'table': 'orders', 'app': 'models', 'indexes': [Index(fields=['buyer_id', 'placed_at', 'id'], name='orders_of_buyer'), Index(fields=['supplier_id', 'placed_at', 'id'], name='orders_of_supplier'), Index(fields=['recorded_by_id', 'placed_at', 'id'], name='orders_of_service'), Index(fields=['placed_at', 'id'], name='orders_of_all')], 'pk_attr': 'id', 'table_description': 'An order as a row of facts: everything that its rules read, folded from its events.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Cancellation',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('number', fields.CharField(unique=True, max_length=32)),
                ('order', fields.ForeignKeyField('models.Order', source_field='order_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('reason', fields.CharEnumField(description='reason', enum_type=CancellationReason, max_length=32)),
                ('note', fields.TextField(null=True, unique=False)),
                ('opened_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('closed_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('closed_as', fields.CharEnumField(null=True, description='how it ended', enum_type=CancellationStatus, max_length=16)),
            ],
            options={'table': 'cancellations', 'app': 'models', 'indexes': [Index(fields=['order_id', 'opened_at', 'id'], name='cancellations_of_order')], 'pk_attr': 'id', 'table_description': 'A cancellation, or the request for one. Open while `closed_at` is null, `closed_as` says how it ended.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Complaint',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('number', fields.CharField(unique=True, max_length=32)),
                ('complainant', fields.ForeignKeyField('models.Account', source_field='complainant_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('order', fields.ForeignKeyField('models.Order', source_field='order_id', null=True, db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('kind', fields.CharEnumField(description='kind', enum_type=ComplaintKind, max_length=32)),
                ('respondent_email', fields.CharField(null=True, max_length=254)),
                ('respondent_member_id', fields.CharField(null=True, max_length=255)),
                ('respondent_url', fields.CharField(null=True, max_length=2000)),
                ('description', fields.TextField(unique=False)),
                ('amount', fields.BigIntField(null=True)),
                ('amount_currency', fields.CharField(null=True, max_length=3)),
                ('contact_email', fields.CharField(null=True, max_length=254)),
                ('contact_phone', fields.CharField(null=True, max_length=32)),
                ('opened_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('closed_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('closed_as', fields.CharEnumField(null=True, description='how it ended', enum_type=ComplaintStatus, max_length=32)),
            ],
            options={'table': 'complaints', 'app': 'models', 'indexes': [Index(fields=['order_id', 'opened_at', 'id'], name='complaints_of_order'), Index(fields=['complainant_id', 'opened_at', 'id'], name='complaints_of_complainant'), Index(fields=['opened_at', 'id'], name='complaints_of_all')], 'pk_attr': 'id', 'table_description': 'A complaint to the Complaint Center about an offline trade: an order on record, or a supplier named otherwise.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Dispute',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('number', fields.CharField(unique=True, max_length=32)),
                ('order', fields.ForeignKeyField('models.Order', source_field='order_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('buyer', fields.ForeignKeyField('models.Account', source_field='buyer_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('supplier', fields.ForeignKeyField('models.Account', source_field='supplier_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('reason', fields.CharEnumField(description='reason', enum_type=DisputeReason, max_length=32)),
                ('description', fields.TextField(unique=False)),
                ('wanted', fields.CharEnumField(description='what the buyer wants', enum_type=ResolutionKind, max_length=32)),
                ('claim', fields.BigIntField(null=True)),
                ('claim_currency', fields.CharField(null=True, max_length=3)),
                ('opened_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('closed_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('closed_as', fields.CharEnumField(null=True, description='how it ended', enum_type=DisputeStatus, max_length=32)),
            ],
            options={'table': 'disputes', 'app': 'models', 'indexes': [Index(fields=['order_id', 'opened_at', 'id'], name='disputes_of_order'), Index(fields=['buyer_id', 'opened_at', 'id'], name='disputes_of_buyer'), Index(fields=['supplier_id', 'opened_at', 'id'], name='disputes_of_supplier'), Index(fields=['opened_at', 'id'], name='disputes_of_all')], 'pk_attr': 'id', 'table_description': "A buyer's dispute about an order. Open while `closed_at` is null, `closed_as` says how it ended."},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Event',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('order', fields.ForeignKeyField('models.Order', source_field='order_id', null=True, db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('case_kind', fields.CharEnumField(null=True, description='kind of case', enum_type=CaseKind, max_length=16)),
                ('case_id', fields.UUIDField(null=True)),
                ('at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('known_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('by', fields.ForeignKeyField('models.Account', source_field='by_id', null=True, db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('action', fields.CharEnumField(null=True, description='action', enum_type=Action, max_length=32)),
                ('facts', fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ('case_facts', fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads)),
                ('note', fields.TextField(null=True, unique=False)),
            ],
            options={'table': 'events', 'app': 'models', 'indexes': [Index(fields=['order_id', 'at', 'id'], name='events_of_order')], 'pk_attr': 'id', 'table_description': 'One change: what happened, when, by whom, and the facts it set. Appended, never altered.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Feedback',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('order', fields.OneToOneField('models.Order', source_field='order_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('overall', fields.SmallIntField(null=True)),
                ('product_as_agreed', fields.SmallIntField(null=True)),
                ('communication', fields.SmallIntField(null=True)),
                ('shipping_time', fields.SmallIntField(null=True)),
                ('comment', fields.TextField(null=True, unique=False)),
                ('reply', fields.TextField(null=True, unique=False)),
                ('original', fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads)),
            ],
            options={'table': 'feedback', 'app': 'models', 'pk_attr': 'id', 'table_description': 'What was said about an order; when it was said are facts of the order.'},
            bases=['Model'],
        ),
    ]