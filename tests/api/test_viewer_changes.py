"""`viewerChanged`: who hears of what, at what cost, and until when. Sockets use real time, and so do these orders."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import httpx2
import pytest

import models
from models.enums import Role
from resolvers import policy
from resolvers.account import Account
from resolvers.complaints.complaint import Complaint
from resolvers.context import Context
from resolvers.disputes.dispute import Dispute
from resolvers.feed.feed import CommittedEvent
from resolvers.feed.hub import MAX_BACKLOG, Hub, News
from resolvers.orders.order import Order as OrderRow
from resolvers.read.fetch import fetch
from resolvers.read.scopes import Visibility
from resolvers.read.select import Select
from resolvers.read.sql import EVERY_ROW
from resolvers.time_changes import time_changes
from schema import SCHEMA
from schema.scalars import parse_instant
from tests.conftest import DAY, NOW, Person, Server, Statements, World, usd
from tests.support.actions import INPUTS, everything_possible
from tests.support.subscriptions import ORDER, Socket, ago, complete, dispute, leave_feedback, now, opened, wait_until

IDS = "subscription { viewerChanged { order { id } relatedCase { __typename id } } }"
BUYER, SUPPLIER, AGENT, SERVICE = Role.BUYER, Role.SUPPLIER, Role.AGENT, Role.SERVICE
SECOND = timedelta(seconds=1)
OF_AN_ORDER = {BUYER, SUPPLIER, SERVICE}


@contextmanager
def watched(server: Server, *people: Person, query: str = IDS) -> Generator[list[Socket]]:
    with ExitStack() as stack:
        yield [stack.enter_context(opened(server, person)).watch(query) for person in people]


# ---------------------------------------------------------------- who hears of what


class Story:
    """An order and its dispute, an offline order and complaints, and what happens to them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.number = self.order = self.case = self.secure = self.complaint = ""

    def act(self, person: Person, mutation: str, subject: dict[str, str], shows: str = "") -> Any:
        return now(person).succeed(mutation, INPUTS[mutation] | subject, shows)

    def records_an_order(self) -> None:
        self.number = f"L-{self.world.buyer.subject}"
        self.order = complete(self.world, number=self.number)

    def leaves_feedback(self) -> None:
        leave_feedback(self.world, self.order)

    def replies(self) -> None:
        self.act(self.world.supplier, "replyToFeedback", {"orderId": self.order})

    def opens_a_dispute(self) -> None:
        self.case = dispute(self.world, self.order, datetime.now(UTC) - 4 * DAY)

    def answers(self) -> None:
        self.act(self.world.supplier, "postDisputeMessage", {"caseId": self.case})

    def escalates(self) -> None:
        self.act(self.world.buyer, "escalateDispute", {"caseId": self.case})

    def ships_what_is_under_review(self) -> None:
        complete(self.world, number=self.number, shippedAt=ago(2 * DAY), recordedAt=-1)

    def asks_for_evidence(self) -> None:
        self.act(self.world.agent, "requestEvidence", {"caseId": self.case})

    def resolves(self) -> None:
        payment = {"resolution": "REFUND", "amount": usd("1.00")}
        now(self.world.agent).succeed("resolveDispute", {"caseId": self.case, "note": "Broken."} | payment)

    def tells_of_a_refund(self) -> None:
        case = self.world.buyer.ask("query($id: ID!) { node(id: $id) { ... on Case { number } } }", id=self.case)
        refund = {
            "orderNumber": self.number,
            "reference": self.case,
            "caseNumber": case["node"]["number"],
            "status": "SENT",
            "amount": usd("1.00"),
            "recordedAt": ago(0 * DAY),
        }
        now(self.world.service).succeed("recordRefunds", {"refunds": [refund]})

    def requests_a_cancellation(self) -> None:
        self.secure = self.world.order("SECURE_PAYMENT")
        self.act(self.world.buyer, "requestCancellation", {"orderId": self.secure})

    def declines_it(self) -> None:
        self.act(self.world.supplier, "declineCancellation", {"orderId": self.secure})

    def reports_a_missing_refund(self) -> None:
        order = self.world.order(placedAt=ago(30 * DAY), paidAt=ago(30 * DAY), cancelledAt=ago(11 * DAY))
        self.act(self.world.buyer, "reportMissingRefund", {"orderId": order})

    def complains_of_an_order(self) -> None:
        offline = self.world.order("OFFLINE", placedAt=ago(9 * DAY))
        filed = self.act(self.world.buyer, "fileComplaint", {"orderId": offline}, "complaint { id }")
        self.complaint = filed["complaint"]["id"]

    def writes_to_the_complainant(self) -> None:
        self.act(self.world.agent, "postComplaintMessage", {"caseId": self.complaint})

    def complains_without_an_order(self) -> None:
        respondent = {"respondent": {"memberId": self.world.supplier.subject}}
        now(self.world.buyer).succeed("fileComplaint", INPUTS["fileComplaint"] | respondent)


