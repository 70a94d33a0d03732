"""Issues access tokens with an RSA key, and serves its public part over HTTP as a JWK set."""

import contextlib
import json
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

NAME, AUDIENCE, KEY_ID = "https://issuer.example", "recourse", "bench"
LIFETIME_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Issuer:
    url: str
    key: rsa.RSAPrivateKey

    def token(self, subject: str, role: str, name: str) -> str:
        now = int(time.time())
        claims = {"iss": NAME, "aud": AUDIENCE, "sub": subject, "role": role, "name": name}
        times = {"iat": now, "exp": now + LIFETIME_SECONDS}
        return jwt.encode(claims | times, self.key, algorithm="RS256", headers={"kid": KEY_ID})


@contextlib.contextmanager
def run_issuer() -> Generator[Issuer]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public: dict[str, Any] = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    published = json.dumps({"keys": [public | {"kid": KEY_ID, "use": "sig", "alg": "RS256"}]}).encode()

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(published)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Keys) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield Issuer(f"http://127.0.0.1:{server.server_address[1]}/jwks.json", key)
        finally:
            server.shutdown()
