"""What apps show beside data: the languages that the server speaks, and the names of enum values."""

from resolvers.language import LANGUAGES, Language


def languages() -> list[Language]:
    return list(LANGUAGES.values())
