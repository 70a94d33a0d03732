"""The issuer's public keys (JWKS): fetched in a thread, cached, and renewed in the background.

Example: a token names the key `k2`, which is not in the cache. The set is fetched once, however many requests wait for
it; then unknown keys start no other fetch for REST_SECONDS. A known key serves at once. If the set is older than
FRESH_SECONDS, it is renewed in the background.
"""

import asyncio
import json
import logging
import time
import urllib.request

import jwt

FRESH_SECONDS = 300.0  # after which keys are renewed, while the old ones still serve
RETENTION_SECONDS = 24 * 3600.0  # for which old keys serve while the issuer cannot be reached
REST_SECONDS = 30.0  # between two fetches, however many tokens name unknown keys
RETRY_SECONDS = 5.0  # after a fetch that failed
TIMEOUT_SECONDS = 5.0
MAX_BYTES = 1_000_000  # of the response

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
        """Returns the key with this id; None where the issuer has no such key, or it cannot be fetched now."""
        age = time.monotonic() - self._fetched_at
        key = self._keys.get(id) if age < RETENTION_SECONDS else None
        if key is None or age >= FRESH_SECONDS:
            renewing = self._renew()
            if key is None and renewing is not None:
                await asyncio.shield(renewing)
                key = self._keys.get(id)
        return key

    def _renew(self) -> asyncio.Task[None] | None:
        """Returns the fetch that is running or starts now; None where it is too early for another one."""
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
        with urllib.request.urlopen(self.url, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310 - from the settings
            key_set = jwt.PyJWKSet.from_dict(json.loads(response.read(MAX_BYTES)))
        return {key.key_id: key for key in key_set.keys if key.key_id and key.public_key_use in (None, "sig")}
