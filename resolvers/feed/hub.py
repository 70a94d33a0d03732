"""The hub: tells subscribers about changes, with one read for all who share a view.

Example: a buyer watches order 7 on two devices, and so does an agent. The hub has two groups for the topic 7: one with
the buyer's view and two subscribers, and one with the agents' view. When an event of order 7 is committed:

    Feed            hands the event to `Hub.on_events`
    each group      reads the order once, as its viewer sees it now, and publishes the row
    each Subscriber takes the row from its own queue, at its own pace

A view can also change without an event, when a window closes. So each read returns `differs_at`, the instant at which
the next read would differ, and the group sets a timer for it.

A viewer can also be the topic: the supplier of order 7 watches all that is theirs. The event says whom it concerns
(`resolvers.feed.concern`), so the hub finds the supplier's group, which reads order 7 and nothing else. Nobody else's
group is looked at, however many viewers watch.
"""

from __future__ import annotations

import asyncio
import logging
from abc import abstractmethod
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from weakref import WeakSet

from models.enums import CaseKind, Role
from models.state import note_failure
from resolvers.errors import NotFound
from resolvers.feed.concern import with_concerned
from resolvers.feed.feed import CommittedEvent, Feed, Topic

MAX_BACKLOG = 100  # rows that a slow subscriber may be behind; older ones are dropped
MAX_PENDING = 1000  # changes that a group may be behind in reading; older ones are dropped
CONCURRENT_READS = 4  # so that subscriptions leave connections for requests
RETRY_SECONDS = 1.0
MAX_TIMER = 3600.0  # seconds; longer waits are checked again, because somebody may set the clock

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A row as a read returned it, and the instant at which it changes without an event, as a window closes."""

    row: Any
    differs_at: datetime | None


@dataclass(frozen=True, slots=True)
class Change:
    """What a transaction changed: an order, a case, or a case with its order."""

    order_id: UUID | None
    case: tuple[CaseKind, UUID] | None


@dataclass(frozen=True, slots=True)
class News:
    """The rows to publish to a viewer, oldest first, and the instant at which time alone changes something next."""

    rows: Sequence[Any]
    differs_at: datetime | None


Read = Callable[[datetime], Awaitable["Snapshot | None"]]  # returns None where the viewer sees nothing
# Reads for a viewer what changed, and what time alone has changed after the first instant and up to the second.
ReadNews = Callable[[Sequence[Change], datetime, datetime], Awaitable[News]]
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
    """The subscribers with the same view of one topic. What changed is read once for all of them."""

    def __init__(self, hub: Hub, topic: Topic, view: Hashable) -> None:
        self.hub, self.topic, self.view = hub, topic, view
        self.subscribers: WeakSet[Subscriber] = WeakSet()
        # Changes that are still to be published; None for what time alone has changed.
        self._pending: deque[Change | None] = deque(maxlen=MAX_PENDING)
        self._publishing: asyncio.Task[None] | None = None
        self._differs_at: datetime | None = None
        self._read_at = datetime.min.replace(tzinfo=UTC)
        self._timer: asyncio.TimerHandle | None = None

    @abstractmethod
    def on_events(self, events: Sequence[CommittedEvent]) -> None:
        """Takes events of the topic."""

    @abstractmethod
    async def publish(self, changes: Sequence[Change | None], now: datetime) -> datetime | None:
        """Reads and publishes what changed. Returns the instant at which the next read differs."""

    def leave(self, subscriber: Subscriber) -> None:
        self.subscribers.discard(subscriber)
        if not self.subscribers:
            self.hub.close(self)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._publishing is not None:
            self._publishing.cancel()

    def changed(self, changes: Sequence[Change | None]) -> None:
        self._pending += changes
        if self._pending and (self._publishing is None or self._publishing.done()):
            self._publishing = asyncio.create_task(self._publish())

    async def _publish(self) -> None:
        while self._pending and self.subscribers:
            changes = [self._pending.popleft() for _ in range(min(len(self._pending), MAX_BACKLOG))]
            try:
                async with self.hub.reads:
                    now = datetime.now(UTC)
                    differs_at = await self.publish(changes, now)
            except Exception as error:
                if not note_failure(error):
                    _log.warning("a change cannot be read for subscribers: %s; trying again", type(error).__qualname__)
                self._pending = deque([*changes, *self._pending], MAX_PENDING)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            self.wake_at(differs_at, now)
        if not self.subscribers:
            self.hub.close(self)

    def joined(self, differs_at: datetime | None, read_at: datetime) -> None:
        """Notes that a new subscriber has read the topic at that instant."""
        if self._differs_at is not None and self._read_at < self._differs_at <= read_at:
            self.changed([None])  # the read replaces a timer that is due, so the other subscribers need a read
        self.wake_at(differs_at, read_at)

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
            self.changed([None])


class _GroupOfRow(_Group):
    """Watches an order or a case."""

    def __init__(self, hub: Hub, topic: Topic, view: Hashable, read: Read, concerns: Concerns) -> None:
        super().__init__(hub, topic, view)
        self.read, self.concerns = read, concerns

    def on_events(self, events: Sequence[CommittedEvent]) -> None:
        transactions = _transactions([event for event in events if self.concerns(event)])
        self.changed([Change(events[0].order_id, events[0].case) for events in transactions])

    async def publish(self, changes: Sequence[Change | None], now: datetime) -> datetime | None:
        snapshot = await self.read(now)
        for subscriber in list(self.subscribers):
            if snapshot is None:
                subscriber.end(NotFound())
            else:
                for _ in changes:
                    subscriber.publish(snapshot.row)
        return snapshot.differs_at if snapshot else None


class _GroupOfViewer(_Group):
    """Watches all that is one viewer's, or all that waits for agents."""

    def __init__(self, hub: Hub, topic: Topic, view: Hashable, read: ReadNews, since: datetime) -> None:
        super().__init__(hub, topic, view)
        self.read = read
        self._told_until = since  # what time alone has done until then is published, or was before they subscribed

    def on_events(self, events: Sequence[CommittedEvent]) -> None:
        by_subject: defaultdict[UUID | None, list[CommittedEvent]] = defaultdict(list)
        for event in events:
            by_subject[event.order_id or event.case_id].append(event)
        for subject_events in by_subject.values():
            for transaction in _transactions(subject_events):
                cases = list(dict.fromkeys(event.case for event in transaction if event.case is not None))
                self.changed([Change(transaction[0].order_id, case) for case in cases or [None]])

    async def publish(self, changes: Sequence[Change | None], now: datetime) -> datetime | None:
        now = max(now, self._told_until)  # also where the clock was set back
        news = await self.read([change for change in changes if change is not None], self._told_until, now)
        self._told_until = now
        for subscriber in list(self.subscribers):
            for row in news.rows:
                subscriber.publish(row)
        return news.differs_at


