"""The language and the time zone of a request, and sentences in them.

English is the language of the source: an English sentence is the key of its translations, which are in
locales/<tag>/LC_MESSAGES/recourse.po. A value has a name in the sentence, and is written as the language does it:

    gettext("This text is longer than {count} characters; shorten it.", count=4000)
    gettext("The feedback could be revised until {closes}.", closes=instant)

    English, UTC             … longer than 4,000 characters …    … until 4 August 2026, 12:00 UTC.
    German, Europe/Berlin    … als 4.000 Zeichen …               … bis 4. August 2026, 14:00 …

A sentence is whole: no part of it is another message. A request's language stands in a context variable, because a
sentence may be made where nothing else of the request is known. It is read when the sentence is made, so whatever is
kept for several requests keeps facts, never sentences.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from functools import cache, cached_property, lru_cache
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path
from typing import Protocol, runtime_checkable

from babel import Locale
from babel.dates import format_date, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal

LOCALES = Path(__file__).parent.parent / "locales"
DOMAIN = "recourse"


@runtime_checkable
class Amount(Protocol):
    """An amount of money: a decimal number as text, and its currency."""

    @property
    def amount(self) -> str: ...
    @property
    def currency_code(self) -> str: ...


Value = str | int | datetime | Amount


@dataclass(frozen=True)
class Language:
    """A language that the server speaks. `tag` is its BCP 47 tag, `name` its own name. `locale` says how it writes
    dates and numbers."""

    tag: str
    name: str
    locale: Locale
    is_right_to_left: bool = False

    @cached_property
    def translations(self) -> GNUTranslations | None:
        """None for English. The compiled catalogue is used where it is not older than its source."""
        source = catalogue(self.tag)
        if self.tag == ENGLISH_TAG or not source.exists():
            return None
        compiled = source.with_suffix(".mo")
        if compiled.exists() and compiled.stat().st_mtime >= source.stat().st_mtime:
            return GNUTranslations(BytesIO(compiled.read_bytes()))
        return GNUTranslations(BytesIO(_compile(source)))


def catalogue(tag: str) -> Path:
    """Returns the path of a language's sentences. The tag's hyphen is an underscore there, as gettext has it."""
    return LOCALES / tag.replace("-", "_") / "LC_MESSAGES" / f"{DOMAIN}.po"


def _compile(source: Path) -> bytes:
    compiled = BytesIO()
    with source.open("rb") as file:
        write_mo(compiled, read_po(file))
    return compiled.getvalue()


def compile_catalogues() -> None:
    """Writes the compiled catalogue of each language beside its source."""
    for language in LANGUAGES.values():
        source = catalogue(language.tag)
        if source.exists():
            source.with_suffix(".mo").write_bytes(_compile(source))


ENGLISH_TAG = "en"
ENGLISH = Language(ENGLISH_TAG, "English", Locale("en", "GB"))
LANGUAGES = {
    language.tag: language
    for language in (
        ENGLISH,
        Language("es", "Español", Locale("es")),
        Language("zh-Hans", "简体中文", Locale("zh", script="Hans")),
        Language("fr", "Français", Locale("fr")),
        Language("de", "Deutsch", Locale("de")),
        Language("ar", "العربية", Locale("ar"), is_right_to_left=True),
    )
}


@dataclass(frozen=True)
class Wording:
    """How a viewer is spoken to: in which language, and in which zone instants are told."""

    language: Language
    zone: tzinfo
    translate: Callable[[str], str] | None = field(init=False)  # None leaves messages as they are

    def __post_init__(self) -> None:
        translations = self.language.translations
        object.__setattr__(self, "translate", translations and translations.gettext)

    def format(self, value: Value) -> str:
        match value:
            case str():
                return value
            case int():
                return format_decimal(value, locale=self.language.locale)
            case datetime():
                return _instant(value, self.language.tag, self.zone)
            case _:
                return format_currency(Decimal(value.amount), value.currency_code, locale=self.language.locale)


DEFAULT = Wording(ENGLISH, UTC)
current: ContextVar[Wording] = ContextVar("wording", default=DEFAULT)


@cache
def wording_of(tag: str, zone: tzinfo) -> Wording:
    return Wording(LANGUAGES[tag], zone)


def gettext(message: str, /, **values: Value) -> str:
    """Returns the message in the request's language, with the values in it."""
    wording = current.get()
    text = message if wording.translate is None else wording.translate(message)
    return text.format(**{name: wording.format(value) for name, value in values.items()}) if values else text


def gettext_noop(message: str, /) -> str:
    """Marks a message of a table, which is translated when it is read."""
    return message


@lru_cache(10_000)  # formatting takes longer than everything else about a sentence
def _instant(instant: datetime, tag: str, zone: tzinfo) -> str:
    """Returns an instant to the minute, like "4 August 2026, 12:00 UTC". UTC is said; the viewer's own zone is not."""
    locale, local = LANGUAGES[tag].locale, instant.astimezone(zone)
    date, time = format_date(local, "long", locale), format_time(local, "short", locale=locale)
    text = str(locale.datetime_formats["medium"]).format(time, date)
    return f"{text} UTC" if zone is UTC else text
