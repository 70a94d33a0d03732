"""A cursor belongs to one list: the cursors of every list are tried on every other list."""

import base64
from collections.abc import Generator
from typing import Any

import httpx2
import pytest

from tests.conftest import Person, Server
from tests.support.filled import LATER, Filled
from tests.support.paths import TYPES, paged


class Lists:
    """Every list of a world with one object of each type. A list that can be sorted is there once for each order, and a
    list of an order or a dispute is there for two of them."""

    def __init__(self, world: Filled) -> None:
        self.world = world
        ids = {name: world.ids[name] for name in ("Order", "Dispute", "Complaint", "Cancellation")}
        self._post(ids["Dispute"])
        self.documents = paged(ids)
        for name in [name for name in self.documents if name.startswith("Viewer.")]:
            if "orderBy" in TYPES["Viewer"].fields[name.partition(".")[2]].args:
                document = self.documents.pop(name)
                for value in TYPES["CaseOrder"].values:
                    self.documents[f"{name} {value}"] = document.replace("%", f"%, orderBy: {value}")
        self.documents |= {f"{name} of another": document for name, document in self._others(ids).items()}

    def _others(self, ids: dict[str, str]) -> dict[str, str]:
        """Returns the lists of other orders and disputes."""
        order = self.world.order(paidAt=9)
        opening = {"orderId": order, "reason": "OTHER", "description": "x", "wanted": "REPLACEMENT"}
        dispute = self.world.buyer.succeed("openDispute", opening, "dispute { id }")["dispute"]["id"]
        self._post(dispute)
        others = paged(ids | {"Order": order, "Dispute": dispute})
        return {name: document for name, document in others.items() if name.startswith(("Order.", "Dispute."))}

    def _post(self, dispute: str) -> None:
        self.world.buyer.at(LATER).succeed("postDisputeMessage", {"caseId": dispute, "text": "x"})

    def person(self, name: str) -> Person:
        return (self.world.service if name.startswith("Query.") else self.world.buyer).at(LATER)

    def answer(self, name: str, **arguments: str) -> dict[str, Any]:
        spelled = ", ".join(["first: 1", *(f'{name}: "{value}"' for name, value in arguments.items())])
        return self.person(name).answer(self.documents[name].replace("%", spelled))

    def cursor(self, name: str) -> str:
        found: Any = self.answer(name)["data"]
        while "endCursor" not in found:
            found = next(iter(found.values()))
        assert found["endCursor"], name
        return found["endCursor"]


@pytest.fixture(scope="module")
def lists(server: Server) -> Generator[Lists]:
    with httpx2.Client(base_url=server.url, timeout=30) as http:
        yield Lists(Filled(http))


def ways(name: str) -> list[str]:
    """Returns the arguments of the list that take a cursor."""
    type_name, _, relation = name.partition(" ")[0].partition(".")
    return [way for way in ("after", "before") if way in TYPES[type_name].fields[relation].args]


def test_every_list_takes_its_own_cursors_and_no_others(lists: Lists) -> None:
    cursors = {name: lists.cursor(name) for name in lists.documents}
    assert len(cursors) > 12
    for name in lists.documents:
        for other, cursor in cursors.items():
            for way in ways(name):
                taken = "errors" not in lists.answer(name, **{way: cursor})
                assert taken == (name == other), f"{name}, {way} a cursor of {other}"


def test_a_foreign_cursor_is_refused_as_a_malformed_one_is(lists: Lists) -> None:
    foreign = lists.answer("Viewer.orders", after=lists.cursor("Viewer.feedback"))
    malformed = lists.answer("Viewer.orders", after="x")
    [error], [other] = foreign["errors"], malformed["errors"]
    assert error["extensions"] == other["extensions"] == {"code": "BAD_REQUEST"}
    assert error["message"] == other["message"]


@pytest.mark.parametrize("filter", ["can: OPEN_DISPUTE", 'search: "lamp"', "kinds: [OFFLINE]", "statuses: []"])
def test_a_cursor_is_good_under_every_filter(lists: Lists, filter: str) -> None:
    """A filter does not change the position that a cursor names."""
    cursor = lists.cursor("Viewer.orders")
    asked = f'{{ viewer {{ orders(after: "{cursor}", filter: {{{filter}}}) {{ edges {{ cursor }} }} }} }}'
    assert "errors" not in lists.person("Viewer.orders").answer(asked)


def test_a_cursor_of_one_thing_is_none_for_several(lists: Lists) -> None:
    ids = [lists.world.ids["Dispute"], lists.world.ids["Complaint"]]
    timelines = "... on Case { timeline(after: $after) { edges { cursor } } }"
    asked = f"query($ids: [ID!]!, $after: String) {{ nodes(ids: $ids) {{ {timelines} }} }}"
    cursor = lists.cursor("Dispute.timeline")
    assert "errors" not in lists.person("").answer(asked, ids=ids[:1], after=cursor)
    assert "errors" in lists.person("").answer(asked, ids=ids, after=cursor)


@pytest.mark.parametrize(
    ("text", "takers"),
    [("1749988800000000.7", {"Query.changes"}), (f"1749988800000000.{'0' * 31}7", set[str]())],
    ids=["with a number", "with a UUID"],
)
def test_of_cursors_that_name_no_list_those_of_changes_are_good(lists: Lists, text: str, takers: set[str]) -> None:
    """Earlier releases made cursors without the name of a list."""
    cursor = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    assert {name for name in lists.documents if "errors" not in lists.answer(name, after=cursor)} == takers


def test_cursors_of_changes_are_spelled_as_ever(lists: Lists) -> None:
    cursor = lists.cursor("Query.changes")
    text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    at, _, key = text.partition(".")
    assert at.isdecimal()
    assert key.isdecimal()
