"""What a request asks, in a body, an address or a socket's message: a document, or the name of one, and the rest."""

import asyncio
from collections.abc import Mapping
from typing import Any, Literal, cast

import orjson
from pydantic import AliasChoices, AliasPath, BaseModel, Field, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope

from server.errors import RequestRejected
from server.graphql.negotiation import is_json


class PersistedQuery(BaseModel, strict=True):
    """Apollo's automatic persisted queries."""

    version: Literal[1]
    sha256: str = Field(alias="sha256Hash")


class Parameters(BaseModel, strict=True):
    query: str | None = None
    variables: dict[str, Any] | None = None
    operation_name: str | None = Field(None, alias="operationName")
    extensions: dict[str, Any] | None = None
    document_id: str | None = Field(None, validation_alias=AliasChoices("documentId", "id", "doc_id"))
    persisted: PersistedQuery | None = Field(None, validation_alias=AliasPath("extensions", "persistedQuery"))

    @property
    def names(self) -> list[str]:
        """The document's names, the hash first, without the kind of hash that some clients put before it."""
        given = (None if self.persisted is None else self.persisted.sha256, self.document_id)
        return [name.removeprefix("sha256:") for name in given if name is not None]

    @property
    def named(self) -> str | None:
        return next(iter(self.names), None)


def read(said: object) -> Parameters:
    """Raises Refused where this is no request of GraphQL."""
    if not isinstance(said, dict):
        raise RequestRejected(400, "BAD_REQUEST", "A request is a JSON object.")
    return _read(cast("dict[str, Any]", said))


def _read(said: dict[str, Any]) -> Parameters:
    try:
        asked = Parameters.model_validate(said)
    except ValidationError as wrong:
        if said.get("query") and not isinstance(said.get("id", ""), str):
            # Some clients count their requests. Where the document is there, such an id names none.
            return _read({name: value for name, value in said.items() if name != "id"})
        # A message of this library says what a value should be and never what it is; JSON calls its mappings objects.
        faults = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in wrong.errors())
        raise RequestRejected(400, "BAD_REQUEST", "; ".join(faults).replace("dictionary", "object")) from None
    if not (asked.query or asked.names):
        if None in said.values():  # of the names that an id may have the first one holds, but not as null
            return _read({name: value for name, value in said.items() if value is not None})
        raise RequestRejected(400, "BAD_REQUEST", "A request holds a query, or the id of a document.")
    return asked


_BYTE_ORDER_MARK = "\ufeff".encode()
_HALF = "A character in this JSON is half of one: an escape of a surrogate pair without its other half."
_REFUSED = {  # what is JSON and refused all the same, by what the parser says of it
    "number is infinity when parsed as double": "A number in this JSON is too large.",
    "depth limit exceeded": "This JSON is nested too deeply.",
    "no low surrogate in string": _HALF,
    "invalid low surrogate in string": _HALF,
    "invalid high surrogate in string": _HALF,
}


def decoded(data: str | bytes) -> object:
    """The value of this JSON, which may have a byte order mark before it. Raises Refused."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        data = (data if isinstance(data, bytes) else data.encode(errors="replace")).removeprefix(_BYTE_ORDER_MARK)
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as wrong:
        raise RequestRejected(400, "BAD_REQUEST", _REFUSED.get(wrong.msg, "This is not JSON in UTF-8.")) from None


def of_address(said: Mapping[str, Any]) -> Parameters:
    values = {name: decoded(said[name]) for name in ("variables", "extensions") if said.get(name)}
    return read({name: text for name, text in said.items() if text} | values)


def of_body(headers: Mapping[str, str], body: bytes) -> Parameters:
    if headers.get("content-encoding", "").strip().lower() not in ("", "identity"):
        raise RequestRejected(415, "UNSUPPORTED_MEDIA_TYPE", "A body is sent as it is, without a Content-Encoding.")
    if not is_json(headers.get("content-type", "")):
        raise RequestRejected(415, "UNSUPPORTED_MEDIA_TYPE", "Send Content-Type: application/json, in UTF-8.")
    return read(decoded(body))


class BoundedRequest(Request):
    """Refuses a body while it comes in, as soon as there is more of it than `most` bytes, or it takes so many
    `seconds`. It is read by `body` alone."""

    def __init__(self, scope: Scope, receive: Receive, most: int, seconds: float) -> None:
        super().__init__(scope, receive)
        self.most, self.seconds = most, seconds

    async def body(self) -> bytes:
        """To be called once. Raises Refused, and ClientDisconnect."""
        body, is_more = bytearray(), True
        try:
            async with asyncio.timeout(self.seconds):
                while is_more:
                    message = await self.receive()
                    if message["type"] == "http.disconnect":
                        raise ClientDisconnect
                    body += message.get("body", b"")
                    if len(body) > self.most:
                        # There may be more to come that nobody will read.
                        raise RequestRejected(
                            413, "TOO_LARGE", f"A request has at most {self.most:,} bytes.", connection="close"
                        )
                    is_more = message.get("more_body", False)
        except TimeoutError:
            raise RequestRejected(
                408, "TOO_SLOW", "This request did not come in in time.", connection="close"
            ) from None
        return bytes(body)
