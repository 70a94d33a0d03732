"""A world with one of everything, in which every word, amount and instant is unique."""

from copy import copy
from datetime import datetime, timedelta
from typing import Any

import httpx2

from models.enums import Role
from models.keys import new_id
from schema.scalars import spell_instant
from server.auth.tokens import development_token
from tests.conftest import DAY, NOW, Person, World
from tests.support.actions import AREAS, INPUTS
from tests.support.uploads import PNG, announce, bring

LATER = NOW + 4 * DAY  # after everything in the world has happened


class Filled(World):
    def __init__(self, http: httpx2.Client) -> None:
        self.mark = f"m{new_id().hex[-12:]}"
        self.random = int(self.mark[1:], 16)
        self.moment = timedelta(microseconds=self.random % 899_999 + 100_000)
        self.words: dict[str, str] = {}
        self.ids: dict[str, str] = {}
        self.orders: list[str] = []  # their numbers
        self.cases: list[str] = []
        super().__init__(http)
        self.words["the instants"] = f".{self.moment.microseconds:06}Z"
        self._fill()

    def person(self, role: Role) -> Person:
        person = super().person(role).at(NOW + self.moment)
        person.token = development_token(person.subject, role, self.word(f"the {role.lower()}'s name"))
        self.words[f"the {role.lower()}'s subject"] = person.subject
        return person

    def word(self, what: str, form: str = "{mark} {what}") -> str:
        """Returns a text that occurs nowhere else."""
        said = self.words[what] = form.format(mark=self.mark, what=what.replace("'", ""), digits=self.random % 10**10)
        return said

    def money(self, what: str, cents: int) -> dict[str, str]:
        amount = self.words[what] = f"{self.random % 800_000 + 100_000}.{cents:02}"
        return {"amount": amount, "currencyCode": "USD"}

    def record(self, kind: str = "TRADE_ASSURANCE", **changes: Any) -> dict[str, Any]:
        number = self.word("the orders' numbers", "N-{mark}-") + str(len(self.orders))
        self.orders.append(number)
        own: dict[str, Any] = {
            "number": number,
            "total": self.money("the total", 38),
            "items": [
                {
                    "title": self.word("an item"),
                    "quantity": 1,
                    "unitPrice": self.money("a price", 37),
                    "sku": self.word("an item's SKU"),
                    "imageUrl": self.word("an item's picture", "https://{mark}.pictures.example/lamp.png"),
                }
            ],
            "placedAt": 400,
        }
        for role in ("buyer", "supplier"):
            own[role] = {"subject": self.words[f"the {role}'s subject"], "name": self.words[f"the {role}'s name"]}
        if changes.get("paidAt") is not None:
            own["amountPaid"] = self.money("what is paid", 36)
        if "placedAt" not in changes:
            own |= {"shipBy": -2, "deliveredAt": 7}
        own |= changes
        for name, ago in own.items():
            if name.endswith(("At", "By")) and name != "recordedAt" and isinstance(ago, int):
                own[name] = spell_instant(NOW - ago * DAY + self.moment)
        return super().record(kind, **own)

    def at(self, now: datetime) -> "Filled":
        """The same world, with its people at another instant."""
        world = copy(self)
        for name in ("buyer", "supplier", "agent", "service"):
            setattr(world, name, getattr(self, name).at(now))
        return world

    def note(self, id: dict[str, str], type_name: str) -> str:
        self.ids[type_name] = id["id"]
        if "number" in id:
            self.cases.append(id["number"])
        return id["id"]

    def _fill(self) -> None:
        self.word("a key")
        self._cancelled()
        self._feedback()
        self._complaints()
        self._disputes()
        self._refunds()
        announce(self.buyer, name=self.word("an unused file", "{mark} unused.png"))
        self.ids["Upload"] = bring(self.buyer)
        viewer = self.buyer.ask("{ viewer { id account { id } } }")["viewer"]
        self.ids |= {"Viewer": viewer["id"], "Account": viewer["account"]["id"]}

    def _cancelled(self) -> None:
        order = {"orderId": self.order("SECURE_PAYMENT")}
        asking = order | {"reason": "OTHER", "note": self.word("the request's note")}
        asked = self.buyer.succeed("requestCancellation", asking, "cancellation { id number }")["cancellation"]
        self.note(asked, "Cancellation")
        self.supplier.succeed("declineCancellation", order | {"note": self.word("the refusal's note")})
        opening = {"description": self.word("the dispute"), "claim": self.money("the claim", 31)}
        self.buyer.succeed("openDispute", INPUTS["openDispute"] | order | opening)
        self.buyer.succeed("requestCancellation", asking)
        self.supplier.succeed("acceptCancellation", order)
        self.buyer.succeed("requestCancellation", asking | {"orderId": self.order("SECURE_PAYMENT")})

    def _feedback(self) -> None:
        order = {"orderId": self.order("SECURE_PAYMENT", paidAt=9, shippedAt=8, completedAt=7)}
        first = order | {"ratings": AREAS, "comment": self.word("the first comment")}
        self.note(self.buyer.succeed("leaveFeedback", first, "feedback { id }")["feedback"], "Feedback")
        self.supplier.succeed("replyToFeedback", order | {"text": self.word("the reply")})
        self.buyer.succeed("reviseFeedback", order | {"ratings": AREAS, "comment": self.word("the comment")})
        self.ids["Order"] = order["orderId"]
        self.order(completedAt=1)
        waiting = {"orderId": self.order(completedAt=1)}
        self.buyer.succeed("leaveFeedback", waiting | {"ratings": {"overall": 1}})
        self.supplier.succeed("replyToFeedback", waiting | {"text": self.word("the reply")})

    def _complaints(self) -> None:
        filing = INPUTS["fileComplaint"] | {
            "description": self.word("the complaint"),
            "contact": {
                "email": self.word("the contact's e-mail", "{mark}@contact.example"),
                "phone": self.word("the contact's phone", "+4930{digits:08}"),
            },
            "amount": self.money("what the complaint is about", 41),
            "evidence": [bring(self.buyer, name=self.word("the complaint's file", "{mark} complaint.txt"))],
        }
        for name, what, form in (
            ("email", "the respondent's e-mail", "{mark}@respondent.example"),
            ("memberId", "the respondent's member id", "{mark} member"),
            ("url", "the respondent's page", "https://{mark}.example/lamp"),
        ):
            more: dict[str, Any] = {"respondent": {name: self.word(what, form)}, "evidence": []}
            self.buyer.succeed("fileComplaint", filing | more)
        order = self.ids["an order with a complaint"] = self.order("OFFLINE")
        filed = self.buyer.succeed("fileComplaint", filing | {"orderId": order}, "complaint { id number }")
        case = {"caseId": self.note(filed["complaint"], "Complaint")}
        post = {"text": self.word("the complaint's message"), "attachments": [bring(self.agent)]}
        self.agent.succeed("postComplaintMessage", case | post)
        decision = {"resolution": "REFUND", "amount": self.money("what the complaint brought", 40)}
        self.agent.succeed("resolveComplaint", case | decision | {"note": self.word("the complaint's end")})

    def _disputes(self) -> None:
        returns = (self._returning, self._received, self._refused)
        for ends in (self._agreed, *returns, self._appealed, self._decided, self._waiting):
            order = self.order(paidAt=9, shippedAt=8, **({"completedAt": 7} if ends == self._waiting else {}))
            items = self.buyer.ask("query($id: ID!) { node(id: $id) { ... on Order { items { id } } } }", id=order)
            opening = INPUTS["openDispute"] | {
                "orderId": order,
                "lines": [{"itemId": items["node"]["items"][0]["id"], "quantity": 1}],
                "description": self.word("the dispute"),
                "claim": self.money("the claim", 31),
                "evidence": [bring(self.buyer, name=self.word("the dispute's file", "{mark} dispute.txt"))],
            }
            if ends in returns:
                opening |= {"reason": "DAMAGED", "wanted": "RETURN_AND_REFUND"}
            opened = self.buyer.at(LATER - DAY + self.moment) if ends == self._waiting else self.buyer
            dispute = opened.succeed("openDispute", opening, "dispute { id number }")["dispute"]
            self.ids["Order"] = order
            if ends == self._agreed:
                self.ids |= {"an order with a refund": order, "a dispute with a refund": dispute["id"]}
            ends({"caseId": self.note(dispute, "Dispute")})
            if ends == self._agreed:
                shown = "query($id: ID!) { node(id: $id) { ... on Order { refunds { id } } } }"
                self.ids["a refund of a dispute"] = self.buyer.ask(shown, id=order)["node"]["refunds"][0]["id"]

    def _proposal(self) -> dict[str, Any]:
        amount = self.money("what is proposed", 30)
        return {"resolution": "PARTIAL_REFUND", "amount": amount, "note": self.word("the proposal's note")}

    def _agreed(self, case: dict[str, str]) -> None:
        self.supplier.succeed("proposeResolution", case | self._proposal())
        self.buyer.succeed("acceptProposal", case | {"note": self.word("the agreement's note")})

    def _decided(self, case: dict[str, str]) -> None:
        buyer, supplier, agent = (
            each.at(NOW + 3 * DAY + self.moment) for each in (self.buyer, self.supplier, self.agent)
        )
        self.supplier.succeed("rejectProposal", case | {"note": self.word("the rejection's note")})
        buyer.succeed("escalateDispute", case)
        asking = {"party": "SUPPLIER", "text": self.word("the request for evidence")}
        agent.succeed("requestEvidence", case | asking)
        file = bring(supplier, PNG, "image/png", self.word("the message's file", "{mark} message.png"))
        shown = "dispute { messages { edges { node { id attachments { id } } } } }"
        post = case | {"text": self.word("the message"), "attachments": [file]}
        posted = supplier.succeed("postDisputeMessage", post, shown)["dispute"]["messages"]["edges"][0]["node"]
        self.note(posted, "Message")
        self.note(posted["attachments"][0], "Attachment")
        decision = {"resolution": "REFUND", "amount": self.money("what was decided", 29)}
        agent.succeed("resolveDispute", case | decision | {"note": self.word("the decision's note")})

    def _returning(self, case: dict[str, str]) -> None:
        self.supplier.succeed("acceptProposal", case)

    def _sent_back(self, case: dict[str, str]) -> None:
        self.supplier.succeed("acceptProposal", case)
        self.supplier.succeed("provideReturnAddress", case | {"address": self.word("the return's address")})
        shipment = {"carrier": self.word("the carrier"), "trackingNumber": self.word("the tracking number")}
        self.buyer.succeed("confirmReturnShipped", case | shipment)

    def _received(self, case: dict[str, str]) -> None:
        self._sent_back(case)
        self.supplier.succeed("confirmReturnReceived", case | {"note": self.word("the receipt's note")})

    def _refused(self, case: dict[str, str]) -> None:
        self._sent_back(case)
        file = bring(self.supplier, name=self.word("the refusal's file", "{mark} refusal.txt"))
        why = {"note": self.word("why the return is refused"), "attachments": [file]}
        self.supplier.succeed("refuseReturn", case | why)

    def _appealed(self, case: dict[str, str]) -> None:
        self._decided(case)
        buyer = self.buyer.at(NOW + 3 * DAY + self.moment)
        file = bring(buyer, name=self.word("the appeal's file", "{mark} appeal.txt"))
        buyer.succeed("appealDecision", case | {"text": self.word("the appeal"), "attachments": [file]})

    def _refunds(self) -> None:
        order = self.order(paidAt=30, cancelledAt=20)
        self.buyer.succeed("reportMissingRefund", {"orderId": order, "note": self.word("the report's note")})
        shown = "query($id: ID!) { node(id: $id) { ... on Order { number cancellation { number } refunds { id } } } }"
        node = self.service.ask(shown, id=order)["node"]
        record = {
            "orderNumber": node["number"],
            "caseNumber": node["cancellation"]["number"],
            "amount": self.money("what was refunded", 28),
            "status": "SUCCEEDED",
            "reference": self.word("the refund's reference"),
            "recordedAt": spell_instant(NOW + self.moment),
        }
        [refund] = self.service.succeed("recordRefunds", {"refunds": [record]}, "refunds { id }")["refunds"]
        self.note(refund, "Refund")

    def _waiting(self, case: dict[str, str]) -> None:
        self.supplier.at(LATER - DAY + 2 * self.moment).succeed("proposeResolution", case | self._proposal())
        order = {"orderId": self.ids["Order"]}
        self.buyer.succeed("leaveFeedback", order | {"ratings": {"overall": 1}, "comment": self.word("the comment")})
