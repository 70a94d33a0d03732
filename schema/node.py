"""The interface Node, and how the objects of an interface tell their type."""

from typing import Any

import strawberry

from execution.compiler import by_class


@strawberry.interface(description="An object with an id, which `Query.node` finds.")
class Node:
    global_id: strawberry.ID = strawberry.field(
        name="id", description="An opaque id, unique over all types. Do not parse it."
    )

    @classmethod
    @by_class
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        return type(obj).__name__ == cls.__name__

    @classmethod
    @by_class
    def resolve_type(cls, obj: Any, *_: Any) -> str:
        return type(obj).__name__
