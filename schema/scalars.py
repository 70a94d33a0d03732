"""The custom scalars: strict in what they accept, and one form in what they return."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
import strawberry
from graphql import GraphQLError, StringValueNode, ValueNode
from strawberry.types.scalar import ScalarDefinition

from resolvers.instant import FinerInstant, cut
from resolvers.money import AmountText, CurrencyCode

EARLIEST_YEAR, LATEST_YEAR = 1900, 9000

_INSTANT = re.compile(r"(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)

MAX_TEXT_LENGTH = 100  # characters of an amount or a currency code; a longer text is not a typing error


def parse_exactly(value: object) -> datetime:
    """Reads RFC 3339 with any offset. Returns a FinerInstant if it is finer than microseconds. Raises ValueError."""
    match = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("A DateTime is a string like 2026-11-23T09:30:00Z, with its offset from UTC.")
    day, time, fraction, offset = match.groups()
    try:
        instant = datetime.fromisoformat(f"{day}T{time}.{(fraction or '')[:6]:0<6}{offset.upper()}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("This date and time does not exist.") from None
    if not EARLIEST_YEAR <= instant.year <= LATEST_YEAR:
        raise ValueError(f"A DateTime must be in the years {EARLIEST_YEAR} to {LATEST_YEAR}.")
    finer = int(f"{(fraction or '')[6:]:0<3}")
    return FinerInstant.of(instant, finer) if finer else instant


def parse_instant(value: object) -> datetime:
    """Reads RFC 3339 and cuts it to microseconds. Raises ValueError."""
    return cut(parse_exactly(value))


def spell_instant(instant: datetime) -> str:
    if instant.tzinfo is not UTC:
        instant = instant.astimezone(UTC)
    text = orjson.dumps(instant, None, orjson.OPT_UTC_Z)[1:-1].decode()  # three times as fast as isoformat
    return text if instant.microsecond else f"{text[:-1]}.000000Z"


def _parse_text(example: str) -> Callable[[object], str]:
    """Accepts any text that somebody may have typed. The checks of the input report what is wrong with it."""

    def parse(value: object) -> str:
        if not isinstance(value, str) or len(value) > MAX_TEXT_LENGTH:
            raise ValueError(f"{example}, of at most {MAX_TEXT_LENGTH} characters.")
        return value

    return parse


def _only_strings(parse: Any) -> Any:
    """Accepts a literal in a document by the same rules as a variable: strings only."""

    def parse_literal(node: ValueNode, _variables: dict[str, Any] | None = None) -> Any:
        try:
            return parse(node.value if isinstance(node, StringValueNode) else None)
        except ValueError as wrong:
            raise GraphQLError(str(wrong), node) from None

    return parse_literal


def _scalar(name: str, description: str, serialize: Any, parse: Any, url: str | None = None) -> ScalarDefinition:
    return strawberry.scalar(
        name=name,
        description=description,
        specified_by_url=url,
        serialize=serialize,
        parse_value=parse,
        parse_literal=_only_strings(parse),
    )


_DECIMAL = _scalar(
    "Decimal",
    "A decimal number as a string, so that no client reads it as a binary fraction. Only strings are accepted. A "
    "string that is not a number is reported in userErrors, with its field.",
    str,
    _parse_text('A Decimal is a string like "19.90"'),
)

SCALARS: dict[object, ScalarDefinition] = {
    datetime: _scalar(
        "DateTime",
        "An instant in the format of RFC 3339. Returned in UTC, with six fractional digits and a Z. Accepted with any "
        "offset from UTC; without an offset it is refused.",
        spell_instant,
        parse_exactly,
        "https://scalars.graphql.org/andimarek/date-time",
    ),
    Decimal: _DECIMAL,
    AmountText: _DECIMAL,
    CurrencyCode: _scalar(
        "CurrencyCode",
        "A currency as its ISO 4217 code: three capital letters, like USD. Any other string is reported in "
        "userErrors, with its field.",
        str,
        _parse_text('A CurrencyCode is a string of three capitals, like "EUR"'),
    ),
}
