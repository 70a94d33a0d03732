"""Declares the fields that resolvers answer, with a description of each argument."""

from typing import Any

import strawberry

from execution.complexity import sized, sized_by, weighing
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
    "size": "The size of the thumbnail.",
}


def resolved(
    resolver: Any,
    graphql_type: Any,
    description: str,
    /,
    *,
    watched: bool = False,
    size: int | None = None,
    sized_by_argument: tuple[str, ...] = (),
    weight: int = 1,
    **arguments: str,
) -> Any:
    """Returns a field that `resolver` answers, or a subscription if it is `watched`. `size` or
    `sized_by_argument` tells how many entries its list has, `weight` how much it costs (execution.complexity). Raises
    KeyError if an argument has no description."""
    declare: Any = strawberry.subscription if watched else strawberry.field
    metadata = {
        **(sized(size) if size is not None else {}),
        **(sized_by(*sized_by_argument) if sized_by_argument else {}),
        **(weighing(weight) if weight > 1 else {}),
    }
    field = declare(resolver, graphql_type=graphql_type, description=description, metadata=metadata)
    for argument in field.arguments:
        argument.description = (DEFAULT_ARGUMENTS | arguments)[argument.python_name]
    return field