# What happens, what is then told, and who hears of it. Of orders these are the parties and the service, of complaints
# the complainant. Agents hear of what waits for them, or stopped to.
HEARD: list[tuple[Callable[[Story], None], list[tuple[str, set[Role]]]]] = [
    (Story.records_an_order, [("order", OF_AN_ORDER)]),
    (Story.leaves_feedback, [("order", OF_AN_ORDER)]),
    (Story.replies, [("order", OF_AN_ORDER)]),
    (Story.opens_a_dispute, [("order, Dispute", OF_AN_ORDER)]),
    (Story.answers, [("order, Dispute", OF_AN_ORDER)]),
    (Story.escalates, [("order, Dispute", OF_AN_ORDER | {AGENT})]),
    (Story.answers, [("order, Dispute", OF_AN_ORDER | {AGENT})]),
    (Story.ships_what_is_under_review, [("order", OF_AN_ORDER | {AGENT})]),
    (Story.asks_for_evidence, [("order, Dispute", OF_AN_ORDER | {AGENT})]),
    (Story.resolves, [("order, Dispute", OF_AN_ORDER | {AGENT})]),
    (Story.tells_of_a_refund, [("order, Dispute", OF_AN_ORDER)]),
    (Story.requests_a_cancellation, [("order", OF_AN_ORDER), ("order, Cancellation", OF_AN_ORDER)]),
    (Story.declines_it, [("order, Cancellation", OF_AN_ORDER)]),
    (
        Story.reports_a_missing_refund,
        [("order, Cancellation", OF_AN_ORDER), ("order, Cancellation", OF_AN_ORDER | {AGENT})],
    ),
    (Story.complains_of_an_order, [("order", OF_AN_ORDER), ("order, Complaint", {BUYER, AGENT})]),
    (Story.writes_to_the_complainant, [("order, Complaint", {BUYER, AGENT})]),
    (Story.complains_without_an_order, [("Complaint", {BUYER, AGENT})]),
]


def test_who_hears_of_what(server: Server, world: World) -> None:
    involved = Person(world.http, world.supplier.subject, Role.AGENT)
    people = (world.buyer, world.supplier, world.service, world.agent, involved)
    others = [world.person(role) for role in (BUYER, SUPPLIER, SERVICE)]
    story = Story(world)
    with watched(server, *people, *others) as sockets:
        for happens, heard in HEARD:
            happens(story)
            for subject, roles in heard:
                concerned = [socket for person, socket in zip(people, sockets, strict=False) if person.role in roles]
                changes = [socket.told() for socket in concerned]
                assert {_subject(change) for change in changes} == {subject}, happens
                assert all(change == changes[0] for change in changes), happens
        assert all(socket.is_quiet(0.05) for socket in sockets)


def _subject(change: Any) -> str:
    case = change["relatedCase"]
    return ", ".join(part for part in (change["order"] and "order", case and case["__typename"]) if part)


def test_everybody_is_told_what_they_may_see_and_do(server: Server, world: World) -> None:
    order = complete(world)
    case = dispute(world, order, datetime.now(UTC) - 4 * DAY)
    involved = Person(world.http, world.supplier.subject, Role.AGENT)
    shape = """subscription { viewerChanged { order { status }
      relatedCase { id viewerState ... on Dispute { availableActions { action } } } } }"""
    with watched(server, world.buyer, world.agent, involved, world.person(AGENT), query=shape) as sockets:
        now(world.supplier).succeed("escalateDispute", {"caseId": case})
        buyer, agent, conflicted, other_agent = (socket.told() for socket in sockets)
    assert [each["relatedCase"]["viewerState"] for each in (buyer, agent, conflicted)] == [
        "UNDER_REVIEW",
        "ACTION_REQUIRED",
        "UNDER_REVIEW",
    ]
    assert {each["action"] for each in buyer["relatedCase"]["availableActions"]} == {
        "POST_DISPUTE_MESSAGE",
        "WITHDRAW_DISPUTE",
    }
    assert conflicted["relatedCase"]["availableActions"] == []
    assert agent == other_agent
    assert agent["order"]["status"] == "COMPLETED"


