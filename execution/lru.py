"""Keeping what was made lately, and no more than so much of it."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

DOCUMENTS = 600_000  # characters of the documents of which something is kept: up to a thousand times that in memory


class Recent(Generic[K, V]):
    """Values that together weigh `most` at most: one each, unless said otherwise. What was not asked for the longest
    gives way. What alone weighs more than a tenth is not kept."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.weight = 0
        self.kept: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self.kept)

    def values(self) -> list[V]:
        return [value for value, _ in self.kept.values()]

    def get(self, key: K, make: Callable[[], V], weight: int = 1) -> V:
        """The value of this key, made where there is none."""
        found = self.kept.get(key)
        if found is not None:
            self.kept.move_to_end(key)
            return found[0]
        value = make()
        if weight * 10 <= self.most:
            self.kept[key] = value, weight
            self.weight += weight
            while self.weight > self.most:
                _, (_, lost) = self.kept.popitem(last=False)
                self.weight -= lost
        return value


def length(operation: Any) -> int:
    """Of the document that the operation is in, in characters."""
    return len(operation.loc.source.body) if operation.loc else 1000
