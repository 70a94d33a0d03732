"""HTTP/1.1 as uvicorn has it, with a bound on what comes before a body: the parser itself would take any length."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD = 64 * 1024  # bytes: the request line with its address, and all headers; about, since data come in chunks
FRAMING = 8  # bytes that a chunked body may have for each byte that it brings


class BoundedProtocol(HttpToolsProtocol):
    _head = 0  # bytes that are no body: what stands before it, between its chunks, and behind it

    def data_received(self, data: bytes) -> None:
        self._head += len(data)
        super().data_received(data)
        if self._head > LARGEST_HEAD and not self.transport.is_closing():
            self.logger.warning("A request's head is too large.")
            self.transport.write(
                b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            )
            self.transport.close()

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self._head -= (1 + FRAMING) * len(body)  # which is bounded by whoever reads it

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._head = 0
