"""How subscriptions travel over HTTP, as clients take them."""

from collections.abc import Mapping

from strawberry.http.streaming import MultipartSubscriptionTransport, SSETransport


class EventStream(SSETransport):
    """Server-sent events."""

    def encode_event(self, event: str, data: str | None = None) -> str:
        """Lines end in LF alone: not every client takes CRLF, though all should."""
        return super().encode_event(event, data).replace("\r\n", "\n")

    def encode_comment(self, comment: str) -> str:
        return super().encode_comment(comment).replace("\r\n", "\n")


class MultipartStream(MultipartSubscriptionTransport):
    """Parts of one answer, each a result: Apollo's own way."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Apollo iOS compares the last parameter as a whole, so nothing may follow it."""
        return {"Content-Type": f"multipart/mixed;boundary={self.separator};subscriptionSpec=1.0"}

    def encode_complete(self) -> str:
        """Each part ends with its boundary, so that all that the last one wants is the two hyphens."""
        return "--\r\n"
