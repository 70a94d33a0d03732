"""Registers the enums of models.enums as GraphQL enums, with the descriptions that they declare."""

from typing import Any

import strawberry

from models.enums import DescribedEnum


def _register(enum: type[DescribedEnum]) -> None:
    # Strawberry registers an enum by itself where an input that uses it is declared before this module is imported.
    registered: Any = enum if "__strawberry_definition__" in vars(enum) else strawberry.enum(enum)
    definition = registered.__strawberry_definition__
    definition.description = " ".join((enum.__doc__ or "").split())
    for value in definition.values:
        value.description = enum[value.name].description


for _enum in DescribedEnum.__subclasses__():
    _register(_enum)
