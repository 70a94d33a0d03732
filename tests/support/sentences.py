"""Watches that every English sentence that a test hears is in the catalogues, so that it can be translated."""

from collections.abc import Generator
from contextlib import contextmanager
from functools import cache

from resolvers import language
from resolvers.language import DEFAULT, ENGLISH, wording_of
from server.cli.catalogues import all_sentences


@cache
def known() -> frozenset[str]:
    return frozenset(str(message.id) for message in all_sentences() if message.id)


class Watched:
    """English, as `gettext` reads a language."""

    def gettext(self, message: str) -> str:
        assert message in known(), f"The catalogues do not have {message!r}. Is its table in resolvers/sentences.py?"
        return message


@contextmanager
def watching_sentences() -> Generator[None]:
    english = Watched()
    ENGLISH.__dict__["translations"] = english  # what the cached property holds
    wording_of.cache_clear()
    object.__setattr__(DEFAULT, "translate", english.gettext)
    try:
        yield
    finally:
        ENGLISH.__dict__["translations"] = None
        wording_of.cache_clear()
        object.__setattr__(DEFAULT, "translate", None)
        assert language.current.get() is DEFAULT
