"""How often somebody may ask: by account, and by the address that they ask from."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from limits import RateLimitItem, parse
from limits.aio.strategies import SlidingWindowCounterRateLimiter as RemoteLimiter
from limits.errors import StorageError
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter as Limiter
from starlette.requests import HTTPConnection

from server.errors import RequestRejected
from server.settings import Mode, Settings

IN_MEMORY = "memory://"
OFF = "off"
DEFAULT_RATES = {"account": "600/minute", "address": "6000/minute"}  # in production; many phones share one address
CLEARING_SECONDS = 10.0  # between two clearings of what has expired
TIMEOUT_SECONDS = 0.5  # with the store
REST_SECONDS = 5.0  # in which it is not asked again once it could not be reached

_log = logging.getLogger("recourse")


class Clearing:
    """Looks through all that a store in memory holds now and then; by itself it has a thread do so at every hit."""

    def __init__(self, store: MemoryStorage) -> None:
        self.clear: Callable[[], None] = getattr(store, "_MemoryStorage__expire_events")  # noqa: B009
        self.due_at = 0.0

    def __call__(self) -> None:
        if time.monotonic() >= self.due_at:
            self.due_at = time.monotonic() + CLEARING_SECONDS
            self.clear()


def in_memory() -> MemoryStorage:
    # Not by a class of our own, whose methods the library would wrap a second time.
    store = MemoryStorage()
    setattr(store, "_MemoryStorage__schedule_expiry", Clearing(store))  # noqa: B010 - what it calls at every hit
    return store


def _limiter(url: str) -> Limiter | RemoteLimiter:
    if url == IN_MEMORY:
        return Limiter(in_memory())
    options: dict[str, Any] = {"implementation": "redispy", "wrap_exceptions": True}
    try:
        return RemoteLimiter(storage_from_string(f"async+{url}", **options))  # type: ignore[arg-type]
    except Exception as error:  # which may quote a password
        raise ValueError(f"rates are kept at memory:// or redis://HOST:PORT ({type(error).__name__})") from None


def client_address(opened: HTTPConnection) -> str:
    """Whom it is from, as far as the network tells."""
    return opened.client.host if opened.client else ""


class RateLimiter:
    """`per` says whose they are: account or address."""

    def __init__(self, settings: Settings) -> None:
        """Raises ValueError where the settings make no sense."""
        given = {"account": settings.rate_per_account, "address": settings.rate_per_address}
        usual = DEFAULT_RATES if settings.mode is Mode.PRODUCTION else {}
        said = {per: rate or usual.get(per, OFF) for per, rate in given.items()}
        self.rates: dict[str, RateLimitItem] = {per: parse(rate) for per, rate in said.items() if rate != OFF}
        self.limiter = _limiter(settings.rate_store)
        self._rests_until = 0.0

    async def consume(self, per: str, who: str) -> None:
        """Raises Refused where that was once too often. Where the store cannot be reached, all may ask."""
        rate = self.rates.get(per)
        if rate is None or time.monotonic() < self._rests_until:
            return
        if isinstance(self.limiter, Limiter):
            if self.limiter.hit(rate, per, who):
                return
            stats = self.limiter.get_window_stats(rate, per, who)
        else:
            try:
                async with asyncio.timeout(TIMEOUT_SECONDS):
                    if await self.limiter.hit(rate, per, who):
                        return
                    stats = await self.limiter.get_window_stats(rate, per, who)
            except (StorageError, TimeoutError):
                self._rests_until = time.monotonic() + REST_SECONDS
                _log.warning("the store of rates cannot be reached; nobody is held back")
                return
        wait = max(1, round(stats.reset_time - time.time()))
        raise RequestRejected(
            429, "RATE_LIMITED", f"That was once too often; ask again in {wait} s.", **{"retry-after": str(wait)}
        )
