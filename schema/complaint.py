"""Complaints to the Complaint Center, and the mutations on them."""

from datetime import datetime

import strawberry

from execution.complexity import LONG_TEXT, sized
from models.enums import ComplaintKind, ComplaintStatus
from resolvers.complaints import complaint, messages, review
from schema.account import Account
from schema.case import Case, Message, Outcome
from schema.connection import Connection, paged_field
from schema.declare import resolved
from schema.files import Attachment
from schema.lazy import OrderReference
from schema.money import Money
from schema.policy import Actionable, Payload


@strawberry.type(description="The supplier that a complaint is about, as far as known.")
class Respondent:
    account: Account | None = strawberry.field(
        description="The supplier's account. Null if the trade is not on record."
    )
    email: str | None = strawberry.field(description="The supplier's e-mail address.")
    member_id: str | None = strawberry.field(description="The supplier's member id on the marketplace.")
    url: str | None = strawberry.field(description="The page of one of the supplier's products.")


@strawberry.type(description="How the Complaint Center can reach the complainant: by e-mail, by phone or by both.")
class Contact:
    email: str | None = strawberry.field(description="The e-mail address.")
    phone: str | None = strawberry.field(description="The phone number as the complainant wrote it.")
    phone_e164: str | None = strawberry.field(
        description="The phone number in international form (E.164), like +442079460958, without its extension. Null "
        "if the country is not known, or if the text holds several numbers."
    )


@strawberry.type(description="A complaint about an offline trade. Only its complainant and agents can see it.")
class Complaint(Case, Actionable):
    kind: ComplaintKind = strawberry.field(description="What the complaint is about.")
    status: ComplaintStatus = strawberry.field(description="The state of the complaint.")
    order: OrderReference | None = strawberry.field(
        description="The order. Null if the offline trade is not on record."
    )
    respondent: Respondent = strawberry.field(description="The supplier that the complaint is about.")
    description: str = strawberry.field(metadata=LONG_TEXT, description="What happened, in the complainant's words.")
    amount_money: Money | None = strawberry.field(
        name="amount", description="The amount that the complaint is about. Null if none was given."
    )
    contact: Contact = strawberry.field(description="How to reach the complainant.")
    reply_expected_by: datetime = strawberry.field(
        description="When the Complaint Center should reply: 120 hours after the complaint was filed."
    )
    reply_overdue: bool = strawberry.field(
        description="True if the reply is late: no agent wrote or took the complaint up in time. This closes nothing."
    )
    outcome: Outcome | None = strawberry.field(description="How the complaint ended. Null if it was not resolved.")
    messages = paged_field("messages", Connection[Message], "The messages of complainant and agents, newest first.")
    evidence: list[Attachment] = strawberry.field(
        metadata=sized(20),  # of the 200 that a case holds at most
        description="All files of the complaint, oldest first: those that it was filed with, and those of its "
        "messages.",
    )


@strawberry.type(description="The result of an action on a complaint. Either userErrors is empty, or nothing was done.")
class ComplaintPayload(Payload):
    complaint: Complaint | None = strawberry.field(description="The complaint as it is now.")


@strawberry.type
class ComplaintMutations:
    file_complaint = resolved(
        complaint.file_complaint,
        ComplaintPayload,
        "Files a complaint about an offline trade with the Complaint Center: FILE_COMPLAINT.",
    )
    post_complaint_message = resolved(
        messages.post_complaint_message,
        ComplaintPayload,
        "Writes in the complaint, as its complainant or an agent: POST_COMPLAINT_MESSAGE.",
    )
    withdraw_complaint = resolved(
        complaint.withdraw_complaint, ComplaintPayload, "Withdraws the complaint: WITHDRAW_COMPLAINT."
    )
    take_up_complaint = resolved(
        review.take_up_complaint, ComplaintPayload, "Starts reviewing the complaint, as an agent: TAKE_UP_COMPLAINT."
    )
    resolve_complaint = resolved(
        review.resolve_complaint,
        ComplaintPayload,
        "Decides the complaint in the complainant's favour, as an agent: RESOLVE_COMPLAINT.",
    )
    reject_complaint = resolved(
        review.reject_complaint, ComplaintPayload, "Rejects the complaint, as an agent: REJECT_COMPLAINT."
    )
