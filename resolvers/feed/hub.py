"""The hub: tells subscribers about changes of an order or a case, with one read for all who share a view.

Example: a buyer subscribes to order 7 on two devices, and so does an agent. The hub has two groups for the topic 7: one
with the buyer's view and two subscribers, and one with the agents' view. When an event of order 7 is committed:

    Feed            hands the event to `Hub.on_events`
    each group      reads the order once, as its viewer sees it now, and publishes the row
    each Subscriber takes the row from its own queue, at its own pace

A view can also change without an event, when a window closes. So each read returns `differs_at`, the instant at which
the next read would differ, and the group sets a timer for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from weakref import WeakSet

from models.state import note_failure
from resolvers.errors import NotFound
from resolvers.feed.feed import CommittedEvent, Feed

MAX_BACKLOG = 100  # rows that a slow subscriber may be behind; older ones are dropped
CONCURRENT_READS = 4  # so that subscriptions leave connections for requests
RETRY_SECONDS = 1.0
MAX_TIMER = 3600.0  # seconds; longer waits are checked again, because somebody may set the clock

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A row as a read returned it, and the instant at which it changes without an event, as a window closes."""

    row: Any
    differs_at: datetime | None


Read = Callable[[datetime], Awaitable["Snapshot | None"]]  # returns None where the viewer sees nothing
Concerns = Callable[[CommittedEvent], bool]


class Subscriber:
    """Iterates over the rows for one subscriber. Raises NotFound once the viewer no longer sees anything; ends when the
    hub ends. A subscriber that is garbage collected leaves its group."""

    def __init__(self, group: _Group) -> None:
        self._group = group
        self._waiting: deque[Any] = deque(maxlen=MAX_BACKLOG)
        self._woken = asyncio.Event()
        self._end: Exception | None = None

    def __aiter__(self) -> Subscriber:
        return self

    async def __anext__(self) -> Any:
        while not self._waiting:
            if self._end is not None:
                raise self._end
            self._woken.clear()
            await self._woken.wait()
        return self._waiting.popleft()

    def publish(self, row: Any) -> None:
        self._waiting.append(row)
        self._woken.set()

    def end(self, reason: Exception) -> None:
        self._end = reason
        self._woken.set()

    async def aclose(self) -> None:
        self._group.leave(self)


class _Group:
    """The subscribers with the same view of one topic. It is read once for all of them."""

    def __init__(self, hub: Hub, topic: UUID, view: Hashable, read: Read, concerns: Concerns) -> None:
        self.hub, self.topic, self.view, self.read, self.concerns = hub, topic, view, read, concerns
        self.subscribers: WeakSet[Subscriber] = WeakSet()
        self._pending = 0  # changes that are still to be published
        self._publishing: asyncio.Task[None] | None = None
        self._differs_at: datetime | None = None
        self._read_at = datetime.min.replace(tzinfo=UTC)
        self._timer: asyncio.TimerHandle | None = None

    def leave(self, subscriber: Subscriber) -> None:
        self.subscribers.discard(subscriber)
        if not self.subscribers:
            self.hub.close(self)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._publishing is not None:
            self._publishing.cancel()

    def changed(self, times: int) -> None:
        self._pending += times
        if self._publishing is None or self._publishing.done():
            self._publishing = asyncio.create_task(self._publish())

    async def _publish(self) -> None:
        while self._pending and self.subscribers:
            times, self._pending = self._pending, 0
            try:
                async with self.hub.reads:
                    now = datetime.now(UTC)
                    snapshot = await self.read(now)
            except Exception as error:
                if not note_failure(error):
                    _log.warning("a change cannot be read for subscribers: %s; trying again", type(error).__qualname__)
                self._pending += times
                await asyncio.sleep(RETRY_SECONDS)
                continue
            for subscriber in list(self.subscribers):
                if snapshot is None:
                    subscriber.end(NotFound())
                else:
                    for _ in range(min(times, MAX_BACKLOG)):
                        subscriber.publish(snapshot.row)
            self.wake_at(snapshot.differs_at if snapshot else None, now)
        if not self.subscribers:
            self.hub.close(self)

    def joined(self, snapshot: Snapshot, read_at: datetime) -> None:
        """Notes that a new subscriber has read the topic at that instant."""
        if self._differs_at is not None and self._read_at < self._differs_at <= read_at:
            self.changed(1)  # the read replaces a timer that is due, so the other subscribers need a read
        self.wake_at(snapshot.differs_at, read_at)

    def wake_at(self, differs_at: datetime | None, read_at: datetime) -> None:
        """Sets the timer, by what a read at `read_at` returned. An older read than the last one is ignored."""
        if read_at >= self._read_at:
            self._differs_at, self._read_at = differs_at, read_at
            self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._differs_at is not None:
            seconds = max((self._differs_at - datetime.now(UTC)).total_seconds(), 0)
            self._timer = asyncio.get_running_loop().call_later(min(seconds, MAX_TIMER), self._on_timer)

    def _on_timer(self) -> None:
        assert self._differs_at is not None
        if datetime.now(UTC) < self._differs_at:
            self._set_timer()
        else:
            self.changed(1)


