"""The forms of a text that people type and paste: trimmed, normalized, on one line, and searchable.

Example: `trimmed("\\u200b Café \\ufeff")` is `"Café"`, and `trimmed("❤\\ufe0f")` keeps its variation selector, without
which the heart is another character.
"""

import re
import unicodedata
from collections.abc import Iterable

# Invisible characters: Unicode's default ignorable code points, the fillers and the empty Braille cell. Arabic's signs
# that enclose numbers are format characters, too, but are visible.
_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_SPACES = "\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_LEADING = re.compile(f"[{_INVISIBLE}{_SPACES}]+")
_BLANK = re.compile(f"[{_INVISIBLE}{_SPACES}\x01-\x1f\x7f-\x9f]*")
_ANY_INVISIBLE = re.compile(f"[{_INVISIBLE}]")

_ENDS = "".join(
    chr(code)
    for start, _, end in re.findall("(.)(-(.))?", _INVISIBLE + _SPACES, re.DOTALL)
    for code in range(ord(start), ord(end or start) + 1)
)

_VARIATION = re.compile("[\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_OF_EMOJI = "\ufe0e\ufe0f"
_REGION = re.compile("\ufe0f?[\U000e0020-\U000e007e]+\U000e007f")  # the tags of a regional flag, with their end
_VIRAMA = 9  # the canonical combining class of a virama

_NOT_IN_A_LINE = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def trimmed(text: str) -> str:
    """Returns the text without spaces and invisible characters at its ends, but keeps those that belong to its last
    visible character."""
    if text.isascii():
        return text.strip()
    start = match.end() if (match := _LEADING.match(text)) else 0
    end = len(text.rstrip(_ENDS))
    return text[start : end + _belonging(text, end)] if start < end else ""


def _belonging(text: str, end: int) -> int:
    """Returns how many of the invisible characters after the last visible one belong to it."""
    last = text[end - 1]
    if unicodedata.category(last) == "So" and (tags := _REGION.match(text, end)):
        return tags.end() - end
    following = text[end : end + 1]
    if unicodedata.combining(last) == _VIRAMA and following in ("\u200c", "\u200d"):
        return 1
    varies = _VARIATION.match(following) and not (last.isalpha() and (last.isascii() or following in _OF_EMOJI))
    return 1 if varies or (last, following) == ("ℹ", "\ufe0f") else 0


def normal(text: str) -> str:
    """Returns the text as it is stored and compared: trimmed, in Unicode's form NFC."""
    return trimmed(text) if text.isascii() else trimmed(unicodedata.normalize("NFC", text))


def without_invisible(text: str) -> str:
    """Returns the text without any invisible characters, for comparing, never for storing."""
    return text if text.isascii() else _ANY_INVISIBLE.sub("", text)


def is_blank(text: str) -> bool:
    """Whether the text shows nothing."""
    return _BLANK.fullmatch(text) is not None


def is_one_line(text: str) -> bool:
    """Whether the text has no line breaks, control characters or overrides of the reading direction. The marks that
    Arabic and Hebrew names need are allowed."""
    return _NOT_IN_A_LINE.search(text) is None


def one_line(text: str) -> str:
    """Returns the text on one line, with a space for whatever does not belong there."""
    parts = map(str.strip, _NOT_IN_A_LINE.split(text))
    return normal(" ".join(part for part in parts if part))


def searchable(text: str) -> str:
    """Returns the text as it is searched: the same for any letter case, width, encoding and kind of spaces. All Turkish
    i's count as one letter."""
    if not text.isascii():
        folded = unicodedata.normalize("NFKC", without_invisible(text)).casefold()
        folded = folded.replace("i\u0307", "i").replace("ı", "i")
        text = without_invisible(unicodedata.normalize("NFKC", folded))
    return " ".join(text.casefold().split())


def order_search(number: str, buyer: str, supplier: str, titles: Iterable[str]) -> str:
    """Returns the text in which an order is searched: its number, the display names of its parties, and the titles of
    its items, one on each line."""
    return "\n".join(map(searchable, (number, buyer, supplier, *titles)))
