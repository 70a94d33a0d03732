"""Content negotiation: the media types, encodings and languages of requests and responses, and which of them a client
prefers."""

import re
from datetime import UTC, tzinfo
from functools import lru_cache
from urllib.request import parse_http_list
from zoneinfo import ZoneInfo

from resolvers.language import ENGLISH_TAG, LANGUAGES, Wording, wording_of

JSON = "application/json"
GRAPHQL_RESPONSE = "application/graphql-response+json"
EVENT_STREAM = "text/event-stream"
MULTIPART = "multipart/mixed"
SUPPORTED = (JSON, GRAPHQL_RESPONSE, EVENT_STREAM, MULTIPART)  # the first one where a client has no preference

COMPRESSED_FROM = 1_000  # bytes; smaller responses are not worth the header

CACHED_VALUES = 128  # of each header; clients of one kind send the same values

_QUALITY = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?", re.ASCII)


def _parsed(text: str) -> tuple[str, dict[str, str]]:
    media, *parameters = (part.strip().lower() for part in text.split(";"))
    pairs = (parameter.partition("=") for parameter in reversed(parameters))  # so that the first of one name counts
    return media, {name.strip(): value.strip(" \"'") for name, _, value in pairs}


def is_utf8(parameters: dict[str, str]) -> bool:
    """Whether the charset is UTF-8, or ASCII, which is part of it, or missing."""
    return parameters.get("charset", "") in ("", "utf-8", "utf8", "us-ascii", "ascii")


@lru_cache(CACHED_VALUES)
def is_json(content_type: str) -> bool:
    media, parameters = _parsed(content_type)
    return media == JSON and is_utf8(parameters)


def _qualities(accept: str) -> dict[str, tuple[float, int]]:
    """Returns how much the client prefers each range: its quality, then how far ahead it stands."""
    qualities: dict[str, tuple[float, int]] = {}
    for position, text in enumerate(parse_http_list(accept)):
        range, parameters = _parsed(text)
        quality = parameters.get("q", "1")
        if range == MULTIPART and not parameters.get("subscriptionspec", "").startswith("1.0"):
            continue  # another kind of parts, which this server does not send
        if _QUALITY.fullmatch(quality) and is_utf8(parameters):
            qualities.setdefault(range, (float(quality), -position))
    return qualities


@lru_cache(CACHED_VALUES)
def negotiate(accept: str) -> str | None:
    """Returns the media type of SUPPORTED to respond in; None where none is acceptable.

    A stream must be named: `*/*` does not include it. Some clients name one in every request, after other types.
    """
    qualities = _qualities(accept.strip() or "*/*")

    def preference(media: str) -> tuple[float, int, int]:
        ranges = (media, "application/*", "*/*") if media in (JSON, GRAPHQL_RESPONSE) else (media,)
        for width, range in enumerate(ranges):
            if range in qualities:
                quality, position = qualities[range]
                return quality, -width, position
        return 0, 0, 0

    best = max(SUPPORTED, key=preference)
    return best if preference(best)[0] else None


@lru_cache(CACHED_VALUES)
def compressed_from(accept_encoding: str) -> int | None:
    """Returns from how many bytes a response is compressed with gzip; None for never."""
    qualities: dict[str, float] = {}
    for text in accept_encoding.split(","):
        coding, parameters = _parsed(text)
        quality = parameters.get("q", "1")
        if _QUALITY.fullmatch(quality):
            qualities.setdefault("gzip" if coding == "x-gzip" else coding, float(quality))
    gzip = qualities.get("gzip", qualities.get("*", 0))
    if not gzip or qualities.get("identity", 0) > gzip:
        return None
    refuses_others = qualities.get("identity", qualities.get("*", 1)) == 0
    return 1 if refuses_others else COMPRESSED_FROM


def content_type_header(media: str) -> str:
    """Returns the Content-Type header. JSON is always UTF-8, but some clients need the charset."""
    return f"{media}; charset=utf-8"


@lru_cache(CACHED_VALUES)
def negotiate_wording(accept_language: str, time_zone: str) -> Wording:
    """Returns the language that the client prefers, and its zone: English where the server speaks none of them, and UTC
    for what is no IANA name."""
    return wording_of(_language_tag(accept_language), _zone(time_zone))


_TAGS = {tag.partition("-")[0]: tag for tag in LANGUAGES}  # by the language without its script: a region is ignored


def _language_tag(accept: str) -> str:
    """Returns the first supported language of the most preferred ranges. `*` is English."""
    qualities = _qualities(accept)
    for language in sorted(qualities, key=qualities.__getitem__, reverse=True):
        quality, _ = qualities[language]
        tag = ENGLISH_TAG if language == "*" else _TAGS.get(language.partition("-")[0])
        if quality and tag is not None:
            return tag
    return ENGLISH_TAG


_UTC_NAMES = frozenset({"", "UTC", "Etc/UTC"})


def _zone(name: str) -> tzinfo:
    try:
        return UTC if name in _UTC_NAMES else ZoneInfo(name)
    except (ValueError, KeyError, OSError):  # not a name, an unknown one, or a folder of zones
        return UTC
