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

from resolvers.account import Account
from resolvers.context import Context
from resolvers.telemetry import Request, current
from server import request_id
from server.auth.tokens import BadToken, TokenProblem, bearer
from server.errors import RequestRejected, failure_code, mask_internal, to_client_error
from server.graphql import parameters
from server.graphql.persisted import Documents

INIT_SECONDS = 10  # for the token to come
MAX_OPERATIONS = 20  # under way at once on a socket
MAX_MESSAGE_BYTES = 1_000_000  # bytes
_SUBSCRIBES = re.compile(r"\bsubscription\b").search
MALFORMED = "This message has not the form of the protocol graphql-transport-ws"


class Authenticator(Protocol):
    """Who lets viewers in."""

    documents: Documents
    hints: bool

    async def authenticate(self, token: str) -> tuple[Account, datetime]: ...

    async def consume_quota(self, viewer: Account) -> None: ...

    def context(self, viewer: Account, origin: str) -> Context: ...


class Connection:
    """A socket from its opening on; whose it is, `connection_init` says."""

    def __init__(self, door: Authenticator, origin: str, authorization: str | None) -> None:
        self.door = door
        self.origin = origin
        self.authorization = authorization  # of the handshake, from clients that can send one
        self.connection_params: dict[str, object] = {}
        self.viewer: Account | None = None
        self.expires_at: datetime | None = None

    async def enter(self) -> None:
        """Raises BadToken."""
        said = {name.lower(): value for name, value in self.connection_params.items() if value is not None}
        authorization = said.get("authorization", self.authorization)
        token = bearer(authorization if isinstance(authorization, str) else "")
        self.viewer, self.expires_at = await self.door.authenticate(token)


class Adapter(ASGIWebSocketAdapter):
    async def iter_json(self, *, ignore_parsing_errors: bool = False) -> AsyncGenerator[object, None]:
        try:
            while True:
                text = await self.ws.receive_text()
                try:
                    message = parameters.decoded(text)
                except RequestRejected as wrong:
                    await self.ws.close(4400, wrong.reason)
                    return
                if not isinstance(message, dict):
                    raise NonJsonMessageReceived
                yield message  # pyright: ignore[reportUnknownVariableType]
        except KeyError as error:
            raise NonTextMessageReceived from error
        except (WebSocketDisconnect, RuntimeError):  # gone, or closed by us
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
    connection: Connection
    _expiry: asyncio.Task[None] | None = None

    @property
    def context(self) -> Any:
        """Taken anew for each operation: its `now` is when it began."""
        known = self.connection.viewer
        return self.connection if known is None else self.connection.door.context(known, self.connection.origin)

    @context.setter
    def context(self, connection: Connection) -> None:
        self.connection = connection

    async def handle_connection_init(self, message: Any) -> None:
        if message.get("payload") is None:
            message["payload"] = {}  # the protocol takes null and nothing for the same, the base does not
        try:
            await super().handle_connection_init(message)
        except WebSocketDisconnected:
            raise
        except BadToken as bad:
            await self.websocket.close(4403, bad.problem)
            return
        except RequestRejected as wrong:
            await self.websocket.close(1013, wrong.code)  # try again later
            return
        except Exception as problem:
            if failure_code(problem):
                await self.websocket.close(1013, "The database cannot be used at the moment")
            else:
                mask_internal(problem)
                await self.websocket.close(1011, "Something went wrong on our side")
            return
        if self.connection_acknowledged and self._expiry is None:
            self._expiry = asyncio.create_task(self._end_with_the_token())

    async def _end_with_the_token(self) -> None:
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
        """The pong has the ping's payload: some clients tell by it which ping is answered."""
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
            asked = parameters.read(message["payload"])
        except RequestRejected:
            await self.handle_invalid_message(MALFORMED)
            return
        request_id.called(current.get(), asked.extensions)
        if self.connection_acknowledged and message["id"] not in self.operations:  # else the base closes the socket
            try:
                message["payload"]["query"] = self.connection.door.documents.text(asked)
                if len(self.operations) >= MAX_OPERATIONS:
                    raise RequestRejected(
                        429, "TOO_EXPENSIVE", f"At most {MAX_OPERATIONS} operations run on a socket at once."
                    )
                assert self.connection.viewer is not None
                await self.connection.door.consume_quota(self.connection.viewer)
            except RequestRejected as wrong:
                refusal = GraphQLError(wrong.reason, extensions={"code": wrong.code}).formatted
                await self.send_message({"id": message["id"], "type": "error", "payload": [refusal]})
                return
        await super().handle_subscribe(message)

    async def run_operation(self, operation: Any) -> None:
        """As its base; logged and counted like a request."""
        opening = current.get()
        request = Request(id=opening.id, client=opening.client)
        current.set(request)  # of this operation's own task
        began = time.perf_counter()
        try:
            await super().run_operation(operation)
        finally:
            request_id.answered(request, None if subscribes(operation.query) else time.perf_counter() - began)

    async def _send_result_stream(self, operation: Any, result_source: Any) -> None:
        async def shown() -> AsyncGenerator[Any, None]:
            async for result in result_source:
                if isinstance(result, ExecutionResult) and result.errors:
                    result.errors = [
                        to_client_error(error, hints=self.connection.door.hints) for error in result.errors
                    ]
                yield result

        await super()._send_result_stream(operation, shown())


def subscribes(text: str) -> bool:
    """Or says the word somewhere, which does no harm."""
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