def test_a_subscription_can_select_a_part(server: Server, world: World) -> None:
    shapes = {
        "order { status }": {"order": {"status": "COMPLETED"}},
        "relatedCase { viewerState }": {"relatedCase": {"viewerState": "WAITING_FOR_OTHER_PARTY"}},
        "a: order { id } b: order { status }": None,
        "__typename": {"__typename": "ViewerChange"},
    }
    order = complete(world)
    with ExitStack() as stack:
        sockets = [
            stack.enter_context(opened(server, world.buyer)).watch(f"subscription {{ viewerChanged {{ {shape} }} }}")
            for shape in shapes
        ]
        dispute(world, order)
        told = [socket.told() for socket in sockets]
    for change, expected in zip(told, shapes.values(), strict=True):
        assert change == (expected or {"a": {"id": order}, "b": {"status": "COMPLETED"}})


def test_each_change_is_told_in_its_order(server: Server, world: World) -> None:
    order, other = complete(world), complete(world)
    shape = "subscription { viewerChanged { order { id feedback { rating reply } } } }"
    with watched(server, world.buyer, query=shape) as [socket]:
        leave_feedback(world, order)
        leave_feedback(world, other)
        now(world.supplier).succeed("replyToFeedback", {"orderId": order, "text": "Thanks"})
        now(world.buyer).succeed("reviseFeedback", {"orderId": order, "ratings": {"overall": 5}})
        told = [socket.told()["order"] for _ in range(4)]
        assert [each["id"] for each in told] == [order, other, order, order]
        assert told[-1]["feedback"] == {"rating": "5.0", "reply": "Thanks"}
        assert socket.is_quiet()


def test_a_refused_mutation_is_no_news(server: Server, world: World) -> None:
    order = complete(world)
    with watched(server, world.buyer) as [socket]:
        assert now(world.buyer).refused("cancelOrder", {"orderId": order, "reason": "OTHER"})
        assert socket.is_quiet()


def test_losing_the_right_ends_nothing(server: Server, world: World) -> None:
    lost, kept = complete(world), complete(world)
    other = world.person(BUYER)
    other.ask("{ serverTime }")

    async def give_away() -> None:
        account = await models.Account.get(subject=other.subject)
        await models.Order.filter(id=UUID(hex=lost.removeprefix("ord_"))).update(buyer_id=account.id)

    with watched(server, world.buyer, other) as [buyer, new_buyer]:
        server.run(give_away)
        now(other).succeed("leaveFeedback", {"orderId": lost, "ratings": {"overall": 4}})
        leave_feedback(world, kept)
        assert new_buyer.told()["order"] == {"id": lost}
        assert buyer.told()["order"] == {"id": kept}


# ---------------------------------------------------------------- many subscribers, and slow ones


@pytest.mark.parametrize("count", [1, 10])
def test_as_many_as_watch_cost_one_read_for_each_view_that_is_concerned(
    server: Server, world: World, statements: Statements, count: int
) -> None:
    order = complete(world)
    strangers = [world.person(role) for role in (BUYER, SUPPLIER, SERVICE, AGENT) for _ in range(count)]
    concerned = [world.buyer] * count + [world.supplier] * count + [world.service] * count
    with watched(server, *concerned, *strangers) as sockets:
        statements.sent.clear()
        leave_feedback(world, order)
        assert [socket.told()["order"] for socket in sockets[: len(concerned)]] == [{"id": order}] * len(concerned)
        assert all(socket.is_quiet(0.02) for socket in sockets[len(concerned) :])
        # One of the changed order, and one of what time has changed.
        for each in ("FROM orders WHERE (id IN", "AS part0"):
            reads = [text for text, _ in statements.sent if each in text]
            assert len(reads) == 3, reads
    wait_until(lambda: server.state.hub.subscriber_count == 0)


def test_where_nobody_watches_as_a_viewer_the_feed_reads_no_parties(
    server: Server, world: World, statements: Statements
) -> None:
    order = complete(world)

    def readings() -> list[str]:
        return [text for text, _ in statements.sent if text.startswith('SELECT "id" "0","buyer_id"')]

    with opened(server, world.buyer) as socket:
        socket.watch(ORDER, id=order)
        statements.sent.clear()
        leave_feedback(world, order)
        socket.told()
        assert readings() == []
        socket.watch(IDS)
        statements.sent.clear()
        now(world.supplier).succeed("replyToFeedback", {"orderId": order, "text": "Thanks"})
        socket.told()
        socket.told()
        assert len(readings()) == 1


