"""The issuer's keys: fetched off the event loop, kept, renewed, and asked for no more often than makes sense."""

import asyncio
import json
import logging
import time
import urllib.request

import jwt

FRESH_SECONDS = 300.0  # after which they are renewed while the old ones still serve
RETENTION_SECONDS = 24 * 3600.0  # for which old ones serve while the issuer cannot be reached
REST_SECONDS = 30.0  # between two fetches, however many tokens name keys that nobody knows
RETRY_SECONDS = 5.0  # after a fetch that failed
TIMEOUT_SECONDS = 5.0
MAX_BYTES = 1_000_000  # bytes

_log = logging.getLogger("recourse")


class KeySet:
    def __init__(self, url: str) -> None:
        self.url = url
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at = -RETENTION_SECONDS
        self._rests_until = 0.0
        self._fetching: asyncio.Task[None] | None = None
        self.is_away = False  # whether the last fetch failed

    async def key(self, id: str) -> jwt.PyJWK | None:
        """The key of this id; None where the issuer has none, or none that can be had now."""
        age = time.monotonic() - self._fetched_at
        known = self._keys.get(id) if age < RETENTION_SECONDS else None
        if known is None or age >= FRESH_SECONDS:
            renewing = self._renew()
            if known is None and renewing is not None:
                await asyncio.shield(renewing)
                known = self._keys.get(id)
        return known

    def _renew(self) -> asyncio.Task[None] | None:
        """The fetch that is under way or begins now; None where it is too early for another."""
        if self._fetching is None and time.monotonic() >= self._rests_until:
            self._fetching = asyncio.create_task(self._fetch())
        return self._fetching

    async def _fetch(self) -> None:
        try:
            self._keys = await asyncio.to_thread(self._read)
            self._fetched_at = time.monotonic()
            self.is_away = False
            self._rests_until = self._fetched_at + REST_SECONDS
        except Exception as error:
            self._rests_until = time.monotonic() + RETRY_SECONDS
            self.is_away = True
            _log.warning("the issuer's keys cannot be fetched: %s", type(error).__qualname__)
        finally:
            self._fetching = None

    def _read(self) -> dict[str, jwt.PyJWK]:
        with urllib.request.urlopen(self.url, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310 - the operator's own
            found = jwt.PyJWKSet.from_dict(json.loads(response.read(MAX_BYTES)))
        return {key.key_id: key for key in found.keys if key.key_id and key.public_key_use in (None, "sig")}
