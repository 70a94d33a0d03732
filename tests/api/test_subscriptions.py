"""Subscriptions: who gets which events, when, how often and until when. Sockets use real time, and so do these orders."""

import asyncio
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx2
import pytest

import models
from models.enums import Action, Role
from resolvers.feed import hub
from resolvers.feed.feed import CommittedEvent
from resolvers.feed.hub import MAX_BACKLOG, Hub, Snapshot, Subscriber
from schema.scalars import parse_instant
from tests.conftest import DAY, Person, Server, Statements, World, usd
from tests.support.actions import INPUTS
from tests.support.subscriptions import ORDER, ago, complete, dispute, leave_feedback, now, opened, wait_until

CASE = """subscription($id: ID!) { caseChanged(caseId: $id) { __typename id isFinal viewerState
  ... on Dispute { status messages(first: 100) { edges { node { text } } } }
  ... on Complaint { stands: status messages { edges { node { text } } } } } }"""
SECOND = timedelta(seconds=1)


# ---------------------------------------------------------------- events


def test_each_change_is_told_in_its_order(server: Server, world: World) -> None:
    order = complete(world)
    with opened(server, world.buyer) as socket:
        socket.watch(ORDER, id=order)
        leave_feedback(world, order)
        now(world.supplier).succeed("replyToFeedback", {"orderId": order, "text": "Thanks"})
        now(world.buyer).succeed("reviseFeedback", {"orderId": order, "ratings": {"overall": 5}})
        told = [socket.told() for _ in range(3)]
        assert [each["canLeaveFeedback"] for each in told] == [False, False, False]
        assert told[0]["id"] == order
        assert told[2]["feedback"] == {"rating": "5.0", "reply": "Thanks"}
        assert socket.is_quiet()


def test_the_first_event_can_be_how_it_stands_now(server: Server, world: World) -> None:
    order = complete(world)
    case = dispute(world, order)
    initial_order = "subscription($id: ID!) { orderChanged(orderId: $id, initial: true) { id status } }"
    initial_case = "subscription($id: ID!) { caseChanged(caseId: $id, initial: true) { __typename viewerState } }"
    with opened(server, world.buyer) as socket, opened(server, world.supplier) as other:
        other.watch("subscription($id: ID!) { orderChanged(orderId: $id, initial: false) { id } }", id=order)
        socket.watch(initial_order, id=order)
        assert socket.told() == {"id": order, "status": "COMPLETED"}
        socket.watch(initial_case, id=case)
        assert socket.told() == {"__typename": "Dispute", "viewerState": "WAITING_FOR_OTHER_PARTY"}
        assert socket.is_quiet()
        assert other.is_quiet()


def test_everybody_is_told_what_they_may_see_and_do(server: Server, world: World) -> None:
    order = complete(world)
    people = (world.buyer, world.supplier, world.agent, world.person(Role.AGENT), world.service)
    with ExitStack() as stack:
        sockets = [stack.enter_context(opened(server, person)).watch(ORDER, id=order) for person in people]
        leave_feedback(world, order)
        buyer, supplier, agent, other_agent, service = (socket.told() for socket in sockets)
    actions = [{each["action"] for each in told["availableActions"]} for told in (buyer, supplier, agent, service)]
    assert actions == [{"OPEN_DISPUTE"}, {"REPLY_TO_FEEDBACK"}, set(), set()]
    assert agent == other_agent
    assert service["feedback"] is not None


def test_what_one_transaction_does_is_one_change(server: Server, world: World) -> None:
    number = f"W-{world.buyer.subject}"
    order = world.order(number=number, placedAt=ago(9 * DAY))
    with opened(server, world.buyer) as socket:
        socket.watch(ORDER, id=order)
        facts = {"placedAt": ago(9 * DAY), "paidAt": ago(3 * DAY), "shippedAt": ago(2 * DAY), "completedAt": ago(DAY)}
        world.order(number=number, recordedAt=-1, **facts)
        assert socket.told()["status"] == "COMPLETED"
        assert socket.is_quiet()


