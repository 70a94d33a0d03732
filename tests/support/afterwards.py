"""What a decision says of the time after its action, held against what the order or case then shows."""

from typing import Any

from models.enums import Action
from resolvers import ids
from tests.conftest import Person

DECISION = "action allowed label reason message opensAt closesAt"
SAID = f"""query($id: ID!, $action: Action!) {{ node(id: $id) {{ ... on Actionable {{ availableActions {{ {DECISION} }}
  decision(action: $action) {{ afterwards {{ isFinal waitsFor until
    opens {{ {DECISION} }} closes {{ {DECISION} }} }} }} }} }} }}"""
ONE = """query($id: ID!, $action: Action!) { node(id: $id) { ... on Actionable {
  decision(action: $action) { allowed closesAt } } } }"""
STANDS = {
    "cancellation": "cancellation { isFinal viewerState respondBy }",
    "dispute": "dispute { isFinal viewerState respondBy returnShipment { respondBy } }",
    "complaint": "complaint { isFinal viewerState complaintStatus: status replyExpectedBy }",
}
NEXT_ON_FEEDBACK = {
    Action.LEAVE_FEEDBACK: Action.REPLY_TO_FEEDBACK,
    Action.REPLY_TO_FEEDBACK: Action.REVISE_FEEDBACK,
    Action.REVISE_FEEDBACK: None,
}
CASES = {Action.OPEN_DISPUTE: "dispute", Action.FILE_COMPLAINT: "complaint"}


class Prediction:
    """What `afterwards` says before an action, for the person who does it."""

    def __init__(self, person: Person, action: Action, id: str) -> None:
        self.person, self.action, self.id = person, action, id
        node = person.ask(SAID, id=id, action=action)["node"]
        self.before = {decision["action"]: decision for decision in node["availableActions"]}
        self.said = node["decision"]["afterwards"]
        self.case = CASES.get(action)
        decoded = ids.decode(id)
        assert decoded is not None
        self.subject = decoded[0].lower()
        if action.endswith("_CANCELLATION") or action is Action.CANCEL_ORDER:
            self.case = "cancellation"
        elif self.subject != "order":
            self.case = self.subject

    @property
    def shows(self) -> str:
        """What the mutation has to answer beside its errors."""
        closes = " ".join(
            f"{decision['action']}: decision(action: {decision['action']}) {{ {DECISION} }}"
            for decision in self.said["closes"]
        )
        subject = f"{self.subject} {{ availableActions {{ {DECISION} }} {closes} }}"
        return f"{subject} {STANDS[self.case]}" if self.case else subject

    def holds(self, payload: dict[str, Any], people: list[Person]) -> None:
        """Fails unless the payload, and these people, are shown what was said. All of it is as of one instant."""
        said, subject = self.said, payload[self.subject]
        after = {decision["action"]: decision for decision in subject["availableActions"]}
        assert {d["action"]: d for d in said["opens"]} == {a: d for a, d in after.items() if a not in self.before}
        assert {d["action"] for d in said["closes"]} == self.before.keys() - after.keys(), self.action
        assert said["closes"] == [subject[decision["action"]] for decision in said["closes"]], self.action
        if self.case:
            shown = payload[self.case]
            assert said["isFinal"] == shown["isFinal"], self.action
            assert self._viewer_state() == shown["viewerState"], self.action
            assert said["until"] == _until(shown), self.action
        elif self.action in NEXT_ON_FEEDBACK:
            action = NEXT_ON_FEEDBACK[self.action]
            assert said["isFinal"] == (action is None)
            for person in people if action else []:
                decision = person.at(self.person.now).ask(ONE, id=self.id, action=action)["node"]["decision"]
                assert decision["allowed"] == (said["waitsFor"] == person.role.value)
                assert decision["allowed"] is False or decision["closesAt"] == said["until"]

    def _viewer_state(self) -> str:
        role = self.said["waitsFor"]
        if role is None:
            return "CLOSED"
        if role == self.person.role.value:
            return "ACTION_REQUIRED"
        return "UNDER_REVIEW" if role == "AGENT" else "WAITING_FOR_OTHER_PARTY"


def is_plain(input: dict[str, Any]) -> bool:
    """Returns whether the input does what a plain one does. A return is decided in no plain input."""
    decides_return = "note" in input and input.get("resolution") == "RETURN_AND_REFUND"
    return not decides_return and input.get("party") != "SUPPLIER"


def _until(case: dict[str, Any]) -> str | None:
    if case.get("complaintStatus") == "SUBMITTED":
        return case["replyExpectedBy"]
    returning = case.get("returnShipment") or {}
    return returning.get("respondBy") or case.get("respondBy")
