"""Presigned S3 URLs that cover more than obstore signs: headers of the request and of the response.

AWS Signature Version 4 in a query is a keyed hash of the method, the path, the query and the headers that the client
must send. Its key is derived from the secret key, the day and the region. obstore makes a URL for its store; here it is
signed again with what is added to it.
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
    """Returns the URL with `query` added, valid only for requests with these headers, whose names are in lower case."""
    parts = urlsplit(address)
    signed_headers = {"host": parts.netloc, **(headers or {})}
    names = ";".join(sorted(signed_headers))
    parameters = (
        dict(parse_qsl(parts.query, keep_blank_values=True)) | dict(query or {}) | {"X-Amz-SignedHeaders": names}
    )
    parameters.pop("X-Amz-Signature", None)
    canonical_query = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in sorted(parameters.items()))
    canonical = "\n".join(
        [
            method,
            parts.path,
            canonical_query,
            *(f"{name}:{signed_headers[name]}" for name in sorted(signed_headers)),
            "",
            names,
            "UNSIGNED-PAYLOAD",
        ]
    )
    _, day, region, service, end = parameters["X-Amz-Credential"].rsplit("/", 4)
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join([ALGORITHM, parameters["X-Amz-Date"], f"{day}/{region}/{service}/{end}", digest])
    key = f"AWS4{secret_key}".encode()
    for part in (day, region, service, end):
        key = _keyed(key, part)
    return urlunsplit(parts._replace(query=f"{canonical_query}&X-Amz-Signature={_keyed(key, text).hex()}"))


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")


def _keyed(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
