"""Relay connections. Every list is one, in pages of 20 unless asked, of 100 at most."""

from typing import Any, Generic, Protocol, TypeVar

import strawberry

from execution.sizes import AS_ASKED
from resolvers.read.pagination import Page
from schema.declare import resolved

T = TypeVar("T")


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether more follows.")
    has_previous_page: bool = strawberry.field(description="Whether more comes before.")
    start_cursor: str | None = strawberry.field(description="The first entry's cursor. Null on an empty page.")
    end_cursor: str | None = strawberry.field(description="The last entry's cursor. Null on an empty page.")


@strawberry.type(description="An entry of a list, with its place.")
class Edge(Generic[T]):
    cursor: str = strawberry.field(description="The entry's place: pass it as `after` or `before`.")
    node: T = strawberry.field(description="The entry.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[T]):
    edges: list[Edge[T]] = strawberry.field(metadata=AS_ASKED, description="The entries.")
    page_info: PageInfo = strawberry.field(description="Where the page lies.")


class HasPages(Protocol):
    """A row with the pages of its connections that were read for this request."""

    pages: dict[tuple[str, Page], Any]


def paged_field(relation: str, connection_type: Any, description: str) -> Any:
    """A connection below a list: its pages were read with the rows (resolvers.read.pagination.has_pages)."""

    def resolve(
        root: HasPages,
        first: int | None = strawberry.UNSET,
        after: str | None = strawberry.UNSET,
        last: int | None = strawberry.UNSET,
        before: str | None = strawberry.UNSET,
    ) -> Any:
        return root.pages[relation, Page.of(first, after, last, before)]

    return resolved(resolve, connection_type, description)
