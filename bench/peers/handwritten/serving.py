"""Verifies tokens, and serves an application on a free port."""

import os
import socket
import time
from typing import Any
from urllib.request import urlopen

import jwt
import orjson
import uvicorn


class Tokens:
    """Finds the account of a token. A verified token is cached until it expires."""

    def __init__(self) -> None:
        with urlopen(os.environ["JWKS_URL"]) as response:
            self.key = jwt.PyJWKSet.from_dict(orjson.loads(response.read())).keys[0]
        self.known: dict[str, tuple[float, Any]] = {}

    async def viewer(self, pool: Any, authorization: str) -> Any:
        expires, viewer = self.known.get(authorization, (0.0, None))
        if time.time() >= expires:
            issuer, audience = os.environ["ISSUER"], os.environ["AUDIENCE"]
            token = authorization.removeprefix("Bearer ")
            claims = jwt.decode(token, self.key, algorithms=["RS256"], issuer=issuer, audience=audience)
            found = "SELECT id, name FROM accounts WHERE subject = $1 AND role = 'BUYER'"
            viewer = await pool.fetchrow(found, claims["sub"])
            self.known[authorization] = (claims["exp"], viewer)
        return viewer


def serve(app: Any) -> None:
    """Serves on a free port and prints the address."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)  # noqa: T201
    config = uvicorn.Config(app, access_log=False, log_level="warning")
    uvicorn.Server(config).run(sockets=[listening])
