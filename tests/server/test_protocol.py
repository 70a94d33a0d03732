"""HTTP/1.1 over real sockets: ignored upgrades, pipelined requests, and idle connections."""

import contextlib
import json
import re
import shutil
import socket
import subprocess
from collections.abc import Callable
from typing import Any

import httpx2
import orjson
import pytest
from websockets.sync.client import connect

from tests.conftest import Person, Server, World
from tests.server.test_limits import raw
from tests.support.subscriptions import PROTOCOL
from tests.support.uploads import announce

pytestmark = pytest.mark.either

H2C = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n"
QUERY = b'{"query": "{ serverTime }"}'
LAST = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def request(person: Person, head: str = H2C, body: bytes = QUERY, line: str = "POST /graphql HTTP/1.1") -> bytes:
    """Returns a request as bytes; in two chunks if its headers give no length."""
    said = f"{line}\r\nHost: x\r\nAuthorization: Bearer {person.token}\r\nContent-Type: application/json\r\n{head}".encode()
    if b"chunked" in said:
        half = len(body) // 2
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in (body[:half], body[half:]))
        return said + b"\r\n" + chunks + b"0\r\n\r\n"
    return said + b"Content-Length: %d\r\n\r\n" % len(body) + body


def answers(said: bytes) -> list[tuple[int, Any]]:
    """Returns the status and the JSON of each answer."""
    found: list[tuple[int, Any]] = []
    while said:
        head, _, rest = said.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        size = int(length[1]) if length else 0
        found.append((int(head.split()[1]), json.loads(rest[:size] or b"null")))
        said = rest[size:]
    return found


UPGRADES = [
    ("h2c, as the JDK asks for it", H2C),
    ("h2c in a body of chunks", H2C + "Transfer-Encoding: chunked\r\n"),
    ("h2c in capitals", "CONNECTION: UPGRADE\r\nUPGRADE: H2C\r\n"),
    ("h2c before WebSocket", "Connection: Upgrade\r\nUpgrade: h2c, websocket\r\n"),
    ("TLS", "Connection: upgrade, keep-alive\r\nUpgrade: TLS/1.2\r\n"),
    ("WebSocket by POST", "Connection: Upgrade\r\nUpgrade: websocket\r\n"),
    ("nothing that is known", "Connection: Upgrade\r\nUpgrade: nobody/7\r\n"),
    ("nothing", "Connection: Upgrade\r\nUpgrade:\r\n"),
    ("h2c twice", "Connection: Upgrade\r\nUpgrade: h2c\r\nUpgrade: h2c\r\n"),
    ("h2c in a body that is waited for", H2C + "Expect: 100-continue\r\n"),
    ("h2c without a connection's word", "Upgrade: h2c\r\n"),
    ("a connection's word alone", "Connection: Upgrade\r\n"),
]


@pytest.mark.parametrize("head", [head for _, head in UPGRADES], ids=[says for says, _ in UPGRADES])
def test_an_upgrade_that_is_not_taken_is_ignored(server: Server, world: World, head: str) -> None:
    asked = request(world.buyer, head)
    said = raw(server.url, asked, request(world.buyer, head="") + asked + LAST).replace(
        b"HTTP/1.1 100 Continue\r\n\r\n", b""
    )
    *told, last = answers(said)
    assert [(status, list(answer["data"])) for status, answer in told] == [(200, ["serverTime"])] * 3
    assert last == (200, {"status": "alive"})


def test_an_upgrade_that_is_not_taken_is_ignored_however_its_bytes_arrive(server: Server, world: World) -> None:
    said = request(world.buyer, H2C + "Transfer-Encoding: chunked\r\n") + LAST
    address = httpx2.URL(server.url)
    assert address.port is not None
    for step in (1, 7, 100):
        with socket.create_connection((address.host, address.port), timeout=20) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for place in range(0, len(said), step):
                connection.sendall(said[place : place + step])
            told = b"".join(iter(lambda: connection.recv(65536), b""))
        assert [status for status, _ in answers(told)] == [200, 200]


def test_many_upgrades_in_one_packet_are_ignored(server: Server) -> None:
    asked = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    assert answers(raw(server.url, asked * 500 + LAST)) == [(200, {"status": "alive"})] * 501


