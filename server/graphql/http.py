"""GraphQL over HTTP, as its specification has it: how requests are read, and how answers are spelled."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from cross_web import AsyncHTTPRequestAdapter
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData, GraphQLRequestProtocol
from strawberry.http.base import BaseRequestProtocol
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, MULTIPART_SUBSCRIPTION_PROTOCOL
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType
from strawberry.types.unset import UNSET

from execution.schema import TooSlow
from resolvers.telemetry import current
from server import request_id
from server.errors import RETRY_LATER, UNAVAILABLE, RequestRejected, to_client_error
from server.graphql import parameters
from server.graphql.negotiation import (
    EVENT_STREAM,
    GRAPHQL_RESPONSE,
    JSON,
    MULTIPART,
    SUPPORTED,
    content_type_header,
    negotiate,
)
from server.graphql.parameters import Parameters
from server.graphql.persisted import Documents
from server.graphql.streams import EventStream, MultipartStream

_ALLOWED = {method: OperationType.from_http(method) for method in ("GET", "POST")}
_STREAMS: dict[str | None, GraphQLRequestProtocol] = {EVENT_STREAM: "sse", MULTIPART: "multipart-subscription"}


def _wanted(request: HTTPConnection | AsyncHTTPRequestAdapter) -> str | None:
    return negotiate(request.headers.get("accept", ""))


def answered_in(request: HTTPConnection) -> str:
    """The media type of an answer that is no stream."""
    return _spoken(_wanted(request))


def _spoken(wanted: str | None) -> str:
    return GRAPHQL_RESPONSE if wanted == GRAPHQL_RESPONSE else JSON


def check_method(request: Request) -> None:
    """Raises Refused for a method that nothing is asked by."""
    if request.method not in _ALLOWED:
        raise RequestRejected(405, "METHOD_NOT_ALLOWED", "Ask by GET or POST.", allow="GET, POST")


def _check(wanted: str | None) -> None:
    """Raises Refused for a request that is answered in no way."""
    if wanted is None:
        raise RequestRejected(406, "NOT_ACCEPTABLE", f"Answers come as one of these: {', '.join(SUPPORTED)}.")


def _has_nothing(answer: Any) -> bool:
    """Whether all that an answer says is that the database cannot be used."""
    data: dict[str, Any] = answer.get("data") or {}
    errors = answer.get("errors", ())
    unavailable = all(error["extensions"]["code"] == UNAVAILABLE for error in errors)
    return bool(errors) and unavailable and all(value is None for value in data.values())


class HTTPTransport(GraphQL[Any, None]):
    documents: Documents
    hints: bool
    stream_transport_classes_by_protocol = {  # noqa: RUF012
        MULTIPART_SUBSCRIPTION_PROTOCOL: MultipartStream,
        GRAPHQL_SSE_PROTOCOL: EventStream,
    }

    async def run(self, request: Any, context: Any = UNSET, root_value: Any = UNSET) -> Any:
        """Streams are the base's; one answer needs none of its ways."""
        if request.scope["type"] == "http" and (wanted := _wanted(request)) not in _STREAMS:
            return await self._answer(request, wanted, context)
        return await super().run(request, context=context)  # pyright: ignore[reportUnknownVariableType]

    async def _answer(self, request: Request, wanted: str | None, context: Any) -> Response:
        _check(wanted)
        asked = await self._asked(request, request.body)
        text = self.documents.text(asked)
        try:
            result = await self.schema.execute(
                text, asked.variables, context, None, asked.operation_name, _ALLOWED[request.method], asked.extensions
            )
        except InvalidOperationTypeError as wrong:
            if wrong.operation_type is OperationType.MUTATION:
                raise RequestRejected(405, "METHOD_NOT_ALLOWED", "A mutation is sent by POST.", allow="POST") from None
            raise RequestRejected(400, "BAD_REQUEST", wrong.as_http_error_reason(request.method)) from None
        answer = await self.process_result(request, result)
        media, status, headers = _spoken(wanted), 200, None
        if current.get().code == UNAVAILABLE and _has_nothing(answer):
            # Nothing was executed, so that this is no answer to the document, whatever media type it comes in.
            answer.pop("data", None)
            status, headers = 503, RETRY_LATER
        elif media == GRAPHQL_RESPONSE and "data" not in answer:  # else statuses are for what stands in between
            status = 503 if current.get().code == TooSlow.CODE else 400
        return Response(self.encode_json(answer), status, headers, media_type=content_type_header(media))

    async def _asked(
        self, request: Request | AsyncHTTPRequestAdapter, body: Callable[[], Awaitable[bytes]]
    ) -> Parameters:
        if request.method == "GET":
            asked = parameters.of_address(request.query_params)
        else:
            asked = parameters.of_body(request.headers, await body())
        request_id.called(current.get(), asked.extensions)
        return asked

    def should_render_graphql_ide(self, request: BaseRequestProtocol) -> bool:
        """Never; the base takes a GET without a query for one that wants it."""
        return False

    async def get_sub_response(self, request: Request | WebSocket) -> Response:
        if isinstance(request, Request):
            _check(_wanted(request))
        return await super().get_sub_response(request)

    async def parse_http_body(self, request: AsyncHTTPRequestAdapter) -> GraphQLRequestData:
        asked = await self._asked(request, request.get_body)
        protocol = _STREAMS[_wanted(request)]
        return GraphQLRequestData(
            self.documents.text(asked), asked.variables, asked.operation_name, asked.extensions, protocol
        )

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        """Without `data` where nothing was run: then no error has a path."""
        errors = result.errors or []
        answer: dict[str, Any] = {}
        if result.data is not None or any(error.path is not None for error in errors):
            answer["data"] = result.data
        if errors:
            answer["errors"] = [to_client_error(error, hints=self.hints).formatted for error in errors]
        if result.extensions:
            answer["extensions"] = result.extensions
        return answer  # type: ignore[return-value]

    def encode_json(self, data: object) -> bytes:
        return orjson.dumps(data)
