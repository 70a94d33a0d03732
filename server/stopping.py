"""How a process stops: it says so for a while, so that nobody sends it anything new, and goes on meanwhile.

That is what SIGTERM does, which service managers send. Ctrl-C (SIGINT) stops at once, as does a second signal.
"""

import asyncio
import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Generator
from types import FrameType
from typing import Any

from uvicorn.supervisors import Multiprocess

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stopping:
    """Whether the process is about to stop. `seconds` is how long it says so before it does."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.has_begun = False

    @contextlib.contextmanager
    def heard(self, end: Callable[[], None]) -> Generator[None]:
        """Calls `end`, and then what handled signals before, when the process is to stop: the server waits for open
        streams before it ends the lifespan."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        before = {number: signal.getsignal(number) for number in _SIGNALS}
        is_worker = multiprocessing.parent_process() is not None
        stops = False

        def stop(number: int) -> None:
            nonlocal stops
            stops = self.has_begun = True
            loop.call_soon_threadsafe(end)
            handler = before[signal.Signals(number)]
            if callable(handler):
                handler(number, None)

        def stop_after_all() -> None:
            if not stops:
                stop(signal.SIGTERM)

        def hear(number: int, _frame: FrameType | None) -> None:
            if number == signal.SIGINT or not self.seconds:
                stop(number)
            elif not self.has_begun:
                self.has_begun = True
                loop.call_soon_threadsafe(loop.call_later, self.seconds, stop_after_all)
            elif not is_worker:  # whose second SIGTERM may be the first one, passed on: a service manager signals all
                stop(number)

        for number in before:
            signal.signal(number, hear)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class Workers(Multiprocess):
    """Processes that share a port. Their parent passes on how it is told to stop, also while it waits for them."""

    at_once = False

    def handle_term(self) -> None:
        self.at_once |= self.should_exit.is_set()
        super().handle_term()

    def handle_int(self) -> None:
        self.at_once = True
        super().handle_int()

    def terminate_all(self) -> None:
        self._signal(signal.SIGINT if self.at_once else signal.SIGTERM)
        for each in self.sockets:  # the port closes when all have closed it
            each.close()

    def join_all(self) -> None:
        while any(worker.process.is_alive() for worker in self.processes):
            was_at_once = self.at_once
            self.handle_signals()
            if self.at_once and not was_at_once:
                self._signal(signal.SIGINT)
            time.sleep(0.1)

    def _signal(self, number: int) -> None:
        for worker in self.processes:
            process: Any = worker.process
            if process.is_alive():
                os.kill(process.pid, number)
