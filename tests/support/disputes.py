"""Drives a dispute through its states, as the people in it do."""

from datetime import datetime, timedelta
from typing import Any

from schema.scalars import spell_instant
from tests.conftest import DAY, NOW, Person, World, usd
from tests.support.uploads import bring

SHOWN = """id number status isFinal viewerState openedAt closedAt respondBy escalatesAt wanted claim { amount }
  outcome { resolution amount { amount } by { role } at note }
  proposal { resolution amount { amount } accepted by { role } }
  proposals { resolution amount { amount } accepted by { role } }
  returnShipment { status respondBy address carrier trackingNumber shippedAt receivedAt note }
  refund { id status amount { amount } owedSince dueBy }
  refunds { id status amount { amount } owedSince }
  appeal { by { role } at text decision { resolution amount { amount } by { role } at note } }
  evidence { filename } nextChangeAt availableActions { action }
  timeline(first: 100) { edges { node { at text note by { role } } } }
  messages(first: 100) { edges { node { text } } }"""
CASE = f"query($id: ID!) {{ node(id: $id) {{ ... on Dispute {{ {SHOWN} }} }} }}"
ORDER = """query($id: ID!) { node(id: $id) { ... on Order { nextChangeAt
  dispute { number }
  openDispute: decision(action: OPEN_DISPUTE) { allowed reason opensAt }
  refunds { id status amount { amount } owedSince }
  timeline(first: 100) { edges { node { at text } } } } } }"""
DECISIONS = """query($id: ID!, $action: Action!, $at: DateTime) { node(id: $id) { ... on Dispute {
  decision(action: $action, at: $at) { allowed reason opensAt closesAt } } } }"""


def at(instant: datetime) -> str:
    """Returns the instant as the API writes it."""
    return spell_instant(instant)


class Disputed:
    """A dispute about an order of 100 dollars, whose claim is 60. `now` is the instant of what is done next."""

    def __init__(
        self,
        world: World,
        *,
        kind: str = "TRADE_ASSURANCE",
        facts: dict[str, Any] | None = None,
        now: datetime = NOW,
        **wish: Any,
    ) -> None:
        self.world, self.now = world, now
        instants = {"placedAt": 40, "paidAt": 30, "shippedAt": 20} | (facts or {})
        since = {name: at(now - days * DAY) for name, days in instants.items() if isinstance(days, int | float)}
        self.record = world.record(kind, **(instants | since), recordedAt=at(now))
        [order] = self.person("service").succeed("recordOrders", {"orders": [self.record]}, "orders { id }")["orders"]
        self.order: str = order["id"]
        wish = {"reason": "DAMAGED", "wanted": "RETURN_AND_REFUND", "claim": usd("60.00")} | wish
        input = {"orderId": self.order, "description": "Broken."} | wish
        opened = self.person("buyer").succeed("openDispute", input, "dispute { id number }")["dispute"]
        self.id, self.number = opened["id"], opened["number"]
        self.case = {"caseId": self.id}

    def person(self, role: str, now: datetime | None = None) -> Person:
        person: Person = getattr(self.world, role)
        return person.at(now or self.now)

    def after(self, span: timedelta) -> "Disputed":
        self.now += span
        return self

    def do(self, role: str, mutation: str, **input: Any) -> Any:
        """Does it, and returns the dispute as that person sees it then."""
        return self.person(role).succeed(mutation, self.case | input, f"dispute {{ {SHOWN} }}")["dispute"]

    def refused(self, role: str, mutation: str, **input: Any) -> str:
        return self.person(role).refused(mutation, self.case | input)

    def problems(self, role: str, mutation: str, **input: Any) -> set[tuple[str, str]]:
        return self.person(role).problems(mutation, self.case | input)

    def seen(self, role: str = "buyer", now: datetime | None = None) -> Any:
        return self.person(role, now).ask(CASE, id=self.id)["node"]

    def order_seen(self, role: str = "buyer", now: datetime | None = None) -> Any:
        return self.person(role, now).ask(ORDER, id=self.order)["node"]

    def decision(self, action: str, role: str, now: datetime | None = None, at: datetime | None = None) -> Any:
        """Returns the decision now, or the one at another instant."""
        then = None if at is None else spell_instant(at)
        return self.person(role, now).ask(DECISIONS, id=self.id, action=action, at=then)["node"]["decision"]

    def file(self, role: str) -> str:
        return bring(self.person(role))

    # ---------------------------------------------------------------- the way through the states

    def escalated(self) -> "Disputed":
        self.after(3 * DAY).do("buyer", "escalateDispute")
        return self

    def decided(self, resolution: str = "RETURN_AND_REFUND", amount: str | None = "60.00") -> "Disputed":
        """An agent decides it, a day after it was escalated."""
        money = usd(amount) if amount is not None else None
        self.after(DAY).do("agent", "resolveDispute", resolution=resolution, amount=money, note="So it is.")
        return self

    def agreed(self) -> "Disputed":
        """The supplier accepts the buyer's wish."""
        self.do("supplier", "acceptProposal")
        return self

    def addressed(self) -> "Disputed":
        self.after(DAY).do("supplier", "provideReturnAddress", address="Hall 3\nPort Road 1")
        return self

    def sent_back(self) -> "Disputed":
        self.after(DAY).do("buyer", "confirmReturnShipped", carrier="DHL", trackingNumber="00 123")
        return self

    def received(self) -> "Disputed":
        self.after(DAY).do("supplier", "confirmReturnReceived")
        return self

    def return_refused(self) -> "Disputed":
        self.after(DAY).do("supplier", "refuseReturn", note="Empty box.")
        return self

    def appealed(self, role: str = "buyer") -> "Disputed":
        self.do(role, "appealDecision", text="Look again.", attachments=[self.file(role)])
        return self

    def refund_record(self, status: str, amount: str = "60.00", *, of_case: bool = True) -> dict[str, Any]:
        """Returns a record of a refund of the dispute, or of one of the order system's own."""
        return {
            "orderNumber": self.record["number"],
            "caseNumber": self.number if of_case else None,
            "amount": usd(amount),
            "status": status,
            "reference": f"R-{self.number}{'' if of_case else '-own'}",
            "recordedAt": at(self.now),
        }

    def tell_refund(self, status: str, amount: str = "60.00", *, of_case: bool = True) -> Any:
        """Tells that refund. Returns the payload."""
        record = self.refund_record(status, amount, of_case=of_case)
        return self.person("service").succeed("recordRefunds", {"refunds": [record]}, "refunds { id status }")

    def record_again(self, **changes: Any) -> None:
        """Sends a newer record of the order."""
        self.record |= changes | {"recordedAt": at(self.now)}
        self.person("service").succeed("recordOrders", {"orders": [self.record]})


def texts(shown: Any) -> list[str]:
    return [edge["node"]["text"] for edge in shown["timeline"]["edges"]]
