"""Forms: what the mutation of an action takes now."""

import strawberry

from execution.complexity import sized
from models.enums import FieldKind
from schema.money import Money

# Lists of a few short entries, which count with their field. The order's lines, up to a hundred, count as choices.
_SHORT = sized(0)


@strawberry.type(description="A condition on another field of the form: it has one of these values.")
class FieldCondition:
    path: list[str] = strawberry.field(metadata=_SHORT, description="The path of the other field.")
    values: list[str] = strawberry.field(metadata=_SHORT, description="The values. The field must have one of them.")


@strawberry.type(description="The limits of the files of one content type.")
class FileKind:
    content_type: str = strawberry.field(description="The content type, like image/jpeg.")
    max_bytes: int = strawberry.field(description="The largest size of one file, in bytes.")
    max_count: int = strawberry.field(description="How many files of this kind are still taken.")


@strawberry.type(description="A value that can be chosen: of an enum, or a line of the order.")
class Choice:
    value: str = strawberry.field(description="The value of the enum, or the id of the line.")
    label: str = strawberry.field(description="Its name for people, in the language of the request.")
    description: str | None = strawberry.field(description="A sentence that explains it. Null if there is none.")
    recommended_evidence: list[str] = strawberry.field(
        metadata=_SHORT, description='What helps to prove it, like "Photos of the damage and of the packaging".'
    )
    only_with: list[FieldCondition] = strawberry.field(
        metadata=_SHORT, description="It can be chosen only if all of these conditions hold. Empty: always."
    )
    max_quantity: int | None = strawberry.field(description="The largest quantity of the line. Null for other values.")
    price: Money | None = strawberry.field(description="The price of one of the line. Null for other values.")


@strawberry.type(description="A field of the form. Bounds that do not apply to its kind are null.")
class FormField:
    path: list[str] = strawberry.field(
        metadata=_SHORT,
        description='The path in the mutation\'s input, as in UserError.field: ["ratings", "areas", "communication"]. '
        "Several fields can have the same path, with conditions of which one holds at a time.",
    )
    kind: FieldKind = strawberry.field(description="How the field is filled.")
    label: str = strawberry.field(description="The field's name for people, in the language of the request.")
    hint: str | None = strawberry.field(description="A sentence to show below the field. Null if there is none.")
    required: bool = strawberry.field(
        description="True if it has to be filled; with `onlyWith`, if its conditions hold. Otherwise it may be left "
        "out, but a text that is given is never blank."
    )
    max_length: int | None = strawberry.field(
        description="TEXT, EMAIL, PHONE, URL: the largest length in Unicode code points, after trimming."
    )
    one_line: bool | None = strawberry.field(description="TEXT: true if it has no line breaks.")
    min: int | None = strawberry.field(description="STARS: the least number.")
    max: int | None = strawberry.field(description="STARS: the largest number.")
    max_amount: Money | None = strawberry.field(
        description="MONEY: the largest amount, which is above zero and in this currency. Null: any amount above zero "
        "in any currency."
    )
    at_most_items_at: list[str] | None = strawberry.field(
        metadata=_SHORT,
        description="MONEY: the amount is also at most what the items cost that are chosen at this path, rounded down. "
        "Null if no items limit it.",
    )
    max_count: int | None = strawberry.field(description="FILES, ITEMS: how many are still taken.")
    max_bytes: int | None = strawberry.field(
        description="FILES: the largest size of one file in bytes, of the kind that may be largest."
    )
    content_types: list[str] | None = strawberry.field(
        metadata=sized(3), description="FILES: the content types that are accepted."
    )
    file_kinds: list[FileKind] | None = strawberry.field(
        metadata=sized(3),
        description="FILES: the limits of each content type. createUpload refuses a wrong type or size, the mutation "
        "refuses too many files.",
    )
    choices: list[Choice] | None = strawberry.field(
        metadata=sized(10),
        description="CHOICE: the values that can be chosen now. ITEMS: the lines of the order, without discounts. Null "
        "for other kinds.",
    )
    only_with: list[FieldCondition] = strawberry.field(
        metadata=_SHORT, description="It is taken only if all of these conditions hold. Empty: always."
    )


@strawberry.type(description="Fields that are required together: at least one of them, or exactly one.")
class FieldGroup:
    paths: list[list[str]] = strawberry.field(metadata=_SHORT, description="The paths of the fields.")
    exactly_one: bool = strawberry.field(
        description="True if exactly one of them is given; false if at least one is, and several may be."
    )


@strawberry.type(
    description="What the mutation of an action takes now. What fits the form is never INVALID_INPUT, and what does "
    "not fit it always is, with the field's path. A missing required field and an unknown enum value can also be a "
    "request error. The ids of orders, cases, proposals and cancellations and the idempotency key are not in it."
)
class ActionForm:
    fields: list[FormField] = strawberry.field(
        metadata=sized(1), description="The fields, in the order in which to show them."
    )
    groups: list[FieldGroup] = strawberry.field(
        metadata=_SHORT, description="Fields of which one is required. Empty if there are none."
    )
