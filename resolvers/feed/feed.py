"""News of what was committed: in the order of the events, across processes, nothing missed and nothing told twice."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import reduce
from typing import Any
from uuid import UUID

from tortoise.expressions import Q

from models import database, failures, state
from models.backends.hosts import connect_outside_pool
from models.enums import Action, CaseKind
from models.event import Event

CHANNEL = "recourse_events"
POLL_SECONDS = 1.0  # how late news may be where a notification got lost
AT_ONCE = 1000  # events that are read by one statement
NOTIFY_SECONDS = 5.0
BETWEEN_SECONDS = 0.01  # two notifications, of which one serves all that was committed meanwhile
MIN_WAIT, MAX_WAIT = 0.002, 1.0  # seconds, for transactions under way

_log = logging.getLogger(__name__)


class Watermark:
    """Up to which id the events are complete: none with a smaller one will be committed any more.

    PostgreSQL hands out an event's id long before its transaction commits, so that a smaller id can come in later than
    a greater one. But a transaction gets its own number before it takes an event's id, since it locks or writes
    something before. So an id that is committed is settled, with all smaller ones, once all transactions have ended
    that have a number below one that is given out now. Ids that nobody has committed yet are no ground to stand on:
    after a crash they may be handed out again. SQLite has one writer at a time, whose ids rise as they are committed.
    """

    def __init__(self) -> None:
        self.reached = 0
        self.newest = 0  # the greatest id that was committed when it was last looked at
        self._awaited: tuple[int, int] | None = None  # an id, and the transaction before which all must have ended

    async def look(self) -> int:
        """The horizon now, which lags behind transactions that are under way, whatever they write."""
        [[self.newest]] = await database.select("SELECT coalesce(max(id), 0) FROM events")
        if database.dialect() == "sqlite" or self.newest < self.reached:
            # Less than before is there only where a database has lost what it had committed.
            self.reached, self._awaited = self.newest, None
        if self._awaited is None and self.newest > self.reached:
            [[new_one]] = await database.select("SELECT pg_current_xact_id()::text::bigint")
            self._awaited = (self.newest, new_one)
        if self._awaited is not None:
            awaited, before = self._awaited
            [[oldest]] = await database.select("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
            if oldest >= before:
                self.reached, self._awaited = max(self.reached, awaited), None
        return self.reached

    async def wait(self) -> int:
        """The horizon once all that was committed before this call is within it, or after the longest wait."""
        waited, pause = 0.0, MIN_WAIT
        reached = await self.look()
        committed = self.newest
        while reached < committed and waited < MAX_WAIT:
            await asyncio.sleep(pause)
            waited, pause = waited + pause, pause * 2
            reached = await self.look()
        return reached


@dataclass(frozen=True, slots=True)
class CommittedEvent:
    """An event that was committed, as far as one must know to tell whom it concerns."""

    id: int
    order_id: UUID | None
    case_kind: CaseKind | None
    case_id: UUID | None
    known_at: datetime
    action: Action | None


_COLUMNS = [field.name for field in fields(CommittedEvent)]
Listener = Callable[[Sequence[CommittedEvent]], None]


class Feed:
    """Reads what others and this process have committed, and hands it to its one listener.

    It is woken by this process's own commits, by PostgreSQL's notifications, and every second.
    """

    def __init__(self) -> None:
        self.horizon = Watermark()
        self.listener: Listener | None = None
        self._seen = 0  # the greatest id that was handed on, or was there before anybody listened
        self._missing: list[tuple[int, int]] = []  # from, to: below it and beyond the horizon, what may still come
        self._reading = asyncio.Lock()
        self._begun = 0  # how many times it has begun to catch up
        self._woken = asyncio.Event()
        self._committed = asyncio.Event()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Needs the database connected for as long as it runs."""
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
        """From now on hands `listener` what is committed: all of it, and nothing from before."""
        await self.catch_up()
        if self.listener is None:
            self._woken.set()  # for what was committed in between
        self.listener = listener

    async def catch_up(self) -> None:
        """Hands on what was committed before this call."""
        after_this = self._begun + 1
        async with self._reading:
            if self._begun < after_this:  # else somebody else has begun since, which serves as well
                self._begun += 1
                await self._catch_up()

    async def _catch_up(self) -> None:
        horizon = await self.horizon.look()
        if self.listener is None or self.horizon.newest < self._seen:
            # What was there before anybody listened is no news, and need not be read.
            self._seen, self._missing = horizon, []
        while True:
            # In one statement: of two events of an order, the first is there whenever the second is.
            wanted = reduce(Q.__or__, (Q(id__range=between) for between in self._missing), Q(id__gt=self._seen))
            rows = (
                await Event.filter(wanted)
                .using_db(database.read_connection())
                .order_by("id")
                .limit(AT_ONCE)
                .values(*_COLUMNS)
            )
            news = [CommittedEvent(**row) for row in rows]
            self._note(event.id for event in news)
            if news and self.listener is not None:
                self.listener(news)
            if len(rows) < AT_ONCE:
                break
            await asyncio.sleep(0)
        settled = [(max(first, horizon + 1), last) for first, last in self._missing]
        self._missing = [(first, last) for first, last in settled if first <= last]

    def _note(self, ids: Iterable[int]) -> None:
        """Those are there: what lies between them may still come."""
        for id in ids:
            if id > self._seen:
                if id > self._seen + 1:
                    self._missing.append((self._seen + 1, id - 1))
                self._seen = id
            else:
                place = next(i for i, (first, last) in enumerate(self._missing) if first <= id <= last)
                first, last = self._missing.pop(place)
                self._missing += [(a, b) for a, b in ((first, id - 1), (id + 1, last)) if a <= b]

    def _after_commit(self) -> None:
        if self.listener is not None:
            self._woken.set()
        self._committed.set()

    async def _follow(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):  # wait_for may lose a cancellation before 3.12
                    await self._woken.wait()
            self._woken.clear()
            if self.listener is None:
                continue
            try:
                await self.catch_up()
            except Exception as error:
                if not state.note_failure(error):
                    _log.warning("news cannot be read: %s; trying again", type(error).__qualname__)
                await asyncio.sleep(POLL_SECONDS)

    async def _across_processes(self) -> None:
        """Keeps one connection, on which it listens for others' commits and notifies them of ours.

        A notification carries nothing: whoever hears it reads the events. Sent in the writing transaction it would
        make all of them wait for each other; here one serves all commits since the last.
        """
        while True:
            try:
                connection = await connect_outside_pool(database.connection())
                try:
                    connection.add_termination_listener(self._lost)
                    async with asyncio.timeout(NOTIFY_SECONDS):
                        await connection.add_listener(CHANNEL, self._heard)
                    self._woken.set()
                    while True:
                        await self._committed.wait()
                        self._committed.clear()
                        await connection.execute(f"NOTIFY {CHANNEL}", timeout=NOTIFY_SECONDS)
                        await asyncio.sleep(BETWEEN_SECONDS)
                finally:
                    connection.terminate()
            except Exception as error:
                if failures.of(error) is not failures.Failure.AWAY:  # of which the pulse knows
                    _log.warning("no connection for notifications: %s; trying again", type(error).__qualname__)
                await asyncio.sleep(POLL_SECONDS)

    def _lost(self, _connection: Any) -> None:
        self._committed.set()  # which makes the next notification fail, and a new connection

    def _heard(self, connection: Any, process: int, _channel: str, _payload: object) -> None:
        if process != connection.get_server_pid():
            self._woken.set()
