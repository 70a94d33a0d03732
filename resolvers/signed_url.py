"""Signed URLs of files and calendars. Whoever has one may read or upload one file for a while, or read one account's
calendar until it is reset. They always use real time.

Example: `https://api.example/files/0190…?type=image%2Fpng&name=a.png&size=2048&expires=1767225600&signature=9f3…`. The
signature is an HMAC of the method, the file's key and the other parameters, with the store's secret. A URL may
name a variant of the file, like `variant=small`. Its signature is for `GET small`, so no other variant can be read.
"""

import contextlib
import hashlib
import hmac
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode
from uuid import UUID

from graphql import GraphQLError

from models.files import Away, Sample, Store
from models.pictures import PictureProcesses
from resolvers.errors import UNAVAILABLE, UNKNOWN_OUTCOME
from resolvers.telemetry import current

UPLOAD_SECONDS = 15 * 60
_CALENDAR = "CALENDAR"  # in the place of a method, so that no file's URL is a calendar's
READ_SECONDS = 60 * 60  # at least; the URL stays the same for so long, so that clients can cache the file


class FilesUnavailable(GraphQLError):
    """The store of files cannot be reached. What the request wrote before may have been committed."""

    def __init__(self) -> None:
        wrote = current.get().wrote
        again = "Send the request again with the same idempotency key" if wrote else "Try again"
        super().__init__(
            f"Files cannot be reached at the moment. {again} in a few seconds.",
            extensions={"code": UNKNOWN_OUTCOME if wrote else UNAVAILABLE},
        )


@contextlib.contextmanager
def file_errors() -> Generator[None]:
    """Inside the block, raises FilesUnavailable where the store cannot be reached."""
    try:
        yield
    except Away as away:
        raise FilesUnavailable from away


@dataclass(slots=True)
class FileUrls:
    """The store of files and the URLs that lead to it. `secret` signs them; it is None until `load`. `pictures` draws
    what is read instead of pictures."""

    store: Store
    secret: bytes | None = None
    pictures: PictureProcesses = field(default_factory=PictureProcesses)

    async def load(self) -> None:
        """Reads the secret from the store, unless it was read before. Raises Away."""
        if self.secret is None:
            self.secret = await self.store.secret()

    async def take(self, key: UUID, size: int) -> Sample | None:
        """Returns what was uploaded, and keeps it from being changed. Raises FilesUnavailable."""
        with file_errors():
            return await self.store.take(key, size)

    def read_address(
        self, origin: str, key: UUID, filename: str, content_type: str, size: int, variant: str | None = None
    ) -> str:
        """Returns the URL to read the file or a variant of it from, under this name and type.
        `origin` is the server's own, like https://example.com. `size` is that of the file as it was sent."""
        expires = (int(time.time()) // READ_SECONDS + 2) * READ_SECONDS
        parameters = {"type": content_type, "name": filename, "size": str(size), "expires": str(expires)}
        if variant is not None:
            parameters |= {"variant": variant}
        return self._address(origin, "GET", key, parameters)

    async def upload_address(self, origin: str, key: UUID, content_type: str, size: int) -> str:
        with file_errors():
            address = await self.store.upload_address(key, size, UPLOAD_SECONDS)
        if address is None:
            expires = int(time.time()) + UPLOAD_SECONDS
            parameters = {"type": content_type, "size": str(size), "expires": str(expires)}
            address = self._address(origin, "PUT", key, parameters)
        return address

    def allows(self, method: str, key: UUID, parameters: Mapping[str, str]) -> bool:
        """Whether a URL with this query was signed for this method and file, and has not expired."""
        query = dict(parameters)
        signature = query.pop("signature", "")
        signed = hmac.compare_digest(signature.encode(), self._signature(method, key, query).encode())
        return signed and int(query["expires"]) >= time.time()

    def calendar_address(self, origin: str, account: UUID, resets: int, language: str, zone: str) -> str:
        """Returns the URL of the account's calendar in a language and a zone. It is good until the next reset."""
        parameters = {"language": language, "zone": zone, "resets": str(resets)}
        query = urlencode(parameters | {"signature": self._signature(_CALENDAR, account, parameters)})
        return f"{origin}/calendars/{account.hex}.ics?{query}"

    def allows_calendar(self, account: UUID, parameters: Mapping[str, str]) -> bool:
        """Whether a URL with this query was signed for the account's calendar, now or before a reset."""
        query = dict(parameters)
        signature = query.pop("signature", "")
        return hmac.compare_digest(signature.encode(), self._signature(_CALENDAR, account, query).encode())

    def _address(self, origin: str, method: str, key: UUID, parameters: dict[str, str]) -> str:
        query = urlencode(parameters | {"signature": self._signature(method, key, parameters)})
        return f"{origin}/files/{key.hex}?{query}"

    def _signature(self, method: str, key: UUID, parameters: Mapping[str, str]) -> str:
        if self.secret is None:
            raise FilesUnavailable
        if variant := parameters.get("variant"):
            # Servers of earlier releases, which would send the original, do not accept this signature.
            method = f"{method} {variant}"
        text = f"{method} {key.hex} {urlencode(sorted(parameters.items()))}"
        return hmac.new(self.secret, text.encode(), hashlib.sha256).hexdigest()
