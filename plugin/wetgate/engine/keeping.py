"""What was made once and will be wanted again, with a limit to how much of it is held."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """The last ``most`` values by key; the one that was not wanted for longest goes first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K, make: Callable[[], V]) -> V:
        """The value of ``key``, made if it is not held."""
        if key not in self._values:
            value = make()  # which may ask for other keys: only what is done takes a place
            self._values[key] = value
            while len(self._values) > self._most:
                self._values.popitem(last=False)
            return value
        self._values.move_to_end(key)
        return self._values[key]

    def held(self, key: K) -> V | None:
        """The value of ``key``, if it is held."""
        return self._values.get(key)
