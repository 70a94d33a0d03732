"""Subscribes like an app, over the protocol graphql-transport-ws. Sockets use the real clock, and so do the orders that
this module records."""

import itertools
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from websockets.sync.client import ClientConnection, connect

from schema.scalars import spell_instant
from tests.conftest import DAY, Person, Server, World
from tests.support.actions import INPUTS

PROTOCOL: Any = "graphql-transport-ws"
ORDER = """subscription($id: ID!) { orderChanged(orderId: $id) { id status canLeaveFeedback
  availableActions { action } feedback { rating reply } } }"""


class Socket:
    """A socket after its connection_init."""

    def __init__(self, connection: ClientConnection, person: Person, watching: Callable[[], int] | None) -> None:
        """`watching` returns the number of subscriptions of the server; None for a server in another process."""
        self.connection = connection
        self.watching = watching
        self._ids = itertools.count(1)
        self.send({"type": "connection_init", "payload": {"authorization": f"Bearer {person.token}"}})
        assert self.receive() == {"type": "connection_ack"}

    def send(self, message: Any) -> None:
        self.connection.send(orjson.dumps(message).decode())

    def receive(self, seconds: float = 10) -> Any:
        return orjson.loads(self.connection.recv(seconds))

    def subscribe(self, query: str, **variables: Any) -> str:
        id = str(next(self._ids))
        self.send({"type": "subscribe", "id": id, "payload": {"query": query, "variables": variables}})
        return id

    def watch(self, query: str, **variables: Any) -> "Socket":
        """Subscribes, and waits until the subscription has begun."""
        before = self.watching() if self.watching else 0
        self.subscribe(query, **variables)
        if self.watching:
            watching = self.watching
            wait_until(lambda: watching() > before)
        else:
            time.sleep(0.5)
        return self

    def ask(self, query: str, **variables: Any) -> Any:
        id = self.subscribe(query, **variables)
        answer = self.receive()
        assert (answer["id"], answer["type"]) == (id, "next"), answer
        assert self.receive() == {"id": id, "type": "complete"}
        return answer["payload"]["data"]

    def told(self, seconds: float = 10) -> Any:
        """Returns the value in the next message."""
        message = self.receive(seconds)
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        [value] = message["payload"]["data"].values()
        return value

    def is_quiet(self, seconds: float = 0.3) -> bool:
        try:
            self.receive(seconds)
        except TimeoutError:
            return True
        return False


@contextmanager
def opened(server: Server | str, person: Person, max_queue: int = 16) -> Generator[Socket]:
    """Opens a socket to the worker's server, or to the server at an address."""
    url = server if isinstance(server, str) else server.url
    watching = None if isinstance(server, str) else lambda: server.state.hub.subscriber_count
    address = url.replace("http", "ws", 1) + "/graphql"
    with connect(address, subprotocols=[PROTOCOL], max_queue=max_queue, compression=None) as connection:
        yield Socket(connection, person, watching)


def wait_until(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)


def ago(span: timedelta) -> str:
    return spell_instant(datetime.now(UTC) - span)


def complete(world: World, **facts: Any) -> str:
    """Records an order that was completed a day ago by the real clock. Returns its id."""
    return world.order(**{"placedAt": ago(99 * DAY), "paidAt": ago(98 * DAY), "completedAt": ago(DAY)} | facts)


def now(person: Person) -> Person:
    return person.at(None)


def dispute(world: World, order: str, then: datetime | None = None) -> str:
    wish = INPUTS["openDispute"] | {"orderId": order}
    return world.buyer.at(then).succeed("openDispute", wish, "dispute { id }")["dispute"]["id"]


def leave_feedback(world: World, order: str) -> None:
    now(world.buyer).succeed("leaveFeedback", {"orderId": order, "ratings": {"overall": 4}})
