"""An identity provider: a server with its public keys, and the tokens that it signs."""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from server.settings import Settings

RSA_KEY, OTHER_RSA_KEY = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
EC_KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC_PEM = RSA_KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


def public(key: Any, id: str, **more: str) -> dict[str, Any]:
    algorithm: Any = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    return algorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": id, "use": "sig"} | more


class Issuer:
    """A server with a key set, which counts its requests."""

    def __init__(self) -> None:
        self.keys = [public(RSA_KEY, "rsa"), public(EC_KEY, "ec")]
        self.asked = 0
        self.works = True

    @contextmanager
    def serving(self) -> Generator[None]:
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                self.send_response(200 if issuer.works else 503)
                self.end_headers()
                self.wfile.write(json.dumps({"keys": issuer.keys}).encode())

            def log_message(self, format: str, *args: Any) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            self.url = f"http://127.0.0.1:{server.server_port}/keys"
            yield
            server.shutdown()

    def settings(self, database_url: str) -> Settings:
        """Returns settings of production mode that trust this issuer."""
        return Settings(
            mode="production",  # type: ignore[arg-type]
            database_url=database_url,
            jwks_url=self.url,
            issuer="https://id.example",
            audience="recourse",
        )


def claims(**changes: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    said = {
        "iss": "https://id.example",
        "aud": "recourse",
        "sub": "ana",
        "role": "BUYER",
        "iat": now,
        "exp": now + timedelta(hours=1),
    }
    return {name: value for name, value in (said | changes).items() if value is not None}


def token(
    key: Any = RSA_KEY, algorithm: str = "RS256", kid: str | None = "rsa", headers: Any = None, **changes: Any
) -> str:
    return jwt.encode(claims(**changes), key, algorithm, headers={"kid": kid, **(headers or {})} if kid else headers)
