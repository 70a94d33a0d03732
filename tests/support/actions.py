"""Every action's mutation, with an input that is right but for what it is asked of."""

from typing import Any

from models.enums import Action
from tests.conftest import usd

MUTATIONS = {
    action: "".join(word.capitalize() if place else word for place, word in enumerate(action.lower().split("_")))
    for action in Action
}
AREAS = {"areas": {"productAsAgreed": 3, "communication": 4, "shippingTime": 5}}

ON_ORDERS: dict[str, dict[str, Any]] = {
    "leaveFeedback": {"ratings": {"overall": 5}},
    "reviseFeedback": {"ratings": {"overall": 5}},
    "replyToFeedback": {"text": "Thanks"},
    "cancelOrder": {"reason": "OTHER"},
    "requestCancellation": {"reason": "OTHER"},
    "withdrawCancellation": {},
    "acceptCancellation": {},
    "declineCancellation": {"note": "No"},
    "openDispute": {"reason": "LATE", "description": "x", "wanted": "REFUND", "claim": usd("1.00")},
    "fileComplaint": {"kind": "OTHER", "description": "x", "contact": {"phone": "+34 600 000 000"}},
}
ON_DISPUTES: dict[str, dict[str, Any]] = {
    "proposeResolution": {"resolution": "PARTIAL_REFUND", "amount": usd("0.50")},
    "acceptProposal": {},
    "rejectProposal": {},
    "postDisputeMessage": {"text": "Any news?"},
    "escalateDispute": {},
    "withdrawDispute": {},
    "requestEvidence": {"party": "BUYER", "text": "Photos, please."},
    "resolveDispute": {"resolution": "NO_REFUND", "note": "Nothing is broken."},
}
ON_COMPLAINTS: dict[str, dict[str, Any]] = {
    "postComplaintMessage": {"text": "Any news?"},
    "withdrawComplaint": {},
    "takeUpComplaint": {},
    "resolveComplaint": {"resolution": "REFUND", "amount": usd("1.00"), "note": "They pay back."},
    "rejectComplaint": {"note": "There is no such trade."},
}
# What is no action: announcing a file changes nothing that the policy knows of.
OTHER_MUTATIONS = {"createUpload", "recordOrders"}
INPUTS = ON_ORDERS | ON_DISPUTES | ON_COMPLAINTS
