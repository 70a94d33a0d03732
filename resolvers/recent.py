"""Keeping what was made lately, and no more than so much of it."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


def recent(kept: OrderedDict[K, V], key: K, make: Callable[[], V], most: int) -> V:
    """The value of this key, made where there is none. What was not asked for the longest gives way."""
    value = kept.pop(key, None)
    kept[key] = value = make() if value is None else value
    if len(kept) > most:
        kept.popitem(last=False)
    return value
