"""The README's examples work when pasted: its documents run, in order, against a demonstration."""

import json
import re
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from graphql import is_abstract_type, is_object_type

from models.enums import Role
from server.cli.demo import ACCOUNTS, BUYER
from tests.conftest import DIALECT, Person
from tests.support.paths import TYPES
from tests.support.processes import demonstrating, strangers_environment
from tests.support.uploads import bring

README = Path("README.md").read_text()
NAMES = {name: subject for subject, (_, name) in ACCOUNTS.items()}

# What differs from one demonstration to the next.
ID = re.compile(r"\b[a-z]{3}_[0-9a-f]{32}\b")
NUMBER = re.compile(r"\b[KDC]-\d{4}-\d{6}\b")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+Z")
TOLD_INSTANT = re.compile(r"\d{1,2} (?:de )?\w+ (?:de )?\d{4}, \d{1,2}:\d\d(?: UTC)?")  # in English or Spanish

ANSWER_AGAIN = re.compile(r"^(With `Accept-Language: .*?):\n\n```json\n(.*?)^```\n", re.MULTILINE | re.DOTALL)


@dataclass
class Example:
    """A document of the README, the person named last before it, and the answer below it, if there is one. `headers`
    are those that the prose above the answer names."""

    document: str
    subject: str
    answer: str | None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


def examples() -> list[Example]:
    found: list[Example] = []
    block = re.compile(r"^```graphql\n(.*?)^```\n(?:\n^```json\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
    for match in block.finditer(README):
        prose = re.sub(r"^```.*?^```$", "", README[: match.start()], flags=re.MULTILINE | re.DOTALL)
        named = re.findall("|".join(NAMES), prose)
        found.append(Example(match[1], NAMES[named[-1]], match[2]))
        # The same document in another language.
        for again in re.finditer(ANSWER_AGAIN, README[match.end() :].partition("```graphql")[0]):
            headers = dict(re.findall(r"`([\w-]+): ([^`]+)`", again[1]))
            found.append(Example(match[1], NAMES[named[-1]], again[2], headers))
    return found


class Demonstration:
    def __init__(self, said: str, http: httpx2.Client) -> None:
        self.http = http
        tokens = re.findall(r"^.* \(\w+, (\S+)\)\n  (\S+)$", said, re.MULTILINE)
        self.people = {subject: self._person(subject, token) for subject, token in tokens}

    def _person(self, subject: str, token: str) -> Person:
        person = Person(self.http, subject, ACCOUNTS[subject][0], now=None)
        person.token = token
        return person

    def ids(self) -> dict[str, Any]:
        """Returns the ids of everything that agents and the buyer read in lists."""
        orders = """orders(first: 100) { edges { node { number id items { title } cancellation { id } feedback { id }
          buyer { id } supplier { id }
          dispute { id proposals { id } messages { edges { node { id } } } evidence { id } } complaint { id } } } }"""
        asked = f"{{ viewer {{ id {orders} complaints {{ edges {{ node {{ id }} }} }} }} }}"
        found = self.people[BUYER].ask(asked)["viewer"]
        for edge in found["orders"]["edges"]:  # their order follows their instants
            found[edge["node"]["number"]] = edge["node"]
        del found["orders"]
        return found


@pytest.fixture(scope="module")
def demonstrate(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Any]:
    """Makes demonstrations, one after the other on one database."""
    environment = strangers_environment(new_database() if DIALECT == "postgres" else None)
    folder = tmp_path_factory.mktemp("demonstration")

    @contextmanager
    def demonstrate() -> Generator[Demonstration]:
        with demonstrating(folder, environment) as said:
            address = re.search(r"http://127.0.0.1:\d+", said)
            assert address, said
            with httpx2.Client(base_url=address[0], timeout=60) as http:
                yield Demonstration(said, http)

    return demonstrate


@pytest.mark.either
@pytest.mark.slow
def test_the_readmes_documents_run_in_order_and_answer_as_shown(demonstrate: Callable[[], Any]) -> None:
    """They also work with a second demonstration on the same database, which has the same ids."""
    first: dict[str, Any] | None = None
    for _ in range(2):
        with demonstrate() as demonstration:
            ids = demonstration.ids()
            assert first in (None, ids)
            first = ids
            all_named_are_there(demonstration)
            run_all(demonstration)
            keyed = demonstration.people[BUYER].succeed("cancelOrder", cancelling(ids), "order { id status }")
            assert keyed["order"]["status"] == "CANCELLED"


def cancelling(ids: dict[str, Any]) -> dict[str, Any]:
    """Cancels with an idempotency key, which must be unknown to a second demonstration."""
    return {"orderId": ids["DEMO-1001"]["id"], "reason": "OTHER", "idempotencyKey": "pasted"}


def run_all(demonstration: Demonstration) -> None:
    found = examples()
    assert len(found) >= 12
    latest_number = ""  # a document names the case whose number the answers before it showed last
    for example in found:
        person = demonstration.people[example.subject]
        document = NUMBER.sub(latest_number, example.document)
        if "upl_…" in document:
            document = document.replace("upl_…", bring(person))
        answer = person.send({"query": document}, **example.headers).json()
        latest_number = next(iter(NUMBER.findall(json.dumps(answer))), latest_number)
        del answer["extensions"]
        assert "errors" not in answer, (document, answer)
        if example.answer is not None:
            assert alike(answer) == alike(json.loads(example.answer)), document
        if document.startswith("mutation"):
            [payload] = answer["data"].values()
            assert payload["userErrors"] == []


def alike(answer: Any) -> str:
    """Returns the answer without the values that differ each time."""
    text = json.dumps(answer, indent=1)
    for pattern, kind in ((ID, "an id"), (NUMBER, "a number"), (INSTANT, "an instant"), (TOLD_INSTANT, "an instant")):
        text = pattern.sub(kind, text)
    return text


def all_named_are_there(demonstration: Demonstration) -> None:
    """Checks that every id in the README, also in shell commands, exists in the demonstration."""
    blocks = re.findall(r"^```(?:graphql|sh)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    asked = {id for block in blocks for id in ID.findall(block)}
    assert len(asked) >= 5
    for id in asked:
        node = demonstration.people[BUYER].ask("query($id: ID!) { node(id: $id) { id } }", id=id)["node"]
        assert node == {"id": id}


def test_all_accounts_of_the_demonstration_are_known() -> None:
    assert {role for role, _ in ACCOUNTS.values()} == set(Role)
    assert len(NAMES) == len(ACCOUNTS)


# ---------------------------------------------------------------- clients' caches


def test_the_types_without_an_id_are_listed() -> None:
    roots = {"Query", "Mutation", "Subscription"}
    # Both caches recognize these types by their names, as in Relay's connections.
    known = re.compile(r"__|PageInfo$|\w+(?:Connection|Edge)$")
    bare = [
        name
        for name, each in TYPES.items()
        if is_object_type(each) and "id" not in each.fields and name not in roots and not known.match(name)
    ]
    listed = re.search(r"^const WITHOUT_ID = \[(.*?)\];", README, re.MULTILINE | re.DOTALL)
    assert listed
    assert re.findall(r'"(\w+)"', listed[1]) == sorted(bare)


def test_the_possible_types_are_listed() -> None:
    for name, each in TYPES.items():
        if is_abstract_type(each):
            listed = re.search(rf"^    {name}: \[(.*?)\],$", README, re.MULTILINE | re.DOTALL)
            assert listed, name
            possible = [other for other, of in TYPES.items() if is_object_type(of) and each in of.interfaces]
            assert re.findall(r'"(\w+)"', listed[1]) == sorted(possible)
