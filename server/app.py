"""Builds the ASGI application: routes, middleware, and what runs in the background while it serves."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from models import database, readiness
from models.files import Away
from models.state import note_failure
from resolvers import telemetry
from resolvers.account import spread_names
from resolvers.files import upload
from resolvers.write import idempotency
from server import calendar_routes, file_routes, file_store, metrics
from server.errors import error_response, mask_internal
from server.graphql.endpoint import GraphQLEndpoint
from server.graphql.websocket import MAX_MESSAGE_BYTES
from server.middleware import ResponseMiddleware
from server.protocol import BoundedProtocol, SocketProtocol
from server.request_id import PATH
from server.settings import Settings
from server.state import State, state_of

CLEANUP_SECONDS = 3600  # between two removals of unused uploads and old idempotency keys
SPREAD_NAMES_SECONDS = 60  # between two rounds that put a party's new name into the search of its orders


def uvicorn_options(settings: Settings) -> dict[str, Any]:
    """Returns uvicorn's options, for the command line and for tests."""
    return {
        "http": BoundedProtocol,
        "ws": SocketProtocol,
        "ws_max_size": MAX_MESSAGE_BYTES,
        "server_header": False,
        "timeout_keep_alive": settings.keep_alive_seconds,
    }


async def healthz(_request: Request) -> Response:
    """The process is alive."""
    return JSONResponse({"status": "alive"})


async def readyz(request: Request) -> Response:
    """Whether the process can serve requests, and what is wrong with each part that it needs."""
    state = state_of(request)
    if state.stopping.has_begun:
        return JSONResponse({"status": "stopping"}, 503)
    readiness_result = await readiness.look(state.files.store.check)
    body: dict[str, Any] = {"status": "ready" if readiness_result.is_ready else "not ready", **readiness_result.parts}
    if readiness_result.replica_lag is not None:
        body["replicaLagSeconds"] = readiness_result.replica_lag
    return JSONResponse(body, 200 if readiness_result.is_ready else 503)


async def _not_found(scope: Scope, receive: Receive, send: Send) -> None:
    await error_response(404, "NOT_FOUND", "There is nothing at this address.")(scope, receive, send)


def _wrong_method(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    allowed = ", ".join(sorted((error.headers or {})["Allow"].split(", ")))
    return error_response(405, "METHOD_NOT_ALLOWED", f"This address accepts {allowed}.", headers={"allow": allowed})


@contextlib.asynccontextmanager
async def _repeated(work: Callable[[], Awaitable[None]], seconds: float) -> AsyncGenerator[None]:
    """Runs `work` at once and then every so many seconds, while the block runs. Errors are logged and end nothing."""

    async def repeat() -> None:
        while True:
            try:
                await work()
            except Exception as error:
                if not note_failure(error):
                    mask_internal(error)
            await asyncio.sleep(seconds)

    task = asyncio.create_task(repeat())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


class Shortcut:
    """Routes `path` directly to its application, past Starlette's other middleware and routing."""

    def __init__(self, app: ASGIApp, path: str, to: ASGIApp) -> None:
        self.app, self.path, self.to = app, path, to

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self.to if scope.get("path") == self.path else self.app
        await app(scope, receive, send)


def _collect_garbage_less() -> None:
    """Exempts all present objects from garbage collection, and runs it less often: a response makes thousands of
    objects that are freed with it, so a collection finds nothing."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@contextlib.asynccontextmanager
async def _running(state: State) -> AsyncGenerator[None]:
    """Connects to the database and runs what runs in the background, for as long as the application serves."""
    settings, files = state.settings, state.files

    async def check_files() -> None:
        await file_store.check_store(files, state.files_availability)

    async def clean_up() -> None:
        with contextlib.suppress(Away):  # check_files logs it
            await upload.clear_expired(files, datetime.now(UTC))
        await idempotency.clear(datetime.now(UTC))

    async def sample() -> None:
        metrics.sample(state.hub)

    def end_what_lasts() -> None:
        state.hub.end()
        files.pictures.stop()

    await check_files()
    async with (
        database.connected(
            settings.database,
            settings.replica_url,
            after_commit=[telemetry.note_commit],
            on_retry=[telemetry.count_retry],
        ),
        database.watched(),
        state.hub.feed.running(),
        _repeated(clean_up, CLEANUP_SECONDS),
        _repeated(spread_names, SPREAD_NAMES_SECONDS),
        _repeated(sample, metrics.SAMPLE_SECONDS),
        _repeated(check_files, file_store.CHECK_SECONDS),
        contextlib.aclosing(files.pictures),
    ):
        _collect_garbage_less()
        with state.stopping.on_signals(end_what_lasts):
            yield


def create(settings: Settings | None = None) -> Starlette:
    """Returns the application. It connects to nothing before it starts."""
    state = State(settings or Settings())
    endpoint = GraphQLEndpoint(state)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        async with _running(state):
            yield

    routes = [
        Route(PATH, endpoint),  # for requests that miss the shortcut: below a root path, or with a slash at the end
        WebSocketRoute(PATH, endpoint),
        Route("/files/{key}", file_routes.content, methods=["GET", "PUT"]),
        Route("/calendars/{file}", calendar_routes.calendar, methods=["GET"]),
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics.page),
    ]
    middleware = [
        Middleware(
            ResponseMiddleware,
            origins=state.origins,
            stopping=state.stopping,
            compresses=state.settings.compression,
        ),
        Middleware(Shortcut, path=PATH, to=endpoint),
    ]
    app = Starlette(routes=routes, lifespan=lifespan, middleware=middleware, exception_handlers={405: _wrong_method})
    app.state.application = state
    app.state.endpoint = endpoint
    app.router.default = _not_found
    return app
