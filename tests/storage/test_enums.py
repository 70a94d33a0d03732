"""Enums are declared once, with their descriptions."""

import pickle

import orjson
import pytest

from models.enums import DescribedEnum

ENUMS = DescribedEnum.__subclasses__()
MEMBERS = [member for enum in ENUMS for member in enum]


@pytest.mark.parametrize("enum", ENUMS)
def test_every_enum_and_member_has_a_description(enum: type[DescribedEnum]) -> None:
    assert enum.__doc__
    assert enum.__doc__ != DescribedEnum.__doc__
    assert [member.name for member in enum if not member.description.endswith(".")] == []


def test_a_member_without_a_description_is_refused() -> None:
    with pytest.raises(TypeError):

        class Bare(DescribedEnum):  # type: ignore[reportUnusedClass]
            MEMBER = "MEMBER"  # type: ignore[call-arg]


@pytest.mark.parametrize("member", MEMBERS)
def test_a_member_is_its_name(member: DescribedEnum) -> None:
    assert member.value == member == str(member) == member.name
    assert hash(member) == hash(member.name)
    assert type(member)(member.name) is member
    assert pickle.loads(pickle.dumps(member)) is member  # noqa: S301
    assert orjson.loads(orjson.dumps(member)) == member.name