def test_a_refused_mutation_is_no_news(server: Server, world: World) -> None:
    order = complete(world)
    with opened(server, world.buyer) as socket:
        socket.watch(ORDER, id=order)
        assert now(world.buyer).refused("cancelOrder", {"orderId": order, "reason": "OTHER"})
        assert socket.is_quiet()


def test_a_case_is_told_to_both_sides(server: Server, world: World) -> None:
    order = complete(world)
    case = dispute(world, order)
    with opened(server, world.buyer) as buyer, opened(server, world.supplier) as supplier:
        buyer.watch(CASE, id=case)
        supplier.watch(CASE, id=case)
        now(world.supplier).succeed("postDisputeMessage", {"caseId": case, "text": "Sorry!"})
        for socket, state in ((buyer, "WAITING_FOR_OTHER_PARTY"), (supplier, "ACTION_REQUIRED")):
            told = socket.told()
            assert (told["__typename"], told["viewerState"]) == ("Dispute", state)
            assert told["messages"]["edges"] == [{"node": {"text": "Sorry!"}}]
        now(world.supplier).succeed("acceptProposal", {"caseId": case})
        assert (buyer.told()["status"], supplier.told()["viewerState"]) == ("SETTLED", "CLOSED")


def test_what_can_be_claimed_is_told_in_the_case(server: Server, world: World) -> None:
    record = world.record(placedAt=ago(9 * DAY), paidAt=ago(8 * DAY), recordedAt=ago(8 * DAY))
    [order] = now(world.service).succeed("recordOrders", {"orders": [record]}, "orders { id }")["orders"]
    case = dispute(world, order["id"])
    shape = "subscription($id: ID!) { caseChanged(caseId: $id) { ... on Dispute { availableActions { action } } } }"
    with opened(server, world.supplier) as socket:
        socket.watch(shape, id=case)
        less = record | {"amountPaid": usd("0.99"), "recordedAt": ago(DAY)}
        now(world.service).succeed("recordOrders", {"orders": [less]})
        assert {"action": "ACCEPT_PROPOSAL"} not in socket.told()["availableActions"]
        all_of_it = less | {"amountPaid": usd("1.00"), "recordedAt": ago(0 * DAY)}
        now(world.service).succeed("recordOrders", {"orders": [all_of_it]})
        assert {"action": "ACCEPT_PROPOSAL"} in socket.told()["availableActions"]
        assert socket.is_quiet()


def test_an_agent_who_is_a_party_is_told_apart_from_other_agents(server: Server, world: World) -> None:
    case = dispute(world, complete(world))
    shape = "subscription($id: ID!) { caseChanged(caseId: $id) { ... on Dispute { availableActions { action } } } }"
    involved = Person(world.http, world.supplier.subject, Role.AGENT)
    with ExitStack() as stack:
        sockets = [
            stack.enter_context(opened(server, person)).watch(shape, id=case)
            for person in (world.agent, involved, world.person(Role.AGENT))
        ]
        now(world.supplier).succeed("postDisputeMessage", {"caseId": case, "text": "Sorry!"})
        write = [{"action": "POST_DISPUTE_MESSAGE"}]
        assert [socket.told()["availableActions"] for socket in sockets] == [write, [], write]


def test_an_order_is_told_what_happens_in_its_cases(server: Server, world: World) -> None:
    order = complete(world)
    with opened(server, world.supplier) as socket:
        socket.watch("subscription($id: ID!) { orderChanged(orderId: $id) { dispute { status } } }", id=order)
        case = dispute(world, order)
        assert socket.told() == {"dispute": {"status": "AWAITING_SUPPLIER"}}
        now(world.buyer).succeed("withdrawDispute", {"caseId": case})
        assert socket.told() == {"dispute": {"status": "WITHDRAWN"}}


