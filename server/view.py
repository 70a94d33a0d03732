"""GraphQL over HTTP: who asks and when, and how answers and errors are spelled."""

from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any

import orjson
from cross_web import HTTPException
from graphql import GraphQLError
from starlette.requests import HTTPConnection, Request
from starlette.types import Receive, Scope, Send
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLHTTPResponse
from strawberry.types import ExecutionResult

from models.enums import Role
from resolvers.account import Account, sign_in
from resolvers.address import Files
from resolvers.context import Context
from schema import SCHEMA
from schema.scalars import parse_instant
from server.errors import error, masked
from server.settings import Mode, Settings
from server.tokens import BadToken, Claims, verifier

CLOCK_HEADER = "x-recourse-now"
ACCOUNTS_KEPT = 10_000


class GraphQLView(GraphQL[Context, None]):
    def __init__(self, settings: Settings) -> None:
        super().__init__(SCHEMA, graphql_ide=None, subscription_protocols=())
        self.settings = settings
        self.verify = verifier(settings)
        self.files: Files  # once it is started
        self.accounts: OrderedDict[tuple[str, Role, str | None], Account] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
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
        viewer = await self._viewer(request)
        moved = self._moved_clock(request)
        now = datetime.now(UTC)
        return Context(viewer, moved or now, now, self.files, self._origin(request))

    def _origin(self, request: HTTPConnection) -> str:
        """The server's own address, as the client knows it."""
        if self.settings.public_url:
            return self.settings.public_url.rstrip("/")
        url = request.base_url
        return str(url.replace(scheme={"ws": "http", "wss": "https"}.get(url.scheme, url.scheme))).rstrip("/")

    async def _viewer(self, request: Request) -> Account:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise BadToken
        return await self._account(await self.verify(token.strip()))

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
            answer["errors"] = [_shown(error) for error in result.errors]
        return answer  # type: ignore[return-value]


def _shown(wrong: GraphQLError) -> dict[str, Any]:
    """As graphql-core has it where the request is to blame; masked where we are."""
    original = wrong.original_error
    if original is not None and not isinstance(original, GraphQLError):
        shown = wrong.formatted | {"message": masked(original)}
        return {**shown, "extensions": {"code": "INTERNAL"}}
    return {**wrong.formatted, "extensions": {"code": "BAD_REQUEST", **(wrong.extensions or {})}}
