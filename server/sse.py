"""Server-sent events, only for clients that want nothing rather than them."""

from strawberry.http.streaming import SSETransport


class EventStream(SSETransport):
    def accepts(self, accept: str) -> bool:
        """Some clients name this media type in every request, behind what they would rather have."""
        return accept.split(",")[0].split(";")[0].strip().lower() == "text/event-stream"

    def encode_event(self, event: str, data: str | None = None) -> str:
        """Lines end in LF alone: not every client takes CRLF, though all should."""
        return super().encode_event(event, data).replace("\r\n", "\n")

    def encode_comment(self, comment: str) -> str:
        return super().encode_comment(comment).replace("\r\n", "\n")
