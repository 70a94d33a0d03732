"""The feed of committed events: in the order of their ids, across processes, none missing and none twice.

The problem: PostgreSQL hands out an event's id long before its transaction commits, so a smaller id may become visible
after a greater one. A reader that only remembers the greatest id it has seen would miss it. Example:

    transaction A takes id 7, transaction B takes id 8
    B commits     the feed reads 8; 7 is missing, and may still come: `_missing` is [(7, 7)]
    A commits     the feed reads ids above 8, and 7: it delivers 7
    or A rolls back, and once the watermark has reached 8, nobody can commit 7 any more: `_missing` is []

`Watermark` tells up to which id the events are complete. `Feed` delivers events at once and uses the watermark only to
forget missing ids; the field `changes` reads no further than the watermark.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import reduce
from typing import Any
from uuid import UUID

from tortoise.expressions import Q

from models import database, failures, state
from models.backends.hosts import connect_outside_pool
from models.enums import Action, CaseKind, Role
from models.event import Event

CHANNEL = "recourse_events"
POLL_SECONDS = 1.0  # how late events may be delivered if a notification is lost
BATCH = 1000  # events that one statement reads
NOTIFY_SECONDS = 5.0
NOTIFY_INTERVAL_SECONDS = 0.01  # between two notifications; one serves all commits in between
MIN_WAIT, MAX_WAIT = 0.002, 1.0  # seconds, for running transactions

_log = logging.getLogger(__name__)


class Watermark:
    """The id up to which the events are complete: no event with a smaller id will be committed any more.

    How it is found: a transaction gets its own number before it takes an event's id, because it locks or writes a row
    first. So take the greatest committed id, and a new transaction's number. Once all transactions with smaller numbers
    have ended, that id and all smaller ones are complete.

    Ids that nobody has committed prove nothing: after a crash they may be handed out again. SQLite has one writer at a
    time, whose ids rise in the order of commits, so its watermark is always the greatest id.
    """

    def __init__(self) -> None:
        self.reached = 0
        self.newest = 0  # the greatest committed id at the last look
        self._awaited: tuple[int, int] | None = None  # an id, and the number below which all transactions must end

    async def look(self) -> int:
        """Returns the watermark now. Any running transaction holds it back, whatever it writes."""
        [[self.newest]] = await database.select("SELECT coalesce(max(id), 0) FROM events")
        if database.dialect() == "sqlite" or self.newest < self.reached:
            # The greatest id gets smaller only where a database has lost commits.
            self.reached, self._awaited = self.newest, None
        if self._awaited is None and self.newest > self.reached:
            [[number]] = await database.select("SELECT pg_current_xact_id()::text::bigint")
            self._awaited = (self.newest, number)
        if self._awaited is not None:
            awaited, number = self._awaited
            [[oldest]] = await database.select("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
            if oldest >= number:
                self.reached, self._awaited = max(self.reached, awaited), None
        return self.reached

    async def wait(self) -> int:
        """Returns the watermark once it includes everything that was committed before this call, or after MAX_WAIT."""
        waited, pause = 0.0, MIN_WAIT
        reached = await self.look()
        committed = self.newest
        while reached < committed and waited < MAX_WAIT:
            await asyncio.sleep(pause)
            waited, pause = waited + pause, pause * 2
            reached = await self.look()
        return reached


Topic = UUID | Role  # an order's, a case's or an account's id; AGENT for what waits for agents


@dataclass(frozen=True, slots=True)
class CommittedEvent:
    """The columns of a committed event that tell what it is about. `viewers` are the accounts that it concerns, and
    AGENT; empty where nobody asks for them."""

    id: int
    order_id: UUID | None
    case_kind: CaseKind | None
    case_id: UUID | None
    known_at: datetime
    action: Action | None
    refund_id: UUID | None = None
    viewers: frozenset[Topic] = frozenset()

    @property
    def case(self) -> tuple[CaseKind, UUID] | None:
        return None if self.case_kind is None or self.case_id is None else (self.case_kind, self.case_id)


_COLUMNS = [field.name for field in fields(CommittedEvent) if field.name != "viewers"]
Listener = Callable[[Sequence[CommittedEvent]], None]
Complete = Callable[[Sequence[CommittedEvent]], Awaitable[Sequence[CommittedEvent]]]


class Feed:
    """Reads committed events of all processes and hands them to its one listener.

    It wakes up after each commit of this process, at each of PostgreSQL's notifications, and every second. `complete`
    may read more about events before they are handed over; if it fails, they are read again.
    """

    def __init__(self, complete: Complete | None = None) -> None:
        self._complete = complete
        self.watermark = Watermark()
        self.listener: Listener | None = None
        self._delivered = 0  # the greatest id that was delivered, or existed before there was a listener
        self._missing: list[tuple[int, int]] = []  # ranges of ids below it that may still be committed
        self._reading = asyncio.Lock()
        self._rounds = 0  # how many times it has begun to catch up
        self._woken = asyncio.Event()
        self._committed = asyncio.Event()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Runs inside `database.connected`, for as long as the block does."""
        connected = state.current()
        assert connected is not None
        connected.after_commit.append(self._after_commit)
        across = [self._across_processes()] if database.dialect() == "postgres" else []
        tasks = [asyncio.create_task(work) for work in (self._follow(), *across)]
        try:
            yield
        finally:
            connected.after_commit.remove(self._after_commit)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def listen(self, listener: Listener) -> None:
        """Delivers every event that is committed from now on to `listener`."""
        await self.catch_up()
        if self.listener is None:
            self._woken.set()  # for events that were committed in between
        self.listener = listener

    async def catch_up(self) -> None:
        """Delivers everything that was committed before this call."""
        next_round = self._rounds + 1
        async with self._reading:
            if self._rounds < next_round:  # otherwise, another caller began after this call, and its read serves both
                self._rounds += 1
                await self._catch_up()

    async def _catch_up(self) -> None:
        watermark = await self.watermark.look()
        if self.listener is None or self.watermark.newest < self._delivered:
            # There was no listener, so older events need not be read.
            self._delivered, self._missing = watermark, []
        while True:
            # One statement, so that of two events of an order the first is never missing if the second is there.
            undelivered = reduce(Q.__or__, (Q(id__range=ids) for ids in self._missing), Q(id__gt=self._delivered))
            rows = (
                await Event.filter(undelivered)
                .using_db(database.read_connection())
                .order_by("id")
                .limit(BATCH)
                .values(*_COLUMNS)
            )
            events: Sequence[CommittedEvent] = [CommittedEvent(**row) for row in rows]
            if events and self.listener is not None and self._complete is not None:
                events = await self._complete(events)
            self._note_delivered(event.id for event in events)
            if events and self.listener is not None:
                self.listener(events)
            if len(rows) < BATCH:
                break
            await asyncio.sleep(0)
        above = [(max(first, watermark + 1), last) for first, last in self._missing]
        self._missing = [(first, last) for first, last in above if first <= last]

    def _note_delivered(self, ids: Iterable[int]) -> None:
        """Keeps which ids below the greatest one are missing."""
        for id in ids:
            if id > self._delivered:
                if id > self._delivered + 1:
                    self._missing.append((self._delivered + 1, id - 1))
                self._delivered = id
            else:
                index = next(i for i, (first, last) in enumerate(self._missing) if first <= id <= last)
                first, last = self._missing.pop(index)
                self._missing += [(a, b) for a, b in ((first, id - 1), (id + 1, last)) if a <= b]

    def _after_commit(self) -> None:
        if self.listener is not None:
            self._woken.set()
        self._committed.set()

    async def _follow(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):  # not wait_for, which may lose a cancellation before 3.12
                    await self._woken.wait()
            self._woken.clear()
            if self.listener is None:
                continue
            try:
                await self.catch_up()
            except Exception as error:
                if not state.note_failure(error):
                    _log.warning("committed events cannot be read: %s; trying again", type(error).__qualname__)
                await asyncio.sleep(POLL_SECONDS)

    async def _across_processes(self) -> None:
        """Keeps a connection that receives notifications of other processes' commits and sends this one's.

        A notification carries no data: its receivers read the events. It is not sent in the writing transaction,
        because notifying transactions commit one after the other. One notification serves all commits since the last.
        """
        while True:
            try:
                connection = await connect_outside_pool(database.connection())
                try:
                    connection.add_termination_listener(self._on_lost)
                    async with asyncio.timeout(NOTIFY_SECONDS):
                        await connection.add_listener(CHANNEL, self._on_notification)
                    self._woken.set()
                    while True:
                        await self._committed.wait()
                        self._committed.clear()
                        await connection.execute(f"NOTIFY {CHANNEL}", timeout=NOTIFY_SECONDS)
                        await asyncio.sleep(NOTIFY_INTERVAL_SECONDS)
                finally:
                    connection.terminate()
            except Exception as error:
                if failures.of(error) is not failures.Failure.AWAY:  # the pulse logs that
                    _log.warning("no connection for notifications: %s; trying again", type(error).__qualname__)
                await asyncio.sleep(POLL_SECONDS)

    def _on_lost(self, _connection: Any) -> None:
        self._committed.set()  # the next notification then fails, and a new connection is opened

    def _on_notification(self, connection: Any, process: int, _channel: str, _payload: object) -> None:
        if process != connection.get_server_pid():
            self._woken.set()
