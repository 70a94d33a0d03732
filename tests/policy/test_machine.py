"""State machines of an order, a dispute and a complaint, with the invariants of tests/support/machine.py."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule, run_state_machine_as_test

import models
from models.enums import DisputeReason, Role
from resolvers import policy
from schema.scalars import parse_instant, spell_instant
from tests.conftest import DAY, MOMENT, NOW, Person, Server
from tests.support.actions import INPUTS
from tests.support.machine import Machine

pytestmark = pytest.mark.slow

FACTS = ("paymentSubmittedAt", "paidAt", "shipBy", "shippedAt", "deliveredAt", "completedAt", "cancelledAt")
HOUR = timedelta(hours=1)
DISPUTE_OF = "query($id: ID!) { node(id: $id) { ... on Order { dispute { id } } } }"
WITHOUT_MONEY: dict[str, dict[str, Any]] = {
    "openDispute": {"wanted": "REPLACEMENT", "claim": None},
    "proposeResolution": {"resolution": "REPLACEMENT", "amount": None},
    "reviseClaim": {"wanted": "REPLACEMENT", "claim": None},
}


class OrderMachine(Machine):
    # Windows and deadlines are counted in days, and so are the steps of the clock.
    steps = (MOMENT, HOUR, DAY, 7 * DAY, 30 * DAY, 60 * DAY, 90 * DAY, 30 * DAY - MOMENT, 60 * DAY + MOMENT)

    @initialize(
        kind=st.sampled_from(["TRADE_ASSURANCE", "SECURE_PAYMENT", "OFFLINE"]), facts=st.sets(st.sampled_from(FACTS))
    )
    def place(self, kind: str, facts: set[str]) -> None:
        self.record = self.world.record(kind, placedAt=1, **dict.fromkeys(facts, 0))
        self.id = self.tell()

    record: dict[str, Any]

    def tell(self) -> str:
        if not self.record.get("paidAt"):
            self.record.pop("amountPaid", None)
        self.record["recordedAt"] = spell_instant(self.now)
        payload = self.world.service.at(self.now).succeed("recordOrders", {"orders": [self.record]}, "orders { id }")
        return payload["orders"][0]["id"]

    def input(self, mutation: str) -> dict[str, Any]:
        """Leaves the amount out if too little can be claimed. Amounts are no part of the decision."""
        input = super().input(mutation)
        least = {"openDispute": 100, "proposeResolution": 50, "reviseClaim": 75}.get(mutation, 0)
        return input if not least or self.most() >= least else input | WITHOUT_MONEY[mutation]

    def most(self) -> int:
        """Returns what can be claimed, in cents."""
        order = self.order()
        return policy.claimable_amount(order, DisputeReason.LATE) if order.currency == "USD" else 0

    def order(self) -> Any:
        async def read() -> models.Order | None:
            return await models.Order.get_or_none(number=self.record["number"])

        return self.server.run(read)

    def subjects(self) -> list[str]:
        order = self.world.buyer.at(self.now).ask(DISPUTE_OF, id=self.id)["node"]
        return [self.id, *([order["dispute"]["id"]] if order["dispute"] else [])]

    @rule(fact=st.sampled_from(FACTS), late=st.sampled_from([0, 0, 1, -2]), gone=st.booleans())
    def the_order_system_tells(self, fact: str, late: int, gone: bool) -> None:
        """Records the order. `late`: the record arrives days after its facts, or before them."""
        self.pass_time()
        told = max(self.now - late * DAY, parse_instant(self.record["placedAt"]))
        self.record[fact] = None if gone else spell_instant(told)
        self.tell()

    @rule(paid=st.sampled_from([None, "0.40", "0.50", "1.00"]), currency=st.sampled_from(["USD", "USD", "EUR"]))
    def the_order_system_corrects(self, paid: str | None, currency: str) -> None:
        """Changes what was paid, and in which currency. That stays while money is owed."""
        self.pass_time()
        before = self.record
        total = {"amount": "100.00", "currencyCode": currency}
        self.record = before | {"total": total, "items": [{"title": "Lamp", "quantity": 1, "unitPrice": total}]}
        self.record["amountPaid"] = total | ({"amount": paid} if paid else {})
        if not self.record.get("paidAt"):
            self.record.pop("amountPaid")
        known = self.order()  # a complaint's may not be on record
        if currency != before["total"]["currencyCode"] and known is not None and known.amount_owed:
            self.record["recordedAt"] = spell_instant(self.now)
            problems = self.world.service.at(self.now).problems("recordOrders", {"orders": [self.record]})
            assert problems == {("orders.0.total.currencyCode", "OTHER")}
            self.record = before
        else:
            self.tell()


class DisputeMachine(OrderMachine):
    steps = (MOMENT, HOUR, 3 * DAY - MOMENT, 3 * DAY, 5 * DAY, 5 * DAY + MOMENT, 7 * DAY, 7 * DAY + MOMENT)

    @initialize(shipped=st.booleans())
    def place(self, shipped: bool) -> None:  # type: ignore[override]
        facts = {"shippedAt": 0} if shipped else {"paidAt": 0}
        self.record = self.world.record("SECURE_PAYMENT" if shipped else "TRADE_ASSURANCE", placedAt=1, **facts)
        self.id = self.tell()
        self.pass_time()
        self.world.buyer.at(self.now).succeed("openDispute", INPUTS["openDispute"] | {"orderId": self.id})

    def people(self) -> list[Person]:
        return [self.world.buyer, self.world.supplier, self.world.agent]

    def check(self, person: Person, id: str, state: dict[str, Any]) -> None:
        super().check(person, id, state)
        if "status" in state:
            is_closed = state["closedAt"] is not None
            assert is_closed or not state["isFinal"]
            self.is_listed_as_it_is(person, "disputes", "DisputeStatus", state["status"], is_closed, id)

    def is_listed_as_it_is(self, person: Person, name: str, enum: str, status: str, is_closed: bool, id: str) -> None:
        if person.role is Role.AGENT:  # an agent's lists have everybody's cases
            return
        asked = f"""query($s: [{enum}!], $o: Boolean) {{ viewer {{ is: {name}(filter: {{statuses: $s, open: $o}})
          {{ edges {{ node {{ id }} }} }} other: {name}(filter: {{open: {str(is_closed).lower()}}}, orderBy: DUE_FIRST)
          {{ edges {{ node {{ id }} }} }} }} }}"""
        found = person.at(self.now).ask(asked, s=[status], o=not is_closed)["viewer"]
        assert {"node": {"id": id}} in found["is"]["edges"]
        assert {"node": {"id": id}} not in found["other"]["edges"]


class ComplaintMachine(DisputeMachine):
    steps = (MOMENT, HOUR, DAY, 5 * DAY, 5 * DAY + MOMENT)

    @initialize(recorded=st.booleans())
    def place(self, recorded: bool) -> None:  # type: ignore[override]
        self.record = self.world.record("OFFLINE", placedAt=1)
        about: dict[str, Any] = {"orderId": self.tell()} if recorded else {"respondent": {"memberId": "x"}}
        self.pass_time()
        self.filed = INPUTS["fileComplaint"] | about
        self.id = self.file()

    def file(self) -> str:
        shown = "complaint { id }"
        return self.world.buyer.at(self.now).succeed("fileComplaint", self.filed, shown)["complaint"]["id"]

    def subjects(self) -> list[str]:
        return [self.id, *([self.filed["orderId"]] if "orderId" in self.filed else [])]

    def people(self) -> list[Person]:
        return [self.world.buyer, self.world.agent]

    def check(self, person: Person, id: str, state: dict[str, Any]) -> None:
        super().check(person, id, state)
        if status := state.get("complaintStatus"):
            self.is_listed_as_it_is(person, "complaints", "ComplaintStatus", status, state["isFinal"], id)


def run(machine: type[Machine], server: Server, examples: int, steps: int) -> None:
    """Each database runs as many examples, of its own: the rules are the same on both."""
    machine.server = server
    assert NOW.tzinfo is not None
    run_state_machine_as_test(machine, settings=settings(max_examples=examples, stateful_step_count=steps))


def test_orders_keep_every_invariant(server: Server) -> None:
    run(OrderMachine, server, 20, 16)


def test_disputes_keep_every_invariant(server: Server) -> None:
    run(DisputeMachine, server, 12, 16)


def test_complaints_keep_every_invariant(server: Server) -> None:
    run(ComplaintMachine, server, 10, 12)
