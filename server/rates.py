"""How often somebody may ask: by account, and by the address that they ask from."""

import asyncio
import logging
import time
from typing import Any

from limits import RateLimitItem, parse
from limits.aio.strategies import SlidingWindowCounterRateLimiter as RemoteLimiter
from limits.errors import StorageError
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter as Limiter
from starlette.requests import HTTPConnection

from server.errors import Refused
from server.settings import Mode, Settings

IN_MEMORY = "memory://"
OFF = "off"
USUAL = {"account": "600/minute", "address": "6000/minute"}  # in production; many phones share one address
CLEARING_SECONDS = 10.0  # between two clearings of what has expired
PATIENCE_SECONDS = 0.5  # with the store
REST_SECONDS = 5.0  # in which it is not asked again once it could not be reached

_log = logging.getLogger("recourse")


class Memory(MemoryStorage):
    """As its base, which has a thread look through all that it holds at every hit; this one does so now and then."""

    STORAGE_SCHEME = None
    _clears_at = 0.0

    def _MemoryStorage__schedule_expiry(self) -> None:  # noqa: N802 - what its base calls it
        if time.monotonic() >= self._clears_at:
            self._clears_at = time.monotonic() + CLEARING_SECONDS
            self._MemoryStorage__expire_events()  # type: ignore[attr-defined]


def _limiter(url: str) -> Limiter | RemoteLimiter:
    if url == IN_MEMORY:
        return Limiter(Memory())
    options: dict[str, Any] = {"implementation": "redispy", "wrap_exceptions": True}
    try:
        return RemoteLimiter(storage_from_string(f"async+{url}", **options))  # type: ignore[arg-type]
    except Exception as error:  # which may quote a password
        raise ValueError(f"rates are kept at memory:// or redis://HOST:PORT ({type(error).__name__})") from None


def address(opened: HTTPConnection) -> str:
    """Whom it is from, as far as the network tells."""
    return opened.client.host if opened.client else ""


class Rates:
    """`per` says whose they are: account or address."""

    def __init__(self, settings: Settings) -> None:
        """Raises ValueError where the settings make no sense."""
        given = {"account": settings.rate_per_account, "address": settings.rate_per_address}
        usual = USUAL if settings.mode is Mode.PRODUCTION else {}
        said = {per: rate or usual.get(per, OFF) for per, rate in given.items()}
        self.rates: dict[str, RateLimitItem] = {per: parse(rate) for per, rate in said.items() if rate != OFF}
        self.limiter = _limiter(settings.rate_store)
        self._rests_until = 0.0

    async def spend(self, per: str, who: str) -> None:
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
                async with asyncio.timeout(PATIENCE_SECONDS):
                    if await self.limiter.hit(rate, per, who):
                        return
                    stats = await self.limiter.get_window_stats(rate, per, who)
            except (StorageError, TimeoutError):
                self._rests_until = time.monotonic() + REST_SECONDS
                _log.warning("the store of rates cannot be reached; nobody is held back")
                return
        wait = max(1, round(stats.reset_time - time.time()))
        raise Refused(
            429, "RATE_LIMITED", f"That was once too often; ask again in {wait} s.", **{"retry-after": str(wait)}
        )
