"""GraphQL over HTTP, as its specification has it: how requests are read, and how answers are spelled."""

from typing import Any

import orjson
from cross_web import AsyncHTTPRequestAdapter, HTTPException
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

from resolvers.request import current
from schema.execution import TooSlow
from server import parameters, requests
from server.documents import Documents
from server.errors import Refused, presented
from server.media import EVENT_STREAM, GRAPHQL_RESPONSE, JSON, MULTIPART, SPOKEN, negotiated, spelled
from server.streams import EventStream, MultipartStream

_STREAMS: dict[str | None, GraphQLRequestProtocol] = {EVENT_STREAM: "sse", MULTIPART: "multipart-subscription"}


def _wanted(request: HTTPConnection | AsyncHTTPRequestAdapter) -> str | None:
    return negotiated(request.headers.get("accept", ""))


def answered_in(request: HTTPConnection) -> str:
    """The media type of an answer that is no stream."""
    return GRAPHQL_RESPONSE if _wanted(request) == GRAPHQL_RESPONSE else JSON


class Conversation(GraphQL[Any, None]):
    documents: Documents
    hints: bool
    stream_transport_classes_by_protocol = {  # noqa: RUF012
        MULTIPART_SUBSCRIPTION_PROTOCOL: MultipartStream,
        GRAPHQL_SSE_PROTOCOL: EventStream,
    }

    def is_request_allowed(self, request: BaseRequestProtocol) -> bool:
        if request.method not in ("GET", "POST"):
            raise Refused(405, "METHOD_NOT_ALLOWED", "Ask by GET or POST.", allow="GET, POST")
        return True

    def should_render_graphql_ide(self, request: BaseRequestProtocol) -> bool:
        """Never; the base takes a GET without a query for one that wants it."""
        return False

    async def parse_http_body(self, request: AsyncHTTPRequestAdapter) -> GraphQLRequestData:
        if request.method == "GET":
            asked = parameters.of_address(request.query_params)
        else:
            asked = parameters.of_body(request.headers, await request.get_body())
        requests.called(current.get(), asked.extensions)
        return GraphQLRequestData(
            self.documents.text(asked),
            asked.variables,
            asked.operation_name,
            asked.extensions,
            _STREAMS.get(_wanted(request), "http"),
        )

    async def execute_single(self, *args: Any, **named: Any) -> ExecutionResult:
        try:
            return await super().execute_single(*args, **named)
        except HTTPException as wrong:
            match wrong.__cause__:
                case InvalidOperationTypeError(operation_type=OperationType.MUTATION):
                    raise Refused(405, "METHOD_NOT_ALLOWED", "A mutation is sent by POST.", allow="POST") from None
                case _:
                    raise

    async def get_sub_response(self, request: Request | WebSocket) -> Response:
        response = await super().get_sub_response(request)
        if _wanted(request) is None:
            raise Refused(406, "NOT_ACCEPTABLE", f"Answers come as one of these: {', '.join(SPOKEN)}.")
        response.media_type = answered_in(request)
        return response

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        """Without `data` where nothing was run: then no error has a path."""
        errors = result.errors or []
        answer: dict[str, Any] = {}
        if result.data is not None or any(error.path is not None for error in errors):
            answer["data"] = result.data
        if errors:
            answer["errors"] = [presented(error, hints=self.hints).formatted for error in errors]
        if result.extensions:
            answer["extensions"] = result.extensions
        return answer  # type: ignore[return-value]

    def create_response(self, response_data: Any, sub_response: Response) -> Response:
        """Where all answers are application/json, statuses are for what stands in between."""
        media = str(sub_response.media_type)
        status = 200
        if media == GRAPHQL_RESPONSE and "data" not in response_data:
            status = 503 if current.get().code == TooSlow.CODE else 400
        return Response(self.encode_json(response_data), status, media_type=spelled(media))

    def encode_json(self, data: object) -> bytes:
        return orjson.dumps(data)
