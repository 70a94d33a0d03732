"""Every sentence that a response can have, as every role in every language: it is the translation of its English, with
the same values in it."""

import re
from collections.abc import Generator, Iterator
from functools import cache
from typing import Any, cast

import httpx2
import pytest
from graphql import get_named_type, is_leaf_type, is_object_type, is_required_argument
from graphql.type import is_abstract_type

from models.enums import Action
from schema import SCHEMA
from server.cli.catalogues import TRANSLATED, translated
from tests.conftest import Person, Server
from tests.support.filled import LATER, Filled
from tests.support.paths import TYPES

# The fields whose text is the server's own.
SENTENCES = {
    ("AgendaEntry", "text"),
    ("Check", "text"),
    ("Choice", "description"),
    ("Choice", "label"),  # of a line, its title
    ("Choice", "recommendedEvidence"),
    ("Decision", "label"),
    ("Decision", "message"),
    ("FormField", "hint"),
    ("FormField", "label"),
    ("Rule", "conditions"),
    ("Rule", "label"),
    ("Rule", "windowFrom"),
    ("TimelineEntry", "text"),
    ("UserError", "message"),
}
# Fields with what people or other systems wrote, and with what no person reads.
DATA = {
    *((of, "text") for of in ("Appeal", "EvidenceRequest", "Message")),
    *((of, "note") for of in ("Cancellation", "CancellationAnswer", "Outcome", "ReturnShipment", "TimelineEntry")),
    *((of, "number") for of in ("Cancellation", "Complaint", "Dispute", "Order")),
    *((of, "description") for of in ("Complaint", "Dispute")),
    *(("Attachment", name) for name in ("contentType", "filename", "originalUrl", "thumbnailUrl", "url")),
    *(("Contact", name) for name in ("email", "phone", "phoneE164")),
    *(("OrderItem", name) for name in ("imageUrl", "sku", "title")),
    *(("Respondent", name) for name in ("email", "memberId", "url")),
    *(("ReturnShipment", name) for name in ("address", "carrier", "trackingNumber")),
    *((of, "comment") for of in ("Feedback", "FeedbackVersion")),
    *((of, "path") for of in ("FieldCondition", "FormField")),
    ("FileKind", "contentType"),
    *((of, "calendarUrl") for of in ("ResetCalendarPayload", "Viewer")),
    ("Account", "name"),
    ("Choice", "value"),
    ("EnumLabels", "enum"),
    ("FieldCondition", "values"),
    ("FieldGroup", "paths"),
    ("FormField", "atMostItemsAt"),
    ("FormField", "contentTypes"),
    ("Feedback", "reply"),
    ("Header", "name"),
    ("Header", "value"),
    ("Language", "name"),
    ("Language", "tag"),
    ("RecordOrdersPayload", "ignored"),
    ("Refund", "reference"),
    ("Rule", "source"),
    ("Upload", "method"),
    ("Upload", "url"),
    ("UserError", "field"),
}
CHUNK = 12  # actions that one document asks about


def texts_of_types() -> set[tuple[str, str]]:
    """Returns every field of an object type whose value is text."""
    return {
        (of.name, name)
        for of in TYPES.values()
        if is_object_type(of) and not of.name.startswith("__")
        for name, field in of.fields.items()
        if get_named_type(field.type).name == "String" and "ursor" not in name
    }


def test_every_text_is_a_sentence_or_data() -> None:
    assert texts_of_types() == SENTENCES | DATA


