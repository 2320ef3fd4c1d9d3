"""Log lines that a client could cause again and again: each is written once in a span of time."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final

SPAN: Final = 600.0  # s
_KEPT: Final = 1000


class Repeats:
    """What was told lately, by a key; the oldest of too many is forgotten."""

    def __init__(self, span: float = SPAN, clock: Callable[[], float] = time.monotonic) -> None:
        self._span = span
        self._clock = clock
        self._told: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()

    def due(self, key: Hashable) -> int | None:
        """How often it was kept quiet since it was told last; None when it is to be kept quiet now."""
        now = self._clock()
        told, quiet = self._told.get(key, (None, 0))
        if told is not None and now - told < self._span:
            self._told[key] = (told, quiet + 1)
            return None
        self._told.pop(key, None)
        self._told[key] = (now, 0)
        if len(self._told) > _KEPT:
            self._told.popitem(last=False)
        return quiet