def test_a_complaint_is_told_to_its_complainant_and_agents_alone(server: Server, world: World) -> None:
    order = world.order("OFFLINE", placedAt=ago(9 * DAY))
    shape = "subscription($id: ID!) { orderChanged(orderId: $id) { complaint { number } } }"
    with ExitStack() as stack:
        buyer, supplier, agent, service = (
            stack.enter_context(opened(server, person)).watch(shape, id=order)
            for person in (world.buyer, world.supplier, world.agent, world.service)
        )
        filing = INPUTS["fileComplaint"] | {"orderId": order}
        complaint = now(world.buyer).succeed("fileComplaint", filing, "complaint { id number }")["complaint"]
        assert buyer.told() == agent.told() == {"complaint": {"number": complaint["number"]}}
        assert supplier.is_quiet()
        assert service.is_quiet()
        of_case = stack.enter_context(opened(server, world.buyer)).watch(CASE, id=complaint["id"])
        now(world.agent).succeed("postComplaintMessage", {"caseId": complaint["id"], "text": "Who was it?"})
        assert of_case.told()["stands"] == "AWAITING_COMPLAINANT"


# ---------------------------------------------------------------- changes by time alone


def test_a_window_that_closes_is_told_at_its_moment(server: Server, world: World) -> None:
    order = complete(world, completedAt=ago(60 * DAY - 2 * SECOND))
    shape = "subscription($id: ID!) { orderChanged(orderId: $id) { canLeaveFeedback feedbackDeadline nextChangeAt } }"
    with opened(server, world.buyer) as socket, opened(server, world.supplier) as supplier:
        socket.watch(shape, id=order)
        supplier.watch(shape, id=order)
        told = socket.told()
        late = datetime.now(UTC) - parse_instant(told["feedbackDeadline"])
        assert told["canLeaveFeedback"] is False
        assert told["nextChangeAt"] is None
        assert timedelta(0) < late < SECOND
        # Nothing that the supplier sees or can do has changed.
        assert supplier.is_quiet()


def test_a_dispute_that_goes_to_review_is_told_at_its_moment(server: Server, world: World) -> None:
    order = complete(world, completedAt=ago(19 * DAY))
    case = dispute(world, order, datetime.now(UTC) - 7 * DAY + 2 * SECOND)
    with ExitStack() as stack:
        shape = "subscription($id: ID!) { orderChanged(orderId: $id) { status } }"
        sockets = [stack.enter_context(opened(server, world.supplier)) for _ in range(3)]
        watching = [(CASE, case), (CASE, case), (shape, order)]
        for socket, (query, id) in zip(sockets, watching, strict=True):
            socket.watch(query, id=id)
        for socket in sockets[:2]:
            told = socket.told()
            assert (told["status"], told["viewerState"]) == ("UNDER_REVIEW", "UNDER_REVIEW")
        assert sockets[2].told() == {"status": "COMPLETED"}
        assert all(socket.is_quiet(0.1) for socket in sockets)


# ---------------------------------------------------------------- visibility


def test_what_is_absent_or_somebody_elses_ends_with_one_error(server: Server, world: World) -> None:
    order = complete(world)
    case = dispute(world, order)
    for person, query, id in (
        (world.person(Role.BUYER), ORDER, order),
        (world.person(Role.SUPPLIER), CASE, case),
        (world.buyer, ORDER, "ord_" + "0" * 32),
        (world.buyer, ORDER, case),
        (world.buyer, CASE, order),
        (world.buyer, CASE, "nonsense"),
        (world.buyer, CASE, ""),
    ):
        with opened(server, person) as socket:
            id_of_it = socket.subscribe(query, id=id)
            message = socket.receive()
            assert (message["id"], message["type"]) == (id_of_it, "error")
            [error] = message["payload"]
            assert error["extensions"] == {"code": "NOT_FOUND"}
            assert socket.is_quiet(0.05)