class Hub:
    """Listens to the feed while there are subscribers."""

    def __init__(self) -> None:
        self.feed = Feed(self._with_concerned)
        self.reads = asyncio.Semaphore(CONCURRENT_READS)
        self._groups: defaultdict[Topic, dict[Hashable, _Group]] = defaultdict(dict)  # by topic and view
        self._viewers = 0  # groups of viewers, and those who are about to watch as one

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
            group = self._groups[topic][view] = _GroupOfRow(self, topic, view, read, concerns)
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
        group.joined(snapshot.differs_at, now)
        return subscriber

    async def watch_viewer(self, topic: UUID | Role, view: Hashable, read: ReadNews) -> Subscriber:
        """Subscribes to all that concerns `topic`: the id of a viewer's account, or AGENT for what waits for agents.

        Subscribers with an equal `view` share one `read`.
        """
        self._viewers += 1  # from here on, the feed's events say whom they concern
        try:
            await self.feed.listen(self.on_events)
            now = datetime.now(UTC)
            group = self._groups[topic].get(view)
            if group is None:
                self._viewers += 1
                group = self._groups[topic][view] = _GroupOfViewer(self, topic, view, read, now)
            subscriber = Subscriber(group)
            group.subscribers.add(subscriber)
            try:
                news = await read((), now, now)
            except BaseException:
                group.leave(subscriber)
                raise
        finally:
            self._viewers -= 1
        group.joined(news.differs_at, now)
        return subscriber

    def end(self) -> None:
        """Ends all subscriptions, because the process stops."""
        for group in self._all_groups():
            for subscriber in list(group.subscribers):
                subscriber.end(StopAsyncIteration())

    def close(self, group: _Group) -> None:
        groups = self._groups.get(group.topic, {})
        if groups.get(group.view) is not group:
            return
        group.close()
        del groups[group.view]
        self._viewers -= isinstance(group, _GroupOfViewer)
        if not groups:
            del self._groups[group.topic]
        if not self._groups:
            self.feed.listener = None

    def _all_groups(self) -> Iterator[_Group]:
        return (group for groups in self._groups.values() for group in groups.values())

    @property
    def subscriber_count(self) -> int:
        """The number of subscribers."""
        return sum(len(group.subscribers) for group in self._all_groups())

    async def _with_concerned(self, events: Sequence[CommittedEvent]) -> Sequence[CommittedEvent]:
        return await with_concerned(events, agents=Role.AGENT in self._groups) if self._viewers else events

    def on_events(self, events: Sequence[CommittedEvent]) -> None:
        by_topic: defaultdict[Topic, list[CommittedEvent]] = defaultdict(list)
        for event in events:
            for topic in (event.order_id, event.case_id, *event.viewers):
                if topic is not None and topic in self._groups:
                    by_topic[topic].append(event)
        for topic, topic_events in by_topic.items():
            for group in list(self._groups[topic].values()):
                group.on_events(topic_events)


def _transactions(events: Sequence[CommittedEvent]) -> list[list[CommittedEvent]]:
    """Returns the events of one order or case by transaction.

    The events of one transaction have the same `known_at`, and an action is the last of them.
    """
    transactions: list[list[CommittedEvent]] = []
    before: CommittedEvent | None = None
    for event in events:
        if before is None or before.action is not None or before.known_at != event.known_at:
            transactions.append([])
        transactions[-1].append(event)
        before = event
    return transactions
