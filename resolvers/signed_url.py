"""Signed addresses: whoever has one may do one thing with one file, for a while. They always use real time."""

import contextlib
import hashlib
import hmac
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from graphql import GraphQLError

from models.files import Away, Sample, Store
from resolvers.telemetry import current

UPLOAD_SECONDS = 15 * 60
READ_SECONDS = 60 * 60  # at least; the same address is given for so long, so that clients can keep what they have read


class FilesUnavailable(GraphQLError):
    """The store of files is away. What was written before that was noticed may stand."""

    def __init__(self) -> None:
        wrote = current.get().wrote
        again = "Ask again with the same idempotency key" if wrote else "Try again"
        super().__init__(
            f"Files cannot be reached at the moment. {again} in a few seconds.",
            extensions={"code": "UNKNOWN_OUTCOME" if wrote else "UNAVAILABLE"},
        )


@contextlib.contextmanager
def file_errors() -> Generator[None]:
    """Within, a store that is away is an error that clients understand."""
    try:
        yield
    except Away as away:
        raise FilesUnavailable from away


@dataclass(slots=True)
class FileUrls:
    """The store of contents, and the addresses that lead to it. `secret` signs them; it is None until `load`."""

    store: Store
    secret: bytes | None = None

    async def load(self) -> None:
        """Reads the secret from the store, unless it is known. Raises Away."""
        if self.secret is None:
            self.secret = await self.store.secret()

    async def take(self, key: UUID, size: int) -> Sample | None:
        """What has come in, as the store says. Raises Unavailable."""
        with file_errors():
            return await self.store.take(key, size)

    def read_address(self, origin: str, key: UUID, filename: str, content_type: str, size: int) -> str:
        """`origin` is the server's own, like https://example.com."""
        expires = (int(time.time()) // READ_SECONDS + 2) * READ_SECONDS
        said = {"type": content_type, "name": filename, "size": str(size), "expires": str(expires)}
        return self._address(origin, "GET", key, said)

    async def upload_address(self, origin: str, key: UUID, content_type: str, size: int) -> str:
        with file_errors():
            address = await self.store.upload_address(key, size, UPLOAD_SECONDS)
        if address is None:
            expires = int(time.time()) + UPLOAD_SECONDS
            said = {"type": content_type, "size": str(size), "expires": str(expires)}
            address = self._address(origin, "PUT", key, said)
        return address

    def allows(self, method: str, key: UUID, said: Mapping[str, str]) -> bool:
        """Whether an address with this query was made here for that, and has not expired."""
        query = dict(said)
        signature = query.pop("signature", "")
        signed = hmac.compare_digest(signature.encode(), self._signature(method, key, query).encode())
        return signed and int(query["expires"]) >= time.time()

    def _address(self, origin: str, method: str, key: UUID, said: dict[str, str]) -> str:
        query = urlencode(said | {"signature": self._signature(method, key, said)})
        return f"{origin}/files/{key.hex}?{query}"

    def _signature(self, method: str, key: UUID, said: Mapping[str, str]) -> str:
        if self.secret is None:
            raise FilesUnavailable
        text = f"{method} {key.hex} {urlencode(sorted(said.items()))}"
        return hmac.new(self.secret, text.encode(), hashlib.sha256).hexdigest()