def test_losing_the_right_ends_the_stream(server: Server, world: World) -> None:
    order = complete(world)
    other = world.person(Role.BUYER)
    other.ask("{ serverTime }")

    async def give_away() -> None:
        account = await models.Account.get(subject=other.subject)
        await models.Order.filter(id=UUID(hex=order.removeprefix("ord_"))).update(buyer_id=account.id)

    with opened(server, world.buyer) as buyer, opened(server, world.supplier) as supplier:
        buyer.watch(ORDER, id=order)
        supplier.watch(ORDER, id=order)
        server.run(give_away)
        now(other).succeed("leaveFeedback", {"orderId": order, "ratings": {"overall": 4}})
        assert supplier.told()["id"] == order
        message = buyer.receive()
        [error] = message["payload"]["errors"]
        assert (message["payload"]["data"], error["extensions"]) == (None, {"code": "NOT_FOUND"})
        assert buyer.receive()["type"] == "complete"


# ---------------------------------------------------------------- many subscribers, and slow ones


@pytest.mark.parametrize("count", [1, 25])
def test_as_many_as_like_cost_one_reading_for_each_role(
    server: Server, world: World, statements: Statements, count: int
) -> None:
    order = complete(world)
    agents = [world.person(Role.AGENT) for _ in range(count)]
    with ExitStack() as stack:
        sockets = [
            stack.enter_context(opened(server, person))
            for agent in agents
            for person in (world.buyer, world.supplier, agent)
        ]
        for socket in sockets:
            for _ in range(20):
                socket.subscribe(ORDER, id=order)
        wait_until(lambda: server.state.hub.subscriber_count == len(sockets) * 20)
        _wait_until_nothing_is_read(statements)
        leave_feedback(world, order)
        for socket in sockets:
            assert [socket.told()["canLeaveFeedback"] for _ in range(20)] == [False] * 20
        readings = [text for text, _ in statements.sent if "FROM orders WHERE (id =" in text]
    # The mutation locks the order and reads it again; one more read for each role that subscribes.
    assert len(readings) == 2 + 3, readings
    wait_until(lambda: server.state.hub.subscriber_count == 0)


def _wait_until_nothing_is_read(statements: Statements) -> None:
    """Ignores the feed's own poll, each second."""
    while True:
        statements.sent.clear()
        time.sleep(0.3)
        if not any("FROM orders" in text for text, _ in statements.sent):
            statements.sent.clear()
            return


def test_a_slow_reader_holds_up_nobody_and_gets_the_latest(server: Server, world: World) -> None:
    case = dispute(world, complete(world))
    posts = 2 * MAX_BACKLOG
    with opened(server, world.buyer) as fast, opened(server, world.buyer, max_queue=1) as slow:
        fast.watch(CASE, id=case)
        slow.watch(CASE, id=case)
        for place in range(posts):
            text = f"{place} {'x' * 3990}"
            now(world.supplier).succeed("postDisputeMessage", {"caseId": case, "text": text})
            assert fast.told()["messages"]["edges"][0]["node"]["text"] == text
        told = [slow.told()]
        while not told[-1]["messages"]["edges"][0]["node"]["text"].startswith(f"{posts - 1} "):
            told.append(slow.told())
        assert len(told) < posts
        assert slow.is_quiet(0.1)


def test_who_leaves_is_told_no_more(server: Server, world: World) -> None:
    order = complete(world)
    with opened(server, world.buyer) as socket:
        socket.watch(ORDER, id=order)
        assert server.state.hub.subscriber_count == 1
        socket.send({"type": "complete", "id": "1"})
        wait_until(lambda: server.state.hub.subscriber_count == 0)
        leave_feedback(world, order)
        assert socket.is_quiet()


# ---------------------------------------------------------------- event streams