def test_a_file_comes_in_from_a_client_that_asks_for_an_upgrade(server: Server, world: World) -> None:
    content = b"x" * 100_000
    url = httpx2.URL(announce(world.buyer, content, "text/plain", "a.txt")["url"])
    put = request(world.buyer, H2C, content, f"PUT {url.raw_path.decode()} HTTP/1.1")
    assert raw(server.url, put[:5_000], put[5_000:] + LAST).startswith(b"HTTP/1.1 204 ")


def test_a_head_with_an_upgrade_is_bounded(server: Server, world: World) -> None:
    fits, too_large = (request(world.buyer, f"{H2C}X-Long: {'x' * size}\r\n") for size in (50_000, 5_000_000))
    assert [status for status, _ in answers(raw(server.url, fits + LAST))] == [200, 200]
    with contextlib.suppress(ConnectionError):  # closed before all bytes were sent
        assert answers(raw(server.url, too_large))[0][0] == 431


@pytest.mark.parametrize("said", [b"nonsense\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1.1\r\nA\0: b\r\n\r\n"])
def test_what_is_no_http_is_refused_as_json(server: Server, said: bytes) -> None:
    [(status, told)] = answers(raw(server.url, said))
    assert (status, told["errors"][0]["extensions"]) == (400, {"code": "BAD_REQUEST"})


def test_a_tunnel_is_refused(server: Server) -> None:
    for target in ("x:443", "/graphql"):
        said = raw(server.url, f"CONNECT {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode() + LAST)
        assert [status for status, _ in answers(said)] == [400]


@pytest.mark.parametrize(
    "head",
    [
        "Connection: Upgrade\r\nUpgrade: websocket\r\n",
        "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n",
        "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n",
        "Connection: Upgrade\r\nConnection: keep-alive\r\nUpgrade: websocket\r\n",
    ],
)
def test_a_websocket_is_taken(server: Server, head: str) -> None:
    address = httpx2.URL(server.url)
    assert address.port is not None
    handshake = (
        f"GET /graphql HTTP/1.1\r\nHost: x\r\n{head}Sec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: {PROTOCOL}\r\n\r\n"
    )
    with socket.create_connection((address.host, address.port), timeout=20) as connection:
        connection.sendall(handshake.encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 101 ")


@pytest.mark.parametrize(
    "head",
    [
        "",
        "Sec-WebSocket-Version: 13\r\n",
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n",
        "Sec-WebSocket-Version: 12\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nContent-Length: 5\r\n",
    ],
)
def test_a_malformed_handshake_is_refused(server: Server, head: str) -> None:
    said = f"GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{head}\r\n"
    assert raw(server.url, said.encode() + (b"12345" + LAST) * ("Length" in head)).startswith(b"HTTP/1.1 4")


def test_a_websocket_is_greeted_on_a_connection_that_had_requests(server: Server, world: World) -> None:
    address = httpx2.URL(server.url)
    assert address.port is not None
    with socket.create_connection((address.host, address.port), timeout=20) as used:
        used.sendall(request(world.buyer))
        said = b""
        while b"serverTime" not in said:
            said += used.recv(65536)
        url = f"ws://{address.host}:{address.port}/graphql"
        with connect(url, sock=used, subprotocols=[PROTOCOL]) as websocket:
            payload = {"authorization": f"Bearer {world.buyer.token}"}
            websocket.send(orjson.dumps({"type": "connection_init", "payload": payload}).decode())
            assert orjson.loads(websocket.recv(10)) == {"type": "connection_ack"}


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_curl_may_offer_http_2(server: Server, world: World) -> None:
    command = ["curl", "-sS", "--http2", "--max-time", "20", f"{server.url}/graphql", "--data-binary", QUERY.decode()]
    headers = [f"Authorization: Bearer {world.buyer.token}", "Content-Type: application/json"]
    said = subprocess.run(
        [*command, *(part for header in headers for part in ("-H", header))], capture_output=True, check=True
    )
    assert list(json.loads(said.stdout)["data"]) == ["serverTime"]


def test_an_idle_connection_is_kept_for_as_long_as_is_set(serve: Callable[..., Any], server: Server) -> None:
    assert server.uvicorn.config.timeout_keep_alive == server.settings.keep_alive_seconds == 75
    with serve(keep_alive_seconds="0.2") as [url]:
        # The server closes the connection; otherwise this would wait for the time limit.
        assert answers(raw(url, LAST.replace(b"Connection: close\r\n", b""))) == [(200, {"status": "alive"})]
