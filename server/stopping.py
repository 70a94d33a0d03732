"""Graceful shutdown: the process announces it for some seconds, so that load balancers send no new requests.

What happens, with RECOURSE_DRAIN_SECONDS=5:

    SIGTERM      /readyz answers 503 and responses carry `connection: close`; everything else is served as before
    5 s later    subscriptions end (`Hub.end`), and so does the drawing of pictures (`PictureProcesses.stop`); then
                 uvicorn's own handler runs: the port closes, requests finish
    SIGINT       the second line at once; so does a second SIGTERM

Service managers send SIGTERM, Ctrl-C sends SIGINT. With several workers, the parent passes the signal on. A worker
ignores a second SIGTERM: it may be the first one, passed on, where a service manager signals all processes.
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
    """`has_begun` says whether the process is about to stop. `seconds` is how long it announces that."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.has_begun = False

    @contextlib.contextmanager
    def on_signals(self, end_what_lasts: Callable[[], None]) -> Generator[None]:
        """Handles signals while the block runs. When the process stops, calls `end_what_lasts` and then the former
        handlers: uvicorn waits for open streams and requests before it ends the lifespan."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        former_handlers = {number: signal.getsignal(number) for number in _SIGNALS}
        is_worker = multiprocessing.parent_process() is not None
        has_stopped = False

        def stop(number: int) -> None:
            nonlocal has_stopped
            has_stopped = self.has_begun = True
            loop.call_soon_threadsafe(end_what_lasts)
            handler = former_handlers[signal.Signals(number)]
            if callable(handler):
                handler(number, None)

        def stop_after_drain() -> None:
            if not has_stopped:
                stop(signal.SIGTERM)

        def handle(number: int, _frame: FrameType | None) -> None:
            if number == signal.SIGINT or not self.seconds:
                stop(number)
            elif not self.has_begun:
                self.has_begun = True
                loop.call_soon_threadsafe(loop.call_later, self.seconds, stop_after_drain)
            elif not is_worker:
                stop(number)

        for number in former_handlers:
            signal.signal(number, handle)
        try:
            yield
        finally:
            for number, handler in former_handlers.items():
                signal.signal(number, handler)


class Workers(Multiprocess):
    """uvicorn's processes that share a port. The parent passes signals on, also while it waits for them to end."""

    at_once = False

    def handle_term(self) -> None:
        self.at_once |= self.should_exit.is_set()
        super().handle_term()

    def handle_int(self) -> None:
        self.at_once = True
        super().handle_int()

    def terminate_all(self) -> None:
        self._signal(signal.SIGINT if self.at_once else signal.SIGTERM)
        for socket in self.sockets:  # the port closes when all processes have closed it
            socket.close()

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
