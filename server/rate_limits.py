"""Rate limits: how often an account and a client's address may send requests, in a sliding window."""

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
EXPIRY_SECONDS = 10.0  # between two removals of expired entries
TIMEOUT_SECONDS = 0.5  # for the store to answer
REST_SECONDS = 5.0  # without asking the store, after it could not be reached

_log = logging.getLogger("recourse")


class Expiry:
    """Removes expired entries from a store in memory every few seconds. The library starts a thread for it at every
    request."""

    def __init__(self, store: MemoryStorage) -> None:
        self.remove_expired: Callable[[], None] = getattr(store, "_MemoryStorage__expire_events")  # noqa: B009
        self.due_at = 0.0

    def __call__(self) -> None:
        if time.monotonic() >= self.due_at:
            self.due_at = time.monotonic() + EXPIRY_SECONDS
            self.remove_expired()


def in_memory() -> MemoryStorage:
    # Not a subclass: the library would wrap its methods a second time.
    store = MemoryStorage()
    setattr(store, "_MemoryStorage__schedule_expiry", Expiry(store))  # noqa: B010 - called at every request
    return store


def _limiter(url: str) -> Limiter | RemoteLimiter:
    if url == IN_MEMORY:
        return Limiter(in_memory())
    options: dict[str, Any] = {"implementation": "redispy", "wrap_exceptions": True}
    try:
        return RemoteLimiter(storage_from_string(f"async+{url}", **options))  # type: ignore[arg-type]
    except Exception as error:  # its message may quote a password
        raise ValueError(
            f"RECOURSE_RATE_STORE must be memory:// or redis://HOST:PORT ({type(error).__name__})"
        ) from None


def client_address(connection: HTTPConnection) -> str:
    """Returns the client's address as the network, or a trusted proxy, tells it."""
    return connection.client.host if connection.client else ""


class RateLimiter:
    """Counts requests by `scope`, which is `account` or `address`."""

    def __init__(self, settings: Settings) -> None:
        """Raises ValueError where the settings are not valid."""
        configured = {"account": settings.rate_per_account, "address": settings.rate_per_address}
        defaults = DEFAULT_RATES if settings.mode is Mode.PRODUCTION else {}
        texts = {scope: rate or defaults.get(scope, OFF) for scope, rate in configured.items()}
        self.rates: dict[str, RateLimitItem] = {scope: parse(rate) for scope, rate in texts.items() if rate != OFF}
        self.limiter = _limiter(settings.rate_store)
        self._rests_until = 0.0

    async def consume(self, scope: str, key: str) -> None:
        """Counts a request. Raises RequestRejected above the limit. While the store is away, all requests pass."""
        rate = self.rates.get(scope)
        if rate is None or time.monotonic() < self._rests_until:
            return
        if isinstance(self.limiter, Limiter):
            if self.limiter.hit(rate, scope, key):
                return
            stats = self.limiter.get_window_stats(rate, scope, key)
        else:
            try:
                async with asyncio.timeout(TIMEOUT_SECONDS):
                    if await self.limiter.hit(rate, scope, key):
                        return
                    stats = await self.limiter.get_window_stats(rate, scope, key)
            except (StorageError, TimeoutError):
                self._rests_until = time.monotonic() + REST_SECONDS
                _log.warning("the store of rate limits cannot be reached; all requests pass")
                return
        wait = max(1, round(stats.reset_time - time.time()))
        unit = "second" if wait == 1 else "seconds"
        raise RequestRejected(
            429, "RATE_LIMITED", f"Too many requests; try again in {wait} {unit}.", **{"retry-after": str(wait)}
        )
