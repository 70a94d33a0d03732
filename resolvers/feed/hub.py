"""The hub: who watches what, read once for all who see the same, and handed to each at their own pace."""

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

MAX_BACKLOG = 100  # the latest
CONCURRENT_READS = 4  # of the database's connections
RETRY_SECONDS = 1.0
MAX_TIMER = 3600.0  # seconds; the wall clock may be set, so that longer waits are looked at again

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a reading found, and the first instant at which time alone will make it another."""

    row: Any
    differs_at: datetime | None


Read = Callable[
    [datetime], Awaitable["Snapshot | None"]
]  # None where there is nothing, or nothing any more, to be seen
Concerns = Callable[[CommittedEvent], bool]


class Subscriber:
    """What is told to one who watches, until there is nothing more to be seen (NotThere) or the hub ends. One that is
    dropped leaves by itself."""

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

    def end(self, how: Exception) -> None:
        self._end = how
        self._woken.set()

    async def aclose(self) -> None:
        self._group.leave(self)


class _Group:
    """Those who see the same of one thing: it is read once for all of them."""

    def __init__(self, hub: Hub, topic: UUID, view: Hashable, read: Read, concerns: Concerns) -> None:
        self.hub, self.topic, self.view, self.read, self.concerns = hub, topic, view, read, concerns
        self.subscribers: WeakSet[Subscriber] = WeakSet()
        self._pending = 0  # changes that are still to be told
        self._telling: asyncio.Task[None] | None = None
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
        if self._telling is not None:
            self._telling.cancel()

    def changed(self, times: int) -> None:
        self._pending += times
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        while self._pending and self.subscribers:
            times, self._pending = self._pending, 0
            try:
                async with self.hub.reads:
                    now = datetime.now(UTC)
                    seen = await self.read(now)
            except Exception as error:
                if not note_failure(error):
                    _log.warning("what changed cannot be read: %s; trying again", type(error).__qualname__)
                self._pending += times
                await asyncio.sleep(RETRY_SECONDS)
                continue
            for subscriber in list(self.subscribers):
                if seen is None:
                    subscriber.end(NotFound())
                else:
                    for _ in range(min(times, MAX_BACKLOG)):
                        subscriber.publish(seen.row)
            self.wake_at(seen.differs_at if seen else None, now)
        if not self.subscribers:
            self.hub.close(self)

    def joined(self, seen: Snapshot, read_at: datetime) -> None:
        """Somebody else watches as well, who has read it at that instant."""
        if self._differs_at is not None and self._read_at < self._differs_at <= read_at:
            self.changed(1)  # their reading came just before the timer, which it takes the place of
        self.wake_at(seen.differs_at, read_at)

    def wake_at(self, differs_at: datetime | None, read_at: datetime) -> None:
        """By a reading of that instant. What an older one says does not count."""
        if read_at >= self._read_at:
            self._differs_at, self._read_at = differs_at, read_at
            self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._differs_at is not None:
            seconds = max((self._differs_at - datetime.now(UTC)).total_seconds(), 0)
            self._timer = asyncio.get_running_loop().call_later(min(seconds, MAX_TIMER), self._due)

    def _due(self) -> None:
        assert self._differs_at is not None
        if datetime.now(UTC) < self._differs_at:
            self._set_timer()
        else:
            self.changed(1)


class Hub:
    """`feed` brings the news; it is listened to for as long as anybody watches."""

    def __init__(self) -> None:
        self.feed = Feed()
        self.reads = asyncio.Semaphore(CONCURRENT_READS)
        self._groups: defaultdict[UUID, dict[Hashable, _Group]] = defaultdict(dict)  # by what they watch, and how

    async def watch(self, topic: UUID, view: Hashable, read: Read, concerns: Concerns) -> Subscriber:
        """Tells, from now on, each change of `topic` (an order or a case) that `concerns`, as `read` sees it then.

        Those who give the same `view` share one reading. Raises NotThere where there is nothing to be seen.
        """
        # What was committed before is no news; whatever is committed from here on will be told.
        await self.feed.listen(self.on_events)
        group = self._groups[topic].get(view)
        if group is None:
            group = self._groups[topic][view] = _Group(self, topic, view, read, concerns)
        subscriber = Subscriber(group)
        group.subscribers.add(subscriber)
        now = datetime.now(UTC)
        try:
            seen = await read(now)
            if seen is None:
                raise NotFound
        except BaseException:
            group.leave(subscriber)
            raise
        group.joined(seen, now)
        return subscriber

    def end(self) -> None:
        """All streams end: the process is going to."""
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
    def watching(self) -> int:
        """How many watch."""
        return sum(len(group.subscribers) for groups in self._groups.values() for group in groups.values())

    def on_events(self, news: Sequence[CommittedEvent]) -> None:
        of_topic: defaultdict[UUID, list[CommittedEvent]] = defaultdict(list)
        for event in news:
            for topic in (event.order_id, event.case_id):
                if topic is not None and topic in self._groups:
                    of_topic[topic].append(event)
        for topic, events in of_topic.items():
            for group in list(self._groups[topic].values()):
                if times := _changes([event for event in events if group.concerns(event)]):
                    group.changed(times)


def _changes(events: Sequence[CommittedEvent]) -> int:
    """How many changes these events of one order or case are. What one transaction did is one change: its events become
    known at the same instant, and an action is the last of them."""
    changes = 0
    before: CommittedEvent | None = None
    for event in events:
        if before is None or before.action is not None or before.known_at != event.known_at:
            changes += 1
        before = event
    return changes
