"""The catalogues of translations: which sentences there are, and the file of each language, brought up to date.

`./recourse generate` adds new sentences to each catalogue without a translation, and removes those that no code has any
more. A sentence without a translation is shown in English; a test says which ones are missing.
"""

from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

import resolvers
from resolvers.language import ENGLISH_TAG, LANGUAGES, catalogue
from resolvers.sentences import table_sentences
from schema import SCHEMA

_KEYWORDS = {"gettext": None, "gettext_noop": None}
_WIDTH = 120
TRANSLATED = [tag for tag in LANGUAGES if tag != ENGLISH_TAG]


def all_sentences() -> Catalog:
    """Returns every sentence that `gettext` may be asked for."""
    sentences = Catalog(charset="utf-8")
    for sentence, comment in table_sentences():
        sentences.add(sentence, auto_comments=[comment])
    assert SCHEMA  # imports all inputs, whose labels are sentences
    package = Path(resolvers.__file__).parent
    for filename, _, message, *_ in extract_from_dir(str(package), [("**.py", "python")], keywords=_KEYWORDS):
        assert isinstance(message, str), filename
        sentences.add(message)
    return sentences


def translated(tag: str) -> Catalog:
    """Returns the language's catalogue as its file has it."""
    path = catalogue(tag)
    if not path.exists():
        return Catalog(LANGUAGES[tag].locale, charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, LANGUAGES[tag].locale, charset="utf-8")


def up_to_date(tag: str) -> str:
    """Returns the text of the language's file, with exactly the sentences that there are."""
    updated = translated(tag)
    updated.update(all_sentences(), no_fuzzy_matching=True)
    file = BytesIO()
    write_po(file, updated, width=_WIDTH, no_location=True, omit_header=True, sort_output=True, ignore_obsolete=True)
    return file.getvalue().decode()
