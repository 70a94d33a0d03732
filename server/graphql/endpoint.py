"""The GraphQL endpoint: authenticates requests and sockets, limits them, and responds to rejected requests."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cross_web import HTTPException
from graphql import GraphQLError
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.subscriptions import (
    GRAPHQL_SSE_PROTOCOL,
    GRAPHQL_TRANSPORT_WS_PROTOCOL,
    MULTIPART_SUBSCRIPTION_PROTOCOL,
)
from strawberry.types import ExecutionResult
from strawberry.types.unset import UNSET, UnsetType

from resolvers import language
from resolvers.account import Account, sign_in
from resolvers.context import Context
from resolvers.language import Wording
from schema import SCHEMA
from schema.scalars import parse_instant
from server.auth.tokens import BadToken, Claims, TokenProblem, bearer
from server.errors import TOO_SLOW, RequestRejected, error_response, internal_error_response, rejection_response
from server.graphql import websocket
from server.graphql.http import HTTPTransport, check_method, response_media_type
from server.graphql.negotiation import negotiate_wording
from server.graphql.parameters import BoundedRequest
from server.origins import refused_origin
from server.rate_limits import client_address
from server.settings import Mode
from server.state import State

CLOCK_HEADER = "x-recourse-now"
_VARIES = (b"vary", b"Accept-Language, Time-Zone")


class GraphQLEndpoint(HTTPTransport):
    graphql_transport_ws_handler_class = websocket.Handler
    websocket_adapter_class = websocket.Adapter

    def __init__(self, state: State) -> None:
        settings = state.settings
        super().__init__(
            SCHEMA if settings.compiled else SCHEMA.uncompiled(),
            graphql_ide=None,
            subscription_protocols=(
                GRAPHQL_TRANSPORT_WS_PROTOCOL,
                GRAPHQL_SSE_PROTOCOL,
                MULTIPART_SUBSCRIPTION_PROTOCOL,
            ),
            connection_init_wait_timeout=timedelta(seconds=websocket.INIT_SECONDS),
            max_subscriptions_per_connection=websocket.MAX_OPERATIONS,
            allowed_origins=["*"],  # `__call__` checks the origin before
        )
        self.state = state
        self.settings = settings
        self.documents = state.documents
        self.limits = settings.limits
        self.hints = settings.limits.introspection

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._serve_socket(WebSocket(scope, receive, send))
            return
        request = BoundedRequest(scope, receive, self.settings.max_body_bytes, self.limits.seconds)
        try:
            await self.state.rates.consume("address", client_address(request))
            check_method(request)  # before the access token is verified
            context = await self._context(request)
            wording = _speak(request.headers)
            response = await self.run(request, context=context)
            # Not by `response.headers`, which searches for each; no response has them yet.
            response.raw_headers += [(b"content-language", wording.language.tag.encode()), _VARIES]
        except RequestRejected as rejected:
            response = rejection_response(rejected, response_media_type(request))
        except HTTPException as error:
            response = error_response(error.status_code, "BAD_REQUEST", error.reason, response_media_type(request))
        except ClientDisconnect:
            response = Response(status_code=400)  # nobody receives it
        except Exception as error:
            response = internal_error_response(error)
        response.headers.setdefault("cache-control", "no-store")  # a response is for one viewer and one instant
        await response(scope, receive, send)

    async def _serve_socket(self, socket: WebSocket) -> None:
        try:
            await self.state.rates.consume("address", client_address(socket))
        except RequestRejected as rejected:
            await socket.send_denial_response(rejection_response(rejected))
            return
        if not self.state.origins.allows_socket(socket.headers):
            await socket.send_denial_response(refused_origin())
            return
        await self.run(socket, context=websocket.SocketConnection(self, self._origin(socket), socket.headers))

    async def _context(self, request: Request) -> Context:
        token = bearer(request.headers.get("authorization", ""))
        claims = self.state.verify.cached(token)
        viewer = self._known_account(claims) if claims else None
        if claims is None or viewer is None:
            try:
                async with asyncio.timeout(self.limits.seconds):
                    viewer, request.state.expires_at = await self.authenticate(token)
            except TimeoutError:
                raise RequestRejected(
                    503, TOO_SLOW, "The access token could not be verified in time. Try again."
                ) from None
        else:
            request.state.expires_at = claims.expires_at
        await self.consume_quota(viewer)
        context = self.context(viewer, self._origin(request))
        moved = self._moved_clock(request)
        return context if moved is None else replace(context, now=moved)

    def context(self, viewer: Account, origin: str) -> Context:
        """Returns the context of an operation that begins now."""
        now = datetime.now(UTC)
        return Context(viewer, now, now, self.state.files, self.state.hub, self.limits, origin)

    def _origin(self, connection: HTTPConnection) -> str:
        """Returns the server's own address, as the client knows it."""
        if self.settings.public_url:
            return self.settings.public_url.rstrip("/")
        scheme = {"ws": "http", "wss": "https"}.get(connection.scope["scheme"], connection.scope["scheme"])
        host = connection.headers.get("host") or "{}:{}".format(*connection.scope.get("server") or ("localhost", 80))
        return f"{scheme}://{host}{connection.scope.get('root_path', '')}".rstrip("/")

    async def authenticate(self, token: str) -> tuple[Account, datetime]:
        """Returns the account of the token and when the token expires. Raises BadToken."""
        claims = await self.state.verify(token)
        return await self._account(claims), claims.expires_at

    async def consume_quota(self, viewer: Account) -> None:
        """Raises RequestRejected where the account sends too many requests."""
        await self.state.rates.consume("account", viewer.id.hex)

    async def on_ws_connect(self, context: websocket.SocketConnection) -> UnsetType:
        await context.authenticate()
        return UNSET

    async def _account(self, claims: Claims) -> Account:
        account = self._known_account(claims)
        if account is None:
            account = self.state.accounts[claims.account] = await sign_in(*claims.account)
        return account

    def _known_account(self, claims: Claims) -> Account | None:
        try:
            return self.state.accounts[claims.account]
        except KeyError:
            return None

    def _moved_clock(self, request: Request) -> datetime | None:
        """Returns the instant that a request in development mode takes for now."""
        moved = request.headers.get(CLOCK_HEADER) if self.settings.mode is Mode.DEVELOPMENT else None
        if moved is None:
            return None
        try:
            return parse_instant(moved)
        except ValueError as error:
            raise RequestRejected(400, "BAD_REQUEST", f"{CLOCK_HEADER}: {error}") from None

    async def execute_operation(
        self, request: Any, request_adapter: Any, request_data: Any, *arguments: Any, **more: Any
    ) -> Any:
        request.state.subscribes = websocket.subscribes(getattr(request_data, "query", None) or "")
        return await super().execute_operation(request, request_adapter, request_data, *arguments, **more)

    def _stream_result(self, request: Any, result: Any, transport: Any) -> Any:
        """Ends a subscription when its token expires. Any other operation has one result and is not cut off."""
        results: Any = until_expiry(result, request.state.expires_at) if request.state.subscribes else result
        return super()._stream_result(request, results, transport)


def _speak(headers: Mapping[str, str]) -> Wording:
    """Sets the language and the zone of the request, and returns them."""
    wording = negotiate_wording(headers.get("accept-language", ""), headers.get("time-zone", ""))
    language.current.set(wording)
    return wording


async def until_expiry(
    results: AsyncGenerator[ExecutionResult, None], expires_at: datetime
) -> AsyncGenerator[ExecutionResult, None]:
    """Yields the results until the token expires, and then one error."""
    async with contextlib.aclosing(results):
        while True:
            limit = asyncio.timeout((expires_at - datetime.now(UTC)).total_seconds())
            try:
                async with limit:  # not wait_for, which starts a task before Python 3.12
                    result = await anext(results)
            except StopAsyncIteration:
                return
            except TimeoutError:
                if not limit.expired():
                    raise
                expired = BadToken(TokenProblem.EXPIRED)
                yield ExecutionResult(None, [GraphQLError(expired.reason, extensions=expired.extensions)])
                return
            yield result
