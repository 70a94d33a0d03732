"""For each mutation, somebody who may do it to something."""

from typing import Any

from models.keys import new_id
from tests.conftest import DAY, NOW, World
from tests.support.actions import AREAS, INPUTS


def everything_possible(world: World) -> dict[str, tuple[Any, dict[str, Any]]]:
    """Who, and with what input, by the mutation's name."""
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
        input = INPUTS["fileComplaint"] | {"respondent": {"memberId": new_id().hex}}  # each its own
        return {"caseId": buyer.succeed("fileComplaint", input, "complaint { id }")["complaint"]["id"]}

    buyer_then, supplier_then, agent_then = (each.at(NOW + 3 * DAY) for each in (buyer, supplier, world.agent))
    reviewed = [disputed() for _ in range(2)]
    for each in reviewed:
        buyer_then.succeed("escalateDispute", each)
    subjects: dict[str, tuple[Any, dict[str, str]]] = {
        "leaveFeedback": (buyer, {"orderId": complete}),
        "reviseFeedback": (buyer, {"orderId": answered}),
        "replyToFeedback": (supplier, {"orderId": secure}),
        "cancelOrder": (buyer, {"orderId": world.order()}),
        "requestCancellation": (buyer, {"orderId": world.order("SECURE_PAYMENT")}),
        "withdrawCancellation": (buyer, {"orderId": requested()}),
        "acceptCancellation": (supplier, {"orderId": requested()}),
        "declineCancellation": (supplier, {"orderId": requested()}),
        "openDispute": (buyer, {"orderId": complete}),
        "fileComplaint": (buyer, {"orderId": world.order("OFFLINE")}),
        "proposeResolution": (supplier, disputed()),
        "acceptProposal": (supplier, disputed()),
        "rejectProposal": (supplier, disputed()),
        "postDisputeMessage": (supplier, disputed()),
        "escalateDispute": (supplier_then, disputed()),
        "withdrawDispute": (buyer, disputed()),
        "requestEvidence": (agent_then, reviewed[0]),
        "resolveDispute": (agent_then, reviewed[1]),
        "postComplaintMessage": (buyer, complained()),
        "withdrawComplaint": (buyer, complained()),
        "takeUpComplaint": (agent_then, complained()),
        "resolveComplaint": (agent_then, complained()),
        "rejectComplaint": (agent_then, complained()),
    }
    return {mutation: (person, INPUTS[mutation] | subject) for mutation, (person, subject) in subjects.items()}
