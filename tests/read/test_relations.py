"""A relation that names something which does not exist is reported when the schema is built."""

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

import models
from resolvers.read.pagination import has_pages
from resolvers.read.relations import RelationError, belongs_to, has_latest, has_list, loaded_by, resolve_relations
from resolvers.read.rows import RelationDeclaration, Row, row_types


def resolve(*relations: RelationDeclaration, always: tuple[str, ...] = ()) -> type[Any]:
    """Resolves these relations of a class that is like a row class, but is not among them after this test."""
    declared = relations

    @dataclass(slots=True, kw_only=True)
    class Letter:
        MODEL = models.Message
        ALWAYS = always
        relations = declared

        id: str
        case_id: str
        order_id: str
        order: Any = field(init=False, default=None)

    resolve_relations([cast("type[Row]", Letter)])
    return Letter


async def load(*_: Any) -> None: ...


def test_a_relation_is_found_by_its_name() -> None:
    letter = resolve(belongs_to("order", "Order", column="order_id"))
    assert letter.relations_by_name["order"].join.target is row_types["Order"]


@pytest.mark.parametrize(
    ("relation", "message"),
    [
        (belongs_to("order", "Ordr", column="order_id"), "Letter.order: there is no row class named 'Ordr'."),
        (belongs_to("order", "Order", column="ordre_id"), "Letter.order: Letter has no column 'ordre_id'."),
        (belongs_to("parcel", "Order", column="order_id"), "Letter.parcel: Letter has no attribute 'parcel'."),
        (has_latest("order", "Message"), "Letter.order: Message has no column 'order_id'."),
        (has_latest("order", "Dispute", newest="age"), "Letter.order: Dispute has no column 'age'."),
        (
            has_latest("order", "Dispute", inverse=("letter",)),
            "Letter.order: Dispute has no attribute 'letter'.",
        ),
        (
            has_list(("order",), "Attachment", attribute="order", column="letter_id"),
            "Letter.order: Attachment has no column 'letter_id'.",
        ),
        (
            has_list(("order",), "Attachment", attribute="order", column="case_id"),
            "Letter.order: Letter has no attribute 'collections'.",
        ),
        (has_pages("order", "TimelineEntry", column="at_id"), "Letter.order: TimelineEntry has no column 'at_id'."),
        (loaded_by("order", load, needs=("case",)), "Letter needs the relation 'case', but does not declare it."),
    ],
)
def test_what_a_relation_names_has_to_exist(relation: RelationDeclaration, message: str) -> None:
    with pytest.raises(RelationError) as raised:
        resolve(relation)
    assert str(raised.value) == message


def test_a_relation_is_declared_once_and_not_only_needed() -> None:
    with pytest.raises(RelationError, match=r"^Letter declares the relation 'order' twice\.$"):
        resolve(loaded_by("order", load), loaded_by("order", load))
    with pytest.raises(RelationError, match=r"^Letter needs the relation 'order', but does not declare it\.$"):
        resolve(always=("order",))
