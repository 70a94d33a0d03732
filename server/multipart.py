"""Multipart subscriptions, as Apollo's clients take them."""

from collections.abc import Mapping

from strawberry.http.streaming import MultipartSubscriptionTransport


class MultipartStream(MultipartSubscriptionTransport):
    @property
    def headers(self) -> Mapping[str, str]:
        """Apollo iOS compares the last parameter as a whole, so nothing may follow it."""
        return {"Content-Type": f"multipart/mixed;boundary={self.separator};subscriptionSpec=1.0"}

    def encode_complete(self) -> str:
        """Each part ends with its boundary, so that all that the last one wants is the two hyphens."""
        return "--\r\n"
