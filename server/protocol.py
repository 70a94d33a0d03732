"""HTTP/1.1 as uvicorn has it, with a bound on what comes before a body: the parser itself would take any length."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD = 64 * 1024  # bytes: the request line with its address, and all headers


class BoundedProtocol(HttpToolsProtocol):
    _head = 0  # bytes of what may still be headers

    def data_received(self, data: bytes) -> None:
        self._head += len(data)
        super().data_received(data)
        if self._head > LARGEST_HEAD and not self.transport.is_closing():
            self.logger.warning("A request's head is too large.")
            self.transport.write(
                b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            )
            self.transport.close()

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._head = -(2**62)  # a body is bounded by whoever reads it

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._head = 0
