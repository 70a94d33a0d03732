"""A cache that is bounded by the weight of its values and evicts the least recently used."""

from collections.abc import Callable, Hashable
from operator import itemgetter
from typing import TypeVar

import cachetools

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

# What is kept about documents is bounded by their length in characters. It takes up to a thousand times that in memory.
DOCUMENT_CHARACTERS = 600_000


class LRUCache(cachetools.LRUCache[K, tuple[V, int]]):
    """Values whose weights add up to `maxsize` at most. A value that alone weighs more than a tenth is not kept."""

    def __init__(self, maxsize: float) -> None:
        super().__init__(maxsize, itemgetter(1))

    def get_or_create(self, key: K, create: Callable[[], tuple[V, int]]) -> V:
        """`create` returns a value and its weight."""
        try:
            return self[key][0]
        except KeyError:
            pass
        value, weight = create()
        if weight * 10 <= self.maxsize:
            self[key] = value, weight
        return value


def document_weight(characters: int) -> int:
    """The weight of what is kept about a document of that length; even the shortest takes some memory."""
    return characters + 1000
