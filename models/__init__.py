"""What is stored: Tortoise models and migrations, and the access to the database and to files."""

from models.account import Account
from models.attachment import Attachment
from models.cancellation import Cancellation
from models.complaint import Complaint
from models.dispute import Dispute
from models.event import Event
from models.feedback import Feedback
from models.idempotency_key import IdempotencyKey
from models.message import Message
from models.order import Order
from models.proposal import Proposal
from models.refund import Refund
from models.reopening import Reopening

__all__ = [
    "Account",
    "Attachment",
    "Cancellation",
    "Complaint",
    "Dispute",
    "Event",
    "Feedback",
    "IdempotencyKey",
    "Message",
    "Order",
    "Proposal",
    "Refund",
    "Reopening",
]
