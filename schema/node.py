"""What every type behind an interface has in common."""

from typing import Any

import strawberry

from execution.compiler import by_class


@strawberry.interface(description="Anything with an id of its own, which `node` finds again.")
class Node:
    global_id: strawberry.ID = strawberry.field(
        name="id", description="Opaque, and unique over all types. Do not take it apart."
    )

    @classmethod
    @by_class
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        return type(obj).__name__ == cls.__name__

    @classmethod
    @by_class
    def resolve_type(cls, obj: Any, *_: Any) -> str:
        return type(obj).__name__
