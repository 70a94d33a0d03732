"""The catalogues of translations: complete, with every placeholder, and compiled as they are written."""

import string
from pathlib import Path

import pytest

from resolvers import language
from resolvers.language import LANGUAGES, Language, catalogue
from server.cli.catalogues import TRANSLATED, all_sentences, translated

# The same word in English and in some of the languages.
SHARED = {"Action", "Agent", "Communication", "Message", "Secure Payment", "Trade Assurance"}


def placeholders(sentence: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None)


def sentences(tag: str) -> dict[str, str]:
    return {str(message.id): str(message.string) for message in translated(tag) if message.id}


@pytest.mark.parametrize("tag", TRANSLATED)
def test_every_sentence_is_translated(tag: str) -> None:
    translations = sentences(tag)
    assert [message.id for message in all_sentences() if message.id and not translations.get(str(message.id))] == []


@pytest.mark.parametrize("tag", TRANSLATED)
def test_a_translation_has_the_placeholders_of_its_sentence(tag: str) -> None:
    assert {
        english: translation
        for english, translation in sentences(tag).items()
        if placeholders(english) != placeholders(translation)
    } == {}


@pytest.mark.parametrize("tag", TRANSLATED)
def test_no_translation_is_english(tag: str) -> None:
    assert {english for english, translation in sentences(tag).items() if english == translation} <= SHARED


def test_a_compiled_catalogue_says_what_its_source_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "LOCALES", tmp_path)
    source = catalogue("de")
    source.parent.mkdir(parents=True)
    source.write_text('msgid "Reply"\nmsgstr "Antworten"\n', encoding="utf-8")

    def said() -> str:
        german = LANGUAGES["de"]
        translations = Language(german.tag, german.name, german.locale).translations
        return translations.gettext("Reply") if translations else ""

    assert said() == "Antworten"
    language.compile_catalogues()
    source.unlink()
    assert said() == ""  # nothing is left of a language without a source
    source.write_text('msgid "Reply"\nmsgstr "Erwidern"\n', encoding="utf-8")
    assert said() == "Erwidern"  # the source is newer than what was compiled from it
    language.compile_catalogues()
    assert said() == "Erwidern"


def test_a_sentence_that_no_catalogue_has_fails_any_test() -> None:
    with pytest.raises(AssertionError, match="catalogues"):
        language.gettext("This sentence stands in no catalogue.")