def test_who_leaves_is_told_no_more(server: Server, world: World) -> None:
    order = complete(world)
    with watched(server, world.buyer) as [socket]:
        socket.send({"type": "complete", "id": "1"})
        wait_until(lambda: server.state.hub.subscriber_count == 0)
        leave_feedback(world, order)
        assert socket.is_quiet()


def test_a_slow_reader_gets_the_latest(server: Server, world: World) -> None:
    """A recorded batch is more than a reader may be behind."""
    count = 2 * MAX_BACKLOG

    async def scenario() -> list[Any]:
        async def read(changes: Any, since: datetime, until: datetime) -> News:
            return News([change.order_id for change in changes], None)

        hub = Hub()
        subscriber = await hub.watch_viewer(UUID(int=1), "all", read)
        event = partial(CommittedEvent, case_kind=None, case_id=None, known_at=datetime.now(UTC), action=None)
        viewers = frozenset([UUID(int=1)])
        hub.on_events([event(id=n, order_id=UUID(int=n + 2), viewers=viewers) for n in range(count)])
        await asyncio.sleep(0.1)
        return [await anext(subscriber) for _ in range(MAX_BACKLOG)]

    assert server.run(scenario) == [UUID(int=n + 2) for n in range(count - MAX_BACKLOG, count)]


# ---------------------------------------------------------------- other transports and processes


def test_what_one_process_does_is_told_by_another(world: World, two_processes: list[str]) -> None:
    order = complete(world)
    here, there = two_processes
    with world.buyer.elsewhere(there) as buyer, opened(here, world.supplier) as socket:
        socket.watch(IDS)
        buyer.succeed("leaveFeedback", {"orderId": order, "ratings": {"overall": 4}})
        assert socket.told()["order"] == {"id": order}
        assert socket.is_quiet()


@pytest.mark.parametrize(
    "accept", ["text/event-stream", "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json"]
)
def test_it_can_be_read_as_a_stream(server: Server, world: World, accept: str) -> None:
    order = complete(world)
    headers = {"Authorization": f"Bearer {world.buyer.token}", "Accept": accept}
    with httpx2.stream("POST", f"{server.url}/graphql", json={"query": IDS}, headers=headers, timeout=10) as stream:
        wait_until(lambda: server.state.hub.subscriber_count == 1)
        leave_feedback(world, order)
        received = ""
        for text in stream.iter_text():
            received += text
            if "viewerChanged" in received:
                break
    assert f'{{"data":{{"viewerChanged":{{"order":{{"id":"{order}"}},"relatedCase":null}}}}' in received
    wait_until(lambda: server.state.hub.subscriber_count == 0)


# ---------------------------------------------------------------- changes by time alone


def test_a_window_that_closes_is_told_at_its_moment(server: Server, world: World) -> None:
    order, other = complete(world, completedAt=ago(60 * DAY - 2 * SECOND)), complete(world)
    shape = "subscription { viewerChanged { order { id canLeaveFeedback feedbackDeadline } relatedCase { id } } }"
    with watched(server, world.buyer, world.supplier, world.person(BUYER), query=shape) as [buyer, *others]:
        told = buyer.told()
        assert (told["order"]["id"], told["order"]["canLeaveFeedback"], told["relatedCase"]) == (order, False, None)
        late = datetime.now(UTC) - parse_instant(told["order"]["feedbackDeadline"])
        assert timedelta(0) < late < SECOND
        assert all(socket.is_quiet(0.1) for socket in (buyer, *others))
        leave_feedback(world, other)  # an event does not bring it again
        assert buyer.told()["order"]["id"] == other
        assert buyer.is_quiet(0.1)


def test_a_dispute_that_goes_to_review_is_told_to_all_who_see_it(server: Server, world: World) -> None:
    order = complete(world, completedAt=ago(19 * DAY))
    case = dispute(world, order, datetime.now(UTC) - 7 * DAY + 2 * SECOND)
    shape = "subscription { viewerChanged { order { id } relatedCase { id viewerState } } }"
    with watched(server, world.buyer, world.supplier, world.service, world.agent, query=shape) as sockets:
        told = [socket.told() for socket in sockets]
        assert [each["relatedCase"]["id"] for each in told] == [case] * 4
        assert [each["relatedCase"]["viewerState"] for each in told] == ["UNDER_REVIEW"] * 3 + ["ACTION_REQUIRED"]
        assert all(socket.is_quiet(0.05) for socket in sockets)


SHOWN = ("available_actions", "status", "viewer_state", "is_final", "respond_by", "return_shipment", "reply_overdue")
INSTANTS = 4  # of each row that are looked at
# The order system sees that a decision becomes final at the end of the time for appeals, but no index has that for it.
NOT_TOLD = {(SERVICE, "is_final")}


