"""Declares the fields that resolvers answer, with a description of each argument."""

from typing import Any

import strawberry

from execution.complexity import asking, sized
from resolvers.read.pagination import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE

DEFAULT_ARGUMENTS = {
    "input": "What to do.",
    "first": f"How many entries from the start, or after `after`. Default {DEFAULT_PAGE_SIZE}, at most "
    f"{MAX_PAGE_SIZE}.",
    "after": "Only entries after this cursor.",
    "last": "How many entries from the end, or before `before`. Not together with `first`.",
    "before": "Only entries before this cursor.",
    "filter": "Only entries that match this filter.",
    "action": "The action.",
}
DEFAULT_FIELDS = {
    "idempotency_key": "Made up by the caller for this one thing, up to 255 characters. Asking again with the same key "
    "and input within 24 hours does nothing again and answers with what was done; with another input it is refused.",
}


def input_type(cls: type, description: str, /, *, one_of: bool = False, **fields: str) -> None:
    """Declares a dataclass as `<class name>Input`. Raises KeyError where a field has no description."""
    name = cls.__name__ if cls.__name__.endswith(("Input", "Filter")) else f"{cls.__name__}Input"
    strawberry.input(cls, name=name, description=description, one_of=one_of or None)
    definition: Any = getattr(cls, "__strawberry_definition__")  # noqa: B009
    for field in definition.fields:
        field.description = (DEFAULT_FIELDS | fields)[field.python_name]


def resolved(
    resolver: Any,
    graphql_type: Any,
    description: str,
    /,
    *,
    watched: bool = False,
    size: int | None = None,
    asks: tuple[str, ...] = (),
    **arguments: str,
) -> Any:
    """Declares a field that `resolver` answers, with a stream where it is `watched`. `size` and `asks` are for the
    measuring of documents (execution.complexity). Raises KeyError where an argument has no description."""
    declare: Any = strawberry.subscription if watched else strawberry.field
    metadata = {**(sized(size) if size is not None else {}), **(asking(*asks) if asks else {})}
    field = declare(resolver, graphql_type=graphql_type, description=description, metadata=metadata)
    for argument in field.arguments:
        argument.description = (DEFAULT_ARGUMENTS | arguments)[argument.python_name]
    return field
