"""The parameters of a GraphQL request: read from a body, a URL or a socket's message, and checked."""

import asyncio
from collections.abc import Mapping
from typing import Any, Literal, cast

import orjson
from pydantic import AliasChoices, AliasPath, BaseModel, Field, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope

from server.errors import TOO_SLOW, RequestRejected
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
        """The names of the document, the hash first. Some clients put `sha256:` before it."""
        names = (None if self.persisted is None else self.persisted.sha256, self.document_id)
        return [name.removeprefix("sha256:") for name in names if name is not None]

    @property
    def name(self) -> str | None:
        return next(iter(self.names), None)


def from_json(value: object) -> Parameters:
    """Raises RequestRejected where this is not a GraphQL request."""
    if not isinstance(value, dict):
        raise RequestRejected(400, "BAD_REQUEST", "A request must be a JSON object.")
    return _validated(cast("dict[str, Any]", value))


def _validated(values: dict[str, Any]) -> Parameters:
    try:
        parameters = Parameters.model_validate(values)
    except ValidationError as error:
        if values.get("query") and not isinstance(values.get("id", ""), str):
            # Some clients number their requests. With a query beside it, such an id is not that of a document.
            return _validated({name: value for name, value in values.items() if name != "id"})
        # Pydantic's messages say what a value should be and never what it is. JSON's word for a dictionary is object.
        faults = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise RequestRejected(400, "BAD_REQUEST", "; ".join(faults).replace("dictionary", "object")) from None
    if not (parameters.query or parameters.names):
        if None in values.values():  # one name of the id may be null while another one has the value
            return _validated({name: value for name, value in values.items() if value is not None})
        raise RequestRejected(400, "BAD_REQUEST", "A request needs a query or the id of a document.")
    return parameters


_BYTE_ORDER_MARK = "\ufeff".encode()
_HALF = "This JSON has an incomplete Unicode escape: a surrogate without its pair."
_PARSER_MESSAGES = {  # of errors in valid JSON that is not accepted
    "number is infinity when parsed as double": "A number in this JSON is too large.",
    "depth limit exceeded": "This JSON is nested too deeply.",
    "no low surrogate in string": _HALF,
    "invalid low surrogate in string": _HALF,
    "invalid high surrogate in string": _HALF,
}


def decode_json(data: str | bytes) -> object:
    """Returns the value of this JSON, which may begin with a byte order mark. Raises RequestRejected."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        data = (data if isinstance(data, bytes) else data.encode(errors="replace")).removeprefix(_BYTE_ORDER_MARK)
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise RequestRejected(
            400, "BAD_REQUEST", _PARSER_MESSAGES.get(error.msg, "The body is not valid JSON in UTF-8.")
        ) from None


def from_query_string(query: Mapping[str, Any]) -> Parameters:
    decoded = {name: decode_json(query[name]) for name in ("variables", "extensions") if query.get(name)}
    return from_json({name: text for name, text in query.items() if text} | decoded)


def from_body(headers: Mapping[str, str], body: bytes) -> Parameters:
    if headers.get("content-encoding", "").strip().lower() not in ("", "identity"):
        raise RequestRejected(415, "UNSUPPORTED_MEDIA_TYPE", "Send the body without a Content-Encoding.")
    if not is_json(headers.get("content-type", "")):
        raise RequestRejected(415, "UNSUPPORTED_MEDIA_TYPE", "Send Content-Type: application/json, in UTF-8.")
    return from_json(decode_json(body))


class BoundedRequest(Request):
    """Rejects a body as soon as it has more than `max_bytes`, or takes more than `seconds` to arrive."""

    def __init__(self, scope: Scope, receive: Receive, max_bytes: int, seconds: float) -> None:
        super().__init__(scope, receive)
        self.max_bytes, self.seconds = max_bytes, seconds

    async def body(self) -> bytes:
        """Reads the body; can be called once. Raises RequestRejected, and ClientDisconnect."""
        body, is_more = bytearray(), True
        try:
            async with asyncio.timeout(self.seconds):
                while is_more:
                    message = await self.receive()
                    if message["type"] == "http.disconnect":
                        raise ClientDisconnect
                    body += message.get("body", b"")
                    if len(body) > self.max_bytes:
                        # Closes the connection, because the rest of the body is not read.
                        raise RequestRejected(
                            413,
                            "TOO_LARGE",
                            f"A request may have at most {self.max_bytes:,} bytes.",
                            connection="close",
                        )
                    is_more = message.get("more_body", False)
        except TimeoutError:
            raise RequestRejected(408, TOO_SLOW, "The request did not arrive in time.", connection="close") from None
        return bytes(body)
