"""HTTP/1.1 and WebSocket as uvicorn speaks them, with two changes: a limit on request heads, and upgrades are ignored.

The idea of the second: httptools takes what follows a head with `Upgrade` for another protocol and ends the request
there. But a server may ignore an upgrade (RFC 9110, 7.8); the request is then like any other. `curl --http2` and the
JDK's client send such requests. So the head is parsed a second time without the header. Example:

    POST /graphql HTTP/1.1                  httptools: should_upgrade is true
    connection: upgrade, http2-settings     on_headers_complete: it is no WebSocket, so keep this head without the
    upgrade: h2c                            `upgrade` line in _retry_head
    content-length: 17                      feed_data raises HttpParserUpgrade(offset of the body)
                                            _feed parses _retry_head, then goes on with the data from that offset
    {"query":"{ a }"}                       httptools: an ordinary body
"""

from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from server.errors import as_json

MAX_HEAD_BYTES = 64 * 1024  # the request line and all headers; about, since data arrives in chunks
FRAMING = 8  # bytes of framing that a chunked body may have for each of its bytes


class BoundedProtocol(HttpToolsProtocol):
    parser: Any  # httptools.HttpRequestParser
    _head_bytes = 0  # bytes that are not body: before it, between its chunks, and after it
    _retry_head = b""  # the current request's head without its upgrade, where it must be parsed again

    def data_received(self, data: bytes) -> None:
        self._head_bytes += len(data)
        self._unset_keepalive_if_required()
        try:
            self._feed(data)
        except httptools.HttpParserError:
            self.send_400_response("This is not an HTTP request.")
            return
        if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.logger.warning("A request's head is too large.")
            self._reject(
                b"431 Request Header Fields Too Large", "TOO_LARGE", "A request's headers may have at most 64 kB."
            )

    def _feed(self, data: bytes | memoryview) -> None:
        while True:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                if not self._retry_head:
                    self.handle_websocket_upgrade()
                    return
                head, self._retry_head = self._retry_head, b""
                self.parser.feed_data(head)
                data = memoryview(data)[upgrade.args[0] :]
            else:
                return

    def send_400_response(self, msg: str) -> None:
        self._reject(b"400 Bad Request", "BAD_REQUEST", msg)

    def _reject(self, status: bytes, code: str, message: str) -> None:
        """Sends a response to something that is not a request, and closes the connection."""
        body = as_json(message, {"code": code})
        head = b"HTTP/1.1 %b\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: %d\r\n"
        self.transport.write(head % (status, len(body)) + b"connection: close\r\n\r\n" + body)
        self.transport.close()

    def _get_upgrade(self) -> bytes | None:
        """Returns the protocol that is asked for. The options of a connection may stand in several headers."""
        options = b",".join(value for name, value in self.headers if name == b"connection").lower().split(b",")
        if b"upgrade" not in map(bytes.strip, options):
            return None
        return next((value.lower() for name, value in self.headers if name == b"upgrade"), None)

    def _should_upgrade(self) -> bool:
        """Whether this is a WebSocket handshake: a GET without a body. A body would never be read."""
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
            self._retry_head = self._head_without_upgrade()
        else:
            super().on_headers_complete()

    def _head_without_upgrade(self) -> bytes:
        method = self.parser.get_method()
        if method == b"CONNECT":  # the parser always treats it as an upgrade
            raise ValueError("This server is not a proxy.")
        line = b"%b %b HTTP/%b\r\n" % (method, self.url, self.parser.get_http_version().encode())
        headers = (b"%b: %b\r\n" % header for header in self.headers if header[0] != b"upgrade")
        return b"".join((line, *headers, b"\r\n"))

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self._head_bytes -= (1 + FRAMING) * len(body)  # the application limits the body itself

    def on_message_complete(self) -> None:
        if self._retry_head:  # only the first parse of the head is complete
            return
        super().on_message_complete()
        self._head_bytes = 0


class SocketProtocol(WebSocketsSansIOProtocol):
    """Logs no error for a handshake that is refused. uvicorn takes it for a fault of the application, so that anybody
    could fill the log."""

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body"):
            self.handshake_complete = True
