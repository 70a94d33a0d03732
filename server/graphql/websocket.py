"""GraphQL over WebSocket: the protocol graphql-transport-ws, with the access token in connection_init."""

# pyright: reportPrivateUsage=false

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

import orjson
from graphql import GraphQLError
from starlette.websockets import WebSocketDisconnect
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import NonJsonMessageReceived, NonTextMessageReceived, WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler
from strawberry.types import ExecutionResult

from resolvers import language
from resolvers.account import Account
from resolvers.context import Context
from resolvers.telemetry import Request, current
from server import request_id
from server.auth.tokens import BadToken, TokenProblem, bearer
from server.errors import RequestRejected, failure_code, mask_internal, to_client_error
from server.graphql import parameters
from server.graphql.negotiation import negotiate_wording
from server.graphql.persisted import Documents

INIT_SECONDS = 10  # for the token to arrive
MAX_OPERATIONS = 20  # at once on a socket
MAX_MESSAGE_BYTES = 1_000_000
_SUBSCRIBES = re.compile(r"\bsubscription\b").search
MALFORMED = "This message does not follow the protocol graphql-transport-ws"


class Authenticator(Protocol):
    """What a socket needs from the endpoint."""

    documents: Documents
    hints: bool

    async def authenticate(self, token: str) -> tuple[Account, datetime]: ...

    async def consume_quota(self, viewer: Account) -> None: ...

    def context(self, viewer: Account, origin: str) -> Context: ...


class SocketConnection:
    """An open socket. `connection_init` brings its access token, its language and its zone. Some clients can send them
    as headers of the handshake instead."""

    def __init__(self, endpoint: Authenticator, origin: str, headers: Mapping[str, str]) -> None:
        self.endpoint = endpoint
        self.origin = origin
        self.headers = headers
        self.wording = language.DEFAULT
        self.connection_params: dict[str, object] = {}
        self.viewer: Account | None = None
        self.expires_at: datetime | None = None

    async def authenticate(self) -> None:
        """Signs the viewer in. Raises BadToken."""
        params = {name.lower(): value for name, value in self.connection_params.items() if value is not None}

        def text(param: str, header: str) -> str:
            value = params.get(param, self.headers.get(header))
            return value if isinstance(value, str) else ""

        self.wording = negotiate_wording(text("acceptlanguage", "accept-language"), text("timezone", "time-zone"))
        token = bearer(text("authorization", "authorization"))
        self.viewer, self.expires_at = await self.endpoint.authenticate(token)


class Adapter(ASGIWebSocketAdapter):
    async def iter_json(self, *, ignore_parsing_errors: bool = False) -> AsyncGenerator[object, None]:
        try:
            while True:
                text = await self.ws.receive_text()
                try:
                    message = parameters.decode_json(text)
                except RequestRejected as rejected:
                    await self.ws.close(4400, rejected.reason)
                    return
                if not isinstance(message, dict):
                    raise NonJsonMessageReceived
                yield message  # pyright: ignore[reportUnknownVariableType]
        except KeyError as error:
            raise NonTextMessageReceived from error
        except (WebSocketDisconnect, RuntimeError):  # the client left, or we closed the socket
            return

    async def send_json(self, message: Mapping[str, object]) -> None:
        try:
            await self.ws.send_text(orjson.dumps(message).decode())
        except (WebSocketDisconnect, RuntimeError) as error:
            raise WebSocketDisconnected from error

    async def close(self, code: int, reason: str) -> None:
        try:
            await self.ws.close(code, reason)
        except (WebSocketDisconnect, RuntimeError) as error:
            raise WebSocketDisconnected from error


