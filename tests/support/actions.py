"""The mutation of every action: a valid input, and a person who may send it for something."""

from typing import Any

from models.enums import Action
from models.keys import new_id
from tests.conftest import DAY, NOW, World, usd
from tests.support.uploads import bring

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
    "reportMissingRefund": {},
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
    "concedeDispute": {},
    "reviseClaim": {"wanted": "PARTIAL_REFUND", "claim": usd("0.75")},
    "appealDecision": {"text": "They are broken.", "attachments": ["upl_" + 32 * "0"]},
    "provideReturnAddress": {"address": "Hall 3, Port Road 1"},
    "confirmReturnShipped": {"carrier": "DHL", "trackingNumber": "123"},
    "confirmReturnReceived": {},
    "refuseReturn": {"note": "The box is empty."},
}
ON_COMPLAINTS: dict[str, dict[str, Any]] = {
    "postComplaintMessage": {"text": "Any news?"},
    "withdrawComplaint": {},
    "takeUpComplaint": {},
    "resolveComplaint": {"resolution": "REFUND", "amount": usd("1.00"), "note": "They pay back."},
    "rejectComplaint": {"note": "There is no such trade."},
}
# Not actions: the policy does not decide about uploads and calendars, nor about what the order system records.
OTHER_MUTATIONS = {"createUpload", "recordOrders", "recordRefunds", "resetCalendar"}
INPUTS = ON_ORDERS | ON_DISPUTES | ON_COMPLAINTS
# These succeed again right after they succeeded, with another idempotency key or none.
REPEATABLE = {"postDisputeMessage", "postComplaintMessage", "fileComplaint", "reviseClaim"}


def everything_possible(world: World) -> dict[str, tuple[Any, dict[str, Any]]]:
    """Returns for each mutation a person who may do it now, and a valid input."""
    buyer, supplier = world.buyer, world.supplier
    complete, secure = world.order(paidAt=9, completedAt=8), world.order("SECURE_PAYMENT", completedAt=8)
    answered = world.order(paidAt=9, completedAt=8)
    for order, ratings in ((secure, AREAS), (answered, {"overall": 3})):
        buyer.succeed("leaveFeedback", {"orderId": order, "ratings": ratings})
    supplier.succeed("replyToFeedback", {"orderId": answered, "text": "Thanks"})

    def requested() -> str:
        order = world.order("SECURE_PAYMENT")
        buyer.succeed("requestCancellation", {"orderId": order, "reason": "OTHER"})
        return order

    def disputed(**changes: Any) -> dict[str, str]:
        input = INPUTS["openDispute"] | {"orderId": world.order(paidAt=1)} | changes
        return {"caseId": buyer.succeed("openDispute", input, "dispute { id }")["dispute"]["id"]}

    def complained() -> dict[str, str]:
        input = INPUTS["fileComplaint"] | {"respondent": {"memberId": new_id().hex}}  # each complaint has its own
        return {"caseId": buyer.succeed("fileComplaint", input, "complaint { id }")["complaint"]["id"]}

    buyer_then, supplier_then, agent_then = (each.at(NOW + 3 * DAY) for each in (buyer, supplier, world.agent))
    reviewed = [disputed() for _ in range(2)]
    for each in reviewed:
        buyer_then.succeed("escalateDispute", each)
    decided = disputed()
    buyer_then.succeed("escalateDispute", decided)
    agent_then.succeed("resolveDispute", INPUTS["resolveDispute"] | decided)

    def agreed(*steps: tuple[Any, str]) -> dict[str, str]:
        """A dispute that was settled with a return, after these steps of it."""
        case = disputed(reason="DAMAGED", wanted="RETURN_AND_REFUND")
        for person, mutation in ((supplier, "acceptProposal"), *steps):
            person.succeed(mutation, INPUTS[mutation] | case)
        return case

    addressed, sent = (supplier, "provideReturnAddress"), (buyer, "confirmReturnShipped")
    items = buyer.ask("query($id: ID!) { node(id: $id) { ... on Order { items { id } } } }", id=complete)["node"][
        "items"
    ]
    line = {"itemId": items[0]["id"], "quantity": 1}
    subjects: dict[str, tuple[Any, dict[str, Any]]] = {
        "leaveFeedback": (buyer, {"orderId": complete}),
        "reviseFeedback": (buyer, {"orderId": answered}),
        "replyToFeedback": (supplier, {"orderId": secure}),
        "cancelOrder": (buyer, {"orderId": world.order()}),
        "requestCancellation": (buyer, {"orderId": world.order("SECURE_PAYMENT")}),
        "withdrawCancellation": (buyer, {"orderId": requested()}),
        "acceptCancellation": (supplier, {"orderId": requested()}),
        "declineCancellation": (supplier, {"orderId": requested()}),
        "openDispute": (buyer, {"orderId": complete, "lines": [line]}),
        "fileComplaint": (buyer, {"orderId": world.order("OFFLINE")}),
        "proposeResolution": (supplier, disputed()),
        "acceptProposal": (supplier, disputed()),
        "rejectProposal": (supplier, disputed()),
        "postDisputeMessage": (supplier, disputed()),
        "escalateDispute": (supplier_then, disputed()),
        "withdrawDispute": (buyer, disputed()),
        "requestEvidence": (agent_then, reviewed[0]),
        "resolveDispute": (agent_then, reviewed[1]),
        "concedeDispute": (supplier, disputed()),
        "reviseClaim": (buyer, disputed()),
        "appealDecision": (buyer_then, decided | {"attachments": [bring(buyer)]}),
        "provideReturnAddress": (supplier, agreed()),
        "confirmReturnShipped": (buyer, agreed(addressed)),
        "confirmReturnReceived": (supplier, agreed(addressed, sent)),
        "refuseReturn": (supplier, agreed(addressed, sent)),
        "reportMissingRefund": (buyer, {"orderId": world.order(paidAt=20, cancelledAt=11)}),
        "postComplaintMessage": (buyer, complained()),
        "withdrawComplaint": (buyer, complained()),
        "takeUpComplaint": (agent_then, complained()),
        "resolveComplaint": (agent_then, complained()),
        "rejectComplaint": (agent_then, complained()),
    }
    return {mutation: (person, INPUTS[mutation] | subject) for mutation, (person, subject) in subjects.items()}
