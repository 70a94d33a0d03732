"""The invariants of every state machine. Available actions succeed; all others are refused with the decision's reason.
What a decision says of the time afterwards is then shown. Time changes decisions exactly at nextChangeAt. A replay
returns the same ones. Rows equal the folds of their events."""

from collections import defaultdict
from dataclasses import fields
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar, cast

import httpx2
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

import models
from models.enums import Action
from resolvers import ids, policy
from schema.scalars import parse_instant, spell_instant
from tests.conftest import DAY, MOMENT, NOW, Person, Server, World
from tests.support.actions import AREAS, INPUTS, MUTATIONS
from tests.support.afterwards import Prediction, is_plain
from tests.support.uploads import bring

DECISION = "allowed label reason message opensAt closesAt"
ALL_DECISIONS = " ".join(f"{action}: decision(action: {action}, at: $at) {{ {DECISION} }}" for action in Action)
STATE = f"""query($id: ID!, $at: DateTime) {{ node(id: $id) {{ ... on Actionable {{
  {ALL_DECISIONS} availableActions {{ action {DECISION} }} nextChangeAt }}
  ... on Order {{ kind canLeaveFeedback feedbackDeadline revisionDeadline dispute {{ id }} complaint {{ id }} }}
  ... on Dispute {{ status isFinal closedAt }} ... on Complaint {{ complaintStatus: status isFinal }}
}} }}"""
LISTED = "query($id: ID!) { node(id: $id) { ... on Actionable { availableActions { action } } } }"
AT_ONCE = 2  # decisions of so many instants are replayed in one request; a document has 500 fields at most
REPLAY = f"""query({", ".join(f"$id{n}: ID!, $at{n}: DateTime" for n in range(AT_ONCE))}) {{
  {" ".join(f"at{n}: node(id: $id{n}) {{ ... on Actionable {{ {ALL_DECISIONS.replace('$at', f'$at{n}')} }} }}" for n in range(AT_ONCE))}
}}"""