def test_every_instant_at_which_a_row_looks_different_is_found(server: Server, world: World) -> None:
    """Rows say when time changes them at the earliest; where they then look different, they must be found."""
    everything_possible(world)
    world.order("SECURE_PAYMENT", paidAt=1, shipBy=-2)
    world.order(paidAt=9, completedAt=-0.5)
    world.buyer.succeed("reportMissingRefund", {"orderId": world.order(paidAt=20, cancelledAt=11)})
    replaced = INPUTS["openDispute"] | {"orderId": world.order(paidAt=9), "wanted": "REPLACEMENT", "claim": None}
    case = world.buyer.succeed("openDispute", replaced, "dispute { id }")["dispute"]["id"]
    world.supplier.succeed("acceptProposal", {"caseId": case})
    rows = {BUYER: (OrderRow, Dispute, Complaint), SUPPLIER: (OrderRow, Dispute), SERVICE: (OrderRow, Dispute)}
    people = {person.role: person for person in (world.buyer, world.supplier, world.service)}

    async def look() -> tuple[int, set[Any]]:
        found, missing = 0, set[Any]()
        for role, row_types in rows.items():
            account = await models.Account.get(subject=people[role].subject, role=role)
            viewer = Account(id=account.id, subject=account.subject, role=role, name="x")
            context = Context(viewer, NOW, NOW, server.state.files, server.state.hub, server.settings.limits)
            for row_type in row_types:
                for row in await fetch(context, Select(row_type, EVERY_ROW, visibility=Visibility.LISTED)):
                    for at, different in _differences(row, context):
                        changes, _ = await time_changes(replace(context, now=at), at - policy.MOMENT)
                        keys = {key for change in changes for key in (change.order_id, *(change.case or ())[1:])}
                        found += row.id in keys
                        if row.id not in keys and not all((role, name) in NOT_TOLD for name in different):
                            missing.add((role, row_type.__name__, at, tuple(different)))
        return found, missing

    found, missing = server.run(look)
    assert missing == set()
    assert found > 70


def _differences(row: Any, context: Context) -> Iterator[tuple[datetime, list[str]]]:
    """Yields instants at which time alone makes the row look different, and in what."""

    def looks(now: datetime) -> list[Any]:
        row.context = replace(context, now=now)
        values = [getattr(row, name, None) for name in SHOWN]
        return [getattr(value, "status", value) for value in values]

    now = max(NOW, getattr(row, "closed_at", None) or NOW)
    for _ in range(INSTANTS):
        before = looks(now)
        at = row.differs_at
        if at is None or at >= policy.NEVER_DUE:
            return
        different = [name for name, old, new in zip(SHOWN, before, looks(at), strict=True) if old != new]
        if different:
            yield at, different
        now = at


# ---------------------------------------------------------------- compiled events

EVENTS = """subscription { viewerChanged { __typename a: order { id status supplier { name } }
  order { availableActions { action } timeline(first: 2) { edges { node { text } } } }
  relatedCase { __typename number viewerState ... on Dispute { proposals { resolution } messages { edges { node { text } } } } } } }"""


def test_compiled_and_interpreted_events_agree(server: Server, world: World) -> None:
    case = dispute(world, complete(world))

    async def scenario() -> list[Any]:
        account = await models.Account.get(subject=world.buyer.subject)
        viewer = Account(id=account.id, subject=account.subject, role=BUYER, name="x")
        instant = datetime.now(UTC)
        context = Context(viewer, instant, instant, server.state.files, server.state.hub, server.settings.limits)
        streams = [await schema.stream(EVENTS, context_value=context) for schema in (SCHEMA, SCHEMA.uncompiled())]
        first = [asyncio.ensure_future(anext(stream)) for stream in streams]
        await asyncio.to_thread(wait_until, lambda: server.state.hub.subscriber_count == len(streams))
        told: list[Any] = []
        for text in ("one", "two", "three"):
            await asyncio.to_thread(tell, text)
            told += [await (first.pop(0) if first else anext(stream)) for stream in streams]
        for stream in streams:
            await stream.aclose()
        return told

    def tell(text: str) -> None:
        now(world.supplier).succeed("postDisputeMessage", {"caseId": case, "text": text})

    told = server.run(scenario)
    assert all(each.errors is None for each in told)
    wait_until(lambda: server.state.hub.subscriber_count == 0)
    for compiled, interpreted in zip(told[::2], told[1::2], strict=True):
        assert compiled.data == interpreted.data
        assert compiled.data["viewerChanged"]["relatedCase"]["__typename"] == "Dispute"
