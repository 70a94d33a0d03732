"""Invariants over whatever can happen to an order: what availableActions lists succeeds and nothing else does, in the
words of the decision; time changes it exactly when nextChangeAt says; and what was decided once reads the same later."""

from datetime import timedelta
from typing import Any

import httpx2
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from models.enums import Action
from schema.scalars import parse_instant, spell_instant
from tests.conftest import DAY, MOMENT, NOW, Person, Server, World, usd
from tests.test_rights import INPUTS

AREAS = {"areas": {"productAsAgreed": 3, "communication": 4, "shippingTime": 5}}
MUTATIONS = {
    action: "".join(word.capitalize() if place else word for place, word in enumerate(action.lower().split("_")))
    for action in Action
}
ON_ORDERS = [action for action in Action if MUTATIONS[action] in INPUTS and action is not Action.WITHDRAW_DISPUTE]
DECISION = "allowed label reason message opensAt closesAt"
ALL_DECISIONS = " ".join(f"{action}: decision(action: {action}, at: $at) {{ {DECISION} }}" for action in Action)
ON_ORDER = f"""query($id: ID!, $at: DateTime) {{ node(id: $id) {{ ... on Order {{
  {ALL_DECISIONS} availableActions {{ action {DECISION} }} canLeaveFeedback feedbackDeadline revisionDeadline
  nextChangeAt dispute {{ id {ALL_DECISIONS} availableActions {{ action }} }} }} }} }}"""
REPLAY = f"query($id: ID!, $at: DateTime) {{ node(id: $id) {{ ... on Order {{ {ALL_DECISIONS} }} ... on Dispute {{ {ALL_DECISIONS} }} }} }}"
FACTS = ("paymentSubmittedAt", "paidAt", "shippedAt", "completedAt", "cancelledAt")

# The instants at which something can change are days from something; so are the steps of the clock.
STEPS = st.one_of(
    st.sampled_from([MOMENT, timedelta(hours=1), DAY, 7 * DAY, 30 * DAY, 60 * DAY, 90 * DAY]),
    st.sampled_from([30 * DAY - MOMENT, 60 * DAY + MOMENT]),
)