def test_a_subscription_can_be_read_as_an_event_stream(server: Server, world: World) -> None:
    order = complete(world)
    headers = {"Authorization": f"Bearer {world.buyer.token}", "Accept": "text/event-stream, application/json"}
    body = {"query": ORDER, "variables": {"id": order}}
    with httpx2.stream("POST", f"{server.url}/graphql", json=body, headers=headers, timeout=10) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        wait_until(lambda: server.state.hub.subscriber_count == 1)
        leave_feedback(world, order)
        received = next(stream.iter_text())
    assert received.startswith('event: next\ndata: {"data":{"orderChanged":{')
    assert received.endswith("}\n\n")
    assert "\r" not in received
    wait_until(lambda: server.state.hub.subscriber_count == 0)


@pytest.mark.parametrize(
    "accept",
    [
        "application/json, text/event-stream",
        "application/graphql-response+json, text/event-stream;q=0.9",
        "text/event-stream;q=0, application/json",
        "text/event-stream;q=0.5, application/json",
        "*/*",
    ],
)
def test_an_event_stream_is_for_who_wants_nothing_rather(world: World, accept: str) -> None:
    query = {"query": "{ serverTime }"}
    assert world.buyer.send(query, Accept=accept).json()["data"]["serverTime"]
    refused = world.buyer.send({"query": ORDER, "variables": {"id": "x"}}, Accept=accept)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["extensions"] == {"code": "BAD_REQUEST"}


def test_a_query_over_an_event_stream_is_answered_and_ends(world: World) -> None:
    answer = world.buyer.send({"query": "{ serverTime }"}, Accept="text/event-stream")
    assert answer.text.startswith('event: next\ndata: {"data":{"serverTime":')
    assert answer.text.endswith("\n\nevent: complete\ndata: \n\n")


# ---------------------------------------------------------------- shared timers


class Thing:
    """An object for a hub. It changes at an instant that the test sets, and reading it takes as long as the test says."""

    def __init__(self) -> None:
        self.hub = Hub()
        self.differs_at: datetime | None = None
        self.held = asyncio.Event()
        self.held.set()
        self.readings = 0

    async def read(self, now: datetime) -> Snapshot:
        self.readings += 1
        seen = Snapshot(self.readings, self.differs_at if self.differs_at and self.differs_at > now else None)
        await self.held.wait()
        return seen

    async def watch(self) -> Subscriber:
        return await self.hub.watch(TOPIC, "all", self.read, lambda _: True)


TOPIC = UUID(int=1)


def test_who_joins_late_takes_nothing_from_who_watches(server: Server) -> None:
    async def scenario() -> None:
        thing = Thing()
        thing.differs_at = datetime.now(UTC) + timedelta(seconds=0.5)
        first = await thing.watch()
        second = await thing.watch()
        assert await asyncio.wait_for(anext(first), 5)
        assert await asyncio.wait_for(anext(second), 5)
        assert datetime.now(UTC) >= thing.differs_at

    server.run(scenario)


def test_a_reading_that_was_overtaken_sets_no_timer(server: Server) -> None:
    async def scenario() -> None:
        thing = Thing()
        first = await thing.watch()
        thing.held.clear()
        joining = asyncio.create_task(thing.watch())
        await asyncio.sleep(0.05)
        # While the second read is running, an event happens that moves the instant.
        thing.differs_at = datetime.now(UTC) + timedelta(seconds=0.5)
        thing.hub.on_events([CommittedEvent(1, TOPIC, None, None, datetime.now(UTC), Action.LEAVE_FEEDBACK)])
        thing.held.set()
        second = await joining
        for subscriber in (first, second):
            assert await asyncio.wait_for(anext(subscriber), 5)
        assert await asyncio.wait_for(anext(first), 5)
        assert datetime.now(UTC) >= thing.differs_at

    server.run(scenario)


def test_a_timer_that_is_set_far_ahead_is_looked_at_again(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "MAX_TIMER", 0.05)

    async def scenario() -> None:
        thing = Thing()
        thing.differs_at = datetime.now(UTC) + timedelta(seconds=0.5)
        subscriber = await thing.watch()
        assert await asyncio.wait_for(anext(subscriber), 5)
        assert datetime.now(UTC) >= thing.differs_at

    server.run(scenario)
