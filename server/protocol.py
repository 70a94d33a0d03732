"""HTTP/1.1 as uvicorn has it, with a bound on what comes before a body (the parser itself would take any length), and
deaf to upgrades, but for WebSocket.

The parser takes whatever follows a head with `Upgrade` for another protocol, and ends the request there. A server may
ignore an upgrade (RFC 9110, 7.8), and then it is a request like any other: its head is read a second time, without the
header, and the parser goes on with its body. So `curl --http2` and the JDK's client, which offer h2c, are answered.
"""

from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from server.errors import as_json

MAX_HEAD_BYTES = (
    64 * 1024
)  # bytes: the request line with its address, and all headers; about, since data come in chunks
FRAMING = 8  # bytes that a chunked body may have for each byte that it brings


class BoundedProtocol(HttpToolsProtocol):
    parser: Any  # httptools.HttpRequestParser
    _head = 0  # bytes that are no body: what stands before it, between its chunks, and behind it
    _again = b""  # the head of the request that is being read, where it is to be read without its upgrade

    def data_received(self, data: bytes) -> None:
        self._head += len(data)
        self._unset_keepalive_if_required()
        try:
            self._feed(data)
        except httptools.HttpParserError:
            self.send_400_response("This is not an HTTP request.")
            return
        if self._head > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.logger.warning("A request's head is too large.")
            self._refuse(b"431 Request Header Fields Too Large", "TOO_LARGE", "A head has at most 64 kB.")

    def _feed(self, data: bytes | memoryview) -> None:
        while True:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                if not self._again:
                    self.handle_websocket_upgrade()
                    return
                head, self._again = self._again, b""
                self.parser.feed_data(head)
                data = memoryview(data)[upgrade.args[0] :]
            else:
                return

    def send_400_response(self, msg: str) -> None:
        self._refuse(b"400 Bad Request", "BAD_REQUEST", msg)

    def _refuse(self, status: bytes, code: str, message: str) -> None:
        """Answers what does not become a request, and closes the connection."""
        body = as_json(message, {"code": code})
        head = b"HTTP/1.1 %b\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: %d\r\n"
        self.transport.write(head % (status, len(body)) + b"connection: close\r\n\r\n" + body)
        self.transport.close()

    def _get_upgrade(self) -> bytes | None:
        """The protocol that is asked for. The words of a connection may stand in several headers."""
        words = b",".join(value for name, value in self.headers if name == b"connection").lower().split(b",")
        if b"upgrade" not in map(bytes.strip, words):
            return None
        return next((value.lower() for name, value in self.headers if name == b"upgrade"), None)

    def _should_upgrade(self) -> bool:
        """A handshake is a GET without a body; whoever takes it would wait for ever for another."""
        if self.parser.get_method() != b"GET" or not super()._should_upgrade():
            return False
        return not any(
            name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
            for name, value in self.headers
        )

    def handle_websocket_upgrade(self) -> None:
        self.headers[:] = [header for header in self.headers if header[0] != b"content-length"]
        super().handle_websocket_upgrade()

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade() and not self._should_upgrade():
            self._again = self._without_upgrade()
        else:
            super().on_headers_complete()

    def _without_upgrade(self) -> bytes:
        method = self.parser.get_method()
        if method == b"CONNECT":  # which the parser takes for an upgrade, too, and always would
            raise ValueError("This is no proxy.")
        line = b"%b %b HTTP/%b\r\n" % (method, self.url, self.parser.get_http_version().encode())
        kept = (b"%b: %b\r\n" % header for header in self.headers if header[0] != b"upgrade")
        return b"".join((line, *kept, b"\r\n"))

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self._head -= (1 + FRAMING) * len(body)  # which is bounded by whoever reads it

    def on_message_complete(self) -> None:
        if self._again:  # only the first reading of its head is complete
            return
        super().on_message_complete()
        self._head = 0


class SocketProtocol(WebSocketsSansIOProtocol):
    """WebSocket as uvicorn has it, which takes an opening that is refused with an answer for a fault of the
    application, and logs an error: whoever likes could fill the log."""

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body"):
            self.handshake_complete = True