class OrderMachine(RuleBasedStateMachine):
    server: Server

    def __init__(self) -> None:
        super().__init__()
        self.http = httpx2.Client(base_url=self.server.url, timeout=30)
        self.world = World(self.http)
        self.now = NOW
        self.remembered: list[tuple[Person, str, str, dict[str, Any]]] = []

    def teardown(self) -> None:
        try:
            for person, id, at, decisions in self.remembered:
                replayed = person.at(self.now + DAY).ask(REPLAY, id=id, at=at)["node"]
                assert replayed == decisions, f"at {at}"
        finally:
            self.http.close()

    @property
    def people(self) -> list[Person]:
        return [self.world.buyer.at(self.now), self.world.supplier.at(self.now)]

    @initialize(
        kind=st.sampled_from(["TRADE_ASSURANCE", "SECURE_PAYMENT", "OFFLINE"]), facts=st.sets(st.sampled_from(FACTS))
    )
    def place(self, kind: str, facts: set[str]) -> None:
        self.kind = kind
        self.record = self.world.record(kind, placedAt=1, **dict.fromkeys(facts, 0))
        self.id = self._tell()

    def _tell(self) -> str:
        self.record["recordedAt"] = spell_instant(self.now)
        payload = self.world.service.at(self.now).succeed("recordOrders", {"orders": [self.record]}, "orders { id }")
        return payload["orders"][0]["id"]

    def _pass(self, time: timedelta) -> None:
        self.now += time

    def _state(self, person: Person) -> dict[str, Any]:
        return person.ask(ON_ORDER, id=self.id)["node"]

    @rule(time=STEPS)
    def time_passes(self, time: timedelta) -> None:
        self._pass(time)

    @rule(fact=st.sampled_from(FACTS), late=st.sampled_from([0, 0, 1, -2]), gone=st.booleans())
    def the_order_system_tells(self, fact: str, late: int, gone: bool) -> None:
        """`late`: the record comes days after what it tells, or before it."""
        self._pass(MOMENT)
        told = max(self.now - late * DAY, parse_instant(self.record["placedAt"]))
        self.record[fact] = None if gone else spell_instant(told)
        self._tell()

    @rule(data=st.data())
    def somebody_tries(self, data: st.DataObject) -> None:
        self._pass(MOMENT)
        person = data.draw(st.sampled_from(self.people))
        state = self._state(person)
        open_now = [decision["action"] for decision in state["availableActions"]]
        # Half of the time something that will succeed, so that the machine gets somewhere.
        action = data.draw(st.one_of(st.sampled_from(open_now or ON_ORDERS), st.sampled_from(ON_ORDERS)))
        self._attempt(person, Action(action), {"orderId": self.id}, state)

    @precondition(lambda self: self._has_dispute())
    @rule(data=st.data())
    def somebody_withdraws_the_dispute(self, data: st.DataObject) -> None:
        self._pass(MOMENT)
        person = data.draw(st.sampled_from(self.people))
        dispute = self._state(person)["dispute"]
        self._attempt(person, Action.WITHDRAW_DISPUTE, {"caseId": dispute["id"]}, dispute)

    def _has_dispute(self) -> bool:
        return self._state(self.people[0])["dispute"] is not None

    def _attempt(self, person: Person, action: Action, subject: dict[str, str], state: dict[str, Any]) -> None:
        input = INPUTS[MUTATIONS[action]] | subject
        if "ratings" in input and self.kind == "SECURE_PAYMENT":
            input["ratings"] = AREAS
        if action is Action.OPEN_DISPUTE:
            input["claim"] = usd("1.00")
        errors = person.do(MUTATIONS[action], input)["userErrors"]
        allowed = action in [decision["action"] for decision in state["availableActions"]]
        assert allowed == state[action]["allowed"]
        assert [error["code"] for error in errors] == ([] if allowed else [state[action]["reason"]]), action
        if not allowed:
            assert errors[0]["message"] == state[action]["message"]

    @invariant()
    def what_is_said_agrees_with_itself_and_is_remembered(self) -> None:
        self._pass(MOMENT)
        for person in self.people:
            state = self._state(person)
            decisions = {action.value: state[action] for action in Action}
            listed = {decision.pop("action"): decision for decision in state["availableActions"]}
            assert listed == {action: decision for action, decision in decisions.items() if decision["allowed"]}
            assert state["canLeaveFeedback"] == decisions["LEAVE_FEEDBACK"]["allowed"]
            if listed.get("LEAVE_FEEDBACK"):
                assert state["feedbackDeadline"] == decisions["LEAVE_FEEDBACK"]["closesAt"]
            if listed.get("REVISE_FEEDBACK"):
                assert state["revisionDeadline"] == decisions["REVISE_FEEDBACK"]["closesAt"]
            at = spell_instant(self.now)
            self.remembered.append((person, self.id, at, decisions))
            if dispute := state["dispute"]:
                cases = {action.value: dispute[action] for action in Action}
                self.remembered.append((person, dispute["id"], at, cases))
            self._changes_when_it_says(person, state["nextChangeAt"], set(listed))

    def _changes_when_it_says(self, person: Person, at: str | None, now: set[str]) -> None:
        def listed(instant: Any) -> set[str]:
            state = self._state(person.at(instant))
            return {decision["action"] for decision in state["availableActions"]}

        if at is None:
            assert listed(self.now + 400 * DAY) == now
        else:
            assert listed(parse_instant(at) - MOMENT) == now
            assert listed(parse_instant(at)) != now


def test_orders(server: Server) -> None:
    OrderMachine.server = server
    run_state_machine_as_test(OrderMachine, settings=settings(max_examples=50, stateful_step_count=18))