def leading_to_sentences(of: Any, seen: set[str]) -> str:
    """Returns the selection of all sentences below a type. No type stands in it twice."""
    if is_abstract_type(of):
        possible: list[Any] = [one for one in SCHEMA._schema.get_possible_types(of) if one.name not in seen]
        seen |= {one.name for one in possible}
        found = {one.name: leading_to_sentences(one, seen) for one in possible}
        return " ".join(f"... on {name} {{ {below} }}" for name, below in found.items() if below)
    parts: list[str] = []
    for name, field in of.fields.items():
        target = cast("Any", get_named_type(field.type))
        if (of.name, name) in SENTENCES:
            parts.append(name)
        arguments: dict[str, Any] = field.args
        if is_leaf_type(target) or target.name in seen or any(map(is_required_argument, arguments.values())):
            continue
        seen.add(target.name)
        if below := leading_to_sentences(target, seen):
            parts.append(f"{name}{'(first: 10)' if 'first' in field.args else ''} {{ {below} }}")
    return " ".join(parts)


def documents() -> Iterator[str]:
    for name, field in TYPES["Viewer"].fields.items():
        target = cast("Any", get_named_type(field.type))
        if not is_leaf_type(target) and (below := leading_to_sentences(target, {"Viewer", str(target.name)})):
            yield f"{{ viewer {{ {name}{'(first: 20)' if 'first' in field.args else ''} {{ {below} }} }} }}"
    yield "{ rules { conditions label windowFrom } }"
    yield "{ enumLabels { values { label description } } }"
    actions = list(Action)
    for start in range(0, len(actions), CHUNK):
        asked = " ".join(
            f"d{place}: decision(action: {action}) {{ label message checks {{ text }} }}"
            for place, action in enumerate(actions[start : start + CHUNK])
        )
        for name in ("orders", "disputes", "complaints"):
            yield f"{{ viewer {{ {name}(first: 20) {{ edges {{ node {{ {asked} }} }} }} }} }}"


DOCUMENTS = list(documents())


def pattern(sentence: str) -> re.Pattern[str]:
    """Returns a pattern of a sentence with any values in it."""
    parts = re.split(r"\{(\w+)\}", sentence)
    return re.compile(
        "".join(f"(?P<{part}>.+)" if place % 2 else re.escape(part) for place, part in enumerate(parts)), re.DOTALL
    )


@cache
def patterns(tag: str) -> list[tuple[re.Pattern[str], re.Pattern[str]]]:
    """Returns the patterns of each English sentence and of its translation."""
    return [(pattern(str(each.id)), pattern(str(each.string))) for each in translated(tag) if each.id and each.string]


@cache
def is_translation(tag: str, english: str, text: str) -> bool:
    return any(
        before.fullmatch(english) is not None and after.fullmatch(text) is not None for before, after in patterns(tag)
    )


def texts(answer: Any) -> Iterator[str | None]:
    """Yields every text in an answer, in its order."""
    if isinstance(answer, dict):
        for value in answer.values():
            yield from texts(value)
    elif isinstance(answer, list):
        for value in answer:
            yield from texts(value)
    else:
        yield answer


@pytest.fixture(scope="module")
def filled(server: Server) -> Generator[Filled]:
    with httpx2.Client(base_url=server.url, timeout=60) as http:
        yield Filled(http).at(LATER)


def asked(person: Person, document: str, tag: str) -> list[str | None]:
    answer = person.send({"query": document}, **{"Accept-Language": tag, "Time-Zone": "Asia/Tokyo"})
    assert answer.headers["content-language"] == tag
    assert "errors" not in answer.json(), answer.json()["errors"]
    return list(texts(answer.json()["data"]))


@pytest.mark.parametrize("role", ["buyer", "supplier", "agent", "service"])
def test_every_sentence_is_the_translation_of_its_english(filled: Filled, role: str) -> None:
    person = getattr(filled, role)
    seen: set[str] = set()
    for document in DOCUMENTS:
        english = asked(person, document, "en")
        seen |= {text for text in english if text is not None}
        for tag in TRANSLATED:
            for text, translation in zip(english, asked(person, document, tag), strict=True):
                is_theirs = text is None or filled.mark in text  # somebody's words, or a sentence with them
                if not (is_theirs and translation == text):
                    assert translation is not None
                    assert is_translation(tag, text, translation), (tag, text, translation)
    assert len(seen) > 100