class Hub:
    """Listens to the feed while there are subscribers."""

    def __init__(self) -> None:
        self.feed = Feed()
        self.reads = asyncio.Semaphore(CONCURRENT_READS)
        self._groups: defaultdict[UUID, dict[Hashable, _Group]] = defaultdict(dict)  # by topic and view

    async def watch(
        self, topic: UUID, view: Hashable, read: Read, concerns: Concerns, *, initial: bool = False
    ) -> Subscriber:
        """Subscribes to the changes of `topic`, the id of an order or a case, whose events pass `concerns`.

        Subscribers with an equal `view` share one `read`. With `initial`, the first row is what the viewer sees now.
        Raises NotFound where the viewer sees nothing.
        """
        # Commits are published from this line on.
        await self.feed.listen(self.on_events)
        group = self._groups[topic].get(view)
        if group is None:
            group = self._groups[topic][view] = _Group(self, topic, view, read, concerns)
        subscriber = Subscriber(group)
        group.subscribers.add(subscriber)
        now = datetime.now(UTC)
        try:
            snapshot = await read(now)
            if snapshot is None:
                raise NotFound
        except BaseException:
            group.leave(subscriber)
            raise
        if initial:
            subscriber.publish(snapshot.row)
        group.joined(snapshot, now)
        return subscriber

    def end(self) -> None:
        """Ends all subscriptions, because the process stops."""
        for groups in self._groups.values():
            for group in groups.values():
                for subscriber in list(group.subscribers):
                    subscriber.end(StopAsyncIteration())

    def close(self, group: _Group) -> None:
        groups = self._groups.get(group.topic, {})
        if groups.get(group.view) is not group:
            return
        group.close()
        del groups[group.view]
        if not groups:
            del self._groups[group.topic]
        if not self._groups:
            self.feed.listener = None

    @property
    def subscriber_count(self) -> int:
        """The number of subscribers."""
        return sum(len(group.subscribers) for groups in self._groups.values() for group in groups.values())

    def on_events(self, events: Sequence[CommittedEvent]) -> None:
        by_topic: defaultdict[UUID, list[CommittedEvent]] = defaultdict(list)
        for event in events:
            for topic in (event.order_id, event.case_id):
                if topic is not None and topic in self._groups:
                    by_topic[topic].append(event)
        for topic, topic_events in by_topic.items():
            for group in list(self._groups[topic].values()):
                if times := _count_changes([event for event in topic_events if group.concerns(event)]):
                    group.changed(times)


def _count_changes(events: Sequence[CommittedEvent]) -> int:
    """Returns the number of changes in these events of one order or case.

    The events of one transaction are one change. They have the same `known_at`, and an action is the last of them.
    """
    changes = 0
    before: CommittedEvent | None = None
    for event in events:
        if before is None or before.action is not None or before.known_at != event.known_at:
            changes += 1
        before = event
    return changes