class Machine(RuleBasedStateMachine):
    """`id` is the first order or case to act on; `steps` are how far the clock may be moved at once."""

    server: ClassVar[Server]
    steps: ClassVar[tuple[timedelta, ...]]

    def __init__(self) -> None:
        super().__init__()
        self.http = httpx2.Client(base_url=self.server.url, timeout=30)
        self.world = World(self.http)
        self.now = NOW
        self.step = 0
        self.id = ""
        self.remembered: list[tuple[Person, str, str, dict[str, Any]]] = []

    def teardown(self) -> None:
        try:
            self.replay()
            for touched in {id for _, id, _, _ in self.remembered}:
                self.server.run(partial(row_is_fold_of_events, touched))
        finally:
            self.http.close()

    def replay(self) -> None:
        """Replays every decision that was seen, at its instant. The answers must be the same."""
        by_person: dict[str, list[tuple[Person, str, str, dict[str, Any]]]] = defaultdict(list)
        for remembered in self.remembered:
            by_person[remembered[0].subject].append(remembered)
        for of_one in by_person.values():
            for start in range(0, len(of_one), AT_ONCE):
                some = of_one[start : start + AT_ONCE]
                filled = some + some[:1] * (AT_ONCE - len(some))  # one document for all requests
                variables = {f"id{n}": id for n, (_, id, _, _) in enumerate(filled)}
                variables |= {f"at{n}": at for n, (_, _, at, _) in enumerate(filled)}
                replayed = some[0][0].at(self.now + DAY).ask(REPLAY, **variables)
                for n, (_, id, at, decisions) in enumerate(some):
                    assert replayed[f"at{n}"] == decisions, f"{id} at {at}"

    def people(self) -> list[Person]:
        return [self.world.buyer, self.world.supplier]

    def subjects(self) -> list[str]:
        return [self.id]

    def input(self, mutation: str) -> dict[str, Any]:
        """Returns a valid input, without the order or case that it is about."""
        return INPUTS[mutation]

    def pass_time(self, time: timedelta = MOMENT) -> None:
        self.now += time

    def state(self, person: Person, id: str) -> dict[str, Any] | None:
        return person.at(self.now).ask(STATE, id=id)["node"]

    @rule(data=st.data())
    def time_passes(self, data: st.DataObject) -> None:
        self.pass_time(data.draw(st.sampled_from(self.steps)))

    @rule(data=st.data())
    def somebody_tries(self, data: st.DataObject) -> None:
        self.pass_time()
        person, id = data.draw(st.sampled_from(self.people())), data.draw(st.sampled_from(self.subjects()))
        state = self.state(person, id)
        if state is None:
            return
        open_now = [Action(decision["action"]) for decision in state["availableActions"]]
        possible = [action for action in Action if state[action]["reason"] != "NOT_OFFERED"]
        # Half of the attempts will succeed, so that the machine reaches later states.
        action = data.draw(st.one_of(st.sampled_from(open_now or possible), st.sampled_from(possible)))
        self.attempt(person, action, id, state)

    def attempt(self, person: Person, action: Action, id: str, state: dict[str, Any]) -> None:
        mutation = MUTATIONS[action]
        input = self.input(mutation) | {("orderId" if id.startswith("ord") else "caseId"): id}
        if "ratings" in input and state["kind"] == "SECURE_PAYMENT":
            input["ratings"] = AREAS
        allowed = action in [decision["action"] for decision in state["availableActions"]]
        if action is Action.APPEAL_DECISION:
            input["attachments"] = [bring(person.at(None)) if allowed else "none"]
        elif action is Action.POST_DISPUTE_MESSAGE and allowed and state.get("status") == "EVIDENCE_REQUESTED":
            input["attachments"] = [bring(person.at(None))]
        said = Prediction(person.at(self.now), action, id) if allowed else None
        payload = person.at(self.now).do(mutation, input, said.shows if said else "")
        errors = payload["userErrors"]
        assert allowed == state[action]["allowed"]
        assert [error["code"] for error in errors] == ([] if allowed else [state[action]["reason"]]), action
        if not allowed:
            assert errors[0]["message"] == state[action]["message"]
        elif said is not None and is_plain(input):
            said.holds(payload, self.people())

    @invariant()
    def what_is_said_agrees_and_is_remembered(self) -> None:
        """Everybody reads one of the subjects, and another one at the next step."""
        self.pass_time()
        self.step += 1
        subjects = self.subjects() if self.id else []
        if not subjects:
            return
        id = subjects[self.step % len(subjects)]
        for person in self.people():
            state = self.state(person, id)
            if state is not None:
                self.check(person, id, state)

    def check(self, person: Person, id: str, state: dict[str, Any]) -> None:
        decisions = {action.value: state[action] for action in Action}
        listed = {decision.pop("action"): decision for decision in state["availableActions"]}
        assert listed == {action: decision for action, decision in decisions.items() if decision["allowed"]}
        if "canLeaveFeedback" in state:
            assert state["canLeaveFeedback"] == decisions["LEAVE_FEEDBACK"]["allowed"]
            if listed.get("LEAVE_FEEDBACK"):
                assert state["feedbackDeadline"] == decisions["LEAVE_FEEDBACK"]["closesAt"]
            if listed.get("REVISE_FEEDBACK"):
                assert state["revisionDeadline"] == decisions["REVISE_FEEDBACK"]["closesAt"]
        self.remembered.append((person, id, spell_instant(self.now), decisions))
        self._changes_when_it_says(person, id, state["nextChangeAt"], set(listed))

    def _changes_when_it_says(self, person: Person, id: str, at: str | None, now: set[str]) -> None:
        def listed(instant: Any) -> set[str]:
            found = person.at(instant).ask(LISTED, id=id)["node"]
            return {decision["action"] for decision in found["availableActions"]}

        if at is None:
            assert listed(self.now + 400 * DAY) == now
        else:
            assert listed(parse_instant(at) - MOMENT) == now
            assert listed(parse_instant(at)) != now


async def row_is_fold_of_events(id: str) -> None:
    decoded = ids.decode(id)
    assert decoded is not None
    type_name, key = decoded
    model: Any = getattr(models, type_name)
    row = await model.get(id=key)
    if type_name == "Order":
        start: Any = policy.OrderFacts(kind=row.kind, buyer_id=row.buyer_id, supplier_id=row.supplier_id)
        changes: list[Any] = [event.facts for event in await models.Event.filter(order_id=key).order_by("id")]
    else:
        changes = [event.case_facts or {} for event in await models.Event.filter(case_id=key).order_by("id")]
        start = (
            policy.DisputeFacts(buyer_id=row.buyer_id, supplier_id=row.supplier_id)
            if type_name == "Dispute"
            else policy.ComplaintFacts(complainant_id=row.complainant_id)
        )
    folded = policy.fold(start, changes)
    for name in _names(folded):
        assert getattr(folded, name) == getattr(row, name), name
    if type_name == "Dispute" and row.closed_at is None:
        order = await models.Order.get(id=row.order_id)
        claimable = policy.claimable_amount(cast("Any", order), row.reason)
        assert (row.claimable, row.claimable_currency) == (claimable, order.currency)


def _names(facts: Any) -> list[str]:
    return [field.name for field in fields(facts)]