class Handler(BaseGraphQLTransportWSHandler[Any, None]):
    connection: SocketConnection
    _expiry: asyncio.Task[None] | None = None

    @property
    def context(self) -> Any:
        """A new context for each operation, whose `now` is when the operation began."""
        viewer = self.connection.viewer
        return self.connection if viewer is None else self.connection.endpoint.context(viewer, self.connection.origin)

    @context.setter
    def context(self, connection: SocketConnection) -> None:
        self.connection = connection

    async def handle_connection_init(self, message: Any) -> None:
        if message.get("payload") is None:
            message["payload"] = {}  # the protocol allows null, Strawberry does not
        try:
            await super().handle_connection_init(message)
        except WebSocketDisconnected:
            raise
        except BadToken as error:
            await self.websocket.close(4403, error.problem)
            return
        except RequestRejected as rejected:
            await self.websocket.close(1013, rejected.code)  # 1013: try again later
            return
        except Exception as error:
            if failure_code(error):
                await self.websocket.close(1013, "The database is not available at the moment")
            else:
                mask_internal(error)
                await self.websocket.close(1011, "Internal error")
            return
        if self.connection_acknowledged and self._expiry is None:
            self._expiry = asyncio.create_task(self._close_at_expiry())

    async def _close_at_expiry(self) -> None:
        assert self.connection.expires_at is not None
        await asyncio.sleep((self.connection.expires_at - datetime.now(UTC)).total_seconds())
        try:
            await self.websocket.close(4403, TokenProblem.EXPIRED)
        except WebSocketDisconnected:
            return

    async def shutdown(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
        await super().shutdown()

    async def handle_ping(self, message: Any) -> None:
        """Answers with the ping's payload, by which some clients recognize their ping."""
        payload = message.get("payload")
        await self.send_message({"type": "pong"} if payload is None else {"type": "pong", "payload": payload})

    async def handle_task_exception(self, error: Exception) -> None:
        mask_internal(error)

    async def handle_message(self, message: Any) -> None:
        if _is_well_formed(message):
            await super().handle_message(message)
        else:
            await self.handle_invalid_message(MALFORMED)

    async def handle_subscribe(self, message: Any) -> None:
        try:
            request_parameters = parameters.from_json(message["payload"])
        except RequestRejected:
            await self.handle_invalid_message(MALFORMED)
            return
        request_id.note_client(current.get(), request_parameters.extensions)
        # Otherwise, the base closes the socket.
        if self.connection_acknowledged and message["id"] not in self.operations:
            try:
                message["payload"]["query"] = self.connection.endpoint.documents.text(request_parameters)
                if len(self.operations) >= MAX_OPERATIONS:
                    raise RequestRejected(
                        429, "TOO_EXPENSIVE", f"A socket may run at most {MAX_OPERATIONS} operations at once."
                    )
                assert self.connection.viewer is not None
                await self.connection.endpoint.consume_quota(self.connection.viewer)
            except RequestRejected as rejected:
                error = GraphQLError(rejected.reason, extensions={"code": rejected.code}).formatted
                await self.send_message({"id": message["id"], "type": "error", "payload": [error]})
                return
        await super().handle_subscribe(message)

    async def run_operation(self, operation: Any) -> None:
        """Runs the operation, and logs and counts it like a request."""
        opening = current.get()
        request = Request(id=opening.id, client=opening.client)
        current.set(request)  # in this operation's own task
        language.current.set(self.connection.wording)
        started = time.perf_counter()
        try:
            await super().run_operation(operation)
        finally:
            request_id.end(request, None if subscribes(operation.query) else time.perf_counter() - started)

    async def _send_result_stream(self, operation: Any, result_source: Any) -> None:
        async def client_results() -> AsyncGenerator[Any, None]:
            async for result in result_source:
                if isinstance(result, ExecutionResult) and result.errors:
                    result.errors = [
                        to_client_error(error, hints=self.connection.endpoint.hints) for error in result.errors
                    ]
                yield result

        await super()._send_result_stream(operation, client_results())


def subscribes(text: str) -> bool:
    """Whether the document may have a subscription. True also where the word is used for something else, which does no
    harm."""
    return "subscription" in text and _SUBSCRIBES(text) is not None


def _is_well_formed(message: dict[str, Any]) -> bool:
    match message:
        case {"type": "subscribe", "id": str(id), "payload": dict()}:
            return bool(id)
        case {"type": "complete", "id": str()}:
            return True
        case {"type": "subscribe" | "complete"}:
            return False
        case {"type": str()}:
            return isinstance(message.get("payload", {}), dict | None)
        case _:
            return False
