"""Relay connections: the pages of every list that can be long."""

from typing import Any, Generic, Protocol, TypeVar

import strawberry

from execution.complexity import SIZED_BY_PARENT
from resolvers.read.pagination import MAX_TOTAL, Page
from schema.declare import resolved

T = TypeVar("T")


@strawberry.type(description="The position of a page in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="True if the list continues after this page.")
    has_previous_page: bool = strawberry.field(description="True if the list has entries before this page.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first entry. Null if the page is empty.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last entry. Null if the page is empty.")


@strawberry.type(description="An entry of a list, with its cursor.")
class Edge(Generic[T]):
    cursor: str = strawberry.field(description="The entry's position. Pass it as `after` or `before`.")
    node: T = strawberry.field(description="The entry.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[T]):
    edges: list[Edge[T]] = strawberry.field(metadata=SIZED_BY_PARENT, description="The entries of the page.")
    page_info: PageInfo = strawberry.field(description="The position of the page in the list.")


@strawberry.type(name="Connection", description="A page of a list that can be counted.")
class CountedConnection(Generic[T]):
    edges: list[Edge[T]] = strawberry.field(metadata=SIZED_BY_PARENT, description="The entries of the page.")
    page_info: PageInfo = strawberry.field(description="The position of the page in the list.")
    total_count: int | None = strawberry.field(
        description=f"How many entries the list has under its filter. Null if there are more than {MAX_TOTAL:,}. It is "
        "counted only if it is selected."
    )


class HasPages(Protocol):
    """A row with the pages of its connections that were read for this request."""

    pages: dict[tuple[str, Page], Any]


def paged_field(relation: str, connection_type: Any, description: str) -> Any:
    """Returns the field of a connection. Its pages are read with their rows (resolvers.read.pagination.has_pages)."""

    def resolve(
        root: HasPages,
        first: int | None = strawberry.UNSET,
        after: str | None = strawberry.UNSET,
        last: int | None = strawberry.UNSET,
        before: str | None = strawberry.UNSET,
    ) -> Any:
        return root.pages[relation, Page.of(first, after, last, before)]

    return resolved(resolve, connection_type, description)
