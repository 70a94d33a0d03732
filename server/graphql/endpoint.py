"""The endpoint: who asks and when, and what becomes of requests that are not answered."""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import AsyncGenerator
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

from models.enums import Role
from resolvers.account import Account, sign_in
from resolvers.context import Context
from resolvers.feed.hub import Hub
from resolvers.signed_url import FileUrls
from schema import SCHEMA
from schema.scalars import parse_instant
from server.auth.tokens import BadToken, Claims, TokenProblem, bearer, verifier
from server.errors import RequestRejected, error_response, internal_error_response, rejection_response
from server.graphql import persisted, websocket
from server.graphql.http import HTTPTransport, answered_in, check_method
from server.graphql.parameters import BoundedRequest
from server.origins import Origins, refused_origin
from server.rate_limits import RateLimiter, client_address
from server.settings import Mode, Settings

CLOCK_HEADER = "x-recourse-now"
ACCOUNTS_KEPT = 10_000


class GraphQLEndpoint(HTTPTransport):
    graphql_transport_ws_handler_class = websocket.Handler
    websocket_adapter_class = websocket.Adapter

    def __init__(self, settings: Settings) -> None:
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
            allowed_origins=["*"],  # what remains of them once `origins` has been asked
        )
        self.origins = Origins(settings)
        self.settings = settings
        self.documents = persisted.opened(settings)
        self.verify = verifier(settings)
        self.hub = Hub()
        self.rates = RateLimiter(settings)
        self.limits = settings.limits
        self.hints = settings.limits.introspection
        self.files: FileUrls  # once it is started
        self.accounts: OrderedDict[tuple[str, Role, str | None], Account] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._converse(WebSocket(scope, receive, send))
            return
        request = BoundedRequest(scope, receive, self.settings.max_body_bytes, self.limits.seconds)
        try:
            await self.rates.consume("address", client_address(request))
            check_method(request)  # before anything else is asked of who asks
            response = await self.run(request, context=await self._context(request))
        except RequestRejected as wrong:
            response = rejection_response(wrong, answered_in(request))
        except HTTPException as wrong:
            response = error_response(wrong.status_code, "BAD_REQUEST", wrong.reason, answered_in(request))
        except ClientDisconnect:
            response = Response(status_code=400)  # which nobody hears
        except Exception as problem:
            response = internal_error_response(problem)
        response.headers.setdefault("cache-control", "no-store")  # it is for its viewer, and of its moment
        await response(scope, receive, send)

    async def _converse(self, opening: WebSocket) -> None:
        try:
            await self.rates.consume("address", client_address(opening))
        except RequestRejected as wrong:
            await opening.send_denial_response(rejection_response(wrong))
            return
        if not self.origins.allows_socket(opening.headers):
            await opening.send_denial_response(refused_origin())
            return
        authorization = opening.headers.get("authorization")
        await self.run(opening, context=websocket.Connection(self, self._origin(opening), authorization))

    async def _context(self, request: Request) -> Context:
        token = bearer(request.headers.get("authorization", ""))
        claims = self.verify.remembered(token)
        viewer = self._seen_lately(claims) if claims else None
        if claims is None or viewer is None:
            try:
                async with asyncio.timeout(self.limits.seconds):
                    viewer, request.state.expires_at = await self.authenticate(token)
            except TimeoutError:
                raise RequestRejected(503, "TOO_SLOW", "Who you are could not be told in time; ask again.") from None
        else:
            request.state.expires_at = claims.expires_at
        await self.consume_quota(viewer)
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
        scheme = {"ws": "http", "wss": "https"}.get(opened.scope["scheme"], opened.scope["scheme"])
        host = opened.headers.get("host") or "{}:{}".format(*opened.scope.get("server") or ("localhost", 80))
        return f"{scheme}://{host}{opened.scope.get('root_path', '')}".rstrip("/")

    async def authenticate(self, token: str) -> tuple[Account, datetime]:
        """Whose token it is, and until when. Raises BadToken."""
        claims = await self.verify(token)
        return await self._account(claims), claims.expires_at

    async def consume_quota(self, viewer: Account) -> None:
        """Raises Refused where the viewer asks too often."""
        await self.rates.consume("account", viewer.id.hex)

    async def on_ws_connect(self, context: websocket.Connection) -> UnsetType:
        await context.enter()
        return UNSET

    def _seen_lately(self, claims: Claims) -> Account | None:
        """Accounts are never removed and keep their id, so those seen lately need not be read again."""
        account = self.accounts.get(claims.account)
        if account is not None:
            self.accounts.move_to_end(claims.account)
        return account

    async def _account(self, claims: Claims) -> Account:
        account = self._seen_lately(claims)
        if account is None:
            account = self.accounts[claims.account] = await sign_in(*claims.account)
            if len(self.accounts) > ACCOUNTS_KEPT:
                self.accounts.popitem(last=False)
        return account

    def _moved_clock(self, request: Request) -> datetime | None:
        moved = request.headers.get(CLOCK_HEADER) if self.settings.mode is Mode.DEVELOPMENT else None
        if moved is None:
            return None
        try:
            return parse_instant(moved)
        except ValueError as wrong:
            raise RequestRejected(400, "BAD_REQUEST", f"{CLOCK_HEADER}: {wrong}") from None

    async def execute_operation(
        self, request: Any, request_adapter: Any, request_data: Any, *rest: Any, **more: Any
    ) -> Any:
        request.state.subscribes = websocket.subscribes(getattr(request_data, "query", None) or "")
        return await super().execute_operation(request, request_adapter, request_data, *rest, **more)

    def _stream_result(self, request: Any, result: Any, transport: Any) -> Any:
        """A subscription ends with the token that opened it, and says so. An operation with one answer gets it."""
        results: Any = until_expiry(result, request.state.expires_at) if request.state.subscribes else result
        return super()._stream_result(request, results, transport)


async def until_expiry(
    results: AsyncGenerator[ExecutionResult, None], expires_at: datetime
) -> AsyncGenerator[ExecutionResult, None]:
    """The results, and from the token's end on one error in their place."""
    async with contextlib.aclosing(results):
        while True:
            limit = asyncio.timeout((expires_at - datetime.now(UTC)).total_seconds())
            try:
                async with limit:  # wait_for has a task of its own before 3.12
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
