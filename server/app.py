"""The ASGI application."""

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

from models import database, failures, readiness
from models.files import Away
from resolvers.account import spread_names
from resolvers.files import upload
from resolvers.write import idempotency
from server import file_routes, metrics
from server.errors import error_response, mask_internal
from server.graphql.endpoint import GraphQLEndpoint
from server.graphql.websocket import MAX_MESSAGE_BYTES
from server.middleware import ResponseMiddleware
from server.protocol import BoundedProtocol, SocketProtocol
from server.request_id import PATH
from server.settings import Settings
from server.stopping import Stopping

CLEARING_SECONDS = 3600
SPREADING_SECONDS = 60  # until the last of a large party's orders are found by its new name


def uvicorn_options(settings: Settings) -> dict[str, Any]:
    """How uvicorn serves it, wherever it does."""
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
    """Whether requests can be served, and what is wrong with each part that is needed for it."""
    if request.app.state.stopping.has_begun:
        return JSONResponse({"status": "stopping"}, 503)
    found = await readiness.look(request.app.state.files.store.check)
    said: dict[str, Any] = {"status": "ready" if found.is_ready else "not ready", **found.parts}
    if found.replica_lag is not None:
        said["replicaLagSeconds"] = found.replica_lag
    return JSONResponse(said, 200 if found.is_ready else 503)


async def _nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    """An address that no route knows."""
    await error_response(404, "NOT_FOUND", "There is nothing at this address.")(scope, receive, send)


def _wrong_method(_request: Request, wrong: Exception) -> Response:
    """An address that does not know the method."""
    assert isinstance(wrong, HTTPException)
    allowed = ", ".join(sorted((wrong.headers or {})["Allow"].split(", ")))
    return error_response(405, "METHOD_NOT_ALLOWED", f"This address takes {allowed}.", headers={"allow": allowed})


@contextlib.asynccontextmanager
async def _repeated(work: Callable[[], Awaitable[None]], seconds: float) -> AsyncGenerator[None]:
    """Does it now, and again each time that so long has passed. What goes wrong is logged, and tried again."""

    async def repeat() -> None:
        while True:
            try:
                await work()
            except Exception as problem:
                if not failures.noted(problem):
                    mask_internal(problem)
            await asyncio.sleep(seconds)

    task = asyncio.create_task(repeat())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


class Shortcut:
    """What is asked most goes where it belongs at once, past the layers and routes that all else passes."""

    def __init__(self, app: ASGIApp, path: str, to: ASGIApp) -> None:
        self.app, self.path, self.to = app, path, to

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self.to if scope.get("path") == self.path else self.app
        await app(scope, receive, send)


def _spare_collections() -> None:
    """What is there now stays, and need not be looked through for garbage; an answer makes thousands of objects, which
    are gone with it, so that looking as often as usual finds nothing."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def create(settings: Settings | None = None) -> Starlette:
    settings = settings or Settings()

    view = GraphQLEndpoint(settings)
    stopping = Stopping(settings.drain)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        app.state.files = view.files = file_routes.opened(settings)
        app.state.availability = availability = file_routes.Availability(view.files)
        await availability.look()
        app.state.hub = view.hub
        app.state.view = view
        app.state.stopping = stopping

        async def clear() -> None:
            """Unused uploads and old keys."""
            with contextlib.suppress(Away):  # which is logged already
                await upload.clear_expired(view.files, datetime.now(UTC))
            await idempotency.clear(datetime.now(UTC))

        async def sample() -> None:
            metrics.sample(view.hub)

        async with (
            database.connected(settings.database, settings.replica_url),
            database.watched(),
            view.hub.feed.running(),
            _repeated(clear, CLEARING_SECONDS),
            _repeated(spread_names, SPREADING_SECONDS),
            _repeated(sample, metrics.SAMPLE_SECONDS),
            _repeated(availability.look, file_routes.LOOK_SECONDS),
        ):
            _spare_collections()
            with stopping.heard(view.hub.end):
                yield

    routes = [
        Route(PATH, view),  # what does not take the shortcut: below a root path, or with a slash behind it
        WebSocketRoute(PATH, view),
        Route("/files/{key}", file_routes.content, methods=["GET", "PUT"]),
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics.page),
    ]
    middleware = [
        Middleware(ResponseMiddleware, origins=view.origins, stopping=stopping, compresses=settings.compression),
        Middleware(Shortcut, path=PATH, to=view),
    ]
    app = Starlette(routes=routes, lifespan=lifespan, middleware=middleware, exception_handlers={405: _wrong_method})
    app.router.default = _nowhere
    return app
