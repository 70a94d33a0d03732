from datetime import datetime

import strawberry

from execution.sizes import LONG_TEXT, sized
from models.enums import ComplaintKind, ComplaintStatus
from resolvers import message
from resolvers.complaints import complaint, review
from resolvers.complaints.complaint import ContactInput, FileComplaint, RespondentInput, WithdrawComplaint
from resolvers.complaints.review import RejectComplaint, ResolveComplaint, TakeUpComplaint
from resolvers.message import PostComplaintMessage
from schema.account import Account
from schema.attachment import Attachment
from schema.case import Case
from schema.connection import Connection, paged_field
from schema.decision import Actionable
from schema.declare import input_type, resolved
from schema.lazy import OrderReference
from schema.message import Message
from schema.money import Money
from schema.payload import Payload
from schema.resolution import Outcome


@strawberry.type(description="Whom a complaint is about, as far as the complainant could say.")
class Respondent:
    account: Account | None = strawberry.field(description="The supplier, where the trade is on record.")
    email: str | None = strawberry.field(description="Their e-mail address.")
    member_id: str | None = strawberry.field(description="Their member id on the marketplace.")
    url: str | None = strawberry.field(description="A page of a product of theirs.")


@strawberry.type(description="How the Complaint Center reaches the complainant: at least one way.")
class Contact:
    email: str | None = strawberry.field(description="An e-mail address.")
    phone: str | None = strawberry.field(description="A phone number, as it was written.")
    phone_e164: str | None = strawberry.field(
        description="The number as it is dialled from anywhere, like +442079460958, without its extension; null where "
        "its country cannot be told."
    )


@strawberry.type(description="A complaint about an offline trade. Its complainant and agents see it, nobody else.")
class Complaint(Case, Actionable):
    kind: ComplaintKind = strawberry.field(description="What it is about.")
    status: ComplaintStatus = strawberry.field(description="Where it stands.")
    order: OrderReference | None = strawberry.field(description="The order, when the offline trade is on record.")
    respondent: Respondent = strawberry.field(description="Whom it is about.")
    description: str = strawberry.field(metadata=LONG_TEXT, description="What happened, in the complainant's words.")
    amount_money: Money | None = strawberry.field(name="amount", description="How much it is about.")
    contact: Contact = strawberry.field(description="How to reach the complainant.")
    reply_expected_by: datetime = strawberry.field(description="Five times 24 hours after it was filed.")
    reply_overdue: bool = strawberry.field(
        description="Whether the reply is late: no agent has written or taken it up in time. Nothing is closed by that."
    )
    outcome: Outcome | None = strawberry.field(description="How it ended, where it was resolved.")
    messages = paged_field("messages", Connection[Message], "What complainant and agents wrote, newest first.")
    evidence: list[Attachment] = strawberry.field(
        metadata=sized(20),  # of the 200 that a case holds at most
        description="All its files, oldest first: those it was opened with, and those of its messages.",
    )


input_type(
    RespondentInput,
    "Who the supplier is, where the trade is not on record.",
    one_of=True,
    email="Their e-mail address.",
    member_id="Their member id on the marketplace.",
    url="A page of a product of theirs: http or https, which may be left out.",
)
input_type(
    ContactInput,
    "How to reach you: at least one way.",
    email="An e-mail address.",
    phone="A phone number as people write it, best with its country code; an extension may follow.",
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
    evidence="Ids of uploads, 10 at most.",
)


@strawberry.type(
    description="What became of an action on a complaint. Either userErrors is empty, or nothing was done."
)
class ComplaintPayload(Payload):
    complaint: Complaint | None = strawberry.field(description="The complaint as it stands now.")


input_type(
    PostComplaintMessage,
    "What to write in which complaint.",
    case_id="The complaint's id.",
    text="Up to 4,000 characters.",
    attachments="Ids of uploads, 10 at most.",
)
input_type(
    WithdrawComplaint,
    "Which complaint to take back.",
    case_id="The complaint's id.",
    note="Up to 2,000 characters; may be left out.",
)
input_type(
    TakeUpComplaint,
    "Which complaint to take up.",
    case_id="The complaint's id.",
    note="Up to 2,000 characters; may be left out.",
)
input_type(
    ResolveComplaint,
    "How to decide which complaint.",
    case_id="The complaint's id.",
    resolution="The decision.",
    amount="How much is paid back: not for REPLACEMENT and NO_REFUND, and at most the complaint's amount.",
    note="The reasons, up to 2,000 characters.",
)
input_type(
    RejectComplaint,
    "Which complaint to reject.",
    case_id="The complaint's id.",
    note="The reasons, up to 2,000 characters.",
)


@strawberry.type
class ComplaintMutations:
    file_complaint = resolved(
        complaint.file_complaint,
        ComplaintPayload,
        "Files a complaint about an offline trade with the Complaint Center: FILE_COMPLAINT.",
    )
    post_complaint_message = resolved(
        message.post_complaint_message,
        ComplaintPayload,
        "Writes in the complaint, as complainant or agent: POST_COMPLAINT_MESSAGE.",
    )
    withdraw_complaint = resolved(
        complaint.withdraw_complaint, ComplaintPayload, "Takes the complaint back: WITHDRAW_COMPLAINT."
    )
    take_up_complaint = resolved(
        review.take_up_complaint, ComplaintPayload, "Starts the review, as an agent: TAKE_UP_COMPLAINT."
    )
    resolve_complaint = resolved(
        review.resolve_complaint,
        ComplaintPayload,
        "Decides it in the complainant's favour, as an agent: RESOLVE_COMPLAINT.",
    )
    reject_complaint = resolved(review.reject_complaint, ComplaintPayload, "Rejects it, as an agent: REJECT_COMPLAINT.")
