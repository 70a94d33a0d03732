"""Whatever can happen to an order, a dispute and a complaint, with the invariants of tests/machine.py."""

from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule, run_state_machine_as_test

from schema.scalars import parse_instant, spell_instant
from tests.actions import INPUTS
from tests.conftest import DAY, MOMENT, NOW, Person, Server
from tests.machine import Machine

FACTS = ("paymentSubmittedAt", "paidAt", "shippedAt", "completedAt", "cancelledAt")
HOUR = timedelta(hours=1)


class OrderMachine(Machine):
    # The instants at which something can change are days from something; so are the steps of the clock.
    steps = (MOMENT, HOUR, DAY, 7 * DAY, 30 * DAY, 60 * DAY, 90 * DAY, 30 * DAY - MOMENT, 60 * DAY + MOMENT)

    @initialize(
        kind=st.sampled_from(["TRADE_ASSURANCE", "SECURE_PAYMENT", "OFFLINE"]), facts=st.sets(st.sampled_from(FACTS))
    )
    def place(self, kind: str, facts: set[str]) -> None:
        self.record = self.world.record(kind, placedAt=1, **dict.fromkeys(facts, 0))
        self.id = self.tell()

    def tell(self) -> str:
        self.record["recordedAt"] = spell_instant(self.now)
        payload = self.world.service.at(self.now).succeed("recordOrders", {"orders": [self.record]}, "orders { id }")
        return payload["orders"][0]["id"]

    def subjects(self) -> list[str]:
        order = self.state(self.world.buyer, self.id)
        return [self.id, *([order["dispute"]["id"]] if order and order["dispute"] else [])]

    @rule(fact=st.sampled_from(FACTS), late=st.sampled_from([0, 0, 1, -2]), gone=st.booleans())
    def the_order_system_tells(self, fact: str, late: int, gone: bool) -> None:
        """`late`: the record comes days after what it tells, or before it."""
        self.pass_time()
        told = max(self.now - late * DAY, parse_instant(self.record["placedAt"]))
        self.record[fact] = None if gone else spell_instant(told)
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
            self.is_listed_as_it_is(person, "disputes", "DisputeStatus", state["status"], state["isFinal"], id)

    def is_listed_as_it_is(self, person: Person, name: str, enum: str, status: str, is_final: bool, id: str) -> None:
        if person.role == "AGENT":  # an agent's lists hold everybody's
            return
        asked = f"""query($s: [{enum}!], $o: Boolean) {{ viewer {{ is: {name}(filter: {{statuses: $s, open: $o}})
          {{ edges {{ node {{ id }} }} }} other: {name}(filter: {{open: {str(is_final).lower()}}}, orderBy: DUE_FIRST)
          {{ edges {{ node {{ id }} }} }} }} }}"""
        found = person.at(self.now).ask(asked, s=[status], o=not is_final)["viewer"]
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
    machine.server = server
    assert NOW.tzinfo is not None
    run_state_machine_as_test(machine, settings=settings(max_examples=examples, stateful_step_count=steps))


def test_orders(server: Server) -> None:
    run(OrderMachine, server, 40, 16)


def test_disputes(server: Server) -> None:
    run(DisputeMachine, server, 30, 16)


def test_complaints(server: Server) -> None:
    run(ComplaintMachine, server, 20, 12)
