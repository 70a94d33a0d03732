"""Registers the enums of models.enums as GraphQL enums, with the descriptions that they declare."""

from typing import Any

import strawberry

from models.enums import DescribedEnum


def _register(enum: type[DescribedEnum]) -> None:
    definition: Any = strawberry.enum(enum, description=" ".join((enum.__doc__ or "").split()))
    for value in definition.__strawberry_definition__.values:
        value.description = enum[value.name].description


for _enum in DescribedEnum.__subclasses__():
    _register(_enum)
