from datetime import datetime

import strawberry

from models.enums import ComplaintKind, ComplaintStatus
from resolvers import complaint
from resolvers.complaint import ContactInput, FileComplaint, RespondentInput
from schema.account import Account
from schema.case import Case
from schema.decision import UserError
from schema.described import input_type, resolved
from schema.money import Money
from schema.references import OrderReference


@strawberry.type(description="Whom a complaint is about, as far as the complainant could say.")
class Respondent:
    account: Account | None = strawberry.field(description="The supplier, where the trade is on record.")
    email: str | None = strawberry.field(description="Their e-mail address.")
    member_id: str | None = strawberry.field(description="Their member id on the marketplace.")
    url: str | None = strawberry.field(description="A page of a product of theirs.")


@strawberry.type(description="How the Complaint Center reaches the complainant: at least one way.")
class Contact:
    email: str | None = strawberry.field(description="An e-mail address.")
    phone: str | None = strawberry.field(description="A phone number.")


@strawberry.type(description="A complaint about an offline trade. Its complainant and agents see it, nobody else.")
class Complaint(Case):
    kind: ComplaintKind = strawberry.field(description="What it is about.")
    status: ComplaintStatus = strawberry.field(description="Where it stands.")
    order: OrderReference | None = strawberry.field(description="The order, when the offline trade is on record.")
    respondent: Respondent = strawberry.field(description="Whom it is about.")
    description: str = strawberry.field(description="What happened, in the complainant's words.")
    amount_money: Money | None = strawberry.field(name="amount", description="How much it is about.")
    contact: Contact = strawberry.field(description="How to reach the complainant.")
    reply_expected_by: datetime = strawberry.field(description="Five times 24 hours after it was filed.")
    reply_overdue: bool = strawberry.field(description="Whether the reply is late. Nothing is closed by that.")


input_type(
    RespondentInput,
    "Who the supplier is, where the trade is not on record.",
    one_of=True,
    email="Their e-mail address.",
    member_id="Their member id on the marketplace.",
    url="A page of a product of theirs: http or https.",
)
input_type(
    ContactInput,
    "How to reach you: at least one way.",
    email="An e-mail address.",
    phone="A phone number, with its country code.",
)
input_type(
    FileComplaint,
    "What a complaint is about. Name the order or the supplier, at least one of the two.",
    kind="What went wrong.",
    description="What happened, up to 4,000 characters.",
    respondent="The supplier.",
    order_id="The id of the OFFLINE order, where the trade is on record.",
    amount="How much it is about; may be left out.",
    contact="How to reach you.",
)


@strawberry.type(
    description="What became of an action on a complaint. Either userErrors is empty, or nothing was done."
)
class ComplaintPayload:
    order: OrderReference | None = strawberry.field(
        description="The order as it stands now, also after a refusal; null for a trade that is not on record."
    )
    complaint: Complaint | None = strawberry.field(description="The complaint as it stands now.")
    user_errors: list[UserError] = strawberry.field(
        description="Everything that speaks against it; empty when it was done."
    )


@strawberry.type
class ComplaintMutations:
    file_complaint = resolved(
        complaint.file_complaint,
        ComplaintPayload,
        "Files a complaint about an offline trade with the Complaint Center: FILE_COMPLAINT.",
    )
