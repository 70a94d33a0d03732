"""GraphQL over HTTP: who asks and when, and how answers, streams and errors are spelled."""

import asyncio
import contextlib
import re
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from cross_web import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLHTTPResponse
from strawberry.subscriptions import (
    GRAPHQL_SSE_PROTOCOL,
    GRAPHQL_TRANSPORT_WS_PROTOCOL,
    MULTIPART_SUBSCRIPTION_PROTOCOL,
)
from strawberry.types import ExecutionResult
from strawberry.types.unset import UNSET, UnsetType

from models.enums import Role
from resolvers.account import Account, sign_in
from resolvers.address import Files
from resolvers.context import Context
from resolvers.hub import Hub
from schema import SCHEMA
from schema.scalars import parse_instant
from server import socket
from server.errors import error, masked, presented
from server.settings import Mode, Settings
from server.streams import EventStream, MultipartStream
from server.tokens import BadToken, Claims, verifier

CLOCK_HEADER = "x-recourse-now"
ACCOUNTS_KEPT = 10_000
_SUBSCRIBES = re.compile(r"\bsubscription\b").search  # or says the word somewhere, which does no harm


class GraphQLView(GraphQL[Any, None]):
    graphql_transport_ws_handler_class = socket.Handler
    websocket_adapter_class = socket.Adapter
    stream_transport_classes_by_protocol = {  # noqa: RUF012
        MULTIPART_SUBSCRIPTION_PROTOCOL: MultipartStream,
        GRAPHQL_SSE_PROTOCOL: EventStream,
    }

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            SCHEMA,
            graphql_ide=None,
            subscription_protocols=(
                GRAPHQL_TRANSPORT_WS_PROTOCOL,
                GRAPHQL_SSE_PROTOCOL,
                MULTIPART_SUBSCRIPTION_PROTOCOL,
            ),
            connection_init_wait_timeout=timedelta(seconds=socket.INIT_SECONDS),
            max_subscriptions_per_connection=socket.MOST_OPERATIONS,
            allowed_origins=settings.cors_origins,
        )
        self.settings = settings
        self.verify = verifier(settings)
        self.hub = Hub()
        self.limits = settings.limits
        self.files: Files  # once it is started
        self.accounts: OrderedDict[tuple[str, Role, str | None], Account] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            opening = WebSocket(scope, receive, send)
            authorization = opening.headers.get("authorization")
            await self.run(opening, context=socket.Connection(self, self._origin(opening), authorization))
            return
        request = Request(scope, receive)
        try:
            response = await self.run(request, context=await self._context(request))
        except BadToken:
            response = error(401, "UNAUTHENTICATED", "Send a valid access token: Authorization: Bearer <token>.")
            response.headers["www-authenticate"] = "Bearer"
        except HTTPException as wrong:
            response = error(wrong.status_code, "BAD_REQUEST", wrong.reason)
        except Exception as unforeseen:
            response = error(500, "INTERNAL", masked(unforeseen))
        await response(scope, receive, send)

    async def _context(self, request: Request) -> Context:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise BadToken
        viewer, request.state.expires_at = await self.enter(token.strip())
        context = self.context(viewer, self._origin(request))
        moved = self._moved_clock(request)
        return context if moved is None else replace(context, now=moved)

    def context(self, viewer: Account, origin: str) -> Context:
        """For what is asked now."""
        now = datetime.now(UTC)
        return Context(viewer, now, now, self.files, self.hub, self.limits, origin)

    def _origin(self, opened: HTTPConnection) -> str:
        """The server's own address, as the client knows it."""
        if self.settings.public_url:
            return self.settings.public_url.rstrip("/")
        url = opened.base_url
        return str(url.replace(scheme={"ws": "http", "wss": "https"}.get(url.scheme, url.scheme))).rstrip("/")

    async def enter(self, token: str) -> tuple[Account, datetime]:
        """Whose token it is, and until when. Raises BadToken."""
        claims = await self.verify(token)
        return await self._account(claims), claims.expires_at

    async def on_ws_connect(self, context: socket.Connection) -> UnsetType:
        await context.enter()
        return UNSET

    async def _account(self, claims: Claims) -> Account:
        """Accounts are never removed and keep their id, so those seen lately need not be read again."""
        key = (claims.subject, claims.role, claims.name)
        account = self.accounts.pop(key, None) or await sign_in(*key)
        self.accounts[key] = account
        if len(self.accounts) > ACCOUNTS_KEPT:
            self.accounts.popitem(last=False)
        return account

    def _moved_clock(self, request: Request) -> datetime | None:
        moved = request.headers.get(CLOCK_HEADER)
        if moved is None or self.settings.mode is not Mode.DEVELOPMENT:
            return None
        try:
            return parse_instant(moved)
        except ValueError as wrong:
            raise HTTPException(400, f"{CLOCK_HEADER}: {wrong}") from None

    def decode_json(self, data: str | bytes) -> object:
        value = orjson.loads(data)
        if not isinstance(value, dict):
            raise HTTPException(400, "A request, its variables and its extensions are JSON objects.")
        return value  # type: ignore[no-any-return]

    def encode_json(self, data: object) -> bytes:
        return orjson.dumps(data)

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        answer: dict[str, Any] = {"data": result.data}
        if result.errors:
            answer["errors"] = [presented(error).formatted for error in result.errors]
        if result.extensions:
            answer["extensions"] = result.extensions
        return answer  # type: ignore[return-value]

    async def execute_operation(
        self, request: Any, request_adapter: Any, request_data: Any, *rest: Any, **more: Any
    ) -> Any:
        request.state.subscribes = _SUBSCRIBES(getattr(request_data, "query", None) or "") is not None
        return await super().execute_operation(request, request_adapter, request_data, *rest, **more)

    async def create_streaming_response(
        self,
        request: Any,
        stream: Callable[[], AsyncIterator[str]],
        sub_response: Response,
        headers: Mapping[str, str],
    ) -> Response:
        """A subscription ends with the token that opened it; what has one answer is answered."""
        if not request.state.subscribes:
            return await super().create_streaming_response(request, stream, sub_response, headers)

        async def until_it_expires() -> AsyncGenerator[str, None]:
            parts: Any = stream()
            async with contextlib.aclosing(parts):
                while True:
                    left = (request.state.expires_at - datetime.now(UTC)).total_seconds()
                    try:
                        async with asyncio.timeout(left):  # wait_for has a task of its own before 3.12
                            part = await anext(parts)
                    except (TimeoutError, StopAsyncIteration):
                        return
                    yield part

        return await super().create_streaming_response(request, until_it_expires, sub_response, headers)
