"""The ASGI application."""

import contextlib
from collections.abc import AsyncGenerator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from models import database
from server.settings import Settings
from server.view import GraphQLView


async def healthz(_request: Request) -> Response:
    """The process is alive."""
    return JSONResponse({"status": "alive"})


async def readyz(_request: Request) -> Response:
    """The database answers and is migrated."""
    if await database.reachable():
        return JSONResponse({"status": "ready"})
    return JSONResponse({"status": "not ready"}, 503)


def create(settings: Settings | None = None) -> Starlette:
    settings = settings or Settings()

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        async with database.connected(settings.database):
            yield

    routes = [
        Route("/graphql", GraphQLView(settings)),
        Route("/healthz", healthz),
        Route("/readyz", readyz),
    ]
    return Starlette(routes=routes, lifespan=lifespan)
