"""Subscriptions over HTTP: event streams and multipart responses, as clients accept them."""

from collections.abc import Mapping

from strawberry.http.streaming import MultipartSubscriptionTransport, SSETransport


class EventStream(SSETransport):
    """Server-sent events."""

    def encode_event(self, event: str, data: str | None = None) -> str:
        """Ends lines with LF only: some clients do not accept CRLF."""
        return super().encode_event(event, data).replace("\r\n", "\n")

    def encode_comment(self, comment: str) -> str:
        return super().encode_comment(comment).replace("\r\n", "\n")


class MultipartStream(MultipartSubscriptionTransport):
    """One response with a part for each result: Apollo's protocol."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Puts subscriptionSpec last: Apollo iOS compares it with the rest of the header."""
        return {"Content-Type": f"multipart/mixed;boundary={self.separator};subscriptionSpec=1.0"}

    def encode_complete(self) -> str:
        """Returns the two hyphens that end the response: the boundary was sent with the last part."""
        return "--\r\n"
