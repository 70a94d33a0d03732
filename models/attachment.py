from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models.account import Account
from models.enums import CaseKind
from models.keys import check, new_id, one_of


class Attachment(Model):
    """A file that somebody brought: an upload while no case has it, and evidence of that case from then on.

    The store of files holds its content, under its id. `content_type` is the announced type until a case takes the
    file, and then the type of the content. `message_id` is null if the file came with the opening of the case.

    `drawn` says of a picture or PDF whether its variants are in the store. It is false if it cannot be drawn, and null
    until somebody tried. `width` and `height` are pixels of the upright picture.
    """

    id = fields.UUIDField(primary_key=True, default=new_id)
    by: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "models.Account", related_name=False, on_delete=fields.RESTRICT
    )
    filename = fields.CharField(max_length=255)
    content_type = fields.CharField(max_length=127)
    size = fields.BigIntField()
    created_at = fields.DatetimeField()
    case_kind = fields.CharEnumField(CaseKind, description="kind of case", max_length=16, null=True)
    case_id = fields.UUIDField(null=True)
    message_id = fields.UUIDField(null=True)
    drawn = fields.BooleanField(null=True)
    width = fields.IntField(null=True)
    height = fields.IntField(null=True)

    class Meta(Model.Meta):
        table = "attachments"
        indexes = (
            Index(fields=("case_id", "id"), name="attachments_of_case"),
            Index(fields=("message_id", "id"), name="attachments_of_message"),
        )
        constraints = (
            one_of("attachments", "case_kind", CaseKind),
            check("attachments", "case_named", "(case_kind IS NULL) = (case_id IS NULL)"),
            check("attachments", "message_in_case", "message_id IS NULL OR case_id IS NOT NULL"),
            check("attachments", "size_positive", "size > 0"),
        )
