"""A cache that is bounded by the weight of its values and evicts the least recently used."""

from collections.abc import Callable, Hashable
from operator import itemgetter
from typing import TypeVar

import cachetools

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

# The caches of documents are bounded by the documents' length in characters. Each character takes up to 1 kB of memory.
DOCUMENT_CHARACTERS = 600_000


class LRUCache(cachetools.LRUCache[K, tuple[V, int]]):
    """Keeps values whose weights add up to at most `maxsize`, none of them heavier than a tenth of it."""

    def __init__(self, maxsize: float) -> None:
        super().__init__(maxsize, itemgetter(1))

    def get_or_create(self, key: K, create: Callable[[], tuple[V, int]]) -> V:
        """Returns the value of the key, and creates it if needed. `create` returns a value and its weight."""
        try:
            return self[key][0]
        except KeyError:
            pass
        value, weight = create()
        if weight * 10 <= self.maxsize:
            self[key] = value, weight
        return value


def document_weight(characters: int) -> int:
    """Returns the weight of a cached document with so many characters. Even the shortest takes some memory."""
    return characters + 1000
