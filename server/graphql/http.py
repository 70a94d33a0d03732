"""GraphQL over HTTP, as specified: reads requests, executes them, and writes responses."""

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

from resolvers.errors import UNAVAILABLE
from resolvers.telemetry import current
from server import request_id
from server.errors import RETRY_LATER, TOO_SLOW, RequestRejected, to_client_error
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


def _media_type(request: HTTPConnection | AsyncHTTPRequestAdapter) -> str | None:
    return negotiate(request.headers.get("accept", ""))


def response_media_type(request: HTTPConnection) -> str:
    """Returns the media type of a response that is not a stream."""
    return _single(_media_type(request))


def _single(media: str | None) -> str:
    return GRAPHQL_RESPONSE if media == GRAPHQL_RESPONSE else JSON


def check_method(request: Request) -> None:
    """Raises RequestRejected for a method other than GET and POST."""
    if request.method not in _ALLOWED:
        raise RequestRejected(405, "METHOD_NOT_ALLOWED", "Use GET or POST.", allow="GET, POST")


def _check_acceptable(media: str | None) -> None:
    """Raises RequestRejected where the client accepts none of the supported media types."""
    if media is None:
        raise RequestRejected(406, "NOT_ACCEPTABLE", f"Accept one of these media types: {', '.join(SUPPORTED)}.")


def _is_only_unavailable(body: Any) -> bool:
    """Whether the body holds nothing but errors that say that the database is not available."""
    data: dict[str, Any] = body.get("data") or {}
    errors = body.get("errors", ())
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
        """Runs a request. Strawberry does it for streams and sockets; for one result there is a shorter way."""
        if request.scope["type"] == "http" and (media := _media_type(request)) not in _STREAMS:
            return await self._respond(request, media, context)
        return await super().run(request, context=context)  # pyright: ignore[reportUnknownVariableType]

    async def _respond(self, request: Request, accepted: str | None, context: Any) -> Response:
        _check_acceptable(accepted)
        request_parameters = await self._read_parameters(request, request.body)
        text = self.documents.text(request_parameters)
        try:
            result = await self.schema.execute(
                text,
                request_parameters.variables,
                context,
                None,
                request_parameters.operation_name,
                _ALLOWED[request.method],
                request_parameters.extensions,
            )
        except InvalidOperationTypeError as error:
            if error.operation_type is OperationType.MUTATION:
                raise RequestRejected(405, "METHOD_NOT_ALLOWED", "Send mutations by POST.", allow="POST") from None
            raise RequestRejected(400, "BAD_REQUEST", error.as_http_error_reason(request.method)) from None
        body = await self.process_result(request, result)
        media, status, headers = _single(accepted), 200, None
        if current.get().code == UNAVAILABLE and _is_only_unavailable(body):
            # Nothing was executed, so this is not a GraphQL response, in any media type.
            body.pop("data", None)
            status, headers = 503, RETRY_LATER
        elif media == GRAPHQL_RESPONSE and "data" not in body:  # with application/json, the status is always 200
            status = 503 if current.get().code == TOO_SLOW else 400
        return Response(self.encode_json(body), status, headers, media_type=content_type_header(media))

    async def _read_parameters(
        self, request: Request | AsyncHTTPRequestAdapter, body: Callable[[], Awaitable[bytes]]
    ) -> Parameters:
        if request.method == "GET":
            request_parameters = parameters.from_query_string(request.query_params)
        else:
            request_parameters = parameters.from_body(request.headers, await body())
        request_id.note_client(current.get(), request_parameters.extensions)
        return request_parameters

    def should_render_graphql_ide(self, request: BaseRequestProtocol) -> bool:
        """Returns False, also for a GET without a query, for which Strawberry would show it."""
        return False

    async def get_sub_response(self, request: Request | WebSocket) -> Response:
        if isinstance(request, Request):
            _check_acceptable(_media_type(request))
        return await super().get_sub_response(request)

    async def parse_http_body(self, request: AsyncHTTPRequestAdapter) -> GraphQLRequestData:
        read = await self._read_parameters(request, request.get_body)
        protocol = _STREAMS[_media_type(request)]
        return GraphQLRequestData(
            self.documents.text(read), read.variables, read.operation_name, read.extensions, protocol
        )

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        """Returns the response's body, without `data` where nothing was executed: then, no error has a path."""
        errors = result.errors or []
        body: dict[str, Any] = {}
        if result.data is not None or any(error.path is not None for error in errors):
            body["data"] = result.data
        if errors:
            body["errors"] = [to_client_error(error, hints=self.hints).formatted for error in errors]
        if result.extensions:
            body["extensions"] = result.extensions
        return body  # type: ignore[return-value]

    def encode_json(self, data: object) -> bytes:
        return orjson.dumps(data)
