"""How subscriptions travel over HTTP, as clients take them."""

from collections.abc import Mapping

from strawberry.http.streaming import MultipartSubscriptionTransport, SSETransport


def _media_type(part: str) -> tuple[str, float]:
    """Its name, and how much it is wanted."""
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    weights = [text.removeprefix("q=") for text in parameters if text.startswith("q=")]
    try:
        return name, float(weights[0]) if weights else 1.0
    except ValueError:
        return name, 0.0


class EventStream(SSETransport):
    """Server-sent events, only for clients that want nothing rather than them."""

    def accepts(self, accept: str) -> bool:
        """Some clients name this media type in every request, behind what they would rather have."""
        wanted = [_media_type(part) for part in accept.split(",")]
        name, weight = wanted[0]
        return name == "text/event-stream" and weight > 0 and all(weight >= other for _, other in wanted)

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
