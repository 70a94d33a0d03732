"""The media types and encodings that requests and answers come in, and which of them a client would rather have."""

import re
from functools import lru_cache
from urllib.request import parse_http_list

JSON = "application/json"
GRAPHQL_RESPONSE = "application/graphql-response+json"
EVENT_STREAM = "text/event-stream"
MULTIPART = "multipart/mixed"
SUPPORTED = (JSON, GRAPHQL_RESPONSE, EVENT_STREAM, MULTIPART)  # where all is the same to a client, the first

COMPRESSED_FROM = 1_000  # bytes; less of it is not worth a header

SPELLINGS = 128  # of a header that are kept with what they mean; most clients of a kind send the same

_QUALITY = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?", re.ASCII)


def _parsed(text: str) -> tuple[str, dict[str, str]]:
    media, *parameters = (part.strip().lower() for part in text.split(";"))
    pairs = (parameter.partition("=") for parameter in reversed(parameters))  # of those of one name the first holds
    return media, {name.strip(): value.strip(" \"'") for name, _, value in pairs}


def is_utf8(parameters: dict[str, str]) -> bool:
    """Or ASCII, which is UTF-8, too; or nothing that is said."""
    return parameters.get("charset", "") in ("", "utf-8", "utf8", "us-ascii", "ascii")


@lru_cache(SPELLINGS)
def is_json(content_type: str) -> bool:
    media, parameters = _parsed(content_type)
    return media == JSON and is_utf8(parameters)


def _qualities(accept: str) -> dict[str, tuple[float, int]]:
    """How much each range is wanted: the quality, then how far ahead it stands."""
    found: dict[str, tuple[float, int]] = {}
    for place, text in enumerate(parse_http_list(accept)):
        range, parameters = _parsed(text)
        quality = parameters.get("q", "1")
        if range == MULTIPART and not parameters.get("subscriptionspec", "").startswith("1.0"):
            continue  # parts of another kind, which nothing here is answered in
        if _QUALITY.fullmatch(quality) and is_utf8(parameters):
            found.setdefault(range, (float(quality), -place))
    return found


@lru_cache(SPELLINGS)
def negotiate(accept: str) -> str | None:
    """The one of SPOKEN to answer in; None where none will do. A stream has to be named: some clients name one in every
    request, behind what they would rather have, and */* is no wish for one."""
    wanted = _qualities(accept.strip() or "*/*")

    def want(media: str) -> tuple[float, int, int]:
        ranges = (media, "application/*", "*/*") if media in (JSON, GRAPHQL_RESPONSE) else (media,)
        for width, range in enumerate(ranges):
            if range in wanted:
                quality, place = wanted[range]
                return quality, -width, place
        return 0, 0, 0

    best = max(SUPPORTED, key=want)
    return best if want(best)[0] else None


@lru_cache(SPELLINGS)
def compressed_from(accept_encoding: str) -> int | None:
    """How many bytes an answer has at least that is compressed by gzip; None where none is."""
    wanted: dict[str, float] = {}
    for text in accept_encoding.split(","):
        coding, parameters = _parsed(text)
        quality = parameters.get("q", "1")
        if _QUALITY.fullmatch(quality):
            wanted.setdefault("gzip" if coding == "x-gzip" else coding, float(quality))
    gzip = wanted.get("gzip", wanted.get("*", 0))
    if not gzip or wanted.get("identity", 0) > gzip:
        return None
    refuses_others = wanted.get("identity", wanted.get("*", 1)) == 0
    return 1 if refuses_others else COMPRESSED_FROM


def content_type_header(media: str) -> str:
    """As a header says it. JSON is UTF-8 in any case, but not every client knows."""
    return f"{media}; charset=utf-8"
