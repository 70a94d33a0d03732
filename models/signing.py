"""Presigned addresses of S3 that say more than obstore signs: headers of the request, and of the answer.

AWS Signature Version 4 in a query is a keyed hash of the method, the path, the query and the headers that the client
must send. Its key is derived from the secret key, the day and the region. obstore makes an address for its store; here
it is signed again with what is added to it.
"""

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

ALGORITHM = "AWS4-HMAC-SHA256"


def signed_again(
    address: str,
    secret_key: str,
    method: str,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
) -> str:
    """The address with `query` added, good only for requests with these headers, whose names are in lower case."""
    parts = urlsplit(address)
    sent = {"host": parts.netloc, **(headers or {})}
    names = ";".join(sorted(sent))
    said = dict(parse_qsl(parts.query, keep_blank_values=True)) | dict(query or {}) | {"X-Amz-SignedHeaders": names}
    said.pop("X-Amz-Signature", None)
    canonical_query = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in sorted(said.items()))
    canonical = "\n".join(
        [
            method,
            parts.path,
            canonical_query,
            *(f"{name}:{sent[name]}" for name in sorted(sent)),
            "",
            names,
            "UNSIGNED-PAYLOAD",
        ]
    )
    _, day, region, service, end = said["X-Amz-Credential"].rsplit("/", 4)
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join([ALGORITHM, said["X-Amz-Date"], f"{day}/{region}/{service}/{end}", digest])
    key = f"AWS4{secret_key}".encode()
    for part in (day, region, service, end):
        key = _keyed(key, part)
    return urlunsplit(parts._replace(query=f"{canonical_query}&X-Amz-Signature={_keyed(key, text).hex()}"))


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")


def _keyed(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
